package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// CheckDir makes the folder if it is missing, and refuses one through which another user could read or
// replace the database.
func CheckDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("make the data folder: %w", Trouble(dir, err))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the data folder: %w", Trouble(dir, err))
	}
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("look at the data folder: %w", Trouble(dir, err))
	case fi.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("the data folder %s is a symbolic link: replace it by a real folder, or name another in STASH_PLEX_SYNC_DIR", dir)
	case !fi.IsDir():
		return fmt.Errorf("the data folder %s is a file: move it away", dir)
	case !ownedByUs(fi):
		return fmt.Errorf("the data folder %s belongs to another user: change its owner to the user that Stash runs as, or name another in STASH_PLEX_SYNC_DIR", dir)
	}
	if fi.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(dir, 0o700); err != nil {
			return fmt.Errorf("close the data folder to others: %w", Trouble(dir, err))
		}
	}
	return nil
}

// setupLock is the lock of a data folder under which a database is put into its place or taken from it.
const setupLock = "setup.lock"

// lockPlace takes the lock under which a database is put into its place or taken from it: a connection finds
// the log by the file's name, so nobody may connect meanwhile. Where the file system has no locks nothing
// is taken from its place.
func lockPlace(dir string, take func(*flock.Flock) error) (unlock func(), locked bool) {
	lock := flock.New(filepath.Join(dir, setupLock), flock.SetPermissions(0o600))
	if take(lock) != nil {
		return func() {}, false
	}
	return func() { lock.Unlock() }, true // freed by the kernel at exit in any case
}

// KeepPlace keeps the databases of a data folder in their places until release is called, where the file system has locks.
func KeepPlace(dir string) (release func()) {
	release, _ = lockPlace(dir, (*flock.Flock).RLock)
	return release
}

// Create makes a new file under a name of its own, with what migrate puts into it, and moves it into place, so that nobody
// ever sees half a schema. Where the file system has locks only one process does it; where it has none,
// the move refuses to replace what another process put there first.
func Create(ctx context.Context, path string, migrate func(context.Context, *sql.DB) error) error {
	dir := filepath.Dir(path)
	unlock, locked := lockPlace(dir, (*flock.Flock).Lock)
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	tmp, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // 0600, which -wal and -shm inherit
	if err != nil {
		return err
	}
	defer RemoveAll(tmp.Name())
	if err := tmp.Close(); err != nil {
		return err
	}
	db, err := OpenDB(Dsn(tmp.Name(), "rw", "immediate"))
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

// clearPlace takes away what an earlier file left beside its place: SQLite would replay its log into the
// new one. The log of a damaged file that is on its way aside follows it; any other goes.
func clearPlace(path string) error {
	note, err := readSalvage(path)
	if err != nil {
		return err
	}
	aside := filepath.Join(filepath.Dir(path), note.Latest())
	for _, suffix := range [...]string{"-wal", "-shm", "-journal"} {
		var err error
		if note.Latest() != "" && Exists(aside) && !Exists(aside+suffix) {
			err = os.Rename(path+suffix, aside+suffix)
		} else {
			err = os.Remove(path + suffix)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take away the log of an earlier database: %w", err)
		}
	}
	return nil
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

func RemoveAll(path string) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		os.Remove(path + suffix) // a leftover is harmless and removed by the next make
	}
}

func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// WriteAtomically writes a file in a folder, whole or not at all, so that it survives a loss of power.
func WriteAtomically(dir, name string, text []byte) error {
	tmp, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone once it was renamed
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

// syncDir makes the names in a folder last, where the system can: some do not open folders.
func syncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		f.Sync()  // not every file system can
		f.Close() // nothing was written
	}
}
