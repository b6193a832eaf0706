// Package retry decides what a failure means: whether a job is charged, when it is tried again, when it becomes
// a dead letter, and what the breaker learns from it. Everything in it is computed from its arguments.
package retry

import (
	"errors"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Class is what kind of failure an error is.
type Class string

// The classes. Each says what it charges the job and how it goes on.
const (
	// ClassServerDown: Plex cannot be reached. Nothing is charged; the breaker's probe is the clock.
	ClassServerDown Class = "server_down"
	// ClassTemporary: Plex answered badly or not in time. An attempt is charged; backoff.
	ClassTemporary Class = "temporary"
	// ClassNotFound: Plex holds no item for the file yet. A miss is charged; long backoff.
	ClassNotFound Class = "not_found"
	// ClassRejected: it will never succeed as it is. Dead at once.
	ClassRejected Class = "rejected"
	// ClassUnauthorized: the token is refused. Nothing is charged; the run stops.
	ClassUnauthorized Class = "unauthorised"
	// ClassMisconfigured: the settings must be mended first. Nothing is charged; the run stops.
	ClassMisconfigured Class = "misconfigured"
	// ClassStashUnavailable: Stash does not answer. Nothing is charged; the run stops.
	ClassStashUnavailable Class = "stash_unavailable"
	// ClassGone: there is nothing to do any more. The job is removed.
	ClassGone Class = "gone"
	// ClassSkipped: the scene is not to be pushed as things are. The job is removed.
	ClassSkipped Class = "skipped"
	// ClassUnready: it cannot be told yet (the first reading of a library is not complete). Snoozed.
	ClassUnready Class = "unready"
	// ClassCancelled: the run's own context ended. Nothing is charged.
	ClassCancelled Class = "cancelled"
	// ClassPanicked: a bug, in this job. An attempt is charged.
	ClassPanicked Class = "panic"
)

// Effect is what an error tells the breaker.
type Effect int

// The effects.
const (
	Untouched Effect = iota // nothing about Plex
	Answered                // Plex is there: as good as a success
	Failure                 // one more in a row
)

// A Verdict is what an error means for a job, the run and the breaker.
type Verdict struct {
	Class      Class
	Charge     store.Outcome // Retry, Miss, Bury, Drop, Snooze or Release
	Stop       bool          // the run ends
	Breaker    Effect
	RetryAfter time.Duration // a wait that Plex asked for; 0 if none
	Candidates any           // of an ambiguous match
}

// Judge decides what err means. Nothing else in the program looks at what an error is in order to decide what
// happens to a job. The end of a run's own context is not among the errors that it knows: see Cancelled.
func Judge(err error) Verdict {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.verdict
	}
	if e, ok := errors.AsType[*plexapi.Error](err); ok {
		return judgePlex(e)
	}
	if e, ok := errors.AsType[*stashapi.Error](err); ok && e.Unavailable() {
		return Verdict{Class: ClassStashUnavailable, Charge: store.Release, Stop: true}
	}
	return Verdict{Class: ClassTemporary, Charge: store.Retry}
}

// Cancelled is the verdict on whatever fails because the run's own context has ended.
func Cancelled() Verdict {
	return Verdict{Class: ClassCancelled, Charge: store.Release, Stop: true}
}

func judgePlex(e *plexapi.Error) Verdict {
	switch e.Class {
	case plexapi.Down:
		return Verdict{Class: ClassServerDown, Charge: store.Release, Breaker: Failure}
	case plexapi.NotFound:
		return Verdict{Class: ClassNotFound, Charge: store.Miss, Breaker: Answered}
	case plexapi.Rejected:
		return Verdict{Class: ClassRejected, Charge: store.ToDeadLetter, Breaker: Answered}
	case plexapi.Unauthorized:
		return Verdict{Class: ClassUnauthorized, Charge: store.Release, Stop: true}
	}
	return Verdict{Class: ClassTemporary, Charge: store.Retry, Breaker: Failure, RetryAfter: e.RetryAfter}
}

// EndsBatch reports whether the other items of a batch would meet the same failure.
func (v Verdict) EndsBatch() bool { return v.Stop || v.Class == ClassServerDown }

// Passes reports whether a failure of Plex may pass by itself within a run.
func (c Class) Passes() bool { return c == ClassServerDown || c == ClassTemporary }

// NeedsPerson reports whether runs fail until a person corrects the settings or the token, or mends Stash.
func (c Class) NeedsPerson() bool {
	return c == ClassMisconfigured || c == ClassUnauthorized || c == ClassStashUnavailable
}

// AwaitsFile reports whether the job waits until Plex holds its file.
func (c Class) AwaitsFile() bool { return c == ClassNotFound }

// Skips reports whether a job is removed because the settings, or another scene, keep its scene from being pushed.
func (c Class) Skips() bool { return c == ClassSkipped }

// Unmatched reports whether the scene has no item in Plex, several, or none that is known yet.
func (v Verdict) Unmatched() bool {
	return v.Class == ClassNotFound || v.Class == ClassRejected || v.Class == ClassUnready
}

// Drops reports whether the job is removed without a push.
func (c Class) Drops() bool { return c == ClassGone || c == ClassSkipped }
