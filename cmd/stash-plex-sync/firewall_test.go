package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// Sixty scenes, and a firewall in front of Plex that refuses what one of them sends.
func TestSceneThatAFirewallRefusesStopsNoOther(t *testing.T) {
	for name, refusal := range map[string]plextest.Fault{
		"a firewall":     {Status: 403, Front: true, Header: http.Header{"Server": {"cloudflare"}}},
		"a slow gateway": {Status: 504, Front: true, Header: http.Header{"Server": {"nginx"}}},
		"a login page":   {Status: 302, Front: true, Header: http.Header{"Location": {"/login"}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 60)
			w.occupied()
			refusal.Method, refusal.Match = "PUT", func(r plextest.Request) bool { return strings.Contains(r.Query, "id="+w.keys[1]+"&") }
			w.plex.Inject(refusal)
			for id := 1; id <= 60; id++ {
				w.stash.Change(id, func(s *stashtest.Scene) { s.Title = "New" })
			}
			out := w.op(map[string]any{"mode": "sync-all"})
			if out["synced"] != 59.0 || out["retrying"] != 1.0 || out["stopped"] != "" || out["breaker"] != "closed" {
				t.Errorf("result = %v", out)
			}
			w.wantTitle(60, "New")
			w.wantExplained(1, "waiting", "in front of Plex", "only this scene fails", "failed once")
			for range 5 {
				w.pass(time.Hour)
				w.process()
			}
			w.wantExplained(1, "dead", "in front of Plex", "only this scene fails")
			if lines := w.logged("owner's token"); len(lines) > 0 {
				t.Errorf("the token is blamed: %v", lines)
			}
		})
	}
}
