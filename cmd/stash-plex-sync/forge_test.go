package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// forgery is all that could be taken for the end of a line, for another line or for progress, by a reader, a
// terminal or Stash.
func forgery() string {
	frames := ""
	for _, letter := range "tdiwep" {
		frames += fmt.Sprintf("\x01%c\x020.9876\n\x01%c\x02forged ", letter, letter)
	}
	return frames + forged + "\r\x1b[2K\x1b]0;forged\a\u009b31m\u0085\u2028forged\u2029forged\u202egro\u2066\v\f\x00\b\x7f" + `\n\u0001p\u0002`
}

// told lets everything that a stranger can name or say be told, and returns how many lines of each level that
// made, and all the progress.
func told(t *testing.T, text string) (lines map[string]int, progress []float64) {
	t.Helper()
	w := newWorld(t, 4)
	w.occupied()
	who, studio, tag := w.stash.Name("performer", 0, text+" p"), w.stash.Name("studio", 0, text+" s"), w.stash.Name("tag", 0, text+" t")
	for id := 1; id <= 4; id++ {
		w.stash.Change(id, func(s *stashtest.Scene) {
			s.Title, s.Details, s.Performers, s.Studio, s.Tags = text, text, []int{who}, studio, []int{tag}
		})
		w.plex.Edit(w.keys[id], func(it *plextest.Item) {
			it.Title, it.Summary, it.Tags["genre"] = text+" of Plex", text+" of Plex", []string{text + " of Plex"}
		})
	}
	w.plex.AddSection(text+" library", "movie")
	w.stash.Change(3, func(s *stashtest.Scene) { s.Files[0].Path = "/data/" + text + "/lost.mp4" })
	w.host.Operation(w.context(), map[string]any{"mode": "preview", "task": "yes"})
	w.stash.Inject(stashtest.Fault{Operation: "ScenesByID", Message: text, Times: 1})
	w.stash.Inject(stashtest.Fault{Operation: "SceneByID", Message: text, Times: 1})
	w.stash.Break(2)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 400, Times: 1, Body: text, Header: http.Header{"X-Text": {"text"}}})
	w.host.UpdateMany(w.context(), []int{1, 2, 3, 4}, func(s *stashtest.Scene) { s.Director = text })
	w.host.Fire(w.context(), "Scene.Update.Post", 1, map[string]any{"id": text, "title": text}, []string{text})
	for _, mode := range []string{"process", "sync-all", "check", "status", "restore", "rebuild-index", text} {
		w.host.Operation(w.context(), map[string]any{"mode": mode}) // the last is none
		w.host.Operation(w.context(), map[string]any{"mode": mode, "task": "yes", "class": text})
	}
	lines = make(map[string]int)
	for _, l := range w.host.Lines() {
		lines[l.Level]++
		if strings.ContainsFunc(l.Text, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
			t.Errorf("a line holds what is no text: %.300q", l.Text)
		}
	}
	return lines, w.host.Progress()
}

// Whoever names a scene, an item or a library, or writes an error's text, has no line of their own in the log.
func TestTortureHostileTextForgesNoLine(t *testing.T) {
	torture(t)
	want, _ := told(t, "harmless")
	got, progress := told(t, forgery())
	if !maps.Equal(got, want) || len(progress) > 0 {
		t.Errorf("lines %v and progress %v, want %v as with harmless texts", got, progress, want)
	}
	if want["Info"] < 10 || want["Warning"] == 0 {
		t.Errorf("too few lines to prove anything: %v", want)
	}
}
