package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/coverage"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Outcome is the result of a claim.
type Outcome string

// The outcomes. Only Retry and Miss change the counters.
const (
	Done         Outcome = "done"    // Plex holds everything that we own: the job is deleted
	Drop         Outcome = "drop"    // permanently nothing to do (scene gone, filtered): the job is deleted
	Retry        Outcome = "retry"   // temporary failure: attempts + 1, due after Wait
	Miss         Outcome = "miss"    // Plex does not have the file: misses + 1, due after Wait
	Snooze       Outcome = "snooze"  // not charged, due after Wait
	Release      Outcome = "release" // not charged, due as before, but not taken again by this run
	ToDeadLetter Outcome = "bury"    // the job becomes a dead letter
)

// Unchanged is the Note of a completion for which Plex needed no change. It is not logged: it would fill the log.
const Unchanged = "unchanged"

// A Completion completes one claim. It writes items, links and the log in one transaction, and the job only if the
// claim is still in force, so that an edit in the meantime is not lost. For a scene that was destroyed in the meantime
// it writes only the items.
type Completion struct {
	Job     Job
	Outcome Outcome
	Charge  Outcome       // for ToDeadLetter: Retry or Miss if this last claim is charged too
	Wait    time.Duration // for Retry, Miss, Snooze
	Class   string        // why the claim failed
	Error   string        // one line for the user
	Behind  bool          // for Release: due now, behind the other due jobs
	Note    string        // replaces the outcome in the log ("synced", Unchanged, "gone")
	Reason  string        // JSON of the code and the parameters behind Error; "" if there is none
	Fields  []string      // that were written, for the log
	Took    time.Duration // since the claim, for the log
	LeftOut string        // for Drop: the code of why the scene is left out on purpose; "" if it is not

	Candidates   any           // for ToDeadLetter: what an ambiguous match found, as JSON
	AwaitedFiles []AwaitedFile // the files whose appearance in Plex queues the scene; none for Retry, Release and Snooze
	Items        []Item
	Links        []Link        // of a pushed scene: replaces its links on these servers
	Refs         []Ref         // with Links: what the scene mentions
	SceneVersion *SceneVersion // the version that was read
}

// Complete completes claims in one transaction. It returns for each whether the claim was still in force.
func (s *Store) Complete(ctx context.Context, now time.Time, completions []Completion) ([]bool, error) {
	applied := make([]bool, len(completions))
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		var day history.Day
		for i := range completions {
			var err error
			if applied[i], err = completeClaim(ctx, tx, now, &completions[i]); err != nil {
				return fmt.Errorf("scene %d: %w", completions[i].Job.SceneID, err)
			}
			completions[i].count(&day, applied[i])
		}
		if err := history.AddDay(ctx, tx, now, day); err != nil {
			return err
		}
		return history.Trim(ctx, tx)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot complete %d claims: %w", len(completions), err)
	}
	return applied, nil
}

// count adds the completion to the numbers of its day. inForce reports whether its claim was.
func (e *Completion) count(day *history.Day, inForce bool) {
	switch {
	case inForce && e.Outcome == Retry:
		day.Failed++
	case inForce && e.Outcome == ToDeadLetter:
		day.Dead++
	}
	if len(e.Fields) > 0 || e.Outcome == Done && e.Note != Unchanged {
		day.Pushed++
	}
}

func completeClaim(ctx context.Context, tx *sqlitefile.Tx, now time.Time, e *Completion) (bool, error) {
	for i := range e.Items {
		if err := putItem(ctx, tx, &e.Items[i]); err != nil {
			return false, err
		}
	}
	inForce, err := completeJob(ctx, tx, now, e)
	if err != nil {
		return false, err
	}
	if !inForce {
		if known, err := isKnown(ctx, tx, e.Job.SceneID); err != nil || !known {
			return false, err
		}
	}
	if err := completeLinks(ctx, tx, e); err != nil {
		return false, err
	}
	if e.SceneVersion != nil {
		if err := putSceneVersion(ctx, tx, *e.SceneVersion); err != nil {
			return false, err
		}
	}
	if inForce {
		if err := errors.Join(setAwaitedFiles(ctx, tx, e), coverage.LeaveOut(ctx, tx, e.Job.SceneID, e.LeftOut)); err != nil {
			return false, err
		}
	}
	return inForce, logAttempt(ctx, tx, now, e)
}

// isKnown reports whether a scene is queued or has a version. Only a destroyed scene is neither.
func isKnown(ctx context.Context, tx *sqlitefile.Tx, scene int) (known bool, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT EXISTS (SELECT 1 FROM job WHERE scene_id = ?1) OR EXISTS (SELECT 1 FROM scene_version WHERE scene_id = ?1)`,
		scene).Scan(&known)
	return known, err
}

// completeJob changes the job's row if the claim is still in force.
func completeJob(ctx context.Context, tx *sqlitefile.Tx, now time.Time, e *Completion) (bool, error) {
	j := &e.Job
	due := now.Add(min(e.Wait, LongestWait)).UnixMilli()
	var res sql.Result
	var err error
	switch e.Outcome {
	case Done, Drop:
		res, err = tx.ExecContext(ctx, `DELETE FROM job WHERE scene_id = ? AND claim = ?`, j.SceneID, j.Claim)
	case Retry, Miss:
		column := map[Outcome]string{Retry: "attempts", Miss: "misses"}[e.Outcome]
		res, err = tx.ExecContext(ctx, `
			UPDATE job SET `+column+` = `+column+` + 1, unfinished = 0, claim = 0, due_at = ?,
				first_failed_at = COALESCE(first_failed_at, ?), last_error_class = ?, last_error = ?, last_reason = ?
			WHERE scene_id = ? AND claim = ?`,
			due, now.UnixMilli(), e.Class, e.Error, e.Reason, j.SceneID, j.Claim)
	case Snooze:
		res, err = tx.ExecContext(ctx, `
			UPDATE job SET unfinished = 0, claim = 0, due_at = ?, last_error_class = ?, last_error = ?, last_reason = ?
			WHERE scene_id = ? AND claim = ?`, due, e.Class, e.Error, e.Reason, j.SceneID, j.Claim)
	case Release: // the claim number stays, so that this run does not take the job again
		if !e.Behind {
			due = j.DueAt.UnixMilli()
		}
		res, err = tx.ExecContext(ctx, `
			UPDATE job SET unfinished = 0, due_at = ?, last_error_class = ?, last_error = ?, last_reason = ?
			WHERE scene_id = ? AND claim = ?`, due, e.Class, e.Error, e.Reason, j.SceneID, j.Claim)
	case ToDeadLetter:
		return deadLetterClaimed(ctx, tx, now, e)
	default:
		return false, fmt.Errorf("unknown outcome %q", e.Outcome)
	}
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

func deadLetterClaimed(ctx context.Context, tx *sqlitefile.Tx, now time.Time, e *Completion) (bool, error) {
	dead := *e // the caller's job keeps its counters
	j := &dead.Job
	switch e.Charge {
	case Retry:
		j.Attempts++
	case Miss:
		j.Misses++
	}
	if j.FirstFailedAt.IsZero() {
		j.FirstFailedAt = now
	}
	var inForce bool
	err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE scene_id = ? AND claim = ?)`,
		j.SceneID, j.Claim).Scan(&inForce)
	if err != nil || !inForce {
		return false, err
	}
	return true, putDeadLetter(ctx, tx, now, &dead)
}

// putDeadLetter moves the job of a completion to the dead letters. The completion stores the files that would wake it.
func putDeadLetter(ctx context.Context, tx *sqlitefile.Tx, now time.Time, e *Completion) error {
	j := &e.Job
	list := []byte("[]")
	if e.Candidates != nil {
		var err error
		if list, err = json.Marshal(e.Candidates); err != nil {
			return fmt.Errorf("candidates: %w", err)
		}
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT OR REPLACE INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished,
			first_failed_at, class, error, last_reason, candidates, died_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		j.SceneID, j.Reason, j.Priority, j.EnqueuedAt.UnixMilli(), j.Attempts, j.Misses, j.Unfinished,
		timeOrNull(j.FirstFailedAt), e.Class, e.Error, e.Reason, string(list), now.UnixMilli()); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM awaited_file WHERE scene_id = ?`, j.SceneID); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM job WHERE scene_id = ?`, j.SceneID)
	return err
}

func logAttempt(ctx context.Context, tx *sqlitefile.Tx, now time.Time, e *Completion) error {
	if e.Note == Unchanged {
		return nil
	}
	return history.Log(ctx, tx, history.Attempt{
		SceneID: e.Job.SceneID, At: now, Outcome: cmp.Or(e.Note, string(e.Outcome)), Class: e.Class, Error: e.Error,
		Reason: e.Reason, Fields: e.Fields, Took: e.Took,
	})
}
