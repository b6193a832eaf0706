package engine

import (
	"context"
	"time"
)

// takeIn imports the inbox, queues the scenes of changed performers, studios, tags and groups, and expires old dead
// letters.
func (r *run) takeIn(ctx context.Context) error {
	n, err := r.Store.TakeInbox(ctx, time.Now())
	if n > 0 {
		r.Log.Info().Int("edits", n).Msg("queued edits that were saved in the inbox")
	}
	if err != nil && ctx.Err() == nil { // after a cancellation the next run imports it
		r.Log.Error().Err(err).Msg("cannot queue a file of the inbox")
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
	fanoutAtOnce = 5000                   // scenes per transaction, during which hooks wait
	breather     = 100 * time.Millisecond // a waiting hook retries at least this often
)

// expandFanouts enqueues the scenes of changed performers, studios, tags and groups. It pauses between transactions so
// that hooks can use the queue.
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
		if err := r.gate.MakeRoom(ctx); err != nil {
			return err
		}
		if err := sleep(ctx, breather); err != nil {
			return err
		}
	}
	if all > 0 {
		r.Log.Info().Int("scenes", all).Msg("queued the scenes of changed performers, studios, tags and groups")
	}
	return nil
}
