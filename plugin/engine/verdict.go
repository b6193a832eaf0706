package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Class is what kind of failure an error is.
type Class string

// The classes. Each says what it charges the job and how it goes on.
const (
	// ServerDown: Plex cannot be reached. Nothing is charged; the breaker's probe is the clock.
	ServerDown Class = "server_down"
	// Temporary: Plex answered badly or not in time. An attempt is charged; backoff.
	Temporary Class = "temporary"
	// NotFound: Plex holds no item for the file yet. A miss is charged; long backoff.
	NotFound Class = "not_found"
	// Rejected: it will never succeed as it is. Dead at once.
	Rejected Class = "rejected"
	// Unauthorized: the token is refused. Nothing is charged; the drain stops.
	Unauthorized Class = "unauthorised"
	// Misconfigured: the settings must be mended first. Nothing is charged; the drain stops.
	Misconfigured Class = "misconfigured"
	// StashUnavailable: Stash does not answer. Nothing is charged; the drain stops.
	StashUnavailable Class = "stash_unavailable"
	// Gone: there is nothing to do any more. The job is removed.
	Gone Class = "gone"
	// Skipped: the scene is not to be pushed as things are. The job is removed.
	Skipped Class = "skipped"
	// Unready: it cannot be told yet (the first reading of a library is not complete). Snoozed.
	Unready Class = "unready"
	// Cancelled: the drain's own context ended. Nothing is charged.
	Cancelled Class = "cancelled"
	// Panicked: a bug, in this job. An attempt is charged.
	Panicked Class = "panic"
)

// Effect is what an error tells the breaker.
type Effect int

// The effects.
const (
	Untouched Effect = iota // nothing about Plex
	Answered                // Plex is there: as good as a success
	Failure                 // one more in a row
)

// A Verdict is what an error means for a job, the drain and the breaker.
type Verdict struct {
	Class      Class
	Charge     store.Outcome // Retry, Miss, Bury, Drop, Snooze or Release
	Stop       bool          // the drain ends
	Breaker    Effect
	RetryAfter time.Duration // a wait that Plex asked for; 0 if none
	Candidates any           // of an ambiguous match
}

// Judge decides what err means. Nothing else in the program looks at what an error is in order to decide
// what happens to a job. ctx is the drain's own.
func Judge(ctx context.Context, err error) Verdict {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return Verdict{Class: Cancelled, Charge: store.Release, Stop: true}
	}
	if e, ok := errors.AsType[*jobError](err); ok {
		return e.verdict
	}
	if e, ok := errors.AsType[*plexapi.Error](err); ok {
		return judgePlex(e)
	}
	if e, ok := errors.AsType[*stashapi.Error](err); ok {
		if e.Unavailable() {
			return Verdict{Class: StashUnavailable, Charge: store.Release, Stop: true}
		}
		return Verdict{Class: Temporary, Charge: store.Retry}
	}
	return Verdict{Class: Temporary, Charge: store.Retry}
}

// fromServer reports whether an error is one of the two servers', rather than of our own files.
func fromServer(err error) bool {
	_, plex := errors.AsType[*plexapi.Error](err)
	_, stash := errors.AsType[*stashapi.Error](err)
	return plex || stash
}

func judgePlex(e *plexapi.Error) Verdict {
	switch e.Class {
	case plexapi.Down:
		return Verdict{Class: ServerDown, Charge: store.Release, Breaker: Failure}
	case plexapi.NotFound:
		return Verdict{Class: NotFound, Charge: store.Miss, Breaker: Answered}
	case plexapi.Rejected:
		return Verdict{Class: Rejected, Charge: store.Bury, Breaker: Answered}
	case plexapi.Unauthorized:
		return Verdict{Class: Unauthorized, Charge: store.Release, Stop: true}
	}
	return Verdict{Class: Temporary, Charge: store.Retry, Breaker: Failure, RetryAfter: e.RetryAfter}
}

// A jobError is a failure that the engine itself found; it carries its verdict.
type jobError struct {
	text    string
	verdict Verdict
	err     error
}

func (e *jobError) Error() string { return e.text }
func (e *jobError) Unwrap() error { return e.err }

func notFoundError(text string) error {
	return &jobError{text: text, verdict: Verdict{Class: NotFound, Charge: store.Miss, Breaker: Answered}}
}

func ambiguousError(text string, candidates any) error {
	return &jobError{text: text, verdict: Verdict{Class: Rejected, Charge: store.Bury, Breaker: Answered, Candidates: candidates}}
}

func rejectedError(text string, err error) error {
	return &jobError{text: text, err: err, verdict: Verdict{Class: Rejected, Charge: store.Bury, Breaker: Answered}}
}

func goneError(text string) error {
	return &jobError{text: text, verdict: Verdict{Class: Gone, Charge: store.Drop}}
}

func skippedError(text string) error {
	return &jobError{text: text, verdict: Verdict{Class: Skipped, Charge: store.Drop}}
}

// releasedError is for a job that shares the fate of others: it is not charged.
func releasedError(err error) error {
	return &jobError{text: err.Error(), err: err, verdict: Verdict{Class: Temporary, Charge: store.Release}}
}

// releasedByPlex reports whether a job is left as it was because Plex failed, and not for the drain's sake.
func releasedByPlex(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	v := Judge(ctx, err)
	_, plex := errors.AsType[*plexapi.Error](err)
	return plex && v.Charge == store.Release && (v.Class == ServerDown || v.Class == Temporary)
}

func unreadyError(text string) error {
	return &jobError{text: text, verdict: Verdict{Class: Unready, Charge: store.Snooze}}
}

// unmovedError says that Plex accepted a write and did not do it.
func unmovedError(text string) error {
	return &jobError{text: text, verdict: Verdict{Class: Temporary, Charge: store.Retry, Breaker: Failure}}
}

// retryError is a failure that is worth another attempt although Plex seems to refuse what was sent.
func retryError(text string, err error) error {
	return &jobError{text: text, err: err, verdict: Verdict{Class: Temporary, Charge: store.Retry, Breaker: Answered}}
}

// sceneError says that Stash cannot give one scene, while it answers otherwise.
func sceneError(err error) error {
	return &jobError{text: err.Error(), err: err, verdict: Verdict{Class: Temporary, Charge: store.Retry}}
}

func panicError(value any) error {
	return &jobError{
		text:    fmt.Sprintf("a bug in stash-plex-sync: %v; please report it with the log at debug level", value),
		verdict: Verdict{Class: Panicked, Charge: store.Retry},
	}
}

// snoozeFor is how long a job waits that cannot be judged yet.
const snoozeFor = 30 * time.Second

// settle turns a verdict into the ending of a job's claim: it charges, chooses the wait, and buries what
// is spent. r is random in [0, 1).
func settle(job store.Job, v Verdict, err error, maxRetries int, r float64) store.Ending {
	e := store.Ending{
		Job: job, Outcome: v.Charge, Class: string(v.Class), Error: store.OneLine(err.Error()), Candidates: v.Candidates,
	}
	switch v.Charge {
	case store.Retry:
		p := temporaryPolicy(maxRetries)
		e.Wait = max(p.Backoff(job.Attempts+1, r), v.RetryAfter)
		if p.Spent(job.Attempts + 1) {
			e.Outcome, e.Charge = store.Bury, store.Retry
		}
	case store.Miss:
		p := missPolicy()
		e.Wait = p.Backoff(job.Misses+1, r)
		if p.Spent(job.Misses + 1) {
			e.Outcome, e.Charge = store.Bury, store.Miss
		}
	case store.Snooze:
		e.Wait = snoozeFor
	}
	return e
}

// aheadOf is the wait that a job would get if the attempt that is about to begin failed.
func aheadOf(maxRetries int, r func() float64) func(store.Job) time.Duration {
	return func(j store.Job) time.Duration {
		if j.Misses > j.Attempts {
			return missPolicy().Backoff(j.Misses+1, r())
		}
		return temporaryPolicy(maxRetries).Backoff(j.Attempts+1, r())
	}
}
