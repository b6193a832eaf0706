package engine

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// sequence is what happens in a world, in order.
type sequence struct {
	variant
	steps []step
}

// GoString is how a test would write it.
func (s sequence) GoString() string {
	var b strings.Builder
	fmt.Fprintf(&b, "variant{Plex: %d, Keep: %v, Few: %v},\n", s.Plex, s.Keep, s.Few)
	for _, st := range s.steps {
		fmt.Fprintf(&b, "step%v,\n", st)
	}
	return b.String()
}

// anySequence draws what happens. What happens often in life, and what is the simplest, comes first.
func anySequence() *rapid.Generator[sequence] {
	kinds := []string{
		"edit", "run", "edit", "run", "plex fault", "clock", "edit", "run", "edit", "run", "plex fault", "stash fault",
		"clock", "hook", "bulk", "plex edit", "plex edit", "heal", "sync all", "sync recent", "rename", "item", "item", "remake", "move", "create",
		"destroy", "merge", "settings", "restore", "dead", "rebuild",
	}
	small, at := rapid.IntRange(0, 15), rapid.IntRange(0, 39)
	one := rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom(kinds).Draw(t, "do"), small.Draw(t, "a"), small.Draw(t, "b"), small.Draw(t, "c"), at.Draw(t, "d")}
	})
	return rapid.Custom(func(t *rapid.T) sequence {
		return sequence{
			variant{rapid.IntRange(0, 255).Draw(t, "plex"), rapid.Bool().Draw(t, "keep"), rapid.Bool().Draw(t, "few")},
			slices.Concat(rapid.SliceOfN(rapid.SliceOfN(one, 1, 10), 1, 6).Draw(t, "steps")...), // some 20
		}
	})
}

// play lets a sequence happen, then lets everything heal, and returns the first thing that was not as it must
// be. It is called in a bubble.
func (a *arena) play(s sequence, log func(string)) error {
	w, err := a.newWorld(s.variant)
	if err != nil {
		return err
	}
	defer w.end()
	if log != nil {
		w.log = &bytes.Buffer{}
		defer func() { log(strings.ReplaceAll(w.log.String(), "\x01", " ")) }()
	}
	w.begin()
	do := w.steps()
	for n, st := range s.steps {
		if w.log != nil {
			fmt.Fprintf(w.log, "--- %v %v\n", time.Now().Format(time.DateTime), st)
		}
		pass(10 * time.Millisecond) // no two things happen at the same instant
		do[st.do](st)
		w.checkTables()
		if w.err != nil {
			return fmt.Errorf("step %d %v: %w", n, st, w.err)
		}
	}
	for _, phase := range []func(){w.everyEditArrives, w.theDeadCanBeRevived, w.syncAllShowsEverything, w.nothingIsWrittenTwice, w.restoreGivesBack} {
		if phase(); w.err == nil {
			w.checkTables()
		}
		if w.err != nil {
			return w.err
		}
	}
	w.checkFile()
	if n := w.plex.Careless(); n > 0 {
		w.fail("%d careless requests", n)
	}
	if n := w.plex.MostWrites(); n > 1 {
		w.fail("%d writes at the same time", n)
	}
	return w.err
}

// rest lets time pass, with unrequested runs.
func (w *world) rest(runs int) {
	for range runs {
		pass(catchup.Every + time.Second)
		w.processQueue(&plannedRun{})
	}
}

// writes counts the requests that change something in Plex while f works.
func (w *world) writes(f func()) int {
	w.plex.Forget()
	f()
	return w.plex.Count(http.MethodPut, "") + w.plex.Count(http.MethodPost, "")
}

// everyEditArrives: with both servers there again, all that was asked for is in Plex within minutes, but for
// what is a dead letter.
func (w *world) everyEditArrives() {
	w.stepHeal(step{})
	w.rest(2)
	died := w.checkDead()
	for id, class := range died {
		if s := w.scenes[id]; s != nil && class != string(retry.ClassNotFound) {
			s.asked = nil
		}
	}
	for id := range w.jobs() {
		if s := w.scenes[id]; s == nil || slices.ContainsFunc(w.itemsOf(s), func(i *itemTruth) bool { return !w.plex.Item(i.key).Deleted }) {
			w.fail("scene %d is still queued although nothing fails any more: %+v", id, w.jobs()[id])
		}
	}
	if b, err := w.db.Breaker(context.Background()); err != nil || b.State != store.BreakerClosed && len(died) == 0 {
		w.fail("the breaker is %s although nothing fails any more (%v)", b.State, err)
	}
	w.settled("after minutes of peace")
	if n := w.writes(func() { w.rest(1) }); n > 0 {
		w.fail("%d writes although nothing has changed", n)
	}
}

// theDeadCanBeRevived: a click brings the dead letters back.
func (w *world) theDeadCanBeRevived() {
	died := w.checkDead()
	if len(died) == 0 {
		return
	}
	for id := range died {
		if s := w.scenes[id]; s != nil {
			w.ask(s, inInbox)
		}
	}
	_, err := w.db.Revive(context.Background(), time.Now(), store.Narrow{})
	w.must(err)
	w.rest(1)
	w.settled("after the dead letters were revived")
}

// syncAllShowsEverything: after Sync all everything is in Plex, even what was excused before.
func (w *world) syncAllShowsEverything() {
	w.stepSyncAll(step{})
	w.settled("after Sync all")
}

// nothingIsWrittenTwice: neither Sync all nor the daily look at everything writes what is there already.
func (w *world) nothingIsWrittenTwice() {
	pass(25 * time.Hour)
	if n := w.writes(func() { w.stepSyncAll(step{}) }); n > 0 {
		w.fail("Sync all makes %d writes although nothing has changed", n)
	}
}

// restoreGivesBack: a restore makes everything as it was, and it stays so until a person asks for more.
func (w *world) restoreGivesBack() {
	for _, s := range w.scenes {
		s.excuse()
	}
	w.process(&plannedRun{}, func(ctx context.Context, e *Engine) error {
		did, err := e.Restore(ctx, 0)
		if did.Failed > 0 || did.Stopped != "" {
			w.fail("a restore came to %+v", did)
		}
		return err
	})
	w.restored("at the end")
	for _, s := range w.scenes {
		if w.isPushed(s) {
			w.change(s, func(s *stashtest.Scene) { s.Details = "edited after the restore, and the hook is lost" })
		}
	}
	if n := w.writes(func() { w.rest(1) }); n > 0 {
		w.fail("%d writes to what was restored", n)
	}
}

// isPushed reports whether Sync all pushes a scene: Stash knows something of it, and Plex holds it.
func (w *world) isPushed(s *sceneTruth) bool {
	known := slices.ContainsFunc(slices.Collect(maps.Keys(w.config.Fields.Names)), func(name string) bool { return len(w.wanted(s, name)) > 0 })
	held := slices.ContainsFunc(w.itemsOf(s), func(i *itemTruth) bool { return !w.plex.Item(i.key).Deleted })
	return known && held && !w.leftOut(s)
}

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

// The short form plays the same few sequences each time, a longer one new ones. A sequence that fails is shrunk and
// shown as a test below would write it.
func TestTortureRandomSequencesAgreeWithTheModel(t *testing.T) {
	given := torture(t)
	if given == 0 {
		rapidFlags(t, map[string]string{"seed": "1", "checks": "60"})
		check(t, newArena(t))
		return
	}
	rapidFlags(t, map[string]string{"checks": "100", "shrinktime": "5m"})
	end := time.Now().Add(given)
	for n := range runtime.GOMAXPROCS(0) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			for a := newArena(t); time.Now().Before(end); {
				check(t, a)
			}
		})
	}
}

// rapidFlags sets rapid's flags for one test, unless they were given.
func rapidFlags(t *testing.T, values map[string]string) {
	for name, value := range values {
		f := flag.Lookup("rapid." + name)
		if old := f.Value.String(); old == f.DefValue {
			t.Cleanup(func() { f.Value.Set(old) })
			if err := f.Value.Set(value); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// check plays some sequences.
func check(t *testing.T, a *arena) {
	rapid.Check(t, func(rt *rapid.T) {
		s := anySequence().Draw(rt, "sequence")
		rapid.SyncTest(rt, func(rt *rapid.T) {
			if err := a.play(s, nil); err != nil {
				rt.Fatalf("%v", err)
			}
		})
	})
}
