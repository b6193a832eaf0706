package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestReportsAboutNamesAndTexts(t *testing.T) {
	tryReports(t, []report{
		// Source: rmcrackan/Libation#1256
		{"a name with characters that Windows forbids is found in both forms of a share", 4, func(w *world) {
			for id, names := range map[int][2]string{
				1: {"Who is it\uf025.mp4", "Who is it?.mp4"},
				2: {"Part 2: The End.mp4", "Part 2\uf03a The End.mp4"},
				3: {"a\uf022b\uf020c\uf020.mp4", `a:b"c".mp4`},
				4: {"<One>/x.mp4", "\uf023One\uf024/x.mp4"},
			} {
				w.plex.Remove(w.keys[id])
				w.setFile(id, "/data/videos/"+names[0], int64(100+id))
				w.keys[id] = w.plex.AddItem(w.section, "/data/videos/"+names[1], int64(100+id))
			}
			w.wantOut(w.push("New", 1, 2, 3, 4), "synced", 4)
			for id := 1; id <= 4; id++ {
				w.wantTitle(id, "New")
			}
		}},
		// Source: jellyfin/jellyfin#16923
		{"a file behind a symbolic link, or with a path in a long form, is found by its name and size", 3, func(w *world) {
			for id, paths := range map[int][2]string{
				1: {"/volume1/video/clip1.mp4", "/var/services/video/clip1.mp4"},
				2: {`\\?\D:\Video\clip2.mp4`, `D:\Video\clip2.mp4`},
				3: {`\\?\UNC\nas\video\clip3.mp4`, `\\nas\video\clip3.mp4`},
			} {
				w.setFile(id, paths[0], w.file(id).Size)
				w.plex.Edit(w.keys[id], func(it *plextest.Item) { it.Files[0].Path = paths[1] })
			}
			w.wantOut(w.push("New", 1, 2, 3), "synced", 3)
			w.wantTitle(3, "New")
		}},
		// Source: home-assistant/addons#2541
		{"a name that a share has shortened is waited for, and found once it is whole", 1, func(w *world) {
			f := w.file(1)
			w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Files[0].Path = "/data/videos/1/CLP1A2~U.MP4" })
			w.wantOut(w.push("New", 1), "waiting", 1)
			w.wantExplained(1, "waiting", "Plex has no item for", f.Path)
			w.keys[1] = w.plex.Move(w.keys[1], f.Path)
			w.wantOut(w.process(), "synced", 1)
			w.wantTitle(1, "New")
		}},
		// Source: sublimehq/sublime_text#4199
		{"pasted characters that nobody sees are no text and part of no name", 1, func(w *world) {
			seen, unseen := w.stash.Name("performer", 0, "Jane Doe\u200b"), w.stash.Name("tag", 0, "\u200b\ufeff")
			w.stash.Change(1, func(s *stashtest.Scene) {
				s.Performers, s.Tags, s.Details = []int{seen}, []int{unseen}, "\ufeffText\u200b\n"
			})
			w.wantOut(w.push("\u200b\u200f\u2060", 1), "synced", 1)
			it := w.plex.Item(w.keys[1])
			if it.Title != "clip1" || it.Summary != "Text" || strings.Join(it.Tags["actor"], "|") != "Jane Doe" || len(it.Tags["genre"]) > 0 {
				w.Errorf("title %q, details %q, tags %q", it.Title, it.Summary, it.Tags)
			}
		}},
		// Source: ukdtom/WebTools.bundle#441
		{"what an agent finds after the push replaces nothing that was pushed", 1, func(w *world) {
			w.dress(1)
			w.process()
			w.plex.Refresh(w.keys[1]) // as after "Match"
			if pushed := w.pushed(1); len(pushed) != 10 {
				w.Errorf("of ten fields Plex still shows %v", pushed)
			}
			w.plex.Forget()
			w.wantOut(w.push("T", 1), "unchanged", 1)
		}},
	})
}

func TestReportsAboutStashAndItsFolder(t *testing.T) {
	tryReports(t, []report{
		// Source: stashapp/stash#3006
		{"a scene without a file is dropped and pushed once it has one", 1, func(w *world) {
			f := w.file(1)
			w.stash.Change(1, func(s *stashtest.Scene) { s.Files = nil })
			w.wantOut(w.push("Without", 1), "gone", 1)
			w.wantTitle(1, "clip1")
			w.setFile(1, f.Path, f.Size)
			w.wantOut(w.push("With", 1), "synced", 1)
			w.wantTitle(1, "With")
		}},
		// Source: nextcloud/all-in-one#5405
		{"a configuration folder that is a symbolic link is used", 1, func(w *world) {
			link := filepath.Join(w.TempDir(), "config")
			w.must(os.Symlink(w.dir, link))
			real := w.dir
			w.dir = link
			w.hostOf(pluginDir)
			w.wantOut(w.push("New", 1), "synced", 1)
			if _, err := os.Stat(filepath.Join(real, "stash-plex-sync", "queue.db")); err != nil {
				w.Error(err)
			}
		}},
	})
}
