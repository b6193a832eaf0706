package main

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// furnish gives an item values of its own, some of them locked, and returns it.
func (w *world) furnish(id int) plextest.Item {
	stars := 3.0
	w.plex.Edit(w.keys[id], func(it *plextest.Item) {
		it.Title, it.Summary, it.Studio, it.Date, it.Rating = "Plex title", "Plex text", "Plex studio", "2001-02-03", &stars
		it.Tags["genre"], it.Tags["actor"] = []string{"Drama"}, []string{"Somebody"}
		it.Locked["summary"], it.Locked["genre"] = true, true
	})
	return w.visible(id)
}

// visible is what a person sees of a scene's item.
func (w *world) visible(id int) plextest.Item { return visibleOf(w.plex.Item(w.keys[id])) }

// visibleOf is what a person sees of an item.
func visibleOf(it plextest.Item) plextest.Item {
	seen := plextest.Item{Title: it.Title, Summary: it.Summary, Studio: it.Studio, Date: it.Date, Rating: it.Rating, Tags: map[string][]string{}, Locked: map[string]bool{}}
	for kind, tags := range it.Tags {
		if len(tags) > 0 {
			seen.Tags[kind] = slices.Sorted(slices.Values(tags))
		}
	}
	for f, locked := range it.Locked {
		if locked {
			seen.Locked[f] = true
		}
	}
	seen.Posters, seen.Arts = []plextest.Picture{{Key: it.Poster().Key}}, []plextest.Picture{{Key: it.Background().Key}}
	return seen
}

func (w *world) wantVisible(id int, want plextest.Item) {
	w.Helper()
	if got := w.visible(id); !reflect.DeepEqual(got, want) {
		w.Errorf("scene %d: Plex shows %+v, want %+v", id, got, want)
	}
}

// keys are the names of a JSON object, in order.
func keys(object any) string {
	return strings.Join(slices.Sorted(maps.Keys(object.(map[string]any))), " ")
}

func TestPreviewOfTheProgramTellsAllAndWritesNothing(t *testing.T) {
	w := newWorld(t, 4)
	w.occupied()
	w.bulk("First", 2)
	w.process()
	w.furnish(1)
	w.dress(1)
	w.op(map[string]any{"mode": "clear-queue"})
	w.plex.Remove(w.keys[3])
	w.stash.Change(3, titled("Nowhere"))
	before := w.visible(1)
	w.plex.Forget()
	out := w.op(map[string]any{"mode": "preview"})
	for _, name := range []string{"would_change", "unchanged", "not_found", "scenes"} {
		if _, there := out[name]; !there {
			t.Errorf("the result has no %s: %s", name, keys(out))
		}
	}
	if out["would_change"] != 1.0 || out["unchanged"] != 1.0 || out["not_found"] != 1.0 || out["skipped"] != 1.0 || out["stopped"] != "" {
		t.Errorf("result = %v", out)
	}
	scene := out["scenes"].([]any)[0].(map[string]any)
	item := scene["items"].([]any)[0].(map[string]any)
	if scene["scene_id"] != 1.0 || keys(scene) != "items scene_id title" || item["rating_key"] != w.keys[1] {
		t.Errorf("scene = %v", scene)
	}
	w.wantPreviewed(item["changes"].([]any), map[string]string{
		"title": "set Plex title > T", "details": "set Plex text > Text", "date": "set 2001-02-03 > 2024-05-06", "studio": "set Plex studio > Studio",
		"performers": "add  > Jane", "tags": "add  > Tag", "director": "add  > Dee", "groups": "add  > Group", "rating": "set 3 > 8",
	})
	one := w.op(map[string]any{"mode": "preview", "scene_id": "1"})
	if one["would_change"] != 1.0 || !reflect.DeepEqual(one["scenes"], out["scenes"]) {
		t.Errorf("of the scene alone: %v", one)
	}
	if n := w.writes(); n > 0 || w.count("job") > 0 || w.count("item WHERE rating_key = '"+w.keys[1]+"'") > 0 {
		t.Errorf("a preview wrote %d times to Plex, left %d jobs, %d items", n, w.count("job"), w.count("item"))
	}
	w.wantVisible(1, before)
}

// wantPreviewed checks the changes, of which a poster's names its upload.
func (w *world) wantPreviewed(changes []any, want map[string]string) {
	w.Helper()
	got := make(map[string]string)
	for _, c := range changes {
		m := c.(map[string]any)
		if keys(m) != "action field from to" {
			w.Errorf("a change holds %s", keys(m))
		}
		text := m["action"].(string) + " " + m["from"].(string) + " > " + m["to"].(string)
		if m["field"] == "poster" && strings.HasPrefix(m["to"].(string), "upload://") {
			continue
		}
		got[m["field"].(string)] = text
	}
	if !maps.Equal(got, want) || len(changes) != len(want)+1 {
		w.Errorf("changes = %v", changes)
	}
}

func TestPreviewAsATaskIsReadInTheLog(t *testing.T) {
	w := newWorld(t, 2)
	w.stash.Change(1, titled("New"))
	w.host.RunTask("Preview changes", nil)
	w.idle()
	if len(w.logged(`would change title "clip1" → "New" scene=1 title=New`)) != 1 || len(w.logged("1 of 2 scenes would change, 1 has no data in Stash")) != 1 || len(w.logged("nothing was written")) != 1 {
		t.Error("the log does not tell what would change")
	}
	if n := w.writes(); n > 0 {
		t.Errorf("%d writes", n)
	}
}

func TestRestoreOfTheProgramGivesBackEverything(t *testing.T) {
	w := newWorld(t, 2)
	before := []plextest.Item{w.furnish(1), w.visible(2)}
	held := w.stash.Hold("Scanning...")
	behind := w.stash.Hold("Generating...")
	w.dress(1)
	w.dress(2)
	w.process()
	w.bulk("Again", 1, 2)
	w.process()
	out := w.op(map[string]any{"mode": "restore", "scene_id": 1.0})
	if out["restored"] != 1.0 || out["stopped"] != "" || out["failed"] != 0.0 {
		t.Errorf("restore of scene 1 = %v", out)
	}
	w.wantVisible(1, before[0])
	w.wantTitle(2, "Again")
	w.plex.Forget()
	if out := w.op(map[string]any{"mode": "restore", "scene_id": 1.0}); out["restored"] != 0.0 || out["unchanged"] != 1.0 || w.writes() > 0 {
		t.Errorf("restoring scene 1 again = %v, %d writes", out, w.writes())
	}
	held()
	behind()
	w.idle()
	for range 2 { // as a task, of all
		w.plex.Forget()
		w.host.RunTask("Restore Plex metadata", nil)
		w.idle()
		w.wantVisible(1, before[0])
		w.wantVisible(2, before[1])
	}
	if n := w.writes(); n > 0 {
		t.Errorf("restoring all a second time writes %d times: %v", n, w.plex.Requests())
	}
	if n := len(w.logged("to the state before the first push")); n != 4 {
		t.Errorf("%d lines tell of four restores", n)
	}
	w.wantExplained(2, "skipped", "restored")
	if out := w.op(map[string]any{"mode": "sync-all"}); out["synced"] != 2.0 {
		t.Errorf("Sync all afterwards = %v", out)
	}
	w.wantTitle(2, "Again")
}

func TestRestoreBesideARunSaysWhoIsAtWork(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("New", 1)
	w.process()
	w.bulk("Newer", 1)
	answer := w.holdWrite(0)
	ended := make(chan map[string]any, 1)
	go func() { ended <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") == 2 })
	modes := map[string]string{"restore": "nothing was restored", "rebuild-index": "nothing was read"}
	outs := make(map[string]chan map[string]any)
	for mode := range modes { // both wait for the lock, at the same time
		out := make(chan map[string]any, 1)
		outs[mode] = out
		go func() { out <- w.op(map[string]any{"mode": mode}) }()
	}
	for mode, done := range modes {
		out := <-outs[mode]
		stopped, _ := out["stopped"].(string)
		for _, text := range []string{"Process queue (process ", "has been running since ", done, "again when it has ended"} {
			if !strings.Contains(stopped, text) {
				t.Errorf("%s: stopped = %q, want %q in it", mode, stopped, text)
			}
		}
		if mode == "restore" && (out["restored"] != 0.0 || out["failed"] != 0.0) || len(w.logged(done)) != 1 {
			t.Errorf("%s = %v; %d lines say that %s", mode, out, len(w.logged(done)), done)
		}
	}
	answer()
	if out := <-ended; out["synced"] != 1.0 {
		t.Errorf("the run = %v", out)
	}
	w.wantTitle(1, "Newer")
}
