package push

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
)

// matchAll matches the scenes of pushes.
func (pl *Pipeline) matchAll(ctx context.Context, pushes []*Push) error {
	pushes = going(pushes)
	if len(pushes) == 0 {
		return nil
	}
	m, err := pl.Matcher(ctx)
	if err != nil {
		return err
	}
	if m.Unread, err = pl.Server.Unread(ctx, pl.Index); err != nil {
		return err
	}
	byScene := make(map[int]*Push, len(pushes))
	for _, p := range pushes {
		byScene[p.Job.SceneID] = p
	}
	m.Failed = func(ctx context.Context, scene int, err error) error {
		return pl.Gate.Do(ctx, gate.Of(byScene[scene]), func(context.Context) error { return err })
	}
	return gate.InHalves(ctx, pl.Gate, pushes, func(ctx context.Context, some []*Push) error {
		scenes := make([]*stashapi.Scene, len(some))
		for i, p := range some {
			scenes[i] = p.Scene
		}
		matches, err := m.Match(ctx, scenes)
		for i := range matches {
			some[i].Match, some[i].Targets = matches[i], nil
			if doubt := matches[i].Doubt; doubt != nil {
				some[i].Fail(retry.OfScene(doubt))
			}
		}
		return err
	})
}

// Matcher returns a matcher that uses the learned prefixes and asks both servers.
func (pl *Pipeline) Matcher(ctx context.Context) (*match.Matcher, error) {
	evidence, err := pl.Evidence(ctx)
	if err != nil {
		return nil, err
	}
	choices := chosen.Choices{Queue: pl.Store, Server: pl.Server.ID}
	m := &match.Matcher{
		Index: pl.Index, Server: pl.Server.ID, Sections: pl.Server.Sections, PathMap: pl.Config.PathMap, Prefixes: evidence.Learned(),
		Others: pl.Stash.ScenesByPath, Read: pl.items,
		Owners: func(ctx context.Context, keys []string) (map[string]int, error) {
			return pl.Store.Owners(ctx, pl.Server.ID, keys)
		},
		Choices: choices.OfScenes, ByFiles: choices.ByFiles,
	}
	m.Failed = func(_ context.Context, _ int, err error) error { return err }
	m.Owned = func(ctx context.Context, owners, choosers map[string]int) (map[string]bool, map[string]error, error) {
		return pl.stillOwned(ctx, m, owners, choosers, func(match.Hit) bool { return true })
	}
	return m, nil
}

// Evidence returns the evidence for path prefixes; none if the stored evidence is corrupt.
func (pl *Pipeline) Evidence(ctx context.Context) (*match.Evidence, error) {
	stored, _, err := pl.Store.Meta(ctx, store.KeyPrefixes)
	e := &match.Evidence{}
	if err == nil && stored != "" && json.Unmarshal([]byte(stored), e) != nil {
		e = &match.Evidence{}
	}
	return e, err
}

// learn adds matches by name and size, verified by reading the item, to the evidence for path prefixes.
func (pl *Pipeline) learn(ctx context.Context, pushes []*Push) error {
	byName := func(t *Target) bool { return t.Hit.Rule == match.ByNameSize }
	if pl.ReadOnly || !slices.ContainsFunc(pushes, func(p *Push) bool { return slices.ContainsFunc(p.Targets, byName) }) {
		return nil
	}
	e, err := pl.Evidence(ctx)
	if err != nil {
		return err
	}
	changed, known := false, len(e.Learned())
	for _, p := range pushes {
		for _, t := range p.Targets {
			if byName(t) && e.Add(t.Hit.File, t.Hit.Path) {
				changed = true
			}
		}
	}
	if !changed {
		return nil
	}
	if learned := e.Learned(); len(learned) > known {
		pl.Log.Info().Str("stash", text.Private(learned[len(learned)-1].From)).Str("plex", text.Private(learned[len(learned)-1].To)).Msg("learned how Plex's paths differ from Stash's")
	}
	learned, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return pl.Store.SetMeta(ctx, time.Now(), store.KeyPrefixes, string(learned))
}
