package engine

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// The scenes of a faultWorld.
const (
	richScene = 1 // has everything that can be pushed
	lastPlain = 6 // 2 to 6 have a title
	twinScene = 7 // at times two items may be it
)

const answerWithin = 200 * time.Millisecond

// faultWorld is a lab with runs that make every kind of request.
type faultWorld struct {
	*lab
	owner   map[string]int // of rating keys
	names   map[string]int // ids of tags and others in Stash, by name
	version map[int]int    // of what Stash shows of each scene

	hidden, late int // scenes with a file that Plex finds only by a scan, and after the last reading
}

// empty returns a shared Stash to its first state, but for its clock and zone.
func empty(stash *stashtest.Server) {
	for id := range 1000 {
		stash.Drop(id)
	}
	stash.Heal()
	stash.Forget()
}

// inFaultWorld runs f in a bubble of its own, with a Stash that is shared by all that come one after the other.
func inFaultWorld(t *testing.T, stash *stashtest.Server, f func(w *faultWorld)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		empty(stash)
		w := &faultWorld{lab: newLab(t, stash, dir), owner: make(map[string]int), version: make(map[int]int), late: 100}
		w.Config.ScanPlex = true
		client, err := plexapi.New(plexapi.Config{
			URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1",
			Transport: w.plex.Transport(), Timeout: answerWithin, // so short that nothing becomes due meanwhile
		})
		w.must(err)
		w.Plex = client
		w.Stash, err = stashapi.New(stashtest.Connection(), stashapi.Options{Transport: stash.Transport(), Timeout: answerWithin})
		w.must(err)
		w.plex.Configure(func(o *plextest.Options) { o.NoSelect = true })
		w.nameAll()
		for range lastPlain {
			w.add()
		}
		w.stash.Add(stashtest.Scene{ID: twinScene, Updated: time.Now().Add(-time.Hour), Files: []stashtest.File{{Path: "/stash/twin.mp4", Size: 77}}})
		w.keys[twinScene] = w.plex.AddItem(w.section, "/plex/a/twin.mp4", 77)
		w.plex.Edit(w.keys[richScene], func(it *plextest.Item) { it.Tags["genre"], it.Tags["actor"] = []string{"Plex's"}, []string{"Extra"} })
		for id, key := range w.keys {
			w.version[id] = 0
			w.hold(id, key)
		}
		f(w)
		if n := w.plex.Careless(); n > 0 {
			t.Errorf("%d careless edits", n)
		}
		if n := w.plex.MostWrites(); n > 1 {
			t.Errorf("%d writes at the same time", n)
		}
		if t.Failed() {
			t.Log(strings.ReplaceAll(w.log.String(), "\x01", " "))
		}
	})
}

func (w *faultWorld) nameAll() {
	w.names = make(map[string]int)
	for kind, list := range map[string][]string{
		"tag": {"Old", "New", "Kept"}, "performer": {"Ann", "Bea"}, "studio": {"Studio", "Other"}, "group": {"Group", "Sequel"},
	} {
		for i, name := range list {
			w.names[name] = w.stash.Name(kind, i+1, name)
		}
	}
}

// ask gives scenes something new to show, and asks for them.
func (w *faultWorld) ask(priority int, ids ...int) {
	w.Helper()
	for _, id := range ids {
		w.version[id]++
		w.stash.Change(id, func(s *stashtest.Scene) {
			s.Title = fmt.Sprintf("Title %d.%d", id, w.version[id])
			switch id {
			case richScene:
				w.enrich(s, w.version[id])
			case w.late:
				s.Cover = jpeg(s.Title)
			}
		})
		_, err := w.Store.RecordHook(w.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: id, Reason: "edit", Priority: priority}})
		w.must(err)
	}
	pass(stashapi.ClockSlack + time.Second) // a version of this second may still change
}

// enrich changes everything that is pushed of a scene. A tag and a performer go and others come.
func (w *faultWorld) enrich(s *stashtest.Scene, version int) {
	rating := 1 + version%100
	odd := version % 2
	s.Details, s.Director, s.Rating100 = fmt.Sprint("Details ", version), fmt.Sprint("Director ", version), &rating
	s.Date = fmt.Sprintf("20%02d-02-03", version%100)
	s.Tags = []int{w.names["Kept"], w.names[[]string{"Old", "New"}[odd]]}
	s.Performers = []int{w.names[[]string{"Ann", "Bea"}[odd]]}
	s.Studio = w.names[[]string{"Studio", "Other"}[odd]]
	s.Groups, s.Cover = []int{w.names[[]string{"Group", "Sequel"}[odd]]}, jpeg(fmt.Sprint("cover ", version))
}

// arrived checks that Plex shows all scenes as Stash says, with what only Plex knows.
func (w *faultWorld) arrived() {
	w.Helper()
	for id, version := range w.version {
		if w.keys[id] == "" {
			w.Errorf("Plex has not found the file of scene %d", id)
			continue
		}
		it := w.plex.Item(w.keys[id])
		if title := fmt.Sprintf("Title %d.%d", id, version); it.Title != title || !it.Locked["title"] {
			w.Errorf("Plex shows scene %d as %q, locked: %v; want %q", id, it.Title, it.Locked["title"], title)
		}
		if data := string(it.Poster().Data); id == w.late && (data != string(jpeg(it.Title)) || !it.Locked["thumb"]) {
			w.Errorf("the poster of scene %d is %q, locked: %v", id, data, it.Locked["thumb"])
		}
		if id != richScene {
			continue
		}
		var want stashtest.Scene
		w.enrich(&want, version)
		odd := version % 2
		rating := -1.0
		if it.Rating != nil {
			rating = *it.Rating
		}
		got := fmt.Sprint(it.Summary, it.Date, it.Studio, sorted(it.Tags["genre"]), sorted(it.Tags["actor"]), it.Tags["director"], it.Tags["collection"], rating, string(it.Poster().Data))
		all := fmt.Sprint(want.Details, want.Date, []string{"Studio", "Other"}[odd], sorted([]string{"Kept", "Plex's", []string{"Old", "New"}[odd]}),
			sorted([]string{"Extra", []string{"Ann", "Bea"}[odd]}), []string{want.Director}, []string{[]string{"Group", "Sequel"}[odd]}, float64(*want.Rating100)/10, string(want.Cover))
		if got != all {
			w.Errorf("Plex shows %s, want %s", got, all)
		}
		for _, lock := range []string{"summary", "originallyAvailableAt", "studio", "genre", "actor", "director", "collection", "thumb"} {
			if !it.Locked[lock] {
				w.Errorf("%s is not locked", lock)
			}
		}
		if n := w.plex.Uploads(it.Key); n > version {
			w.Errorf("%d uploads for %d covers", n, version)
		}
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// A round is what makes one run send requests of many kinds, and what Plex must show in the end.
type round struct {
	name    string
	prepare func(w *faultWorld)
}

// rounds together make every kind of request there is. The first is that of a new world.
func rounds() []round {
	return []round{
		{"first", func(w *faultWorld) { w.ask(store.InBulk, slices.Sorted(maps.Keys(w.version))...) }},
		{"daily", func(w *faultWorld) {
			pass(plexindex.RereadAfter + time.Hour)
			w.ask(store.InBulk, 2)
		}},
		{"changes", (*faultWorld).change},
	}
}

// change changes everything. One scene is edited by a person while the index holds an item that is gone, one has
// a file that only a scan finds, and one a file that is new in Plex.
func (w *faultWorld) change() {
	w.takeAway(w.hidden, w.late)
	twin := w.plex.AddItem(w.section, "/plex/b/twin.mp4", 77)
	w.owner[twin] = twinScene
	pass(catchup.Every)
	_, err := w.RebuildIndex(w.Context()) // without the twin of an earlier round
	w.must(err)
	w.plex.Remove(twin)
	w.hidden, w.late = w.late+1, w.late+2
	hidden, late := fmt.Sprintf("/data/hidden/%d.mp4", w.hidden), fmt.Sprintf("/data/late/%d.mp4", w.late)
	w.stash.Add(stashtest.Scene{ID: w.hidden, Files: []stashtest.File{{Path: hidden, Size: 88}}},
		stashtest.Scene{ID: w.late, Files: []stashtest.File{{Path: late, Size: 99}}})
	w.plex.AddHidden(w.section, hidden, 88)
	w.hold(w.late, w.plex.AddItem(w.section, late, 99))
	w.ask(store.ByPerson, twinScene)
	w.ask(store.InBulk, 1, 2, 3, 4, 5, 6, w.hidden, w.late)
}

// takeAway removes the scenes that one round has added.
func (w *faultWorld) takeAway(ids ...int) {
	for _, id := range ids {
		if _, there := w.version[id]; !there {
			continue
		}
		w.stash.Drop(id)
		w.plex.Remove(w.keys[id])
		_, err := w.Store.RecordHook(w.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: id, Reason: "destroyed"}, Gone: true})
		w.must(err)
		delete(w.version, id)
	}
}

// hold notes which item shows a scene.
func (w *faultWorld) hold(id int, key string) { w.keys[id], w.owner[key] = key, id }

// findHidden notes which item the hidden file has become.
func (w *faultWorld) findHidden() {
	if key := w.plex.KeyOf(fmt.Sprintf("/data/hidden/%d.mp4", w.hidden)); key != "" {
		w.hold(w.hidden, key)
	}
}

// kindOf returns the kind of a request, without ids. Every kind must be tested.
func kindOf(r plextest.Request) string {
	query, _ := url.ParseQuery(r.Query)
	kind := r.Method + " " + number.ReplaceAllString(r.Path, "#")
	kind = several.ReplaceAllString(kind, "#…")
	switch {
	case r.Method == "PUT" && strings.HasSuffix(r.Path, "/all") || r.Method == "PUT" && strings.HasPrefix(r.Path, "/library/metadata/") && !query.Has("url"):
		what := " lock"
		for name := range query {
			switch {
			case strings.HasSuffix(name, "-"):
				return kind + " remove"
			case strings.HasSuffix(name, ".value") || strings.HasSuffix(name, ".tag.tag"):
				what = " set"
			}
		}
		return kind + what
	case query.Has("sort"):
		return kind + " " + query.Get("sort")
	}
	return kind
}

var (
	number  = regexp.MustCompile(`\d+`)
	several = regexp.MustCompile(`#(,#)+`)
)

// jobsOf returns the scenes with items in a request.
func (w *faultWorld) jobsOf(r plextest.Request) []int {
	query, _ := url.ParseQuery(r.Query)
	var keys []string
	if rest, ok := strings.CutPrefix(r.Path, "/library/metadata/"); ok {
		list, _, _ := strings.Cut(rest, "/")
		keys = strings.Split(list, ",")
	}
	for _, name := range []string{"id", "key"} {
		if query.Has(name) {
			keys = append(keys, query.Get(name))
		}
	}
	var jobs []int
	for _, k := range keys {
		if id := w.owner[k]; !slices.Contains(jobs, id) {
			jobs = append(jobs, id)
		}
	}
	return jobs
}

func sharedStash(t *testing.T) *stashtest.Server {
	t.Helper()
	stash, err := stashtest.New()
	if err != nil {
		t.Fatal(err)
	}
	return stash
}
