package main

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// What became of one scene in each way is asked of the real program, which says it in its log, too.
func TestProgramExplainsEveryState(t *testing.T) {
	w := newWorld(t, 5)
	w.occupied()
	w.wantExplained(1, "unknown", "never pushed")
	w.wantExplained(4711, "unknown", "Stash has no scene 4711")
	w.bulk("One", 1)
	w.wantExplained(1, "queued", "the next run", "Process queue")
	w.process()
	w.wantExplained(1, "synced", "item "+w.keys[1], "/data/videos/1/clip1.mp4", "matched by path")

	w.plex.Remove(w.keys[2])
	w.bulk("Two", 2)
	w.process()
	w.wantExplained(2, "waiting", "Plex has no item for /data/videos/2/clip2.mp4", "edits, tasks and scheduled runs retry it after")
	w.bulk("Three", 3)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500, Times: 1})
	w.process()
	w.wantExplained(3, "waiting", "500", "failed once", "edits, tasks and scheduled runs retry it after")
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 400})
	w.bulk("Four", 4)
	w.process()
	w.wantExplained(4, "dead", "rejected", "400", "Retry dead letters")
	w.plex.Heal()

	w.settings(map[string]any{"onlyOrganized": true})
	w.bulk("Five", 5)
	w.process()
	w.wantExplained(5, "skipped", "onlyOrganized")
	w.bulk("One", 1)
	w.process()
	w.wantExplained(1, "skipped", "onlyOrganized")
	w.settings(nil)
	w.bulk("One", 1) // Plex shows it already, so no attempt is logged
	w.process()
	w.wantExplained(1, "synced", "item "+w.keys[1])

	w.op(map[string]any{"mode": "restore", "scene_id": 1.0})
	w.wantExplained(1, "skipped", "restored", "pushed again when it is edited", "Sync all scenes")
	w.bulk("One again", 1)
	w.wantExplained(1, "queued")
	w.process()
	w.wantExplained(1, "synced")
	w.stash.Drop(1)
	w.wantExplained(1, "unknown", "Stash no longer has scene 1", w.keys[1])
	if len(w.logged("Stash has no scene 4711")) != 1 {
		t.Error("the answer is not in the log")
	}
}

func TestExplanationSaysThatPlexIsPaused(t *testing.T) {
	w := newWorld(t, 6)
	w.occupied()
	w.bulk("New", 1, 2, 3, 4, 5, 6)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	if out := w.process(); out["breaker"] != "open" {
		t.Fatalf("result = %v", out)
	}
	w.wantExplained(2, "queued", "Plex is paused: run \"Process queue\" to try it now", "500") // the batch did not come to it
}

// The answer needs neither Stash nor the settings, as long as the queue can be read.
func TestExplanationNeedsNoStash(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("One", 1)
	w.process()
	for _, op := range []string{"PluginSettings", "SceneByID", ""} {
		w.stash.Inject(stashtest.Fault{Operation: op, Status: 500})
		w.wantExplained(1, "synced", w.keys[1])
		w.stash.Heal()
	}
	for _, id := range []any{nil, "", "x", -1.0, 0.0, 1.5, true, map[string]any{}} {
		if _, err := w.host.Operation(w.context(), map[string]any{"mode": "explain", "scene_id": id}); err == nil || !strings.Contains(err.Error(), "scene_id") {
			t.Errorf("scene_id %v: %v", id, err)
		}
	}
}

func TestExplanationIsOfThePresentServer(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("One", 1)
	w.process()
	w.plex.SetMachine("another-machine")
	w.op(map[string]any{"mode": "check"})
	w.wantExplained(1, "unknown", "not on this Plex server", "a different one", "Sync all scenes")
	if links := w.explain(1)["links"].([]any); len(links) != 0 {
		t.Errorf("links = %v", links)
	}
	w.op(map[string]any{"mode": "sync-all"})
	w.wantExplained(1, "synced", w.keys[1])
}
