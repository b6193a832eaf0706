package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// newPlays starts a world with three pushed scenes, and has begun to import plays.
func newPlays(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 3)
	w.beginPlays()
	return w
}

func (w *world) beginPlays() {
	w.Helper()
	w.plex.AddAccount("Kid", "")
	w.settings(map[string]any{"85plays": "owner, Kid"})
	for id := range 3 {
		w.edit(id+1, "Clip")
	}
	w.idle()
	w.process()
	w.op(map[string]any{"mode": "pull", "now": true})
}

// watch lets accounts play scenes 1 and 2, each at a second of its own, and a video that is no scene. It returns what Stash
// must hold.
func (w *world) watch(round int) map[int][]int64 {
	w.Helper()
	at := func(n int) time.Time {
		return time.Now().Add(time.Duration(round*600+60*n+2) * time.Second).Truncate(time.Second)
	}
	w.plex.Play(w.keys[1], plextest.Owner, at(0))
	w.plex.Play(w.keys[1], 1000, at(1))
	w.plex.Play(w.keys[2], plextest.Owner, at(2))
	w.plex.Play(w.keys[2], 4711, at(3)) // of an account that is not chosen
	return map[int][]int64{1: {at(0).Unix(), at(1).Unix()}, 2: {at(2).Unix()}, 3: nil}
}

// plays returns what Stash holds of all scenes: the seconds of their plays.
func (w *world) plays() map[int][]int64 {
	all := make(map[int][]int64)
	for id := range w.keys {
		s, _ := w.stash.Scene(id)
		all[id] = nil
		for _, at := range s.Plays {
			all[id] = append(all[id], at.Unix())
		}
		slices.Sort(all[id])
	}
	return all
}

func (w *world) wantPlays(want map[int][]int64) {
	w.Helper()
	if got := w.plays(); !maps.EqualFunc(got, want, slices.Equal) {
		w.Errorf("Stash holds the plays %v, want %v", got, want)
	}
}

// due makes everything about plays due that waits.
func (w *world) due() {
	w.Helper()
	w.sql(`UPDATE play SET due_at = 0`)
	w.sql(`UPDATE meta SET at = at - 600000 WHERE key = 'plays_pulled'`)
}

func TestPlaysArriveWithTheRunsThatTakePlaceAnyway(t *testing.T) {
	w := newPlays(t)
	want := w.watch(0)
	w.plex.StopAt(w.keys[3], plextest.Owner, 90*time.Second)
	w.edit(3, "Edited") // too early: the last pull is a moment ago
	w.idle()
	w.wantPlays(map[int][]int64{1: nil, 2: nil, 3: nil})
	w.due()
	w.edit(3, "Edited again")
	w.idle()
	w.wantPlays(want)
	if s, _ := w.stash.Scene(3); s.Resume != 90 || s.PlayDuration != 0 {
		t.Errorf("scene 3 resumes at %g after %g s of playing, want 90 and 0", s.Resume, s.PlayDuration)
	}
	for range 10 { // with nothing to do
		w.due()
		w.process()
	}
	w.wantPlays(want)
}

func TestImportAndUndoAreTasks(t *testing.T) {
	w := newWorld(t, 3)
	want := w.watch(-30) // long ago
	w.stash.Play(3, time.Unix(1_600_000_000, 0))
	before := w.plays()
	w.beginPlays()
	w.wantPlays(before) // only the present was noted
	w.host.RunTask("Import plays", map[string]any{"mode": "import-plays", "task": "yes", "dry_run": true})
	w.idle()
	w.wantPlays(before)
	if n := len(w.logged("2 plays of owner in Videos, past, linked to scenes")); n != 1 {
		t.Errorf("the log counts the plays %d times", n)
	}
	w.host.RunTask("Import plays", nil)
	w.idle()
	between := time.Unix(1_700_000_000, 0)
	w.stash.Play(2, between)
	imported := maps.Clone(want)
	imported[2] = []int64{want[2][0], between.Unix()}
	slices.Sort(imported[2])
	imported[3] = before[3]
	w.wantPlays(imported)
	w.host.RunTask("Undo imported plays", nil)
	w.idle()
	before[2] = []int64{between.Unix()}
	w.wantPlays(before)
	w.due()
	w.process()
	w.wantPlays(before)
}

// Runs, pulls, imports and hooks at once import each play once.
func TestPullsAtOnceImportEachPlayOnce(t *testing.T) {
	w := newPlays(t)
	want := make(map[int][]int64)
	for round := range 4 {
		for id, at := range w.watch(round) {
			want[id] = append(want[id], at...)
		}
		w.due()
		var all sync.WaitGroup
		for _, args := range []map[string]any{
			{"mode": "pull", "now": true}, {"mode": "pull", "now": true}, {"mode": "pull"}, {"mode": "process"}, {"mode": "import-plays", "task": "yes"},
		} {
			all.Go(func() {
				if _, err := w.host.Operation(w.Context(), args); err != nil {
					t.Errorf("%v: %v", args, err)
				}
			})
		}
		all.Go(func() { w.edit(1+round%3, fmt.Sprint("Round ", round)) })
		all.Wait()
		w.idle()
	}
	w.due()
	w.op(map[string]any{"mode": "pull", "now": true})
	w.wantPlays(want)
}

// A process that imports or undoes plays is killed at every statement and with every request to Plex. When it has been
// called again, each play is there once, or not at all after an undo.
func TestTorturePlaysKilledBetweenEveryTwoStatements(t *testing.T) {
	given, random := torture(t), rand.New(rand.NewPCG(seeded(t), 0))
	plugins := t.TempDir()
	if err := buildPlugin(plugins, "0", "-tags", "killpoints"); err != nil {
		t.Fatal(err)
	}
	k := &killer{killWorld: newKillWorld(t, 3, plugins), points: filepath.Join(t.TempDir(), "points")}
	t.Setenv("STASH_PLEX_SYNC_KILL", "")
	early := k.watch(-30)
	k.beginPlays()
	none := map[int][]int64{1: nil, 2: nil, 3: nil}
	new, all := k.watch(0), make(map[int][]int64)
	for id := range early {
		all[id] = slices.Concat(early[id], new[id])
	}
	k.plex.StopAt(k.keys[3], plextest.Owner, 90*time.Second)
	kills := 0
	for _, step := range []struct {
		name   string
		args   map[string]any
		want   map[int][]int64
		resume float64
	}{
		{"pull", map[string]any{"mode": "pull", "now": true}, new, 90},
		{"import", map[string]any{"mode": "import-plays", "task": "yes"}, all, 90},
		{"undo", map[string]any{"mode": "undo-plays"}, none, 0},
	} {
		before := k.remember()
		again := func(when string) {
			k.due()
			k.op(step.args)
			k.due()
			k.op(step.args)
			k.wantPlays(step.want)
			if s, _ := k.stash.Scene(3); s.Resume != step.resume {
				t.Errorf("scene 3 resumes at %g, want %g", s.Resume, step.resume)
			}
			if t.Failed() {
				t.Fatalf("%s, %s", step.name, when)
			}
		}
		k.arm(target{})
		k.try(step.args)
		moments := targets(0, k.disarm(), k.asked, random)
		again("nobody killed")
		after := k.remember()
		random.Shuffle(len(moments), func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })
		for i, one := range moments {
			if given == 0 && i >= 25 {
				break
			}
			k.goBack(before)
			k.arm(one)
			k.try(step.args)
			k.disarm()
			kills += min(k.killed, 1)
			again(fmt.Sprint("killed at ", one))
		}
		t.Logf("%s: %d moments", step.name, len(moments))
		k.goBack(after)
	}
	if kills < 30 {
		t.Errorf("only %d processes were killed", kills)
	}
}

// A pull beside a run answers at once, and leaves the plays to that run.
func TestPullBesideARunAnswersAtOnce(t *testing.T) {
	w := newPlays(t)
	want := w.watch(0)
	w.due()
	held := make(chan struct{})
	w.plex.Inject(plextest.Fault{Prefix: "/status/sessions/history", Times: 1, Until: held})
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.host.Operation(w.Context(), map[string]any{"mode": "process"})
	}()
	for w.op(map[string]any{"mode": "run"})["run"] == nil && t.Context().Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	answered := w.op(map[string]any{"mode": "pull", "now": true})
	if reason, _ := answered["reason"].(map[string]any); reason["code"] != "run_at_work" {
		t.Errorf("beside a run pull answers %v", answered)
	}
	close(held)
	<-done
	w.wantPlays(want)
}
