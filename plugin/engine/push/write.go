package push

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// tryApartFrom is the number of 500 answers to an edit after which its fields are sent one by one.
const tryApartFrom = 3

// badField is an edit that failed and cannot be split further.
type badField struct {
	fields []string
	err    error
	unsent []string // names of a list that were not sent
}

// write writes the plans, one request at a time.
func (pl *Pipeline) write(ctx context.Context, pushes []*Push) ([]*Push, error) {
	err := pl.inTurn(pushes, func(p *Push, n int) error {
		if pl.advanced = n > 0; pl.yields(ctx, p) {
			return nil
		}
		for _, t := range p.Targets {
			if t.Plan.Empty() {
				continue
			}
			if err := pl.Gate.Do(ctx, gate.Of(t), func(ctx context.Context) error { return pl.writeTarget(ctx, t) }); err != nil {
				return err
			}
			if t.Failure() != nil {
				break
			}
		}
		return nil
	})
	return going(pushes), err
}

// inTurn calls do for each push, with the number of pushes before it. After a failure it continues elsewhere in the
// list: neighbours may fail for a common reason of their own, which would look like a failure of Plex.
func (pl *Pipeline) inTurn(pushes []*Push, do func(p *Push, n int) error) error {
	left := slices.Clone(pushes)
	for n := range pushes {
		i := len(left) * min(pl.Gate.InRow(), retry.TripAfter-1) / retry.TripAfter
		p := left[i]
		left = slices.Delete(left, i, i+1)
		if err := do(p, n); err != nil {
			return err
		}
	}
	return nil
}

// yields reports whether the run must yield to other jobs, since a batch of slow writes takes long. If so, it releases
// the pushes that are left.
func (pl *Pipeline) yields(ctx context.Context, left ...*Push) bool {
	why := pl.makeRoom(ctx)
	if why == nil {
		return false
	}
	for _, p := range left {
		p.Fail(released(ctx, why))
	}
	return true
}

// writeTarget writes one item and counts its 500 answers.
func (pl *Pipeline) writeTarget(ctx context.Context, t *Target) error {
	err := pl.writeItem(ctx, t)
	if retry.Answered500(err) {
		t.setFaults(t.Base.Faults + 1)
	}
	if err != nil {
		return err
	}
	t.Stage = Written
	return pl.wrote(ctx, t)
}

// wrote tells the gate that Plex accepted the plan of an item.
func (pl *Pipeline) wrote(ctx context.Context, t *Target) error {
	if t.Plan.First.Empty() && t.Plan.Edit.Empty() { // every user may rate
		return pl.Gate.Answered(ctx)
	}
	return pl.Gate.Wrote(ctx, pl.relock(t))
}

// relock returns a request that locks a field of a written item again, or unlocks it if the item was restored; nil if
// there is none. It is sent even if the run must yield, because it decides what the last failure means.
func (pl *Pipeline) relock(t *Target) func(context.Context) error {
	section, itemType, key := t.Hit.Section, t.Current.ItemType(), t.key()
	leftOut := func(field string) bool {
		return slices.ContainsFunc(t.refused, func(r refusal) bool { return r.field == field })
	}
	again := plexapi.Edit{Lock: slices.DeleteFunc(slices.Concat(t.Plan.Edit.Lock, t.Plan.First.Lock), leftOut)}
	if len(again.Lock) == 0 {
		again.Unlock = slices.DeleteFunc(slices.Clone(t.Plan.Edit.Unlock), leftOut)
	}
	if again.Empty() {
		return nil
	}
	again.Lock, again.Unlock = again.Lock[:min(1, len(again.Lock))], again.Unlock[:min(1, len(again.Unlock))]
	return func(ctx context.Context) error { return pl.Plex.Edit(ctx, section, itemType, key, again) }
}

// writeItem writes one item: first what is removed, then everything else, then the rating.
func (pl *Pipeline) writeItem(ctx context.Context, t *Target) error {
	length := func(e plexapi.Edit) int { return pl.lineLength(t, e) }
	edits := slices.Concat(merge.Split(t.Plan.First, length, merge.LineLimit), merge.Split(t.Plan.Edit, length, merge.LineLimit))
	done := 0
	var bad []badField
	for _, e := range edits {
		if n := length(e); n > merge.LineLimit {
			logOf(pl.Log.Info(), t.push).Str("fields", fieldNames(e.Fields())).Int("bytes", n).
				Msg("its URL is very long; if a proxy in front of Plex rejects it, a list is sent in pieces and a text is shortened")
		}
		n, refused, err := pl.edit(ctx, t, e)
		if err != nil {
			return err
		}
		done += n
		bad = append(bad, refused...)
	}
	if t.Plan.Rate != nil {
		err := pl.timed(ctx, func() error { return pl.Plex.Rate(ctx, t.key(), t.Plan.Rate.To) })
		switch {
		case err == nil:
			done++
		case refuses(err, t):
			bad = append(bad, badField{fields: []string{merge.RatingField}, err: err})
		default:
			return err
		}
	}
	if !slices.ContainsFunc(bad, func(b badField) bool { return retry.Answered500(b.err) }) {
		t.setFaults(0)
	}
	return pl.leaveOut(t, bad, done)
}

// lineLength returns the length of the request line of an edit.
func (pl *Pipeline) lineLength(t *Target, e plexapi.Edit) int {
	return pl.Plex.EditLength(t.Hit.Section, t.Current.ItemType(), t.key(), e)
}

// leaveOut records the fields that Plex refuses if it accepted others. If Plex accepted none, leaveOut returns an error
// for the complete edit.
func (pl *Pipeline) leaveOut(t *Target, bad []badField, done int) error {
	for _, b := range bad {
		if done == 0 {
			if !retry.Refused(b.err) {
				return b.err
			}
			fields := fieldNames(b.fields)
			return retry.Rejected(reason.ValueRefused(fields), fmt.Sprintf("%v: %s refuses the value of %s: correct it in Stash",
				b.err, plexapi.SenderOf(b.err), fields), b.err)
		}
		until := "it changes in Stash"
		if retry.Answered500(b.err) { // a 500 may be a failure of Plex itself
			until = "the scene is synced again"
		}
		for _, f := range b.fields {
			t.refused = append(t.refused, refusal{f, !retry.Answered500(b.err), b.unsent})
		}
		logOf(pl.Log.Warn(), t.push).Str("item", t.key()).Str("fields", fieldNames(b.fields)).Err(b.err).
			Msg(plexapi.SenderOf(b.err) + " refuses this field; it is left out until " + until)
	}
	return nil
}

// edit sends one edit and returns how many requests Plex accepted. If Plex refuses an edit of several fields, edit
// repeats it field by field and returns the fields that fail. A list of tags that is too long is sent in pieces.
func (pl *Pipeline) edit(ctx context.Context, t *Target, e plexapi.Edit) (done int, bad []badField, err error) {
	send := func(e plexapi.Edit) error {
		return pl.timed(ctx, func() error { return pl.Plex.Edit(ctx, t.Hit.Section, t.Current.ItemType(), t.key(), e) })
	}
	err = send(e)
	if retry.TooLong(err) {
		if short, cut := merge.Halve(e); cut {
			logOf(pl.Log.Info(), t.push).Str("fields", fieldNames(e.Fields())).Msg("only half of the text is sent: Plex or a proxy rejects longer URLs")
			err = send(short)
		}
	}
	if err == nil {
		return 1, nil, nil
	}
	if !refuses(err, t) {
		return 0, nil, err
	}
	parts := merge.Apart(e, retry.TooLong(err))
	if len(parts) == 0 {
		// some proxies answer 400 to a long URL
		if kind, ok := merge.OneList(e); ok && (retry.TooLong(err) || pl.lineLength(t, e) > merge.LineLimit) {
			return pl.editInPieces(ctx, t, e, kind, err)
		}
		return 0, []badField{{fields: e.Fields(), err: err}}, nil
	}
	for _, part := range parts {
		n, refused, err := pl.edit(ctx, t, part)
		if err != nil {
			return done, bad, err
		}
		done += n
		bad = append(bad, refused...)
	}
	return done, bad, nil
}

// makeRoom returns why the run must yield; nil if it continues. In each stage one push is completed first, so that a
// run that always finds other jobs waiting advances.
func (pl *Pipeline) makeRoom(ctx context.Context) error {
	if !pl.advanced {
		return nil
	}
	return pl.Gate.MakeRoom(ctx)
}

// timed sends one write, and after a slow one waits as long as the write took. After one that was too many it waits a
// second, so that the next jobs do not fail too. If the run must yield, it sends nothing and releases the job.
func (pl *Pipeline) timed(ctx context.Context, send func() error) error {
	if why := pl.makeRoom(ctx); why != nil {
		return released(ctx, why)
	}
	begin := time.Now()
	err := send()
	took := time.Since(begin) // a failed write may have cost Plex as much
	if retry.Overloaded(err) {
		took = max(took, time.Second)
	}
	pl.pace(ctx, took)
	return err
}

// refuses reports whether Plex refuses the content of an edit.
func refuses(err error, t *Target) bool {
	return retry.Refused(err) || retry.Answered500(err) && t.Base.Faults+1 >= tryApartFrom
}

// setFaults sets the number of 500 answers in both bases of the item.
func (t *Target) setFaults(n int) {
	t.Base.Faults, t.Plan.Base.Faults = n, n
}

// slowWrite is the duration from which a write is followed by a pause.
const slowWrite = 100 * time.Millisecond

// paceStep is how long a pause lasts at most until the run checks whether it must yield.
const paceStep = 5 * time.Second

// pace waits after a slow write as long as the write took: Plex serves viewers from the SQLite file that it writes. It
// ends early if the run must yield.
func (pl *Pipeline) pace(ctx context.Context, took time.Duration) {
	if took <= slowWrite {
		return
	}
	for end := time.Now().Add(took); pl.Gate.MakeRoom(ctx) == nil; {
		left := time.Until(end)
		if left <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(left, paceStep)):
		}
	}
}

func fieldNames(plex []string) string {
	list := make([]string, len(plex))
	for i, f := range plex {
		list[i] = merge.SettingName(f)
	}
	return strings.Join(list, ", ")
}
