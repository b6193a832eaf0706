package plexapi_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// An answer without Plex's header comes from something in front of Plex.
func TestAnswerFromInFrontOfPlexIsMarked(t *testing.T) {
	for _, front := range []bool{false, true} {
		s, c, section := start(t)
		s.AddItem(section, "/a.mp4", 1)
		s.Inject(plextest.Fault{Status: http.StatusForbidden, Front: front})
		_, err := c.Items(t.Context(), []string{"1"})
		e, ok := errors.AsType[*plexapi.Error](err)
		if !ok || e.Foreign != front {
			t.Errorf("front %v: %#v", front, err)
		}
	}
}
