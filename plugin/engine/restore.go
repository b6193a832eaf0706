package engine

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Restore puts back what Plex held before the first push of a scene, or of all if it is 0: values, tags, locks
// and pictures, each only where Plex still holds what was pushed. It removes the jobs of restored scenes from the
// queue; these scenes are pushed again only on request. A second restore changes nothing. The caller holds the lock.
func (e *Engine) Restore(ctx context.Context, scene int) (findings.Restoration, error) {
	if scene == 0 { // otherwise the rest of an unfinished sync would be pushed after it
		if err := e.Store.SetMeta(ctx, time.Now(), store.KeyUnqueued, ""); err != nil {
			return findings.Restoration{}, err
		}
	}
	return e.restore(ctx, scene, findings.RestorePosition{Began: time.Now()}, nil)
}

// ContinueRestore continues a restore of all scenes that made room for other Stash jobs.
func (e *Engine) ContinueRestore(ctx context.Context, from findings.RestorePosition) (findings.Restoration, error) {
	return e.restore(ctx, 0, from, nil)
}

// A RestorePage gets the rows of some items, what was found so far, and the position after them. An error ends the run.
type RestorePage func(ctx context.Context, found []findings.Restore, r *findings.Restoration, at findings.RestorePosition) error

// DryRestore computes what Restore would do, from a position on. It writes neither to Plex nor to the queue. The caller
// needs no lock.
func (e *Engine) DryRestore(ctx context.Context, scene int, from findings.RestorePosition, page RestorePage) (findings.Restoration, error) {
	return e.restore(ctx, scene, from, page)
}

// restore restores items, or with page only computes what that would do.
func (e *Engine) restore(ctx context.Context, scene int, from findings.RestorePosition, page RestorePage) (findings.Restoration, error) {
	r := restoreRun{run: e.newRun(Options{}, page != nil), position: from, dry: page}
	r.yield.ask, r.yield.leaves = e.callerAsks(), leavesReport
	if scene != 0 {
		r.yield.ask = nil
	}
	r.gate.ReadOnly = true // a person asked for it: items that fail do not end it
	err := r.reach(ctx)
	switch {
	case err != nil:
	case scene != 0:
		var keys []string
		if keys, err = e.Store.ItemsOwnedBy(ctx, r.server.ID, scene); err == nil {
			err = r.page(ctx, keys)
		}
	default:
		err = r.all(ctx)
	}
	stop, err := r.gate.Why(ctx, err)
	r.result.Stopped, r.result.Class = stop.Text, stop.Class
	if r.yield.yielded(stop, err) {
		r.result.Next = &r.position
	}
	return r.result, err
}

// restoreRun is a run that restores items.
type restoreRun struct {
	*run
	position findings.RestorePosition
	result   findings.Restoration
	dry      RestorePage
}

func (r *restoreRun) all(ctx context.Context) error {
	total, err := r.Store.CountItems(ctx, r.server.ID)
	if err != nil {
		return err
	}
	for {
		r.Doing.Works(doing.Restoring, r.position.Done, total)
		keys, err := r.Store.ItemsAfter(ctx, r.server.ID, r.position.After, store.BatchSize)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := r.page(ctx, keys); err != nil {
			return err
		}
		r.Progress(float64(r.position.Done) / float64(max(total, 1)))
		if err := r.gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
}

// page restores some items and stores the result, each batch in one transaction.
func (r *restoreRun) page(ctx context.Context, keys []string) error {
	for some := range slices.Chunk(keys, store.BatchSize) {
		known, err := r.Store.Items(ctx, r.server.ID, some)
		if err != nil {
			return err
		}
		list, err := r.pushes.Restore(ctx, known)
		if err != nil {
			return err
		}
		end, after := store.Restored{Server: r.server.ID, Began: r.position.Began}, r.position.After
		var found []findings.Restore
		for _, one := range list {
			if one.Left {
				break
			}
			r.result.Count(one, &end)
			r.position.After, r.position.Done = one.Item.RatingKey, r.position.Done+1
			found = append(found, findings.RowOf(one))
		}
		if err := r.complete(ctx, end, after, found); err != nil {
			return err
		}
	}
	return nil
}

// complete stores the result of a batch, or hands over its findings.
func (r *restoreRun) complete(ctx context.Context, end store.Restored, after string, found []findings.Restore) (err error) {
	var dropped int
	if r.dry == nil {
		dropped, err = r.Store.CompleteRestore(context.WithoutCancel(ctx), time.Now(), end)
	} else {
		dropped, err = r.Store.CountRestorable(ctx, r.server.ID, after, r.position.Began, end.Scenes)
	}
	r.result.Dropped += dropped
	if err != nil || r.dry == nil {
		return err
	}
	return r.dry(ctx, found, &r.result, r.position)
}
