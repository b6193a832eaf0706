package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// torture skips a test unless TORTURE asks for it, and returns how long that says the test may go on. "short" is 0: once
// through what matters most.
func torture(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv("TORTURE")
	switch text {
	case "":
		t.Skip("torture runs with TORTURE=short, or for longer with ./build.sh torture")
	case "short":
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("TORTURE: %v", err)
	}
	return d
}

// stoppedTasks starts runs as tasks, and a moment later stops whatever Stash's queue holds, until the hooks
// are over.
func (w *world) stoppedTasks(over <-chan struct{}) {
	for {
		w.host.RunTask("Process queue", nil)
		select {
		case <-over:
		case <-time.After(rand.N(1500 * time.Millisecond)): // of the processes' own clock
		}
		for _, j := range w.stash.Jobs() {
			w.host.StopJob(j.ID)
		}
		select {
		case <-over:
			return
		default:
		}
	}
}

// stoppedOperations starts runs as operations and disconnects their client a moment later. It ends with the hooks.
func (w *world) stoppedOperations(over <-chan struct{}) {
	for {
		ctx, leave := context.WithTimeout(w.Context(), rand.N(1500*time.Millisecond))
		_, err := w.host.Operation(ctx, map[string]any{"mode": "process"})
		if err != nil && ctx.Err() == nil {
			w.Errorf("an operation failed: %v", err)
		}
		leave()
		select {
		case <-over:
			return
		default:
		}
	}
}

// editsAtOnce edits every scene in a process of its own, and every fifth in two, at most so many of them at the
// same time, with two runs beside them that are started and stopped. It returns how long each hook took.
func (w *world) editsAtOnce(scenes, most int, title string) []time.Duration {
	var hooks, runs sync.WaitGroup
	var mu sync.Mutex
	var took []time.Duration
	var number atomic.Int64
	gate := make(chan struct{}, most)
	edit := func(id int) {
		gate <- struct{}{}
		defer func() { <-gate }()
		change := titled(fmt.Sprintf("%s %d", title, number.Add(1)))
		began := time.Now()
		if id%2 == 0 {
			w.host.Update(w.Context(), id, change)
		} else {
			w.host.BulkUpdate(w.Context(), []int{id}, change)
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(began))
	}
	over := make(chan struct{})
	runs.Go(func() { w.stoppedTasks(over) })
	runs.Go(func() { w.stoppedOperations(over) })
	for id := 1; id <= scenes; id++ {
		hooks.Go(func() { edit(id) })
		if id%5 == 0 {
			hooks.Go(func() { edit(id) })
		}
	}
	hooks.Wait()
	close(over)
	runs.Wait()
	slices.Sort(took)
	return took
}

// wantNobodyTold checks that no process made its trouble with the others somebody's who reads the log.
func (w *world) wantNobodyTold(slowest time.Duration) {
	w.Helper()
	for _, l := range w.host.Lines() {
		text := strings.ToLower(l.Text)
		if slowest > 30*time.Second && strings.Contains(text, "left in the inbox") {
			w.Logf("this machine is too busy to prove that nobody waits for long: %s", l.Text)
			continue
		}
		told := strings.Contains(text, "locked") || strings.Contains(text, "sqlite_busy") || strings.Contains(text, "holds the lock")
		if l.Level == "Error" || l.Level == "Warning" && told || strings.Contains(text, "data race") {
			w.Errorf("%s %s", l.Level, l.Text)
		}
	}
}

// wantLastEdits checks after one more run that everything is as it was edited last.
func (w *world) wantLastEdits(scenes int) {
	w.Helper()
	w.until(func() bool { return len(w.stash.Jobs()) == 0 && len(w.host.Processes()) == 0 })
	out := w.process()
	if w.count("job") != 0 || w.count("dead_letter") != 0 || out["stopped"] != "" {
		w.Errorf("%d jobs and %d dead letters are left: %v", w.count("job"), w.count("dead_letter"), out)
	}
	for id := 1; id <= scenes; id++ {
		var last string
		w.stash.Change(id, func(s *stashtest.Scene) { last = s.Title })
		w.wantTitle(id, last)
	}
}

func TestTortureTwoHundredHooksAmongRuns(t *testing.T) {
	given := torture(t)
	const scenes, hooks = 200, 240
	w := newWorld(t, scenes)
	w.plex.Inject(plextest.Fault{Method: "PUT", Delay: 10 * time.Millisecond})
	round := func(most int) {
		took := w.editsAtOnce(scenes, most, fmt.Sprint("Round of ", most))
		t.Logf("%d hooks, %d at once: p50 %v, p99 %v", len(took), most, took[len(took)/2], took[len(took)*99/100])
		if len(w.logged("run cancelled")) == 0 {
			t.Error("no run was stopped at work: that proves little")
		}
		w.wantLastEdits(scenes)
		w.wantNobodyTold(took[len(took)-1])
	}
	round(hooks)
	if given > 0 {
		for range 3 {
			round(hooks)
		}
		plugins := t.TempDir()
		w.must(buildPlugin(plugins, "1", "-race")) // whose report is a line of Stash's log
		w.hostOf(plugins)
		round(24) // the race detector is slow to start
	}
}
