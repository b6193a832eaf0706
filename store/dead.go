package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A DeadLetter is a complete job that is no longer retried.
type DeadLetter struct {
	Job        Job // its ErrorClass and Error give the reason
	Candidates json.RawMessage
	DiedAt     time.Time
}

// Narrow selects dead letters or scenes; the zero value selects all.
type Narrow struct {
	Class   string
	SceneID int
}

func (n Narrow) where() (string, []any) {
	switch {
	case n.SceneID != 0 && n.Class != "":
		return ` WHERE scene_id = ? AND class = ?`, []any{n.SceneID, n.Class}
	case n.SceneID != 0:
		return ` WHERE scene_id = ?`, []any{n.SceneID}
	case n.Class != "":
		return ` WHERE class = ?`, []any{n.Class}
	}
	return ``, nil
}

// DeadLetters returns the newest dead letters, at most limit.
func (s *Store) DeadLetters(ctx context.Context, n Narrow, limit int) ([]DeadLetter, error) {
	where, args := n.where()
	letters, err := sqlitefile.Collect(ctx, s.read, func(row sqlitefile.Row) (d DeadLetter, err error) {
		var enqueued, died int64
		var failed sql.NullInt64
		var candidates string
		j := &d.Job
		err = row.Scan(&j.SceneID, &j.Reason, &j.Priority, &enqueued, &j.Attempts, &j.Misses, &j.Unfinished, &failed,
			&j.ErrorClass, &j.Error, &j.Detail, &candidates, &died)
		j.EnqueuedAt, j.FirstFailedAt, d.DiedAt = time.UnixMilli(enqueued), nullTime(failed), time.UnixMilli(died)
		d.Candidates = json.RawMessage(candidates)
		return d, err
	}, `SELECT scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, first_failed_at, class, error, last_reason, candidates, died_at
		FROM dead_letter`+where+` ORDER BY died_at DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("cannot read dead letters: %w", s.fileError(err))
	}
	return letters, nil
}

// Revive re-queues dead letters, due now with their counters at zero, and returns how many. Because a user requested
// it, their scenes no longer count as restored.
func (s *Store) Revive(ctx context.Context, now time.Time, n Narrow) (int, error) {
	where, args := n.where()
	revived := 0
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) (err error) {
		revived, err = lists.ReviveWhere(ctx, tx, now, where, args...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot re-queue dead letters: %w", err)
	}
	return revived, nil
}

// ClearDead deletes dead letters and returns how many.
func (s *Store) ClearDead(ctx context.Context, n Narrow) (int, error) {
	where, args := n.where()
	cleared := 0
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) (err error) {
		cleared, err = lists.Delete(ctx, tx, lists.DeadLetters, where, args...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot clear dead letters: %w", err)
	}
	return cleared, nil
}

// ClearQueue deletes all jobs, and the changes and unfinished syncs that would become jobs. It returns the number of
// jobs. The completions of current claims have no effect.
func (s *Store) ClearQueue(ctx context.Context) (int, error) {
	cleared := 0
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) (err error) {
		if cleared, err = lists.Delete(ctx, tx, lists.Jobs, ``); err != nil {
			return err
		}
		if err := deleteMeta(ctx, tx, KeyUnqueued); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM fanout`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot clear the queue: %w", err)
	}
	return cleared, nil
}

// ExpireDead deletes dead letters older than 30 days, at most once a day, and returns how many. It deletes only those
// that were that old at its previous call too, so that a clock that temporarily jumps ahead deletes nothing.
func (s *Store) ExpireDead(ctx context.Context, now time.Time) (int, error) {
	n := 0
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		total, last, err := metaOf(ctx, tx, keyExpiry)
		if err != nil {
			return err
		}
		if age := now.Sub(last); total != "" && age >= 0 && age < deadLetterRegular {
			return nil
		}
		if total != "" && last.Before(now) {
			before := last.Add(-deadLettersKept).UnixMilli()
			if n, err = lists.Delete(ctx, tx, lists.DeadLetters, ` WHERE died_at < ?`, before); err != nil {
				return err
			}
		}
		before, err := strconv.Atoi("0" + total)
		if err != nil {
			return err
		}
		return setMeta(ctx, tx, now, keyExpiry, strconv.Itoa(before+n))
	})
	if err != nil {
		return 0, fmt.Errorf("cannot expire dead letters: %w", err)
	}
	return n, nil
}
