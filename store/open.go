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
	"strings"

	"github.com/gofrs/flock"
	"modernc.org/sqlite" // also registers the driver
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	queueFile   = "queue.db"
	setupLock   = "setup.lock"
	suspectFile = "queue.db.suspect"
)

// ErrCorrupt says that queue.db is damaged. Only Recover may touch such a file.
var ErrCorrupt = errors.New("the queue database is damaged")

// A Store is an open queue.db. It is safe for concurrent use; any number of processes may have the same
// file open.
type Store struct {
	dir   string
	write *sql.DB // one connection, every transaction IMMEDIATE
	read  *sql.DB // deferred transactions
	lease string  // holder's name if the lock is a lease, else ""
}

// Open opens queue.db in dir, makes it if it is missing and migrates it if it is old. It refuses a folder
// that is a symlink or another user's, a file from a newer build (*NewerError, left untouched) and a
// damaged one (ErrCorrupt).
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, queueFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(ctx, dir); err != nil {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
	}
	s := &Store{dir: dir}
	var err error
	if s.write, err = sql.Open("sqlite", dsn(path, "immediate")); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", dsn(path, "deferred")); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := migrate(ctx, s.write); err != nil {
		s.write.Close() // the error that matters is already there
		return nil, fmt.Errorf("open %s: %w", path, s.mark(err))
	}
	return s, nil
}

// OpenFile opens an existing queue.db for reading. It makes and migrates nothing.
func OpenFile(ctx context.Context, path string) (*Store, error) {
	s := &Store{dir: filepath.Dir(path)}
	var err error
	if s.read, err = sql.Open("sqlite", dsn(path, "deferred")+"&mode=ro"); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.write = s.read
	var version int
	if err := s.read.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
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

// dsn names the pragmas of every connection. busy_timeout comes first, because the others may already
// have to wait; 30 s outlast any transaction of ours.
func dsn(path, txlock string) string {
	q := url.Values{"_txlock": {txlock}, "_pragma": {
		"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// checkDir makes the folder if it is missing, and refuses one through which another user could read or
// replace the database.
func checkDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the data folder: %w", err)
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("look at the data folder: %w", err)
	case fi.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("the data folder %s is a symbolic link: replace it by a real folder, or name another in STASH_PLEX_SYNC_DIR", dir)
	case !fi.IsDir():
		return fmt.Errorf("the data folder %s is a file: move it away", dir)
	case !ownedByUs(fi):
		return fmt.Errorf("the data folder %s belongs to another user: change its owner to the user that Stash runs as, or name another in STASH_PLEX_SYNC_DIR", dir)
	}
	if fi.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("close the data folder to others: %w", err)
		}
	}
	return nil
}

// create makes and migrates a new file under a name of its own and moves it into place, so that nobody
// ever sees half a schema. Where the file system has locks only one process does it; where it has none,
// the move refuses to replace what another process put there first.
func create(ctx context.Context, dir string) error {
	lock := flock.New(filepath.Join(dir, setupLock), flock.SetPermissions(0o600))
	locked := lock.Lock() == nil
	if locked {
		defer lock.Unlock() // freed by the kernel at exit in any case
	}
	path := filepath.Join(dir, queueFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(dir, queueFile+".new-*") // 0600, which -wal and -shm inherit
	if err != nil {
		return err
	}
	defer removeAll(tmp.Name())
	if err := tmp.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dsn(tmp.Name(), "immediate"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := errors.Join(migrate(ctx, db), db.Close()); err != nil {
		return err
	}
	return moveInto(tmp.Name(), path, locked)
}

// moveInto moves a finished file to its place without ever replacing another process's.
func moveInto(from, to string, locked bool) error {
	err := os.Link(from, to)
	switch {
	case err == nil || errors.Is(err, fs.ErrExist):
		return nil
	case locked:
		return os.Rename(from, to)
	}
	if _, statErr := os.Stat(to); statErr == nil {
		return nil
	}
	return os.Rename(from, to)
}

func removeAll(path string) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		os.Remove(path + suffix) // a leftover is harmless and removed by the next make
	}
}

// mark turns SQLite's words for a damaged file into ErrCorrupt, and leaves a note for the next drain,
// which alone may look closer.
func (s *Store) mark(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && isCorrupt(e.Code()) {
		noteErr := os.WriteFile(filepath.Join(s.dir, suspectFile), []byte(e.Error()+"\n"), 0o600)
		return errors.Join(fmt.Errorf("%w: %w", ErrCorrupt, err), noteErr)
	}
	return err
}

func isCorrupt(code int) bool {
	return code&0xff == sqlite3.SQLITE_CORRUPT || code&0xff == sqlite3.SQLITE_NOTADB
}

// inTx runs f in one IMMEDIATE transaction.
func (s *Store) inTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return s.mark(err)
	}
	if err := f(tx); err != nil {
		return s.mark(errors.Join(err, rollback(tx)))
	}
	return s.mark(tx.Commit())
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// placeholders returns "?, ?, …" for n values.
func placeholders(n int) string {
	return strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
}
