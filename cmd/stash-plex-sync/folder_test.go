package main

import (
	"os"
	"path/filepath"
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
