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
	indexFile    = "index.db"
	indexVersion = 4
)

//go:embed index_schema.sql
var indexSchema string

// An Index is the open index of Plex's files. It can always be read again from Plex, so it is written
// without waiting for the disk, and made anew whenever it is in doubt.
type Index struct {
	dir string
	db  *sql.DB

	mu      sync.Mutex
	lookUps map[string]*sql.Stmt // prepared, by their text
}

// PlexFile is one file of one item.
type PlexFile struct {
	Section   string
	RatingKey string
	Path      string // Plex's own form
	Size      int64  // bytes
	Duration  int64  // ms
	AddedAt   int64  // unix s, Plex's clock
}

// Reading is how far a section has been read.
type Reading struct {
	Section    string
	Title      string
	Marks      string    // of the section when what the index holds of it began to be read
	Number     int64     // of the reading under way or last finished
	Position   int       // where an unfinished reading goes on; -1: none is under way
	LastKey    string    // rating key of the row before Position; "": unknown
	CompleteAt time.Time // when a reading was last finished; zero: never
	CheckedAt  time.Time // when it was last brought up to date
	AddedAt    int64     // unix s, Plex's clock: the newest value held
	UpdatedAt  int64     // unix s, Plex's clock: the newest value held
	Items      int       // how many items the section had, those in the trash included
}

// OpenIndex opens index.db in dir. One that is damaged or of another version is made anew, but not one that
// another process has been writing to for 30 s.
func OpenIndex(ctx context.Context, dir string) (*Index, error) {
	x := &Index{dir: dir}
	err := x.open(ctx)
	if err != nil && ctx.Err() == nil && !sqlitefile.IsBusy(err) {
		sqlitefile.Remove(filepath.Join(dir, indexFile))
		err = x.open(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open the index of Plex's files: %w", sqlitefile.Explain(filepath.Join(dir, indexFile), err))
	}
	return x, nil
}

func (x *Index) open(ctx context.Context) error {
	path := filepath.Join(x.dir, indexFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // its mode is inherited by -wal and -shm
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return x.connect(ctx, sqlitefile.CacheDSN(path))
}

// TemporaryIndex returns an empty index in memory. It is gone when it is closed.
func TemporaryIndex(ctx context.Context) (*Index, error) {
	x := &Index{}
	if err := x.connect(ctx, ":memory:"); err != nil { // one connection, and so one database
		return nil, fmt.Errorf("open an index in memory: %w", err)
	}
	return x, nil
}

// connect opens the database and prepares its tables.
func (x *Index) connect(ctx context.Context, dsn string) (err error) {
	if x.db, err = sqlitefile.Open(dsn); err != nil {
		return err
	}
	x.db.SetMaxOpenConns(1)
	x.lookUps = make(map[string]*sql.Stmt)
	if err := x.prepare(ctx); err != nil {
		return errors.Join(err, x.db.Close())
	}
	return nil
}

var errOtherVersion = errors.New("the index has another version")

func (x *Index) prepare(ctx context.Context) error {
	return x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch version {
		case indexVersion:
			var n int
			return tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM plex_file, plex_section LIMIT 1)`).Scan(&n)
		case 0:
			_, err := tx.Tx.ExecContext(ctx, indexSchema+fmt.Sprintf("; PRAGMA user_version = %d", indexVersion))
			return err
		}
		return errOtherVersion
	})
}

// Close closes the index.
func (x *Index) Close() error { return x.db.Close() }

// inTx runs f in one transaction.
func (x *Index) inTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error {
	return sqlitefile.Explain(filepath.Join(x.dir, indexFile), sqlitefile.InTx(ctx, x.db, f))
}

// Reading returns how far a section has been read.
func (x *Index) Reading(ctx context.Context, server, section string) (Reading, error) {
	list, err := x.readings(ctx, `server = ? AND section = ?`, server, section)
	if err != nil || len(list) == 0 {
		return Reading{Section: section, Position: -1}, err
	}
	return list[0], nil
}

// Readings returns how far every section of a server has been read.
func (x *Index) Readings(ctx context.Context, server string) ([]Reading, error) {
	return x.readings(ctx, `server = ? ORDER BY section`, server)
}

func (x *Index) readings(ctx context.Context, where string, args ...any) ([]Reading, error) {
	rows, err := x.db.QueryContext(ctx, `SELECT section, title, marks, reading, position, last_key, complete_at, checked_at, added_at, updated_at, items
		FROM plex_section WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read the sections of the index: %w", err)
	}
	defer rows.Close()
	var list []Reading
	for rows.Next() {
		var r Reading
		var complete, checked int64
		if err := rows.Scan(&r.Section, &r.Title, &r.Marks, &r.Number, &r.Position, &r.LastKey, &complete, &checked, &r.AddedAt, &r.UpdatedAt, &r.Items); err != nil {
			return nil, fmt.Errorf("read the sections of the index: %w", err)
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

// A ReadPage is what a page of a listing changes, committed with how far the section has been read.
type ReadPage struct {
	Files   []PlexFile
	Trashed []string // rating keys whose files are in the trash: they are removed
	Seen    []string // rating keys whose files are exactly those of Files: others are removed
	Finish  bool     // remove what this reading has not seen
	After   Reading
}

const (
	deleteUnseen = `DELETE FROM plex_file WHERE server = ? AND section = ? AND reading < ?`
	deleteKeys   = `DELETE FROM plex_file WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?))`
)

// Apply stores a page.
func (x *Index) Apply(ctx context.Context, server string, p ReadPage) error {
	err := x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		files, keys := p.held()
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
		return putReading(ctx, tx, server, p.After)
	})
	if err != nil {
		return fmt.Errorf("store a page of the index: %w", err)
	}
	return nil
}

// held returns the files of a page, each once, and the rating keys of all items of whose files it tells.
func (p *ReadPage) held() (files []PlexFile, keys []string) {
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

// rowsAtOnce is how many rows one statement writes: a statement costs more than a row.
const rowsAtOnce = 100

// insertFiles writes rows. A statement that fails leaves those before, which the transaction takes back: with OR ABORT,
// the default, SQLite would copy each of their pages first, to take them back itself.
func insertFiles(ctx context.Context, tx *sqlitefile.Tx, server string, files []PlexFile, reading int64) error {
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

func putReading(ctx context.Context, tx *sqlitefile.Tx, server string, r Reading) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO plex_section
		(server, section, title, marks, reading, position, last_key, complete_at, checked_at, added_at, updated_at, items)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		server, r.Section, r.Title, r.Marks, r.Number, r.Position, r.LastKey, zeroOrMillis(r.CompleteAt), zeroOrMillis(r.CheckedAt), r.AddedAt, r.UpdatedAt, r.Items)
	return err
}

func zeroOrMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// CountFiles counts the files of a section that the index holds, up to CountLimit.
func (x *Index) CountFiles(ctx context.Context, server, section string) (sqlitefile.Count, error) {
	c, err := sqlitefile.CountRows(ctx, x.db, `SELECT 1 FROM plex_file WHERE server = ? AND section = ?`, hash(server), section)
	if err != nil {
		return c, fmt.Errorf("count the index: %w", err)
	}
	return c, nil
}

// Holds returns which of the items the index holds.
func (x *Index) Holds(ctx context.Context, server string, keys []string) (map[string]bool, error) {
	look, err := x.lookUp(ctx, `SELECT EXISTS (SELECT 1 FROM plex_file WHERE server = ? AND rating_key = ?)`)
	if err != nil {
		return nil, fmt.Errorf("look up items: %w", err)
	}
	held := make(map[string]bool)
	for _, k := range keys {
		var yes bool
		if err := look.QueryRowContext(ctx, hash(server), k).Scan(&yes); err != nil {
			return nil, fmt.Errorf("look up items: %w", err)
		}
		if yes {
			held[k] = true
		}
	}
	return held, nil
}

// Drop removes an item that is gone, or no longer holds what the index says. Its section is looked at again
// with the next refresh, and read anew if Plex still counts the item: one answer that it is gone proves
// little.
func (x *Index) Drop(ctx context.Context, server, ratingKey string) error {
	err := x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if _, err := tx.ExecContext(ctx, `
			UPDATE plex_section SET marks = '', items = items - 1 WHERE server = ?1 AND section IN (
				SELECT DISTINCT section FROM plex_file WHERE server = ?2 AND rating_key = ?3)`, server, hash(server), ratingKey); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM plex_file WHERE server = ? AND rating_key = ?`, hash(server), ratingKey)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop item %s from the index: %w", ratingKey, err)
	}
	return nil
}

// Keep removes every section but the named ones, and every other server.
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
			return fmt.Errorf("remove other libraries from the index: %w", err)
		}
		return nil
	})
}

// IndexDamaged reports whether an error of the index means that its file is damaged.
func IndexDamaged(err error) bool { return sqlitefile.IsDamage(err) }

// Rebuild makes the index anew, empty. Nothing is lost that cannot be read from Plex again.
func (x *Index) Rebuild(ctx context.Context) error {
	err := x.db.Close() // whatever it says, the file goes
	sqlitefile.Remove(filepath.Join(x.dir, indexFile))
	return errors.Join(err, x.open(ctx))
}

// Reset empties the index.
func (x *Index) Reset(ctx context.Context) error {
	return x.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, table := range [...]string{"plex_file", "plex_section"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil {
				return fmt.Errorf("empty the index: %w", err)
			}
		}
		return nil
	})
}
