package engine

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	trickle    = 200 * time.Millisecond // edits within this time of each other are pushed together
	fillAtMost = time.Second            // how long a batch waits for them in a row
)

// fill waits while edits trickle in, so that one batch takes them together: each batch costs Plex two requests
// besides its writes. It does not wait for the first batch of a run, since a person may be looking at the scene, or
// for a full batch.
func (r *run) fill(ctx context.Context, opts store.ClaimOptions) error {
	if r.batches == 0 || r.opts.Only != 0 {
		return nil
	}
	for end := time.Now().Add(fillAtMost); ; {
		due, err := r.Store.Due(ctx, time.Now(), opts)
		if err != nil || len(due) == 0 || len(due) >= store.BatchSize || due[0].Unfinished > 0 {
			return err
		}
		newest := slices.MaxFunc(due, func(a, b store.Job) int { return a.EnqueuedAt.Compare(b.EnqueuedAt) }).EnqueuedAt
		now := time.Now()
		age := now.Sub(newest)
		if age < 0 || age >= trickle || !now.Before(end) { // age < 0: the clock was set back
			return nil
		}
		if err := sleep(ctx, min(trickle-age, end.Sub(now))); err != nil {
			return err
		}
	}
}
