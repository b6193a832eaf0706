package main

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestBrokenSettingLosesNoJob(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	for _, bad := range []map[string]any{
		{"plexUrl": 7.0},
		{"plexUrl": []any{"a", "b"}},
		{"plexToken": "two words"},
		{"maxRetries": "many"},
		{"maxRetries": map[string]any{}},
		{"timeoutSeconds": -1.0},
		{"pathMap": map[string]any{"a": 1.0}},
		{"insecureTLS": "maybe"},
		{"debugLog": []any{true, false}},
		{"fields": "nonsense"},
		{"plexLibraries": map[string]any{"Videos": true}},
	} {
		w.settings(bad)
		w.bulk("New", 1)
		out := w.process()
		if out["stopped_class"] != "misconfigured" || w.count("job WHERE attempts + misses + unfinished = 0") != 1 {
			t.Errorf("%v: %v, queued %q", bad, out, w.jobs())
		}
	}
	w.settings(nil)
	w.process()
	w.wantTitle(1, "New")
}

func TestMaxRetriesOfTheSettingsCounts(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.settings(map[string]any{"maxRetries": 1.0})
	w.bulk("New", 1)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	if out := w.process(); out["retrying"] != 1.0 || out["dead"] != 0.0 || w.row("1").attempts != 1 {
		t.Errorf("after the first failure: %v", out)
	}
	w.pass(10 * time.Second)
	if out := w.process(); out["dead"] != 1.0 {
		t.Errorf("after the second failure: %v", out)
	}
	if n := w.count("dead_letter WHERE scene_id = 1 AND class = 'temporary' AND attempts = 2"); n != 1 || w.jobs() != "" {
		t.Errorf("%d dead letters with two attempts and jobs %q, want one and none", n, w.jobs())
	}
}

func TestKeepPlexEditsOfTheSettingsCounts(t *testing.T) {
	for _, keep := range []bool{true, false} {
		w := newWorld(t, 1)
		w.occupied()
		w.settings(map[string]any{"keepPlexEdits": keep})
		w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Title, it.Locked["title"] = "Mine", true })
		w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) { s.Title, s.Details = "Stash's", "Details" })
		out := w.process()
		want := map[bool]string{true: "Mine", false: "Stash's"}[keep]
		if it := w.plex.Item(w.keys[1]); it.Title != want || it.Summary != "Details" {
			t.Errorf("keepPlexEdits %v: title %q, details %q, want %q and Details: %v", keep, it.Title, it.Summary, want, out)
		}
	}
}

// Plex lists devices by this identifier: a new one for each run would fill the list.
func TestClientIdentifierStaysTheSame(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	seen := make(map[string]int)
	for _, title := range []string{"One", "Two"} {
		w.bulk(title, 1)
		w.process()
		w.wantTitle(1, title)
	}
	w.op(map[string]any{"mode": "check"})
	for _, r := range w.plex.Requests() {
		seen[r.Header.Get("X-Plex-Client-Identifier")]++
	}
	if len(seen) != 1 || seen[""] > 0 {
		t.Errorf("client identifiers of three processes: %v, want one", seen)
	}
}

func TestFirstPreviewStartsNoRun(t *testing.T) {
	w := newWorld(t, 2)
	w.settings(map[string]any{"plexToken": ""})
	w.edit(1, "New")
	w.idle()
	w.settings(nil)
	w.pass(time.Minute) // a hook would ask for a run by now
	asked := w.stash.Asked()
	if out := w.op(map[string]any{"mode": "preview"}); out["would_change"] != 1.0 {
		t.Errorf("preview = %v", out)
	}
	w.idle()
	puts := 0
	for _, r := range w.plex.Requests() {
		if r.Method == "PUT" || r.Method == "POST" {
			puts++
		}
	}
	if puts > 0 || w.stash.Asked() != asked || w.count("job") != 1 {
		t.Errorf("the preview led to %d writes and %d runs; %d jobs wait", puts, w.stash.Asked()-asked, w.count("job"))
	}
}

func TestEditRightAfterASettingsErrorStartsARun(t *testing.T) {
	w := newWorld(t, 2)
	w.settings(map[string]any{"plexToken": ""})
	w.edit(1, "One")
	w.idle()
	w.settings(nil)
	w.edit(2, "Two")
	w.idle()
	w.wantTitle(1, "One")
	w.wantTitle(2, "Two")
}

func TestSettingsCountAsStashsPageStoresThem(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	stored := map[string]any{"plexUrl": "http://127.0.0.1:1", "plexToken": "old", "fields": "title"} // by hand
	for _, s := range w.host.Plugin().Settings {
		switch s.DisplayName {
		case "Plex address":
			stored[s.Name] = w.plex.URL()
		case "Plex token":
			stored[s.Name] = token
		case "Only organised scenes":
			stored[s.Name] = true
		}
	}
	if len(stored) != 6 {
		t.Fatalf("the page stores %v", stored)
	}
	w.stash.SetSettings(stashtest.PluginID, stored)
	for _, organized := range []bool{false, true} {
		w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) { s.Title, s.Details, s.Organized = "New", "Details", organized })
		out := w.process()
		it := w.plex.Item(w.keys[1])
		if pushed := it.Title == "New"; pushed != organized || it.Summary == "Details" {
			t.Errorf("organised %t: title %q, details %q: %v", organized, it.Title, it.Summary, out)
		}
	}
}
