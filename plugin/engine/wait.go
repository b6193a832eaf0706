package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	soon        = 90 * time.Second // a drain waits for what becomes due within this
	lingerInAll = 5 * time.Minute  // but no longer than this in all
	shortPause  = 5 * time.Second  // after a failure of Plex that does not open the breaker
	lookEvery   = 2 * time.Second  // how often Stash's queue is looked at meanwhile
	longRun     = 5 * time.Minute  // after this a drain makes room for other Stash jobs
	roomEvery   = 10 * time.Second // how often it looks whether any wait
)

// RunDescription names our runs in Stash's queue. It is how one is recognised there.
const RunDescription = "Stash Plex Sync: process queue"

// queuePrefix is what Stash puts before the description of a plugin's task.
const queuePrefix = "Running plugin task: "

// OwnRun reports whether a job of Stash's queue is a run of ours.
func OwnRun(description string) bool {
	return description == queuePrefix+RunDescription
}

// linger waits for what is due soon, as long as no other Stash job is kept waiting by it.
func (d *drain) linger(ctx context.Context) error {
	for {
		due, err := d.Store.LastLook(ctx, time.Now(), d.floor)
		if err != nil {
			return err
		}
		if due {
			if err := d.jobs(ctx, store.ClaimOptions{}); err != nil {
				return err
			}
			continue
		}
		more, err := d.waitForSoon(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// waitForSoon waits a little if a job becomes due soon, and reports whether to look again.
func (d *drain) waitForSoon(ctx context.Context) (bool, error) {
	if !d.opts.Linger || d.released || d.lingered >= lingerInAll {
		return false, nil
	}
	next, err := d.Store.NextDue(ctx, time.Now())
	if err != nil || next.IsZero() {
		return false, err
	}
	wait := time.Until(next)
	if wait > soon || !d.queueIsIdle(ctx) {
		return false, nil
	}
	d.lookAnew()
	return true, d.sleep(ctx, min(max(wait, 0), lookEvery))
}

// waitForPlex waits after work that ended with err because Plex failed, and reports whether to go on.
func (d *drain) waitForPlex(ctx context.Context, err error) (bool, error) {
	if stop, ok := asStop(err); err != nil && (!ok || stop.class != retry.ClassServerDown && stop.class != retry.ClassTemporary) {
		return false, nil
	}
	switch {
	case d.tripped:
		return d.waitForProbe(ctx)
	case d.released:
		return d.waitOut(ctx)
	}
	return false, nil
}

// waitForProbe waits for the next probe after this very run has opened the breaker. A run that finds the
// breaker open never waits.
func (d *drain) waitForProbe(ctx context.Context) (bool, error) {
	wait := time.Until(d.breaker.ProbeAt)
	if wait > soon {
		return false, nil
	}
	again, err := d.pause(ctx, wait)
	if again {
		d.tripped = false
		d.lookAnew()
	}
	return again, err
}

// waitOut waits for a short outage to pass that has not opened the breaker, if a job is due: nobody else
// would come back to it. Plex that answers in between never opens it, so the pauses grow.
func (d *drain) waitOut(ctx context.Context) (bool, error) {
	due, err := d.Store.HasDue(ctx, time.Now(), store.ClaimOptions{})
	if err != nil || !due {
		return false, err
	}
	d.pauses++
	return d.pause(ctx, min(shortPause<<max(d.pauses-retry.TripAfter, 0), retry.FirstPause))
}

// pause waits as long as no other job of Stash does, and reports whether it came to its end. What was
// released may then be tried again.
func (d *drain) pause(ctx context.Context, wait time.Duration) (bool, error) {
	end := time.Now().Add(wait)
	for d.opts.Linger && d.lingered < lingerInAll && d.queueIsIdle(ctx) {
		wait := time.Until(end)
		if wait <= 0 {
			var err error
			d.floor, err = d.Store.ClaimFloor(ctx)
			return err == nil, err
		}
		if err := d.sleep(ctx, min(wait, lookEvery)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// lookAnew makes the run ask Plex again for what may have changed while it waited.
func (d *drain) lookAnew() { d.plexReady, d.indexFresh = false, false }

// sleep waits without holding anything, and counts as lingering.
func (d *drain) sleep(ctx context.Context, wait time.Duration) error {
	d.lingered += wait
	select {
	case <-ctx.Done():
		return &stopError{retry.ClassCancelled, stoppedText}
	case <-time.After(wait):
		return nil
	}
}

// queueIsIdle reports whether no job of Stash waits for this run to end. A Stash that does not say counts
// as busy.
func (d *drain) queueIsIdle(ctx context.Context) bool {
	jobs, err := d.Stash.JobQueue(ctx)
	if err != nil {
		d.Log.Debug().Err(err).Msg("could not look at Stash's queue")
		return false
	}
	for _, j := range jobs {
		if j.Status == "READY" {
			return false
		}
	}
	return true
}

// makeRoom leaves after five minutes if other jobs of Stash wait: it asks for another run of its own
// behind them, and only if that succeeds it ends.
func (d *drain) makeRoom(ctx context.Context) error {
	now := time.Now()
	if d.Ask == nil || d.opts.Only != 0 || now.Sub(d.started) < longRun || now.Sub(d.asked) < roomEvery {
		return nil
	}
	d.asked = now
	jobs, err := d.Stash.JobQueue(ctx)
	if err != nil {
		d.Log.Debug().Err(err).Msg("could not look at Stash's queue")
		return nil
	}
	others, own := false, false
	for _, j := range jobs {
		if j.Status == "READY" {
			if OwnRun(j.Description) {
				own = true
			} else {
				others = true
			}
		}
	}
	if !others {
		return nil
	}
	if !own {
		if err := d.Ask(ctx); err != nil {
			d.Log.Debug().Err(err).Msg("could not ask Stash for another run")
			return nil
		}
	}
	return &stopError{"", "other jobs of Stash wait, so the rest follows in another run behind them"}
}

// leaveRoom looks between two writes, since a batch of slow ones takes long, and releases the works that are
// left if the drain has to make room. What is written goes to its end.
func (d *drain) leaveRoom(ctx context.Context, left []*work) bool {
	if d.leaving = d.makeRoom(ctx); d.leaving == nil {
		return false
	}
	for _, w := range left {
		w.err = retry.Released(d.leaving)
	}
	return true
}

// report tells Stash how far the run has come: what is done of what is known to be due.
func (d *drain) report(ctx context.Context) error {
	if d.Progress == nil {
		return nil
	}
	due, err := d.Store.CountDue(ctx, time.Now())
	if err != nil {
		return err
	}
	d.Progress(float64(d.done) / float64(max(d.done+due.N, 1)))
	return nil
}

// String is what a run did, in one line; "" if that is nothing.
func (s Summary) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{
		{s.Synced, "synced"},
		{s.Unchanged, "unchanged"},
		{s.Retrying, "to be retried"},
		{s.Waiting, "waiting for Plex to scan"},
		{s.Gone, "gone"},
		{s.Skipped, "skipped"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	switch {
	case s.Dead == 1:
		parts = append(parts, "1 dead letter")
	case s.Dead > 1:
		parts = append(parts, fmt.Sprintf("%d dead letters", s.Dead))
	}
	return strings.Join(parts, ", ")
}
