package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestCopiedReportHasNothingOfTheUser(t *testing.T) {
	w := newWorld(t, 8)
	w.occupied()
	w.stash.Name("tag", 101, "Canarytag")
	w.stash.Name("tag", 102, "Below canarytag")
	w.stash.SetParents(102, 101)
	w.plex.AddItem(w.plex.AddSection("Canarylib", "movie"), "/canarypath/x y/clip4.mp4", 1004)
	w.plex.AddSection("Canarymusic", "artist")
	for id := 1; id <= 8; id++ {
		w.stash.Change(id, func(s *stashtest.Scene) {
			s.Title, s.Details, s.Files[0].Path = fmt.Sprint("Canarytitle ", id), "Canarydetails", fmt.Sprintf("/canarypath/x y/clip%d.mp4", id)
		})
		w.plex.Edit(w.keys[id], func(it *plextest.Item) { it.Files[0].Path = fmt.Sprintf("/canarypath/x y/clip%d.mp4", id) })
	}
	w.stash.Change(2, func(s *stashtest.Scene) { s.Tags = []int{102} })
	w.plex.Remove(w.keys[3])
	w.plex.Edit(w.keys[4], func(it *plextest.Item) { it.Files[0].Path = "/canarypath/other/clip4.mp4" })
	w.plex.Edit(w.keys[5], func(it *plextest.Item) { it.Files[0].Size++ })
	set := map[string]any{
		"excludeTags": "Canarytag", "pathMap": "/canaryfrom => /canaryto", "contentRating": "Canaryrating", "plexLibraries": "Canarylib, Videos", "maxRetries": 7.0,
		"canarykey": "x",
	}
	w.settings(set)
	w.plex.Inject(plextest.Fault{Method: "PUT", Match: (&golden{world: w}).toItem(6), Status: 400, Body: "Canarybody", Times: 20})
	w.plex.Inject(plextest.Fault{Method: "PUT", Match: (&golden{world: w}).toItem(7), Status: 500, Times: 20})
	w.op(asked("sync-all"))
	w.stash.Change(8, func(s *stashtest.Scene) { s.Files = nil })
	w.stash.SetSettings("Stash2Plex", map[string]any{"plex_url": "http://canaryhost:32400", "plex_token": "canary-token-0123", "plex_library": "Canaryold"})
	w.stash.SetPlugin("Stash2Plex", true)
	report := func(args ...any) string {
		t.Helper()
		text := w.op(asked("copy-report", args...))["text"].(string)
		if len(text) > 60_000 {
			t.Errorf("%d bytes", len(text))
		}
		low := strings.ToLower(text)
		for _, secret := range []string{"canary", "clip", token, "127.0.0.1", w.plex.Machine(), w.dir, "living room", "videos"} {
			if strings.Contains(low, strings.ToLower(secret)) {
				t.Errorf("%q is in the report:\n%s", secret, text)
			}
		}
		return text
	}
	before := w.dump()
	w.plex.Forget()
	text := report()
	for _, want := range []string{"Stash Plex Sync ", "Status: ", "Queue: ", "Dead letters (rejected): ", "maxRetries 7", "plexToken is set", "synced", "skipped", "scene 3: miss"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if n := len(w.plex.Requests()); n > 0 {
		t.Errorf("%d requests to Plex without a check", n)
	}
	if text = report("check", true); !strings.Contains(text, "Check matching: ok: ") || !strings.Contains(text, "Check stash2plex: ok: ") {
		t.Errorf("the check is missing:\n%s", text)
	}
	set["plexLibraries"], set["excludeTags"], set["plexUrl"] = "Canarymissing, Canarymusic", "Canarytag", w.plex.URL()+"/canarybase"
	w.settings(set)
	report("check", true)
	set["excludeTags"], set["plexUrl"] = "Canaryunknown", "https://canaryhost.invalid:32400"
	w.settings(set)
	report("check", true)
	delete(set, "excludeTags")
	w.settings(set)
	report("check", true)
	set["plexUrl"], set["fields"] = "http://canaryuser:canarypassword@canaryhost", "canaryfield"
	w.settings(set)
	report("check", true)
	w.stash.SetSettings("stash-plex-sync", map[string]any{})
	report("check", true)
	if after := w.dump(); after != before {
		t.Errorf("the queue was\n%s\nand is\n%s", before, after)
	}
}

func TestCopiedReportComesInTimeAndFits(t *testing.T) {
	w := newWorld(t, 1)
	w.op(asked("status"))
	for i := range 60 {
		w.sql(`INSERT INTO attempt_log (scene_id, at, outcome, class, error, reason) VALUES (?, ?, 'retry', 'temporary', ?, ?)`,
			i, time.Now().UnixMilli(), strings.Repeat("é<> ", 5000), `{"code": "`+strings.Repeat("x", 5000)+`"}`)
	}
	w.plex.Inject(plextest.Fault{Hang: true})
	began := time.Now()
	text := w.op(asked("copy-report", "check", true))["text"].(string)
	if took := time.Since(began); took > 20*time.Second || len(text) > 60_000 || !strings.Contains(text, "Check plex: failed") {
		t.Errorf("after %v: %d bytes\n%.2000s", took, len(text), text)
	}
	if out, err := w.host.Operation(w.context(), asked("copy-report", "check", "yes")); err == nil {
		t.Errorf("check: \"yes\" is accepted: %v", out)
	}
}
