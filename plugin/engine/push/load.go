package push

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
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

// load reads all scenes of a batch in one query and works out what Plex should show.
func (pl *Pipeline) load(ctx context.Context, pushes []*Push) ([]*Push, error) {
	if err := pl.readFilter(ctx); err != nil {
		return nil, err
	}
	ids := make([]int, len(pushes))
	byID := make(map[int]*Push, len(pushes))
	for i, p := range pushes {
		ids[i] = p.Job.SceneID
		byID[p.Job.SceneID] = p
	}
	result, err := pl.scenes(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range result.Missing {
		byID[id].Fail(retry.Gone("the scene is no longer in Stash"))
	}
	for id, err := range result.Failed {
		byID[id].Fail(retry.OfScene(err))
	}
	for i := range result.Found {
		byID[result.Found[i].ID].Scene = &result.Found[i]
	}
	for _, p := range going(pushes) {
		p.Stage = Loaded
		if err := pl.Gate.Do(ctx, gate.Of(p), func(ctx context.Context) error { return pl.desire(ctx, p) }); err != nil {
			return nil, err
		}
	}
	return going(pushes), nil
}

// scenes reads scenes. A scene that fails counts only if Stash answers another question.
func (pl *Pipeline) scenes(ctx context.Context, ids []int) (stashapi.ScenesResult, error) {
	result, err := pl.Stash.Scenes(ctx, ids)
	if err == nil && len(result.Failed) > 0 {
		_, err = pl.Stash.Version(ctx)
	}
	return result, err
}

// readFilter reads once in a run which tags are excluded: there may be many below a few names.
func (pl *Pipeline) readFilter(ctx context.Context) error {
	if pl.once.excluded != nil || len(pl.Config.Filter.ExcludeTags) == 0 {
		return nil
	}
	tags, unknown, err := pl.Stash.TagsBelow(ctx, pl.Config.Filter.ExcludeTags)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		pl.Log.Warn().Strs("tags", unknown).Str("setting", "excludeTags").Msg("Stash has no such tag: correct \"Exclude tags\"")
	}
	pl.once.excluded = tags
	return nil
}

// leftOut says why a scene is not pushed; nil if it is.
func (pl *Pipeline) leftOut(s *stashapi.Scene) error {
	if pl.Config.Filter.OnlyOrganized && !s.Organized {
		return retry.Skipped("the scene is not organised, and \"Only organised scenes\" (onlyOrganized) is on")
	}
	for _, t := range s.Tags {
		name, excluded := pl.once.excluded[t.ID]
		switch {
		case !excluded:
		case merge.TagKey(name) == merge.TagKey(t.Name):
			return retry.Skipped(fmt.Sprintf("excluded: tag %q is in \"Exclude tags\" (excludeTags)", name))
		default:
			return retry.Skipped(fmt.Sprintf("excluded: tag %q is a child of %q in \"Exclude tags\" (excludeTags)", t.Name, name))
		}
	}
	return nil
}

// desire works out what Plex should show of a scene, unless the scene is not to be pushed.
func (pl *Pipeline) desire(ctx context.Context, p *Push) error {
	if len(p.Scene.Files) == 0 {
		return retry.Gone("the scene has no file")
	}
	if err := pl.leftOut(p.Scene); err != nil {
		return err
	}
	p.Desired = merge.Desire(p.Scene, pl.Config.Fields)
	if !p.Desired.Empty() {
		return nil
	}
	links, err := pl.Store.Links(ctx, p.Job.SceneID)
	if err != nil {
		return err
	}
	owns, err := pl.Store.OwnsItem(ctx, p.Job.SceneID)
	if err != nil || len(links) > 0 || owns { // something of ours has to be taken back
		return err
	}
	pictured, err := pl.hasCover(ctx, p)
	p.bare = err == nil && !pictured
	return err
}

// skipBare skips the scenes of which there is nothing to show, unless an item shows what was pushed of another
// scene that had the file before: that has to be taken back.
func (pl *Pipeline) skipBare(ctx context.Context, pushes []*Push) error {
	for _, p := range pushes {
		if !p.bare || p.Match.Found == match.Unknown { // then there may be such an item
			continue
		}
		keys := make([]string, len(p.Match.Hits))
		for i, h := range p.Match.Hits {
			keys[i] = h.RatingKey
		}
		known, err := pl.Store.Items(ctx, pl.Server.ID, keys)
		if err != nil {
			return err
		}
		pushed := func(it store.Item) bool { return len(it.Sent)+len(it.Owned) > 0 }
		if !slices.ContainsFunc(slices.Collect(maps.Values(known)), pushed) {
			p.Fail(retry.Skipped("the scene has no title or other data in Stash: nothing to push"))
		}
	}
	return nil
}
