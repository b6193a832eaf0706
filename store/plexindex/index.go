// Package plexindex keeps an index of the files that Plex holds: the look-ups by which scenes find their items, and the
// reader that brings it up to date.
package plexindex

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	fileName      = "index.db"
	schemaVersion = 5
	cacheKiB      = 16_000
)

//go:embed index_schema.sql
var schema string

// An Index is an open index of Plex's files. Its content can be read from Plex again, so writes do not wait for the disk,
// and a doubtful index is reset.
type Index struct {
	dir string
	db  *sql.DB

	mu         sync.Mutex
	statements map[string]*sql.Stmt // prepared, by query
}

// A File is one file of a Plex item.
type File struct {
	Section   string
	RatingKey string
	Path      string // as Plex spells it
	Size      int64  // bytes
	Duration  int64  // ms
	AddedAt   int64  // unix s, Plex's clock
}

// A ListingState says how far a section has been listed.
type ListingState struct {
	Section     string
	Title       string
	Fingerprint string    // of the section at the beginning of the last complete or current listing
	Number      int64     // of the current or last complete listing
	Position    int       // where an unfinished listing continues; -1: none is unfinished
	LastKey     string    // rating key of the row before Position; "" if unknown
	CompleteAt  time.Time // when a listing last finished; zero if none has
	CheckedAt   time.Time // when the section was last up to date
	AddedAt     int64     // newest value in the index, unix s by Plex's clock
	UpdatedAt   int64     // newest value in the index, unix s by Plex's clock
	Items       int       // number of items of the section, including the trash
}

// Open opens index.db in dir. It replaces a file that is damaged or has another version by an empty one, but not a file
// that another process has kept locked for 30 s.
func Open(ctx context.Context, dir string) (*Index, error) {
	x := &Index{dir: dir}
	err := x.open(ctx)
	if err != nil && ctx.Err() == nil && !sqlitefile.IsBusy(err) {
		sqlitefile.Remove(filepath.Join(dir, fileName))
		err = x.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the index of Plex's files: %w", sqlitefile.Explain(filepath.Join(dir, fileName), err))
	}
	return x, nil
}

func (x *Index) open(ctx context.Context) error {
	path := filepath.Join(x.dir, fileName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // its mode applies to -wal and -shm too
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return x.connect(ctx, sqlitefile.CacheDSN(path, cacheKiB))
}

// OpenInMemory returns an empty index in memory. Closing deletes it.
func OpenInMemory(ctx context.Context) (*Index, error) {
	x := &Index{}
	if err := x.connect(ctx, ":memory:"); err != nil { // each connection would have its own database: there is one
		return nil, fmt.Errorf("cannot open an index in memory: %w", err)
	}
	return x, nil
}

// connect opens the database and creates its tables.
func (x *Index) connect(ctx context.Context, dsn string) (err error) {
	if x.db, err = sqlitefile.Open(dsn); err != nil {
		return err
	}
	x.db.SetMaxOpenConns(1)
	x.statements = make(map[string]*sql.Stmt)
	if err := x.prepare(ctx); err != nil {
		return errors.Join(err, x.db.Close())
	}
	return nil
}

var errOtherVersion = errors.New("the index has another version")

// prepare creates the tables, or checks that they exist and have the right version.
func (x *Index) prepare(ctx context.Context) error {
	return x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case schemaVersion:
			var n int
			return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM plex_file, plex_section LIMIT 1)`).Scan(&n)
		case 0:
			_, err := tx.Tx.ExecContext(ctx, schema+fmt.Sprintf("; PRAGMA user_version = %d", schemaVersion))
			return err
		}
		return errOtherVersion
	})
}

// Shrink makes this connection keep little of the file in memory, for work that reads all of it once.
func (x *Index) Shrink(ctx context.Context) error {
	_, err := x.db.ExecContext(ctx, "PRAGMA cache_size = -1000") // KiB
	return err
}

// Close closes the index.
func (x *Index) Close() error { return x.db.Close() }

// inTx runs f in one transaction.
func (x *Index) inTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error {
	return sqlitefile.Explain(filepath.Join(x.dir, fileName), sqlitefile.InTx(ctx, x.db, f))
}

// State returns how far a section has been listed.
func (x *Index) State(ctx context.Context, server, section string) (ListingState, error) {
	list, err := x.states(ctx, `server = ? AND section = ?`, server, section)
	if err != nil || len(list) == 0 {
		return ListingState{Section: section, Position: -1}, err
	}
	return list[0], nil
}

// States returns how far each section of a server has been listed.
func (x *Index) States(ctx context.Context, server string) ([]ListingState, error) {
	return x.states(ctx, `server = ? ORDER BY section`, server)
}

func (x *Index) states(ctx context.Context, where string, args ...any) ([]ListingState, error) {
	rows, err := x.db.QueryContext(ctx, `SELECT section, title, marks, reading, position, last_key, complete_at, checked_at, added_at, updated_at, items
		FROM plex_section WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read the sections of the index: %w", err)
	}
	defer rows.Close()
	var list []ListingState
	for rows.Next() {
		var r ListingState
		var complete, checked int64
		if err := rows.Scan(&r.Section, &r.Title, &r.Fingerprint, &r.Number, &r.Position, &r.LastKey, &complete, &checked, &r.AddedAt, &r.UpdatedAt, &r.Items); err != nil {
			return nil, fmt.Errorf("cannot read the sections of the index: %w", err)
		}
		if complete != 0 {
			r.CompleteAt = time.UnixMilli(complete)
		}
		if checked != 0 {
			r.CheckedAt = time.UnixMilli(checked)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// A Page is the change that one page of a listing makes.
type Page struct {
	Files   []File
	Trashed []string // rating keys of items in the trash, whose files are removed
	Seen    []string // rating keys of items with no files other than those in Files
	Finish  bool     // remove files that this listing has not returned
	After   ListingState
}

const (
	deleteUnseen = `DELETE FROM plex_file WHERE server = ? AND section = ? AND reading < ?`
	deleteKeys   = `DELETE FROM plex_file WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?))`
)

// Apply stores a page and the state after it in one transaction.
func (x *Index) Apply(ctx context.Context, server string, p Page) error {
	err := x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		files, keys := p.files()
		if err := deleteItems(ctx, tx, server, keys); err != nil {
			return err
		}
		if err := insertFiles(ctx, tx, server, files, p.After.Number); err != nil {
			return err
		}
		if p.Finish {
			if _, err := tx.ExecContext(ctx, deleteUnseen, hash(server), p.After.Section, p.After.Number); err != nil {
				return err
			}
		}
		return putState(ctx, tx, server, p.After)
	})
	if err != nil {
		return fmt.Errorf("cannot store a page of the index: %w", err)
	}
	return nil
}

// files returns the files of a page without duplicates, and the rating keys of all items that the page describes.
func (p *Page) files() (files []File, keys []string) {
	keys = slices.Concat(p.Trashed, p.Seen)
	type file struct{ key, path string }
	at := make(map[file]int, len(p.Files))
	for _, f := range p.Files {
		keys = append(keys, f.RatingKey)
		name := file{f.RatingKey, f.Path}
		if i, again := at[name]; again {
			files[i] = f
			continue
		}
		at[name] = len(files)
		files = append(files, f)
	}
	slices.Sort(keys)
	return files, slices.Compact(keys)
}

func deleteItems(ctx context.Context, tx *sqlitefile.Tx, server string, keys []string) error {
	_, err := tx.ExecContext(ctx, deleteKeys, hash(server), sqlitefile.JSONList(keys))
	return err
}

// rowsAtOnce is how many rows one statement inserts. A statement costs more than a row.
const rowsAtOnce = 100

// insertFiles inserts files. OR FAIL leaves earlier rows of a failed statement to the transaction's rollback. With the
// default OR ABORT, SQLite would first copy each page in order to undo the statement itself.
func insertFiles(ctx context.Context, tx *sqlitefile.Tx, server string, files []File, reading int64) error {
	for some := range slices.Chunk(files, rowsAtOnce) {
		var args []any
		for _, f := range some {
			folded := pathform.Fold(f.Path)
			args = append(args, hash(server), f.Section, f.RatingKey, f.Path, hash(folded), hash(pathform.Base(folded)), f.Size, f.Duration, f.AddedAt, reading)
		}
		rows := strings.TrimSuffix(strings.Repeat(`(?, ?, ?, ?, ?, ?, ?, ?, ?, ?), `, len(some)), ", ")
		if _, err := tx.ExecContext(ctx, `INSERT OR FAIL INTO plex_file
			(server, section, rating_key, path, path_hash, base_hash, size, duration, added_at, reading) VALUES `+rows, args...); err != nil {
			return err
		}
	}
	return nil
}

func putState(ctx context.Context, tx *sqlitefile.Tx, server string, r ListingState) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO plex_section
		(server, section, title, marks, reading, position, last_key, complete_at, checked_at, added_at, updated_at, items)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		server, r.Section, r.Title, r.Fingerprint, r.Number, r.Position, r.LastKey, zeroOrMillis(r.CompleteAt), zeroOrMillis(r.CheckedAt), r.AddedAt, r.UpdatedAt, r.Items)
	return err
}

func zeroOrMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// CountFiles counts the files of a section, up to sqlitefile.CountLimit.
func (x *Index) CountFiles(ctx context.Context, server, section string) (sqlitefile.Count, error) {
	c, err := sqlitefile.CountRows(ctx, x.db, `SELECT 1 FROM plex_file WHERE server = ? AND section = ?`, hash(server), section)
	if err != nil {
		return c, fmt.Errorf("cannot count the index: %w", err)
	}
	return c, nil
}

// Holds returns the items that have files in the index.
func (x *Index) Holds(ctx context.Context, server string, keys []string) (map[string]bool, error) {
	look, err := x.prepared(ctx, `SELECT EXISTS (SELECT 1 FROM plex_file WHERE server = ? AND rating_key = ?)`)
	if err != nil {
		return nil, fmt.Errorf("cannot look up items: %w", err)
	}
	held := make(map[string]bool)
	for _, k := range keys {
		var yes bool
		if err := look.QueryRowContext(ctx, hash(server), k).Scan(&yes); err != nil {
			return nil, fmt.Errorf("cannot look up items: %w", err)
		}
		if yes {
			held[k] = true
		}
	}
	return held, nil
}

// Drop removes an item that no longer exists or has other files. The next refresh checks its section again, and lists
// all of it if Plex still counts the item, because a single not-found answer is weak evidence.
func (x *Index) Drop(ctx context.Context, server, ratingKey string) error {
	err := x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if _, err := tx.ExecContext(ctx, `
			UPDATE plex_section SET marks = '', items = items - 1 WHERE server = ?1 AND section IN (
				SELECT DISTINCT section FROM plex_file WHERE server = ?2 AND rating_key = ?3)`, server, hash(server), ratingKey); err != nil {
			return err
		}
		return deleteItems(ctx, tx, server, []string{ratingKey})
	})
	if err != nil {
		return fmt.Errorf("cannot drop item %s from the index: %w", ratingKey, err)
	}
	return nil
}

// Keep removes all other servers, and all sections of this one except those named.
func (x *Index) Keep(ctx context.Context, server string, sections []string) error {
	const where = `server <> ? OR section NOT IN (SELECT value FROM json_each(?))`
	kept := sqlitefile.JSONList(sections)
	return x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		var stale bool
		err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM plex_section WHERE `+where+`)`, server, kept).Scan(&stale)
		if err != nil || !stale {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM plex_file WHERE `+where, hash(server), kept)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM plex_section WHERE `+where, server, kept)
		}
		if err != nil {
			return fmt.Errorf("cannot remove other libraries from the index: %w", err)
		}
		return nil
	})
}

// Damaged reports whether an error of an index means that its file is damaged.
func Damaged(err error) bool { return sqlitefile.IsDamage(err) }

// Rebuild replaces the file of the index by an empty one.
func (x *Index) Rebuild(ctx context.Context) error {
	err := x.db.Close() // the file is removed even if this fails
	sqlitefile.Remove(filepath.Join(x.dir, fileName))
	return errors.Join(err, x.open(ctx))
}

// Reset empties the index.
func (x *Index) Reset(ctx context.Context) error {
	return x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, table := range [...]string{"plex_file", "plex_section"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return fmt.Errorf("cannot empty the index: %w", err)
			}
		}
		return nil
	})
}
