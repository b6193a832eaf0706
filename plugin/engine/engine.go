// Package engine runs the queue: it decides what a run does, in which order, when it waits and when it yields to other
// jobs. Preview and restore are separate runs. Package push pushes the jobs; package gate handles failures.
package engine

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// Config holds the user's settings.
type Config struct {
	Libraries []string    // names or ids; empty: all movie libraries
	Plays     plays.Whose // the Plex accounts that plays are imported from; empty: none
	push.Config
}

// An Engine holds what a run needs. It is used by one goroutine.
type Engine struct {
	Store    *store.Store
	Index    *plexindex.Index
	Stash    *stashapi.Client
	Plex     *plexapi.Client
	Config   Config
	Log      zerolog.Logger
	Random   func() float64                  // uniform in [0, 1)
	Progress func(float64)                   // 0 … 1
	Doing    doing.Reporter                  // shows others what a run does
	Paused   func() string                   // why nothing may be pushed, in one sentence; "" if it may; nil: it may
	Ask      func(ctx context.Context) error // makes sure that another run waits in Stash's queue; nil: runs do not yield
	Yields   bool                            // preview, restore and a rebuilding of the index yield, and the caller continues them
	Began    time.Time                       // when the task began, which counts for yielding; zero: when the run begins
}

// Options configure a run.
type Options struct {
	ByPerson bool // a person asked for it: an open breaker probes at once
	Only     int  // only this scene: no catch-up, no waiting
	Listing  bool // with Only: the index may be updated
	Linger   bool // wait for jobs that are due soon, and for the next probe; otherwise the run ends once nothing is due

	Lists   bool                                   // Settled lists the scenes that are not in Plex, so the run does not
	Settled func(ctx context.Context, sum Summary) // called once, when nothing is due and before the run waits; may be nil
}

// A Summary reports what became of the scenes of a run, each counted once.
type Summary struct {
	Synced, Unchanged, Retrying, Waiting, Dead, Gone, Skipped int
	Bare                                                      int // of Skipped: scenes without data

	Stopped  string      // why it ended early or left due jobs, in one sentence; "" if it did neither
	Class    retry.Class // of what stopped it; "" if nothing went wrong
	Reason   string      // the JSON of the code and the parameters behind Stopped
	Yielded  bool        // an update of the index stopped for other Stash jobs
	CaughtUp int         // scenes that the catch-up enqueued
	Floor    int64       // jobs claimed at or after this number were released by this run
}

// run is one run of the queue.
type run struct {
	*Engine
	opts    Options
	floor   int64 // jobs claimed at or after this number were released by this run
	ready   bool  // the server was reached and is the right one
	batches int   // claimed so far
	gate    *gate.Gate
	server  *push.Server
	pushes  *push.Pipeline
	yield   yield
	sum     Summary
}

// newRun prepares a run of any kind. With readOnly it changes neither Plex nor the breaker nor our files, and does not
// update the index.
func (e *Engine) newRun(opts Options, readOnly bool) *run {
	r := &run{
		Engine: e, opts: opts, server: &push.Server{Fresh: readOnly},
		gate:  &gate.Gate{Store: e.Store, Plex: e.Plex, Stash: e.Stash, Log: e.Log, ReadOnly: readOnly},
		yield: e.newYield(e.Ask, leavesRun),
	}
	if opts.Only != 0 {
		r.yield.ask = nil
	}
	r.gate.Yield, r.gate.Begins = r.yield.makeRoom, e.Doing.Begins
	r.pushes = &push.Pipeline{
		Store: e.Store, Index: e.Index, Stash: e.Stash, Plex: e.Plex, Log: e.Log, Random: e.Random, Config: e.Config.Config,
		Gate: r.gate, Server: r.server, ReadOnly: readOnly, KnownOnly: opts.Only != 0 && !opts.Listing,
		Refresh: r.refresh, Quiet: opts.Lists,
	}
	return r
}

// Run processes the jobs that are due. The caller holds the lock. It returns an error only if the queue itself cannot
// be used; everything else is in the summary. When ctx ends, it stops within the time of one write to the queue and
// releases every claimed job.
func (e *Engine) Run(ctx context.Context, opts Options) (Summary, error) {
	r := e.newRun(opts, false)
	err := r.process(ctx)
	r.pushes.LogSkipped()
	sum := r.summary()
	if plexindex.Damaged(err) && !errors.Is(err, store.ErrCorrupt) {
		if err = e.Index.Rebuild(context.WithoutCancel(ctx)); err == nil {
			const why = "the file index was corrupt and has been reset; the next run rebuilds it"
			err = &gate.Stop{Class: retry.ClassTemporary, Text: why, Reason: reason.IndexReset()}
		}
	}
	stop, ok := gate.AsStop(err)
	if !ok && err != nil && ctx.Err() != nil { // a query that was cut off
		stop, ok = gate.Cancelled(), true
	}
	if ok {
		sum.stop(*stop)
		err = nil
	}
	if shared, ok := r.gate.Shared(ctx); ok && sum.Stopped == "" {
		sum.stop(shared)
	}
	return sum, err
}

// summary returns what the run did so far.
func (r *run) summary() Summary {
	sum, t := r.sum, r.pushes.Tally
	sum.Synced, sum.Unchanged, sum.Retrying, sum.Waiting = t.Synced, t.Unchanged, t.Retrying, t.Waiting
	sum.Dead, sum.Gone, sum.Skipped, sum.Bare, sum.Floor = t.Dead, t.Gone, t.Skipped, t.Bare, r.floor
	return sum
}

func (r *run) process(ctx context.Context) error {
	if err := r.yield.pausedNow(); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil || r.opts.Only != 0 {
		return err
	}
	for {
		r.gate.Begin()
		err := r.work(ctx)
		again, waitErr := r.waitForPlex(ctx, err)
		if waitErr != nil {
			return waitErr
		}
		if !again {
			return err
		}
	}
}

// work does the run's work in order of urgency.
func (r *run) work(ctx context.Context) error {
	if err := r.jobs(ctx, store.ClaimOptions{Below: store.InBulk}); err != nil {
		return err
	}
	if err := r.pull(ctx); err != nil {
		return err
	}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	if err := r.refreshIfNeeded(ctx); err != nil {
		return err
	}
	if err := r.jobs(ctx, store.ClaimOptions{}); err != nil {
		return err
	}
	return r.linger(ctx)
}

// begin imports new requests and reads the breaker. For a run of one scene it also pushes that scene.
func (r *run) begin(ctx context.Context) error {
	var err error
	if r.floor, err = r.Store.ClaimFloor(ctx); err != nil {
		return err
	}
	if r.opts.Only == 0 {
		if err := r.Store.ClearMark(ctx); err != nil {
			return err
		}
		if err := r.takeIn(ctx); err != nil {
			return err
		}
		if err := r.enqueueRest(ctx); err != nil {
			return err
		}
	}
	if err := r.gate.Load(ctx); err != nil {
		return err
	}
	if !r.gate.Closed() { // no work is done before Plex has answered
		if err := r.connect(ctx); err != nil {
			return err
		}
	}
	if r.opts.Only != 0 {
		r.Doing.Works(doing.Pushing, 0, 1)
		r.server.Fresh = !r.opts.Listing // without Listing the index is used without an update
		return r.jobs(ctx, store.ClaimOptions{Only: r.opts.Only})
	}
	return nil
}

// jobs claims and processes batches until none is due.
func (r *run) jobs(ctx context.Context, opts store.ClaimOptions) error {
	opts.Wait = retry.WaitAfterFailure(r.Config.MaxRetries, r.Random)
	for {
		if ctx.Err() != nil {
			return gate.Cancelled()
		}
		if err := r.yield.pausedNow(); err != nil {
			return err
		}
		opts.Floor = r.floor
		due, err := r.Store.HasDue(ctx, time.Now(), opts)
		if err != nil || !due {
			return err
		}
		if err := r.connect(ctx); err != nil {
			return err
		}
		if err := r.fill(ctx, opts); err != nil {
			return err
		}
		if r.batches == 0 && r.opts.Only == 0 {
			if err := r.report(ctx); err != nil {
				return err
			}
		}
		claimed, crashed, err := r.Store.Claim(ctx, time.Now(), opts)
		if err != nil {
			return err
		}
		r.pushes.Crashed(ctx, crashed)
		if len(claimed) == 0 {
			continue
		}
		r.batches++
		if err := r.pushes.Run(ctx, claimed); err != nil {
			return err
		}
		if err := r.betweenBatches(ctx); err != nil {
			return err
		}
	}
}

// betweenBatches reports the progress and returns an error if the run must end.
func (r *run) betweenBatches(ctx context.Context) error {
	if r.gate.Tripped() {
		return r.gate.Paused()
	}
	if r.opts.Only != 0 {
		return nil
	}
	if err := r.report(ctx); err != nil {
		return err
	}
	return r.gate.MakeRoom(ctx)
}

// report sends the progress to Stash and to others: completed claims relative to all known work.
func (r *run) report(ctx context.Context) error {
	if r.Progress == nil && r.Doing.Show == nil {
		return nil
	}
	due, err := r.Store.CountDue(ctx, time.Now())
	if err != nil {
		return err
	}
	done := r.pushes.Tally.Done
	r.Doing.Works(doing.Pushing, done, done+due.N)
	if r.Progress != nil && r.batches > 0 {
		r.Progress(float64(done) / float64(max(done+due.N, 1)))
	}
	return nil
}
