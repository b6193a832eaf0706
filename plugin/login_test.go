package plugin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
)

func TestRunThatOutlivesItsSessionCanAskForAnother(t *testing.T) {
	const key = "the-api-key-0123"
	stash, plex, _, conn := servers(t)
	stash.SetSettings(ID, map[string]any{"plexUrl": plex.URL(), "plexToken": "token-123"})
	stash.RequireLogin(key, 3600)
	name, value, _ := strings.Cut(stash.Session(), "=")
	conn.SessionCookie = &http.Cookie{Name: name, Value: value}
	log := stashlog.New(&logBuffer{}, nil)
	s := &session{Runner: NewRunner("1", &logBuffer{}), conn: conn, log: log, z: log.Logger(false)}
	defer s.close()
	e, err := s.ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stash.EndSessions()
	if err := e.Ask(t.Context()); err != nil || stash.Asked() != 1 {
		t.Errorf("after the session's end: %d runs, %v; want one", stash.Asked(), err)
	}
}
