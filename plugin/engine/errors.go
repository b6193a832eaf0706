package engine

import (
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

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
