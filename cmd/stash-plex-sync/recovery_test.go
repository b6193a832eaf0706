package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// wantOneTrial checks that what has reached Plex is one probe and one trial, of a single item.
func (w *world) wantOneTrial() {
	w.Helper()
	if i, s, puts := w.plex.Count("GET", "/identity"), w.plex.Count("GET", "/library/sections"), w.plex.Count("PUT", ""); i != 1 || s != 1 || puts != 1 {
		w.Errorf("%d identity, %d sections, %d writes; want one probe and one trial: %v", i, s, puts, w.plex.Requests())
	}
	reads := 0
	for _, r := range w.plex.Requests() {
		if key, read := strings.CutPrefix(r.Path, "/library/metadata/"); read && r.Method == "GET" {
			reads++
			if strings.Contains(key, ",") {
				w.Errorf("the trial reads several items: %s", r.Path)
			}
		}
	}
	if reads == 0 {
		w.Error("the trial reads no item")
	}
}

func TestRunsAtTheRecoveryTimeSendOneProbeAndOneTrial(t *testing.T) {
	w := newWorld(t, 6)
	w.occupied()
	w.bulk("New", 1, 2, 3, 4, 5, 6)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	if out := w.process(); out["breaker"] != "open" {
		t.Fatalf("result = %v", out)
	}
	w.plex.Heal()
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500, Delay: 100 * time.Millisecond})
	w.plex.Forget()
	w.pass(61 * time.Second)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := w.host.Operation(w.context(), map[string]any{"mode": "process", "asked_by": "hook"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.wantOneTrial()
	if n := w.count("outage"); n != 1 {
		t.Errorf("%d outages, want the same one to go on", n)
	}
}
