// Command demo shows how the plugin works, without a real Stash or Plex: it runs the built plugin in Stash's own plugin
// host, with test servers for both. It prints each step and exits with an error if a result is not as expected.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const (
	token   = "demo-token-0123456789"
	timeout = 60 * time.Second
	scenes  = 9
	late    = 8 // the scene with a file that Plex has not scanned yet
	twice   = 9 // the scene with a file that is in Plex twice
)

func main() {
	plugins := flag.String("plugins", "dist", "folder with the built plugin, as Stash's plugins folder")
	flag.Parse()
	if err := run(*plugins); err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo: "+err.Error())
		os.Exit(1)
	}
}

// demo is the state of the demonstration.
type demo struct {
	ctx     context.Context
	stash   *stashtest.Server
	host    *stashtest.Host
	plex    *plextest.Server
	section string
	keys    map[int]string
	step    int
	steps   int
}

func run(plugins string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	dir, err := os.MkdirTemp("", "stash-plex-sync-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{ctx: ctx, keys: make(map[int]string)}
	if err := d.start(plugins, dir); err != nil {
		return err
	}
	defer d.stop()
	steps := []func() error{d.arrives, d.plexGoesDown, d.plexReturns, d.notScannedYet, d.diesAndIsRetried}
	d.steps = len(steps)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return d.table()
}

func (d *demo) start(plugins, dir string) error {
	var err error
	if d.stash, err = stashtest.New(); err != nil {
		return err
	}
	d.plex = plextest.New(token)
	if err := d.stash.Start(); err != nil {
		return err
	}
	if err := d.plex.Start(); err != nil {
		return err
	}
	d.section = d.plex.AddSection("Videos", "movie")
	for id := 1; id <= scenes; id++ {
		d.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: path(id), Size: size(id)}}, Updated: time.Now().Add(-time.Hour)})
		if id != late && id != twice {
			d.keys[id] = d.plex.AddItem(d.section, path(id), size(id))
		}
	}
	d.stash.SetSettings(stashtest.PluginID, map[string]any{"plexUrl": d.plex.URL(), "plexToken": token})
	absolute, err := filepath.Abs(plugins)
	if err != nil {
		return err
	}
	if d.host, err = stashtest.NewHost(d.stash, absolute, dir); err != nil {
		return fmt.Errorf("load the plugin (run ./build.sh first): %w", err)
	}
	fmt.Printf("Stash Plex Sync %s, under Stash's own plugin host, with test servers for Stash and Plex.\n", *d.host.Plugin().Version)
	fmt.Printf("%d scenes in Stash; Plex has the files of %d of them, titled by their file names.\n", scenes, scenes-2)
	return nil
}

func (d *demo) stop() {
	d.host.Close()
	d.plex.Stop()
	d.stash.Stop()
}

func path(id int) string  { return fmt.Sprintf("/videos/%d/clip%d.mp4", id, id) }
func size(id int) int64   { return int64(1_000_000 + id) }
func title(id int) string { return fmt.Sprintf("Scene %d, as Stash has it", id) }

// begin prints a heading with a bar.
func (d *demo) begin(text string) {
	d.step++
	done := strings.Repeat("█", 4*d.step) + strings.Repeat("░", 4*(d.steps-d.step))
	fmt.Printf("\n%s %d/%d  %s\n", done, d.step, d.steps, text)
}

func (d *demo) say(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

// edit saves a scene in Stash as a user does, and waits until the run that follows has ended.
func (d *demo) edit(id int) error {
	began := time.Now()
	d.host.Update(d.ctx, id, func(s *stashtest.Scene) { s.Title = title(id) })
	d.say("scene %d is edited in Stash (saving took %d ms)", id, time.Since(began).Milliseconds())
	return d.settle()
}

// task runs a task like a click in Stash.
func (d *demo) task(name string) error {
	d.say("a click on %q", name)
	d.host.RunTask(name, nil)
	return d.settle()
}

// settle waits until Stash's queue is empty. A job of Stash waits behind the run, so that the run does not stay for jobs
// that are due soon.
func (d *demo) settle() error {
	before := len(d.host.Lines())
	release := d.stash.Hold("Generating...")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for d.stash.Jobs()[0].Description != "Generating..." {
		select {
		case <-d.ctx.Done():
			return fmt.Errorf("the run has not ended: %v", d.stash.Jobs())
		case <-tick.C:
		}
	}
	release()
	if err := d.host.WaitIdle(d.ctx); err != nil { // a run may have started another
		return err
	}
	for _, l := range d.host.Lines()[before:] {
		if text, ours := strings.CutPrefix(l.Text, "[Plugin / Stash Plex Sync] "); ours && l.Level != "Debug" {
			d.say("    %-7s %s", l.Level, text)
		}
	}
	return nil
}

// status returns the plugin's status.
func (d *demo) status() (due, dead float64, breaker string, err error) {
	out, err := d.host.Operation(d.ctx, map[string]any{"mode": "status"})
	if err != nil {
		return 0, 0, "", err
	}
	report, ok := out.(map[string]any)
	if !ok {
		return 0, 0, "", fmt.Errorf("status returned %v", out)
	}
	queue, letters, state := report["queue"].(map[string]any), report["dead_letters"].(map[string]any), report["breaker"].(map[string]any)
	return queue["due"].(float64), letters["count"].(float64), state["state"].(string), nil
}

func (d *demo) expect(ok bool, what string) error {
	if !ok {
		return fmt.Errorf("expected: %s", what)
	}
	d.say("✓ %s", what)
	return nil
}

func (d *demo) shows(id int) bool { return d.plex.Item(d.keys[id]).Title == title(id) }

func (d *demo) arrives() error {
	d.begin("A scene is edited and arrives")
	if err := d.edit(1); err != nil {
		return err
	}
	return d.expect(d.shows(1), "Plex shows the new title of scene 1")
}

func (d *demo) plexGoesDown() error {
	d.begin("Plex goes down, edits pile up, the breaker opens")
	d.plex.Stop()
	for id := 2; id <= 6; id++ {
		if err := d.edit(id); err != nil {
			return err
		}
	}
	due, dead, breaker, err := d.status()
	if err != nil {
		return err
	}
	if err := d.expect(due == 5 && dead == 0, "five scenes wait, without a dead letter or a charged attempt"); err != nil {
		return err
	}
	if err := d.expect(breaker == "open", "after five failures in a row processing is paused"); err != nil {
		return err
	}
	if err := d.plex.Restart(); err != nil {
		return err
	}
	d.plex.Forget()
	if err := d.edit(7); err != nil {
		return err
	}
	return d.expect(len(d.plex.Requests()) == 0, "Plex gets no requests while processing is paused")
}

func (d *demo) plexReturns() error {
	d.begin("Plex is back: all scenes arrive")
	if err := d.task("Process queue"); err != nil {
		return err
	}
	for id := 2; id <= 7; id++ {
		if !d.shows(id) {
			return fmt.Errorf("scene %d did not arrive", id)
		}
	}
	_, _, breaker, err := d.status()
	if err != nil {
		return err
	}
	return d.expect(breaker == "closed", "scenes 2 to 7 are in Plex, and processing continues")
}

func (d *demo) notScannedYet() error {
	d.begin("A scene waits for a file that Plex has not scanned yet")
	if err := d.edit(late); err != nil {
		return err
	}
	_, dead, _, err := d.status()
	if err != nil {
		return err
	}
	if err := d.expect(dead == 0, "scene 8 waits, with growing times between its attempts"); err != nil {
		return err
	}
	d.keys[late] = d.plex.AddItem(d.section, path(late), size(late))
	d.say("Plex scans the file")
	if err := d.task("Process queue"); err != nil {
		return err
	}
	return d.expect(d.shows(late), "scene 8 is in Plex at once, without waiting for its next attempt")
}

func (d *demo) diesAndIsRetried() error {
	d.begin("A job becomes a dead letter and is retried by hand")
	copies := []string{
		d.plex.AddItem(d.section, fmt.Sprintf("/backup/a/clip%d.mp4", twice), size(twice)),
		d.plex.AddItem(d.section, fmt.Sprintf("/backup/b/clip%d.mp4", twice), size(twice)),
	}
	d.say("Plex has the file of scene 9 twice, both in other folders than Stash")
	if err := d.edit(twice); err != nil {
		return err
	}
	_, dead, _, err := d.status()
	if err != nil {
		return err
	}
	if err := d.expect(dead == 1, "scene 9 is a dead letter with both candidates; nothing was guessed"); err != nil {
		return err
	}
	d.plex.Remove(copies[1])
	d.keys[twice] = copies[0]
	d.say("one of the two is removed from Plex")
	if err := d.task("Retry dead letters"); err != nil {
		return err
	}
	return d.expect(d.shows(twice), "scene 9 is in Plex")
}

// table prints the result for each scene, and returns an error if one is missing.
func (d *demo) table() error {
	fmt.Printf("\n   scene  %-28s %-8s %s\n", "title in Plex", "locked", "file in Plex")
	for id := 1; id <= scenes; id++ {
		it := d.plex.Item(d.keys[id])
		locked := "no"
		if it.Locked["title"] {
			locked = "yes"
		}
		fmt.Printf("   %5d  %-28s %-8s %s\n", id, it.Title, locked, it.Files[0].Path)
		if !d.shows(id) || !it.Locked["title"] {
			return fmt.Errorf("scene %d is missing from Plex or not locked", id)
		}
	}
	if n := d.plex.Careless(); n > 0 {
		return fmt.Errorf("%d edits changed a complete library", n)
	}
	fmt.Printf("\nAll %d scenes arrived.\n", scenes)
	return nil
}
