//go:build unix

package plugin

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestUpdateThatBeginsMeanwhileKeepsItsLauncher(t *testing.T) {
	program, launcher := unpacked(t, nil)
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(program, 0o700); err != nil { // so that something can happen while it is copied
		t.Fatal(err)
	}
	begun := make(chan error, 1)
	go func() {
		w, err := os.OpenFile(program, os.O_WRONLY, 0)
		if err == nil {
			err = os.Remove(filepath.Join(filepath.Dir(program), manifest))
			w.WriteString("the old program")
			w.Close()
		}
		begun <- err
	}()
	if err := replaceLauncher(program, "1.2.3"); err != nil {
		t.Error(err)
	}
	if err := <-begun; err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(launcher); string(text) != "#!/bin/sh\n" {
		t.Errorf("Stash starts %q", text)
	}
}
