package push

import (
	"context"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Filter says which scenes are not pushed. A scene that is excluded after a push stays in Plex unchanged.
type Filter struct {
	OnlyOrganized bool
	ExcludeTags   []string // parts of names in any case, as returned by text.SplitNames; includes child tags
}

// load reads all scenes of a batch in one query and computes what Plex should show.
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
		byID[id].Fail(retry.Gone(reason.GoneFromStash(), "the scene is no longer in Stash: nothing is pushed, and its Plex item stays unchanged",
			"they are no longer in Stash: nothing is pushed, and their Plex items stay unchanged"))
	}
	for id, err := range result.Failed {
		byID[id].Fail(retry.OfScene(err))
	}
	for i := range result.Found {
		byID[result.Found[i].ID].Scene = &result.Found[i]
	}
	loaded := going(pushes)
	for i, p := range loaded {
		if pl.advanced = i > 0; pl.yields(ctx, loaded[i:]...) {
			break
		}
		p.Stage = Loaded
		if err := pl.Gate.Do(ctx, gate.Of(p), func(ctx context.Context) error { return pl.desire(ctx, p) }); err != nil {
			return nil, err
		}
	}
	return going(pushes), nil
}

// scenes reads scenes. If some fail, it checks that Stash answers another query.
func (pl *Pipeline) scenes(ctx context.Context, ids []int) (stashapi.ScenesResult, error) {
	result, err := pl.Stash.Scenes(ctx, ids)
	if err == nil && len(result.Failed) > 0 {
		_, err = pl.Stash.Version(ctx)
	}
	return result, err
}

// excluded returns why a scene is not pushed; nil if it is.
func (pl *Pipeline) excluded(s *stashapi.Scene) error {
	if r, one, several := hidden.Why(s, pl.Config.Filter.OnlyOrganized, pl.once.excluded); one != "" {
		return retry.Skipped(r, one, several)
	}
	return nil
}

// desire computes what Plex should show of a scene, unless the scene is excluded.
func (pl *Pipeline) desire(ctx context.Context, p *Push) error {
	if len(p.Scene.Files) == 0 {
		return retry.Gone(reason.NoFile(), "the scene has no file in Stash: nothing is pushed until it has one", "they have no file in Stash: nothing is pushed until they have one")
	}
	if err := pl.excluded(p.Scene); err != nil {
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
	if err != nil || len(links) > 0 || owns { // pushed values may have to be restored
		return err
	}
	pictured, err := pl.hasCover(ctx, p)
	p.bare = err == nil && !pictured
	return err
}

// skipBare skips scenes without data, unless an item shows what was pushed for an earlier scene with the same file and
// has to be restored.
func (pl *Pipeline) skipBare(ctx context.Context, pushes []*Push) error {
	for _, p := range pushes {
		if !p.bare || p.Match.Found == match.Unknown { // Unknown: there may be such an item
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
			p.Fail(retry.Skipped(reason.NoData(), "the scene has no title or other data in Stash: nothing to push", ""))
		}
	}
	return nil
}
