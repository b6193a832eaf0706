package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// RowsAtMost is how many rows of one kind a report stores.
const RowsAtMost = 10_000

// A Writer writes the report of one task. It holds the lock of the kind, which the kernel frees when the process ends.
// It is used by one goroutine.
type Writer struct {
	ID   int64
	Hide func(string) string // removes secrets from what is stored; nil: there are none

	db       *DB
	kind     string
	lock     *sqlitefile.Lock
	counts   string // JSON, as stored
	position string // JSON, as stored
	rows     int64  // number of the last row
	perKind  map[string]int
	capped   bool
}

func lockName(kind string) string { return "report-" + kind + ".lock" }

// Start begins a report of a kind about a scene, or about all if it is 0, and removes old ones. If id is not 0, it
// continues that report, which must be the newest of its kind and unfinished; if the file does not have it, it begins
// anew. It returns ErrRunning if a task of the kind is at work, and ErrOver if the report cannot be continued.
func (d *DB) Start(ctx context.Context, now time.Time, kind string, scene int, id int64) (*Writer, error) {
	lock, err := sqlitefile.AcquireFile(ctx, d.dir, lockName(kind), patience)
	if errors.Is(err, sqlitefile.ErrHeld) {
		return nil, ErrRunning
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{db: d, kind: kind, lock: lock, counts: "{}", perKind: make(map[string]int)}
	err = sqlitefile.InTx(ctx, d.db, func(tx *sqlitefile.Tx) error {
		if err := expire(ctx, tx, now, kind); err != nil {
			return err
		}
		continued, err := w.resume(ctx, tx, now, kind, id)
		if err != nil || continued {
			return err
		}
		return w.begin(ctx, tx, now, kind, scene)
	})
	if err != nil {
		err = d.fault(err)
		return nil, errors.Join(err, lock.Release())
	}
	return w, nil
}

const (
	deleteOrphans = `DELETE FROM finding WHERE report NOT IN (SELECT id FROM report)`
	deleteNotes   = `DELETE FROM note`
)

// A Task is what Run stores the report of.
type Task struct {
	Kind     string
	SceneID  int                 // 0: all scenes
	Continue int64               // id of the report that it continues; 0: it begins
	Hide     func(string) string // removes secrets from what is stored
}

// Run starts a report as Start does and calls work with it. Then it stores how the task ended: why it stopped early, or its
// error. It returns the id of the report.
func (d *DB) Run(ctx context.Context, now func() time.Time, t Task, work func(w *Writer) (stopped string, err error)) (int64, error) {
	w, err := d.Start(ctx, now(), t.Kind, t.SceneID, t.Continue)
	if err != nil {
		return 0, err
	}
	w.Hide = t.Hide
	stopped, err := work(w)
	if err != nil {
		stopped = cut(err.Error(), stoppedAtMost)
	}
	if end := w.Finish(context.WithoutCancel(ctx), now(), stopped); !errors.Is(err, ErrLost) {
		err = errors.Join(err, end)
	}
	return w.ID, errors.Join(err, w.Close())
}

// expire removes the reports that are too old, and marks those of killed tasks of a kind.
func expire(ctx context.Context, tx *sqlitefile.Tx, now time.Time, kind string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE report SET state = ?, stopped = ? WHERE kind = ? AND state = ?`, Stopped, killed, kind, Running); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM report WHERE updated_at <= ?`, expired(now)); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, deleteOrphans)
	return err
}

// resume continues a report, and reports false if there is none to continue.
func (w *Writer) resume(ctx context.Context, tx *sqlitefile.Tx, now time.Time, kind string, id int64) (bool, error) {
	if id == 0 {
		return false, nil
	}
	var there bool
	if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM report WHERE kind = ? AND id >= ?)`, kind, id).Scan(&there); err != nil || !there {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `UPDATE report SET state = ?, stopped = '', updated_at = ? WHERE id = ? AND state <> ?
		AND id = (SELECT MAX(id) FROM report WHERE kind = ?)`, Running, now.UnixMilli(), id, Done, kind)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, errors.Join(ErrOver, err)
	}
	w.ID = id
	if err := tx.QueryRowContext(ctx, `SELECT counts, position, capped, (SELECT COALESCE(MAX(number), 0) FROM finding WHERE report = id) FROM report WHERE id = ?`, id).
		Scan(&w.counts, &w.position, &w.capped, &w.rows); err != nil {
		return false, err
	}
	kinds, err := sqlitefile.Collect(ctx, tx, kindCount, `SELECT kind, COUNT(*) FROM finding WHERE report = ? GROUP BY kind`, id)
	for _, k := range kinds {
		w.perKind[k.kind] = k.n
	}
	return true, err
}

type countOfKind struct {
	kind string
	n    int
}

func kindCount(row sqlitefile.Row) (c countOfKind, err error) {
	err = row.Scan(&c.kind, &c.n)
	return c, err
}

// begin makes room for a new report and stores its head.
func (w *Writer) begin(ctx context.Context, tx *sqlitefile.Tx, now time.Time, kind string, scene int) error {
	if err := tx.QueryRowContext(ctx, `SELECT MAX(?, COALESCE(MAX(id) + 1, 0)) FROM report`, now.UnixMilli()).Scan(&w.ID); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM report WHERE kind = ?1 AND id NOT IN (SELECT id FROM report WHERE kind = ?1 ORDER BY id DESC LIMIT ?2)`,
		kind, keptPerKind-1); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, deleteOrphans); err != nil {
		return err
	}
	if kind == Gaps {
		if _, err := tx.ExecContext(ctx, deleteNotes); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO report (id, kind, scene_id, state, stopped, started_at, updated_at, finished_at, counts, position, capped, outcome)
		VALUES (?, ?, ?, ?, '', ?, ?, 0, ?, '', 0, '')`, w.ID, kind, scene, Running, now.UnixMilli(), now.UnixMilli(), w.counts)
	return err
}

// Resume decodes the position and the counts of the last stored page; ok is false if there was none.
func (w *Writer) Resume(position, counts any) (ok bool, err error) {
	if w.position == "" {
		return false, nil
	}
	if err := errors.Join(json.Unmarshal([]byte(w.position), position), json.Unmarshal([]byte(w.counts), counts)); err != nil {
		return false, fmt.Errorf("the stored report %d cannot be continued: %w: start the task again", w.ID, err)
	}
	return true, nil
}

// A Finding is a row to be stored. Details are encoded as JSON.
type Finding struct {
	SceneID int
	Kind    string
	Title   string
	Details any
}

// A Page is what a task found since the last page.
type Page struct {
	Findings []Finding
	Counts   any             // of the whole report so far
	Position any             // where the task continues after this page
	Notes    map[int64]int64 // values to remember until the report is finished; a smaller value replaces a larger one
}

// insertNotes takes a list of hashes and values. WHERE TRUE tells SQLite that ON CONFLICT is no condition of a join.
const insertNotes = `INSERT INTO note (hash, value) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE TRUE
	ON CONFLICT DO UPDATE SET value = MIN(value, excluded.value)`

// Put stores a page in one transaction. It returns ErrLost if the file has been deleted.
func (w *Writer) Put(ctx context.Context, now time.Time, p Page) error {
	if err := w.db.lost(); err != nil {
		return err
	}
	counts, err := w.encode(p.Counts)
	if err != nil {
		return err
	}
	position, err := encode(p.Position)
	if err != nil {
		return err
	}
	notes := make([][2]int64, 0, len(p.Notes))
	for _, hash := range slices.Sorted(maps.Keys(p.Notes)) {
		notes = append(notes, [2]int64{hash, p.Notes[hash]})
	}
	encodedNotes, err := encode(notes)
	if err != nil {
		return err
	}
	rows, perKind, capped := w.rows, maps.Clone(w.perKind), w.capped
	err = sqlitefile.InTx(ctx, w.db.db, func(tx *sqlitefile.Tx) error {
		for _, f := range p.Findings {
			if perKind[f.Kind] >= RowsAtMost {
				capped = true
				continue
			}
			rows++
			perKind[f.Kind]++
			details, err := w.details(f.Details)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO finding (report, number, kind, scene_id, title, details) VALUES (?, ?, ?, ?, ?, ?)`,
				w.ID, rows, f.Kind, f.SceneID, w.hidden(cut(f.Title, titleAtMost)), details); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, insertNotes, encodedNotes); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE report SET updated_at = ?, counts = ?, position = ?, capped = ? WHERE id = ?`, now.UnixMilli(), counts, position, capped, w.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot store a page of the report: %w", w.db.fault(err))
	}
	w.counts, w.position, w.rows, w.perKind, w.capped = counts, position, rows, perKind, capped
	return nil
}

// Notes returns the remembered values of these hashes.
func (w *Writer) Notes(ctx context.Context, hashes []int64) (map[int64]int64, error) {
	list, err := json.Marshal(hashes)
	if err != nil {
		return nil, err
	}
	rows, err := sqlitefile.Collect(ctx, w.db.db, func(row sqlitefile.Row) (n [2]int64, err error) {
		err = row.Scan(&n[0], &n[1])
		return n, err
	}, `SELECT hash, value FROM note WHERE hash IN (SELECT value FROM json_each(?))`, string(list))
	if err != nil {
		return nil, fmt.Errorf("cannot read the notes of the report: %w", w.db.fault(err))
	}
	notes := make(map[int64]int64, len(rows))
	for _, n := range rows {
		notes[n[0]] = n[1]
	}
	return notes, nil
}

// Finish stores that the task has ended: early if stopped is not "", otherwise completely.
func (w *Writer) Finish(ctx context.Context, now time.Time, stopped string) error {
	if err := w.db.lost(); err != nil {
		return err
	}
	state, finished := Done, now.UnixMilli()
	if stopped != "" {
		state, finished = Stopped, 0
	}
	err := sqlitefile.InTx(ctx, w.db.db, func(tx *sqlitefile.Tx) error {
		if state == Done && w.kind == Gaps {
			if _, err := tx.ExecContext(ctx, deleteNotes); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `UPDATE report SET state = ?, stopped = ?, updated_at = ?, finished_at = ? WHERE id = ?`,
			state, w.hidden(stopped), now.UnixMilli(), finished, w.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot store the end of the report: %w", w.db.fault(err))
	}
	return nil
}

// Close releases the lock of the kind. A report that was not finished counts as stopped from then on.
func (w *Writer) Close() error { return w.lock.Release() }

// lost returns ErrLost if the open file is not the one in the folder any more.
func (d *DB) lost() error {
	now, err := os.Stat(d.path())
	if err != nil || !os.SameFile(d.file, now) {
		return ErrLost
	}
	return nil
}

func (w *Writer) hidden(s string) string {
	if w.Hide == nil {
		return s
	}
	return w.Hide(s)
}

// encode encodes a value without secrets.
func (w *Writer) encode(value any) (string, error) {
	text, err := encode(value)
	return w.hidden(text), err
}

// encode encodes a value. HTML characters stay as they are, since secrets are found in their quoted form only.
func encode(value any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return string(bytes.TrimSpace(b.Bytes())), err
}
