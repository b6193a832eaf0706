package engine

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	soon        = 90 * time.Second // a run waits for jobs that are due within this
	lingerInAll = 5 * time.Minute  // but no longer than this in total
	shortPause  = 5 * time.Second  // after a failure of Plex that does not open the breaker
	lookEvery   = 2 * time.Second  // how often it reads Stash's queue meanwhile
)

// linger waits for jobs that are due soon, as long as no other Stash job waits.
func (r *run) linger(ctx context.Context) error {
	for {
		due, err := r.Store.LastLook(ctx, time.Now(), r.floor)
		if err != nil {
			return err
		}
		if due {
			if err := r.jobs(ctx, store.ClaimOptions{}); err != nil {
				return err
			}
			continue
		}
		more, err := r.waitForSoon(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// waitForSoon waits briefly if a job is due soon, and reports whether to look again.
func (r *run) waitForSoon(ctx context.Context) (bool, error) {
	if !r.opts.Linger || r.gate.Held() || r.yield.waited >= lingerInAll {
		return false, nil
	}
	next, err := r.Store.NextDue(ctx, time.Now())
	if err != nil || next.IsZero() {
		return false, err
	}
	wait := time.Until(next)
	if wait > soon || !r.yield.queueIsIdle(ctx) {
		return false, nil
	}
	r.settled(ctx)
	r.askAgain()
	return true, r.waits(ctx, doing.ForJob, next, min(max(wait, 0), lookEvery))
}

// settled reports, once, what the run did before it waits.
func (r *run) settled(ctx context.Context) {
	r.pushes.LogSkipped()
	if report := r.opts.Settled; report != nil {
		r.opts.Settled, r.pushes.Quiet = nil, false
		report(ctx, r.summary())
	}
}

// waitForPlex waits if work ended with err because Plex failed, and reports whether to continue.
func (r *run) waitForPlex(ctx context.Context, err error) (bool, error) {
	switch {
	case !r.gate.MayPass(err):
		return false, nil
	case r.gate.Tripped():
		return r.waitForProbe(ctx)
	case r.gate.Held():
		return r.waitOut(ctx)
	}
	return false, nil
}

// waitForProbe waits for the next probe if this run has opened the breaker. A run that finds the breaker open does not
// wait.
func (r *run) waitForProbe(ctx context.Context) (bool, error) {
	wait := time.Until(r.gate.ProbeAt())
	if wait > soon {
		return false, nil
	}
	again, err := r.pause(ctx, doing.ForProbe, wait)
	if again {
		r.gate.TryAgain()
		r.askAgain()
	}
	return again, err
}

// waitOut waits for the end of a short outage that has not opened the breaker, if a job is due. Plex that answers in
// between never opens the breaker, so the pauses grow.
func (r *run) waitOut(ctx context.Context) (bool, error) {
	due, err := r.Store.HasDue(ctx, time.Now(), store.ClaimOptions{})
	if err != nil || !due {
		return false, err
	}
	r.yield.pauses++
	return r.pause(ctx, doing.ForPlex, min(shortPause<<max(r.yield.pauses-retry.TripAfter, 0), retry.FirstPause))
}

// pause waits as long as no other Stash job waits, and reports whether it completed. Released jobs may then be claimed
// again.
func (r *run) pause(ctx context.Context, what string, wait time.Duration) (bool, error) {
	end := time.Now().Add(wait)
	for r.opts.Linger && r.yield.waited < lingerInAll && r.yield.queueIsIdle(ctx) {
		wait := time.Until(end)
		if wait <= 0 {
			var err error
			r.floor, err = r.Store.ClaimFloor(ctx)
			return err == nil, err
		}
		if err := r.waits(ctx, what, end, min(wait, lookEvery)); err != nil {
			return false, err
		}
	}
	return false, nil
}

// waits waits while others see what for, unless a person has paused pushing.
func (r *run) waits(ctx context.Context, what string, until time.Time, wait time.Duration) error {
	if err := r.yield.pausedNow(); err != nil {
		return err
	}
	r.Doing.Waits(what, until)
	return r.yield.sleep(ctx, wait)
}

// askAgain makes the run reconnect and update the index, since both may have changed while it waited.
func (r *run) askAgain() { r.ready, r.server.Fresh = false, false }
