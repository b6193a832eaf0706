// Package retry decides what a failure means: whether a job is charged, when it is retried, when it becomes a dead
// letter, and its effect on the breaker. Its functions are pure.
package retry

import (
	"errors"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Class is the kind of a failure.
type Class string

// The classes, with their charge to the job.
const (
	// ClassServerDown: Plex cannot be reached. Nothing is charged; the breaker decides when to retry.
	ClassServerDown Class = "server_down"
	// ClassTemporary: Plex answered badly or not in time. An attempt is charged; backoff.
	ClassTemporary Class = "temporary"
	// ClassNotFound: Plex has no item for the file yet. A miss is charged; long backoff.
	ClassNotFound Class = "not_found"
	// ClassRejected: a retry cannot succeed. The job becomes a dead letter at once.
	ClassRejected Class = "rejected"
	// ClassUnauthorized: the token is refused. Nothing is charged; the run stops.
	ClassUnauthorized Class = "unauthorised"
	// ClassMisconfigured: the settings must be corrected first. Nothing is charged; the run stops.
	ClassMisconfigured Class = "misconfigured"
	// ClassStashUnavailable: Stash does not answer. Nothing is charged; the run stops.
	ClassStashUnavailable Class = "stash_unavailable"
	// ClassGone: there is nothing left to push. The job is removed.
	ClassGone Class = "gone"
	// ClassSkipped: the settings or another scene exclude the scene. The job is removed.
	ClassSkipped Class = "skipped"
	// ClassUnready: a library has not been completely read, so the scene cannot be matched yet. The job is snoozed.
	ClassUnready Class = "unready"
	// ClassCancelled: the run's context ended. Nothing is charged.
	ClassCancelled Class = "cancelled"
	// ClassPanicked: a bug, in this job. An attempt is charged.
	ClassPanicked Class = "panic"
)

// Effect is the effect of an error on the breaker.
type Effect int

// The effects.
const (
	Untouched Effect = iota // says nothing about Plex
	Answered                // Plex answered: counts as a success
	Failure                 // counts as a failure
)

// A Verdict is what an error means for a job, the run and the breaker.
type Verdict struct {
	Class      Class
	Charge     store.Outcome // Retry, Miss, ToDeadLetter, Drop, Snooze or Release
	Stop       bool          // the run ends
	Breaker    Effect
	RetryAfter time.Duration // a wait that Plex asked for; 0 if none
	Candidates any           // of an ambiguous match
	Behind     bool          // of a released job: it goes behind the other due jobs
}

// Judge returns what err means. It is the only place that decides this. It does not recognise the end of a run's
// context: see Cancelled.
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

// Cancelled returns the verdict on an error caused by the end of the run's context.
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

// EndsBatch reports whether the other items of a batch would fail in the same way.
func (v Verdict) EndsBatch() bool { return v.Stop || v.Class == ClassServerDown }

// Passes reports whether a failure of Plex may pass by itself within a run.
func (c Class) Passes() bool { return c == ClassServerDown || c == ClassTemporary }

// NeedsPerson reports whether runs fail until a person corrects the settings or the token, or repairs Stash.
func (c Class) NeedsPerson() bool {
	return c == ClassMisconfigured || c == ClassUnauthorized || c == ClassStashUnavailable
}

// AwaitsFile reports whether the job waits until Plex has its file.
func (c Class) AwaitsFile() bool { return c == ClassNotFound }

// Skips reports whether a job is removed because the settings or another scene exclude its scene.
func (c Class) Skips() bool { return c == ClassSkipped }

// Unmatched reports whether the scene has no item in Plex, several, or none that is known yet.
func (v Verdict) Unmatched() bool {
	return v.Class == ClassNotFound || v.Class == ClassRejected || v.Class == ClassUnready
}

// Drops reports whether the job is removed without a push.
func (c Class) Drops() bool { return c == ClassGone || c == ClassSkipped }
