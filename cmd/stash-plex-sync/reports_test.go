package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// A report is trouble that users of comparable programs had, tried on this one.
type report struct {
	name   string // what this program promises
	scenes int
	try    func(w *world)
}

func tryReports(t *testing.T, reports []report) {
	t.Helper()
	for _, r := range reports {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, r.scenes)
			w.occupied()
			r.try(w)
		})
	}
}

// push edits scenes in Stash and runs the queue.
func (w *world) push(title string, ids ...int) map[string]any {
	w.Helper()
	w.bulk(title, ids...)
	return w.process()
}

// wantOut checks one count of a result.
func (w *world) wantOut(out map[string]any, name string, n float64) {
	w.Helper()
	if out[name] != n {
		w.Errorf("%v %s, want %v: %v", out[name], name, n, out)
	}
}

// file returns the file of a scene.
func (w *world) file(id int) stashtest.File {
	w.Helper()
	s, there := w.stash.Scene(id)
	if !there || len(s.Files) == 0 {
		w.Fatalf("scene %d has no file", id)
	}
	return s.Files[0]
}

// setFile makes a file the only one of a scene.
func (w *world) setFile(id int, path string, size int64) {
	w.stash.Change(id, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: path, Size: size, Duration: 10}} })
}

func TestReportsAboutVersionsOfItems(t *testing.T) {
	tryReports(t, []report{
		// Source: Kometa-Team/Kometa#3586
		{"a scene is pushed once Plex splits its version off another scene's item", 2, func(w *world) {
			second := w.file(2)
			w.plex.Remove(w.keys[2])
			w.plex.AddFile(w.keys[1], second.Path, second.Size)
			w.push("One", 1)
			w.wantOut(w.push("Two", 2), "skipped", 1)
			w.wantTitle(1, "One")
			w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Files = it.Files[:1] })
			w.keys[2] = w.plex.AddItem(w.section, second.Path, second.Size)
			w.wantOut(w.process(), "synced", 1) // without an edit
			w.wantTitle(1, "One")
			w.wantTitle(2, "Two")
		}},
		// Source: stashapp/stash#4628
		{"a scene is pushed once the scene that had their common item is gone", 2, func(w *world) {
			better := w.file(2)
			w.plex.Remove(w.keys[2])
			w.wantOut(w.push("720p", 1), "synced", 1)
			w.plex.AddFile(w.keys[1], better.Path, better.Size)
			w.wantOut(w.push("1080p", 2), "skipped", 1)
			w.host.Clean(w.context(), 1)
			w.wantOut(w.process(), "synced", 1) // without an edit
			w.wantTitle(1, "1080p")
			w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Files = it.Files[1:] })
			w.wantOut(w.push("1080p", 2), "unchanged", 1)
		}},
		// Source: HaveAGitGat/Tdarr#172
		{"a temporary file of a transcoder does not take the item from its scene", 1, func(w *world) {
			original := w.file(1)
			temporary := plextest.File{Path: strings.Replace(original.Path, ".mp4", "-Tdarrnew.mkv", 1), Size: 5}
			w.plex.Edit(w.keys[1], func(it *plextest.Item) {
				it.Files[0].Version = 1
				it.Files = []plextest.File{temporary, it.Files[0]}
			})
			w.wantOut(w.push("While it is written", 1), "synced", 1)
			w.wantTitle(1, "While it is written")
			w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Files = []plextest.File{{Path: original.Path, Size: 5}} })
			w.setFile(1, original.Path, 5) // replaced in place
			w.wantOut(w.push("Afterwards", 1), "synced", 1)
			w.wantTitle(1, "Afterwards")
		}},
		// Source: Sonarr/Sonarr#1610
		{"a version that Plex made does not take the item from its scene", 2, func(w *world) {
			w.plex.Remove(w.keys[2])
			for _, result := range []string{"skipped", "waiting"} {
				marked := result == "waiting" // a version that Plex marks is no file of the user's
				made := plextest.File{Path: "/data/videos/1/Plex Versions/Optimized for TV/clip1.mp4", Size: 500, Optimised: marked, Version: 1}
				w.setFile(2, made.Path, made.Size) // Stash scans that folder too
				w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Files = []plextest.File{it.Files[0], made} })
				w.wantOut(w.push(fmt.Sprint("Two ", marked), 2), result, 1)
				w.push(fmt.Sprint("One ", marked), 1)
				w.wantOut(w.push(fmt.Sprint("Two again ", marked), 2), result, 1)
				w.wantTitle(1, fmt.Sprint("One ", marked))
			}
		}},
		// Source: DEFENDORe/pseudotv#62
		{"of two episodes in one file always the same is pushed", 1, func(w *world) {
			shows, f := w.plex.AddSection("Shows", "show"), w.file(1)
			w.settings(map[string]any{"plexLibraries": "Shows"})
			keys := []string{w.plex.AddItem(shows, f.Path, f.Size), w.plex.AddItem(shows, f.Path, f.Size)}
			shown := make(map[string]bool)
			for i := range 3 {
				title := fmt.Sprint("Title ", i)
				w.push(title, 1)
				for _, key := range keys {
					if w.plex.Item(key).Title == title {
						shown[key] = true
					}
				}
				w.op(map[string]any{"mode": "rebuild-index"})
			}
			if len(shown) != 1 {
				w.Errorf("%d episodes were pushed, want one", len(shown))
			}
		}},
		// Source: epoupon/lms#627
		{"a folder renamed in case only leads to the item with the equal path", 1, func(w *world) {
			f := w.file(1)
			stale := w.plex.AddItem(w.section, strings.Replace(f.Path, "/videos/", "/Videos/", 1), f.Size) // on such a share both exist
			w.wantOut(w.push("New", 1), "synced", 1)
			w.wantTitle(1, "New")
			if got := w.plex.Item(stale).Title; got == "New" {
				w.Error("the item with the old path was pushed too")
			}
			w.setFile(1, strings.Replace(f.Path, "/videos/", "/VIDEOS/", 1), f.Size)
			w.wantOut(w.push("Newer", 1), "dead", 1)
			w.wantExplained(1, "dead", "2 Plex items", "/Videos/1/clip1.mp4", "/videos/1/clip1.mp4")
		}},
	})
}
