package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/coverage"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// LongestWait bounds how far ahead a due_at or probe_at may lie. A time further ahead was written before
// the clock was moved back and counts as past.
const LongestWait = lists.LongestWait

// BatchSize is how many jobs one claim takes at most.
const BatchSize = 50

// crashLimit is how many claims of a job may stay incomplete before the job is dead-lettered: the first, which may
// have included other jobs, and three of this job alone.
const crashLimit = 4

// Priorities of jobs.
const (
	ByPerson = 0 // a person edited this one scene
	InBulk   = 1 // everything else
)

// ClassCrashed is the class of dead letters whose claims were never completed.
const ClassCrashed = "crashed"

// A Request asks for a job.
type Request struct {
	SceneID  int    `json:"scene_id"`
	Reason   string `json:"reason"`
	Priority int    `json:"priority"`
	Quiet    bool   `json:"quiet,omitempty"` // not requested by a user: ignored for restored scenes
}

// A Job is one queued scene with its retry metadata.
type Job struct {
	SceneID    int
	Reason     string
	Priority   int
	EnqueuedAt time.Time

	Attempts      int // claims completed with a temporary failure
	Misses        int // claims completed as not found
	Unfinished    int // claims since the last completion, including this one
	DueAt         time.Time
	FirstFailedAt time.Time // zero if it never failed
	ErrorClass    string
	Error         string
	Detail        string // JSON of the code and the parameters behind Error; "" if there is none

	Claim int64 // number of the claim in force; 0 if none
}

const jobColumns = `scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, due_at,
	first_failed_at, last_error_class, last_error, last_reason, claim`

func scanJob(row sqlitefile.Row) (Job, error) {
	var j Job
	var enqueued, due int64
	var failed sql.NullInt64
	var class, text sql.NullString
	err := row.Scan(&j.SceneID, &j.Reason, &j.Priority, &enqueued, &j.Attempts, &j.Misses, &j.Unfinished, &due,
		&failed, &class, &text, &j.Detail, &j.Claim)
	j.EnqueuedAt, j.DueAt = time.UnixMilli(enqueued), time.UnixMilli(due)
	j.FirstFailedAt = nullTime(failed)
	j.ErrorClass, j.Error = class.String, text.String
	return j, err
}

func nullTime(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return time.UnixMilli(ms.Int64)
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Enqueue adds jobs in one transaction. A scene that is already queued becomes due now with its counters at zero, and
// the completion of its current claim has no effect. A dead letter of the scene is revived. A quiet request skips a
// scene whose links are all restored; any other request removes their restored mark.
func (s *Store) Enqueue(ctx context.Context, now time.Time, requests []Request) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		_, err := enqueue(ctx, tx, now, requests)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot enqueue %d scenes: %w", len(requests), err)
	}
	return nil
}

// EnqueueWith makes a change of another package and adds the jobs that it returns, as Enqueue does, in one transaction.
func (s *Store) EnqueueWith(ctx context.Context, now time.Time, change func(tx *sqlitefile.Tx) ([]Request, error)) error {
	return s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		requests, err := change(tx)
		if err == nil {
			_, err = enqueue(ctx, tx, now, requests)
		}
		return err
	})
}

// enqueue returns how many jobs it added: all except quiet requests for restored scenes.
func enqueue(ctx context.Context, tx *sqlitefile.Tx, now time.Time, requests []Request) (int, error) {
	n := 0
	for _, r := range requests {
		var restored bool
		var err error
		if r.Quiet {
			err = tx.QueryRowContext(ctx, `SELECT COALESCE(MIN(restored), 0) FROM link WHERE scene_id = ?`, r.SceneID).Scan(&restored)
		} else {
			_, err = tx.ExecContext(ctx, `UPDATE link SET restored = 0 WHERE scene_id = ? AND restored = 1`, r.SceneID)
		}
		if err == nil && restored {
			continue
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `
				INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at)
				VALUES (?1, ?2, ?3, ?4, ?4)
				ON CONFLICT (scene_id) DO UPDATE
				SET reason = excluded.reason, priority = MIN(priority, excluded.priority),
				    enqueued_at = excluded.enqueued_at, due_at = excluded.due_at,
				    attempts = 0, misses = 0, unfinished = 0, claim = 0,
				    first_failed_at = NULL, last_error_class = NULL, last_error = NULL, last_reason = ''`,
				r.SceneID, r.Reason, r.Priority, now.UnixMilli())
		}
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM dead_letter WHERE scene_id = ?`, r.SceneID)
		}
		if err != nil {
			return n, fmt.Errorf("scene %d: %w", r.SceneID, err)
		}
		n++
	}
	return n, nil
}

// ClaimOptions restrict a claim.
type ClaimOptions struct {
	Floor int64                   // skip jobs with this claim number or a later one; 0 for none
	Wait  func(Job) time.Duration // the wait that the job would get if this attempt failed
	Only  int                     // only this scene; 0 for any
	Trial bool                    // a single job: the due one with the fewest attempts
	Below int                     // only priorities below this; 0 for any
}

// Claim takes the due jobs of the highest priority: up to BatchSize, or a single job if its earlier claim was never
// completed. Each job gets a unique number and becomes due again after opts.Wait, so that a dead process needs no
// recovery. Jobs that reach crashLimit are dead-lettered as ClassCrashed and returned in crashed.
func (s *Store) Claim(ctx context.Context, now time.Time, opts ClaimOptions) (jobs, crashed []Job, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for {
			jobs, err = pick(ctx, tx, now, opts)
			if err != nil || len(jobs) == 0 {
				return err
			}
			if jobs[0].Unfinished < crashLimit {
				return take(ctx, tx, now, jobs, opts.Wait)
			}
			e := Completion{Job: jobs[0], Outcome: ToDeadLetter, Class: ClassCrashed, Error: CrashText}
			if err := errors.Join(putDeadLetter(ctx, tx, now, &e), coverage.LeaveOut(ctx, tx, e.Job.SceneID, ""), logAttempt(ctx, tx, now, &e), history.AddDay(ctx, tx, now, history.Day{Dead: 1})); err != nil {
				return err
			}
			crashed = append(crashed, jobs[0])
		}
	})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot claim jobs: %w", err)
	}
	return jobs, crashed, nil
}

// CrashText is the reason of dead letters whose claims were never completed.
const CrashText = "the plugin crashed or was killed four times while it worked on this scene: please report it with the log"

// HasDue reports whether Claim would find a job.
func (s *Store) HasDue(ctx context.Context, now time.Time, opts ClaimOptions) (bool, error) {
	jobs, err := s.Due(ctx, now, opts)
	return len(jobs) > 0, err
}

// Due returns the jobs that Claim would take without claiming them.
func (s *Store) Due(ctx context.Context, now time.Time, opts ClaimOptions) ([]Job, error) {
	tx, err := sqlitefile.Begin(ctx, s.read)
	var jobs []Job
	if err == nil {
		defer sqlitefile.Rollback(tx.Tx) // nothing was written
		jobs, err = pick(ctx, tx, now, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look for due jobs: %w", s.fileError(err))
	}
	return jobs, nil
}

// HasAwaitedFiles reports whether any scene waits for its file to appear in Plex.
func (s *Store) HasAwaitedFiles(ctx context.Context) (bool, error) {
	return s.hasAny(ctx, "awaited_file")
}

func (s *Store) hasAny(ctx context.Context, table string) (yes bool, err error) {
	if err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+`)`).Scan(&yes); err != nil {
		return false, fmt.Errorf("cannot look for a %s: %w", table, s.fileError(err))
	}
	return yes, nil
}

// pick chooses what to claim.
func pick(ctx context.Context, tx *sqlitefile.Tx, now time.Time, opts ClaimOptions) ([]Job, error) {
	floor := opts.Floor
	if floor == 0 {
		floor = 1<<63 - 1
	}
	switch {
	case opts.Only != 0:
		return queryJobs(ctx, tx, `WHERE scene_id = ? AND (due_at <= ? OR due_at > ?) AND claim < ?`,
			opts.Only, now.UnixMilli(), now.Add(LongestWait).UnixMilli(), floor)
	case opts.Trial:
		return pickTrial(ctx, tx, now, floor)
	}
	below := opts.Below
	if below == 0 {
		below = InBulk + 1
	}
	for priority := ByPerson; priority < below; priority++ {
		for _, r := range lists.DueRanges(now) {
			first, err := queryJobs(ctx, tx, `WHERE priority = ? AND due_at BETWEEN ? AND ? AND claim < ?
				ORDER BY due_at LIMIT 1`, priority, r[0], r[1], floor)
			if err != nil {
				return nil, err
			}
			if len(first) == 0 {
				continue
			}
			if first[0].Unfinished > 0 {
				return first, nil
			}
			return queryJobs(ctx, tx, `WHERE priority = ? AND due_at BETWEEN ? AND ? AND claim < ? AND unfinished = 0
				ORDER BY due_at LIMIT ?`, priority, r[0], r[1], floor, BatchSize)
		}
	}
	return nil, nil
}

// pickTrial tries each distinct number of attempts in ascending order, so that it does not scan waiting jobs.
func pickTrial(ctx context.Context, tx *sqlitefile.Tx, now time.Time, floor int64) ([]Job, error) {
	attempts := sql.NullInt64{Int64: -1, Valid: true}
	for {
		err := tx.QueryRowContext(ctx, `SELECT MIN(attempts) FROM job WHERE attempts > ?`, attempts.Int64).Scan(&attempts)
		if err != nil || !attempts.Valid {
			return nil, err
		}
		for _, r := range lists.DueRanges(now) {
			jobs, err := queryJobs(ctx, tx, `WHERE attempts = ? AND due_at BETWEEN ? AND ? AND claim < ?
				ORDER BY due_at LIMIT 1`, attempts.Int64, r[0], r[1], floor)
			if err != nil || len(jobs) > 0 {
				return jobs, err
			}
		}
	}
}

func queryJobs(ctx context.Context, tx *sqlitefile.Tx, where string, args ...any) ([]Job, error) {
	return sqlitefile.Collect(ctx, tx, scanJob, `SELECT `+jobColumns+` FROM job `+where, args...)
}

// take gives each job its number and moves its due_at ahead. The returned jobs keep their old due_at, which a
// completion with Release restores.
func take(ctx context.Context, tx *sqlitefile.Tx, now time.Time, jobs []Job, wait func(Job) time.Duration) error {
	number, err := nextClaim(ctx, tx, len(jobs))
	if err != nil {
		return err
	}
	for i := range jobs {
		j := &jobs[i]
		ahead := now.Add(min(wait(*j), LongestWait))
		j.Claim = number + int64(i)
		j.Unfinished++
		if _, err := tx.ExecContext(ctx, `UPDATE job SET claim = ?, unfinished = ?, due_at = ? WHERE scene_id = ?`,
			j.Claim, j.Unfinished, ahead.UnixMilli(), j.SceneID); err != nil {
			return err
		}
	}
	return nil
}

const metaClaim = "claim"

// nextClaim reserves n claim numbers and returns the first.
func nextClaim(ctx context.Context, tx *sqlitefile.Tx, n int) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `
		INSERT INTO meta (key, value) VALUES (?1, ?2)
		ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + ?2
		RETURNING CAST(value AS INTEGER)`, metaClaim, n).Scan(&last)
	return last - int64(n) + 1, err
}

// ClaimFloor returns the number of the next claim. Jobs claimed from now on have this number or a higher one.
func (s *Store) ClaimFloor(ctx context.Context) (int64, error) {
	var last int64
	err := s.read.QueryRowContext(ctx, `SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?`, metaClaim).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("cannot read the claim number: %w", s.fileError(err))
	}
	return last + 1, nil
}
