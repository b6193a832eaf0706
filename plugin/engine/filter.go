package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Filter says which scenes are not pushed. A scene that stops qualifying is left in Plex as it is.
type Filter struct {
	OnlyOrganized bool
	ExcludeTags   []string // names in any case; tags below them count as well
}

// readFilter reads once in a drain which tags are excluded: there may be many below a few names.
func (d *drain) readFilter(ctx context.Context) error {
	if d.excluded != nil || len(d.Config.Filter.ExcludeTags) == 0 {
		return nil
	}
	tags, unknown, err := d.Stash.TagsBelow(ctx, d.Config.Filter.ExcludeTags)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		d.Log.Warn().Strs("tags", unknown).Str("setting", "excludeTags").Msg("Stash has no such tag: is it misspelt?")
	}
	d.excluded = tags
	return nil
}

// leftOut says why a scene is not pushed; nil if it is.
func (d *drain) leftOut(s *stashapi.Scene) error {
	if d.Config.Filter.OnlyOrganized && !s.Organized {
		return retry.Skipped("the scene is not marked as organised, and onlyOrganized is on")
	}
	for _, t := range s.Tags {
		name, excluded := d.excluded[t.ID]
		switch {
		case !excluded:
		case merge.TagKey(name) == merge.TagKey(t.Name):
			return retry.Skipped(fmt.Sprintf("excludeTags names its tag %q", name))
		default:
			return retry.Skipped(fmt.Sprintf("its tag %q lies below %q, which excludeTags names", t.Name, name))
		}
	}
	return nil
}

// desire works out what Plex should show of a scene, unless the scene is not to be pushed.
func (d *drain) desire(ctx context.Context, w *work) error {
	if len(w.scene.Files) == 0 {
		return retry.Gone("the scene has no file")
	}
	if err := d.leftOut(w.scene); err != nil {
		return err
	}
	w.desired = merge.Desire(w.scene, d.Config.Fields)
	if w.desired.Empty() { // unless something of ours has to be taken back
		links, err := d.Store.Links(ctx, w.job.SceneID)
		if err != nil {
			return err
		}
		owns, err := d.Store.OwnsItem(ctx, w.job.SceneID)
		if err != nil {
			return err
		}
		if len(links) > 0 || owns {
			return nil
		}
		pictured, err := d.hasCover(ctx, w)
		w.bare = err == nil && !pictured
		return err
	}
	return nil
}

// skipBare skips the scenes of which there is nothing to show, unless an item shows what was pushed of another
// scene that had the file before: that has to be taken back.
func (d *drain) skipBare(ctx context.Context, works []*work) error {
	for _, w := range works {
		if !w.bare || w.match.Found == match.Unknown { // then there may be such an item
			continue
		}
		keys := make([]string, len(w.match.Hits))
		for i, h := range w.match.Hits {
			keys[i] = h.RatingKey
		}
		known, err := d.Store.Items(ctx, d.server, keys)
		if err != nil {
			return err
		}
		pushed := func(it store.Item) bool { return len(it.Sent)+len(it.Owned) > 0 }
		if !slices.ContainsFunc(slices.Collect(maps.Values(known)), pushed) {
			w.err = retry.Skipped("Stash knows nothing of this scene that Plex could show")
		}
	}
	return nil
}
