package retry

import (
	"errors"
	"net/http"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
)

// reasoned is an error that carries its reason.
type reasoned interface {
	error
	Because() reason.Reason
}

// ReasonOf returns the reason of an error: its own, or else that of the failed request to Plex or Stash. An error of
// neither is about our own files. Like Judge it does not recognise the end of a run's context.
func ReasonOf(err error) reason.Reason {
	if e, ok := errors.AsType[reasoned](err); ok {
		return e.Because()
	}
	if errors.Is(err, plexapi.ErrNoPaths) {
		return reason.PathsHidden()
	}
	if e, ok := errors.AsType[*plexapi.Error](err); ok {
		return ofPlex(e)
	}
	if e, ok := errors.AsType[*stashapi.Error](err); ok {
		return ofStash(e)
	}
	return reason.OwnFiles()
}

// ofPlex returns the reason of a failed request to Plex.
func ofPlex(e *plexapi.Error) reason.Reason {
	switch {
	case errors.Is(e, plexapi.ErrPage):
		return reason.WebPageInstead(e.Server)
	case e.Class == plexapi.Unauthorized && e.InFront:
		return reason.RefusedInFront(e.Status, e.Server)
	case e.Class == plexapi.Unauthorized:
		return reason.TokenRefused(e.Status)
	case e.Class == plexapi.NotFound:
		return reason.ItemChanged("")
	case e.Class == plexapi.Rejected:
		return reason.RequestRefused(e.Status, e.Server)
	case e.Class == plexapi.Down:
		return ofDown(e)
	}
	switch {
	case e.Timeout:
		return reason.PlexTimeout()
	case e.Status == 0:
		return reason.PlexCutOff()
	case e.Status >= 200 && e.Status < 300:
		return reason.BadAnswer(e.Status)
	case Overloaded(e):
		return reason.PlexBusy(e.Status)
	}
	return reason.PlexError(e.Status)
}

// ofDown returns the reason of a failure that means that no server, or not Plex, answers.
func ofDown(e *plexapi.Error) reason.Reason {
	switch status := e.Status; {
	case status == 0:
		return reason.PlexUnreachable()
	case status >= 300 && status < 400:
		return reason.Redirected(status, e.Server)
	case status == http.StatusServiceUnavailable && !e.InFront:
		return reason.PlexStarting(status)
	case status == http.StatusNotFound && e.InFront, status >= 500 && status != http.StatusNotImplemented:
		return reason.ProxyWithoutPlex(status, e.Server)
	case status == http.StatusUnauthorized && !e.InFront, status == http.StatusForbidden && !e.InFront, status == http.StatusNotFound, status < 300:
		return reason.NotPlex(status, e.Server)
	}
	return reason.RefusedInFront(e.Status, e.Server)
}

// ofStash returns the reason of a failed request to Stash.
func ofStash(e *stashapi.Error) reason.Reason {
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusFound:
		return reason.StashSessionEnded()
	case e.Unavailable():
		return reason.StashUnavailable(e.Status)
	}
	return reason.StashRefuses()
}

// reasonFor returns the reason to store with a verdict on an error.
func reasonFor(v Verdict, err error) reason.Reason {
	if v.Class == ClassCancelled {
		return reason.Cancelled()
	}
	return ReasonOf(err)
}
