package main

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// wantLeftOut pushes what is queued, of which nothing may reach Plex, and checks what is said of the scene.
func (w *world) wantLeftOut(id int, why ...string) {
	w.Helper()
	w.plex.Forget()
	if out := w.process(); out["skipped"] != 1.0 || w.writes() > 0 {
		w.Errorf("result = %v, %d writes", out, w.writes())
	}
	w.wantExplained(id, "skipped", why...)
}

func TestFiltersOfTheSettingsLeaveScenesAsTheyAre(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.bulk("First", 1, 2)
	w.process()

	w.settings(map[string]any{"onlyOrganized": true})
	w.bulk("Second", 1)
	w.wantLeftOut(1, "onlyOrganized")
	w.wantTitle(1, "First")
	if len(w.logged("onlyOrganized")) == 0 {
		t.Error("the log does not say which setting leaves it out")
	}
	w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) { s.Organized = true })
	w.process()
	w.wantTitle(1, "Second")
	w.wantExplained(1, "synced")

	top, below := w.stash.Name("tag", 0, "Ébauche (1)"), w.stash.Name("tag", 0, "Deep")
	middle := w.stash.Name("tag", 0, "Middle")
	w.stash.SetParents(middle, top)
	w.stash.SetParents(below, middle)
	w.settings(map[string]any{"excludeTags": "nobody has this, éBAUCHE (1)"})
	w.host.BulkUpdate(w.context(), []int{2}, func(s *stashtest.Scene) { s.Title, s.Tags = "Third", []int{below} })
	w.wantLeftOut(2, "excludeTags", `"Deep" is a child of "éBAUCHE (1)"`)
	w.wantTitle(2, "First")
	if n := len(w.logged("nobody has this")); n != 1 {
		t.Errorf("%d warnings of the unknown tag in one run, want one", n)
	}
	w.settings(nil)
	if out := w.op(map[string]any{"mode": "sync-all"}); out["synced"] != 1.0 {
		t.Errorf("Sync all, without the setting: %v", out)
	}
	w.wantTitle(2, "Third")
	w.wantExplained(2, "synced")
}
