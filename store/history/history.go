// Package history keeps what happened: the latest attempts for scenes, and when Plex was away. Package store writes it
// in the transactions of completions.
package history

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// The attempt log is limited per scene and in total.
const (
	PerScene = 20
	inAll    = 20_000
)

// A Querier is an open queue.db, or a transaction of it.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// An Attempt is a line of the attempt log.
type Attempt struct {
	ID      int64 // grows with time
	SceneID int
	At      time.Time
	Outcome string
	Class   string
	Error   string
	Reason  string        // JSON of the code and its parameters; "" if there is none
	Fields  []string      // that were written, by their names in the settings
	Took    time.Duration // from the claim to the completion, with that of the other jobs of its batch
}

// Log adds an attempt and forgets the oldest ones of its scene.
func Log(ctx context.Context, tx *sqlitefile.Tx, a Attempt) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO attempt_log (scene_id, at, outcome, class, error, reason, fields, took_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		a.SceneID, a.At.UnixMilli(), a.Outcome, a.Class, a.Error, a.Reason, strings.Join(a.Fields, ","), a.Took.Milliseconds()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		DELETE FROM attempt_log WHERE scene_id = ?1 AND id <= (
			SELECT id FROM attempt_log WHERE scene_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
		a.SceneID, PerScene)
	return err
}

// Trim forgets the oldest attempts of all.
func Trim(ctx context.Context, tx *sqlitefile.Tx) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM attempt_log WHERE id <= (SELECT MAX(id) FROM attempt_log) - ?`, inAll)
	return err
}

const attemptColumns = `id, scene_id, at, outcome, class, error, reason, fields, took_ms`

func scanAttempt(row sqlitefile.Row) (a Attempt, err error) {
	var at, took int64
	var fields string
	err = row.Scan(&a.ID, &a.SceneID, &at, &a.Outcome, &a.Class, &a.Error, &a.Reason, &fields, &took)
	a.At, a.Took = time.UnixMilli(at), time.Duration(took)*time.Millisecond
	if fields != "" {
		a.Fields = strings.Split(fields, ",")
	}
	return a, err
}

// OfScene returns the latest attempts for a scene, newest first.
func OfScene(ctx context.Context, q Querier, scene int) ([]Attempt, error) {
	list, err := sqlitefile.Collect(ctx, q, scanAttempt, `SELECT `+attemptColumns+` FROM attempt_log WHERE scene_id = ? ORDER BY id DESC LIMIT 50`, scene)
	if err != nil {
		return nil, fmt.Errorf("cannot read the attempts of scene %d: %w", scene, err)
	}
	return list, nil
}

// A Filter selects attempts; the zero value selects all.
type Filter struct {
	Outcome string
	SceneID int
	Before  int64 // only attempts with a lower ID
}

// Newest returns the newest attempts that a filter selects, at most limit. It looks at no more than the log holds,
// which is limited.
func Newest(ctx context.Context, q Querier, f Filter, limit int) ([]Attempt, error) {
	if f.Before <= 0 {
		f.Before = 1<<63 - 1
	}
	query, args := `SELECT `+attemptColumns+` FROM attempt_log WHERE id < ?`, []any{f.Before}
	if f.SceneID != 0 {
		query, args = query+` AND scene_id = ?`, append(args, f.SceneID)
	}
	if f.Outcome != "" {
		query, args = query+` AND outcome = ?`, append(args, f.Outcome)
	}
	list, err := sqlitefile.Collect(ctx, q, scanAttempt, query+` ORDER BY id DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the latest attempts: %w", err)
	}
	return list, nil
}

// An Outage is a time during which the breaker was not closed.
type Outage struct {
	StartedAt time.Time
	EndedAt   time.Time // zero: not over yet
	Cause     string
}

// Outages returns the newest outages, at most 50.
func Outages(ctx context.Context, q Querier) ([]Outage, error) {
	list, err := sqlitefile.Collect(ctx, q, func(row sqlitefile.Row) (o Outage, err error) {
		var started int64
		var ended sql.NullInt64
		err = row.Scan(&started, &ended, &o.Cause)
		o.StartedAt = time.UnixMilli(started)
		if ended.Valid {
			o.EndedAt = time.UnixMilli(ended.Int64)
		}
		return o, err
	}, `SELECT started_at, ended_at, cause FROM outage ORDER BY id DESC LIMIT 50`)
	if err != nil {
		return nil, fmt.Errorf("cannot read outages: %w", err)
	}
	return list, nil
}
