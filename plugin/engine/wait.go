package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	soon        = 90 * time.Second // a drain waits for what becomes due within this
	lingerInAll = 5 * time.Minute  // but no longer than this in all
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
	if !d.opts.Linger || d.lingered >= lingerInAll {
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

// waitForProbe waits for the next probe after this very run has opened the breaker, and reports whether
// to go on. A run that finds the breaker open never waits.
func (d *drain) waitForProbe(ctx context.Context) (bool, error) {
	for d.opts.Linger && d.lingered < lingerInAll {
		wait := time.Until(d.breaker.ProbeAt)
		if wait > soon || !d.queueIsIdle(ctx) {
			return false, nil
		}
		if wait <= 0 {
			d.tripped = false
			d.lookAnew()
			var err error
			d.floor, err = d.Store.ClaimFloor(ctx) // what was released because Plex was down may be tried again
			return true, err
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
		return &stopError{Cancelled, stoppedText}
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
	if d.Ask == nil || now.Sub(d.started) < longRun || now.Sub(d.asked) < roomEvery {
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

// String is the one line with which a run ends.
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
	if len(parts) == 0 {
		return "nothing to do"
	}
	return strings.Join(parts, ", ")
}
