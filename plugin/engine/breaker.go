package engine

import (
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	tripAfter      = 5                 // consecutive failures
	recovery       = 60 * time.Second  // from opening to the first probe; doubled at each failed one
	longestPause   = 300 * time.Second // between probes
	halfOpenCounts = 60 * time.Second  // a process that probes longer than this has died
)

// A permission says what a drain may do now.
type permission int

const (
	process permission = iota // the breaker is closed
	probe                     // one probe, then one trial
	pause                     // nothing: Plex gets no request
)

// permit says what a drain may do at now, and returns the row with which it does so. A person's click
// probes at once. The row is judged by the clock alone, so a process that died while it probed holds up
// nothing for more than a minute, and neither does a clock that was moved.
func permit(b store.Breaker, now time.Time, byPerson bool) (store.Breaker, permission) {
	now = toMillis(now)
	switch b.State {
	case store.BreakerClosed:
		return b, process
	case store.BreakerOpen:
		if wait := b.ProbeAt.Sub(now); !byPerson && wait > 0 && wait <= longestPause {
			return b, pause
		}
	case store.BreakerHalfOpen:
		if age := now.Sub(b.HalfOpenAt); !byPerson && age >= 0 && age <= halfOpenCounts {
			return b, pause
		}
	}
	b.State, b.HalfOpenAt = store.BreakerHalfOpen, now
	return b, probe
}

// succeed is a sign of life from Plex: it closes the breaker, if it belongs to the present opening.
func succeed(b store.Breaker, opened time.Time) store.Breaker {
	if !b.OpenedAt.Equal(opened) || b.State == store.BreakerOpen {
		return b
	}
	return store.Breaker{State: store.BreakerClosed}
}

// fail is a failure of Plex: the fifth in a row opens the breaker; one of a probe or trial opens it again,
// for twice as long. A failure that belongs to another opening is ignored.
func fail(b store.Breaker, opened, now time.Time, cause string) store.Breaker {
	if !b.OpenedAt.Equal(opened) {
		return b
	}
	now = toMillis(now)
	switch b.State {
	case store.BreakerClosed:
		b.Failures++
		b.LastError = cause
		if b.Failures < tripAfter {
			return b
		}
		b.ProbeAt = now.Add(recovery)
	case store.BreakerHalfOpen:
		b.Failures++
		b.FailedProbes++
		b.LastError = cause
		b.ProbeAt = now.Add(min(recovery<<min(b.FailedProbes, 8), longestPause))
	case store.BreakerOpen:
		return b
	}
	b.State, b.OpenedAt, b.HalfOpenAt = store.BreakerOpen, now, time.Time{}
	return b
}

// pardon is a trial that failed with a job that had failed before, while the probe answered: that says
// nothing of the server. The breaker closes, and the next failure opens it.
func pardon(b store.Breaker, opened time.Time) store.Breaker {
	if !b.OpenedAt.Equal(opened) || b.State != store.BreakerHalfOpen {
		return b
	}
	return store.Breaker{State: store.BreakerClosed, Failures: tripAfter - 1, LastError: b.LastError}
}

// toMillis cuts a time to what the row can hold, so that an opening can be named exactly.
func toMillis(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()) }
