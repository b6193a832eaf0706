package main

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// explain is what the operation says of a scene.
func (w *world) explain(id int) map[string]any {
	w.Helper()
	return w.op(map[string]any{"mode": "explain", "scene_id": float64(id)})
}

// wantExplained checks the state of a scene and what its text holds.
func (w *world) wantExplained(id int, state string, texts ...string) {
	w.Helper()
	r := w.explain(id)
	if r["state"] != state {
		w.Errorf("scene %d is %v, want %s: %v", id, r["state"], state, r["text"])
	}
	for _, text := range texts {
		if !strings.Contains(fmt.Sprint(r["text"]), text) {
			w.Errorf("scene %d, %s: %v, want %q in it", id, state, r["text"], text)
		}
	}
}

// writes counts what was written to Plex since it was told to forget.
func (w *world) writes() int { return w.plex.Count("PUT", "") + w.plex.Count("POST", "") }

func TestPlexLibrariesOfTheSettingsAreTheOnlyOnesWritten(t *testing.T) {
	for name, c := range map[string]struct {
		setting string
		want    []bool // the first library, the second
	}{
		"all movie libraries": {"", []bool{true, true}},
		"by name":             {"second library", []bool{false, true}},
		"by id":               {"1", []bool{true, false}},
		"by both":             {" 2 , Videos", []bool{true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			w.occupied()
			second := w.plex.AddItem(w.plex.AddSection("Second Library", "movie"), "/data/videos/1/clip1.mp4", 1001)
			w.settings(map[string]any{"plexLibraries": c.setting})
			w.bulk("New", 1)
			out := w.process()
			for i, key := range []string{w.keys[1], second} {
				if got := w.plex.Item(key).Title == "New"; got != c.want[i] {
					t.Errorf("library %d was written: %v, want %v: %v", i+1, got, c.want[i], out)
				}
			}
		})
	}
}

func TestPathMapOfTheSettingsDecides(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.plex.Remove(w.keys[1])
	left := w.plex.AddItem(w.section, "/mnt/left/1/clip1.mp4", 1001)
	right := w.plex.AddItem(w.section, "/mnt/right/1/clip1.mp4", 1001)
	w.bulk("New", 1)
	if out := w.process(); out["dead"] != 1.0 || w.plex.Count("PUT", "") > 0 {
		t.Errorf("two items of one name and size: %v, %d writes", out, w.plex.Count("PUT", ""))
	}
	w.settings(map[string]any{"pathMap": "/nowhere => /x; /data/videos => /mnt/right"})
	w.op(map[string]any{"mode": "retry-dead"})
	out := w.process()
	if out["synced"] != 1.0 || w.plex.Item(right).Title != "New" || w.plex.Item(left).Title == "New" {
		t.Errorf("with pathMap: %v, %q and %q", out, w.plex.Item(left).Title, w.plex.Item(right).Title)
	}
	w.wantExplained(1, "synced", "/mnt/right/1/clip1.mp4", "path")
}

func TestFieldsOfTheSettingsAreThePushedOnes(t *testing.T) {
	all := []string{"title", "details", "date", "studio", "performers", "tags", "director", "groups", "rating", "poster"}
	for setting, want := range map[string][]string{
		"":                          all,
		"title, Tags":               {"title", "tags"},
		"-title,-poster":            all[1:9],
		"+background, +collection":  append([]string{"background", "collection"}, all...),
		"details, +rating, -rating": {"details"},
		"background":                {"background"},
		"collection":                {"collection"},
	} {
		t.Run(setting, func(t *testing.T) {
			w := newWorld(t, 1)
			w.occupied()
			w.settings(map[string]any{"fields": setting})
			w.dress(1)
			if out := w.process(); out["synced"] != 1.0 {
				t.Fatalf("result = %v", out)
			}
			pushed := w.pushed(1)
			for _, f := range want {
				if !pushed[f] {
					t.Errorf("%s was not pushed", f)
				}
				delete(pushed, f)
			}
			if len(pushed) > 0 {
				t.Errorf("pushed although it was not wanted: %v", pushed)
			}
		})
	}
}

// dress gives a scene a value in every field.
func (w *world) dress(id int) {
	who, studio := w.stash.Name("performer", 0, "Jane"), w.stash.Name("studio", 0, "Studio")
	tag, group := w.stash.Name("tag", 0, "Tag"), w.stash.Name("group", 0, "Group")
	stars := 80
	w.host.BulkUpdate(w.context(), []int{id}, func(s *stashtest.Scene) {
		s.Title, s.Details, s.Date, s.Director, s.Rating100 = "T", "Text", "2024-05-06", "Dee", &stars
		s.Performers, s.Studio, s.Tags, s.Groups, s.Cover = []int{who}, studio, []int{tag}, []int{group}, jpeg("cover")
	})
}

// jpeg is what passes for a picture.
func jpeg(text string) []byte { return []byte("\xff\xd8\xff\xda\x00\x02" + text + "\xff\xd9") }

// pushed tells which fields Plex shows as dress gave them.
func (w *world) pushed(id int) map[string]bool {
	it := w.plex.Item(w.keys[id])
	collections := " " + strings.Join(it.Tags["collection"], " ") + " "
	pushed := map[string]bool{
		"title": it.Title == "T", "details": it.Summary == "Text", "date": it.Date == "2024-05-06", "studio": it.Studio == "Studio",
		"performers": len(it.Tags["actor"]) > 0, "tags": len(it.Tags["genre"]) > 0, "director": len(it.Tags["director"]) > 0,
		"groups": strings.Contains(collections, " Group "), "collection": strings.Contains(collections, " Studio "), "rating": it.Rating != nil,
		"poster": string(it.Poster().Data) == string(jpeg("cover")), "background": string(it.Background().Data) == string(jpeg("cover")),
	}
	for f, yes := range pushed {
		if !yes {
			delete(pushed, f)
		}
	}
	return pushed
}

func TestTimeoutOfTheSettingsEndsAnAnswerThatIsTooSlow(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.settings(map[string]any{"timeoutSeconds": 2.0})
	w.bulk("New", 1)
	w.plex.Inject(plextest.Fault{Method: "PUT", Hang: true, Times: 1})
	began := time.Now()
	out := w.process()
	if took := time.Since(began); took < 2*time.Second || took > 20*time.Second { // unset it would be 30 s
		t.Errorf("the run gave up after %v", took)
	}
	r := w.row("1")
	if out["retrying"] != 1.0 || r.attempts != 1 || r.misses != 0 || r.class != "temporary" || !strings.Contains(r.err, "no answer in time") || r.wait <= 0 {
		t.Errorf("result = %v, job %+v", out, r)
	}
	w.wantExplained(1, "waiting", "no answer in time")
	w.pass(10 * time.Second)
	if out := w.process(); out["synced"] != 1.0 {
		t.Errorf("once Plex is as fast as it must be: %v", out)
	}
}

func TestAnyCertificateIsAcceptedOnlyIfTheSettingsSaySo(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	front := httptest.NewTLSServer(w.plex) // its certificate is nobody's
	t.Cleanup(front.Close)
	w.bulk("New", 1)
	w.settings(map[string]any{"plexUrl": front.URL})
	out := w.process()
	if n := len(w.plex.Requests()); n > 0 || out["synced"] != 0.0 {
		t.Errorf("a server that cannot be verified got %d requests: %v", n, out)
	}
	if n := w.count("job WHERE attempts + misses + unfinished = 0"); n != 1 || len(w.logged("insecureTLS")) == 0 {
		t.Errorf("%d jobs as they were, want 1; lines that name the setting: %d", n, len(w.logged("insecureTLS")))
	}
	w.settings(map[string]any{"plexUrl": front.URL, "insecureTLS": true})
	if out := w.process(); out["synced"] != 1.0 {
		t.Errorf("with insecureTLS: %v", out)
	}
	w.wantTitle(1, "New")
}

func TestDebugLinesAppearOnlyIfTheyAreWanted(t *testing.T) {
	for _, debug := range []bool{false, true} {
		w := newWorld(t, 2)
		w.occupied()
		w.settings(map[string]any{"debugLog": debug})
		w.plex.Remove(w.keys[2])
		w.bulk("New", 1, 2) // one arrives, one waits
		w.process()
		w.bulk("New", 1) // and is unchanged
		w.process()
		var own []string
		for _, l := range w.logged("[Plugin / ") {
			if l.Level == "Debug" || l.Level == "Trace" {
				own = append(own, l.Text)
			}
		}
		if got := len(own) > 0; got != debug {
			t.Errorf("debugLog %v: %d debug lines: %q", debug, len(own), own)
		}
		if len(w.logged("synced scene=1")) != 1 {
			t.Errorf("debugLog %v: what changed in Plex is not in the log", debug)
		}
	}
}
