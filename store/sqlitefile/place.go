package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// setupLock is the lock that a process holds while it moves a database into its place or out of it.
const setupLock = "setup.lock"

// lockPlace takes the setup lock. A connection finds the write-ahead log by the name of the database, so no process may
// connect while a database moves. locked is false if the file system has no locks.
func lockPlace(dir string, take func(*flock.Flock) error) (unlock func(), locked bool) {
	lock := flock.New(filepath.Join(dir, setupLock), flock.SetPermissions(0o600))
	if take(lock) != nil {
		return func() {}, false
	}
	return func() { lock.Unlock() }, true // at exit the kernel releases it
}

// HoldPlace keeps other processes from moving databases of the data folder until release is called, if the file system
// has locks.
func HoldPlace(dir string) (release func()) {
	release, _ = lockPlace(dir, (*flock.Flock).RLock)
	return release
}

// Create creates a database with the schema that migrate writes, unless the file exists. It works on a temporary file
// and then moves it into place, so that no process sees half a schema. If the file system has locks, one process at a
// time does this; if not, the move does not replace the file of another process.
func Create(ctx context.Context, path string, migrate func(context.Context, *sql.DB) error) error {
	dir := filepath.Dir(path)
	unlock, locked := lockPlace(dir, (*flock.Flock).Lock)
	defer unlock()
	if Exists(path) {
		return nil
	}
	tmp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // its mode 0600 applies to -wal and -shm too
	if err != nil {
		return err
	}
	defer Remove(tmp.Name())
	if err := tmp.Close(); err != nil {
		return err
	}
	db, err := Open(DSN(tmp.Name(), "rw", "immediate"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := errors.Join(migrate(ctx, db), db.Close()); err != nil {
		return err
	}
	if locked {
		if err := clearPlace(path); err != nil {
			return err
		}
	}
	return moveInto(tmp.Name(), path, locked)
}

// logSuffixes end the names of the files that belong to a database.
var logSuffixes = [...]string{"-wal", "-shm", "-journal"}

// clearPlace removes the log of an earlier database, which SQLite would replay into a new one. The log of a damaged
// database moves aside with it instead.
func clearPlace(path string) error {
	note, err := readSalvage(path)
	if err != nil {
		return err
	}
	aside := filepath.Join(filepath.Dir(path), note.Latest())
	for _, suffix := range logSuffixes {
		var err error
		if note.Latest() != "" && Exists(aside) && !Exists(aside+suffix) {
			err = os.Rename(path+suffix, aside+suffix)
		} else {
			err = os.Remove(path + suffix)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove the log of an earlier database: %w", err)
		}
	}
	return nil
}

// moveInto moves a finished file to its place without replacing the file of another process.
func moveInto(from, to string, locked bool) error {
	if err := os.Link(from, to); err == nil || errors.Is(err, fs.ErrExist) || !locked && Exists(to) {
		return nil
	}
	return os.Rename(from, to)
}

// Remove removes a database and its log.
func Remove(path string) {
	os.Remove(path) // a leftover does no harm
	for _, suffix := range logSuffixes {
		os.Remove(path + suffix) // the next Create removes it
	}
}

// Exists reports whether a file exists.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// WriteAtomically writes a file completely or not at all. The file survives a loss of power. Only its owner may read it. A
// process that is killed may leave an unfinished one behind, which RemoveUnfinished removes.
func WriteAtomically(dir, name string, text []byte) error {
	tmp, err := os.CreateTemp(dir, "."+name+unfinished+"*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // it does not exist after the rename
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// unfinished ends the names of files that WriteAtomically is writing, before a random part.
const unfinished = ".new-"

// RemoveUnfinished removes what processes that were killed have left of a file. No process may be writing it.
func RemoveUnfinished(dir, name string) error {
	list, err := os.ReadDir(dir)
	for _, one := range list {
		if strings.HasPrefix(one.Name(), "."+name+unfinished) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, one.Name())))
		}
	}
	return err
}

// syncDir makes the names in a folder survive a loss of power, on systems that can open a folder.
func syncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		f.Sync()  // not every file system supports it
		f.Close() // nothing was written
	}
}
