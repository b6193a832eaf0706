package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A FanoutRecord is what the hook of an object that scenes mention reports.
type FanoutRecord struct {
	Kind   string // performer, studio, tag, group
	Own    int    // the hook's own id
	Others []int  // the other ids of its event
	First  bool   // the own id is the first of the event's list
	Event  string // hash of the event; "" if it has only the own id
}

// recordFanout records the changed objects, so that a run finds the scenes that mention them. An object that is already
// being expanded starts again.
func recordFanout(ctx context.Context, tx *sqlitefile.Tx, now time.Time, f FanoutRecord) error {
	all, _, err := speaksForAll(ctx, tx, now, f.Event, f.First)
	if err != nil {
		return err
	}
	ids := []int{f.Own}
	if all {
		ids = append(ids, f.Others...)
	}
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO fanout (kind, ref_id, enqueued_at, position)
			VALUES (?, ?, ?, 0)
			ON CONFLICT (kind, ref_id) DO UPDATE
			SET enqueued_at = excluded.enqueued_at, position = 0`, f.Kind, id, now.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

const (
	oldestFanout = `SELECT kind, ref_id, position FROM fanout ORDER BY enqueued_at LIMIT 1`
	mentioning   = `SELECT scene_id FROM link_ref WHERE kind = ? AND ref_id = ? AND scene_id > ? ORDER BY scene_id LIMIT ?`
)

// ExpandFanout enqueues scenes that mention changed objects, the oldest change first. It handles at most limit scenes
// and changes in one transaction, and returns whether more remain and how many jobs it added. The next call continues
// where this one ended.
func (s *Store) ExpandFanout(ctx context.Context, now time.Time, limit int) (more bool, n int, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for limit > 0 {
			looked, asked, err := expandOldest(ctx, tx, now, limit)
			if err != nil || looked == 0 {
				return err
			}
			limit -= looked
			n += asked
		}
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM fanout)`).Scan(&more)
	})
	if err != nil {
		return false, 0, fmt.Errorf("cannot look for scenes that mention a changed object: %w", err)
	}
	return more, n, nil
}

// HasFanout reports whether there is a change to expand.
func (s *Store) HasFanout(ctx context.Context) (bool, error) { return s.hasAny(ctx, "fanout") }

// expandOldest expands the oldest change up to limit. It returns how much of the limit it used, 0 if there is no
// change, and how many jobs it added.
func expandOldest(ctx context.Context, tx *sqlitefile.Tx, now time.Time, limit int) (looked, asked int, err error) {
	var kind string
	var id, position int
	err = tx.QueryRowContext(ctx, oldestFanout).Scan(&kind, &id, &position)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	requests, err := requestsOf(ctx, tx, kind, id, position, limit)
	if err != nil {
		return 0, 0, err
	}
	if asked, err = enqueue(ctx, tx, now, requests); err != nil {
		return 0, 0, err
	}
	if len(requests) < limit {
		_, err = tx.ExecContext(ctx, `DELETE FROM fanout WHERE kind = ? AND ref_id = ?`, kind, id)
		return len(requests) + 1, asked, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE fanout SET position = ? WHERE kind = ? AND ref_id = ?`, requests[len(requests)-1].SceneID, kind, id)
	return len(requests), asked, err
}

// requestsOf returns requests for the scenes after position that mention an object.
func requestsOf(ctx context.Context, tx *sqlitefile.Tx, kind string, id, position, limit int) ([]Request, error) {
	return sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (Request, error) {
		r := Request{Reason: kind + " changed", Priority: InBulk, Quiet: true}
		err := row.Scan(&r.SceneID)
		return r, err
	}, mentioning, kind, id, position, limit)
}
