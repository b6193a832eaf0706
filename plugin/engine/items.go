package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// refreshIfWanted brings the index up to date if somebody needs it: a job that is due, or a scene whose
// file Plex did not hold.
func (d *drain) refreshIfWanted(ctx context.Context) error {
	due, err := d.Store.HasDue(ctx, time.Now(), store.ClaimOptions{Floor: d.floor})
	if err != nil {
		return err
	}
	wanted, err := d.Store.HasWanted(ctx)
	if err != nil || !due && !wanted {
		return err
	}
	if err := d.connect(ctx); err != nil {
		return err
	}
	err = d.refresh(ctx)
	if e, ok := errors.AsType[*plexapi.Error](err); ok || errors.Is(err, context.Canceled) {
		v := Judge(ctx, err)
		if !v.Stop && v.Class != ServerDown { // one slow listing: what the index knows may do
			d.Log.Warn().Err(e).Msg("the list of Plex's files could not be brought up to date; it is tried again in the next run")
			return d.note(context.WithoutCancel(ctx), v.Breaker, err.Error())
		}
		return d.unreachable(ctx, err)
	}
	return err
}

// refresh brings the index of the chosen libraries up to date, once in a drain.
func (d *drain) refresh(ctx context.Context) error {
	if d.indexFresh {
		return nil
	}
	reader := Reader{Plex: d.Plex, Index: d.Index, OnNew: func(ctx context.Context, files []store.FoundFile) error {
		n, err := d.Store.Wake(ctx, time.Now(), files)
		if n > 0 {
			d.Log.Info().Int("scenes", n).Msg("files that were waited for have appeared in Plex")
		}
		return err
	}}
	for _, s := range d.sections {
		if _, err := reader.Refresh(ctx, d.server, s, time.Now()); err != nil {
			return fmt.Errorf("read library %q: %w", s.Title, err)
		}
	}
	d.indexFresh = true
	if err := d.lookForAbsent(ctx); err != nil {
		return err
	}
	return d.note(ctx, Answered, "")
}

// lookForAbsent notes once a day which items have left Plex, if every library has been read whole.
func (d *drain) lookForAbsent(ctx context.Context) error {
	now := time.Now()
	_, last, err := d.Store.Meta(ctx, store.KeyLastAbsent)
	if err != nil || within(now, last, readAnewIn) {
		return err
	}
	if unread, err := d.unread(ctx); err != nil || unread {
		return err
	}
	err = d.Store.LookForAbsent(ctx, now, d.server, func(keys []string) (map[string]bool, error) { return d.Index.Holds(ctx, d.server, keys) })
	if err != nil {
		return err
	}
	return d.Store.SetMeta(ctx, now, store.KeyLastAbsent, "")
}

// findItems finds the Plex items of the scenes and reads them. What the index does not hold is looked for
// again after bringing it up to date; an item that no longer holds the file is dropped from the index and
// its scene matched once more.
func (d *drain) findItems(ctx context.Context, works []*work) error {
	if err := d.matchAll(ctx, works); err != nil {
		return err
	}
	lost := slices.DeleteFunc(slices.Clone(works), func(w *work) bool { return w.err != nil || w.match.Found == Matched })
	if len(lost) > 0 && !d.indexFresh {
		if err := d.lookAgain(ctx, lost); err != nil {
			return err
		}
	}
	for try := range 2 {
		stale, err := d.readTargets(ctx, alive(works), try == 1)
		if err != nil {
			return err
		}
		if len(stale) == 0 {
			break
		}
		if err := d.lookAgain(ctx, stale); err != nil {
			return err
		}
	}
	for _, w := range alive(works) {
		switch {
		case len(w.targets) > 0:
		case d.opts.Only != 0 && !d.opts.Listing: // a run that may look at Plex's libraries decides
			w.err = releasedError(notMatched(w))
		default:
			w.err = notMatched(w)
		}
	}
	return nil
}

// lookAgain matches scenes anew after bringing the index up to date.
func (d *drain) lookAgain(ctx context.Context, works []*work) error {
	if err := d.refresh(ctx); err != nil {
		return d.sharedFailure(ctx, works, err)
	}
	return d.matchAll(ctx, works)
}

// sharedFailure is a request for many jobs that failed: nobody is charged. It counts once for the breaker.
func (d *drain) sharedFailure(ctx context.Context, works []*work, err error) error {
	if _, ok := errors.AsType[*plexapi.Error](err); !ok {
		return err
	}
	v := Judge(ctx, err)
	if noteErr := d.noteJob(ctx, works[0].job, v, err); noteErr != nil {
		return noteErr
	}
	if v.Stop || v.Class == ServerDown || d.tripped {
		return err
	}
	for _, w := range works {
		w.err = releasedError(err)
	}
	return nil
}

func notMatched(w *work) error {
	path := w.scene.Files[0].Path
	switch w.match.Found {
	case Ambiguous:
		var where []string
		for _, c := range w.match.Candidates[:min(len(w.match.Candidates), 3)] {
			where = append(where, c.Path)
		}
		return ambiguousError(fmt.Sprintf("%d Plex items fit %s equally well (%s …): set pathMap so that the path decides, then retry the dead letter",
			len(w.match.Candidates), path, strings.Join(where, ", ")), w.match.Candidates)
	case Unknown:
		return unreadyError("a Plex library has not been read whole yet, or is missing: " + path + " may be in it")
	}
	return notFoundError("Plex holds no item for " + path + " yet: has Plex scanned its folder, and does pathMap fit?")
}

// matchAll matches the scenes of works.
func (d *drain) matchAll(ctx context.Context, works []*work) error {
	works = alive(works)
	if len(works) == 0 {
		return nil
	}
	evidence, err := d.evidence(ctx)
	if err != nil {
		return err
	}
	unread, err := d.unread(ctx)
	if err != nil {
		return err
	}
	m := Matcher{
		Index: d.Index, Server: d.server, Unread: unread, PathMap: d.Config.PathMap, Prefixes: evidence.Learned(),
		Others: d.Stash.ScenesByPath, Read: d.Plex.Items,
		Owners: func(ctx context.Context, keys []string) (map[string]int, error) {
			return d.Store.Owners(ctx, d.server, keys)
		},
	}
	scenes := make([]*stashapi.Scene, len(works))
	for i, w := range works {
		scenes[i] = w.scene
	}
	matches, err := m.Match(ctx, scenes)
	if err != nil {
		return d.sharedFailure(ctx, works, err)
	}
	for i, w := range works {
		w.match, w.targets = matches[i], nil
	}
	return nil
}

func (d *drain) matcher(evidence *Evidence, unread bool) Matcher {
	return Matcher{
		Index: d.Index, Server: d.server, Unread: unread, PathMap: d.Config.PathMap, Prefixes: evidence.Learned(),
		Others: d.Stash.ScenesByPath, Read: d.Plex.Items,
		Owners: func(ctx context.Context, keys []string) (map[string]int, error) {
			return d.Store.Owners(ctx, d.server, keys)
		},
	}
}

// unread reports whether a library may hold more than the index knows.
func (d *drain) unread(ctx context.Context) (bool, error) {
	if len(d.absent) > 0 {
		return true, nil
	}
	for _, s := range d.sections {
		r, err := d.Index.Reading(ctx, d.server, s.ID)
		if err != nil || r.CompleteAt.IsZero() {
			return true, err
		}
	}
	return false, nil
}

// evidence is what was learned of prefixes. What cannot be read is learned anew.
func (d *drain) evidence(ctx context.Context) (*Evidence, error) {
	text, _, err := d.Store.Meta(ctx, store.KeyPrefixes)
	e := &Evidence{}
	if err == nil && text != "" && json.Unmarshal([]byte(text), e) != nil {
		e = &Evidence{}
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
			if t.hit.Rule == ByNameSize && e.Add(t.hit.File, t.hit.Path) {
				taught = true
			}
		}
	}
	if !taught {
		return nil
	}
	if learned := e.Learned(); len(learned) > known {
		d.Log.Info().Str("stash", learned[len(learned)-1].From).Str("plex", learned[len(learned)-1].To).Msg("learned how Plex's paths differ from Stash's")
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return d.Store.SetMeta(ctx, time.Now(), store.KeyPrefixes, string(text))
}

// readTargets reads the items that were found and keeps those that still hold the file. The others are
// dropped from the index; their works are returned, or with last given up.
func (d *drain) readTargets(ctx context.Context, works []*work, last bool) (stale []*work, err error) {
	var keys []string
	for _, w := range works {
		if len(w.targets) > 0 { // read in the first round
			continue
		}
		for _, h := range w.match.Hits {
			keys = append(keys, h.RatingKey)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	held, failed, err := d.readItems(ctx, works[0].job, keys)
	if err != nil {
		return nil, err
	}
	for _, w := range works {
		if len(w.targets) > 0 || len(w.match.Hits) == 0 {
			continue
		}
		gone, err := d.target(ctx, w, held, failed)
		if err != nil {
			return nil, err
		}
		if gone && w.err == nil {
			w.targets = nil
			if last {
				w.err = notFoundError("the Plex item for " + w.scene.Files[0].Path + " changes while it is read: is Plex scanning?")
				continue
			}
			stale = append(stale, w)
		}
	}
	if len(stale) > 0 {
		d.indexFresh = false // it was not
	}
	return stale, d.learn(ctx, alive(works))
}

// target makes the hits of a work its targets, and reports whether one of them is not what it was.
func (d *drain) target(ctx context.Context, w *work, held map[string]plexapi.Item, failed map[string]error) (gone bool, err error) {
	for _, h := range w.match.Hits {
		if err := failed[h.RatingKey]; err != nil {
			w.err = err
			return false, nil
		}
		it, ok := held[h.RatingKey]
		if ok && !it.Deleted && holds(&it, h.Path) && plexapi.ValidKey(sectionOf(&it, h)) {
			h.Section = sectionOf(&it, h)
			w.targets = append(w.targets, &target{hit: h, held: it})
			continue
		}
		gone = true
		if err := d.Index.Drop(ctx, d.server, h.RatingKey); err != nil {
			return false, err
		}
	}
	return gone, nil
}

func sectionOf(it *plexapi.Item, h Hit) string {
	if it.SectionID != "" {
		return it.SectionID
	}
	return h.Section
}

// readItems reads items for many jobs. If the request fails it is repeated in halves, and only a request
// for one item decides about that item; the whole counts once for the breaker. An error ends the batch.
func (d *drain) readItems(ctx context.Context, job store.Job, keys []string) (held map[string]plexapi.Item, failed map[string]error, err error) {
	held, failed = make(map[string]plexapi.Item), make(map[string]error)
	f := fetch{drain: d, job: job, held: held, failed: failed}
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(keys))), plexapi.MaxKeys) {
		f.counted = false
		if err := f.items(ctx, chunk); err != nil {
			return held, failed, err
		}
	}
	return held, failed, nil
}

type fetch struct {
	*drain
	job     store.Job
	held    map[string]plexapi.Item
	failed  map[string]error
	counted bool // the failure has been told to the breaker
}

func (f *fetch) items(ctx context.Context, keys []string) error {
	items, err := f.Plex.Items(ctx, keys)
	if err == nil {
		for _, it := range items {
			f.held[it.RatingKey] = it
		}
		return f.note(ctx, Answered, "")
	}
	v := Judge(ctx, err)
	if !f.counted {
		f.counted = true
		if err := f.noteJob(ctx, f.job, v, err); err != nil {
			return err
		}
	}
	if v.Stop || v.Class == ServerDown || f.tripped && len(keys) > 1 {
		return err
	}
	if len(keys) == 1 {
		f.failed[keys[0]] = err
		return nil
	}
	if e, ok := errors.AsType[*plexapi.Error](err); ok && (e.Timeout || e.RetryAfter > 0) { // halves would take for ever, or be a nuisance: one decides
		if err := f.items(ctx, keys[:1]); err != nil {
			return err
		}
		decided := keys[0]
		if keys = keys[1:]; f.failed[decided] != nil {
			for _, k := range keys {
				f.failed[k] = releasedError(err)
			}
			return nil
		}
	}
	half := (len(keys) + 1) / 2
	if err := f.items(ctx, keys[:half]); err != nil || half == len(keys) {
		return err
	}
	return f.items(ctx, keys[half:])
}
