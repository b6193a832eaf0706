package main

import (
	"strings"
	"testing"
)

// wantStoredOnly checks that a choice was stored while pushing is paused, and that the answer says when it takes effect.
func (w *world) wantStoredOnly(out map[string]any) {
	w.Helper()
	stopped, _ := out["stopped"].(string)
	reason, _ := out["reason"].(map[string]any)
	if out["run_follows"] != false || !strings.HasPrefix(stopped, "the change is stored, and takes effect after you resume: pushing is paused by you since ") || reason["code"] != "pushing_paused" {
		w.Errorf("%v, want it to be stored only", out)
	}
}

// A person chooses one of two items that fit a scene, and later forgets the choice: with the built program, and with the
// runs that the operations ask for.
func TestPersonChoosesAnItem(t *testing.T) {
	w := newWorld(t, 2)
	w.plex.Remove(w.keys[1])
	left := w.plex.AddItem(w.section, "/left/clip1.mp4", 1001)
	right := w.plex.AddItem(w.section, "/right/clip1.mp4", 1001)
	w.settings(map[string]any{"debugLog": false, "redactLogs": true})
	w.bulk("New", 1, 2)
	w.process()
	w.idle()
	w.wantExplained(1, "dead", "2 Plex items fit", "choose one of them")

	items := w.op(map[string]any{"mode": "candidates", "scene_id": 1.0})["items"].([]any)
	if len(items) != 2 {
		t.Fatalf("candidates = %v", items)
	}
	first := items[0].(map[string]any)
	if first["rating_key"] != left || first["path"] != "/left/clip1.mp4" || first["library"] != "Videos" || first["size"] != 1001.0 {
		t.Errorf("first candidate = %v", first)
	}
	if _, err := w.host.Operation(w.context(), map[string]any{"mode": "link", "scene_id": 4711.0, "rating_key": right}); err == nil || !strings.Contains(err.Error(), "scene 4711 is not in Stash") {
		t.Errorf("a scene that Stash does not have: %v", err)
	}
	if _, err := w.host.Operation(w.context(), map[string]any{"mode": "link", "scene_id": 1.0, "rating_key": "4711"}); err == nil || !strings.Contains(err.Error(), "no chosen library has an item 4711") {
		t.Errorf("an item that Plex does not have: %v", err)
	}

	w.calls("pause")
	w.wantStoredOnly(w.op(map[string]any{"mode": "link", "scene_id": 1.0, "rating_key": left}))
	w.wantStoredOnly(w.op(map[string]any{"mode": "forget", "scene_id": 1.0}))
	w.wantStoredOnly(w.op(map[string]any{"mode": "link", "scene_id": 1.0, "rating_key": right}))
	w.idle()
	w.wantExplained(1, "queued", "but pushing is paused by you")
	w.calls("resume")
	w.idle()
	w.wantExplained(1, "synced", "matched by manual")
	if got := w.plex.Item(right).Title; got != "New" {
		t.Errorf("the chosen item is called %q", got)
	}
	if got := w.plex.Item(left).Title; got == "New" {
		t.Error("the other item was written, too")
	}
	first = w.op(map[string]any{"mode": "candidates", "scene_id": 2.0, "text": "right"})["items"].([]any)[0].(map[string]any)
	if first["chosen_by"] != 1.0 || first["owner"] != 1.0 {
		t.Errorf("candidate for another scene = %v", first)
	}

	if out := w.op(map[string]any{"mode": "link", "scene_id": 1.0, "rating_key": w.keys[2]}); out["run_follows"] != true { // another scene's
		t.Errorf("a choice without a run: %v", out)
	}
	w.idle()
	w.wantTitle(2, "New")
	w.wantExplained(2, "skipped", "was chosen for scene 1")
	w.op(map[string]any{"mode": "forget", "scene_id": 1.0})
	w.idle()
	w.wantExplained(1, "dead", "2 Plex items fit")
	w.wantExplained(2, "synced")
	for _, l := range w.host.Lines() {
		if strings.Contains(l.Text, "/right/") {
			t.Errorf("a path is in the log: %s", l.Text)
		}
	}
}
