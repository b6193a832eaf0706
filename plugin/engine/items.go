package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// findItems finds the Plex items of the scenes and reads them. What the index does not hold is looked for
// again after bringing it up to date; an item that no longer holds the file is dropped from the index and
// its scene matched once more.
func (d *drain) findItems(ctx context.Context, works []*work) error {
	if err := d.matchAll(ctx, works); err != nil {
		return err
	}
	lost := slices.DeleteFunc(slices.Clone(works), func(w *work) bool { return w.err != nil || w.match.Found == match.Matched })
	if len(lost) > 0 && !d.indexFresh {
		if err := d.lookAgain(ctx, works, lost); err != nil {
			return err
		}
	}
	if err := d.skipBare(ctx, alive(works)); err != nil {
		return err
	}
	for try := range 2 {
		stale, err := d.readTargets(ctx, alive(works), try == 1)
		if err != nil {
			return err
		}
		if len(stale) == 0 {
			break
		}
		if err := d.lookAgain(ctx, works, stale); err != nil {
			return err
		}
	}
	for _, w := range alive(works) {
		switch {
		case len(w.targets) > 0:
		case d.opts.Only != 0 && !d.opts.Listing: // a run that may look at Plex's libraries decides
			w.err = retry.Released(d.notMatched(w))
		default:
			w.err = d.notMatched(w)
		}
	}
	return d.scanMissing(ctx, works)
}

// lookAgain matches lost scenes anew after bringing the index up to date. So it does with all of the batch of which
// a file was not found: what is new in the index wakes only those that are known to wait for it.
func (d *drain) lookAgain(ctx context.Context, works, lost []*work) error {
	if err := d.refresh(ctx); err != nil {
		return d.sharedFailure(ctx, lost, err)
	}
	for _, w := range alive(works) {
		if w.match.Found == match.Matched && !slices.Contains(lost, w) && len(unmatched(w)) > 0 {
			lost = append(lost, w)
		}
	}
	return d.matchAll(ctx, lost)
}

// sharedFailure is a request for many jobs that failed: nobody is charged. It counts once for the breaker.
func (d *drain) sharedFailure(ctx context.Context, works []*work, err error) error {
	if _, ok := errors.AsType[*plexapi.Error](err); !ok {
		return err
	}
	v := retry.Judge(ctx, err)
	if noteErr := d.noteJob(ctx, works[0].job, v, err); noteErr != nil {
		return noteErr
	}
	if v.Stop || v.Class == retry.ClassServerDown || d.tripped {
		return err
	}
	d.trouble = err
	for _, w := range works {
		w.err = retry.Released(err)
	}
	return nil
}

// failAlone is a request to Plex for one job that failed: it decides about that job. The error is returned
// if it means the end for the others, too.
func (d *drain) failAlone(ctx context.Context, w *work, err error) error {
	if _, ok := errors.AsType[*plexapi.Error](err); !ok {
		return err
	}
	w.err = err
	v := retry.Judge(ctx, err)
	if noteErr := d.noteJob(ctx, w.job, v, err); noteErr != nil {
		return noteErr
	}
	if v.Stop || v.Class == retry.ClassServerDown || d.tripped {
		return err
	}
	return nil
}

// inHalves takes a step that asks Stash about many jobs. If Stash refuses the question, while it answers
// otherwise, the step is repeated in halves, and only a question about one job decides that job's end.
func (d *drain) inHalves(ctx context.Context, works []*work, step func([]*work) error) error {
	err := step(works)
	if e, ok := errors.AsType[*stashapi.Error](err); !ok || e.Unavailable() {
		return err
	}
	if _, err := d.Stash.Version(ctx); err != nil {
		return err
	}
	if len(works) == 1 {
		works[0].err = retry.OfScene(err)
		return nil
	}
	half := len(works) / 2
	if err := d.inHalves(ctx, works[:half], step); err != nil {
		return err
	}
	return d.inHalves(ctx, works[half:], step)
}

// readTargets reads the items that were found and keeps those that still hold the file. The others are
// dropped from the index; their works are returned, or with last given up: what Plex still lists by then is
// not dropped, since it would come back as new and wake whoever waits for it, again and again.
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
		gone, err := d.target(ctx, w, held, failed, last)
		if err != nil {
			return nil, err
		}
		if gone && w.err == nil {
			w.targets = nil
			if last {
				w.err = retry.NotFound("the Plex item for " + text.Private(w.scene.Files[0].Path) + " changes while it is read: is Plex scanning?")
				continue
			}
			stale = append(stale, w)
		}
	}
	if len(stale) > 0 && (d.opts.Only == 0 || d.opts.Listing) {
		d.indexFresh = false // it was not
	}
	return stale, d.learn(ctx, alive(works))
}

// target makes the hits of a work its targets, and reports whether one of them is not what it was.
func (d *drain) target(ctx context.Context, w *work, held map[string]plexapi.Item, failed map[string]error, last bool) (gone bool, err error) {
	for _, h := range w.match.Hits {
		if err := failed[h.RatingKey]; err != nil {
			w.err = err
			return false, nil
		}
		it, ok := held[h.RatingKey]
		if ok && !it.Deleted && match.Holds(&it, h.Path) && plexapi.ValidKey(sectionOf(&it, h)) {
			h.Section = sectionOf(&it, h)
			w.targets = append(w.targets, &target{hit: h, held: it})
			d.tellLacking(w, &it)
			continue
		}
		gone = true
		if d.dry || last {
			continue
		}
		d.dropped = merge.With(d.dropped, droppedFile{h.RatingKey, h.Path}, true)
		if err := d.Index.Drop(ctx, d.server, h.RatingKey); err != nil {
			return false, err
		}
	}
	return gone, nil
}

// unmatched are the files of a matched scene that no item holds yet.
func unmatched(w *work) []store.AwaitedFile {
	var list []store.AwaitedFile
	for _, f := range w.scene.Files {
		held := slices.ContainsFunc(w.match.Hits, func(h match.Hit) bool { return h.File == f.Path }) ||
			slices.ContainsFunc(w.targets, func(t *target) bool {
				return slices.ContainsFunc(t.held.Parts, func(p plexapi.Part) bool { return !p.Deleted && isFile(f, p) })
			})
		if !held {
			list = append(list, store.AwaitedFile{Path: f.Path, Size: f.Size})
		}
	}
	return list
}

// isFile reports whether a part is a file of Stash: by its path, or by name and size.
func isFile(f stashapi.File, p plexapi.Part) bool {
	return store.FoldPath(f.Path) == store.FoldPath(p.File) || f.Size == p.Size && store.FoldBase(f.Path) == store.FoldBase(p.File)
}

func sectionOf(it *plexapi.Item, h match.Hit) string {
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
		return f.note(ctx, retry.Answered, "")
	}
	v := retry.Judge(ctx, err)
	if !f.counted {
		f.counted = true
		if err := f.noteJob(ctx, f.job, v, err); err != nil {
			return err
		}
	}
	if v.Stop || v.Class == retry.ClassServerDown || f.tripped && len(keys) > 1 {
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
				f.failed[k] = retry.Released(err)
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
