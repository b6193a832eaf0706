package plexapi_test

import (
	"errors"
	"net/http"
	"strings"
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

// Whatever a header says, an error stays short and names a compression only if there is one.
func TestErrorNamesOnlyKnownCompressions(t *testing.T) {
	for coding, named := range map[string]string{
		"br": "compressed as br", "GZIP, zstd": "compressed as GZIP", "identity": "", "a " + token + " b": "", strings.Repeat("x", 5000): "", "brotli5": "",
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", coding)
			w.Write([]byte("not JSON"))
		})
		c, err := plexapi.New(plexapi.Config{URL: s.URL, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Items(t.Context(), []string{"1"})
		if class, _ := classOf(t, err); (class == plexapi.Down) != (named != "") || !strings.Contains(err.Error(), named) || named == "" && strings.Contains(err.Error(), "compress") || len(err.Error()) > 500 {
			t.Errorf("%.20q: %v: %.600s", coding, class, err)
		}
	}
}
