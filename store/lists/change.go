package lists

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// ChunkSize is how many rows one transaction changes at most, so that a hook never waits long for it.
const ChunkSize = 5000

// ofScenes is a condition for the rows of a list of scenes.
const ofScenes = ` WHERE scene_id IN (SELECT value FROM json_each(?))`

// InQueue returns how many scenes have a row in a list.
func InQueue(ctx context.Context, q Querier, kind Kind, scenes []int) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+Filter{Kind: kind}.table().name+ofScenes, sqlitefile.JSONList(scenes)).Scan(&n)
	return n, err
}

// Retry makes the jobs of scenes due now, with their counters at zero and without their last errors, and returns how
// many. Completions of their current claims have no effect. A job that is due already keeps its place.
func Retry(ctx context.Context, tx *sqlitefile.Tx, now time.Time, scenes []int) (int, error) {
	return exec(ctx, tx, `
		UPDATE job SET due_at = MIN(due_at, ?2), attempts = 0, misses = 0, unfinished = 0, claim = 0,
			first_failed_at = NULL, last_error_class = NULL, last_error = NULL, last_reason = ''
		WHERE scene_id IN (SELECT value FROM json_each(?1))`, sqlitefile.JSONList(scenes), now.UnixMilli())
}

// Postpone makes the jobs of scenes due after a wait, which is at most LongestWait, and returns how many. It does not
// change jobs that wait for longer already. Counters stay, and completions of current claims have no effect.
func Postpone(ctx context.Context, tx *sqlitefile.Tx, now time.Time, wait time.Duration, scenes []int) (int, error) {
	if wait > LongestWait {
		return 0, fmt.Errorf("a wait of %v is longer than %v", wait, LongestWait)
	}
	return exec(ctx, tx, `
		UPDATE job SET due_at = ?2, unfinished = 0, claim = 0
		WHERE scene_id IN (SELECT value FROM json_each(?1)) AND (due_at < ?2 OR due_at > ?3)`,
		sqlitefile.JSONList(scenes), now.Add(wait).UnixMilli(), now.Add(LongestWait).UnixMilli())
}

// Remove deletes the rows of scenes from a list, with the files that they wait for, and returns how many. Completions of
// current claims do not bring jobs back.
func Remove(ctx context.Context, tx *sqlitefile.Tx, kind Kind, scenes []int) (int, error) {
	return Delete(ctx, tx, kind, ofScenes, sqlitefile.JSONList(scenes))
}

// Delete deletes the rows of a list that a WHERE clause selects, with the files that they wait for, and returns how many.
func Delete(ctx context.Context, tx *sqlitefile.Tx, kind Kind, where string, args ...any) (int, error) {
	t := Filter{Kind: kind}.table().name
	if _, err := exec(ctx, tx, `DELETE FROM awaited_file WHERE scene_id IN (SELECT scene_id FROM `+t+where+`)`, args...); err != nil {
		return 0, err
	}
	return exec(ctx, tx, `DELETE FROM `+t+where, args...)
}

// Revive makes the dead letters of scenes jobs that are due now, and returns how many.
func Revive(ctx context.Context, tx *sqlitefile.Tx, now time.Time, scenes []int) (int, error) {
	return ReviveWhere(ctx, tx, now, ofScenes, sqlitefile.JSONList(scenes))
}

// ReviveWhere makes the dead letters that a WHERE clause selects jobs that are due now, with their counters at zero, and
// returns how many. Because a user requested it, their scenes no longer count as restored.
func ReviveWhere(ctx context.Context, tx *sqlitefile.Tx, now time.Time, where string, args ...any) (int, error) {
	if _, err := exec(ctx, tx, `UPDATE link SET restored = 0
		WHERE scene_id IN (SELECT scene_id FROM dead_letter`+where+`)`, args...); err != nil {
		return 0, err
	}
	if where == "" {
		where = ` WHERE true` // SQLite's grammar requires a WHERE between a SELECT and an upsert
	}
	if _, err := exec(ctx, tx, `
		INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at)
		SELECT scene_id, 'revived by hand', priority, ?, ? FROM dead_letter`+where+`
		ON CONFLICT (scene_id) DO NOTHING`, append([]any{now.UnixMilli(), now.UnixMilli()}, args...)...); err != nil {
		return 0, err
	}
	return exec(ctx, tx, `DELETE FROM dead_letter`+where, args...)
}

// exec runs a statement and returns how many rows it changed.
func exec(ctx context.Context, tx *sqlitefile.Tx, statement string, args ...any) (int, error) {
	res, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}
