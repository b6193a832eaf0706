// Package lists pages through the jobs and the dead letters of the queue, and changes the rows of a list. A page costs
// the same however long the queue is, once a run has called Prepare. Package store says what a job and a dead letter
// are, and revives dead letters with this package.
package lists

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// LongestWait bounds how far ahead the due time of a job may lie. A time further ahead was written before the clock was
// moved back and counts as past.
const LongestWait = 600 * time.Second

// A Querier is an open queue.db, or a transaction of it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// A Kind is one of the two lists.
type Kind string

// The lists.
const (
	Jobs        Kind = "jobs"
	DeadLetters Kind = "dead-letters"
)

// A State selects jobs by their due time.
type State string

// The states of jobs. Any is the only state of dead letters.
const (
	Any     State = ""
	Due     State = "due"
	Waiting State = "waiting"
)

// A Filter selects rows of a list.
type Filter struct {
	Kind     Kind
	State    State
	Class    string    // of the last error; "" for any
	Scenes   []int     // only these; nil for any
	Attempts bool      // sort by attempts, the most first, instead of by time alone
	Now      time.Time // decides what is due
}

// An Entry is a row of a list.
type Entry struct {
	SceneID       int
	Queued        string // why the job was queued
	Priority      int
	Attempts      int
	Misses        int
	EnqueuedAt    time.Time
	FirstFailedAt time.Time // zero if it never failed
	Class         string    // of the last error; "" if there is none
	Error         string
	Reason        string    // JSON of the code and the parameters behind Error; "" if there is none
	At            time.Time // when the job is due, or when the dead letter died
	Candidates    string    // JSON of what an ambiguous match found; [] for a job
}

// A table describes where a list is stored.
type table struct {
	name, class, at string
	newest          bool   // the latest time comes first
	order, next     string // by time: the order of rows, and how the next scene compares
	columns         string // of an Entry
}

func (f Filter) table() table {
	const shared = `scene_id, reason, priority, attempts, misses, enqueued_at, first_failed_at, last_reason, `
	if f.Kind == DeadLetters {
		return table{"dead_letter", "class", "died_at", true, `died_at DESC, scene_id DESC`, `<`, shared + `class, error, died_at, candidates`}
	}
	return table{"job", "last_error_class", "due_at", false, `due_at, scene_id`, `>`, shared + `last_error_class, last_error, due_at, '[]'`}
}

// DueRanges returns the ranges of due_at that are due, with both ends, in Unix milliseconds.
func DueRanges(now time.Time) [][2]int64 {
	return [][2]int64{{0, now.UnixMilli()}, {now.Add(LongestWait).UnixMilli() + 1, math.MaxInt64}}
}

// ranges returns the ranges of time that a filter selects, with both ends, in ascending order.
func (f Filter) ranges() [][2]int64 {
	switch f.State {
	case Due:
		return DueRanges(f.Now)
	case Waiting:
		return [][2]int64{{f.Now.UnixMilli() + 1, f.Now.Add(LongestWait).UnixMilli()}}
	}
	return [][2]int64{{math.MinInt64, math.MaxInt64}}
}

// Page returns the rows after a cursor, at most limit: jobs by due time, the earliest first, dead letters by the time of
// their death, the latest first. next is the cursor of the following page, "" if there is none. A row that stays where it
// is in the order is on exactly one page, whatever is added and removed meanwhile. The error is an *Error for a cursor
// that no page of this list and order returned.
func Page(ctx context.Context, q Querier, f Filter, cursor string, limit int) (list []Entry, next string, err error) {
	ids, next, err := IDs(ctx, q, f, cursor, limit)
	if err != nil || len(ids) == 0 {
		return nil, "", err
	}
	t := f.table()
	list, err = sqlitefile.Collect(ctx, q, scan, `SELECT `+t.columns+` FROM `+t.name+`
		WHERE scene_id IN (SELECT value FROM json_each(?))`, sqlitefile.JSONList(ids))
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the list of %s: %w", f.Kind, err)
	}
	place := make(map[int]int, len(ids))
	for i, id := range ids {
		place[id] = i
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(place[a.SceneID], place[b.SceneID]) })
	return list, next, nil
}

func scan(row sqlitefile.Row) (e Entry, err error) {
	var enqueued, at int64
	var failed sql.NullInt64
	var class, text sql.NullString
	err = row.Scan(&e.SceneID, &e.Queued, &e.Priority, &e.Attempts, &e.Misses, &enqueued, &failed, &e.Reason,
		&class, &text, &at, &e.Candidates)
	e.EnqueuedAt, e.At = time.UnixMilli(enqueued), time.UnixMilli(at)
	if failed.Valid {
		e.FirstFailedAt = time.UnixMilli(failed.Int64)
	}
	e.Class, e.Error = class.String, text.String
	return e, err
}

// IDs returns the scenes of the rows that Page would return, and the cursor of the following page.
func IDs(ctx context.Context, q Querier, f Filter, cursor string, limit int) (ids []int, next string, err error) {
	after, err := f.parse(cursor)
	if err != nil {
		return nil, "", err
	}
	keys, err := f.keys(ctx, q, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the list of %s: %w", f.Kind, err)
	}
	if len(keys) > limit {
		keys = keys[:limit]
		next = f.format(keys[limit-1])
	}
	ids = make([]int, len(keys))
	for i, k := range keys {
		ids[i] = k.scene
	}
	return ids, next, nil
}

// Count counts the rows that a filter selects, up to sqlitefile.CountLimit.
func Count(ctx context.Context, q Querier, f Filter) (sqlitefile.Count, error) {
	const most = sqlitefile.CountLimit + 1
	n := 0
	err := func() error {
		if f.Scenes != nil {
			keys, err := f.ofScenes(ctx, q, nil)
			n = len(keys)
			return err
		}
		f.Attempts = false // the order does not matter
		groups, err := f.groups(ctx, q)
		if err != nil {
			return err
		}
		t := f.table()
		for _, s := range slices.Concat(groups...) {
			for _, r := range f.ranges() {
				var some int
				if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM `+t.name+`
					WHERE `+s.where+` AND `+t.at+` BETWEEN ? AND ? LIMIT ?)`, append(s.args, r[0], r[1], most-n)...).Scan(&some); err != nil {
					return err
				}
				if n += some; n >= most {
					return nil
				}
			}
		}
		return nil
	}()
	if err != nil {
		return sqlitefile.Count{}, fmt.Errorf("cannot count the list of %s: %w", f.Kind, err)
	}
	return sqlitefile.Count{N: min(n, sqlitefile.CountLimit), Capped: n >= most}, nil
}

// State returns the state of a job at a time.
func (e Entry) State(now time.Time) State {
	at := e.At.UnixMilli()
	if slices.ContainsFunc(DueRanges(now), func(r [2]int64) bool { return r[0] <= at && at <= r[1] }) {
		return Due
	}
	return Waiting
}
