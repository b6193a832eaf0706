package engine

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
)

// takeIn brings in what hooks could not write, finds the scenes that mention what has changed, and looks after
// old dead letters.
func (r *run) takeIn(ctx context.Context) error {
	n, err := r.Store.TakeInbox(ctx, time.Now())
	if n > 0 {
		r.Log.Info().Int("hooks", n).Msg("imported hooks from the inbox")
	}
	if err != nil && ctx.Err() == nil { // a cancelled run leaves it to the next
		r.Log.Error().Err(err).Msg("could not import a file from the inbox")
	}
	if err := r.expandFanouts(ctx); err != nil {
		return err
	}
	expired, err := r.Store.ExpireDead(ctx, time.Now())
	if expired > 0 {
		r.Log.Info().Int("dead_letters", expired).Msg("removed dead letters older than 30 days")
	}
	return err
}

const (
	fanoutAtOnce = 5000                   // scenes that one transaction enqueues: hooks wait for it
	breather     = 100 * time.Millisecond // a hook that waits for the queue tries again at least as often
)

// expandFanouts enqueues the scenes that mention a performer, studio, tag or group that has changed. Between two
// transactions it leaves the queue to hooks, which would otherwise find it locked until the end.
func (r *run) expandFanouts(ctx context.Context) error {
	all := 0
	for {
		more, n, err := r.Store.ExpandFanout(ctx, time.Now(), fanoutAtOnce)
		if err != nil {
			return err
		}
		if all += n; !more {
			break
		}
		select {
		case <-ctx.Done():
			return gate.Cancelled()
		case <-time.After(breather):
		}
	}
	if all > 0 {
		r.Log.Info().Int("scenes", all).Msg("queued the scenes of changed performers, studios, tags and groups")
	}
	return nil
}
