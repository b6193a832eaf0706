package findings

import (
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
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
	SceneID   int           `json:"scene_id"`
	RatingKey string        `json:"rating_key"`
	Reason    string        `json:"reason"`
	Because   reason.Reason `json:"because"` // the code of Reason
}

// RowOf returns the row of an item that was restored, or would be.
func RowOf(one *push.Restore) Restore {
	plan, planned := one.Planned()
	row := Restore{SceneID: one.Item.Owner, Item: ItemOf(one.Item.RatingKey, &plan), Kept: one.Kept, Outcome: Unchanged}
	switch err := one.Failure(); {
	case one.Gone:
		row.Outcome = Gone
	case err != nil || !planned:
		row.Outcome, row.Reason, row.Because = NotRestored, text.OneLine(fmt.Sprint(err), text.Limit), retry.ReasonOf(err)
	case one.Changed:
		row.Outcome = Restored
	}
	return row
}

// Count adds the result of one item to the totals and to what is stored.
func (r *Restoration) Count(one *push.Restore, end *store.Restored) {
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
		if len(r.Kept) < ShownAtMost {
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
	if len(r.Problems) < ShownAtMost {
		r.Problems = append(r.Problems, ItemProblem{item.Owner, item.RatingKey, text.OneLine(err.Error(), text.Limit), retry.ReasonOf(err)})
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
