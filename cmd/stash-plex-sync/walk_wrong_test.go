package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// once starts a task, and another job, so that the task ends without waiting for Plex.
func (w *walk) once(name string, args map[string]any) func() {
	return func() {
		w.Helper()
		n := len(w.logged("took="))
		w.host.RunTask(name, args)
		release := w.busy()
		defer release()
		w.until(func() bool { return len(w.logged("took=")) > n && len(w.host.Processes()) == 0 })
	}
}

func TestFirstHourInWhichEverythingGoesWrong(t *testing.T) {
	w := newWalk(t)
	w.settings(map[string]any{"plexUrl": "http://127.0.0.1:9"})
	w.step("Check connection, Plex off", w.task("Check connection"), "Check connection: problems with Plex")
	w.step("Sync all scenes, Plex off", w.once("Sync all scenes", nil), "connection refused")
	for range 5 {
		w.once("Process queue", map[string]any{"asked_by": "cron"})()
	}
	w.step("five more runs", func() {}, `paused after 5 failures in a row: run "Process queue"`)
	w.step("Queue status, Plex paused", w.task("Queue status"), "Plex is paused")
	w.settings(nil)
	w.plex.Inject(plextest.Fault{Status: 200, Front: true, Header: http.Header{"Content-Type": {"text/html"}, "Server": {"nginx"}}, Body: "<html>Please log in</html>"})
	w.step("Check connection, login page", w.task("Check connection"), "Check connection: problems with Plex")
	w.step("Process queue, login page", w.once("Process queue", nil), "login page")
	w.plex.Heal()
	w.settings(map[string]any{"plexLibraries": "Moveis"})
	w.step("Check connection, wrong library", w.task("Check connection"), "Check connection: problems with Libraries")
	w.step("Process queue, wrong library", w.once("Process queue", nil), "Moveis")
	w.settings(map[string]any{"excludeTags": "Nite"})
	w.step("Check connection, misspelt tag", w.task("Check connection"), "Check connection: problems with Excluded tags")
	w.step("Process queue, misspelt tag", w.once("Process queue", nil), "Nite")
	w.settings(nil)
	key := w.keys[7]
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 403, Front: true, Header: http.Header{"Server": {"cloudflare"}}, Match: func(r plextest.Request) bool {
		return strings.Contains(r.Query, "id="+key) || strings.Contains(r.Path, key)
	}})
	w.step("Process queue, one scene refused", w.once("Process queue", nil), "to be retried")
	w.step("Queue status, one scene refused", w.task("Queue status"), "3 scenes wait for a later edit or task. Plex answered", append(lost, "Title 7")...)
	for range 6 {
		w.pass(15 * time.Minute)
		w.once("Process queue", nil)()
	}
	w.step("six more runs", func() {}, "2 waiting for Plex; 2 scenes wait", "Title 7")
	w.step("Queue status, one dead letter", w.task("Queue status"), "1 dead letter")
	w.plex.Heal()
	w.step("Retry dead letters", w.task("Retry dead letters"), "1 synced")
	w.step("Restore Plex metadata", w.task("Restore Plex metadata"), "restored")
}

func TestFirstHourWithOtherPathsInPlex(t *testing.T) {
	w := newWalk(t)
	for id := 1; id <= 60; id++ {
		if key := w.keys[id]; id != 47 && id != 48 && id != 60 {
			w.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Path = "/mnt/nas" + strings.TrimPrefix(it.Files[0].Path, "/data") })
		}
	}
	w.settings(map[string]any{"pathMap": "/nonsense => /mnt/other"})
	w.step("Check connection, useless path map", w.task("Check connection"), `problems with "Path map" (pathMap)`)
	w.settings(nil)
	w.step("Check connection", w.task("Check connection"), "all good")
	w.step("Preview changes", w.task("Preview changes"), "46 of 60", lost...)
	w.step("Sync all scenes", w.waits(func() { w.host.RunTask("Sync all scenes", nil) }), "46 synced", lost...)
	w.settings(map[string]any{"skipMissing": true})
	w.step("Sync all scenes, skip missing", w.task("Sync all scenes"), "2 skipped")
	w.step("Queue status, nothing waits", w.task("Queue status"), "46 items in Plex, nothing is pending. Plex answered last time")
}
