package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	drainLock  = "drain.lock"
	lockRetry  = 50 * time.Millisecond
	leaseStale = 30 * time.Second
)

// Errors of the drain's lock.
var (
	ErrHeld      = errors.New("another run holds the lock")
	ErrNoLocks   = errors.New("the file system of the data folder has no locks")
	ErrLeaseLost = errors.New("another process took over the lease")
)

// A Lock lets one drain run at a time. The kernel frees it if the process dies.
type Lock struct{ f *flock.Flock }

// Acquire takes the drain's lock of a data folder, trying for as long as patience says. It makes the folder
// and refuses the same ones as Open. It returns ErrHeld if another process has the lock, and ErrNoLocks
// where the file system cannot lock: then take a lease.
func Acquire(ctx context.Context, dir string, patience time.Duration) (*Lock, error) {
	if err := checkDir(dir); err != nil {
		return nil, err
	}
	f := flock.New(filepath.Join(dir, drainLock), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		ok, err := f.TryLock()
		if _, opening := errors.AsType[*fs.PathError](err); opening {
			return nil, fmt.Errorf("open the lock: %w", trouble(f.Path(), err))
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoLocks, err)
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

// Release frees the lock. It may be called on nil.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	return l.f.Close()
}

// TakeLease takes the lease that stands in for the lock where there is none: a row that its holder must
// renew with Beat, and that counts as given up after 30 s. From then on every claim and ending of this
// Store checks that the lease is still its own: two holders of one name are told apart.
func (s *Store) TakeLease(ctx context.Context, now time.Time, holder string) error {
	holder += " " + rand.Text() // in two containers even the process's number may be the same
	err := s.inTx(ctx, func(tx *transaction) error {
		var other string
		var beat int64
		err := tx.QueryRowContext(ctx, `SELECT holder, beat_at FROM lease WHERE id = 1`).Scan(&other, &beat)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		age := now.Sub(time.UnixMilli(beat))
		if err == nil && other != s.lease && age >= 0 && age < leaseStale {
			return ErrHeld
		}
		_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO lease (id, holder, beat_at) VALUES (1, ?, ?)`, holder, now.UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	s.lease = holder
	return nil
}

// Beat renews the lease. It returns ErrLeaseLost if another process has taken it over.
func (s *Store) Beat(ctx context.Context, now time.Time) error {
	return s.inTx(ctx, func(tx *transaction) error {
		if err := s.checkLease(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE lease SET beat_at = ? WHERE id = 1`, now.UnixMilli())
		return err
	})
}

// DropLease gives the lease up.
func (s *Store) DropLease(ctx context.Context) error {
	return s.inTx(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM lease WHERE holder = ?`, s.lease)
		return err
	})
}

func (s *Store) checkLease(ctx context.Context, tx *transaction) error {
	if s.lease == "" {
		return nil
	}
	var holder string
	err := tx.QueryRowContext(ctx, `SELECT holder FROM lease WHERE id = 1`).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) || err == nil && holder != s.lease {
		return ErrLeaseLost
	}
	return err
}

// SetHolder notes who works under the lock, for those who find it held.
func (s *Store) SetHolder(ctx context.Context, now time.Time, who string) error {
	return s.SetMeta(ctx, now, keyHolder, who)
}

// Holder returns who last worked under the lock, and since when.
func (s *Store) Holder(ctx context.Context) (string, time.Time, error) {
	return s.Meta(ctx, keyHolder)
}
