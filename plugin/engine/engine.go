// Package engine does the work: it claims due jobs, reads their scenes from Stash, finds their items in
// Plex, writes what differs and decides what every failure means. It leaves to others how it is called
// (plugin), what is kept (store) and how the two servers are spoken to (stashapi, plexapi).
package engine

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Config is what the user chose.
type Config struct {
	Libraries     []string         // names or ids; empty: all libraries of movies
	PathMap       []match.PathPair // Stash prefix to Plex prefix
	Fields        merge.Fields
	KeepPlexEdits bool
	Filter        Filter
	SkipMissing   bool // what Plex does not hold is not waited for
	ScanPlex      bool // Plex is asked to scan the folders of what it does not hold
	MaxRetries    int  // temporary failures that are retried
}

// An Engine is everything that a drain works with. It is used by one goroutine.
type Engine struct {
	Store    *store.Store
	Index    *store.Index
	Stash    *stashapi.Client
	Plex     *plexapi.Client
	Config   Config
	Log      zerolog.Logger
	Random   func() float64                  // uniform in [0, 1)
	Progress func(float64)                   // 0 … 1
	Ask      func(ctx context.Context) error // asks Stash for another run of this task
}

// Options say how a drain runs.
type Options struct {
	ByPerson bool // a person asked for it: an open breaker probes at once
	Only     int  // this scene alone: no catch-up, no waiting
	Listing  bool // with Only: the index may be brought up to date
	Linger   bool // wait for what is due soon
}

// A Summary is what a drain did.
type Summary struct {
	Synced, Unchanged, Retrying, Waiting, Dead, Gone, Skipped int

	Stopped  string      // why it ended early, or left jobs that are due, one sentence; "" if it did neither
	Class    retry.Class // of what stopped it; "" if nothing went wrong
	CaughtUp int         // scenes that the catch-up enqueued
	Floor    int64       // jobs claimed at or after this number were given back by this drain
}

// stopError ends a drain early.
type stopError struct {
	class retry.Class
	text  string
}

func (e *stopError) Error() string { return e.text }

// drain is one run.
type drain struct {
	*Engine
	opts    Options
	dry     bool // a preview: nothing is written, neither to Plex nor to a file of ours
	started time.Time
	floor   int64  // jobs claimed at or after this number were released by this drain
	server  string // machine identifier
	sum     Summary

	breaker  store.Breaker  // as last seen
	opened   time.Time      // the opening that outcomes belong to
	probing  bool           // half-open, and the probe has answered
	tripped  bool           // this drain opened the breaker
	excluded map[int]string // tags that are excluded, with the name for which they are
	trouble  error          // the last failure of a request that many jobs share

	released bool // Plex failed, and jobs stay due for it that this drain does not take again
	pauses   int  // how often it has waited because of that

	toldLacking bool            // that episodes do not have every field
	scanned     map[string]bool // folders that Plex was asked to scan
	scanFailed  bool            // it did not answer that

	dropped map[droppedFile]bool // what this drain took out of the index: if it comes back it is not new

	plexReady  bool // the server was reached and is the right one
	sections   []plexapi.Section
	absent     []string  // libraries that were asked for and are not there
	unchosen   []string  // ids of the libraries that are there and not chosen
	indexFresh bool      // the index was refreshed in this drain
	done       int       // jobs finished, for the progress
	asked      time.Time // when Stash's queue was last looked at
	lingered   time.Duration
	leaving    error // why the drain ends with this batch; nil: it does not
}

// droppedFile is a file of an item that could not be read as the index had it.
type droppedFile struct{ ratingKey, path string }

// Drain processes the jobs that are due. The caller holds the lock. It returns an error only if the queue
// itself cannot be used; everything else is in the summary. When ctx ends it stops within the time of
// one write to the queue, and every job that it had claimed is as it was.
func (e *Engine) Drain(ctx context.Context, opts Options) (Summary, error) {
	d := &drain{Engine: e, opts: opts, started: time.Now()}
	err := d.run(ctx)
	if stop, ok := asStop(err); ok {
		d.sum.Stopped, d.sum.Class = stop.text, stop.class
		err = nil
	}
	if store.IndexDamaged(err) {
		err = e.Index.Rebuild(context.WithoutCancel(ctx))
		d.sum.Stopped, d.sum.Class = "the index of Plex's files was damaged and is made anew; the next run reads it", retry.ClassTemporary
	}
	if err != nil && ctx.Err() != nil { // a query that was cut off
		d.sum.Stopped, d.sum.Class, err = stoppedText, retry.ClassCancelled, nil
	}
	if d.sum.Stopped == "" && d.trouble != nil {
		d.sum.Stopped, d.sum.Class = d.trouble.Error()+"; what needs it stays queued", retry.Judge(ctx, d.trouble).Class
	}
	d.sum.Floor = d.floor
	return d.sum, err
}

const stoppedText = "the run was stopped; what is queued stays queued"

func (d *drain) run(ctx context.Context) error {
	if err := d.begin(ctx); err != nil || d.opts.Only != 0 {
		return err
	}
	for {
		d.released, d.trouble = false, nil
		err := d.work(ctx)
		again, waitErr := d.waitForPlex(ctx, err)
		if waitErr != nil {
			return waitErr
		}
		if !again {
			return err
		}
	}
}

// work does what there is to do, in the order of its urgency.
func (d *drain) work(ctx context.Context) error {
	if err := d.jobs(ctx, store.ClaimOptions{Below: store.InBulk}); err != nil {
		return err
	}
	if err := d.catchUp(ctx); err != nil {
		return err
	}
	if err := d.refreshIfWanted(ctx); err != nil {
		return err
	}
	if err := d.jobs(ctx, store.ClaimOptions{}); err != nil {
		return err
	}
	return d.linger(ctx)
}

// begin takes in what is new and looks at the breaker; a drain for one scene is done with it.
func (d *drain) begin(ctx context.Context) error {
	var err error
	if d.floor, err = d.Store.ClaimFloor(ctx); err != nil {
		return err
	}
	if d.opts.Only == 0 {
		if err := d.Store.ClearMark(ctx); err != nil {
			return err
		}
		if err := d.takeIn(ctx); err != nil {
			return err
		}
	}
	if d.breaker, err = d.Store.Breaker(ctx); err != nil {
		return err
	}
	if d.breaker.State != store.BreakerClosed { // no work is done before Plex has answered
		if err := d.connect(ctx); err != nil {
			return err
		}
	}
	if d.opts.Only != 0 {
		d.indexFresh = !d.opts.Listing // else what is known already must do
		return d.jobs(ctx, store.ClaimOptions{Only: d.opts.Only})
	}
	return nil
}

// takeIn brings in what hooks could not write, finds the scenes that mention what has changed, and looks after
// old dead letters.
func (d *drain) takeIn(ctx context.Context) error {
	n, err := d.Store.TakeInbox(ctx, time.Now())
	if n > 0 {
		d.Log.Info().Int("hooks", n).Msg("took in what hooks had left in the inbox")
	}
	if err != nil && ctx.Err() == nil { // a run that is stopped leaves it to the next
		d.Log.Error().Err(err).Msg("a file in the inbox could not be taken in")
	}
	if err := d.expandFanouts(ctx); err != nil {
		return err
	}
	expired, err := d.Store.ExpireDead(ctx, time.Now())
	if expired > 0 {
		d.Log.Info().Int("dead_letters", expired).Msg("removed dead letters older than 30 days")
	}
	return err
}

const (
	fanoutAtOnce = 5000                   // scenes that one transaction enqueues: hooks wait for it
	breather     = 100 * time.Millisecond // a hook that waits for the queue tries again at least as often
)

// expandFanouts enqueues the scenes that mention a performer, studio, tag or group that has changed. Between
// two transactions it leaves the queue to hooks, which would find it locked until the end otherwise.
func (d *drain) expandFanouts(ctx context.Context) error {
	all := 0
	for {
		more, n, err := d.Store.ExpandFanout(ctx, time.Now(), fanoutAtOnce)
		if err != nil {
			return err
		}
		if all += n; !more {
			break
		}
		select {
		case <-ctx.Done():
			return &stopError{retry.ClassCancelled, stoppedText}
		case <-time.After(breather):
		}
	}
	if all > 0 {
		d.Log.Info().Int("scenes", all).Msg("queued scenes that mention what was changed")
	}
	return nil
}

// jobs claims and processes batches until none is due.
func (d *drain) jobs(ctx context.Context, opts store.ClaimOptions) error {
	opts.Wait = retry.WaitAfterFailure(d.Config.MaxRetries, d.Random)
	for {
		if ctx.Err() != nil {
			return &stopError{retry.ClassCancelled, stoppedText}
		}
		opts.Floor = d.floor
		due, err := d.Store.HasDue(ctx, time.Now(), opts)
		if err != nil || !due {
			return err
		}
		if err := d.connect(ctx); err != nil {
			return err
		}
		claimed, crashed, err := d.Store.Claim(ctx, time.Now(), opts)
		if err != nil {
			return err
		}
		d.countCrashed(crashed)
		if len(claimed) == 0 {
			continue
		}
		if err := d.batch(ctx, claimed); err != nil {
			return err
		}
		if err := d.betweenBatches(ctx); err != nil {
			return err
		}
	}
}

// betweenBatches tells how far the run has come and whether it may go on.
func (d *drain) betweenBatches(ctx context.Context) error {
	if d.tripped {
		return d.pausedStop()
	}
	if d.opts.Only != 0 {
		return nil
	}
	if err := d.report(ctx); err != nil {
		return err
	}
	if d.leaving == nil {
		d.leaving = d.makeRoom(ctx)
	}
	return d.leaving
}
