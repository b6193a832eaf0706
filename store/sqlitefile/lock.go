package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	drainLock = "drain.lock"
	lockRetry = 50 * time.Millisecond
)

// ErrHeld reports that another run holds the lock.
var ErrHeld = errors.New("another run holds the lock")

// A Lock lets one drain run at a time. The kernel frees it if the process dies.
type Lock struct{ f *flock.Flock }

// Acquire takes the drain's lock of a data folder, trying for as long as patience says. It makes the folder
// and refuses the same ones as Open. It returns ErrHeld if another process has the lock, and a *FileError
// if the file system cannot lock: SQLite's write-ahead log does not work there either.
func Acquire(ctx context.Context, dir string, patience time.Duration) (*Lock, error) {
	return acquire(ctx, dir, patience, (*flock.Flock).TryLock)
}

func acquire(ctx context.Context, dir string, patience time.Duration, try func(*flock.Flock) (bool, error)) (*Lock, error) {
	if err := CheckDir(dir); err != nil {
		return nil, err
	}
	f := flock.New(filepath.Join(dir, drainLock), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := try(f)
		if _, opening := errors.AsType[*fs.PathError](err); opening {
			return nil, fmt.Errorf("open the lock: %w", Trouble(f.Path(), err))
		}
		if err != nil {
			return nil, noLocks(dir, errors.Join(err, f.Close()))
		}
		if ok {
			return &Lock{f}, nil
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ErrHeld, f.Close())
		case <-time.After(lockRetry):
		}
	}
}

// noLocks says that a folder is on a file system that cannot lock files, as some network shares are.
func noLocks(dir string, err error) error {
	return &FileError{
		Path: dir, Problem: "is on a file system that cannot lock files",
		Remedy: "put Stash's config folder, or the folder that STASH_PLEX_SYNC_DIR names, on a local disk", Err: err,
	}
}

// Release frees the lock.
func (l *Lock) Release() error { return l.f.Close() }
