package engine

import (
	"context"
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

// releasedByPlex reports whether a job is left as it was because Plex failed, and not for the drain's sake.
func releasedByPlex(ctx context.Context, err error) bool {
	if err == nil {
		return false
	}
	v := Judge(ctx, err)
	_, plex := errors.AsType[*plexapi.Error](err)
	return plex && v.Charge == store.Release && (v.Class == ServerDown || v.Class == Temporary)
}
