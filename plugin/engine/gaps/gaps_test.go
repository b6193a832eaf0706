package gaps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// world is a Stash and an index of Plex's files. There is no Plex: a request to it would be a nil pointer.
type world struct {
	*testing.T
	stash  *stashtest.Server
	client *stashapi.Client
	db     *store.Store
	index  *plexindex.Index
	report *report.DB
	config push.Config
	names  []string // of libraries, from the settings
	room   func() error

	files map[string][]plexindex.File // by section
	next  int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{files: make(map[string][]plexindex.File), room: func() error { return nil }}
	w.T, _ = t.(*testing.T)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	w.stash, err = stashtest.New()
	must(err)
	w.client, err = stashapi.New(stashtest.Connection(), stashapi.Options{Transport: w.stash.Transport()})
	must(err)
	dir := filepath.Join(t.TempDir(), "data")
	w.db, err = store.Open(t.Context(), dir)
	must(err)
	w.index, err = plexindex.Open(t.Context(), dir)
	must(err)
	w.report, err = report.Open(t.Context(), dir)
	must(err)
	t.Cleanup(func() {
		w.report.Close()
		w.index.Close()
		w.db.Close()
	})
	must(w.db.SetMeta(t.Context(), time.Now(), store.KeyServer, "S"))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// file adds a file of Plex.
func (w *world) file(section, path string, size int64) {
	w.next++
	w.files[section] = append(w.files[section], plexindex.File{Section: section, RatingKey: fmt.Sprint(1000 + w.next), Path: path, Size: size, AddedAt: int64(w.next)})
}

// read puts the files into the index.
func (w *world) read(unread ...string) {
	w.Helper()
	for _, section := range slices.Sorted(maps.Keys(w.files)) {
		state := plexindex.ListingState{Section: section, Title: "Library " + section, Position: -1, CompleteAt: time.Now()}
		if slices.Contains(unread, section) {
			state.Position, state.CompleteAt = 1, time.Time{}
		}
		w.must(w.index.Apply(w.Context(), "S", plexindex.Page{Files: w.files[section], After: state}))
	}
}

// compare compares once, continuing the report with the id.
func (w *world) compare(id int64) (Counts, string, int64, error) {
	w.Helper()
	r, err := w.report.Start(w.Context(), time.Now(), report.Gaps, 0, id)
	w.must(err)
	defer r.Close()
	c := Comparison{
		Store: w.db, Index: w.index, Stash: w.client, Config: w.config, Libraries: w.names, Report: r,
		Now: time.Now, Progress: func(float64) {}, Room: func(context.Context) error { return w.room() },
	}
	counts, stopped, err := c.Run(w.Context())
	return counts, stopped, r.ID, err
}

// found returns what a report lists: "scene" or "path of Plex", by kind.
func (w *world) found(id int64) map[string][]string {
	w.Helper()
	found := make(map[string][]string)
	for after := int64(0); ; {
		rows, next, err := w.report.Rows(w.Context(), id, "", after, 200, 1<<20)
		w.must(err)
		for _, r := range rows {
			var d FileDetails
			w.must(json.Unmarshal(r.Details, &d))
			what := fmt.Sprint(r.SceneID)
			if r.Kind == NotInStash {
				what = strings.Trim(d.Items[0].Path, "\ufdd0\ufdd1") + " " + d.Items[0].RatingKey
			}
			found[r.Kind] = append(found[r.Kind], what)
		}
		if after = next; next == 0 {
			return found
		}
	}
}

// oracle is what a world must be reported as, known from how it was made.
type oracle struct {
	counts Counts
	found  map[string][]string
}

func (o *oracle) add(kind string, n *int, what any) {
	*n++
	o.found[kind] = append(o.found[kind], fmt.Sprint(what))
}

// populate makes a random world in which no scene resembles another, so that how a scene was made tells its class.
func populate(w *world, random *rand.Rand, scenes int) *oracle {
	o := &oracle{found: make(map[string][]string)}
	o.counts.UnreadLibraries = []string{}
	w.config = push.Config{PathMap: []match.PathPair{{From: "/mapped", To: "/plex"}}, Filter: push.Filter{ExcludeTags: []string{"Hidden"}}}
	tag := w.stash.Name("tag", 0, "Hidden")
	w.stash.Add(stashtest.Scene{Title: "empty", Tags: []int{tag}})
	o.counts.Scenes, o.counts.NoFile = 1, 1
	for i := range scenes {
		size := int64(10_000 + i)
		path := fmt.Sprintf("/data/%d/clip%d.mp4", i%5, i)
		scene := stashtest.Scene{Title: fmt.Sprint("T", i), Organized: true}
		c := &o.counts
		c.Scenes++
		inPlex := func(n, doubtful int) {
			c.Files += n + doubtful
			c.FilesInStash += n
			c.FilesDoubtful += doubtful
		}
		id := i + 2
		switch random.IntN(9) {
		case 0: // in Plex
			w.file("1", path, size)
			inPlex(1, 0)
			c.InPlex++
		case 1: // in Plex by the path map
			path = fmt.Sprintf("/mapped/%d/clip%d.mp4", i%5, i)
			w.file("1", fmt.Sprintf("/plex/%d/clip%d.mp4", i%5, i), size)
			inPlex(1, 0)
			c.InPlex++
		case 2:
			o.add(NotInPlex, &c.NotInPlex, id)
		case 3: // name and size
			w.file("2", fmt.Sprintf("/elsewhere/clip%d.mp4", i), size)
			inPlex(0, 1)
			o.add(Doubtful, &c.Doubtful, id)
		case 4: // folders, with another size
			w.file("2", fmt.Sprintf("/other/data/%d/clip%d.mp4", i%5, i), 1)
			inPlex(0, 1)
			o.add(Doubtful, &c.Doubtful, id)
		case 5:
			w.file("1", fmt.Sprintf("/elsewhere/a/clip%d.mp4", i), size)
			w.file("2", fmt.Sprintf("/elsewhere/b/clip%d.mp4", i), size)
			inPlex(0, 2)
			o.add(Ambiguous, &c.Ambiguous, id)
		case 6: // twice, in two libraries or in one
			w.file("1", path, size)
			w.file(fmt.Sprint(1+random.IntN(2)), path, size)
			inPlex(2, 0)
			o.add(Several, &c.Several, id)
		case 7: // left out, in Plex or not
			scene.Tags = []int{tag}
			if c.LeftOut++; random.IntN(2) == 0 {
				w.file("1", path, size)
				inPlex(1, 0)
			}
		case 8:
			w.stash.Add(scene)
			c.NoFile++
			continue
		}
		scene.Files = []stashtest.File{{Path: path, Size: size}}
		w.stash.Add(scene)
	}
	for i := range scenes / 3 { // files without a scene
		w.file(fmt.Sprint(1+random.IntN(2)), fmt.Sprintf("/plex/only%d.mp4", i), int64(i+1))
		o.counts.Files++
		o.add(NotInStash, &o.counts.NotInStash, fmt.Sprintf("/plex/only%d.mp4 %d", i, 1000+w.next))
	}
	return o
}

func (o *oracle) check(t *testing.T, name string, counts Counts, found map[string][]string) {
	t.Helper()
	for _, m := range []map[string][]string{o.found, found} {
		for kind := range m {
			slices.Sort(m[kind])
		}
	}
	if !reflect.DeepEqual(counts, o.counts) {
		t.Errorf("%s: counts\n%+v, want\n%+v", name, counts, o.counts)
	}
	if !reflect.DeepEqual(found, o.found) {
		t.Errorf("%s: found\n%v, want\n%v", name, found, o.found)
	}
	c := counts
	if c.Scenes != c.InPlex+c.LeftOut+c.NoFile+c.NotInPlex+c.Several+c.Ambiguous+c.Doubtful+c.Unread || c.Files != c.FilesInStash+c.FilesDoubtful+c.NotInStash {
		t.Errorf("%s: some are in no class, or in two: %+v", name, c)
	}
}

func TestEachSceneAndEachFileIsInOneClass(t *testing.T) {
	for seed := range uint64(6) {
		w := newWorld(t)
		o := populate(w, rand.New(rand.NewPCG(seed, 1)), 150)
		w.read()
		counts, stopped, id, err := w.compare(0)
		if err != nil || stopped != "" {
			t.Fatalf("seed %d: %q, %v", seed, stopped, err)
		}
		o.check(t, fmt.Sprint("seed ", seed), counts, w.found(id))
	}
}

// A comparison that ends after any page, in both of its halves, finds the same as one that does not.
func TestComparisonContinuesWhereItEnded(t *testing.T) {
	w := newWorld(t)
	o := populate(w, rand.New(rand.NewPCG(9, 9)), 1300)
	w.read()
	ends := errors.New("another job waits")
	w.room = func() error { return ends }
	var id int64
	parts := 0
	for {
		counts, _, at, err := w.compare(id)
		if id = at; err == nil {
			o.check(t, "in parts", counts, w.found(id))
			break
		}
		if !errors.Is(err, ends) {
			t.Fatal(err)
		}
		parts++
	}
	if parts < 15 { // 14 batches and a page of files at least
		t.Errorf("it ended in only %d parts", parts)
	}
}

func TestUnreadLibrariesAreNamed(t *testing.T) {
	w := newWorld(t)
	if _, stopped, _, err := w.compare(0); err != nil || !strings.Contains(stopped, "Rebuild Plex index") {
		t.Errorf("without an index: %q, %v", stopped, err)
	}
	w.stash.Add(stashtest.Scene{Files: []stashtest.File{{Path: "/a/x.mp4", Size: 1}}}, stashtest.Scene{Files: []stashtest.File{{Path: "/a/y.mp4", Size: 1}}})
	w.file("1", "/a/x.mp4", 1)
	w.file("2", "/b/z.mp4", 1)
	w.file("3", "/c/z.mp4", 2)
	w.read("2")
	counts, _, _, err := w.compare(0)
	if err != nil || !reflect.DeepEqual(counts.UnreadLibraries, []string{"Library 2"}) || counts.InPlex != 1 || counts.Unread != 1 || counts.NotInStash != 2 {
		t.Errorf("%+v, %v", counts, err)
	}
	w.names = []string{"Library 1", "Library 9"}
	counts, _, _, err = w.compare(0)
	if err != nil || !reflect.DeepEqual(counts.UnreadLibraries, []string{"Library 9"}) || counts.Unread != 1 || counts.Files != 1 {
		t.Errorf("of named libraries: %+v, %v", counts, err)
	}
	w.names = []string{"Library 9"}
	if _, stopped, _, err := w.compare(0); err != nil || !strings.Contains(stopped, "plexLibraries") {
		t.Errorf("of none: %q, %v", stopped, err)
	}
	w.names, w.config.Filter.ExcludeTags = nil, []string{"Unknown"}
	if _, stopped, _, err := w.compare(0); err != nil || !strings.Contains(stopped, "excludeTags") {
		t.Errorf("with an unknown tag: %q, %v", stopped, err)
	}
}

// One query to Stash a thousand scenes, besides what doubtful files need.
func TestFewQueriesToStash(t *testing.T) {
	w := newWorld(t)
	for i := range 2500 {
		path := fmt.Sprintf("/data/%d.mp4", i)
		w.stash.Add(stashtest.Scene{Files: []stashtest.File{{Path: path, Size: 1}}})
		if i%2 == 0 {
			w.file("1", path, 1)
		}
	}
	w.read()
	w.stash.Forget()
	counts, _, _, err := w.compare(0)
	if n := len(w.stash.Queries()); err != nil || n != 3 || counts.InPlex != 1250 || counts.NotInPlex != 1250 {
		t.Errorf("%d queries: %+v, %v", n, counts, err)
	}
}

// choose chooses a file of Plex for a scene.
func (w *world) choose(scene int, path string) {
	w.Helper()
	w.must(w.db.EnqueueWith(w.Context(), time.Now(), func(tx *sqlitefile.Tx) ([]store.Request, error) {
		_, err := chosen.Choose(w.Context(), tx, chosen.Choice{Server: "S", SceneID: scene, Path: path, RatingKey: "1", At: time.Now()}, nil)
		return nil, err
	}))
}

// A chosen file is not a gap, and the scene that fits it otherwise is, as in a push. A choice whose file is gone says so.
func TestChoicesDecide(t *testing.T) {
	w := newWorld(t)
	for i, path := range []string{"/a/one.mp4", "/a/two.mp4", "/a/three.mp4", "/a/four.mp4"} {
		w.stash.Add(stashtest.Scene{Files: []stashtest.File{{Path: path, Size: int64(i + 1)}}})
	}
	w.file("1", "/other/name.mp4", 77) // chosen for scene 1
	w.file("1", "/a/one.mp4", 1)       // fits scene 1, which has chosen another
	w.file("1", "/a/two.mp4", 2)       // chosen for scene 3
	w.file("1", "/a/four.mp4", 4)      // fits scene 4, whose chosen file is gone
	w.read()
	w.choose(1, "/other/name.mp4")
	w.choose(3, "/a/two.mp4")
	w.choose(4, "/gone.mp4")
	counts, stopped, id, err := w.compare(0)
	want := Counts{Scenes: 4, InPlex: 2, NotInPlex: 2, Files: 4, FilesInStash: 4, UnreadLibraries: []string{}}
	if err != nil || stopped != "" || !reflect.DeepEqual(counts, want) {
		t.Errorf("%+v, want %+v; %q, %v", counts, want, stopped, err)
	}
	rows, _, err := w.report.Rows(t.Context(), id, "", 0, 200, 1<<20)
	w.must(err)
	for i, c := range []struct {
		scene     int
		code, why string
	}{{2, "chosen_elsewhere", "was chosen for scene 3"}, {4, "chosen_gone", "that a person chose for it is gone"}} {
		var d FileDetails
		w.must(json.Unmarshal(rows[i].Details, &d))
		if rows[i].SceneID != c.scene || rows[i].Kind != NotInPlex || d.Because == nil || d.Because.Code != c.code || !strings.Contains(d.Why, c.why) {
			t.Errorf("row %d: %+v, %s, want %v", i, rows[i], rows[i].Details, c)
		}
	}
}
