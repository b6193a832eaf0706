package engine

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// libraries are the titles of the libraries, by their ids.
func (d *drain) libraries(ctx context.Context) (map[string]string, error) {
	titles := make(map[string]string)
	readings, err := d.Index.Readings(ctx, d.server)
	for _, r := range readings {
		titles[r.Section] = r.Title
	}
	return titles, err
}

// tellLacking says once what of a scene an episode does not have.
func (d *drain) tellLacking(w *work, it *plexapi.Item) {
	var names []string
	for _, f := range merge.FieldTable() {
		if merge.Lacks(it.ItemType(), f.Plex) && len(w.desired.Values[f.Plex]) > 0 {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 || d.toldLacking {
		return
	}
	d.toldLacking = true
	d.Log.Debug().Int("scene", w.job.SceneID).Strs("fields", names).Msg("episodes do not have these fields: they belong to the show")
}

// matchAll matches the scenes of works.
func (d *drain) matchAll(ctx context.Context, works []*work) error {
	works = alive(works)
	if len(works) == 0 {
		return nil
	}
	m, err := d.matcher(ctx)
	if err != nil {
		return err
	}
	if m.Unread, err = d.unread(ctx); err != nil {
		return err
	}
	jobs := make(map[int]*work, len(works))
	for _, w := range works {
		jobs[w.job.SceneID] = w
	}
	m.Failed = func(ctx context.Context, scene int, err error) error { return d.failAlone(ctx, jobs[scene], err) }
	return d.inHalves(ctx, works, func(some []*work) error {
		scenes := make([]*stashapi.Scene, len(some))
		for i, w := range some {
			scenes[i] = w.scene
		}
		matches, err := m.Match(ctx, scenes)
		for i := range matches {
			some[i].match, some[i].targets = matches[i], nil
			if doubt := matches[i].Doubt; doubt != nil && some[i].err == nil {
				some[i].err = retry.OfScene(doubt)
			}
		}
		return err
	})
}

// matcher returns a matcher that knows what was learned and asks both servers.
func (d *drain) matcher(ctx context.Context) (*match.Matcher, error) {
	evidence, err := d.evidence(ctx)
	if err != nil {
		return nil, err
	}
	titles, err := d.libraries(ctx)
	if err != nil {
		return nil, err
	}
	m := &match.Matcher{
		Index: d.Index, Server: d.server, Sections: d.sections, PathMap: d.Config.PathMap, Prefixes: evidence.Learned(), Titles: titles,
		Others: d.Stash.ScenesByPath, Read: d.Plex.Items,
		Owners: func(ctx context.Context, keys []string) (map[string]int, error) {
			return d.Store.Owners(ctx, d.server, keys)
		},
	}
	m.Failed = func(_ context.Context, _ int, err error) error { return err }
	m.Owned = func(ctx context.Context, owners map[string]int) (map[string]bool, map[string]error, error) {
		return d.stillOwned(ctx, m, owners, func(match.Hit) bool { return true })
	}
	return m, nil
}

// evidence is what was learned of prefixes. What cannot be read is learned anew.
func (d *drain) evidence(ctx context.Context) (*match.Evidence, error) {
	text, _, err := d.Store.Meta(ctx, store.KeyPrefixes)
	e := &match.Evidence{}
	if err == nil && text != "" && json.Unmarshal([]byte(text), e) != nil {
		e = &match.Evidence{}
	}
	return e, err
}

// learn keeps what matches by name and size, verified by reading the item, say about prefixes.
func (d *drain) learn(ctx context.Context, works []*work) error {
	e, err := d.evidence(ctx)
	if err != nil {
		return err
	}
	taught, known := false, len(e.Learned())
	for _, w := range works {
		for _, t := range w.targets {
			if t.hit.Rule == match.ByNameSize && e.Add(t.hit.File, t.hit.Path) {
				taught = true
			}
		}
	}
	if !taught || d.dry {
		return nil
	}
	if learned := e.Learned(); len(learned) > known {
		d.Log.Info().Str("stash", text.Private(learned[len(learned)-1].From)).Str("plex", text.Private(learned[len(learned)-1].To)).Msg("learned how Plex's paths differ from Stash's")
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return d.Store.SetMeta(ctx, time.Now(), store.KeyPrefixes, string(text))
}
