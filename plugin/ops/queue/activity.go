package queue

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// ActivityReport is a page of what happened lately, the newest first.
type ActivityReport struct {
	Items []Activity `json:"items"`
	Next  int64      `json:"next"` // args.before of the next page; 0 if there is none
}

// Activity is one attempt for one scene.
type Activity struct {
	ID      int64        `json:"id"`
	At      *time.Time   `json:"at"`
	SceneID int          `json:"scene_id"`
	Title   string       `json:"title"`
	Outcome string       `json:"outcome"`
	Fields  []string     `json:"fields"`
	TookMS  int64        `json:"took_ms"`
	Reason  *desk.Reason `json:"reason"`
}

func activity(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	var f history.Filter
	var err error
	if f.Outcome, err = args.Text("outcome"); err != nil {
		return nil, err
	}
	if f.SceneID, err = args.Scene("scene_id"); err != nil {
		return nil, err
	}
	before, err := args.Number("before", 0, 1<<53, 0)
	if err != nil {
		return nil, err
	}
	limit, err := args.Number("limit", 1, desk.PageAtMost, desk.PageUsual)
	if err != nil {
		return nil, err
	}
	f.Before = int64(before)
	var list []history.Attempt
	err = d.Store.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = history.Newest(ctx, tx, f, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	r := ActivityReport{Items: []Activity{}}
	if len(list) > limit {
		list = list[:limit]
		r.Next = list[limit-1].ID
	}
	ids := make([]int, len(list))
	for i, a := range list {
		ids[i] = a.SceneID
	}
	titles := d.Titles(ctx, ids)
	for _, a := range list {
		r.Items = append(r.Items, Activity{
			ID: a.ID, At: desk.When(a.At), SceneID: a.SceneID, Title: titles[a.SceneID], Outcome: a.Outcome,
			Fields: append([]string{}, a.Fields...), TookMS: a.Took.Milliseconds(), Reason: desk.ReasonOf(a.Class, a.Reason, a.Error),
		})
	}
	return r, nil
}
