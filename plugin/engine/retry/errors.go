package retry

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// An Error is a failure found by the engine. It carries its verdict and its reason.
type Error struct {
	text    string
	reason  reason.Reason
	verdict Verdict
	err     error
	own     bool   // made by Own
	shared  string // the text in words that fit several scenes
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the cause; nil if there is none.
func (e *Error) Unwrap() error { return e.err }

// Because returns the reason.
func (e *Error) Because() reason.Reason { return e.reason }

// NotFound says that Plex has no item for the scene yet.
func NotFound(why reason.Reason, text string) error {
	return &Error{text: text, reason: why, verdict: Verdict{Class: ClassNotFound, Charge: store.Miss, Breaker: Answered}}
}

// Ambiguous says that several items fit the scene.
func Ambiguous(why reason.Reason, text string, candidates any) error {
	v := Verdict{Class: ClassRejected, Charge: store.ToDeadLetter, Breaker: Answered, Candidates: candidates}
	return &Error{text: text, reason: why, verdict: v}
}

// Rejected says that Plex permanently refuses what the scene needs.
func Rejected(why reason.Reason, text string, err error) error {
	v := Verdict{Class: ClassRejected, Charge: store.ToDeadLetter, Breaker: Answered}
	return &Error{text: text, reason: why, err: err, verdict: v}
}

// Gone says that there is nothing left to push. SharedReason returns the second text.
func Gone(why reason.Reason, text, shared string) error {
	return &Error{text: text, reason: why, shared: shared, verdict: Verdict{Class: ClassGone, Charge: store.Drop}}
}

// Skipped says that the settings or another scene exclude the scene from being pushed. SharedReason returns the second
// text.
func Skipped(why reason.Reason, text, shared string) error {
	return &Error{text: text, reason: why, shared: shared, verdict: Verdict{Class: ClassSkipped, Charge: store.Drop}}
}

// SharedReason returns why scenes are not pushed, in words that fit every scene with the same reason.
func SharedReason(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.shared != "" {
		return e.shared
	}
	return err.Error()
}

// Released ends a claim after a failure that the job shares with others. The job is not charged.
func Released(class Class, err error) error {
	return &Error{text: err.Error(), reason: ReasonOf(err), err: err, verdict: Verdict{Class: class, Charge: store.Release}}
}

// Own says that a request about one item failed as if Plex were down or the token were refused, although Plex answers
// other requests. err is a *plexapi.Error; its hint, which is about the server, is replaced.
func Own(err error) error {
	e, _ := errors.AsType[*plexapi.Error](err)
	own := *e
	hint, why := suspect(e)
	own.Hint = "only this scene fails; " + hint
	v := Verdict{Class: ClassTemporary, Charge: store.Retry, RetryAfter: e.RetryAfter}
	return &Error{text: own.Error(), reason: why, err: err, verdict: v, own: true}
}

// suspect names what may refuse a request that Plex accepts for other items.
func suspect(e *plexapi.Error) (hint string, why reason.Reason) {
	switch {
	case RefusesToken(e):
		return "Plex does not let this token change its item; use the token of the server's owner", reason.ItemForbidden(e.Status)
	case e.Status >= 300 && e.Status < 400:
		return "something in front of Plex redirects it", reason.Redirected(e.Status, e.Server)
	case e.Status >= 400 && e.Status < 500:
		return "allow it in the proxy or firewall, or set \"Plex address\" (plexUrl) to Plex itself", reason.RefusedInFront(e.Status, e.Server)
	}
	return "a proxy in front of Plex gives up before Plex answers it", reason.ProxyGaveUp(e.Status, e.Server)
}

// IsOwn reports whether err was returned by Own.
func IsOwn(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.own
}

// RefusesToken reports whether Plex itself refuses the token. In a request about one item, that is about the item only if
// Plex accepts changes of other items.
func RefusesToken(err error) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && e.Class == plexapi.Unauthorized && !e.Foreign
}

// NoAnswer reports whether Plex sent no answer.
func NoAnswer(err error) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && e.Status == 0
}

// Unready says that it is too early to judge the scene.
func Unready(why reason.Reason, text string) error {
	return &Error{text: text, reason: why, verdict: Verdict{Class: ClassUnready, Charge: store.Snooze}}
}

// Unmoved says that Plex accepted a write but did not make the change.
func Unmoved(why reason.Reason, text string) error {
	return &Error{text: text, reason: why, verdict: Verdict{Class: ClassTemporary, Charge: store.Retry, Breaker: Failure}}
}

// Again asks for another attempt although Plex seems to refuse what was sent.
func Again(why reason.Reason, text string, err error) error {
	return &Error{text: text, reason: why, err: err, verdict: Verdict{Class: ClassTemporary, Charge: store.Retry, Breaker: Answered}}
}

// OfScene says that Stash cannot read one scene, while it answers otherwise.
func OfScene(err error) error {
	v := Verdict{Class: ClassTemporary, Charge: store.Retry}
	return &Error{text: err.Error(), reason: reason.SceneUnreadable(), err: err, verdict: v}
}

// Panicked says that a panic ended the work on one scene.
func Panicked(value any) error {
	return &Error{
		reason:  reason.Panic(),
		text:    fmt.Sprintf("a bug in stash-plex-sync: %v; report it with the log at debug level", value),
		verdict: Verdict{Class: ClassPanicked, Charge: store.Retry},
	}
}

// An Origin is the source of an error.
type Origin int

// The origins of errors.
const (
	FromUs    Origin = iota // our own files, or the run's context
	FromItem                // the engine, about one item (an *Error)
	FromPlex                // a request to Plex
	FromStash               // a request to Stash
)

// OriginOf returns the source of an error.
func OriginOf(err error) Origin {
	if _, ok := errors.AsType[*Error](err); ok {
		return FromItem
	}
	if _, ok := errors.AsType[*plexapi.Error](err); ok {
		return FromPlex
	}
	if _, ok := errors.AsType[*stashapi.Error](err); ok {
		return FromStash
	}
	return FromUs
}

// HeldByPlex reports whether err is a failure of Plex that leaves its job due.
func HeldByPlex(err error) bool {
	_, plex := errors.AsType[*plexapi.Error](err)
	v := Judge(err)
	return plex && v.Charge == store.Release && v.Class.Passes()
}

// WantsPatience reports whether repeating a request in smaller parts would take too long or disturb a server that
// asked for time.
func WantsPatience(err error) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && (e.Timeout || e.RetryAfter > 0)
}

// Refused reports whether Plex refuses the content of a request.
func Refused(err error) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && e.Class == plexapi.Rejected
}

// Answered500 reports whether Plex answered 500, as it does to a bad value and when its database fails.
func Answered500(err error) bool { return hasStatus(err, http.StatusInternalServerError) }

// TooLarge reports whether Plex or a proxy refuses a body of this size.
func TooLarge(err error) bool { return hasStatus(err, http.StatusRequestEntityTooLarge) }

// TooLong reports whether Plex or a proxy refuses a URL of this length.
func TooLong(err error) bool {
	return hasStatus(err, http.StatusRequestURITooLong) || hasStatus(err, http.StatusRequestHeaderFieldsTooLarge)
}

// Overloaded reports whether Plex or a proxy answers that it gets too many requests.
func Overloaded(err error) bool {
	return hasStatus(err, http.StatusServiceUnavailable) || hasStatus(err, http.StatusTooManyRequests)
}

func hasStatus(err error, status int) bool {
	e, ok := errors.AsType[*plexapi.Error](err)
	return ok && e.Status == status
}
