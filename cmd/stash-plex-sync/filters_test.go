package main

import (
	"slices"
	"strings"
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
	w.bulk("Not yet", 1)
	w.plex.Forget()
	if out := w.process(); out["stopped_class"] != "misconfigured" || w.writes() > 0 || w.count("job WHERE attempts + misses + unfinished = 0") != 1 {
		t.Errorf("with a tag that Stash does not have: %v, %d writes, queued %q", out, w.writes(), w.jobs())
	}
	errors := slices.DeleteFunc(w.logged("nobody has this"), func(l stashtest.Line) bool { return l.Level != "Error" })
	if len(errors) != 1 {
		t.Errorf("%d messages about the unknown tag in one run, want one", len(errors))
	}
	out := w.op(map[string]any{"mode": "check"})
	if got := w.checked(out, "Excluded tags"); out["ok"] != false || !strings.Contains(got, `"nobody has this"`) {
		t.Errorf("check: %v, %s", out["ok"], got)
	}
	w.stash.Name("tag", 0, "Nobody has this, éBauche (1)") // the whole text is one name
	w.settings(map[string]any{"excludeTags": "nobody has this, éBAUCHE (1)"})
	if out := w.op(map[string]any{"mode": "check"}); out["ok"] != true || w.checked(out, "Excluded tags") != "found: 4, including child tags" {
		t.Errorf("check = %v", out)
	}
	w.process()
	w.wantTitle(1, "Not yet")
	w.host.BulkUpdate(w.context(), []int{2}, func(s *stashtest.Scene) { s.Title, s.Tags = "Third", []int{below} })
	w.wantLeftOut(2, "excludeTags", `"Deep" is a child of "éBAUCHE (1)"`)
	w.wantTitle(2, "First")
	w.settings(nil)
	if out := w.op(map[string]any{"mode": "sync-all"}); out["synced"] != 1.0 {
		t.Errorf("Sync all, without the setting: %v", out)
	}
	w.wantTitle(2, "Third")
	w.wantExplained(2, "synced")
}
