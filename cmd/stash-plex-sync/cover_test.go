package main

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// wantAllButPoster checks that of a dressed scene everything has arrived but its cover.
func (w *world) wantAllButPoster(id int) {
	w.Helper()
	pushed := w.pushed(id)
	if len(pushed) != 9 || pushed["poster"] {
		w.Errorf("Plex shows %v, want everything but the poster", pushed)
	}
}

func TestCoverThatPlexRefusesBlocksNothing(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.plex.Inject(plextest.Fault{Method: "POST", Status: 500, Times: 2})
	w.dress(1)
	if out := w.process(); out["retrying"] != 1.0 || out["breaker"] != "closed" {
		t.Errorf("after the first 500: %v", out)
	}
	w.wantAllButPoster(1)
	w.wantExplained(1, "waiting", "cover", "500")
	w.pass(10 * time.Second)
	w.plex.Forget()
	if out := w.process(); out["retrying"] != 0.0 || out["dead"] != 0.0 || w.jobs() != "" {
		t.Errorf("after the second: %v, queued %q", out, w.jobs())
	}
	if n := w.plex.Count("PUT", ""); n > 0 || w.plex.Count("POST", "") != 1 {
		t.Errorf("the second attempt wrote %d times, and sent %d covers", n, w.plex.Count("POST", ""))
	}
	w.wantAllButPoster(1)
	w.wantExplained(1, "synced")
	if len(w.logged("Plex refuses this cover")) != 1 {
		t.Error("the log does not say that the cover is left out")
	}

	w.plex.Forget()
	w.bulk("T", 1) // Plex would take it by now, and it is left out until it changes
	if out := w.process(); out["unchanged"] != 1.0 || w.writes() > 0 {
		t.Errorf("with the same cover: %v, %d writes", out, w.writes())
	}
	w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) { s.Cover = jpeg("another") })
	if out := w.process(); out["synced"] != 1.0 || string(w.plex.Item(w.keys[1]).Poster().Data) != string(jpeg("another")) {
		t.Errorf("with another cover: %v", out)
	}
}

func TestCoverThatStashCannotGiveBlocksNothing(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.stash.Inject(stashtest.Fault{Operation: "screenshot", Status: 500})
	w.dress(1)
	w.process()
	w.wantAllButPoster(1)
	if r := w.row("1"); r.attempts != 1 || r.class != "temporary" {
		t.Errorf("job = %+v", r)
	}
	w.stash.Heal()
	w.pass(10 * time.Second)
	if out := w.process(); out["synced"] != 1.0 || !w.pushed(1)["poster"] || w.jobs() != "" {
		t.Errorf("result = %v, Plex shows %v", out, w.pushed(1))
	}
}
