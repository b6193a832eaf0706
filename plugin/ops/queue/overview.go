package queue

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/coverage"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// How many days an overview has.
const (
	daysUsual  = 30
	daysAtMost = 400
)

// Overview is what the page shows first.
type Overview struct {
	Sentence string `json:"sentence"`
	Version  string `json:"version"`
	desk.Revisions
	Stopped  *desk.Reason    `json:"stopped"` // why the last run ended early; null if it did not
	Paused   *pause.State    `json:"paused"`  // null if nobody has paused pushing
	Run      *RunReport      `json:"run"`     // null if no run is in progress
	Coverage Coverage        `json:"coverage"`
	Queue    QueueState      `json:"queue"`
	Plex     PlexState       `json:"plex"`
	Breaker  status.Breaker  `json:"breaker"`
	Outages  []status.Outage `json:"outages"` // the newest first, at most 50
	Days     []Day           `json:"days"`    // the last ones, the oldest first
	CatchUp  status.CatchUp  `json:"catch_up"`
}

// Coverage counts the scenes. Each scene is in one state: the states without Deleted add up to Scenes plus Deleted.
type Coverage struct {
	Scenes      *int    `json:"scenes"` // in Stash; null if Stash does not answer
	InPlex      int     `json:"in_plex"`
	UpToDate    int     `json:"up_to_date"`
	Pending     int     `json:"pending"`
	NotFound    int     `json:"not_found"`
	Dead        int     `json:"dead"`
	Restored    int     `json:"restored"`
	LeftOut     LeftOut `json:"left_out"`
	NeverPushed *int    `json:"never_pushed"` // null if Stash does not answer
	Deleted     int     `json:"deleted"`      // counted above, but Stash no longer has them
}

// LeftOut counts the scenes that are left out on purpose.
type LeftOut struct {
	Total    int            `json:"total"`
	ByReason map[string]int `json:"by_reason"` // by the code of the reason
}

// QueueState counts the jobs and dead letters, each up to 10,000.
type QueueState struct {
	Due         int            `json:"due"`
	Waiting     int            `json:"waiting"`
	Dead        int            `json:"dead"`
	Capped      bool           `json:"capped"` // one of the numbers stopped at 10,000
	NextDueAt   *time.Time     `json:"next_due_at"`
	DeadByClass map[string]int `json:"dead_by_class"`
}

// Day sums up one day, from midnight to midnight UTC.
type Day struct {
	Date   string `json:"date"`
	Pushed int    `json:"pushed"`
	Failed int    `json:"failed"`
	Dead   int    `json:"dead"`
	DownMS int64  `json:"down_ms"`
}

// overview answers with everything that the page shows first. Most of its time goes into counting the scenes: see
// coverage.Count.
func overview(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	days, err := args.Number("days", 1, daysAtMost, daysUsual)
	if err != nil {
		return nil, err
	}
	r := Overview{Version: d.Version, Paused: pause.Read(d.Store.Dir(), d.Now()), Run: runNow(ctx, d), Outages: []status.Outage{}, Days: []Day{}}
	if err := r.readMeta(ctx, d); err != nil { // first: what changes meanwhile is seen at the next look
		return nil, err
	}
	if err := r.readQueue(ctx, d); err != nil {
		return nil, err
	}
	if r.Plex, err = plexState(ctx, d); err != nil {
		return nil, err
	}
	var counts coverage.Counts
	err = d.Store.View(ctx, func(tx *sqlitefile.Tx) error {
		if err := r.readHistory(ctx, tx, d.Now(), days); err != nil {
			return err
		}
		counts, err = coverage.Count(ctx, tx, r.Plex.Server, string(retry.ClassNotFound))
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Coverage = cover(counts, countScenes(ctx, d))
	r.Sentence = r.sentence(d)
	return r, nil
}

// countScenes returns how many scenes Stash has; nil if it does not answer.
func countScenes(ctx context.Context, d *desk.Desk) *int {
	ctx, cancel := context.WithTimeout(ctx, desk.AskLimit)
	defer cancel()
	page, err := d.Stash.AllScenes(ctx, 0, 1)
	if err != nil {
		d.Log.Debug().Err(err).Msg("cannot count the scenes in Stash")
		return nil
	}
	return &page.Count
}

// cover adds what Stash has to what the queue knows.
func cover(c coverage.Counts, scenes *int) Coverage {
	r := Coverage{
		Scenes: scenes, InPlex: c.InPlex, UpToDate: c.UpToDate, Pending: c.Pending, NotFound: c.NotFound, Dead: c.Dead, Restored: c.Restored,
		LeftOut: LeftOut{ByReason: c.LeftOut},
	}
	for _, n := range c.LeftOut {
		r.LeftOut.Total += n
	}
	if scenes != nil {
		never := max(*scenes-c.Known(), 0)
		r.NeverPushed, r.Deleted = &never, max(c.Known()-*scenes, 0)
	}
	return r
}

func (r *Overview) readMeta(ctx context.Context, d *desk.Desk) error {
	var err error
	if r.Revisions, err = d.Revisions(ctx); err != nil {
		return err
	}
	stopped, code, err := status.Stopped(ctx, d.Store)
	if err != nil {
		return err
	}
	if stopped != "" {
		r.Stopped = desk.ReasonOf("", code, stopped)
	}
	if r.CatchUp.Watermark, _, err = d.Store.Meta(ctx, store.KeyWatermark); err != nil {
		return err
	}
	_, full, err := d.Store.Meta(ctx, store.KeyLastListing)
	r.CatchUp.LastFullAt = desk.When(full)
	return err
}

func (r *Overview) readQueue(ctx context.Context, d *desk.Desk) error {
	c, err := d.Store.Counts(ctx, d.Now())
	if err != nil {
		return err
	}
	r.Queue = QueueState{
		Due: c.Due.N, Waiting: c.Waiting.N, Dead: c.Dead.N, Capped: c.Due.Capped || c.Waiting.Capped || c.Dead.Capped,
		NextDueAt: desk.When(c.NextDue), DeadByClass: c.DeadByClass,
	}
	b, err := d.Store.Breaker(ctx)
	r.Breaker = status.BreakerOf(b)
	return err
}

func (r *Overview) readHistory(ctx context.Context, tx *sqlitefile.Tx, now time.Time, n int) error {
	outages, err := history.Outages(ctx, tx)
	if err != nil {
		return err
	}
	r.Outages = status.OutagesOf(outages)
	days, err := history.Days(ctx, tx, now, n)
	for _, day := range days {
		r.Days = append(r.Days, Day{day.Begin.Format(time.DateOnly), day.Pushed, day.Failed, day.Dead, day.Down.Milliseconds()})
	}
	return err
}
