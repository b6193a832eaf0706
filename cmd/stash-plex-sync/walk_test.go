package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// walk is the first hour of a new user: 60 scenes, 48 of them with a title; Plex does not have scenes 47, 48 and 60.
type walk struct {
	*world
	seen int // lines of the log that earlier steps have shown
}

// logPage is how many lines Stash's log page shows, the newest first.
const logPage = 30

// longestLine is how many characters a line may have: about what a person reads at once.
const longestLine = 360

// lost are the titles of the scenes that Plex does not have and that have a title.
var lost = []string{"Velvet Winter", "Northern Road"}

func newWalk(t *testing.T) *walk {
	w := &walk{world: newWorld(t, 60)}
	for id := 1; id <= 48; id++ {
		w.stash.Change(id, titled(fmt.Sprintf("Title %d", id)))
	}
	for i, id := range []int{47, 48, 60} {
		w.plex.Remove(w.keys[id])
		if i < len(lost) {
			w.stash.Change(id, titled(lost[i]))
		}
	}
	w.stash.SetSettings(stashtest.PluginID, nil)
	return w
}

// settings are those of a user.
func (w *walk) settings(more map[string]any) {
	set := map[string]any{"debugLog": false}
	maps.Copy(set, more)
	w.world.settings(set)
}

// promise matches a time at which something is to happen. Stash has no scheduler, so nothing does.
var promise = regexp.MustCompile(`\b(at|from|until) \d\d:\d\d|\bin \d+(s|m)\b`)

// step performs a step and looks at the log page: the first line is the verdict, no line promises a time or is too
// long, and the titles are there.
func (w *walk) step(name string, do func(), verdict string, titles ...string) {
	w.Helper()
	do()
	var page []string
	for _, l := range w.host.Lines() {
		if l.Level == "Info" || l.Level == "Warning" || l.Level == "Error" {
			page = append(page, l.Level+" "+strings.TrimPrefix(l.Text, "[Plugin / Stash Plex Sync] "))
		}
	}
	fresh := len(page) - w.seen
	w.seen = len(page)
	page = page[max(len(page)-logPage, 0):]
	slices.Reverse(page)
	w.Logf("\n== %s: %d new lines\n%s\n", name, fresh, strings.Join(page, "\n"))
	own := page[:min(fresh, len(page))]
	if len(own) == 0 || !strings.Contains(own[0], verdict) {
		w.Errorf("%s: the newest line is %q, want %q in it", name, append(own, "")[0], verdict)
	}
	for _, line := range own {
		if n := len([]rune(line)); n > longestLine {
			w.Errorf("%s: a line of %d characters: %s", name, n, line)
		}
		if promise.MatchString(line) {
			w.Errorf("%s: a time is promised: %s", name, line)
		}
	}
	for _, title := range titles {
		if !strings.Contains(strings.Join(own, "\n"), `"`+title+`"`) {
			w.Errorf("%s: the log page does not name %q", name, title)
		}
	}
}

// task runs a task to its end.
func (w *walk) task(name string) func() {
	return func() {
		w.Helper()
		w.host.RunTask(name, nil)
		w.idle()
	}
}

// waits starts a task and, once it waits for what may become due, another job, which ends it.
func (w *walk) waits(do func()) func() {
	return func() {
		w.Helper()
		n := len(w.logged("this task tries again"))
		do()
		w.until(func() bool { return len(w.logged("this task tries again")) == n+1 })
		release := w.busy()
		defer release()
		w.until(func() bool { return len(w.host.Processes()) == 0 })
	}
}

func TestFirstHourOfANewUser(t *testing.T) {
	w := newWalk(t)
	w.step("an edit with no setting", func() { w.edit(3, "Title 3, edited"); w.idle() }, `"Plex address" (plexUrl) is not set`)
	w.step("Check connection with no setting", w.task("Check connection"), `Check connection: problems with "Plex address" (plexUrl), "Plex token" (plexToken)`)
	w.settings(nil)
	w.step("Check connection", w.task("Check connection"), `sample scenes found in Plex. Next: "Preview changes"`)
	w.step("Preview changes", w.task("Preview changes"),
		`Preview, nothing was written: 46 of 60 scenes would change, 12 have no data in Stash, 2 are not in Plex ("Velvet Winter", "Northern Road")`, lost...)
	if n := w.writes(); n > 0 {
		t.Errorf("the preview wrote %d times", n)
	}
	w.step("Sync all scenes", w.waits(func() { w.host.RunTask("Sync all scenes", nil) }), "46 synced, 2 waiting for Plex, 12 without data in Stash; 2 scenes wait", lost...)
	w.step("Queue status", w.task("Queue status"), "46 items in Plex, 2 scenes wait for a later edit or task. Plex answered last time", lost...)
	w.step("an edit while scenes wait", w.waits(func() { w.edit(1, "Title 1, edited") }), "1 synced; 2 scenes wait for a later edit or task")

	w.plex.AddItem(w.section, "/data/videos/5/clip47.mp4", 1047) // Plex scans its folder
	w.step("Process queue after Plex has scanned one", w.waits(func() { w.host.RunTask("Process queue", nil) }), "1 synced; 1 scene waits", lost[0])

	w.plex.AddItem(w.section, "/copy/clip5.mp4", 1005)
	w.plex.Edit(w.keys[5], func(it *plextest.Item) { it.Files[0].Path = "/moved/clip5.mp4" })
	w.step("Rebuild Plex index", w.task("Rebuild Plex index"), "the index of Plex's files is complete: 1 library")
	w.step("Preview changes with a video twice in Plex", w.task("Preview changes"), `1 fits several items in Plex ("Title 5")`, lost[1], "Title 5")
	w.step("its edit", w.waits(func() { w.edit(5, "Title 5, twice") }), "1 dead letter", "Title 5, twice")
	w.step("Queue status with a dead letter", w.task("Queue status"), `1 dead letter (when the cause is gone, run "Retry dead letters")`, lost[1], "Title 5, twice")
	w.step("Clear dead letters", w.task("Clear dead letters"), "removed 1 dead letter")
	w.step("Retry dead letters", w.task("Retry dead letters"), "no dead letters: nothing to retry")

	w.settings(map[string]any{"plexToken": "wrong"})
	w.step("an edit with a wrong token", func() { w.edit(2, "Title 2, edited"); w.idle() }, "401")
	w.step("Queue status with a wrong token", w.task("Queue status"), "The last run stopped: ", lost[1])
	w.settings(map[string]any{"onlyOrganized": true})
	w.step("Sync all scenes, only organised ones", w.task("Sync all scenes"), "60 skipped")
	w.settings(nil)
	w.op(map[string]any{"mode": "sync-scene", "scene_id": 48})
	w.sql(`UPDATE job SET enqueued_at = enqueued_at - 1000`)
	w.sql(`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) VALUES (4, 'edit', 1, 0, 0)`)
	w.step("Restore Plex metadata", w.task("Restore Plex metadata"), "1 waiting edit of these scenes was removed from the queue")
	w.step("Clear queue", w.task("Clear queue"), "removed 1 scene from the queue")
}
