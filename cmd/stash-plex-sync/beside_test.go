package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// A run that a hook asked for gives up beside an operation that pushes one scene only. What the hook queued
// is taken all the same, although nothing else ever happens.
func TestEditDuringAnOperationThatDoesNotPushArrives(t *testing.T) {
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
	if !strings.Contains(out["stopped"].(string), "has been running since ") {
		t.Errorf("sync-all = %v", out)
	}
	answer()
	if out := <-ended; out["synced"] != 5.0 {
		t.Errorf("the run beside it = %v, want every scene", out)
	}
	w.wantTitle(5, "All")
}

// wantWaiting checks that the run in Stash's queue goes on although nothing is due.
func (w *world) wantWaiting(who string) {
	w.Helper()
	w.until(func() bool { return len(w.stash.Jobs()) > 0 && w.count("job WHERE misses > 0") == 1 })
	looks := w.queries("JobQueue")
	w.until(func() bool { // a run that waits looks at Stash's queue every two seconds
		if len(w.stash.Jobs()) == 0 {
			w.Fatalf("the run that %s asked for ended with a job waiting", who)
		}
		return w.queries("JobQueue") >= looks+2
	})
	w.host.StopJob(w.stash.Jobs()[0].ID)
	w.idle()
}

func TestRunsThatAHookOrCronAsksForWaitForPlexToScan(t *testing.T) {
	w := newWorld(t, 1)
	w.plex.Remove(w.keys[1])
	w.bulk("New", 1)
	w.wantWaiting("a hook")
	w.host.RunTask("Process queue", map[string]any{"asked_by": "cron"})
	w.wantWaiting("cron")
	began := time.Now()
	out := w.process()
	if took := time.Since(began); took > 10*time.Second || out["next_due_at"] == nil || out["remaining"].(map[string]any)["waiting"] != 1.0 {
		t.Errorf("an operation took %v and answered %v, want it to return with the job waiting", took, out)
	}
}
