package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Whatever keeps an operation from working: its error is one line that says what to do next.
func TestErrorsOfOperationsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name    string
		mount   bool // the folder is a small disk
		do      func(w *world)
		next    string   // in each error
		answers []string // operations that have to work all the same
	}{
		{"a damaged queue", false, func(w *world) { w.fillQueue([]byte(strings.Repeat("not a database\n", 1000))) }, `start "Process queue"`, nil},
		{"the queue of a newer version", false, func(w *world) { w.sql(`PRAGMA user_version = 99`) }, "install the newer", nil},
		{"a full disk", true, (*world).fill, "the disk or a quota is full", []string{"activity", "jobs", "run"}},
		{"a Stash that does not answer", false, func(w *world) { w.stash.Stop() }, "check that Stash answers, then try again", []string{"activity", "overview", "jobs", "run", "pause", "scene"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 12)
			if c.mount {
				w.mount()
				w.through("")
			}
			w.occupied()
			w.bulk("One", 1, 2, 3)
			w.process()
			w.bulk("Two", 1)
			c.do(w)
			all := maps.Clone(reading)
			maps.Copy(all, acting)
			for _, mode := range slices.Sorted(maps.Keys(all)) {
				args := map[string]any{"mode": mode}
				maps.Copy(args, all[mode])
				out, err := w.host.Operation(w.context(), args)
				switch {
				case err == nil:
				case slices.Contains(c.answers, mode) || !strings.Contains(err.Error(), c.next) || strings.Contains(err.Error(), "\n"):
					t.Errorf("%s: %v", mode, err)
				}
				if err != nil {
					continue
				}
				if text, _ := out.(map[string]any)["text"].(string); mode == "copy-report" && c.next == "check that Stash answers, then try again" && !strings.Contains(text, "Settings: unknown, because Stash did not answer") {
					t.Errorf("copy-report: %s", text)
				}
				if follows, ok := out.(map[string]any)["run_follows"].(bool); ok && follows && c.next == "check that Stash answers, then try again" {
					t.Errorf("%s: a run follows though Stash does not answer: %v", mode, out)
				}
			}
		})
	}
}
