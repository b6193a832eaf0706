package ui_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
)

// hostileTitle is a title that a page must show as it is.
const hostileTitle = `<img src=x onerror="document.title='owned'"> <b>bold</b> ` + "\u202eright" + ` & "quoted"`

// ofItem matches the writes to a Plex item.
func ofItem(key string) func(plextest.Request) bool {
	return func(r plextest.Request) bool { return strings.Contains(r.Query+"&", "id="+key+"&") }
}

// cover is a picture with two colors.
func cover(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for x := range 320 {
		for y := range 180 {
			m.Set(x, y, color.RGBA{uint8(x * 255 / 320), 90, uint8(y), 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// dress gives a scene everything that can be pushed.
func dress(t *testing.T, w *uitest.World, id int) {
	t.Helper()
	stars := 80
	studio, jane, joe := w.Stash.Name("studio", 0, "Blue Hour Films"), w.Stash.Name("performer", 0, "Jane Doe"), w.Stash.Name("performer", 0, "Joe Public")
	tags := []int{w.Stash.Name("tag", 0, "Outdoor"), w.Stash.Name("tag", 0, "Golden hour"), w.Stash.Name("tag", 0, "Documentary")}
	w.Stash.Change(id, func(s *stashtest.Scene) {
		s.Title, s.Date, s.Director, s.Rating100, s.Cover = "A walk along the coast", "2024-05-06", "Dee Rector", &stars, cover(t)
		s.Details = strings.Repeat("The path leads along the cliffs, and the light changes with each turn. ", 8)
		s.Studio, s.Performers, s.Tags = studio, []int{jane, joe}, tags
	})
}

// A sceneState is one state of a scene, and what the panel must say about it.
type sceneState struct {
	name  string
	setup func(t *testing.T, w *uitest.World) (scene int)
	says  []string
	opens string // a field whose details are opened
}

func push(w *uitest.World, id int) { w.Op("sync-scene", map[string]any{"scene_id": id}) }

// title gives a scene a title without any hook.
func title(w *uitest.World, id int, text string) {
	w.Stash.Change(id, func(s *stashtest.Scene) { s.Title = text })
}

// twoItems replaces the Plex item of a scene by two that fit it equally well.
func twoItems(w *uitest.World, id int) {
	w.Plex.Remove(w.Keys[id])
	name := fmt.Sprintf("clip%d.mp4", id)
	w.Plex.AddItem(w.Section, "/mnt/left/"+name, int64(1000+id))
	w.Plex.AddItem(w.Section, "/mnt/right/"+name, int64(1000+id))
}

var sceneStates = []sceneState{
	{"synced", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		push(w, 1)
		return 1
	}, []string{"In Plex and up to date", "by its path", "Same", "Golden hour", "Pushed"}, "Title"},
	{"never", func(_ *testing.T, w *uitest.World) int {
		title(w, 1, "First")
		return 1
	}, []string{"Not pushed yet", "push it now", "Nothing has been tried yet"}, ""},
	{"differs", func(t *testing.T, w *uitest.World) int {
		title(w, 1, "First")
		push(w, 1)
		dress(t, w, 1)
		return 1
	}, []string{"the next push writes", "Will be written", "+ Golden hour"}, ""},
	{"waiting", func(t *testing.T, w *uitest.World) int {
		w.Plex.Inject(plextest.Fault{Method: http.MethodPut, Match: ofItem(w.Keys[1]), Status: http.StatusInternalServerError, Header: http.Header{"Retry-After": {"500"}}})
		dress(t, w, 1)
		push(w, 1)
		return 1
	}, []string{"Waits: the last push failed", "Next try", "What to do:", "500", "Failed, retried later"}, ""},
	{"missing", func(_ *testing.T, w *uitest.World) int {
		title(w, 1, "First")
		w.Plex.Remove(w.Keys[1])
		push(w, 1)
		return 1
	}, []string{"Not in Plex yet", "scan the folder", "Next try"}, ""},
	{"ambiguous", func(_ *testing.T, w *uitest.World) int {
		title(w, 1, "First")
		twoItems(w, 1)
		push(w, 1)
		return 1
	}, []string{"several Plex items fit", "Choose the Plex item", "Retry now"}, ""},
	{"dead", func(_ *testing.T, w *uitest.World) int {
		title(w, 1, "First")
		w.Plex.Inject(plextest.Fault{Method: http.MethodPut, Match: ofItem(w.Keys[1]), Status: http.StatusBadRequest})
		push(w, 1)
		return 1
	}, []string{"Needs a look", "What to do:", "Retry now"}, ""},
	{"left-out", func(_ *testing.T, w *uitest.World) int {
		w.Settings(map[string]any{"45excludeTags": "Private", "excludeTags": "Private"})
		tag := w.Stash.Name("tag", 0, "Private")
		w.Stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{tag} })
		push(w, 1)
		return 1
	}, []string{"Left out", `remove the tag "Private"`}, ""},
	{"restored", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		push(w, 1)
		w.Op("restore", map[string]any{"scene_id": 1})
		return 1
	}, []string{"Restored: Plex shows what it had"}, ""},
	{"plex-off", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		push(w, 1)
		w.Plex.Stop()
		return 1
	}, []string{"In Plex when it was last pushed", "Plex was not read", "As pushed last", "Golden hour"}, ""},
	{"paused", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		push(w, 1)
		w.Op("pause", map[string]any{"by": "Ann"})
		return 1
	}, []string{"In Plex and up to date"}, ""},
	{"kept", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		w.Settings(map[string]any{"keepPlexEdits": true, "35keepPlexEdits": true})
		push(w, 1)
		w.Plex.Edit(w.Keys[1], func(it *plextest.Item) { it.Title = "My own title"; it.Locked["title"] = true })
		w.Stash.Change(1, func(s *stashtest.Scene) { s.Title = "Another title" })
		push(w, 1)
		return 1
	}, []string{"1 field keeps what was edited in Plex", "Kept: edited in Plex", "My own title"}, "Title"},
	{"locked", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		w.Plex.Edit(w.Keys[1], func(it *plextest.Item) { it.Locked["studio"] = true })
		push(w, 1)
		return 1
	}, []string{"Locked in Plex"}, "Studio"},
	{"refused", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		w.Plex.Inject(plextest.Fault{Method: http.MethodPut, Match: func(r plextest.Request) bool {
			return ofItem(w.Keys[1])(r) && strings.Contains(r.Query, "studio.value")
		}, Status: http.StatusBadRequest})
		push(w, 1)
		return 1
	}, []string{"Plex refuses 1 field", "Refused by Plex"}, "Studio"},
	{"hostile", func(t *testing.T, w *uitest.World) int {
		dress(t, w, 1)
		tag := w.Stash.Name("tag", 0, strings.Repeat("unbroken", 20))
		w.Stash.Change(1, func(s *stashtest.Scene) { s.Title, s.Tags = hostileTitle, append(s.Tags, tag) })
		push(w, 1)
		return 1
	}, []string{"<b>bold</b>"}, "Title"},
	{"deleted", func(_ *testing.T, w *uitest.World) int {
		title(w, 1, "First")
		push(w, 1)
		w.Stash.Drop(1)
		return 1
	}, []string{"Stash has no such scene", "stays as it is"}, ""},
}

func TestSceneShowsEachState(t *testing.T) {
	for _, s := range sceneStates {
		t.Run(s.name, func(t *testing.T) {
			w := uitest.NewWorld(t, 2)
			id := s.setup(t, w)
			tab := w.Tab()
			tab.Open(fmt.Sprintf("/plugins/stash-plex-sync/scene/%d", id))
			showsScene(tab, s, "scene-page-"+s.name)
			if s.name == "deleted" {
				return // Stash's page of the scene is gone, too
			}
			tab = w.Tab()
			tab.Open(fmt.Sprintf("/scenes/%d", id))
			tab.Wait(uitest.Text("File Info"))
			w.Forget()
			tab.Click(uitest.Role("tab", "Plex"))
			showsScene(tab, s, "scene-tab-"+s.name)
			if ops := w.Ops(); !slices.Equal(ops, []string{"scene"}) {
				t.Errorf("the tab called %v", ops)
			}
		})
	}
}

func showsScene(tab *uitest.Tab, s sceneState, name string) {
	tab.Helper()
	for _, says := range s.says {
		tab.Wait(uitest.Text(says))
	}
	if s.opens != "" {
		tab.Click(uitest.Button(s.opens))
		tab.Wait(uitest.Text("Before the first push"))
	}
	tab.Looks(name)
	tab.Clean()
}

func TestSceneOfAnAddressThatLeadsNowhere(t *testing.T) {
	w := uitest.NewWorld(t, 1)
	tab := w.Tab()
	for _, path := range []string{"scene", "scene/0", "scene/abc", "scene/-1", "scene/1e999", "nowhere"} {
		tab.Open("/plugins/stash-plex-sync/" + path)
		tab.Wait(uitest.Text("There is no such page"))
	}
	tab.Shot("scene-nowhere-1280")
	tab.Accessible(".plexsync")
	if ops := w.Ops(); slices.Contains(ops, "scene") {
		t.Errorf("an address without a scene called %v", ops)
	}
	tab.Click(uitest.Link("Go to the overview"))
	tab.WaitFor("location.pathname === '/plugins/stash-plex-sync'", "no overview")
	tab.Open("/plugins/stash-plex-sync/scene/4711")
	tab.Wait(uitest.Text("Stash has no such scene"))
}
