package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	searchAtMost   = 1000            // scenes that a search finds
	searchLimit    = 5 * time.Second // for Stash to answer a search
	candidateBytes = 2000            // of the candidates of one dead letter
)

// readLimit is how long reading a page may take. Only without the indexes that a run creates can it take so long. A test
// shortens it.
var readLimit = 10 * time.Second

// JobsReport is a page of the queued scenes.
type JobsReport struct {
	Items       []Job      `json:"items"`
	Next        string     `json:"next"` // args.cursor of the next page; "" if there is none
	Counts      ListCounts `json:"counts"`
	MaxAttempts int        `json:"max_attempts"` // with so many, a job becomes a dead letter; 0 if the settings cannot be read
	MaxMisses   int        `json:"max_misses"`
}

// DeadLettersReport is a page of the dead letters.
type DeadLettersReport struct {
	Items  []DeadLetter `json:"items"`
	Next   string       `json:"next"`
	Counts ListCounts   `json:"counts"`
}

// ListCounts says how long the lists are. Each number stops at sqlitefile.CountLimit.
type ListCounts struct {
	Matching     int  `json:"matching"` // on all pages of this list
	Due          int  `json:"due"`
	Waiting      int  `json:"waiting"`
	DeadLetters  int  `json:"dead_letters"`
	Capped       bool `json:"capped"`        // some number has stopped
	SearchCapped bool `json:"search_capped"` // Stash found more scenes than are looked for
}

// Queued is what jobs and dead letters have in common.
type Queued struct {
	SceneID       int          `json:"scene_id"`
	Title         string       `json:"title"`
	Trigger       string       `json:"trigger"` // why it was queued
	Priority      int          `json:"priority"`
	Attempts      int          `json:"attempts"`
	Misses        int          `json:"misses"`
	Class         string       `json:"class"` // of the last failure; "" if there is none
	EnqueuedAt    *time.Time   `json:"enqueued_at"`
	FirstFailedAt *time.Time   `json:"first_failed_at"`
	Reason        *desk.Reason `json:"reason"`
}

// Job is a scene that is to be pushed.
type Job struct {
	Queued
	State lists.State `json:"state"`
	DueAt *time.Time  `json:"due_at"`
}

// DeadLetter is a scene that is no longer retried.
type DeadLetter struct {
	Queued
	DiedAt         *time.Time        `json:"died_at"`
	Candidates     []json.RawMessage `json:"candidates"`
	CandidatesLeft int               `json:"candidates_left"` // more than fit here: explain lists them
}

func jobs(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	p, err := readPage(ctx, d, args, lists.Jobs, "due")
	if err != nil {
		return nil, err
	}
	r := JobsReport{Items: []Job{}, Next: p.next, Counts: p.counts}
	if n := d.Settings.MaxRetries; n > 0 {
		r.MaxAttempts, r.MaxMisses = retry.TemporaryPolicy(n).Limit+1, retry.MissPolicy().Limit+1
	}
	now := d.Now()
	for _, e := range p.entries {
		r.Items = append(r.Items, Job{Queued: queued(e, p.titles), State: e.State(now), DueAt: desk.When(e.At)})
	}
	return r, nil
}

func deadLetters(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	p, err := readPage(ctx, d, args, lists.DeadLetters, "died")
	if err != nil {
		return nil, err
	}
	r := DeadLettersReport{Items: []DeadLetter{}, Next: p.next, Counts: p.counts}
	for _, e := range p.entries {
		var all []json.RawMessage
		if err := json.Unmarshal([]byte(e.Candidates), &all); err != nil {
			return nil, fmt.Errorf("cannot read the candidates of scene %d: %w", e.SceneID, err)
		}
		size := 0
		some := slices.IndexFunc(all, func(c json.RawMessage) bool { size += len(c); return size > candidateBytes })
		if some < 0 {
			some = len(all)
		}
		r.Items = append(r.Items, DeadLetter{
			Queued: queued(e, p.titles), DiedAt: desk.When(e.At),
			Candidates: append([]json.RawMessage{}, all[:some]...), CandidatesLeft: len(all) - some,
		})
	}
	return r, nil
}

func queued(e lists.Entry, titles map[int]string) Queued {
	return Queued{
		SceneID: e.SceneID, Title: titles[e.SceneID], Trigger: e.Queued, Priority: e.Priority, Attempts: e.Attempts, Misses: e.Misses, Class: e.Class,
		EnqueuedAt: desk.When(e.EnqueuedAt), FirstFailedAt: desk.When(e.FirstFailedAt), Reason: desk.ReasonOf(e.Class, e.Reason, e.Error),
	}
}

// A page is a part of a list.
type page struct {
	entries []lists.Entry
	next    string
	counts  ListCounts
	titles  map[int]string
}

// readPage reads a page of a list, counts, and asks for the titles. byTime is the name of the usual order.
func readPage(ctx context.Context, d *desk.Desk, args desk.Args, kind lists.Kind, byTime string) (p page, err error) {
	f, err := filterOf(args, kind, d.Now())
	if err != nil {
		return p, err
	}
	sort, err := args.OneOf("sort", byTime, "attempts")
	if err != nil {
		return p, err
	}
	f.Attempts = sort != byTime
	cursor, err := args.Text("cursor")
	if err != nil {
		return p, err
	}
	limit, err := args.Number("limit", 1, desk.PageAtMost, desk.PageUsual)
	if err != nil {
		return p, err
	}
	if f.Scenes, p.counts.SearchCapped, err = search(ctx, d, args); err != nil {
		return p, err
	}
	reading, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	err = d.Store.View(reading, func(tx *sqlitefile.Tx) error {
		if p.entries, p.next, err = lists.Page(reading, tx, f, cursor, limit); err != nil {
			return err
		}
		return p.counts.count(reading, tx, f)
	})
	if err != nil && reading.Err() != nil && ctx.Err() == nil {
		return p, fmt.Errorf("the list could not be read within %v: run \"Process queue\" once, which prepares it", readLimit)
	}
	if err != nil {
		return p, ofCursor(err)
	}
	ids := make([]int, len(p.entries))
	for i, e := range p.entries {
		ids[i] = e.SceneID
	}
	p.titles = d.Titles(ctx, ids)
	return p, nil
}

// count counts a list and all that is queued.
func (c *ListCounts) count(ctx context.Context, q lists.Querier, f lists.Filter) error {
	for _, one := range []struct {
		to *int
		f  lists.Filter
	}{
		{&c.Matching, f},
		{&c.Due, lists.Filter{Kind: lists.Jobs, State: lists.Due, Now: f.Now}},
		{&c.Waiting, lists.Filter{Kind: lists.Jobs, State: lists.Waiting, Now: f.Now}},
		{&c.DeadLetters, lists.Filter{Kind: lists.DeadLetters, Now: f.Now}},
	} {
		n, err := lists.Count(ctx, q, one.f)
		if err != nil {
			return err
		}
		*one.to, c.Capped = n.N, c.Capped || n.Capped
	}
	return nil
}

// filterOf reads what selects rows of a list. Only jobs have a state.
func filterOf(args desk.Args, kind lists.Kind, now time.Time) (lists.Filter, error) {
	f := lists.Filter{Kind: kind, Now: now}
	state, err := args.OneOf("state", "all", string(lists.Due), string(lists.Waiting))
	if err != nil {
		return f, err
	}
	if kind == lists.DeadLetters && args.Given("state") {
		return f, errors.New("args.state is for jobs; dead letters have none")
	}
	if state != "all" {
		f.State = lists.State(state)
	}
	f.Class, err = args.Text("class")
	return f, err
}

// search returns the scenes that args.text means: one by its id, or those that Stash's search finds; nil if it is
// absent. capped reports whether Stash found more.
func search(ctx context.Context, d *desk.Desk, args desk.Args) (scenes []int, capped bool, err error) {
	text, err := args.Text("text")
	if err != nil || text == "" {
		return nil, false, err
	}
	if id := hooks.ID(text); id != 0 {
		return []int{id}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, searchLimit)
	defer cancel()
	return d.Stash.Search(ctx, text, searchAtMost)
}

// ofCursor names the argument in the error of a bad cursor.
func ofCursor(err error) error {
	if bad, ok := errors.AsType[*lists.Error](err); ok {
		return fmt.Errorf("args.cursor is %s; it must be what \"next\" of the page before says, with the same arguments", desk.Shown(bad.Cursor))
	}
	return err
}
