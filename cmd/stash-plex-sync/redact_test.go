package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// secretive is a world whose titles and paths can be told from everything else in the log.
func secretive(t *testing.T, redact bool) *world {
	t.Helper()
	w := newWorld(t, 1)
	w.settings(map[string]any{"redactLogs": redact})
	w.occupied()
	add := func(size int64, path string, plex ...string) int {
		id := w.stash.Add(stashtest.Scene{Title: "Zanzibar title", Date: "Zanzibar date", Files: []stashtest.File{{Path: path, Size: size, Duration: 9}}})[0]
		for _, p := range plex {
			w.keys[id] = w.plex.AddItem(w.section, p, size)
		}
		return id
	}
	all := []int{
		add(11, "/Zanzibar/a b.mp4", "/Zanzibar/a b.mp4"),
		add(12, "/Zanzibar/lost.mp4"),
		add(13, "/Zanzibar/twice.mp4", "/Zanzibar x/twice.mp4", "/Zanzibar y/twice.mp4"),
	}
	for i := range 3 { // folders from which a prefix is learned
		all = append(all, add(int64(20+i), fmt.Sprintf("/Zanzibar/in/%d/clip.mp4", i), fmt.Sprintf("/Zanzibar plex/in/%d/clip.mp4", i)))
	}
	broken := add(14, "/Zanzibar/broken.mp4", "/Zanzibar/broken.mp4")
	w.bulk("Zanzibar title", append(all, broken)...)
	w.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"studio": true} })
	w.stash.Inject(stashtest.Fault{Operation: "SceneByID", Message: "reading /Zanzibar/broken.mp4: no such file", Times: 1})
	w.stash.Break(broken)
	return w
}

// everyReport lets everything be logged that there is.
func (w *world) everyReport() {
	w.op(map[string]any{"mode": "preview"})
	w.process()
	for _, mode := range []string{"status", "check", "preview", "restore", "retry-dead"} {
		w.op(map[string]any{"mode": mode})
		w.op(map[string]any{"mode": mode, "task": "yes"}) // whose result Stash logs
	}
	for id := 1; id <= 8; id++ {
		w.op(map[string]any{"mode": "explain", "scene_id": id})
	}
}

func TestRedactedLogTellsNoTitleAndNoPath(t *testing.T) {
	w := secretive(t, true)
	w.everyReport()
	tokens := 0
	for _, l := range w.host.Lines() {
		if strings.Contains(strings.ToLower(l.Text), "zanzibar") || strings.Contains(l.Text, ".mp4") || strings.ContainsAny(l.Text, "\uFDD0\uFDD1") {
			t.Errorf("%s: %s", l.Level, l.Text)
		}
		tokens += len(regexp.MustCompile(`\[[0-9a-f]{8}\]`).FindAllString(l.Text, -1))
	}
	if tokens == 0 {
		t.Error("no token stands for anything")
	}
	out := fmt.Sprint(w.op(map[string]any{"mode": "explain", "scene_id": 3}))
	if !strings.Contains(out, "/Zanzibar/lost.mp4") || strings.ContainsAny(out, "\uFDD0\uFDD1") {
		t.Errorf("an operation tells its caller %s, want the path", out)
	}
	if out := fmt.Sprint(w.op(map[string]any{"mode": "status", "task": "yes"})); strings.Contains(out, "Zanzibar") {
		t.Errorf("a task's result, which Stash logs, tells %s", out)
	}
}

func TestLogTellsTitlesAndPathsUnlessToldOtherwise(t *testing.T) {
	w := secretive(t, false)
	w.everyReport()
	for _, text := range []string{"/Zanzibar/lost.mp4", "/Zanzibar x/twice.mp4", "Zanzibar title"} {
		if len(w.logged(text)) == 0 {
			t.Errorf("the log does not tell %q", text)
		}
	}
	for _, l := range w.host.Lines() {
		if strings.ContainsAny(l.Text, "\uFDD0\uFDD1") {
			t.Errorf("marks are in the log: %s", l.Text)
		}
	}
}
