package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// BreakerState is one of the three states of the breaker.
type BreakerState string

// The breaker's states.
const (
	// BreakerClosed: entered after one success; left after five consecutive failures. Jobs are processed.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen: entered after the failure that trips the breaker, or after a failed probe or trial; left when the
	// next probe is due. Nothing is claimed and Plex gets no request.
	BreakerOpen BreakerState = "open"
	// BreakerHalfOpen: entered by the process that probes; left at the end of the probe or trial, or after a minute if
	// that process died.
	BreakerHalfOpen BreakerState = "half_open"
)

// Breaker is the breaker's row. OpenedAt identifies the opening; an outcome of another opening is ignored.
type Breaker struct {
	State        BreakerState
	Failures     int // consecutive
	FailedProbes int
	OpenedAt     time.Time // zero while closed
	ProbeAt      time.Time // zero while closed
	HalfOpenAt   time.Time // zero unless half-open
	LastError    string
}

// Breaker returns the breaker's row.
func (s *Store) Breaker(ctx context.Context) (Breaker, error) {
	b, err := breakerOf(ctx, s.read)
	if err != nil {
		return b, fmt.Errorf("cannot read the breaker: %w", s.fileError(err))
	}
	return b, nil
}

func breakerOf(ctx context.Context, q sqlitefile.RowQuerier) (Breaker, error) {
	var b Breaker
	var opened, probe, half sql.NullInt64
	err := q.QueryRowContext(ctx, `
		SELECT state, consecutive_failures, failed_probes, opened_at, probe_at, half_open_at, last_error
		FROM breaker WHERE id = 1`).Scan(&b.State, &b.Failures, &b.FailedProbes, &opened, &probe, &half, &b.LastError)
	b.OpenedAt, b.ProbeAt, b.HalfOpenAt = nullTime(opened), nullTime(probe), nullTime(half)
	return b, err
}

// UpdateBreaker applies f to the row in one transaction and returns the row before and after. Leaving the closed state
// begins an outage; returning to it ends the outage.
func (s *Store) UpdateBreaker(ctx context.Context, now time.Time, f func(Breaker) Breaker) (before, after Breaker, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if before, err = breakerOf(ctx, tx); err != nil {
			return err
		}
		if after = f(before); after == before {
			return nil
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE breaker SET state = ?, consecutive_failures = ?, failed_probes = ?, opened_at = ?, probe_at = ?,
				half_open_at = ?, last_error = ? WHERE id = 1`,
			after.State, after.Failures, after.FailedProbes, timeOrNull(after.OpenedAt), timeOrNull(after.ProbeAt),
			timeOrNull(after.HalfOpenAt), after.LastError); err != nil {
			return err
		}
		switch {
		case before.State == BreakerClosed && after.State != BreakerClosed:
			return history.BeginOutage(ctx, tx, now, after.LastError)
		case before.State != BreakerClosed && after.State == BreakerClosed:
			return history.EndOutage(ctx, tx, now)
		}
		return nil
	})
	if err != nil {
		return before, after, fmt.Errorf("cannot update the breaker: %w", err)
	}
	return before, after, nil
}
