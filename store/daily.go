package store

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// copyEvery is the time between two copies.
const copyEvery = 24 * time.Hour

// CopyDaily copies queue.db if the last copy is a day old, and keeps two copies. It reports whether it made one. It
// checks the file first, so that undetected damage does not get into the copies.
func (s *Store) CopyDaily(ctx context.Context, now time.Time) (bool, error) {
	_, last, err := s.Meta(ctx, KeyLastCopy)
	if err != nil {
		return false, err
	}
	if age := now.Sub(last); age >= 0 && age < copyEvery {
		return false, nil
	}
	damage, err := sqlitefile.Check(ctx, s.read)
	if err == nil && damage != "" {
		err = fmt.Errorf("%w: %s", sqlitefile.ErrUnsound, OneLine(damage))
	}
	if err != nil {
		return false, fmt.Errorf("cannot check the database: %w", s.fileError(err))
	}
	name, err := sqlitefile.Copy(ctx, s.read, s.path())
	if err != nil {
		return false, fmt.Errorf("cannot copy the database: %w", s.fileError(err))
	}
	return true, s.SetMeta(ctx, now, KeyLastCopy, name)
}
