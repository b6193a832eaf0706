package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
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
	want := fmt.Sprintf("5 of 6 sample scenes are in Plex (4 by learned, 1 by path); scene %d is not: Plex has last.mp4 at /other/last.mp4 with a different size (5 bytes, in Stash 6)", last)
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
	if got := w.checked(out, "Libraries"); out["ok"] != false || !strings.Contains(got, `"Music" contains no videos`) {
		t.Errorf("libraries: %s, %v", got, out["ok"])
	}
}

func TestCheckTellsOfLibrariesThatAreChosenNow(t *testing.T) {
	w := newWorld(t, 1)
	w.bulk("New", 1)
	w.process()
	w.plex.AddSection("Other", "movie")
	w.settings(map[string]any{"plexLibraries": "Other"})
	want := "0 of 1 sample scene is in Plex; scene 1 (\"New\") is not: Plex has no file named clip1.mp4"
	if got := w.checked(w.op(map[string]any{"mode": "check"}), "Matching"); got != want {
		t.Errorf("matching: %s, want %s", got, want)
	}
}

func TestCheckNotesALibraryThatCannotBeRead(t *testing.T) {
	w := newWorld(t, 1)
	w.plex.AddSection("Other", "movie")
	f := stand(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		kept := httptest.NewRecorder()
		w.plex.ServeHTTP(kept, r)
		maps.Copy(rw.Header(), kept.Header())
		rw.Header().Del("Content-Length")
		io.WriteString(rw, strings.Replace(kept.Body.String(), `"title":"Other"`, `"title":{"en":"Other"}`, 1)) // the client may be gone
	}), "", false)
	for names, want := range map[string]string{
		"":          "Videos",
		"Videos":    "Videos",
		"Videos, 2": `library "2" cannot be read: its title has an unexpected form`,
	} {
		w.settings(map[string]any{"plexUrl": f.url, "plexLibraries": names})
		out := w.op(map[string]any{"mode": "check"})
		if got := w.checked(out, "Libraries"); got != want || out["ok"] != !strings.Contains(names, "2") {
			t.Errorf("plexLibraries %q: %s, want %s; %v", names, got, want, out)
		}
		if noted := strings.Contains(fmt.Sprint(out["checks"]), `library "2" cannot be read`); noted == (names == "Videos") {
			t.Errorf("plexLibraries %q: the library is noted: %v", names, noted)
		}
	}
}

// The first thing that a person does after the installation: nothing has been queued or read yet.
func TestCheckOnAFreshInstallationLooksScenesUpInPlex(t *testing.T) {
	w := newWorld(t, 30)
	for i := range 70 {
		w.plex.AddItem(w.section, fmt.Sprintf("/data/other/%d.mp4", i), int64(900_000+i))
	}
	check := func() (map[string]any, int) {
		t.Helper()
		out := w.op(map[string]any{"mode": "check"})
		matched := 0
		for _, s := range out["samples"].([]any) {
			if s.(map[string]any)["rule"] != "" {
				matched++
			}
		}
		return out, matched
	}
	out, matched := check()
	if got := w.checked(out, "Matching"); out["ok"] != true || matched != 20 || got != "20 of 20 sample scenes are in Plex (20 by path)" {
		t.Errorf("check = %v, matching: %s", out, got)
	}
	samples := out["samples"].([]any)
	if first, last := samples[0].(map[string]any)["scene_id"], samples[19].(map[string]any)["scene_id"]; first != 1.0 || last.(float64) < 20 {
		t.Errorf("the samples go from scene %v to %v, want them from the whole range of ids", first, last)
	}
	w.plex.Configure(func(o *plextest.Options) { o.SizeFilter = "refused" })
	for id, key := range w.keys {
		w.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Path = fmt.Sprintf("/mnt/nas/clip%d.mp4", id) })
	}
	out, matched = check()
	want := `20 of 20 sample scenes are in Plex (20 by name+size); Plex does not look up files by size, so all 100 items of "Videos" were compared`
	if got := w.checked(out, "Matching"); out["ok"] != true || matched != 20 || got != want {
		t.Errorf("with other paths in Plex: %v, matching: %s", out, got)
	}
	for _, key := range w.keys {
		w.plex.Remove(key)
	}
	out, matched = check()
	if got := fmt.Sprint(out["checks"]); matched != 0 || !strings.Contains(got, "none matches") || !strings.Contains(got, "pathMap") {
		t.Errorf("with nothing in Plex: %v", out)
	}
	if n := len(w.stash.Jobs()) + w.stash.Asked() + w.count("job") + w.writes(); n > 0 {
		t.Errorf("the check asked for runs, queued or wrote %d times", n)
	}
	status := w.op(map[string]any{"mode": "status"})["plex"].(map[string]any)
	if list := status["sections"].([]any); len(list) != 0 {
		t.Errorf("the check wrote to the index: %v", list)
	}
}

func TestCheckNamesATokenThatSeesNoFiles(t *testing.T) {
	w := newWorld(t, 3)
	for _, when := range []string{"before the first reading", "later"} {
		w.plex.Configure(func(o *plextest.Options) { o.NoPaths = true })
		out := w.op(map[string]any{"mode": "check"})
		if text := fmt.Sprint(out["checks"]); out["ok"] != false || !strings.Contains(text, "use the token of the server's owner") || strings.Contains(text, "pathMap") {
			t.Errorf("%s: check = %v", when, out)
		}
		w.plex.Configure(func(o *plextest.Options) { o.NoPaths = false })
		if out := w.op(map[string]any{"mode": "check"}); out["ok"] != true {
			t.Errorf("%s, with the owner's token: check = %v", when, out)
		}
		w.edit(1, when)
		w.idle()
		w.wantTitle(1, when)
	}
}
