package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// A run that a hook asked for gives up beside an operation that pushes one scene only. What the hook queued
// is taken all the same, although nothing else ever happens.
func TestEditDuringAnOperationThatDoesNotDrainArrives(t *testing.T) {
	w := newWorld(t, 2)
	w.plex.Inject(plextest.Fault{Method: "PUT", Delay: 3500 * time.Millisecond, Times: 1})
	pushed := make(chan map[string]any, 1)
	go func() { pushed <- w.op(map[string]any{"mode": "sync-scene", "scene_id": 1}) }()
	w.stash.Change(1, titled("One"))
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	w.edit(2, "Two")
	if out := <-pushed; out["synced"] != 1.0 {
		t.Errorf("sync-scene = %v", out)
	}
	w.until(func() bool { return w.plex.Item(w.keys[2]).Title == "Two" })
	w.idle()
}

func TestSyncAllBesideARunQueuesEveryScene(t *testing.T) {
	w := newWorld(t, 5)
	w.occupied()
	w.bulk("First", 1)
	answer := w.holdWrite(0)
	ended := make(chan map[string]any, 1)
	go func() { ended <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	for id := 2; id <= 5; id++ {
		w.stash.Change(id, titled("All"))
	}
	out := w.op(map[string]any{"mode": "sync-all"})
	if !strings.Contains(out["stopped"].(string), "is at work") {
		t.Errorf("sync-all = %v", out)
	}
	answer()
	if out := <-ended; out["synced"] != 5.0 {
		t.Errorf("the run beside it = %v, want every scene", out)
	}
	w.wantTitle(5, "All")
}
