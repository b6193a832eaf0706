package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Counts describes the content of the queue.
type Counts struct {
	Due, Waiting, Dead, Links sqlitefile.Count
	DeadByClass               map[string]int // of the newest dead letters, as many as Dead counts
	NextDue                   time.Time      // when the next waiting job is due; zero if none waits
	ExpiredDead               int            // dead letters that have expired in total
}

// Counts counts the content of the queue, each number up to CountLimit.
func (s *Store) Counts(ctx context.Context, now time.Time) (Counts, error) {
	var c Counts
	due, dueArgs := dueJobs(now)
	tx, err := sqlitefile.Begin(ctx, s.read) // all numbers at the same moment
	if err != nil {
		return c, fmt.Errorf("cannot count the queue: %w", s.fileError(err))
	}
	defer sqlitefile.Rollback(tx.Tx) // nothing was written
	for _, q := range []struct {
		to   *sqlitefile.Count
		text string
		args []any
	}{
		{&c.Due, due, dueArgs},
		{&c.Waiting, `SELECT 1 FROM job WHERE priority IN (0, 1) AND due_at > ? AND due_at <= ?`, dueArgs},
		{&c.Dead, `SELECT 1 FROM dead_letter`, nil},
		{&c.Links, `SELECT 1 FROM link`, nil},
	} {
		if *q.to, err = sqlitefile.CountRows(ctx, tx, q.text, q.args...); err != nil {
			return c, fmt.Errorf("cannot count the queue: %w", s.fileError(err))
		}
	}
	if c.DeadByClass, err = deadByClass(ctx, tx); err != nil {
		return c, fmt.Errorf("cannot count dead letters: %w", s.fileError(err))
	}
	if c.NextDue, err = nextDue(ctx, tx, now); err != nil {
		return c, fmt.Errorf("cannot read the next due time: %w", s.fileError(err))
	}
	total, _, err := metaOf(ctx, tx, keyExpiry)
	if err != nil {
		return c, s.fileError(err)
	}
	_, err = fmt.Sscan("0"+total, &c.ExpiredDead)
	return c, err
}

// CountDue counts due jobs, up to CountLimit. It is cheap enough to call after every batch.
func (s *Store) CountDue(ctx context.Context, now time.Time) (sqlitefile.Count, error) {
	due, args := dueJobs(now)
	c, err := sqlitefile.CountRows(ctx, s.read, due, args...)
	if err != nil {
		return c, fmt.Errorf("cannot count what is due: %w", s.fileError(err))
	}
	return c, nil
}

// dueJobs selects the jobs that are due, which those are too that are due further ahead than any wait.
func dueJobs(now time.Time) (query string, args []any) {
	return `SELECT 1 FROM job WHERE priority IN (0, 1) AND due_at <= ?
		UNION ALL SELECT 1 FROM job WHERE priority IN (0, 1) AND due_at > ?`,
		[]any{now.UnixMilli(), now.Add(LongestWait).UnixMilli()}
}

func deadByClass(ctx context.Context, tx *sqlitefile.Tx) (map[string]int, error) {
	by := make(map[string]int)
	_, err := sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (class string, err error) {
		var n int
		err = row.Scan(&class, &n)
		by[class] = n
		return class, err
	}, `SELECT class, COUNT(*) FROM (SELECT class FROM dead_letter ORDER BY died_at DESC LIMIT ?) GROUP BY class`, sqlitefile.CountLimit)
	return by, err
}

// NextDue returns when the next waiting job is due; the zero time if none waits.
func (s *Store) NextDue(ctx context.Context, now time.Time) (time.Time, error) {
	at, err := nextDue(ctx, s.read, now)
	if err != nil {
		return at, fmt.Errorf("cannot read the next due time: %w", s.fileError(err))
	}
	return at, nil
}

func nextDue(ctx context.Context, q sqlitefile.RowQuerier, now time.Time) (time.Time, error) {
	var next time.Time
	for _, priority := range [...]int{ByPerson, InBulk} {
		var due sql.NullInt64
		err := q.QueryRowContext(ctx, `SELECT MIN(due_at) FROM job WHERE priority = ? AND due_at > ?`, priority, now.UnixMilli()).Scan(&due)
		if err != nil {
			return next, err
		}
		if at := nullTime(due); due.Valid && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next, nil
}

// FailedJobs returns jobs whose last claim failed, at most limit, those with the latest due times first. It looks at the
// latest 10,000 jobs of each priority.
func (s *Store) FailedJobs(ctx context.Context, limit int) ([]Job, error) {
	var jobs []Job
	for _, priority := range [...]int{ByPerson, InBulk} {
		list, err := sqlitefile.Collect(ctx, s.read, scanJob, `SELECT `+jobColumns+`
			FROM (SELECT * FROM job WHERE priority = ? ORDER BY due_at DESC LIMIT ?) WHERE last_error IS NOT NULL LIMIT ?`,
			priority, sqlitefile.CountLimit, limit)
		if err != nil {
			return nil, fmt.Errorf("cannot read failed jobs: %w", s.fileError(err))
		}
		jobs = append(jobs, list...)
	}
	slices.SortStableFunc(jobs, func(a, b Job) int { return b.DueAt.Compare(a.DueAt) })
	return jobs[:min(len(jobs), limit)], nil
}

// Job returns the scene's job; ErrNone if it has none.
func (s *Store) Job(ctx context.Context, sceneID int) (Job, error) {
	j, err := scanJob(s.read.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM job WHERE scene_id = ?`, sceneID))
	if errors.Is(err, sql.ErrNoRows) {
		return j, ErrNone
	}
	if err != nil {
		return j, fmt.Errorf("cannot read the job of scene %d: %w", sceneID, s.fileError(err))
	}
	return j, nil
}

// ErrNone means that there is no such row.
var ErrNone = errors.New("none")

// Attempts returns the latest attempts for a scene, newest first.
func (s *Store) Attempts(ctx context.Context, sceneID int) ([]history.Attempt, error) {
	list, err := history.OfScene(ctx, s.read, sceneID)
	return list, s.fileError(err)
}

// Outages returns the newest outages, at most 50.
func (s *Store) Outages(ctx context.Context) ([]history.Outage, error) {
	list, err := history.Outages(ctx, s.read)
	return list, s.fileError(err)
}
