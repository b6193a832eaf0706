package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/hook"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// sideBySide is a world in which Stash launches, under the plugin's name, the plugin or one that does nothing.
type sideBySide struct {
	*world
	plugin, null string // the programs
	launched     string // what Stash launches: a link to one of them
	exits        chan os.Signal
}

func newSideBySide(b *testing.B) *sideBySide {
	b.Helper()
	if runtime.GOOS == "windows" {
		b.Skip("nobody tells there when a process has ended")
	}
	s := &sideBySide{world: newWorld(b, 0), launched: binary(), plugin: binary() + ".plugin", exits: make(chan os.Signal, 16)}
	s.null = filepath.Join(b.TempDir(), "null")
	build := exec.Command("go", "build", "-o", s.null, "./testdata/null")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	s.must(os.Rename(s.launched, s.plugin))
	b.Cleanup(func() { s.must(os.Rename(s.plugin, s.launched)) })
	notifyOfExits(s.exits)
	b.Cleanup(func() { signal.Stop(s.exits) })
	return s
}

// times are what launches of one program took in all.
type times struct {
	result, exit time.Duration // from launch to its answer, and until it was gone
}

// launch has Stash launch a program once and adds up what that took.
func (s *sideBySide) launch(program string, fire func(), sum *times) {
	s.Helper()
	s.must(os.Symlink(program, s.launched+".new"))
	s.must(os.Rename(s.launched+".new", s.launched))
	for len(s.exits) > 0 {
		<-s.exits
	}
	began := time.Now()
	fire()
	sum.result += time.Since(began)
	select {
	case <-s.exits:
	case <-s.context().Done():
		s.Fatal("the process has not ended")
	}
	sum.exit += time.Since(began)
}

// round launches both for the hook of one scene of a bulk change.
func (s *sideBySide) round(scene int, event []string, hooks, nothing *times) {
	s.Helper()
	input := map[string]any{"ids": event, "rating100": 60}
	fire := func() { s.host.Fire(s.Context(), hook.SceneUpdatePost, scene, input, []string{"ids", "rating100"}) }
	s.launch(s.null, fire, nothing)
	s.launch(s.plugin, fire, hooks)
}

// report reports how often a hook took as long as one that does nothing, and checks that it did not fail.
func (s *sideBySide) report(b *testing.B, hook, nothing times, launches int, goal float64) {
	b.Helper()
	for _, l := range s.host.Lines() {
		if l.Level == "Error" || l.Level == "Warning" {
			b.Fatalf("%s %s", l.Level, l.Text)
		}
	}
	b.ReportMetric(hook.result.Seconds()/nothing.result.Seconds(), "x")
	b.ReportMetric(goal, "goal")
	b.ReportMetric(hook.exit.Seconds()/nothing.exit.Seconds(), "x-to-exit")
	b.ReportMetric(hook.result.Seconds()*1000/float64(launches), "ms")
	b.ReportMetric(0, "ns/op")
}

// queue enqueues the scenes 1 to n.
func (s *sideBySide) queue(n int) {
	s.Helper()
	db, err := store.Open(s.Context(), filepath.Dir(s.database()))
	s.must(err)
	requests := make([]store.Request, n)
	for i := range requests {
		requests[i] = store.Request{SceneID: i + 1, Reason: "waits", Priority: store.InBulk}
	}
	for len(requests) > 0 {
		part := requests[:min(50_000, len(requests))]
		s.must(db.Enqueue(s.Context(), time.Now(), part))
		requests = requests[len(part):]
	}
	s.must(db.Close())
}

// launches are how often each program is launched, in turn.
const launches = 200

// A hook under Stash's own plugin host, side by side with a plugin that does nothing, at queues of several
// lengths. The metric x is how often the one takes as long as the other.
func BenchmarkHook(b *testing.B) {
	for _, queued := range []int{0, 1_000, 1_000_000} {
		b.Run(fmt.Sprintf("queued=%d", queued), func(b *testing.B) {
			s := newSideBySide(b)
			s.occupied()
			s.queue(queued)
			scene := 0
			next := func() (int, []string) {
				scene++
				id := scene
				if queued > 0 {
					id = scene*7919%queued + 1 // all over the queue
				}
				return id, []string{strconv.Itoa(id)}
			}
			var hooks, nothing times
			id, event := next()
			s.round(id, event, &times{}, &times{}) // which asks for a run
			rounds := 0
			for b.Loop() {
				for range launches {
					id, event = next()
					s.round(id, event, &hooks, &nothing)
				}
				rounds += launches
			}
			s.report(b, hooks, nothing, rounds, 2.4)
		})
	}
}

// The same for the hook that asks Stash for a run, which is one of many: the first after a run.
func BenchmarkHookThatAsks(b *testing.B) {
	s := newSideBySide(b)
	s.occupied()
	s.queue(1_000)
	var hooks, nothing times
	rounds := 0
	for b.Loop() {
		for i := range launches {
			s.sql(`DELETE FROM meta WHERE key = 'run_mark'`) // and nothing in the log, as after a run
			for _, j := range s.stash.Jobs() {
				if strings.Contains(j.Description, "plugin task") {
					s.host.StopJob(j.ID)
				}
			}
			s.round(i+1, []string{strconv.Itoa(i + 1)}, &hooks, &nothing)
		}
		rounds += launches
		if asked := s.stash.Asked(); asked != rounds {
			b.Fatalf("%d hooks asked for %d runs", rounds, asked)
		}
	}
	s.report(b, hooks, nothing, rounds, 4)
}

// All hooks of a change of 1,000 scenes at once: each tells of all of them.
func BenchmarkBulkChange(b *testing.B) {
	const scenes = 1_000
	s := newSideBySide(b)
	s.occupied()
	event := make([]string, scenes)
	for i := range event {
		event[i] = strconv.Itoa(i + 1)
	}
	var hooks, nothing times
	rounds := 0
	for b.Loop() {
		for i := range scenes {
			s.round(i+1, event, &hooks, &nothing)
		}
		rounds += scenes
	}
	if n := s.count("job"); n != scenes {
		b.Fatalf("%d scenes are queued, want %d", n, scenes)
	}
	s.report(b, hooks, nothing, rounds, 2.4)
}

// What the disk takes to make 4 KiB last, which each hook waits for once.
func BenchmarkSync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	for b.Loop() {
		if _, err := f.Write(page); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
