package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nobody is a user whose rights are not those of root, who may write everywhere.
const nobody = 65534

// own gives a file to a user, as only root can.
func (w *world) own(name string, user int) {
	w.Helper()
	if os.Geteuid() != 0 {
		w.Skip("only root can give a file to another user")
	}
	w.must(os.Lchown(name, user, user))
}

// through makes Stash start the plugin from a script, after these lines and without root's rights.
func (w *world) through(lines string) {
	w.Helper()
	as := ""
	if os.Geteuid() == 0 {
		as = fmt.Sprintf("setpriv --reuid=%d --regid=%d --clear-groups ", nobody, nobody)
		w.must(filepath.WalkDir(w.dir, func(name string, _ fs.DirEntry, err error) error {
			w.own(name, nobody)
			return err
		}))
		for _, dir := range []string{w.dir, pluginDir} {
			w.must(os.Chmod(filepath.Dir(dir), 0o711))
		}
	}
	plugins := w.TempDir()
	folder := filepath.Join(plugins, "stash-plex-sync")
	w.must(os.Mkdir(folder, 0o755))
	script := fmt.Sprintf("#!/bin/sh\n%s\nexec %s'%s'\n", lines, as, binary())
	w.must(os.WriteFile(filepath.Join(folder, "stash-plex-sync"), []byte(script), 0o755))
	yml, err := os.ReadFile("../../stash-plex-sync.yml")
	w.must(err)
	w.must(os.WriteFile(filepath.Join(folder, "stash-plex-sync.yml"), yml, 0o644))
	w.hostOf(plugins)
}

// folder is where everything is kept.
func (w *world) folder() string { return filepath.Dir(w.database()) }

// mount puts a small disk in the place of the folder.
func (w *world) mount() {
	w.Helper()
	w.must(os.Mkdir(w.folder(), 0o700))
	options := fmt.Sprintf("size=2m,mode=700,uid=%d,gid=%d", nobody, nobody)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", w.folder()).CombinedOutput(); err != nil {
		w.Skipf("no small disk can be mounted here: %v: %s", err, out)
	}
	w.Cleanup(func() {
		w.host.Close()
		if out, err := exec.Command("umount", "-l", w.folder()).CombinedOutput(); err != nil {
			w.Errorf("umount: %v: %s", err, out)
		}
	})
}

// fill leaves no room on the disk.
func (w *world) fill() {
	w.Helper()
	f, err := os.Create(filepath.Join(w.folder(), "filler"))
	w.must(err)
	for size := 64 << 10; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	w.must(f.Close())
}

// trouble is something that happens to the files.
type trouble struct {
	name   string
	before func(w *world) // anything is stored
	limit  string         // for the processes
	harm   func(w *world)
	heal   func(w *world)
	hook   string // what the hook's error says; "": it has none
	run    string // what the run's error says; "": it has none
}

func troubles() []trouble {
	const full, readOnly, closed = "queue.db cannot grow because the disk or a quota is full", "queue.db is read-only for the user", "queue.db cannot be accessed by the user"
	mode := func(name string, mode fs.FileMode) func(w *world) {
		return func(w *world) { w.must(os.Chmod(filepath.Join(w.folder(), name), mode)) }
	}
	owner := func(name string, user int) func(w *world) {
		return func(w *world) { w.own(filepath.Join(w.folder(), name), user) }
	}
	nothing := func(*world) {}
	return []trouble{
		{"a disk without room", (*world).mount, "", (*world).fill, func(w *world) { w.must(os.Remove(filepath.Join(w.folder(), "filler"))) }, full, full},
		{"room for not a byte", nothing, "ulimit -f 0", nothing, nothing, "could not be queued: ", "queue.db cannot be read or written"},
		{"room for the inbox", nothing, "ulimit -f 8", nothing, nothing, "left in the inbox", "queue.db cannot be read or written"},
		{"a read-only file", nothing, "", mode("queue.db", 0o400), mode("queue.db", 0o600), readOnly, readOnly},
		{"another user's file", nothing, "", owner("queue.db", 0), nothing, closed, closed},
		{"a read-only folder", nothing, "", func(w *world) {
			w.until(func() bool { // the last process that has it open takes the log away, and a hook's may still be ending
				w.sql(`PRAGMA wal_checkpoint(TRUNCATE)`)
				_, err := os.Stat(w.database() + "-wal")
				return errors.Is(err, fs.ErrNotExist)
			})
			mode("", 0o500)(w)
		}, mode("", 0o700), readOnly, readOnly},
		{"a folder that is read-only since an edit", nothing, "", mode("", 0o500), mode("", 0o700), "", "index.db is read-only for the user"},
		{"another user's folder", nothing, "", owner("", 0), nothing, "belongs to another user", "belongs to another user"},
		{"another user's lock", nothing, "", owner("run.lock", 0), nothing, "", "run.lock cannot be accessed by the user"},
		{"a newer version", nothing, "", func(w *world) { w.sql(`PRAGMA user_version = 99`) }, (*world).ownVersion, "install the newer", "install the newer"},
		{"a file of no length", nothing, "", func(w *world) { w.must(os.Truncate(w.database(), 0)) }, nothing, "queue.db is damaged", "the queue was damaged"},
		{"a read-only index", nothing, "", mode("index.db", 0o400), nothing, "", ""},
		{"another user's index", nothing, "", owner("index.db", 0), nothing, "", ""},
	}
}

// failures are the lines at error level since the first so many.
func (w *world) failures(since int) (list []string) {
	for _, l := range w.host.Lines()[since:] {
		if l.Level == "Error" {
			list = append(list, l.Text)
		}
	}
	return list
}

// wantOneMessage checks that a person is told of the trouble once, in words.
func (w *world) wantOneMessage(who string, told []string, want string) {
	w.Helper()
	if want == "" && len(told) == 0 {
		return
	}
	if len(told) != 1 || want == "" || !strings.Contains(told[0], want) {
		w.Errorf("%s: messages %q, want one that says %q", who, told, want)
		return
	}
	text := told[0]
	for _, word := range []string{"goroutine", "SELECT", "INSERT", "sqlite3", "out of memory", "(8)", "(14)", "(1544)", "%!", "\n"} {
		if strings.Contains(text, word) {
			w.Errorf("%s: the message is the program's own talk: %s", who, text)
		}
	}
	if strings.Count(text, "queue.db") > 2 || len(text) > 800 || !strings.Contains(text, w.folder()) {
		w.Errorf("%s: a long or vague message: %s", who, text)
	}
}

// run lets the queue be processed, and returns what a person is told of failures.
func (w *world) run() []string {
	w.Helper()
	before := len(w.host.Lines())
	_, err := w.host.Operation(w.context(), map[string]any{"mode": "process"})
	told := w.failures(before)
	if err != nil {
		told = append(told, err.Error())
	}
	return told
}

// settle lets everything that waits be due, and runs until nothing is left.
func (w *world) settle() {
	w.Helper()
	for try := 0; try == 0 || try < 4 && w.count("job") > 0; try++ {
		w.pass(time.Hour)
		w.sql(`UPDATE meta SET at = at - 3600000 WHERE key <> 'last_copy'`)
		w.process()
	}
	if w.count("job") != 0 || w.count("dead_letter") != 0 {
		w.Errorf("%d jobs and %d dead letters are left", w.count("job"), w.count("dead_letter"))
	}
}

func TestTortureEveryTroubleOfTheDiskIsOneClearMessage(t *testing.T) {
	torture(t)
	for _, c := range troubles() {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.occupied()
			c.before(w)
			w.through("")
			w.bulk("One", 1, 2, 3)
			w.process()
			w.bulk("Two", 1)
			w.through(c.limit)
			c.harm(w)
			began := time.Now()
			w.host.Update(w.context(), 2, titled("Three"))
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("a save took %v", took)
			}
			w.wantOneMessage("the hook", w.failures(0), c.hook)
			w.wantOneMessage("the run", w.run(), c.run)
			c.heal(w)
			w.through("")
			w.settle()
			for id, title := range map[int]string{1: "Two", 2: "Three", 3: "One"} {
				w.wantTitle(id, title)
			}
			if known := fmt.Sprint(w.memory()); strings.Count(known, `"clip`) != 3 {
				t.Errorf("what Plex held before is %s", known)
			}
		})
	}
}
