package engine

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// listing returns what lists Stash's scenes. Between two pages it ends with the error of yield.
func (e *Engine) listing(yield func(ctx context.Context) error) *catchup.Listing {
	return &catchup.Listing{Store: e.Store, Stash: e.Stash, Log: e.Log, Yield: yield}
}

// catchUp queues scenes that changed in Stash without a hook. If Stash refuses only the listing, the run continues.
func (r *run) catchUp(ctx context.Context) error {
	return r.gate.Do(ctx, gate.Items{}, func(ctx context.Context) error {
		l := r.listing(r.gate.MakeRoom)
		n, err := l.Run(ctx)
		r.sum.CaughtUp += n
		if retry.OriginOf(err) == retry.FromStash && !gate.Judge(ctx, err).Stop {
			r.Log.Warn().Err(err).Msg("Stash refuses to list its scenes: until it lists them, changes that it does not announce are not found")
		}
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
	return r.gate.Do(ctx, gate.Items{}, func(ctx context.Context) error {
		n, err := r.listing(r.gate.MakeRoom).EnqueueRest(ctx)
		if n > 0 {
			r.Log.Info().Int("scenes", n).Msg("queued more scenes of \"Sync all scenes\", which was interrupted for other Stash jobs")
		}
		if retry.OriginOf(err) == retry.FromStash && !gate.Judge(ctx, err).Stop {
			r.Log.Warn().Err(err).Msg("Stash refuses to list its scenes: the next run that can list them queues the rest of \"Sync all scenes\"")
		}
		return err
	})
}
