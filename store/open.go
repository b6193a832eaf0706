package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const queueFile = "queue.db"

// ErrCorrupt means that queue.db is damaged. Only Recover may touch such a file.
var ErrCorrupt = errors.New("the queue database is damaged")

// A Store is an open queue.db. It is safe for concurrent use; any number of processes may have the same
// file open.
type Store struct {
	dir   string
	write *sql.DB // one connection, every transaction IMMEDIATE
	read  *sql.DB // deferred transactions
}

// Open opens queue.db in dir, creates it if it is missing and migrates it if it is old. It refuses a folder that
// sqlitefile.CheckDir refuses, and a damaged file (ErrCorrupt). It also refuses a file from a newer build (*NewerError)
// or a development build, and leaves both untouched.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := sqlitefile.PrepareDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, queueFile)
	s := &Store{dir: dir}
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := sqlitefile.Create(ctx, path, migrate); err != nil {
			return nil, fmt.Errorf("cannot create %s: %w", path, sqlitefile.Explain(path, err))
		}
	case err == nil && sqlitefile.IsEmpty(fi): // the plugin never creates an empty file, and SQLite would initialise it
		return nil, s.fileError(sqlitefile.ErrEmpty)
	}
	release := sqlitefile.HoldPlace(dir) // until connected, so that the file and its log belong together
	defer release()
	if s.write, err = sqlitefile.Open(sqlitefile.DSN(path, "rw", "immediate")); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sqlitefile.Open(sqlitefile.DSN(path, "rw", "deferred")); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	if err := migrate(ctx, s.write); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, errors.Join(s.fileError(err), sqlitefile.CloseUntouched(path, s.Close)))
	}
	sqlitefile.ShortenLog(ctx, s.write)
	return s, nil
}

// OpenFile opens an existing queue.db for reading. It does not create or migrate a file.
func OpenFile(ctx context.Context, path string) (*Store, error) {
	s := &Store{dir: filepath.Dir(path)}
	var err error
	if s.read, err = sqlitefile.Open(sqlitefile.DSN(path, "ro", "deferred")); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	s.write = s.read
	if err := checkSchema(ctx, s.read); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, errors.Join(explain(path, err), s.Close()))
	}
	return s, nil
}

// Dir returns the folder of the database.
func (s *Store) Dir() string { return s.dir }

// path returns the path of queue.db.
func (s *Store) path() string { return filepath.Join(s.dir, queueFile) }

// Close closes the database. A hook exits without it: closing the last connection writes the whole log
// back into the database file, and a save must not wait for that.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.write.Close())
}

// Checkpoint writes the write-ahead log back into the database file as far as readers allow.
func (s *Store) Checkpoint(ctx context.Context) error {
	if _, err := s.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("checkpoint: %w", s.fileError(err))
	}
	return nil
}

// fileError turns an error of the file into an *sqlitefile.Error. For a damaged file the error is ErrCorrupt too, and
// fileError leaves a note for the next run, because only a run may check the file.
func (s *Store) fileError(err error) error {
	path := s.path()
	if !sqlitefile.IsDamage(err) || errors.Is(err, ErrCorrupt) {
		return explain(path, err)
	}
	return &sqlitefile.Error{
		Path: path, Problem: "is damaged", Remedy: `the next run moves it aside and recovers what can be read: start "Process queue"`,
		Err: errors.Join(ErrCorrupt, err, s.NoteSuspect(err)),
	}
}

// NoteSuspect records an error that damage may have caused, so that the next run checks the file.
func (s *Store) NoteSuspect(cause error) error {
	return sqlitefile.MarkSuspect(s.path(), OneLine(cause.Error()))
}

// explain returns an *sqlitefile.Error for an error that the user can fix, and any other error unchanged.
func explain(path string, err error) error {
	if errors.Is(err, errDevelopment) {
		return &sqlitefile.Error{Path: path, Problem: "was made by a development build", Remedy: "move the folder " + filepath.Dir(path) + " away", Err: err}
	}
	return sqlitefile.Explain(path, err)
}

// View runs f in one read transaction, for the packages that read their own tables.
func (s *Store) View(ctx context.Context, f func(tx *sqlitefile.Tx) error) error {
	tx, err := sqlitefile.Begin(ctx, s.read)
	if err == nil {
		defer sqlitefile.Rollback(tx.Tx) // nothing was written
		err = f(tx)
	}
	return s.fileError(err)
}

// InTx runs f in one IMMEDIATE transaction, for the packages that write their own tables.
func (s *Store) InTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error {
	return s.inTx(ctx, f)
}

// raiseRevision is written by every transaction that changes rows, so that a page can see whether anything has changed.
const raiseRevision = `INSERT INTO meta (key, value) VALUES ('` + KeyRevision + `', '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1`

// inTx runs f in one IMMEDIATE transaction.
func (s *Store) inTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error {
	return s.fileError(sqlitefile.InTx(ctx, s.write, func(tx *sqlitefile.Tx) error {
		err := f(tx)
		if err == nil && tx.Changed() {
			_, err = tx.ExecContext(ctx, raiseRevision)
		}
		return err
	}))
}
