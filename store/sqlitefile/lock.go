package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	runLock   = "run.lock"
	lockRetry = 50 * time.Millisecond
)

// ErrHeld means that another run, or another task with the same lock, holds the lock.
var ErrHeld = errors.New("another run holds the lock")

// A Lock allows one run, or one task of a kind, at a time. The kernel releases it when the process ends.
type Lock struct{ f *flock.Flock }

// Acquire takes the run lock of a data folder, which it prepares like PrepareDir. It tries until patience is over, and
// then returns ErrHeld. It returns an *Error if the file system has no locks, because SQLite's write-ahead log does not
// work there either.
func Acquire(ctx context.Context, dir string, patience time.Duration) (*Lock, error) {
	return AcquireFile(ctx, dir, runLock, patience)
}

// AcquireFile does what Acquire does, with another file of the data folder as the lock.
func AcquireFile(ctx context.Context, dir, name string, patience time.Duration) (*Lock, error) {
	return acquire(ctx, dir, name, patience, (*flock.Flock).TryLock)
}

// IsHeld reports whether a process holds the lock of AcquireFile. It never waits.
func IsHeld(dir, name string) (bool, error) {
	path := filepath.Join(dir, name)
	if !Exists(path) {
		return false, nil
	}
	f := flock.New(path, flock.SetFlag(os.O_RDONLY))
	free, err := f.TryRLock()
	return err == nil && !free, errors.Join(err, f.Close())
}

func acquire(ctx context.Context, dir, name string, patience time.Duration, try func(*flock.Flock) (bool, error)) (*Lock, error) {
	if err := PrepareDir(dir); err != nil {
		return nil, err
	}
	f := flock.New(filepath.Join(dir, name), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := try(f)
		if _, opening := errors.AsType[*fs.PathError](err); opening {
			return nil, fmt.Errorf("cannot open the lock: %w", Explain(f.Path(), err))
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

// noLocks returns the error for a folder on a file system without locks, such as some network shares.
func noLocks(dir string, err error) error {
	return &Error{
		Path: dir, Problem: "is on a file system that cannot lock files",
		Remedy: "put Stash's config folder, or the folder that STASH_PLEX_SYNC_DIR names, on a local disk", Err: err,
	}
}

// Release releases the lock.
func (l *Lock) Release() error { return l.f.Close() }
