package retry

import (
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A Error is a failure that the engine itself found; it carries its verdict.
type Error struct {
	text    string
	verdict Verdict
	err     error
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.err }

func NotFound(text string) error {
	return &Error{text: text, verdict: Verdict{Class: ClassNotFound, Charge: store.Miss, Breaker: Answered}}
}

func Ambiguous(text string, candidates any) error {
	return &Error{text: text, verdict: Verdict{Class: ClassRejected, Charge: store.Bury, Breaker: Answered, Candidates: candidates}}
}

func Rejected(text string, err error) error {
	return &Error{text: text, err: err, verdict: Verdict{Class: ClassRejected, Charge: store.Bury, Breaker: Answered}}
}

func Gone(text string) error {
	return &Error{text: text, verdict: Verdict{Class: ClassGone, Charge: store.Drop}}
}

func Skipped(text string) error {
	return &Error{text: text, verdict: Verdict{Class: ClassSkipped, Charge: store.Drop}}
}

// Released is for a job that shares the fate of others: it is not charged.
func Released(err error) error {
	return &Error{text: err.Error(), err: err, verdict: Verdict{Class: ClassTemporary, Charge: store.Release}}
}

func Unready(text string) error {
	return &Error{text: text, verdict: Verdict{Class: ClassUnready, Charge: store.Snooze}}
}

// Unmoved says that Plex accepted a write and did not do it.
func Unmoved(text string) error {
	return &Error{text: text, verdict: Verdict{Class: ClassTemporary, Charge: store.Retry, Breaker: Failure}}
}

// Again is a failure that is worth another attempt although Plex seems to refuse what was sent.
func Again(text string, err error) error {
	return &Error{text: text, err: err, verdict: Verdict{Class: ClassTemporary, Charge: store.Retry, Breaker: Answered}}
}

// OfScene says that Stash cannot give one scene, while it answers otherwise.
func OfScene(err error) error {
	return &Error{text: err.Error(), err: err, verdict: Verdict{Class: ClassTemporary, Charge: store.Retry}}
}

func Panicked(value any) error {
	return &Error{
		text:    fmt.Sprintf("a bug in stash-plex-sync: %v; please report it with the log at debug level", value),
		verdict: Verdict{Class: ClassPanicked, Charge: store.Retry},
	}
}
