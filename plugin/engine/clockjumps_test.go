package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A clockJump is a jump of the clock against some times, while the breaker is in a state.
type clockJump struct {
	by      time.Duration
	columns []timeColumn
	what    string
	breaker store.BreakerState
}

func (j clockJump) String() string { return fmt.Sprint(j.what, " ", j.by, " ", j.breaker) }

// clockJumps are all jumps against all times, and against those of each column alone: a single one that is off was
// written while the clock was.
func clockJumps(t *testing.T) []clockJump {
	t.Helper()
	var list []clockJump
	columns := timeColumns(t)
	for _, by := range jumps() {
		for _, breaker := range []store.BreakerState{store.BreakerClosed, store.BreakerOpen, store.BreakerHalfOpen} {
			list = append(list, clockJump{by, columns, "all", breaker})
			for _, c := range columns {
				if breaker == store.BreakerClosed || c.table == "breaker" {
					list = append(list, clockJump{by, []timeColumn{c}, c.String(), breaker})
				}
			}
		}
	}
	return list
}

// sample is every nth of a list: about as many as usual or short (with -short) say, or all if the time given is not 0.
func sample[T any](given time.Duration, list []T, usual, short int) []T {
	n := 1
	switch {
	case given > 0:
	case testing.Short():
		n = max(len(list)/short, 1)
	default:
		n = max(len(list)/usual, 1)
	}
	var some []T
	for i := range list {
		if i%n == n/2 {
			some = append(some, list[i])
		}
	}
	return some
}

func TestTortureClocksThatJumpBlockNothing(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	list := sample(given, clockJumps(t), 40, 1)
	for _, j := range list {
		t.Run(j.String(), func(t *testing.T) {
			inClockWorld(t, stash, func(w *clockWorld) {
				w.breakerIs(j.breaker)
				w.jump(j.by, j.columns...)
				w.afterwards()
				w.wantArrived()
			})
		})
	}
	t.Logf("%d jumps", len(list))
}

func TestTortureClocksThatJumpAndComeBackBlockNothing(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	columns := timeColumns(t)
	for _, by := range sample(given, jumps(), 4, 1) {
		for _, between := range sample(given, []time.Duration{time.Second, 20 * time.Minute, 2 * time.Hour}, 1, 1) {
			t.Run(fmt.Sprint(by, " for ", between), func(t *testing.T) {
				inClockWorld(t, stash, func(w *clockWorld) {
					w.jump(by, columns...)
					w.run()
					pass(between)
					w.run()
					w.wantKept()
					w.jump(-by, columns...)
					w.afterwards()
					w.wantArrived()
				})
			})
		}
	}
}

// If Plex keeps failing, a moved clock does not cause more requests.
func TestTortureClocksThatJumpRetryNothingForFree(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	columns := timeColumns(t)
	for _, by := range sample(given, jumps(), 4, 1) {
		for _, down := range sample(given, []bool{false, true}, 2, 1) {
			t.Run(fmt.Sprint(by, ", Plex off: ", down), func(t *testing.T) {
				inClockWorld(t, stash, func(w *clockWorld) {
					w.run()
					if down {
						w.breakerIs(store.BreakerOpen)
						w.plex.Refuse(true)
					}
					before := w.job(failedScene)
					w.jump(by, columns...)
					w.plex.Forget()
					for range 60 {
						w.run()
						pass(time.Second)
					}
					// At most one attempt because of the jump, and then those after 20, 40 and 80 s, with jitter.
					after := w.job(failedScene)
					if n := after.Attempts - before.Attempts; !down && n > 3 || down && n != 0 {
						w.Errorf("%d attempts within a minute", n)
					}
					if n := w.plex.Count("", ""); down && n > 0 {
						w.Errorf("%d requests reached a Plex that is off", n)
					}
					if b, err := w.Store.Breaker(w.Context()); down && (err != nil || b.Failures > 9) {
						w.Errorf("breaker = %+v, %v", b, err)
					}
				})
			})
		}
	}
}

func TestTortureClocksThatJumpMakeOneCopyADay(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	columns := timeColumns(t)
	for _, by := range sample(given, jumps(), 8, 1) {
		t.Run(by.String(), func(t *testing.T) {
			inClockWorld(t, stash, func(w *clockWorld) {
				w.jump(by, columns...)
				made := 0
				for range 49 {
					one, err := w.Store.CopyDaily(w.Context(), time.Now())
					w.must(err)
					if one {
						made++
					}
					pass(time.Hour)
				}
				if made < 2 || made > 3 {
					w.Errorf("%d copies in two days", made)
				}
			})
		})
	}
}

// zones are all that there are, by half hours.
func zones() []*time.Location {
	var list []*time.Location
	for minutes := -12 * 60; minutes <= 14*60; minutes += 30 {
		list = append(list, time.FixedZone(fmt.Sprintf("UTC%+.1f", float64(minutes)/60), minutes*60))
	}
	return list
}

// Stash compares times as text in the zone of its own clock, which may be off as well.
func TestTortureStashInAnyZone(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	skews := append(jumps(), 0, 3*time.Hour, -3*time.Hour)
	for i, zone := range sample(given, zones(), 6, 1) {
		skew := skews[i%len(skews)]
		t.Run(fmt.Sprint(zone, " off by ", skew), func(t *testing.T) {
			inClockWorldOf(t, stash, zone, skew, func(w *clockWorld) {
				w.afterwards()
				w.wantArrived()
				w.findChanges(fmt.Sprint(zone), 3*time.Hour, time.Hour, 12*time.Hour, 26*time.Hour)
			})
		})
	}
}

func TestTortureSummerTime(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	for _, name := range sample(given, []string{"Australia/Lord_Howe", "Europe/Berlin", "America/St_Johns"}, 1, 1) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, month := range sample(given, []time.Month{time.March, time.October}, 2, 1) { // each has one of the two changes
			t.Run(fmt.Sprint(name, " ", month), func(t *testing.T) {
				inClockWorldOf(t, stash, zone, 0, func(w *clockWorld) {
					change := changeOfClocks(time.Date(time.Now().Year()+1, month, 1, 0, 0, 0, 0, zone))
					w.afterwards()
					w.wantArrived()
					pass(time.Until(change) - 90*time.Minute)
					w.run()
					var steps []time.Duration
					for range 8 {
						steps = append(steps, 17*time.Minute)
					}
					w.findChanges(name, steps...)
				})
			})
		}
	}
}

// If Stash's clock was set back, changes look older than the stored versions. The daily listing finds them.
func TestTortureClocksOfStashThatJump(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	for _, by := range sample(given, jumps(), 4, 1) {
		t.Run(by.String(), func(t *testing.T) {
			inClockWorld(t, stash, func(w *clockWorld) {
				w.run()
				w.stash.SetClock(func() time.Time { return time.Now().Add(by) })
				w.afterwards()
				w.run()
				w.wantTitle(editedScene, "New")
				pass(catchup.CompleteEvery)
				w.run()
				w.wantArrived()
				w.findChanges("from then on", time.Hour, time.Hour)
			})
		})
	}
}

// changeOfClocks is the first change of a zone's offset after a time.
func changeOfClocks(at time.Time) time.Time {
	_, was := at.Zone()
	for {
		at = at.Add(time.Minute)
		if _, is := at.Zone(); is != was {
			return at
		}
	}
}

// findChanges changes a scene without a hook after each of the steps: it must be in Plex ten minutes later.
func (w *clockWorld) findChanges(where string, steps ...time.Duration) {
	w.Helper()
	for i, step := range steps {
		pass(step)
		id := []int{hooklessScene, editedScene, failedScene}[i%3]
		title := fmt.Sprintf("After %d", i)
		w.stash.Change(id, titled(title))
		pass(catchup.Every)
		w.run()
		if got := w.plex.Item(w.keys[id]).Title; got != title {
			w.Fatalf("%s, step %d: Plex shows scene %d as %q, want %q", where, i, id, got, title)
		}
	}
}

// Plex dates new items by its own clock.
func TestTortureClocksOfPlexThatJump(t *testing.T) {
	given := torture(t)
	stash := sharedStash(t)
	for _, by := range sample(given, jumps(), 8, 1) {
		t.Run(by.String(), func(t *testing.T) {
			inClockWorld(t, stash, func(w *clockWorld) {
				w.plex.SetClock(func() time.Time { return time.Now().Add(by) })
				w.afterwards()
				w.wantArrived()
				w.plex.SetClock(time.Now)
				id := clockScenes + 1
				w.stash.Add(stashtest.Scene{ID: id, Title: "Late", Files: []stashtest.File{{Path: path(id), Size: size(id)}}})
				w.edit("Late", id)
				w.run()
				w.keys[id] = w.plex.AddItem(w.section, path(id), size(id))
				w.run()
				w.wantTitle(id, "Late")
				if left := w.queued(); !slices.Equal(left, []int{}) {
					w.Errorf("%v are queued still", left)
				}
			})
		})
	}
}
