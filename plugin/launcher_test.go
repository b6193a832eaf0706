package plugin

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// unpacked is a folder as Stash's package manager leaves it, with files that are changed, or removed by "".
func unpacked(t *testing.T, changes map[string]string) (program, launcher string) {
	t.Helper()
	dir := t.TempDir()
	program, launcher = filepath.Join(dir, ID+"-"+runtime.GOOS+"-"+runtime.GOARCH), filepath.Join(dir, ID)
	files := map[string]string{
		filepath.Base(program): "the program", ID: "#!/bin/sh\n", ID + ".yml": "name: Stash Plex Sync\n",
		manifest: "id: stash-plex-sync\nname: Stash Plex Sync\nmetadata:\n  version: 3\nversion: 1.2.3\nfiles:\n- stash-plex-sync\n",
	}
	for name, text := range changes {
		files[name] = text
	}
	for name, text := range files {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return program, launcher
}

func TestProgramTakesTheLaunchersPlaceOnlyWhereStashInstalledIt(t *testing.T) {
	for name, c := range map[string]struct {
		changes map[string]string
		version string
		want    string
	}{
		"installed":              {nil, "1.2.3", "the program"},
		"a version in quotes":    {map[string]string{manifest: "version: \"1.2\"\n"}, "1.2", "the program"},
		"unpacked by hand":       {map[string]string{manifest: ""}, "1.2.3", "#!/bin/sh\n"},
		"of another version":     {nil, "1.2.4", "#!/bin/sh\n"},
		"it is a program":        {map[string]string{ID: "a program"}, "1.2.3", "a program"},
		"there is a stale start": {map[string]string{ID + ".new.ABC": "half of somethi"}, "1.2.3", "the program"},
	} {
		program, launcher := unpacked(t, c.changes)
		if err := replaceLauncher(program, c.version); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text, err := os.ReadFile(launcher)
		if err != nil || string(text) != c.want {
			t.Errorf("%s: Stash starts %q, %v", name, text, err)
		}
		if left, _ := filepath.Glob(launcher + ".new*"); left != nil {
			t.Errorf("%s: %q is left beside it", name, left)
		}
		if text, err := os.ReadFile(program); err != nil || string(text) != "the program" {
			t.Errorf("%s: the program became %q, %v", name, text, err)
		}
	}
}

func TestProgramThatWasNotLaunchedReplacesNothing(t *testing.T) {
	program, launcher := unpacked(t, nil)
	if err := os.Rename(program, program+"64"); err != nil {
		t.Fatal(err)
	}
	if err := replaceLauncher(program+"64", "1.2.3"); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(launcher); string(text) != "#!/bin/sh\n" {
		t.Errorf("Stash starts %q", text)
	}
}

func TestFolderThatTakesNoFileKeepsItsLauncher(t *testing.T) {
	program, launcher := unpacked(t, nil)
	if err := os.MkdirAll(launcher+".new/x", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replaceLauncher(program, "1.2.3"); err == nil {
		t.Error("no error")
	}
	if text, _ := os.ReadFile(launcher); string(text) != "#!/bin/sh\n" {
		t.Errorf("Stash starts %q", text)
	}
}
