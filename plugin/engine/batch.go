package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// work is one claimed job on its way through a batch. The first error decides its end.
type work struct {
	job     store.Job
	scene   *stashapi.Scene
	desired merge.Desired
	match   match.Match
	targets []*target
	skipped string // why items were left alone; "" if none was
	cover   cover
	bare    bool // there is nothing to show, and nothing is known to have been shown
	pushed  bool // everything but the pictures is in Plex
	err     error
}

// target is one Plex item that shows the scene.
type target struct {
	hit     match.Hit
	held    plexapi.Item // as Plex held it before this batch
	plan    merge.Plan
	stored  store.Item // as it is stored
	memory  store.Item // as it is to be stored with the ending
	rival   string     // why it is left to another scene; "" if it is not
	wrote   bool
	refused []refusal
}

// refusal is a field that Plex refused when it was sent alone.
type refusal struct {
	field   string
	forGood bool // as long as Stash wants the same value
}

// batch takes claimed jobs to their endings. Whatever happens on the way, each claim is ended: by its own
// error, or else by the one that stopped the batch. An error is returned only if the drain must end.
func (d *drain) batch(ctx context.Context, claimed []store.Job) error {
	works := make([]*work, len(claimed))
	for i, j := range claimed {
		works[i] = &work{job: j}
	}
	var stop error
	for _, step := range []func(context.Context, []*work) error{
		d.readScenes, d.findItems, d.planWrites, d.writeItems, d.readBack, d.pushImages,
	} {
		if stop = step(ctx, alive(works)); stop != nil {
			break
		}
		if ctx.Err() != nil {
			stop = ctx.Err()
			break
		}
	}
	if stop != nil {
		for _, w := range alive(works) {
			w.err = retry.Released(stop)
		}
	}
	d.released = d.released || slices.ContainsFunc(works, func(w *work) bool { return retry.HeldByPlex(ctx, w.err) })
	if err := d.endAll(ctx, works); err != nil {
		return err
	}
	if err := d.endTrial(ctx, works[0]); err != nil {
		return err
	}
	return d.mayGoOn(ctx, stop)
}

// mayGoOn turns what stopped a batch into what it means for the drain.
func (d *drain) mayGoOn(ctx context.Context, stop error) error {
	if stop == nil || d.tripped {
		return nil
	}
	if _, ok := asStop(stop); ok {
		return stop
	}
	v := retry.Judge(ctx, stop)
	_, stash := errors.AsType[*stashapi.Error](stop)
	switch {
	case v.Class == retry.ClassCancelled:
		return &stopError{retry.ClassCancelled, stoppedText}
	case stash:
		return d.stashStop(ctx, stop)
	case v.Stop:
		return &stopError{v.Class, stop.Error() + "; every job stays queued"}
	case v.Class == retry.ClassServerDown:
		d.trouble = stop
		return nil // the jobs were released; the breaker counts
	}
	return stop
}

// alive are the works that nothing has ended yet.
func alive(works []*work) []*work {
	var left []*work
	for _, w := range works {
		if w.err == nil {
			left = append(left, w)
		}
	}
	return left
}

// guard runs a step for one job, so that a bug in it costs that job alone. An error of neither the job nor a
// server is the queue's: it is returned and ends the drain.
func (d *drain) guard(w *work, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.Log.Debug().Int("scene", w.job.SceneID).Str("stack", strings.ReplaceAll(string(debug.Stack()), "\n", " | ")).Msg("a bug")
			w.err = retry.Panicked(p)
		}
	}()
	err = f()
	_, own := errors.AsType[*retry.Error](err)
	_, plex := errors.AsType[*plexapi.Error](err)
	_, stash := errors.AsType[*stashapi.Error](err)
	if err != nil && !own && !plex && !stash {
		return err
	}
	if err != nil && w.err == nil {
		w.err = err
	}
	return nil
}

// readScenes reads all scenes of a batch in one query and works out what Plex should show.
func (d *drain) readScenes(ctx context.Context, works []*work) error {
	if err := d.readFilter(ctx); err != nil {
		return err
	}
	ids := make([]int, len(works))
	byID := make(map[int]*work, len(works))
	for i, w := range works {
		ids[i] = w.job.SceneID
		byID[w.job.SceneID] = w
	}
	result, err := d.scenes(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range result.Missing {
		byID[id].err = retry.Gone("the scene is gone from Stash")
	}
	for id, err := range result.Failed {
		byID[id].err = retry.OfScene(err)
	}
	for i := range result.Found {
		byID[result.Found[i].ID].scene = &result.Found[i]
	}
	for _, w := range alive(works) {
		if err := d.guard(w, func() error { return d.desire(ctx, w) }); err != nil {
			return err
		}
	}
	return nil
}

// scenes reads scenes. One that fails counts only if Stash answers otherwise: else Stash is the reason.
func (d *drain) scenes(ctx context.Context, ids []int) (stashapi.ScenesResult, error) {
	result, err := d.Stash.Scenes(ctx, ids)
	if err == nil && len(result.Failed) > 0 {
		_, err = d.Stash.Version(ctx)
	}
	return result, err
}

// tellProblems says which fields are not pushed as they are: to everybody if the scene is pushed, else only to
// those who want to know more.
func (d *drain) tellProblems(w *work) {
	level := zerolog.DebugLevel
	if slices.ContainsFunc(w.targets, func(t *target) bool { return !t.plan.Empty() }) {
		level = zerolog.InfoLevel
	}
	for _, p := range w.desired.Problems {
		d.Log.WithLevel(level).Int("scene", w.job.SceneID).Str("field", p.Field).Msg(p.Reason)
	}
}

// planWrites compares what Plex should show with what it holds, and stores what is about to be owned and
// sent before anything is sent, so that a crash after a write knows whose it was.
func (d *drain) planWrites(ctx context.Context, works []*work) error {
	var keys []string
	for _, w := range works {
		for _, t := range w.targets {
			keys = append(keys, t.hit.RatingKey)
		}
	}
	known, err := d.Store.Items(ctx, d.server, keys)
	if err != nil {
		return err
	}
	if err := d.findRivals(ctx, works, known); err != nil {
		return err
	}
	var ahead []store.Item
	taken := make(map[string]int) // items that a scene of this batch writes
	for _, w := range alive(works) {
		if err := d.guard(w, func() error { return d.plan(w, known, taken) }); err != nil {
			return err
		}
		if w.err != nil {
			continue
		}
		d.tellProblems(w)
		for _, t := range w.targets {
			taken[t.hit.RatingKey] = w.job.SceneID
			if !t.plan.Empty() {
				ahead = append(ahead, t.plan.Memory)
				t.stored = t.plan.Memory
			}
		}
	}
	if len(ahead) == 0 || d.dry {
		return nil
	}
	return d.Store.PutItems(ctx, ahead)
}

// plan decides for each item of a scene what to write. An item that is another scene's is left alone; one
// that was comes with its memory.
func (d *drain) plan(w *work, known map[string]store.Item, taken map[string]int) error {
	var mine []*target
	for _, t := range w.targets {
		if other := taken[t.hit.RatingKey]; other != 0 {
			t.rival = fmt.Sprintf("Plex item %s shows scene %d", t.hit.RatingKey, other)
		}
		if t.rival != "" {
			w.skipped = t.rival
			continue
		}
		stored := known[t.hit.RatingKey]
		stored.Server, stored.RatingKey, stored.Section = d.server, t.hit.RatingKey, t.hit.Section
		t.stored = merge.CopyItem(stored)
		memory := recall(stored, w.job.SceneID, &t.held)
		t.plan = merge.Merge(merge.MergeInput{Desired: w.desired, Memory: memory, Current: t.held, KeepPlexEdits: d.Config.KeepPlexEdits})
		t.memory = t.plan.Memory
		for _, p := range t.plan.Problems {
			d.Log.Debug().Int("scene", w.job.SceneID).Str("item", t.hit.RatingKey).Str("field", p.Field).Msg(p.Reason)
		}
		mine = append(mine, t)
	}
	w.targets = mine
	if len(mine) == 0 {
		return retry.Skipped(w.skipped)
	}
	return nil
}

// readBack reads what Plex made of the writes, all in one request: an accepted write proves nothing.
func (d *drain) readBack(ctx context.Context, works []*work) error {
	var keys []string
	for _, w := range works {
		for _, t := range w.targets {
			if t.wrote {
				keys = append(keys, t.hit.RatingKey)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	held, failed, err := d.readItems(ctx, works[0].job, keys)
	if err != nil {
		return err
	}
	for _, w := range works {
		if err := d.guard(w, func() error { return d.check(w, held, failed) }); err != nil {
			return err
		}
	}
	return d.noteChecked(ctx, works)
}

// noteChecked tells the breaker what the read-back says of Plex. A server that made one change is no outage,
// whichever others of the batch it did not make.
func (d *drain) noteChecked(ctx context.Context, works []*work) error {
	if slices.ContainsFunc(works, func(w *work) bool { return w.err == nil && w.wrote() }) {
		return d.note(ctx, retry.Answered, "")
	}
	for _, w := range works {
		if _, own := errors.AsType[*retry.Error](w.err); own { // a request's failure was noted already
			if err := d.noteJob(ctx, w.job, retry.Judge(ctx, w.err), w.err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) wrote() bool {
	return slices.ContainsFunc(w.targets, func(t *target) bool { return t.wrote })
}

// check compares what was read back with what was sent.
func (d *drain) check(w *work, held map[string]plexapi.Item, failed map[string]error) error {
	var unmoved []string
	for _, t := range w.targets {
		if !t.wrote {
			continue
		}
		key := t.hit.RatingKey
		if err := failed[key]; err != nil {
			return err
		}
		item, ok := held[key]
		if !ok {
			return retry.NotFound(fmt.Sprintf("Plex item %s is gone since it was written", key))
		}
		outcome := merge.AfterReadBack(t.plan, item)
		t.memory = outcome.Memory
		t.held.Thumb, t.held.Art = item.Thumb, item.Art // their addresses may move with any edit
		if outcome.DateStays {
			d.Log.Warn().Int("scene", w.job.SceneID).Str("item", key).Msg("Plex does not clear the date, so it stays; correct it in Plex if it is wrong")
		}
		for _, r := range t.refused {
			t.memory = merge.LeftOut(t.plan, t.memory, r.field, &item, r.forGood)
		}
		for _, f := range outcome.Failed {
			if !slices.ContainsFunc(t.refused, func(r refusal) bool { return r.field == f }) {
				unmoved = append(unmoved, merge.SettingName(f))
			}
		}
	}
	if len(unmoved) > 0 {
		return retry.Unmoved(fmt.Sprintf("Plex accepted the change of %s and did not make it; is the item being matched or scanned?", strings.Join(unmoved, ", ")))
	}
	return nil
}

// pace waits after a slow write as long as it took: Plex writes into one SQLite file and serves viewers
// from it at the same time.
func pace(ctx context.Context, took time.Duration) {
	if took <= slowWrite {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(took):
	}
}

const slowWrite = 100 * time.Millisecond
