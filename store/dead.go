package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

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
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE link SET restored = 0
			WHERE scene_id IN (SELECT scene_id FROM dead_letter`+where+`)`, args...); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at)
			SELECT scene_id, 'revived by hand', priority, ?1, ?1 FROM dead_letter`+beforeUpsert(where)+`
			ON CONFLICT (scene_id) DO NOTHING`, append([]any{now.UnixMilli()}, args...)...); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM dead_letter`+where, args...)
		if err != nil {
			return err
		}
		count, err := res.RowsAffected()
		revived = int(count)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot re-queue dead letters: %w", err)
	}
	return revived, nil
}

// beforeUpsert returns a condition for a SELECT that is followed by an upsert. SQLite's grammar requires a WHERE there.
func beforeUpsert(where string) string {
	if where == "" {
		return ` WHERE true`
	}
	return where
}

// ClearDead deletes dead letters and returns how many.
func (s *Store) ClearDead(ctx context.Context, n Narrow) (int, error) {
	where, args := n.where()
	return s.clear(ctx, `dead_letter`, where, args)
}

// ClearQueue deletes all jobs, and the changes and unfinished syncs that would become jobs. It returns the number of jobs. The completions of
// current claims have no effect.
func (s *Store) ClearQueue(ctx context.Context) (int, error) {
	return s.clear(ctx, `job`, ``, nil)
}

func (s *Store) clear(ctx context.Context, table, where string, args []any) (int, error) {
	var n int64
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM awaited_file WHERE scene_id IN (SELECT scene_id FROM `+table+where+`)`, args...); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM `+table+where, args...)
		if err != nil {
			return err
		}
		if n, err = res.RowsAffected(); err != nil || table != "job" {
			return err
		}
		if err := deleteMeta(ctx, tx, KeyUnqueued); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM fanout`)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot clear %s: %w", table, err)
	}
	return int(n), nil
}

// ExpireDead deletes dead letters older than 30 days, at most once a day, and returns how many. It deletes only those
// that were that old at its previous call too, so that a clock that temporarily jumps ahead deletes nothing.
func (s *Store) ExpireDead(ctx context.Context, now time.Time) (int, error) {
	var n int64
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
			if _, err := tx.ExecContext(ctx, `DELETE FROM awaited_file
				WHERE scene_id IN (SELECT scene_id FROM dead_letter WHERE died_at < ?)`, before); err != nil {
				return err
			}
			res, err := tx.ExecContext(ctx, `DELETE FROM dead_letter WHERE died_at < ?`, before)
			if err != nil {
				return err
			}
			if n, err = res.RowsAffected(); err != nil {
				return err
			}
		}
		before, err := strconv.Atoi("0" + total)
		if err != nil {
			return err
		}
		return setMeta(ctx, tx, now, keyExpiry, strconv.Itoa(before+int(n)))
	})
	if err != nil {
		return 0, fmt.Errorf("cannot expire dead letters: %w", err)
	}
	return int(n), nil
}
