package main

import (
	"cmp"
	"crypto/sha1"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// killWorld is a world whose processes are killed. Everything in it can be set back to an earlier moment.
type killWorld struct {
	*world
	first map[string]plextest.Item // by rating key: before the first push
}

// newKillWorld starts a world that runs the plugin of a folder, with n scenes. Plex has values of its own in
// the items of the first two.
func newKillWorld(t *testing.T, n int, plugins string) *killWorld {
	t.Helper()
	w := &killWorld{newWorld(t, n), make(map[string]plextest.Item)}
	w.hostOf(plugins)
	for kind, name := range map[string]string{"performer": "Jane", "studio": "Studio", "tag": "Ours", "group": "Group"} {
		w.stash.Name(kind, 1, name)
		w.stash.Name(kind, 2, "Other "+kind)
	}
	w.furnish(1)
	w.plex.Edit(w.keys[2], func(it *plextest.Item) {
		it.Tags["genre"], it.Tags["collection"], it.Locked["genre"], it.Locked["studio"] = []string{"Theirs"}, []string{"Group"}, true, true
	})
	for _, key := range w.keys {
		w.first[key] = w.plex.Item(key)
	}
	return w
}

// try calls an operation that may be killed, so that an error means nothing.
func (w *killWorld) try(args map[string]any) { w.host.Operation(w.context(), args) }

func (w *killWorld) run() { w.try(map[string]any{"mode": "process"}) }

// moment is all that a world holds at some time.
type moment struct {
	data   string // copy of the data folder
	items  map[string]plextest.Item
	scenes []stashtest.Scene
	keys   map[int]string
	names  map[string][]string
}

func (w *killWorld) remember() moment {
	w.Helper()
	m := moment{filepath.Join(w.TempDir(), "data"), make(map[string]plextest.Item), nil, maps.Clone(w.keys), make(map[string][]string)}
	if _, err := os.Stat(w.data()); err == nil {
		w.must(os.CopyFS(m.data, os.DirFS(w.data())))
	}
	for key := range w.first {
		m.items[key] = w.plex.Item(key)
	}
	for _, id := range slices.Sorted(maps.Keys(w.keys)) {
		if s, there := w.stash.Scene(id); there {
			m.scenes = append(m.scenes, s)
		}
	}
	for _, kind := range []string{"performer", "studio", "tag", "group"} {
		m.names[kind] = w.stash.Names(kind, 1, 2)
	}
	return m
}

// goBack makes the world what it was at a moment.
func (w *killWorld) goBack(m moment) {
	w.Helper()
	w.heal()
	w.must(os.RemoveAll(w.data()))
	if _, err := os.Stat(m.data); err == nil {
		w.must(os.CopyFS(w.data(), os.DirFS(m.data)))
		w.must(filepath.Walk(w.data(), func(path string, fi os.FileInfo, err error) error {
			if err == nil && !fi.IsDir() {
				return os.Chmod(path, 0o600)
			}
			return cmp.Or(err, os.Chmod(path, 0o700))
		}))
	}
	for key, it := range m.items {
		w.plex.Edit(key, func(now *plextest.Item) {
			*now = it
			now.Tags, now.Locked, now.Posters, now.Arts = make(map[string][]string), maps.Clone(it.Locked), slices.Clone(it.Posters), slices.Clone(it.Arts)
			for kind, tags := range it.Tags {
				now.Tags[kind] = slices.Clone(tags)
			}
		})
	}
	for id := range w.keys {
		w.stash.Drop(id)
	}
	for _, s := range m.scenes {
		w.stash.Import(s)
	}
	w.keys = maps.Clone(m.keys)
	for kind, names := range m.names {
		for i, name := range names {
			w.stash.Name(kind, i+1, name)
		}
	}
}

func (w *killWorld) heal() {
	w.plex.Heal()
	w.plex.Configure(func(o *plextest.Options) { o.Refuse = nil })
}

func (w *killWorld) data() string { return filepath.Dir(w.database()) }

// want is what Plex has to show of an item: what Stash says, and where that is nothing what it showed before.
// Tags that only Plex has stay.
func (w *killWorld) want(key string, s stashtest.Scene) plextest.Item {
	first := w.first[key]
	it := visibleOf(first)
	it.Title, it.Summary, it.Date = cmp.Or(s.Title, it.Title), cmp.Or(s.Details, it.Summary), cmp.Or(s.Date, it.Date)
	if s.Rating100 != nil {
		rating := float64(*s.Rating100) / 10
		it.Rating = &rating
	}
	it.Studio = strings.Join(append(w.stash.Names("studio", s.Studio), it.Studio)[:1], "")
	for kind, names := range map[string][]string{
		"actor": w.stash.Names("performer", s.Performers...), "genre": w.stash.Names("tag", s.Tags...),
		"collection": w.stash.Names("group", s.Groups...), "director": slices.DeleteFunc([]string{s.Director}, func(d string) bool { return d == "" }),
	} {
		if all := append(slices.Clone(it.Tags[kind]), names...); len(all) > 0 {
			it.Tags[kind] = slices.Compact(slices.Sorted(slices.Values(all)))
		}
	}
	if s.Cover != nil {
		sum := sha1.Sum(s.Cover)
		it.Posters = []plextest.Picture{{Key: "upload://posters/" + hex.EncodeToString(sum[:])}}
	}
	it.Locked = nil
	return it
}

// wantAsStashSays checks every field of every scene that Stash holds but some.
func (w *killWorld) wantAsStashSays(when string, but ...int) {
	w.Helper()
	for _, id := range slices.Sorted(maps.Keys(w.keys)) {
		s, there := w.stash.Scene(id)
		if !there || slices.Contains(but, id) {
			continue
		}
		got, want := w.visible(id), w.want(w.keys[id], s)
		got.Locked = nil
		if !reflect.DeepEqual(got, want) {
			w.Errorf("%s: scene %d: Plex shows %s\nwant %s", when, id, asJSON(got), asJSON(want))
		}
	}
}

// wantFirst checks that every item is what it was before the first push, and that nothing of it is remembered.
func (w *killWorld) wantFirst(when string) {
	w.Helper()
	for key, first := range w.first {
		if got, want := visibleOf(w.plex.Item(key)), visibleOf(first); !reflect.DeepEqual(got, want) {
			w.Errorf("%s: item %s is %s\nbefore the first push it was %s", when, key, asJSON(got), asJSON(want))
		}
	}
	for key, memory := range w.memory() {
		if memory != `{}` {
			w.Errorf("%s: of item %s is remembered %s", when, key, memory)
		}
	}
}

// memory is what the queue remembers of each item: what it was before us, and what of it is ours.
func (w *killWorld) memory() map[string]string {
	w.Helper()
	var text string
	w.get(`SELECT json_group_object(rating_key, json(base)) FROM item`, &text)
	var all map[string]struct {
		Original map[string]any      `json:"original,omitempty"`
		Owned    map[string][]string `json:"owned,omitempty"`
	}
	w.must(json.Unmarshal([]byte(text), &all))
	memory := make(map[string]string)
	for key, m := range all {
		for _, tags := range m.Owned {
			slices.Sort(tags)
		}
		memory[key] = asJSON(m)
	}
	return memory
}

// left is what is still to be done: each job with its attempts, misses and unfinished claims, each dead letter
// with its class, and each change that is to be expanded.
func (w *killWorld) left() (list string) {
	w.Helper()
	w.get(`SELECT COALESCE(GROUP_CONCAT(line, ' '), '') FROM (
		SELECT format('%d:%d/%d/%d', scene_id, attempts, misses, unfinished) AS line FROM job
		UNION ALL SELECT format('%d:%s', scene_id, class) FROM dead_letter
		UNION ALL SELECT format('%s%d', kind, ref_id) FROM fanout ORDER BY line)`, &list)
	return list
}

// wantSound checks both files, and that no file waits in the inbox.
func (w *killWorld) wantSound(when string) {
	w.Helper()
	for _, name := range []string{"queue.db", "index.db"} {
		if _, err := os.Stat(filepath.Join(w.data(), name)); err != nil {
			continue
		}
		db, err := sql.Open("sqlite", "file:"+filepath.Join(w.data(), name)+"?_pragma=busy_timeout(10000)")
		w.must(err)
		var verdict string
		w.must(cmp.Or(db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict), db.Close()))
		if verdict != "ok" {
			w.Errorf("%s: %s: %s", when, name, verdict)
		}
	}
	waiting, err := filepath.Glob(filepath.Join(w.data(), "inbox", "*.json"))
	if err != nil || len(waiting) > 0 {
		w.Errorf("%s: in the inbox are %v (%v)", when, waiting, err)
	}
	if state := w.text(`SELECT state FROM breaker`); state != "closed" {
		w.Errorf("%s: the breaker is %s", when, state)
	}
}

// text reads one text from the queue.
func (w *killWorld) text(query string) (text string) {
	w.Helper()
	w.get(query, &text)
	return text
}

// later makes it so much later that the catch-up runs again, and what a process that died had claimed is due.
func (w *killWorld) later() {
	w.Helper()
	w.sql(`UPDATE meta SET at = at - 600000 WHERE key = 'last_catch_up'`)
	w.sql(`UPDATE job SET due_at = due_at - 5000 WHERE unfinished > 0`)
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// seeded returns the seed of a test, which SEED sets, and logs it.
func seeded(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return seed
}
