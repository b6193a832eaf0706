package uitest

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// Token is the token of the simulated Plex. It must not appear in any page, answer or log.
const Token = "tok-0123456789-secret"

// World is a Stash with the plugin, its web app, and a Plex.
type World struct {
	testing.TB
	Stash   *stashtest.Server
	Host    *stashtest.Host
	Plex    *plextest.Server
	Section string         // of Plex, with the items of the scenes
	Keys    map[int]string // of the items in Plex, by the ids of the scenes
	Dir     string         // of Stash's configuration

	plugins string // the folder of Stash's plugins
	front   *front
}

// NewWorld starts everything, with n scenes of which Plex holds the files. It skips the test if there is no browser.
func NewWorld(t testing.TB, n int) *World {
	t.Helper()
	need(t)
	w := &World{TB: t, Dir: t.TempDir(), Keys: make(map[int]string), Plex: plextest.New(Token), plugins: t.TempDir()}
	common := builds(t)
	w.must(copyTree(filepath.Join(common, stashtest.PluginID), filepath.Join(w.plugins, stashtest.PluginID)))
	var err error
	w.Stash, err = stashtest.New()
	w.must(err)
	w.must(w.Stash.Start())
	t.Cleanup(w.Stash.Stop)
	w.must(w.Plex.Start())
	t.Cleanup(w.Plex.Stop)
	w.Section = w.Plex.AddSection("Videos", "movie")
	for range n {
		w.AddScene("")
	}
	w.Settings(nil)
	w.Host, err = stashtest.NewHost(w.Stash, w.plugins, w.Dir)
	w.must(err)
	t.Cleanup(w.Host.Close)
	t.Cleanup(w.look)
	w.front = newFront(w, common)
	w.Stash.SetApp(w.front.app())
	t.Cleanup(w.front.close)
	return w
}

// look looks for the token in the log, and shows the log of a test that has failed.
func (w *World) look() {
	for _, l := range w.Host.Lines() {
		if strings.Contains(l.Text, Token) {
			w.Errorf("the token is in the log: %s", l.Text)
		}
	}
	if w.Failed() {
		for _, l := range w.Host.Lines() {
			w.Log(l.Level, l.Text)
		}
	}
}

func (w *World) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Settings sets the plugin's settings, by their keys in the yml: the address and token of Plex, and more.
func (w *World) Settings(more map[string]any) {
	set := map[string]any{"05plexUrl": w.Plex.URL(), "10plexToken": Token}
	maps.Copy(set, more)
	w.Stash.SetSettings(stashtest.PluginID, set)
}

// AddScene adds a scene to Stash and its file to Plex, without any hook.
func (w *World) AddScene(title string) int {
	id := w.Stash.Add(stashtest.Scene{Title: title, Updated: time.Now().Add(-time.Hour)})[0]
	path, size := fmt.Sprintf("/data/videos/%d/clip%d.mp4", id%7, id), int64(1000+id)
	w.Stash.Change(id, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: path, Size: size, Duration: 10}} })
	w.Keys[id] = w.Plex.AddItem(w.Section, path, size)
	return id
}

// Edit gives a scene a title, as a person does: its hook fires.
func (w *World) Edit(id int, title string) {
	w.Host.Update(w.limit(), id, func(s *stashtest.Scene) { s.Title = title })
}

// Op calls an operation without the page, and returns its answer.
func (w *World) Op(mode string, more map[string]any) map[string]any {
	w.Helper()
	args := map[string]any{"mode": mode}
	maps.Copy(args, more)
	out, err := w.Host.Operation(w.limit(), args)
	w.must(err)
	answer, _ := out.(map[string]any)
	return answer
}

// Idle waits until no task runs or waits.
func (w *World) Idle() {
	w.Helper()
	w.must(w.Host.WaitIdle(w.limit()))
}

// Until waits until a condition holds outside of the pages, such as that no process of the plugin runs.
func (w *World) Until(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			w.Fatalf("not within %v: %s", patience, what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (w *World) limit() context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), 30*time.Second)
	w.Cleanup(cancel)
	return ctx
}

// Script replaces the script of the plugin's page, as an update does. Pages that are open keep theirs.
func (w *World) Script(text string) { w.write(stashtest.PluginID, "page.js", text) }

// Style replaces the style of the plugin's page.
func (w *World) Style(text string) { w.write(stashtest.PluginID, "page.css", text) }

// AddPlugin installs another plugin with nothing but a script for the page.
func (w *World) AddPlugin(id, script string) {
	w.write(id, id+".yml", "name: "+id+"\nui:\n  javascript: [page.js]\n")
	w.write(id, "page.js", script)
	w.Host.Reload()
}

func (w *World) write(plugin, name, text string) {
	w.Helper()
	path := filepath.Join(w.plugins, plugin, name)
	w.must(os.MkdirAll(filepath.Dir(path), 0o755))
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // it may be a link to what all tests share
		w.Fatal(err)
	}
	w.must(os.WriteFile(path, []byte(text), 0o644))
}

// Prefix puts a proxy in front of Stash that serves it below a path such as /stash.
func (w *World) Prefix(path string) { w.front.setPrefix(path) }

// URL returns the address of Stash's root, without a slash at its end.
func (w *World) URL() string { return w.front.url() }

// copyTree links the files of a folder into another.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(name, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		return os.Link(name, target)
	})
}
