package engine

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
)

// listing returns what lists Stash's scenes. Between two pages it ends with the error of yield.
func (e *Engine) listing(yield func(ctx context.Context) error) *catchup.Listing {
	return &catchup.Listing{Store: e.Store, Stash: e.Stash, Log: e.Log, Yield: yield, Listed: func(done, total int) {
		e.Doing.Prepares(doing.Listing, done, total)
	}}
}

// optional makes a request of the run. It logs a failure after which the run continues, with what follows from it.
func (r *run) optional(ctx context.Context, consequence string, request func(context.Context) error) error {
	var failure error
	err := r.gate.Do(ctx, gate.Items{}, func(ctx context.Context) error {
		failure = request(ctx)
		return failure
	})
	if err == nil && failure != nil {
		r.Log.Warn().Err(failure).Msg(consequence)
	}
	return err
}

// catchUp queues scenes that changed in Stash without a hook.
func (r *run) catchUp(ctx context.Context) error {
	const consequence = "Stash refuses to list its scenes: until it lists them, changes that it does not announce are not found"
	return r.optional(ctx, consequence, func(ctx context.Context) error {
		n, err := r.listing(r.gate.MakeRoom).Run(ctx)
		r.sum.CaughtUp += n
		return err
	})
}

// EnqueueAll queues a push of every scene and returns their number. Unchanged scenes cost no write. If other Stash jobs
// wait, it ends with a *gate.Stop, and the next run queues the rest.
func (e *Engine) EnqueueAll(ctx context.Context) (int, error) {
	y := e.newYield(e.Ask, leavesRun)
	return e.listing(y.makeRoom).EnqueueAll(ctx)
}

// EnqueueSince queues a push of every scene changed since then. It ends early as EnqueueAll does.
func (e *Engine) EnqueueSince(ctx context.Context, since time.Time) (int, error) {
	y := e.newYield(e.Ask, leavesRun)
	return e.listing(y.makeRoom).EnqueueSince(ctx, since)
}

// enqueueRest queues the scenes that EnqueueAll or EnqueueSince has left to this run.
func (r *run) enqueueRest(ctx context.Context) error {
	const consequence = "Stash refuses to list its scenes: the next run that can list them queues the rest of \"Sync all scenes\""
	return r.optional(ctx, consequence, func(ctx context.Context) error {
		n, err := r.listing(r.gate.MakeRoom).EnqueueRest(ctx)
		if n > 0 {
			r.Log.Info().Int("scenes", n).Msg("queued more scenes of \"Sync all scenes\", which was interrupted for other Stash jobs")
		}
		return err
	})
}
