package main

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look into the queue as a stranger

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// pluginDir holds the built binary and the repository's own yml, as Stash's plugins folder does.
var pluginDir string

func TestMain(m *testing.M) {
	if text := os.Getenv(stashVariable); text != "" {
		os.Exit(liveAsStash(text))
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	if len(os.Args) == 0 { // never: but it links the whole program, and go test caches results by what is linked
		main()
	}
	os.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")                         // no test reaches plex.tv, unless it names a proxy of its own
	if pluginDir = os.Getenv("STASH_PLEX_SYNC_PLUGINS"); pluginDir != "" { // built already, for where there is no Go
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "stash-plex-sync-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	pluginDir = filepath.Join(dir, "plugins")
	if err := buildPlugin(pluginDir, "0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// buildPlugin builds the plugin into a folder of plugins, with or without cgo and with further words for the Go
// command.
func buildPlugin(plugins, cgo string, flags ...string) error {
	folder := filepath.Join(plugins, stashtest.PluginID)
	build := exec.Command("go", slices.Concat([]string{"build"}, flags, []string{"-o", folder + "/", "."})...)
	build.Env = append(os.Environ(), "CGO_ENABLED="+cgo)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	yml, err := os.ReadFile("../../stash-plex-sync.yml")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, stashtest.PluginID+".yml"), yml, 0o644)
}

const token = "tok-0123456789-secret"

// world is a Stash with the plugin and a Plex, each scene with its item.
type world struct {
	testing.TB
	stash   *stashtest.Server
	host    *stashtest.Host
	plex    *plextest.Server
	section string
	dir     string // of Stash's configuration
	keys    map[int]string
}

// newWorld starts everything, with n scenes of which Plex holds the files.
func newWorld(t testing.TB, n int) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("runs processes")
	}
	w := &world{TB: t, dir: t.TempDir(), keys: make(map[int]string), plex: plextest.New(token)}
	var err error
	if w.stash, err = stashtest.New(); err != nil {
		t.Fatal(err)
	}
	w.must(w.stash.Start())
	t.Cleanup(w.stash.Stop)
	w.must(w.plex.Start())
	t.Cleanup(w.plex.Stop)
	w.section = w.plex.AddSection("Videos", "movie")
	for range n {
		w.addScene()
	}
	w.settings(nil)
	if w.host, err = stashtest.NewHost(w.stash, pluginDir, w.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.host.Close)
	t.Cleanup(func() {
		if n := w.plex.Careless(); n > 0 {
			t.Errorf("%d edits named no item: they change a whole library", n)
		}
		if n := w.plex.MostWrites(); n > 1 {
			t.Errorf("%d writes at the same time", n)
		}
		for _, l := range w.host.Lines() {
			if strings.Contains(l.Text, token) {
				t.Errorf("the token is in the log: %s", l.Text)
			}
			if len(l.Text) > 4096 {
				t.Errorf("a log line of %d bytes", len(l.Text))
			}
		}
		if t.Failed() {
			for _, l := range w.host.Lines() {
				t.Log(l.Level, l.Text)
			}
		}
	})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) settings(more map[string]any) {
	set := map[string]any{"plexUrl": w.plex.URL(), "plexToken": token, "debugLog": true}
	maps.Copy(set, more)
	w.stash.SetSettings("stash-plex-sync", set)
}

// hostOf makes another folder of plugins the one that the world's Stash runs.
func (w *world) hostOf(plugins string) {
	w.Helper()
	w.host.Close() // it would go on to take tasks from the queue
	host, err := stashtest.NewHost(w.stash, plugins, w.dir)
	w.must(err)
	w.Cleanup(host.Close)
	w.host = host
}

// addScene adds a scene to Stash and its file to Plex, without any hook.
func (w *world) addScene() int {
	id := w.stash.Add(stashtest.Scene{Updated: time.Now().Add(-time.Hour)})[0]
	path, size := fmt.Sprintf("/data/videos/%d/clip%d.mp4", id%7, id), int64(1000+id)
	w.stash.Change(id, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: path, Size: size, Duration: 10}} })
	w.keys[id] = w.plex.AddItem(w.section, path, size)
	return id
}

func (w *world) context() context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), 30*time.Second)
	w.Cleanup(cancel)
	return ctx
}

// edit gives a scene a title, as a person does.
func (w *world) edit(id int, title string) {
	w.host.Update(w.context(), id, func(s *stashtest.Scene) { s.Title = title })
}

func (w *world) idle() {
	w.Helper()
	w.must(w.host.WaitIdle(w.context()))
}

// busy puts a job of Stash's own behind whatever runs, so that no run of ours waits for anything: with
// somebody waiting behind it, a run ends as soon as nothing is due.
func (w *world) busy() (release func()) { return w.stash.Hold("Scanning...") }

// process runs "Process queue" as a click does, and returns when it has ended.
func (w *world) process() map[string]any {
	w.Helper()
	return w.op(map[string]any{"mode": "process"})
}

// op calls an operation and returns its result.
func (w *world) op(args map[string]any) map[string]any {
	w.Helper()
	out, err := w.host.Operation(w.context(), args)
	w.must(err)
	m, ok := out.(map[string]any)
	if !ok {
		w.Fatalf("%v returned %v", args, out)
	}
	return m
}

func (w *world) wantTitle(id int, title string) {
	w.Helper()
	if got := w.plex.Item(w.keys[id]).Title; got != title {
		w.Errorf("Plex shows scene %d as %q, want %q", id, got, title)
	}
}

func (w *world) database() string { return filepath.Join(w.dir, "stash-plex-sync", "queue.db") }

// sql runs a statement on the queue, as time passing or a stranger would.
func (w *world) sql(query string, args ...any) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(query, args...)
	w.must(err)
}

// get reads one value from the queue.
func (w *world) get(query string, to ...any) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	w.must(db.QueryRow(query).Scan(to...))
}

// ownVersion gives the queue the schema version that this build writes.
func (w *world) ownVersion() {
	w.Helper()
	migrations, err := filepath.Glob("../../store/migrations/*.sql")
	w.must(err)
	w.sql(fmt.Sprintf(`PRAGMA user_version = %d`, len(migrations)))
}

// pass lets time pass for everything that waits.
func (w *world) pass(d time.Duration) {
	w.Helper()
	w.sql(`UPDATE job SET due_at = due_at - ?`, d.Milliseconds())
	w.sql(`UPDATE breaker SET opened_at = opened_at - ?1, probe_at = probe_at - ?1, half_open_at = half_open_at - ?1`, d.Milliseconds())
}

// holdWrite makes Plex keep one write waiting after it has taken so many others, until it is told to answer.
func (w *world) holdWrite(after int) (answer func()) {
	held := make(chan struct{})
	w.plex.Inject(plextest.Fault{Method: "PUT", Skip: after, Times: 1, Until: held})
	answer = sync.OnceFunc(func() { close(held) })
	w.Cleanup(answer)
	return answer
}

// logged returns the lines that hold a text.
func (w *world) logged(text string) []stashtest.Line {
	var list []stashtest.Line
	for _, l := range w.host.Lines() {
		if strings.Contains(l.Text, text) {
			list = append(list, l)
		}
	}
	return list
}

// titled gives a scene a title.
func titled(title string) func(*stashtest.Scene) {
	return func(s *stashtest.Scene) { s.Title = title }
}
