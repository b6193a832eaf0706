package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/gofrs/flock"
	"modernc.org/sqlite" // also registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	queueFile = "queue.db"
	setupLock = "setup.lock"
)

// ErrCorrupt says that queue.db is damaged. Only Recover may touch such a file.
var ErrCorrupt = errors.New("the queue database is damaged")

// What is found to be damage besides what SQLite refuses.
var (
	errEmpty   = errors.New("the file is empty") // lost to a crash of the system
	errUnsound = errors.New("its content is not sound")
)

// A Store is an open queue.db. It is safe for concurrent use; any number of processes may have the same
// file open.
type Store struct {
	dir   string
	write *sql.DB // one connection, every transaction IMMEDIATE
	read  *sql.DB // deferred transactions
}

// Open opens queue.db in dir, makes it if it is missing and migrates it if it is old. It refuses a folder
// that is a symlink or another user's, a file from a newer build (*NewerError) or from a development build, both
// left untouched, and a damaged one (ErrCorrupt).
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, queueFile)
	s := &Store{dir: dir}
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(ctx, dir); err != nil {
			return nil, fmt.Errorf("make %s: %w", path, trouble(path, err))
		}
	case err == nil && fi.Size() == 0: // it is never made so, and SQLite would take it for a new one
		return nil, s.mark(errEmpty)
	}
	unlock, _ := lockPlace(dir, (*flock.Flock).RLock) // until connected, so that the file and its log belong together
	defer unlock()
	if s.write, err = openDB(dsn(path, "rw", "immediate")); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = openDB(dsn(path, "rw", "deferred")); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := migrate(ctx, s.write); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, errors.Join(s.mark(err), closeUntouched(path, s.Close)))
	}
	s.shortenLog(ctx)
	return s, nil
}

// logAtMost is how many pages of the log are left for the next process to read.
const logAtMost = 100

// shortenLog writes a long log back into the database file as far as that needs no waiting: the next write
// then begins it anew. Who opens a queue that nobody else has open reads the whole log, and hooks, which never
// close it, would let it grow until the next run. SQLite's own checkpoint after a commit does not help: that
// it was made is forgotten once its process has ended.
func (s *Store) shortenLog(ctx context.Context) {
	var busy, pages, written int
	err := s.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &pages, &written)
	if err != nil || pages <= logAtMost || pages == written {
		return // whatever is wrong is met again by who reads or writes
	}
	s.write.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // likewise
}

// closeUntouched closes a database that is none of ours to write. The last connection would write the log
// back into the file, unless it may only read: so one that may only read is the last.
func closeUntouched(path string, closeAll func() error) error {
	reader, err := openDB(dsn(path, "ro", "deferred"))
	if err != nil {
		return errors.Join(err, closeAll())
	}
	var version int
	readErr := reader.QueryRow("PRAGMA user_version").Scan(&version) // until then it is not connected
	err = closeAll()
	if readErr != nil { // it was told already why
		reader.Close()
		return err
	}
	return errors.Join(err, reader.Close())
}

// OpenFile opens an existing queue.db for reading. It makes and migrates nothing.
func OpenFile(ctx context.Context, path string) (*Store, error) {
	s := &Store{dir: filepath.Dir(path)}
	var err error
	if s.read, err = openDB(dsn(path, "ro", "deferred")); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.write = s.read
	version, err := schemaVersion(ctx, s.read)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, trouble(path, err))
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	switch {
	case version > len(names):
		return nil, fmt.Errorf("open %s: %w", path, &NewerError{Version: version, Known: len(names)})
	case version < len(names):
		return nil, fmt.Errorf("open %s: it is no queue of this plugin, or of an older build that has not run since the update", path)
	}
	return s, nil
}

// Dir returns the folder of the database.
func (s *Store) Dir() string { return s.dir }

// Close closes the database. A hook exits without it: closing the last connection writes the whole log
// back into the database file, and a save must not wait for that.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Checkpoint writes the write-ahead log back into the database file as far as readers allow.
func (s *Store) Checkpoint(ctx context.Context) error {
	if _, err := s.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("checkpoint: %w", s.mark(err))
	}
	return nil
}

// driverName is the driver of both databases. A build with the tag killpoints wraps it.
var driverName = "sqlite"

func openDB(dsn string) (*sql.DB, error) { return sql.Open(driverName, dsn) }

// dsn names the pragmas of every connection, and its mode: ro, rw (the file must be there) or rwc.
// busy_timeout comes first, because the others may already have to wait; 30 s outlast any transaction of
// ours. The mode of the journal is not among them: it is kept in the file, which may be a newer build's.
func dsn(path, mode, txlock string) string {
	q := url.Values{"mode": {mode}, "_txlock": {txlock}, "_pragma": {"busy_timeout(30000)", "synchronous(FULL)", "foreign_keys(1)"}}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// mark turns an error of the file into a *FileError. Of a damaged one, which is ErrCorrupt too, it leaves a
// note for the next drain, which alone may look closer.
func (s *Store) mark(err error) error {
	path := filepath.Join(s.dir, queueFile)
	if !isDamage(err) || errors.Is(err, ErrCorrupt) {
		return trouble(path, err)
	}
	return &FileError{
		Path: path, Problem: "is damaged", Remedy: "the next run that processes the queue moves it aside and saves what can be read",
		Err: errors.Join(ErrCorrupt, err, s.Doubt(err)),
	}
}

// Doubt leaves a note of an error that may come from damage, so that the next drain checks the file.
func (s *Store) Doubt(cause error) error {
	return os.WriteFile(filepath.Join(s.dir, suspectFile), []byte(OneLine(cause.Error())+"\n"), 0o600)
}

// isDamage reports whether SQLite found the file itself damaged: nothing else is a reason to give it up.
func isDamage(err error) bool {
	return hasCode(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) || errors.Is(err, errEmpty) || errors.Is(err, errUnsound)
}

// hasCode reports whether an error is one of SQLite's with one of these primary codes.
func hasCode(err error, codes ...int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && slices.Contains(codes, e.Code()&0xff)
}

// inTx runs f in one IMMEDIATE transaction.
func (s *Store) inTx(ctx context.Context, f func(tx *transaction) error) error {
	return s.mark(inTx(ctx, s.write, f))
}
