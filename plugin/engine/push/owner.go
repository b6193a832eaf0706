package push

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// findRivals finds the targets that belong to other scenes.
func (pl *Pipeline) findRivals(ctx context.Context, pushes []*Push, known map[string]store.Item) error {
	return gate.InHalves(ctx, pl.Gate, pushes, func(ctx context.Context, some []*Push) error { return pl.askForRivals(ctx, some, known) })
}

// askForRivals asks Stash once for all pushes: an item belongs to the scene for which it was chosen, else to the scene
// that owns it as long as one of its files is in it, else to the scene of its first part.
func (pl *Pipeline) askForRivals(ctx context.Context, pushes []*Push, known map[string]store.Item) error {
	m, err := pl.Matcher(ctx)
	if err != nil {
		return err
	}
	items := make(map[string][]string) // their files
	for _, p := range pushes {
		for _, t := range p.Targets {
			items[t.key()] = match.Paths(&t.Current)
		}
	}
	choosers, err := m.Choosers(ctx, items)
	if err != nil {
		return err
	}
	ownerOf := func(key string) int { return cmp.Or(choosers[key], known[key].Owner) }
	others := false // some item has another owner, or none
	owners, held := make(map[string]int), make(map[string]*plexapi.Item)
	for _, p := range pushes {
		for _, t := range p.Targets {
			key := t.Hit.RatingKey
			if owner := ownerOf(key); owner != p.Job.SceneID {
				others = true
				if owner != 0 {
					owners[key], held[key] = owner, &t.Current
				}
			}
		}
	}
	if !others {
		return nil
	}
	owned, doubts, err := pl.stillOwned(ctx, m, owners, choosers, func(h match.Hit) bool { return match.Holds(held[h.RatingKey], h.Path) })
	if err != nil {
		return err
	}
	for _, p := range pushes {
		for _, t := range p.Targets {
			key := t.Hit.RatingKey
			if !owned[key] || owners[key] == p.Job.SceneID {
				continue
			}
			t.rivalScene, t.rival = owners[key], notOwned(owners[key], key, fmt.Sprintf("Plex item %s belongs to scene %d and contains a file of that scene", key, owners[key]))
			if choosers[key] != 0 {
				t.rival = chosenElsewhere(match.Taken{Hit: t.Hit, Scene: owners[key]})
			}
			if doubts[key] != nil {
				p.Fail(retry.OfScene(doubts[key]))
			}
		}
	}
	return pl.leaveToFirst(ctx, m, going(pushes), ownerOf)
}

// leaveToFirst assigns items with several parts and without an owner to the scene of the first part, unless a person has
// chosen another item for that scene.
func (pl *Pipeline) leaveToFirst(ctx context.Context, m *match.Matcher, pushes []*Push, ownerOf func(key string) int) error {
	firsts := make(map[*Target][]string) // Stash's possible paths of the first part
	var paths []string
	for _, p := range pushes {
		for _, t := range p.Targets {
			if t.rival != nil || ownerOf(t.key()) == p.Job.SceneID {
				continue
			}
			first, several := firstPart(&t.Current)
			if several && pathform.Normal(first.File) != pathform.Normal(t.Hit.Path) {
				firsts[t] = m.StashPaths(first.File)
				paths = append(paths, firsts[t]...)
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	scenes, err := m.Others(ctx, paths)
	if err != nil {
		return err
	}
	elsewhere, err := m.Choices(ctx, slices.Collect(maps.Values(scenes)))
	if err != nil {
		return err
	}
	for _, p := range pushes {
		for _, t := range p.Targets {
			for _, path := range firsts[t] {
				if id := scenes[path]; id != 0 && id != p.Job.SceneID && elsewhere[id].SceneID == 0 {
					t.rivalScene, t.rival = id, notOwned(id, t.Hit.RatingKey, fmt.Sprintf("Plex item %s contains several files and belongs to scene %d, which has the first file", t.Hit.RatingKey, id))
				}
			}
		}
	}
	return nil
}

// firstPart returns the first file of an item, and whether the item has several.
func firstPart(it *plexapi.Item) (first plexapi.Part, several bool) {
	live := 0
	for _, p := range it.Parts {
		if p.Deleted {
			continue
		}
		if live++; live == 1 {
			first = p
		}
	}
	return first, live > 1
}

// stillOwned returns which items still belong to their owners: the scene is in Stash, and the item was chosen for it, or
// in reports that the item holds one of its files. A scene that Stash cannot read keeps its items; doubts holds the error
// for each such item, so that other scenes retry.
func (pl *Pipeline) stillOwned(ctx context.Context, m *match.Matcher, owners, choosers map[string]int, in func(match.Hit) bool) (owned map[string]bool, doubts map[string]error, err error) {
	if len(owners) == 0 {
		return nil, nil, nil
	}
	ids := slices.Compact(slices.Sorted(maps.Values(owners)))
	result, err := pl.scenes(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	scenes := make([]*stashapi.Scene, len(result.Found))
	for i := range result.Found {
		scenes[i] = &result.Found[i]
	}
	fits, err := m.Fits(ctx, scenes)
	if err != nil {
		return nil, nil, err
	}
	owned, doubts = make(map[string]bool, len(owners)), make(map[string]error)
	for key, owner := range owners {
		if err := result.Failed[owner]; err != nil {
			doubts[key] = fmt.Errorf("it is not known whether Plex item %s still belongs to scene %d: %w", key, owner, err)
		}
		hits, there := fits[owner]
		owned[key] = doubts[key] != nil || there && (choosers[key] == owner ||
			slices.ContainsFunc(hits, func(h match.Hit) bool { return h.RatingKey == key && in(h) }))
	}
	return owned, doubts, nil
}

// takeOwnership makes a scene the owner of an item and returns the item's base with its current files. The base is
// empty if the item holds other files than before, as after a reset of Plex's database. An item that keeps its owner
// has only been moved.
func takeOwnership(it store.Item, scene int, held *plexapi.Item) store.Item {
	if it.Owner != scene && !SameFiles(it, held) {
		it = store.Item{Server: it.Server, RatingKey: it.RatingKey, Section: it.Section, Fresh: true}
	}
	if it.Owner != scene { // the stored version of the cover is the former owner's
		it.Images = maps.Clone(it.Images)
		for lock, image := range it.Images {
			image.Version = ""
			it.Images[lock] = image
		}
	}
	it.Owner, it.Paths = scene, match.Paths(held)
	return it
}

// SameFiles reports whether an item still holds one of its stored files, in any folder.
func SameFiles(item store.Item, held *plexapi.Item) bool {
	return len(item.Paths) == 0 || slices.ContainsFunc(held.Parts, func(p plexapi.Part) bool {
		return slices.ContainsFunc(item.Paths, func(path string) bool { return pathform.FoldBase(path) == pathform.FoldBase(p.File) })
	})
}
