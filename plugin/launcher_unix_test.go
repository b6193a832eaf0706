//go:build unix

package plugin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// meanwhile lets something happen while the program is copied into the launcher's place.
func meanwhile(t *testing.T, program string, happen func() error) {
	t.Helper()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(program, 0o700); err != nil {
		t.Fatal(err)
	}
	happened := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(program, os.O_WRONLY, 0)
		if err == nil {
			w.WriteString("the old ")
			for left := []string(nil); left == nil; runtime.Gosched() {
				left, _ = filepath.Glob(filepath.Join(filepath.Dir(program), ID+".new*"))
			}
			err = happen()
			w.WriteString("program")
			w.Close()
		}
		happened <- err
	}()
	if err := replaceLauncher(program, "1.2.3"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := <-happened; err != nil {
		t.Fatal(err)
	}
}

func TestUpdateThatBeginsMeanwhileKeepsItsLauncher(t *testing.T) {
	for _, removed := range []string{ID + ".yml", ID, manifest} { // in this order
		program, launcher := unpacked(t, nil)
		meanwhile(t, program, func() error {
			for _, file := range []string{ID + ".yml", ID, manifest} {
				if err := os.Remove(filepath.Join(filepath.Dir(program), file)); err != nil || file == removed {
					return err
				}
			}
			return nil
		})
		if text, _ := os.ReadFile(launcher); string(text) != "#!/bin/sh\n" {
			t.Errorf("%s was removed: Stash starts %q", removed, text)
		}
	}
}

// Another Stash with the same plugins has a lock of its own.
func TestSecondProcessWritesIntoNothingThatStashStarts(t *testing.T) {
	for _, first := range []func(folder string) error{sweep, func(string) error { return nil }} {
		program, launcher := unpacked(t, nil)
		meanwhile(t, program, func() error {
			return errors.Join(first(filepath.Dir(program)), put(launcher, strings.NewReader("the program, put there by another")))
		})
		if text, _ := os.ReadFile(launcher); string(text) != "the program, put there by another" && string(text) != "the old program" {
			t.Errorf("Stash starts %q", text)
		}
		if left, _ := filepath.Glob(launcher + ".new*"); left != nil {
			t.Errorf("%q is left", left)
		}
	}
}
