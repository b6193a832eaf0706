package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFolderOfAnotherUserIsUsedByRootWithOneWarning(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.must(os.Mkdir(w.folder(), 0o700))
	w.own(w.folder(), nobody)
	w.edit(1, "One")
	w.edit(1, "Two")
	w.process()
	w.wantTitle(1, "Two")
	if n := len(w.logged("belongs to a different user than the one that Stash runs as")); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
	if logged := w.failures(0); len(logged) > 0 {
		t.Errorf("errors %q", logged)
	}
}

func TestEditSurvivesADataFolderThatCannotBeUsed(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	elsewhere := t.TempDir()
	w.must(os.Symlink(elsewhere, w.folder()))
	w.edit(1, "Kept")
	logged := w.failures(0)
	if len(logged) != 1 || !strings.Contains(logged[0], "left in the inbox "+w.folder()+"-inbox") || !strings.Contains(logged[0], "is a symbolic link") {
		t.Errorf("messages %q, want one that says where the edit is and why", logged)
	}
	w.must(os.Remove(w.folder()))
	w.process()
	w.wantTitle(1, "Kept")
	if left, err := filepath.Glob(w.folder() + "-inbox"); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestEditInTheInboxAsksForARun(t *testing.T) {
	for _, c := range []struct {
		name           string
		damage, repair func(w *world)
	}{
		{"an empty queue", func(w *world) { w.must(os.Truncate(w.database(), 0)) }, func(*world) {}},
		{"a queue cut off", func(w *world) { w.must(os.Truncate(w.database(), 100)) }, func(*world) {}},
		{"a queue of another version", func(w *world) { w.sql(`PRAGMA user_version = 99`) }, (*world).ownVersion},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.edit(1, "One")
			w.idle()
			c.damage(w)
			release := w.busy() // requested runs wait
			w.edit(2, "Two")
			w.edit(3, "Three")
			if n := len(w.logged("left in the inbox")); n != 2 {
				t.Errorf("%d edits were left in the inbox, want two", n)
			}
			if n := w.queries("RunPluginTask"); n != 2 {
				t.Errorf("%d runs were requested, want one for the first edit and one for both in the inbox", n)
			}
			c.repair(w)
			release()
			w.idle()
			for id, title := range map[int]string{1: "One", 2: "Two", 3: "Three"} {
				w.wantTitle(id, title)
			}
			w.edit(2, "Again")
			w.idle()
			w.wantTitle(2, "Again")
		})
	}
}

func TestFolderOfTheConfigurationMayHaveAnyName(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows refuses some of these characters")
	}
	w := newWorld(t, 1)
	w.dir = filepath.Join(t.TempDir(), `Stash's own #1 a%20b=c&d+é`)
	w.must(os.Mkdir(w.dir, 0o700))
	w.hostOf(pluginDir)
	w.edit(1, "New")
	w.idle()
	w.wantTitle(1, "New")
	_, err := os.Stat(w.database())
	w.must(err)
}
