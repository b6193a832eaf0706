package retry

import (
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	TripAfter     = 5                 // consecutive failures
	FirstPause    = 60 * time.Second  // from opening to the first probe; doubled at each failed one
	LongestPause  = 300 * time.Second // between probes
	HalfOpenLimit = 60 * time.Second  // a process that probes longer than this has died
)

// A Permission says what a run may do now.
type Permission int

const (
	Allowed    Permission = iota // the breaker is closed
	ProbeFirst                   // one probe, then one trial
	Paused                       // nothing: Plex gets no request
)

// Permit says what a run may do at now, and returns the row with which it does so. A person's click
// probes at once. The row is judged by the clock alone, so a process that died while it probed holds up
// nothing for more than a minute, and neither does a clock that was moved.
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

// Succeed is a sign of life from Plex: it closes the breaker, if it belongs to the present opening.
func Succeed(b store.Breaker, opened time.Time) store.Breaker {
	if !b.OpenedAt.Equal(opened) || b.State == store.BreakerOpen {
		return b
	}
	return store.Breaker{State: store.BreakerClosed}
}

// Fail is a failure of Plex: the fifth in a row opens the breaker; one of a probe or trial opens it again,
// for twice as long. A failure that belongs to another opening is ignored.
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

// Pardon is a trial that failed with a job that had failed before, while the probe answered: that says
// nothing of the server. The breaker closes, and the next failure opens it.
func Pardon(b store.Breaker, opened time.Time) store.Breaker {
	if !b.OpenedAt.Equal(opened) || b.State != store.BreakerHalfOpen {
		return b
	}
	return store.Breaker{State: store.BreakerClosed, Failures: TripAfter - 1, LastError: b.LastError}
}

// ToMillis cuts a time to what the row can hold, so that an opening can be named exactly.
func ToMillis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()) }
