package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// tryApartFrom is which answer of 500 to several fields may mean one bad field.
const tryApartFrom = 3

// badField is a field that failed when it was sent alone.
type badField struct {
	fields []string
	err    error
}

// writeItems writes what the plans say, one request at a time.
func (d *drain) writeItems(ctx context.Context, works []*work) error {
	for i, w := range works {
		if i > 0 && d.leaveRoom(ctx, works[i:]) {
			return nil
		}
		for _, t := range w.targets {
			if t.plan.Empty() {
				continue
			}
			err := d.writeItem(ctx, w, t)
			if answered500(err) {
				t.setFaults(t.memory.Faults + 1)
			}
			if err == nil {
				t.wrote = true
				if err := d.note(ctx, retry.Answered, ""); err != nil {
					return err
				}
				continue
			}
			if err := d.failed(ctx, w, err); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// failed settles a write that failed: by its own error for its job, and for the batch, whose end it returns, if
// Plex is gone or the breaker opens. One that fails as if Plex were gone, while Plex answers, is its job's
// alone: it would else keep the others from Plex for ever.
func (d *drain) failed(ctx context.Context, w *work, err error) error {
	v := retry.Judge(ctx, err)
	alone := v.Class == retry.ClassServerDown && d.isThere(ctx)
	if noteErr := d.noteJob(ctx, w.job, v, err); noteErr != nil {
		return noteErr
	}
	switch {
	case alone:
		d.trouble, w.err = err, retry.Released(err)
	case v.Stop || v.Class == retry.ClassServerDown:
		return err
	default:
		w.err = err
	}
	if d.tripped {
		return err
	}
	return nil
}

// isThere reports whether Plex answers a probe.
func (d *drain) isThere(ctx context.Context) bool {
	_, _, err := d.Plex.Probe(ctx)
	return err == nil
}

// writeItem writes one item: first what is removed, then everything else, then the rating.
func (d *drain) writeItem(ctx context.Context, w *work, t *target) error {
	length := func(e plexapi.Edit) int {
		return d.Plex.EditLength(t.hit.Section, t.held.ItemType(), t.hit.RatingKey, e)
	}
	edits := slices.Concat(merge.Split(t.plan.First, length, merge.LineLimit), merge.Split(t.plan.Edit, length, merge.LineLimit))
	done := 0
	var bad []badField
	for _, e := range edits {
		if n := length(e); n > merge.LineLimit {
			d.Log.Info().Int("scene", w.job.SceneID).Str("fields", fieldNames(e.Fields())).Int("bytes", n).
				Msg("sent in a long address, since it cannot be split; a proxy in front of Plex may refuse it")
		}
		n, refused, err := d.edit(ctx, w, t, e)
		if err != nil {
			return err
		}
		done += n
		bad = append(bad, refused...)
	}
	if t.plan.Rate != nil {
		err := d.timed(ctx, func() error { return d.Plex.Rate(ctx, t.hit.RatingKey, t.plan.Rate.To) })
		switch {
		case err == nil:
			done++
		case refuses(err, t):
			bad = append(bad, badField{[]string{merge.RatingField}, err})
		default:
			return err
		}
	}
	if !slices.ContainsFunc(bad, func(b badField) bool { return answered500(b.err) }) {
		t.setFaults(0)
	}
	return d.leaveOut(w, t, bad, done)
}

// leaveOut notes the fields that Plex refuses, as long as it took others. If it took none the edit as a
// whole is the matter: rejected if Plex says so, else its own trouble.
func (d *drain) leaveOut(w *work, t *target, bad []badField, done int) error {
	for _, b := range bad {
		if done == 0 {
			if e, ok := errors.AsType[*plexapi.Error](b.err); ok && e.Class != plexapi.Rejected {
				return b.err
			}
			return retry.Rejected(fmt.Sprintf("%v: Plex refuses the value of %s: correct it in Stash, then retry the dead letter", b.err, fieldNames(b.fields)), b.err)
		}
		until := "it changes in Stash"
		if answered500(b.err) { // which may be Plex's own trouble
			until = "the scene is synced again"
		}
		for _, f := range b.fields {
			t.refused = append(t.refused, refusal{f, !answered500(b.err)})
		}
		d.Log.Warn().Int("scene", w.job.SceneID).Str("item", t.hit.RatingKey).Str("fields", fieldNames(b.fields)).Err(b.err).
			Msg("Plex refuses this field; it is left out until " + until)
	}
	return nil
}

// edit sends one edit, and returns how many requests Plex accepted. If Plex refuses an edit of several fields,
// edit repeats it field by field and returns the fields that fail alone.
func (d *drain) edit(ctx context.Context, w *work, t *target, e plexapi.Edit) (done int, bad []badField, err error) {
	send := func(e plexapi.Edit) error {
		return d.timed(ctx, func() error { return d.Plex.Edit(ctx, t.hit.Section, t.held.ItemType(), t.hit.RatingKey, e) })
	}
	err = send(e)
	if tooLong(err) {
		if short, cut := merge.Halve(e); cut {
			d.Log.Info().Int("scene", w.job.SceneID).Str("fields", fieldNames(e.Fields())).Msg("cut to half its length: something between here and Plex takes no longer address")
			err = send(short)
		}
	}
	if err == nil {
		return 1, nil, nil
	}
	if !refuses(err, t) {
		return 0, nil, err
	}
	parts := merge.Apart(e, tooLong(err))
	if len(parts) == 0 {
		return 0, []badField{{e.Fields(), err}}, nil
	}
	for _, part := range parts {
		n, refused, err := d.edit(ctx, w, t, part)
		if err != nil {
			return done, bad, err
		}
		done += n
		bad = append(bad, refused...)
	}
	return done, bad, nil
}

// timed sends one write, and waits after a slow one as long as it took.
func (d *drain) timed(ctx context.Context, send func() error) error {
	begin := time.Now()
	err := send()
	pace(ctx, time.Since(begin)) // one that failed may have cost Plex as much
	return err
}

// refuses reports whether Plex finds fault with what an edit holds rather than with the moment.
func refuses(err error, t *target) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && e.Class == plexapi.Rejected || answered500(err) && t.memory.Faults+1 >= tryApartFrom
}

// answered500 reports whether Plex answered as it does to a bad value, or when its database fails.
func answered500(err error) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && e.Status == http.StatusInternalServerError
}

// setFaults notes how often Plex has answered 500, in all that will be stored of the item.
func (t *target) setFaults(n int) {
	t.memory.Faults, t.plan.Memory.Faults = n, n
}

func tooLong(err error) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && (e.Status == http.StatusRequestURITooLong || e.Status == http.StatusRequestHeaderFieldsTooLarge)
}

func fieldNames(plex []string) string {
	list := make([]string, len(plex))
	for i, f := range plex {
		list[i] = merge.SettingName(f)
	}
	return strings.Join(list, ", ")
}

// endingPatience is how long a drain that is being stopped may take to write down how its claims end.
const endingPatience = 800 * time.Millisecond

// endAll ends the claims of a batch in one transaction, and tells how.
func (d *drain) endAll(ctx context.Context, works []*work) error {
	now := time.Now()
	endings := make([]store.Ending, len(works))
	for i, w := range works {
		endings[i] = d.ending(ctx, w, now)
	}
	within := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(within, endingPatience)
		defer cancel()
	}
	if _, err := d.Store.End(within, now, endings); err != nil {
		return err
	}
	for i, w := range works {
		d.tell(w, &endings[i])
	}
	return nil
}

func (d *drain) ending(ctx context.Context, w *work, now time.Time) store.Ending {
	var e store.Ending
	if w.err != nil {
		e = retry.Complete(w.job, retry.Judge(ctx, w.err), w.err, d.Config.MaxRetries, d.Random())
		if e.Class == string(retry.ClassNotFound) && w.scene != nil {
			for _, f := range w.scene.Files {
				e.AwaitedFiles = append(e.AwaitedFiles, store.AwaitedFile{Path: f.Path, Size: f.Size})
			}
		}
		if e.Outcome == store.Drop {
			e.Note = e.Class
		}
	} else {
		e = store.Ending{Job: w.job, Outcome: store.Done, Note: "unchanged"}
		if !d.Config.SkipMissing || w.match.Unread {
			e.AwaitedFiles = unmatched(w)
		}
	}
	if w.pushed {
		e.Refs = refs(w)
	}
	if w.scene != nil {
		e.SceneVersion = &store.SceneVersion{SceneID: w.scene.ID, UpdatedAt: toCompare(w.scene.UpdatedAt, now, e.Outcome), Paths: hashOf(w)}
	}
	for _, t := range w.targets {
		if t.wrote {
			e.Note = "synced"
		}
		if w.pushed {
			e.Links = append(e.Links, store.Link{
				Server: d.server, SceneID: w.scene.ID, RatingKey: t.hit.RatingKey, Section: t.hit.Section, Path: t.hit.Path,
				Rule: t.hit.Rule, PushedAt: now, UpdatedAt: w.scene.UpdatedAt,
			})
		}
		if t.memory.RatingKey != "" && !reflect.DeepEqual(t.memory, t.stored) {
			e.Items = append(e.Items, t.memory)
		}
	}
	if w.err != nil && e.Outcome != store.Drop {
		e.Note = ""
	}
	return e
}

// toCompare is a scene's version as the catch-up is to compare it: none if it was read so soon that the scene may
// have changed since in the same second, which is all that Stash's times tell. The next catch-up then looks again. What
// waits or is a dead letter is read anew before it is pushed, and keeps its counters until then.
func toCompare(updatedAt string, now time.Time, outcome store.Outcome) string {
	if outcome != store.Done && outcome != store.Drop {
		return updatedAt
	}
	at, err := time.Parse(time.RFC3339, updatedAt)
	if age := now.Sub(at); err == nil && age >= 0 && age < clockSlack {
		return ""
	}
	return updatedAt
}

func hashOf(w *work) int64 {
	var paths []string
	for _, f := range w.scene.Files {
		paths = append(paths, f.Path)
	}
	return store.HashPaths(paths)
}

// refs are whom the scene mentions.
func refs(w *work) []store.Ref {
	var list []store.Ref
	if w.scene.Studio != nil {
		list = append(list, store.Ref{Kind: "studio", ID: w.scene.Studio.ID})
	}
	for _, p := range w.scene.Performers {
		list = append(list, store.Ref{Kind: "performer", ID: p.ID})
	}
	for _, t := range w.scene.Tags {
		list = append(list, store.Ref{Kind: "tag", ID: t.ID})
	}
	for _, g := range w.scene.Groups {
		list = append(list, store.Ref{Kind: "group", ID: g.ID})
	}
	return list
}

// tell counts how a claim ended and says so in the log: what changed in Plex, what will be retried, what a
// person must look at.
func (d *drain) tell(w *work, e *store.Ending) {
	d.done++
	id := w.job.SceneID
	switch e.Outcome {
	case store.Done:
		if e.Note == "unchanged" {
			d.sum.Unchanged++
			d.Log.Debug().Int("scene", id).Msg("Plex shows it already")
			return
		}
		d.sum.Synced++
		for _, t := range w.targets {
			if t.wrote {
				d.Log.Info().Int("scene", id).Str("item", t.hit.RatingKey).Str("rule", t.hit.Rule).Str("fields", strings.Join(changedFields(t.plan.Changes), ", ")).Msg("synced")
			}
		}
	case store.Drop:
		if e.Class == string(retry.ClassSkipped) {
			d.sum.Skipped++
		} else {
			d.sum.Gone++
		}
		d.Log.Info().Int("scene", id).Msg(e.Error)
	case store.Retry:
		d.sum.Retrying++
		d.Log.Warn().Int("scene", id).Int("attempt", w.job.Attempts+1).Str("retry_in", e.Wait.Round(time.Second).String()).Msg(e.Error)
	case store.Miss, store.Snooze:
		d.sum.Waiting++
		d.Log.Debug().Int("scene", id).Int("miss", w.job.Misses+1).Str("retry_in", e.Wait.Round(time.Second).String()).Msg(e.Error)
	case store.Release:
		d.done--
		d.Log.Debug().Int("scene", id).Str("class", e.Class).Msg(e.Error)
	case store.Bury:
		d.sum.Dead++
		d.Log.Error().Int("scene", id).Str("class", e.Class).Msg("dead letter: " + e.Error)
	}
}

// changedFields are the settings' names of the fields that change, each once.
func changedFields(changes []merge.Change) []string {
	var list []string
	for _, c := range changes {
		if !slices.Contains(list, c.Field) {
			list = append(list, c.Field)
		}
	}
	return list
}

// countCrashed tells of jobs that were buried because the program died on them.
func (d *drain) countCrashed(jobs []store.Job) {
	for _, j := range jobs {
		d.sum.Dead++
		d.Log.Error().Int("scene", j.SceneID).Str("class", store.ClassCrashed).Msg("dead letter: the program ended again and again while it worked on this scene")
	}
}
