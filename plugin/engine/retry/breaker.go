package retry

import (
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	TripAfter     = 5                 // consecutive failures
	FirstPause    = 60 * time.Second  // from opening to the first probe; doubled after each failed probe
	LongestPause  = 300 * time.Second // between probes
	HalfOpenLimit = 60 * time.Second  // a process that probes for longer is taken for dead
)

// A Permission says what a run may do now.
type Permission int

const (
	Allowed    Permission = iota // the breaker is closed
	ProbeFirst                   // one probe, then one trial
	Paused                       // nothing: Plex gets no request
)

// Permit returns what a run may do now and the breaker to store before it does. A run started by a person probes at
// once. Permit looks only at the times in the breaker, so a process that died during its probe blocks others for at
// most a minute, and a clock that was moved blocks none.
func Permit(b store.Breaker, now time.Time, byPerson bool) (store.Breaker, Permission) {
	now = ToMillis(now)
	switch b.State {
	case store.BreakerClosed:
		return b, Allowed
	case store.BreakerOpen:
		if wait := b.ProbeAt.Sub(now); !byPerson && wait > 0 && wait <= LongestPause {
			return b, Paused
		}
	case store.BreakerHalfOpen:
		if age := now.Sub(b.HalfOpenAt); !byPerson && age >= 0 && age <= HalfOpenLimit {
			return b, Paused
		}
	}
	b.State, b.HalfOpenAt = store.BreakerHalfOpen, now
	return b, ProbeFirst
}

// Succeed closes the breaker after a success that belongs to the current opening.
func Succeed(b store.Breaker, opened time.Time) store.Breaker {
	if !b.OpenedAt.Equal(opened) || b.State == store.BreakerOpen {
		return b
	}
	return store.Breaker{State: store.BreakerClosed}
}

// Fail records a failure of Plex: the fifth in a row opens the breaker; a failed probe or trial opens it again for
// twice as long. A failure that belongs to another opening is ignored.
func Fail(b store.Breaker, opened, now time.Time, cause string) store.Breaker {
	if !b.OpenedAt.Equal(opened) {
		return b
	}
	now = ToMillis(now)
	switch b.State {
	case store.BreakerClosed:
		b.Failures++
		b.LastError = cause
		if b.Failures < TripAfter {
			return b
		}
		b.ProbeAt = now.Add(FirstPause)
	case store.BreakerHalfOpen:
		b.Failures++
		b.FailedProbes++
		b.LastError = cause
		b.ProbeAt = now.Add(min(FirstPause<<min(b.FailedProbes, 8), LongestPause))
	case store.BreakerOpen:
		return b
	}
	b.State, b.OpenedAt, b.HalfOpenAt = store.BreakerOpen, now, time.Time{}
	return b
}

// Pardon closes the breaker after a failed trial whose job had failed before: the server answered the probe, so the
// failure says nothing about it. The next failure opens the breaker.
func Pardon(b store.Breaker, opened time.Time) store.Breaker {
	if !b.OpenedAt.Equal(opened) || b.State != store.BreakerHalfOpen {
		return b
	}
	return store.Breaker{State: store.BreakerClosed, Failures: TripAfter - 1, LastError: b.LastError}
}

// ToMillis truncates a time to the precision of the stored breaker, so that openings compare equal.
func ToMillis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()) }
