package main

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// kept is what a restore has to bring back of an item.
func kept(it plextest.Item) plextest.Item {
	it.Updated, it.AddedAt = 0, 0
	for f, locked := range it.Locked {
		if !locked {
			delete(it.Locked, f)
		}
	}
	for kind, tags := range it.Tags {
		if slices.Sort(tags); len(tags) == 0 {
			delete(it.Tags, kind)
		}
	}
	return it
}

// Clean takes an unmounted drive for the end of its scenes. When it is back, a scan finds new ones.
func TestScenesOfADriveThatWasUnmountedAreRestoredToTheFirstState(t *testing.T) {
	const n = 4
	w := newWorld(t, n)
	w.occupied()
	ours := w.stash.Name("tag", 0, "Ours")
	before := make(map[int]plextest.Item)
	files := make(map[int][]stashtest.File)
	var all, back []int
	for id := 1; id <= n; id++ {
		all = append(all, id)
		w.plex.Edit(w.keys[id], func(it *plextest.Item) {
			it.Title, it.Summary, it.Tags["genre"], it.Locked["summary"] = "Plex's title", "Plex's text", []string{"Theirs"}, true
		})
		before[id] = w.plex.Item(w.keys[id])
		w.stash.Change(id, func(s *stashtest.Scene) { files[id] = s.Files })
	}
	change := func(title string) func(*stashtest.Scene) {
		return func(s *stashtest.Scene) { s.Title, s.Details, s.Tags = title, title, []int{ours} }
	}
	w.host.BulkUpdate(w.context(), all, change("First"))
	if out := w.process(); out["synced"] != float64(n) {
		t.Fatalf("before: %v", out)
	}

	for _, id := range all {
		w.host.Clean(w.context(), id)
	}
	w.pass(24 * time.Hour)
	w.process()
	for table, want := range map[string]int{"link": 0, "link_ref": 0, "job": 0, "scene_version": 0, "item": n} {
		if got := w.count(table); got != want {
			t.Errorf("after the clean task: %d rows of %s, want %d", got, table, want)
		}
	}

	for _, id := range all {
		back = append(back, w.host.Create(w.context(), stashtest.Scene{ID: 100 + id, Title: "Back", Files: files[id]}))
	}
	if out := w.process(); out["synced"] != float64(n) {
		t.Errorf("when the drive is back: %v", out)
	}
	w.host.BulkUpdate(w.context(), back, change("Second"))
	if out := w.process(); out["synced"] != float64(n) {
		t.Errorf("a second push: %v", out)
	}
	for _, id := range all {
		if it := w.plex.Item(w.keys[id]); it.Title != "Second" || it.Summary != "Second" || !slices.Equal(it.Tags["genre"], []string{"Theirs", "Ours"}) {
			t.Errorf("scene %d: %+v", 100+id, it)
		}
	}
	if out := w.op(map[string]any{"mode": "restore"}); out["restored"] != float64(n) {
		t.Errorf("restore: %v", out)
	}
	for _, id := range all {
		if got, want := kept(w.plex.Item(w.keys[id])), kept(before[id]); !reflect.DeepEqual(got, want) {
			t.Errorf("item of scene %d after the restore = %+v\nwant %+v", 100+id, got, want)
		}
	}
}
