package main

import (
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// files returns what a folder holds, by name.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if all[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// put makes a folder hold these files and nothing else.
func put(t testing.TB, dir string, all map[string][]byte) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// harm is one way to damage a file.
type harm struct {
	name string
	do   func(r *rand.Rand, text []byte) []byte
}

const pageSize = 4096

// harms are what crashes, disks and people do to files.
func harms() []harm {
	spots := func(r *rand.Rand, text []byte, spots, longest int, with func() byte) []byte {
		for range 1 + r.IntN(spots) {
			at := r.IntN(len(text))
			for i := at; i < min(len(text), at+1+r.IntN(longest)); i++ {
				text[i] = with()
			}
		}
		return text
	}
	return []harm{
		{"a few bytes", func(r *rand.Rand, text []byte) []byte {
			return spots(r, text, 3, 4, func() byte { return byte(r.Uint32()) })
		}},
		{"many bytes", func(r *rand.Rand, text []byte) []byte {
			return spots(r, text, 8, 3*pageSize, func() byte { return byte(r.Uint32()) })
		}},
		{"zeros", func(r *rand.Rand, text []byte) []byte {
			return spots(r, text, 4, 2*pageSize, func() byte { return 0 })
		}},
		{"cut", func(r *rand.Rand, text []byte) []byte { return text[:r.IntN(len(text)+1)] }},
		{"cut at a page", func(r *rand.Rand, text []byte) []byte { return text[:r.IntN(len(text)/pageSize+1)*pageSize] }},
		{"a page in another's place", func(r *rand.Rand, text []byte) []byte {
			pages := len(text) / pageSize
			if pages < 2 {
				return text
			}
			from, to := r.IntN(pages)*pageSize, r.IntN(pages)*pageSize
			copy(text[to:to+pageSize], text[from:from+pageSize])
			return text
		}},
	}
}

// past is a moment of the queue to which every case goes back.
type past struct {
	files, before map[string][]byte // before: some time before that
	memory        map[string]string // what was known of each item
}

// withAPast gives a world scenes of which 1 to 7 were edited since they were pushed: of 1 to 4 only their
// jobs know, which wait after a failure; of 5 to 7 only the log.
func withAPast(t *testing.T) (*world, past) {
	t.Helper()
	w := newWorld(t, 40)
	w.occupied()
	var all []int
	for id := range w.keys {
		all = append(all, id)
		w.plex.Edit(w.keys[id], func(it *plextest.Item) { it.Tags["genre"] = []string{"Theirs"} })
	}
	tag := w.stash.Name("tag", 0, "Ours")
	w.host.BulkUpdate(w.context(), all, func(s *stashtest.Scene) { s.Title, s.Tags = "One", []int{tag} })
	w.process() // at whose end a copy is made
	w.bulk("Two", 1, 2, 3, 4)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	w.sql(`UPDATE meta SET at = at - 3600000 WHERE key <> 'last_copy'`)
	w.process()
	w.plex.Heal()
	p := past{before: files(t, w.folder())}
	w.bulk("Two", 5, 6, 7)
	p.files, p.memory = files(t, w.folder()), w.memory()
	if len(p.files["queue.db-wal"]) == 0 || len(p.memory) != len(all) || w.count("job WHERE attempts = 1") != 4 {
		t.Fatalf("the past is not as it should be: %d items", len(p.memory))
	}
	return w, p
}

// memory is what the queue remembers of each item as it was before the first push.
func (w *world) memory() map[string]string {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?mode=ro&_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	rows, err := db.Query(`SELECT rating_key, COALESCE(json_extract(base, '$.original'), '') FROM item`)
	w.must(err)
	defer rows.Close()
	known := make(map[string]string)
	for rows.Next() {
		var key, before string
		w.must(rows.Scan(&key, &before))
		known[key] = before
	}
	w.must(rows.Err())
	return known
}

// verdict is what SQLite finds in a copy of the queue, all of it looked at.
func (w *world) verdict() string {
	w.Helper()
	dir := w.TempDir()
	put(w, dir, files(w, w.folder()))
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "queue.db"))
	w.must(err)
	defer db.Close()
	var text string
	if err := db.QueryRow(`PRAGMA integrity_check(1)`).Scan(&text); err != nil {
		return err.Error()
	}
	return text
}

// damage goes back to the past and damages it, and says how.
func (w *world) damage(r *rand.Rand, p past) string {
	w.Helper()
	all := make(map[string][]byte)
	for name, text := range p.files {
		all[name] = slices.Clone(text)
	}
	if r.IntN(2) == 0 { // the index of the log ends with the system
		delete(all, "queue.db-shm")
	}
	how := ""
	switch r.IntN(10) {
	case 0:
		all["queue.db-wal"], how = slices.Clone(p.before["queue.db"]), "the log is another file"
	case 1:
		delete(all, "queue.db-wal")
		how = "the log is gone"
	default:
		h := harms()[r.IntN(len(harms()))]
		for _, name := range [][]string{{"queue.db"}, {"queue.db"}, {"queue.db"}, {"queue.db-wal"}, {"queue.db", "queue.db-wal"}, {"index.db"}}[r.IntN(6)] {
			all[name] = h.do(r, all[name])
			how += name + ": " + h.name + " "
		}
	}
	put(w, w.folder(), all)
	for id := 1; id <= 8; id++ {
		w.plex.Edit(w.keys[id], func(it *plextest.Item) { it.Title = "One" })
	}
	return how
}

// age lets a day pass, if the queue can be written.
func (w *world) age() {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	db.Exec(`UPDATE job SET due_at = due_at - 90000000`) // one that is damaged is mended first
	db.Exec(`UPDATE meta SET at = at - 90000000`)
}

// survive damages the queue, edits a scene and lets runs follow, and checks that everything arrives.
func (w *world) survive(seed uint64, p past) {
	w.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	how := w.damage(r, p)
	silent := w.verdict() == "ok"
	before := len(w.host.Lines())
	title := fmt.Sprint("Edit ", seed)
	w.bulk(title, 8)
	told := [][]string{w.failures(before)}
	for range 4 {
		told = append(told, w.run())
		w.age()
	}
	complain := func(format string, args ...any) {
		w.Errorf("seed %d, %s (silent: %v): %s; told %q", seed, how, silent, fmt.Sprintf(format, args...), told)
	}
	if got := w.verdict(); got != "ok" {
		complain("the queue is not whole in the end: %s", got)
		return
	}
	for id := 1; id <= 8; id++ {
		want := "Two"
		if id == 8 {
			want = title
		}
		if got := w.plex.Item(w.keys[id]).Title; got != want {
			complain("Plex shows scene %d as %q, want %q", id, got, want)
		}
	}
	if n, dead := w.count("job"), w.count("dead_letter"); n+dead > 0 {
		complain("%d jobs and %d dead letters are left", n, dead)
	}
	// What is lost without a sign is learned anew from Plex, as it is by then, until somebody sees the damage.
	seen := len(told[0]) > 0 || len(told[1]) > 0 && strings.Contains(told[1][0], "was moved aside")
	if known := w.memory(); len(known) != len(p.memory) || seen && !maps.Equal(known, p.memory) {
		complain("of %d items %d are known", len(p.memory), len(known))
	}
	for _, list := range told {
		if len(list) > 1 || len(list) == 1 && !strings.Contains(list[0], "damage") {
			complain("that is not one clear message")
		}
	}
}

func TestTortureDamagedFilesLoseNothing(t *testing.T) {
	given := torture(t)
	w, p := withAPast(t)
	began, first := time.Now(), uint64(1)
	if given > 0 {
		first = rand.Uint64N(1e9)
	}
	seed := first
	for ; seed < first+8 || time.Since(began) < given; seed++ {
		w.survive(seed, p)
	}
	t.Logf("%d damaged queues, from seed %d", seed-first, first)
}
