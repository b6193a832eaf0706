package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// stashVariable makes this program a Stash of its own, which can be killed. It holds a mortal as JSON.
const stashVariable = "STASH_PLEX_SYNC_MORTAL"

// mortal is a Stash in a process of its own.
type mortal struct {
	Plugins, Dir string
	Settings     map[string]any
	Scenes       []stashtest.Scene
	Person       bool // a person edits scene 1; else all are edited at once, and a run begins
}

// live is all that the process does. It ends when it is killed, or the test has ended.
func (m mortal) live() error {
	stash, err := stashtest.New()
	if err != nil {
		return err
	}
	if err := stash.Start(); err != nil {
		return err
	}
	stash.Add(m.Scenes...)
	stash.SetSettings(stashtest.PluginID, m.Settings)
	stash.Hold("Scanning...")
	stash.Hold("Generating...")
	host, err := stashtest.NewHost(stash, m.Plugins, m.Dir)
	if err != nil {
		return err
	}
	go func() {
		ctx := context.Background()
		if m.Person {
			host.Update(ctx, 1, titled("New"))
			return
		}
		var all []int
		for _, s := range m.Scenes {
			all = append(all, s.ID)
		}
		host.BulkUpdate(ctx, all, titled("New"))
		host.Operation(ctx, map[string]any{"mode": "process"}) // it ends with this process, or after it
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// liveAsStash is the program's main function if it is to be a Stash.
func liveAsStash(text string) int {
	var m mortal
	err := json.Unmarshal([]byte(text), &m)
	if err == nil {
		err = m.live()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startStash starts a Stash with the world's scenes and data, and returns what kills it.
func (w *world) startStash(person bool) (kill func()) {
	w.Helper()
	m := mortal{Plugins: pluginDir, Dir: w.dir, Person: person, Settings: map[string]any{"plexUrl": w.plex.URL(), "plexToken": token, "debugLog": true}}
	for id := 1; id <= len(w.keys); id++ {
		scene, _ := w.stash.Scene(id)
		m.Scenes = append(m.Scenes, scene)
	}
	text, err := json.Marshal(m)
	w.must(err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), stashVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe() // it stays open as long as the test runs
	w.must(err)
	w.must(cmd.Start())
	kill = func() {
		cmd.Process.Kill() // it may have ended
		cmd.Wait()         // killed
	}
	w.Cleanup(kill)
	return kill
}

// orphans are the processes of the plugin, whoever started them.
func orphans() (pids []int) {
	names, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return nil
	}
	for _, name := range names {
		if exe, err := os.Readlink(name); err == nil && exe == binary() {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// wantOrphansEnd waits for what a Stash has left behind when it was killed; some says that there must be something.
func (w *world) wantOrphansEnd(some bool) {
	w.Helper()
	if some && len(orphans()) == 0 {
		w.Fatal("no process of the plugin has outlived Stash: that proves nothing")
	}
	began := time.Now()
	w.until(func() bool { return len(orphans()) == 0 })
	if took := time.Since(began); took > 10*time.Second {
		w.Errorf("the plugin ended %v after Stash", took)
	}
}

// stashScenes is how many scenes a Stash has that is killed.
const stashScenes = 20

// stashKill is what a Stash does when it is killed.
type stashKill struct {
	name    string
	person  bool          // a hook pushes what a person edits; else a run pushes what all its hooks have queued
	queued  int           // scenes, afterwards; -1: as many as it had come to
	fault   bool          // Plex does not answer its writes in time
	late    time.Duration // its answer; 0: there is none
	longest time.Duration // from the first write, or with no fault from the start, to the kill
}

// When Stash is killed the plugin ends by itself, its jobs are as they were, and with the next Stash all arrives.
func (k stashKill) test(t *testing.T, random *rand.Rand) {
	w := newWorld(t, stashScenes)
	w.occupied()
	var all []int
	for id := 1; id <= stashScenes; id++ {
		all = append(all, id)
	}
	w.bulk("Old", all...)
	w.process()
	if k.fault {
		w.plex.Inject(plextest.Fault{Method: "PUT", Hang: k.late == 0, Delay: k.late})
	}
	w.plex.Forget()
	kill := w.startStash(k.person)
	if k.fault {
		w.until(func() bool { return w.plex.Count("PUT", "") > 0 })
	}
	<-time.After(time.Duration(random.Int64N(int64(k.longest)))) // of the processes' own clock
	kill()
	w.wantOrphansEnd(k.fault)
	w.plex.Heal()
	if got := w.count("job WHERE attempts = 0 AND misses = 0 AND unfinished = 0 AND due_at <= (unixepoch() + 1) * 1000"); got != w.count("job") {
		t.Errorf("%d of %d jobs are as they were", got, w.count("job"))
	}
	if got := w.count("job"); k.queued >= 0 && got != k.queued {
		t.Errorf("%d jobs, want %d", got, k.queued)
	}
	for id := range w.keys {
		if id == 1 || !k.person {
			w.stash.Change(id, titled("New"))
		}
	}
	if !k.fault { // its hooks may have recorded nothing
		w.sql(`UPDATE meta SET at = at - 600000 WHERE key = 'last_catch_up'`)
	}
	w.process()
	for id := range w.keys {
		if id == 1 || !k.person {
			w.wantTitle(id, "New")
		}
	}
	if got := w.count("job"); got != 0 {
		t.Errorf("%d jobs are left", got)
	}
}

// hookOutlivesItsStash kills a Stash while its hook waits for the queue: the hook records what it has to tell, although
// Stash is gone by then.
func hookOutlivesItsStash(t *testing.T, random *rand.Rand) {
	w := newWorld(t, 1)
	w.occupied()
	w.process()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?_txlock=immediate")
	w.must(err)
	defer db.Close()
	tx, err := db.Begin()
	w.must(err)
	kill := w.startStash(true)
	w.until(func() bool { return len(orphans()) > 0 })
	<-time.After(200*time.Millisecond + time.Duration(random.Int64N(int64(300*time.Millisecond)))) // of the hook's own clock: until it waits
	kill()
	if len(orphans()) == 0 {
		t.Fatal("the hook has ended with Stash")
	}
	w.must(tx.Rollback())
	w.until(func() bool { return len(orphans()) == 0 })
	if got := w.jobs(); got != "1" {
		t.Errorf("scenes %q are queued, want 1", got)
	}
}

// killStash kills Stashes at random instants of all that they do, for a while.
func killStash(t *testing.T, given time.Duration, random *rand.Rand) {
	kills, began := 0, time.Now()
	for kills == 0 || time.Since(began) < given && !t.Failed() {
		for _, k := range []stashKill{
			{name: "in the middle of a run", queued: stashScenes, fault: true, longest: 300 * time.Millisecond},
			{name: "in the middle of a hook", person: true, queued: 1, fault: true, longest: 300 * time.Millisecond},
			{name: "before a slow answer", queued: -1, fault: true, late: 1500 * time.Millisecond, longest: 300 * time.Millisecond},
			{name: "anywhere in a run", queued: -1, longest: time.Second},
			{name: "anywhere in a hook", person: true, queued: -1, longest: 300 * time.Millisecond},
		} {
			t.Run(fmt.Sprintf("%s, kill %d", k.name, kills), func(t *testing.T) { k.test(t, random) })
			kills++
		}
		t.Run(fmt.Sprintf("while a hook waits for the queue, kill %d", kills), func(t *testing.T) { hookOutlivesItsStash(t, random) })
		kills++
	}
	t.Logf("%d kills of Stash", kills)
}
