package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fillQueue makes these bytes the content of the queue, as a power loss may.
func (w *world) fillQueue(content []byte) {
	w.Helper()
	w.must(os.WriteFile(w.database(), content, 0o600))
	for _, suffix := range []string{"-wal", "-shm"} {
		w.must(os.RemoveAll(w.database() + suffix))
	}
}

// wantFailures checks the lines at error level since the first so many: one for each text.
func (w *world) wantFailures(since int, texts ...string) {
	w.Helper()
	got := w.failures(since)
	if len(got) != len(texts) {
		w.Errorf("errors %q, want %d", got, len(texts))
		return
	}
	for i, text := range texts {
		if !strings.Contains(got[i], text) {
			w.Errorf("error %q, want one that says %q", got[i], text)
		}
	}
}

func TestOneEditHealsADamagedQueue(t *testing.T) {
	garbage := make([]byte, 40_000)
	for i := range garbage {
		garbage[i] = byte(rand.Uint32())
	}
	for name, content := range map[string][]byte{
		"empty": nil, "one byte": {0}, "a page of zeros": make([]byte, 4096), "garbage": garbage,
		"text": bytes.Repeat([]byte("not a database\n"), 1000),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 2)
			w.edit(1, "One")
			w.idle()
			w.fillQueue(content)
			before := len(w.host.Lines())
			w.edit(1, "Two")
			w.idle()
			w.wantTitle(1, "Two")
			w.wantFailures(before, "left in the inbox", "the queue was damaged: it was moved aside")
			before = len(w.host.Lines())
			w.edit(2, "Two")
			w.idle()
			w.wantTitle(2, "Two")
			w.wantFailures(before)
			if left, err := filepath.Glob(filepath.Join(w.folder(), "inbox", "*")); err != nil || len(left) > 0 {
				t.Errorf("left in the inbox: %v, %v", left, err)
			}
		})
	}
}

// While the queue cannot grow, edits wait in the inbox. The first edit after that brings them to Plex.
func TestEditsWaitWhileTheDiskIsFull(t *testing.T) {
	w := newWorld(t, 3)
	w.through("")
	w.edit(1, "One")
	w.idle()
	w.through("ulimit -f 8") // KiB: enough for a file of the inbox
	before := len(w.host.Lines())
	w.edit(1, "Two")
	w.idle()
	w.edit(2, "Two")
	w.idle()
	for _, text := range w.failures(before) {
		if !strings.Contains(text, "queue.db") || strings.Contains(text, "could not be queued") {
			t.Errorf("while the disk is full: %s", text)
		}
	}
	w.wantTitle(1, "One")
	w.through("")
	before = len(w.host.Lines())
	w.edit(3, "Two")
	w.idle()
	for id := 1; id <= 3; id++ {
		w.wantTitle(id, "Two")
	}
	w.wantFailures(before)
}

func TestEditsWaitWhileTheQueueIsOfANewerVersion(t *testing.T) {
	w := newWorld(t, 3)
	w.edit(1, "One")
	w.idle()
	w.sql(`PRAGMA user_version = 99`)
	before := len(w.host.Lines())
	for id := 1; id <= 3; id++ {
		w.edit(id, "Two")
		w.idle()
	}
	w.wantFailures(before, "install the newer")
	if n := len(w.logged("left in the inbox")); n != 3 {
		t.Errorf("%d edits were left in the inbox, want 3", n)
	}
	w.wantTitle(1, "One")
	w.ownVersion() // the newer version is installed again
	before = len(w.host.Lines())
	w.edit(1, "Three")
	w.idle()
	for id, title := range map[int]string{1: "Three", 2: "Two", 3: "Two"} {
		w.wantTitle(id, title)
	}
	w.wantFailures(before)
}
