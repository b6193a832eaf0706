package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A Restoration reports what a restore did to Plex items.
type Restoration struct {
	Restored  int // items restored to their state before the first push, except later edits by a person
	Unchanged int // items that needed no change
	Gone      int // items that are no longer in Plex
	Failed    int // items not or only partly restored; another restore tries again
	Dropped   int // waiting edits of restored scenes, which are removed from the queue

	Kept     []KeptFields // the first items with kept fields: edited since the push, or a picture that is no longer offered
	KeptMore bool         // there are more
	Problems []ItemProblem
	Stopped  string      // why it ended early
	Class    retry.Class // of what stopped it

	// Next is where ContinueRestore continues after other Stash jobs; nil if the restore did not yield.
	Next *RestorePosition
}

// A RestorePosition is how far a restore has come that made room for other Stash jobs.
type RestorePosition struct {
	After string    `json:"after"` // rating key: the items up to this one are done
	Done  int       `json:"done"`  // how many items these are
	Began time.Time `json:"began"` // when the first part began: jobs enqueued since then stay
}

// KeptFields are fields of an item that no longer hold what was pushed.
type KeptFields struct {
	SceneID   int      `json:"scene_id"`
	RatingKey string   `json:"rating_key"`
	Fields    []string `json:"fields"`
}

// ItemProblem says why an item could not be restored.
type ItemProblem struct {
	SceneID   int    `json:"scene_id"`
	RatingKey string `json:"rating_key"`
	Reason    string `json:"reason"`
}

// Restore puts back what Plex held before the first push of a scene, or of all if it is 0: values, tags, locks
// and pictures, each only where Plex still holds what was pushed. It removes the jobs of restored scenes from the
// queue; these scenes are pushed again only on request. A second restore changes nothing. The caller holds the lock.
func (e *Engine) Restore(ctx context.Context, scene int) (Restoration, error) {
	if scene == 0 { // otherwise the rest of an unfinished sync would be pushed after it
		if err := e.Store.SetMeta(ctx, time.Now(), store.KeyUnqueued, ""); err != nil {
			return Restoration{}, err
		}
	}
	return e.restore(ctx, scene, RestorePosition{Began: time.Now()}, nil)
}

// ContinueRestore continues a restore of all scenes that made room for other Stash jobs.
func (e *Engine) ContinueRestore(ctx context.Context, from RestorePosition) (Restoration, error) {
	return e.restore(ctx, 0, from, nil)
}

// A RestorePage gets the rows of some items, what was found so far, and the position after them. An error ends the run.
type RestorePage func(ctx context.Context, found []findings.Restore, r *Restoration, at RestorePosition) error

// DryRestore computes what Restore would do, from a position on. It writes neither to Plex nor to the queue. The caller
// needs no lock.
func (e *Engine) DryRestore(ctx context.Context, scene int, from RestorePosition, page RestorePage) (Restoration, error) {
	return e.restore(ctx, scene, from, page)
}

// restore restores items, or with page only computes what that would do.
func (e *Engine) restore(ctx context.Context, scene int, from RestorePosition, page RestorePage) (Restoration, error) {
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
	position RestorePosition
	result   Restoration
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
			r.result.count(one, &end)
			r.position.After, r.position.Done = one.Item.RatingKey, r.position.Done+1
			found = append(found, rowOf(one))
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

// rowOf returns the row of one item.
func rowOf(one *push.Restore) findings.Restore {
	plan, planned := one.Planned()
	row := findings.Restore{SceneID: one.Item.Owner, Item: findings.ItemOf(one.Item.RatingKey, &plan), Kept: one.Kept, Outcome: findings.Unchanged}
	switch err := one.Failure(); {
	case one.Gone:
		row.Outcome = findings.Gone
	case err != nil || !planned:
		row.Outcome, row.Reason = findings.NotRestored, text.OneLine(fmt.Sprint(err), text.Limit)
	case one.Changed:
		row.Outcome = findings.Restored
	}
	return row
}

// count adds the result of one item to the totals and to what is stored.
func (r *Restoration) count(one *push.Restore, end *store.Restored) {
	item := one.Item
	if one.Gone {
		r.Gone++
		end.Gone = append(end.Gone, item.RatingKey)
		return
	}
	if _, planned := one.Planned(); !planned {
		r.problem(item, one.Failure())
		return
	}
	if len(one.Kept) > 0 {
		if len(r.Kept) < shownAtMost {
			r.Kept = append(r.Kept, KeptFields{item.Owner, item.RatingKey, one.Kept})
		} else {
			r.KeptMore = true
		}
	}
	switch {
	case one.Failure() != nil:
		r.problem(item, one.Failure())
		end.Items = append(end.Items, item)
		return
	case one.Changed:
		r.Restored++
	default:
		r.Unchanged++
	}
	end.Whole = append(end.Whole, item.RatingKey)
	if item.Owner != 0 {
		end.Scenes = append(end.Scenes, item.Owner)
	}
}

func (r *Restoration) problem(item store.Item, err error) {
	r.Failed++
	if len(r.Problems) < shownAtMost {
		r.Problems = append(r.Problems, ItemProblem{item.Owner, item.RatingKey, text.OneLine(err.Error(), text.Limit)})
	}
}

// String returns what a restore did, in one line.
func (r Restoration) String() string {
	items := text.Count(r.Restored, "item", "items")
	parts := []string{"restored " + items + " to the state before the first push"}
	if r.Unchanged > 0 {
		parts = append(parts, fmt.Sprintf("%d needed no change", r.Unchanged))
	}
	if r.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d could not be restored", r.Failed))
	}
	if r.Gone > 0 {
		parts = append(parts, fmt.Sprintf("%d no longer in Plex", r.Gone))
	}
	if len(r.Kept) > 0 {
		parts = append(parts, "fields edited in Plex since the push, or that Plex cannot restore, were left unchanged")
	}
	if r.Dropped > 0 {
		parts = append(parts, text.Count(r.Dropped, "waiting edit of these scenes was", "waiting edits of these scenes were")+" removed from the queue")
	}
	return strings.Join(parts, "; ") + ". Restored scenes are pushed again only if you edit them in Stash or run \"Sync all scenes\""
}
