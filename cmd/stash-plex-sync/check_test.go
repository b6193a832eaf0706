package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// checked returns what the check said under a name.
func (w *world) checked(out map[string]any, name string) string {
	w.Helper()
	for _, c := range out["checks"].([]any) {
		if one := c.(map[string]any); one["name"] == name {
			return fmt.Sprint(one["detail"])
		}
	}
	w.Fatalf("there is no check %q in %v", name, out)
	return ""
}

func TestCheckSaysHowScenesMatchAndWhyOneDoesNot(t *testing.T) {
	w := newWorld(t, 1)
	var ids []int
	for i, folder := range []string{"a", "b", "c", "d"} {
		file := stashtest.File{Path: "/stash/v/" + folder + "/x.mp4", Size: int64(7000 + i)}
		ids = append(ids, w.stash.Add(stashtest.Scene{Files: []stashtest.File{file}})...)
		w.plex.AddItem(w.section, "/plex/v/"+folder+"/x.mp4", file.Size)
	}
	w.plex.AddItem(w.section, "/other/last.mp4", 5)
	last := w.stash.Add(stashtest.Scene{Files: []stashtest.File{{Path: "/stash/last.mp4", Size: 6}}})[0]
	w.bulk("New", ids[:3]...)
	w.process()
	out := w.op(map[string]any{"mode": "check"})
	if got := w.checked(out, "Learned paths"); got != "/stash => /plex" {
		t.Errorf("learned paths: %s", got)
	}
	want := fmt.Sprintf("5 of 6 sample scenes are in Plex (4 by learned, 1 by path); scene %d is not: Plex holds last.mp4 at /other/last.mp4 with another size (5 bytes, in Stash 6)", last)
	if got := w.checked(out, "Matching"); got != want {
		t.Errorf("matching: %s\nwant %s", got, want)
	}
	if len(w.logged("Learned paths: /stash => /plex")) == 0 {
		t.Errorf("the log does not tell what was learned: %v", w.host.Lines())
	}
}

func TestCheckTellsLibrariesThatHoldNoVideos(t *testing.T) {
	w := newWorld(t, 1)
	w.plex.AddSection("Music", "artist")
	w.settings(map[string]any{"plexLibraries": "Videos, Music"})
	out := w.op(map[string]any{"mode": "check"})
	if got := w.checked(out, "Libraries"); out["ok"] != false || !strings.Contains(got, `"Music" holds no videos`) {
		t.Errorf("libraries: %s, %v", got, out["ok"])
	}
}

func TestCheckTellsOfLibrariesThatAreChosenNow(t *testing.T) {
	w := newWorld(t, 1)
	w.bulk("New", 1)
	w.process()
	w.plex.AddSection("Other", "movie")
	w.settings(map[string]any{"plexLibraries": "Other"})
	if got := w.checked(w.op(map[string]any{"mode": "check"}), "Matching"); got != "Plex's files have not been read yet" {
		t.Errorf("matching: %s", got)
	}
}
