package plexapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func TestContactIsWhatTheClientHasSeen(t *testing.T) {
	for name, c := range map[string]struct {
		fault    plextest.Fault
		answered bool // the last request
	}{
		"an answer":            {plextest.Fault{Prefix: "/none"}, true},
		"no such item":         {plextest.Fault{Status: 404}, true},
		"a refused value":      {plextest.Fault{Status: 400}, true},
		"a failure of Plex":    {plextest.Fault{Status: 500}, true},
		"a refused token":      {plextest.Fault{Status: 401}, false},
		"a start":              {plextest.Fault{Status: 503, Body: `<Response code="503" title="Maintenance" status="database migrations"/>`}, false},
		"a proxy":              {plextest.Fault{Status: 502, Front: true}, false},
		"a connection cut off": {plextest.Fault{Reset: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, c1, _ := start(t)
			if got := c1.Contact(); got != (plexapi.Contact{}) {
				t.Errorf("before the first request: %+v", got)
			}
			if _, _, err := c1.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			first := c1.Contact()
			if first.Version == "" || first.MachineIdentifier == "" || first.Latency <= 0 || first.SuccessAt.IsZero() || first.Failure != nil {
				t.Fatalf("after a probe: %+v", first)
			}
			s.Inject(c.fault)
			begin := time.Now()
			_, err := c1.Items(t.Context(), []string{"1"})
			got := c1.Contact()
			if answered := got.SuccessAt.After(begin) && got.FailureAt.IsZero(); answered != c.answered {
				t.Errorf("after %v: %+v", err, got)
			}
			if !c.answered && (!errors.Is(got.Failure, err) || got.SuccessAt != first.SuccessAt) {
				t.Errorf("after %v: %+v", err, got)
			}
		})
	}
}

func TestContactIgnoresWhatTheCallerEnds(t *testing.T) {
	_, c, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Sections(ctx); err == nil {
		t.Fatal("no error")
	}
	if got := c.Contact(); got != (plexapi.Contact{}) {
		t.Errorf("contact = %+v", got)
	}
}

func TestNameOfTheServer(t *testing.T) {
	s, c, _ := start(t)
	if name, err := c.Name(t.Context()); err != nil || name != "Living room" {
		t.Errorf("Name = %q, %v", name, err)
	}
	s.Inject(plextest.Fault{Times: 1, Status: 200, Body: `{"MediaContainer":{"friendlyName":"of ` + token + `\n` + strings.Repeat("x", 1000) + `"}}`})
	if name, err := c.Name(t.Context()); err != nil || strings.Contains(name, token) || len([]rune(name)) > 300 || strings.Contains(name, "\n") {
		t.Errorf("Name = %q, %v", name, err)
	}
	if name, err := client(t, s.URL(), "wrong").Name(t.Context()); err == nil || name != "" {
		t.Errorf("with a wrong token: %q, %v", name, err)
	}
}
