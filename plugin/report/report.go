// Package report stores what long tasks find, while they are at work: counts, rows, and how far they have come. The file
// may be deleted at any time, so nothing that cannot be found again belongs in it.
package report

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	File          = "report.db" // name of the file in the data folder
	schemaVersion = 2
	cacheKiB      = 1_000
)

//go:embed report_schema.sql
var schema string

// The kinds of reports.
const (
	Preview = "preview" // what a push of all scenes would change
	Restore = "restore" // what a restore would change
	Gaps    = "gaps"    // what is only in Stash, or only in Plex
)

// Kinds returns all kinds.
func Kinds() []string { return []string{Preview, Restore, Gaps} }

// The states of a report.
const (
	Running = "running"
	Done    = "done"
	Stopped = "stopped" // it ended early, and may be continued
)

const (
	keptFor      = 7 * 24 * time.Hour // after the last page
	keptPerKind  = 2
	killed       = "the task was ended before it finished: start it again, or continue it"
	patience     = time.Second // for readers that look whether a task is at work
	whereVisible = `updated_at > ? AND `
)

// Errors of a report that cannot be written. Each is a sentence for the user.
var (
	ErrRunning = errors.New("a task of this kind is running already; nothing was started: wait until it has ended")
	ErrOver    = errors.New("this report is finished, or a newer one of its kind exists; nothing was continued")
	ErrLost    = errors.New("the stored reports were deleted while the task was at work: start the task again")
)

// A Report is the head of a report.
type Report struct {
	ID       int64
	Kind     string
	SceneID  int // 0: all scenes
	State    string
	Stopped  string // why it ended early
	Started  time.Time
	Updated  time.Time
	Finished time.Time // zero if it has not finished
	Counts   json.RawMessage
	Capped   bool   // some rows are not stored; the counts are exact
	Outcome  string // what the restore did that confirmed this dry run, or why it was refused; "" before it ends
}

// A DB is an open file of reports.
type DB struct {
	dir  string
	db   *sql.DB
	file os.FileInfo // of the open file
}

// Open opens report.db in dir. It replaces a file that is damaged or has another version by an empty one, but not a file
// that another process has kept locked for 30 s.
func Open(ctx context.Context, dir string) (*DB, error) {
	d := &DB{dir: dir}
	err := d.open(ctx)
	if err != nil && ctx.Err() == nil && (sqlitefile.IsDamage(err) || errors.Is(err, errOtherVersion)) {
		sqlitefile.Remove(d.path())
		err = d.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the stored reports: %w", sqlitefile.Explain(d.path(), err))
	}
	return d, nil
}

func (d *DB) path() string { return filepath.Join(d.dir, File) }

func (d *DB) open(ctx context.Context) (err error) {
	f, err := os.OpenFile(d.path(), os.O_CREATE|os.O_RDWR, 0o600) // its mode applies to -wal and -shm too
	if err != nil {
		return err
	}
	d.file, err = f.Stat()
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if d.db, err = sqlitefile.Open(sqlitefile.CacheDSN(d.path(), cacheKiB)); err != nil {
		return err
	}
	d.db.SetMaxOpenConns(1)
	if err := d.prepare(ctx); err != nil {
		return errors.Join(err, d.db.Close())
	}
	return nil
}

var errOtherVersion = errors.New("the file has another version")

// prepare creates the tables, or checks that they exist and have the right version. Reading an existing file takes no
// write lock.
func (d *DB) prepare(ctx context.Context) error {
	var version, n int
	if err := d.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == schemaVersion {
		return d.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM report, finding, note LIMIT 1)`).Scan(&n)
	}
	return sqlitefile.InTx(ctx, d.db, func(tx *sqlitefile.Tx) error {
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case schemaVersion: // another process has just created them
			return nil
		case 0:
			_, err := tx.Tx.ExecContext(ctx, schema+fmt.Sprintf("; PRAGMA user_version = %d", schemaVersion))
			return err
		}
		return errOtherVersion
	})
}

// Close closes the file.
func (d *DB) Close() error { return d.db.Close() }

// fault returns the error of a query for the user. It deletes a damaged file.
func (d *DB) fault(err error) error {
	if err == nil || !sqlitefile.IsDamage(err) {
		return sqlitefile.Explain(d.path(), err)
	}
	sqlitefile.Remove(d.path())
	return errors.New("the stored reports were damaged and have been deleted: start the task again")
}

// List returns the heads of all reports, the newest first.
func (d *DB) List(ctx context.Context, now time.Time) ([]Report, error) {
	return d.heads(ctx, whereVisible+`1 ORDER BY id DESC`, expired(now))
}

// ByID returns the head of a report; ok is false if there is none.
func (d *DB) ByID(ctx context.Context, now time.Time, id int64) (r Report, ok bool, err error) {
	return first(d.heads(ctx, whereVisible+`id = ?`, expired(now), id))
}

// Latest returns the head of the newest report of a kind; ok is false if there is none.
func (d *DB) Latest(ctx context.Context, now time.Time, kind string) (r Report, ok bool, err error) {
	return first(d.heads(ctx, whereVisible+`kind = ? ORDER BY id DESC LIMIT 1`, expired(now), kind))
}

// confirmWithin is how long after its end a dry run can be confirmed.
const confirmWithin = 10 * time.Minute

// Confirm returns an error for the user unless id, a number or its text, is that of a dry run of a restore about the same
// scene, or all if that is 0, that was finished within the last 10 minutes.
func (d *DB) Confirm(ctx context.Context, now time.Time, id any, scene int) error {
	r, known, err := d.ByID(ctx, now, number(id))
	if err != nil {
		return err
	}
	why := ""
	switch age := now.Sub(r.Finished); {
	case !known || r.Kind != Restore:
		why = "names no dry run of a restore"
	case r.State != Done:
		why = "names a dry run that is not finished"
	case r.SceneID != scene:
		why = "names a dry run about other scenes"
	case age < 0 || age > confirmWithin:
		why = fmt.Sprintf("names a dry run that ended more than %d minutes ago", int(confirmWithin.Minutes()))
	default:
		return nil
	}
	return fmt.Errorf("args.confirm %s; nothing was restored: start a dry run, read its report, then confirm that", why)
}

// number returns the id in an argument; 0, which is the id of no report, if it is none.
func number(id any) int64 {
	n, _ := id.(float64)
	if s, ok := id.(string); ok {
		n, _ = strconv.ParseFloat(s, 64)
	}
	return int64(n)
}

// SetOutcome stores what the restore did that confirmed a dry run, or why it was refused.
func (d *DB) SetOutcome(ctx context.Context, id any, text string) error {
	_, err := d.db.ExecContext(ctx, `UPDATE report SET outcome = ? WHERE id = ? AND kind = ?`, cut(text, outcomeAtMost), number(id), Restore)
	if err != nil {
		return fmt.Errorf("cannot store the outcome of the restore: %w", d.fault(err))
	}
	return nil
}

func first(list []Report, err error) (Report, bool, error) {
	if err != nil || len(list) == 0 {
		return Report{}, false, err
	}
	return list[0], true, nil
}

// expired returns the time at which a report that ends now was last changed.
func expired(now time.Time) int64 { return now.Add(-keptFor).UnixMilli() }

// heads reads heads. A report whose task was killed counts as stopped.
func (d *DB) heads(ctx context.Context, where string, args ...any) ([]Report, error) {
	list, err := sqlitefile.Collect(ctx, d.db, head, `SELECT id, kind, scene_id, state, stopped, started_at, updated_at, finished_at, counts, capped, outcome
		FROM report WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the stored reports: %w", d.fault(err))
	}
	for i := range list {
		r := &list[i]
		if r.State != Running {
			continue
		}
		if held, err := sqlitefile.IsHeld(d.dir, lockName(r.Kind)); err == nil && !held { // a lock that cannot be read says nothing
			r.State, r.Stopped = Stopped, killed
		}
	}
	return list, nil
}

func head(rows sqlitefile.Row) (r Report, err error) {
	var counts string
	var started, updated, finished int64
	err = rows.Scan(&r.ID, &r.Kind, &r.SceneID, &r.State, &r.Stopped, &started, &updated, &finished, &counts, &r.Capped, &r.Outcome)
	r.Counts = json.RawMessage(counts)
	r.Started, r.Updated = time.UnixMilli(started), time.UnixMilli(updated)
	if finished != 0 {
		r.Finished = time.UnixMilli(finished)
	}
	return r, err
}

// A Row is one finding of a report.
type Row struct {
	Number  int64 // of the row in its report, in ascending order
	SceneID int   // 0 if it is about no scene
	Kind    string
	Title   string
	Details json.RawMessage
}

// Rows returns up to limit rows of a report after a number, of one kind or of all if kind is "", and at most this many bytes
// in an answer but at least one. next is the number after which there are more; 0 if there are none.
func (d *DB) Rows(ctx context.Context, id int64, kind string, after int64, limit, bytes int) (list []Row, next int64, err error) {
	query, args := `SELECT number, scene_id, kind, title, details FROM finding WHERE report = ? AND number > ? ORDER BY number LIMIT ?`, []any{id, after, limit + 1}
	if kind != "" {
		query, args = `SELECT number, scene_id, kind, title, details FROM finding WHERE report = ? AND kind = ? AND number > ? ORDER BY number LIMIT ?`, []any{id, kind, after, limit + 1}
	}
	list, err = sqlitefile.Collect(ctx, d.db, row, query, args...)
	if err != nil {
		return nil, 0, fmt.Errorf("cannot read the rows of a stored report: %w", d.fault(err))
	}
	size, end := 0, 0
	for end < min(len(list), limit) {
		size += weight(string(list[end].Details)) + 6*len(list[end].Title) // a byte takes up to six in JSON
		if end > 0 && size > bytes {
			break
		}
		end++
	}
	if end < len(list) {
		next = list[end-1].Number
	}
	return list[:end], next, nil
}

// weight returns the most bytes that JSON takes in an answer, where HTML characters are escaped.
func weight(details string) int {
	n := len(details)
	for _, escaped := range []string{"<", ">", "&", "\u2028", "\u2029"} {
		n += 5 * strings.Count(details, escaped)
	}
	return n
}

func row(rows sqlitefile.Row) (r Row, err error) {
	var details string
	err = rows.Scan(&r.Number, &r.SceneID, &r.Kind, &r.Title, &details)
	r.Details = json.RawMessage(details)
	return r, err
}
