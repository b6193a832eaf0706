package retry

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// stopped is an error that ends a run, as package gate has it.
type stopped struct{ error }

func (stopped) Because() reason.Reason { return reason.OtherJobs() }

func TestReasonOfEveryError(t *testing.T) {
	x := errors.New("x")
	given := reason.NotInPlex("/x")
	plex := func(e plexapi.Error) error { return fmt.Errorf("doing: %w", &e) }
	stash := func(e stashapi.Error) error { return fmt.Errorf("doing: %w", &e) }
	own := func(e plexapi.Error) error { return Own(plex(e)) }
	front := func(c plexapi.Class, status int) plexapi.Error {
		return plexapi.Error{Class: c, Status: status, Foreign: true, InFront: true, Server: "nginx/1.2"}
	}
	for _, c := range []struct {
		name string
		err  error
		want reason.Reason
	}{
		{"not found", NotFound(given, "x"), given},
		{"ambiguous", Ambiguous(given, "x", nil), given},
		{"rejected, whatever Plex said", Rejected(given, "x", plex(plexapi.Error{Class: plexapi.Rejected, Status: 400})), given},
		{"gone", Gone(given, "x", ""), given},
		{"skipped", Skipped(given, "x", ""), given},
		{"unready", Unready(given, "x"), given},
		{"unmoved", Unmoved(given, "x"), given},
		{"again, whatever Plex said", Again(given, "x", plex(plexapi.Error{Class: plexapi.Temporary, Status: 500})), given},
		{"one scene of Stash", OfScene(stash(stashapi.Error{Status: 200, Refused: []string{"no"}})), reason.SceneUnreadable()},
		{"panic", Panicked("x"), reason.Panic()},
		{"released after a failure of Plex", Released(ClassTemporary, plex(plexapi.Error{Class: plexapi.Temporary, Status: 500})), reason.PlexError(500)},
		{"released after an error of ours", Released(ClassTemporary, x), reason.OwnFiles()},
		{"released at the end of a run", Released("", stopped{x}), reason.OtherJobs()},
		{"released unready", Released(ClassUnready, Unready(given, "x")), given},

		{"this item: 403 of Plex", own(plexapi.Error{Class: plexapi.Unauthorized, Status: 403}), reason.ItemForbidden(403)},
		{"this item: 401 in front", own(front(plexapi.Unauthorized, 401)), reason.RefusedInFront(401, "nginx/1.2")},
		{"this item: 403 of either", own(plexapi.Error{Class: plexapi.Unauthorized, Status: 403, Foreign: true}), reason.RefusedInFront(403, "")},
		{"this item: 404 in front", own(front(plexapi.Down, 404)), reason.RefusedInFront(404, "nginx/1.2")},
		{"this item: 302", own(front(plexapi.Down, 302)), reason.Redirected(302, "nginx/1.2")},
		{"this item: 504", own(front(plexapi.Down, 504)), reason.ProxyGaveUp(504, "nginx/1.2")},

		{"no connection", plex(plexapi.Error{Class: plexapi.Down, Err: x}), reason.PlexUnreachable()},
		{"redirect", plex(front(plexapi.Down, 301)), reason.Redirected(301, "nginx/1.2")},
		{"login of a proxy", plex(front(plexapi.Down, 401)), reason.RefusedInFront(401, "nginx/1.2")},
		{"no token, but refused by Plex", plex(plexapi.Error{Class: plexapi.Down, Status: 401}), reason.NotPlex(401, "")},
		{"nothing there", plex(plexapi.Error{Class: plexapi.Down, Status: 404}), reason.NotPlex(404, "")},
		{"nothing there for a proxy", plex(front(plexapi.Down, 404)), reason.ProxyWithoutPlex(404, "nginx/1.2")},
		{"no PUT", plex(front(plexapi.Down, 405)), reason.RefusedInFront(405, "nginx/1.2")},
		{"PUT not implemented", plex(front(plexapi.Down, 501)), reason.RefusedInFront(501, "nginx/1.2")},
		{"bad gateway", plex(front(plexapi.Down, 502)), reason.ProxyWithoutPlex(502, "nginx/1.2")},
		{"starting", plex(plexapi.Error{Class: plexapi.Down, Status: 503}), reason.PlexStarting(503)},
		{"503 of a proxy", plex(front(plexapi.Down, 503)), reason.ProxyWithoutPlex(503, "nginx/1.2")},
		{"Cloudflare", plex(front(plexapi.Down, 521)), reason.ProxyWithoutPlex(521, "nginx/1.2")},
		{"not Plex", plex(plexapi.Error{Class: plexapi.Down, Status: 200, Foreign: true, Server: "x"}), reason.NotPlex(200, "x")},
		{"a page, as to a probe", plex(plexapi.Error{Class: plexapi.Down, Status: 200, Foreign: true, Server: "x", Err: plexapi.ErrPage}), reason.WebPageInstead("x")},
		{"a page", plex(plexapi.Error{Class: plexapi.Temporary, Status: 200, Foreign: true, Err: plexapi.ErrPage}), reason.WebPageInstead("")},
		{"no answer in time", plex(plexapi.Error{Class: plexapi.Temporary, Timeout: true}), reason.PlexTimeout()},
		{"half an answer in time", plex(plexapi.Error{Class: plexapi.Temporary, Status: 200, Timeout: true}), reason.PlexTimeout()},
		{"reset", plex(plexapi.Error{Class: plexapi.Temporary, Err: x}), reason.PlexCutOff()},
		{"broken JSON", plex(plexapi.Error{Class: plexapi.Temporary, Status: 200, Err: x}), reason.BadAnswer(200)},
		{"too many requests", plex(plexapi.Error{Class: plexapi.Temporary, Status: 429}), reason.PlexBusy(429)},
		{"overload", plex(plexapi.Error{Class: plexapi.Temporary, Status: 503}), reason.PlexBusy(503)},
		{"server error", plex(plexapi.Error{Class: plexapi.Temporary, Status: 500}), reason.PlexError(500)},
		{"item not found", plex(plexapi.Error{Class: plexapi.NotFound, Status: 404}), reason.ItemChanged("")},
		{"bad request", plex(plexapi.Error{Class: plexapi.Rejected, Status: 400}), reason.RequestRefused(400, "")},
		{"too large for a proxy", plex(front(plexapi.Rejected, 413)), reason.RequestRefused(413, "nginx/1.2")},
		{"token refused", plex(plexapi.Error{Class: plexapi.Unauthorized, Status: 401}), reason.TokenRefused(401)},
		{"token refused by either", plex(plexapi.Error{Class: plexapi.Unauthorized, Status: 403, Foreign: true}), reason.TokenRefused(403)},
		{"refused in front", plex(front(plexapi.Unauthorized, 403)), reason.RefusedInFront(403, "nginx/1.2")},
		{"no paths", fmt.Errorf("doing: %w", plexapi.ErrNoPaths), reason.PathsHidden()},

		{"Stash is off", stash(stashapi.Error{Err: x}), reason.StashUnavailable(0)},
		{"Stash fails", stash(stashapi.Error{Status: 502}), reason.StashUnavailable(502)},
		{"Stash wants a login", stash(stashapi.Error{Status: 401}), reason.StashSessionEnded()},
		{"Stash redirects to its login", stash(stashapi.Error{Status: 302}), reason.StashSessionEnded()},
		{"Stash refuses a query", stash(stashapi.Error{Status: 200, Refused: []string{"no"}}), reason.StashRefuses()},
		{"our own files", x, reason.OwnFiles()},
	} {
		if got := ReasonOf(c.err); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if got := Complete(store.Job{}, Judge(c.err), c.err, 5, 0); got.Reason != c.want.JSON() {
			t.Errorf("%s is stored as %s, want %s", c.name, got.Reason, c.want.JSON())
		}
	}
}

// No class and no status is without a reason, and none blames our own files for what Plex answered.
func TestEveryAnswerOfPlexHasAReason(t *testing.T) {
	for _, class := range []plexapi.Class{plexapi.Down, plexapi.Temporary, plexapi.NotFound, plexapi.Rejected, plexapi.Unauthorized, "new"} {
		for status := range 600 {
			for _, e := range []*plexapi.Error{{}, {Foreign: true}, {Foreign: true, InFront: true}, {Timeout: true}} {
				e.Class, e.Status = class, status
				r := ReasonOf(e)
				if shown, ok := r.Params["status"]; r.Code == "" || r.Code == reason.OwnFiles().Code || ok && shown != strings.TrimPrefix(fmt.Sprint(status), "0") {
					t.Errorf("%s with status %d has the reason %+v", class, status, r)
				}
			}
		}
	}
}

// After the end of a run's context the errors of its requests mean nothing else.
func TestCancelledClaimSaysSo(t *testing.T) {
	err := &plexapi.Error{Class: plexapi.Down, Status: http.StatusBadGateway}
	if got := Complete(store.Job{}, Cancelled(), err, 5, 0); got.Reason != reason.Cancelled().JSON() {
		t.Errorf("a cancelled claim has the reason %s", got.Reason)
	}
}
