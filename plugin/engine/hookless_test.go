package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// scenes adds n scenes to a Stash that has moved to a zone.
func (l *lab) scenes(zone *time.Location, n int) {
	l.stash.SetZone(zone)
	for range n {
		l.add()
	}
}

// queued lists the scenes that have a job.
func (l *lab) queued() []int {
	l.Helper()
	ids := []int{}
	for id := range 100 {
		switch _, err := l.Store.Job(l.Context(), id); {
		case err == nil:
			ids = append(ids, id)
		case !errors.Is(err, store.ErrNone):
			l.Fatal(err)
		}
	}
	return ids
}

// looked makes runs while Plex is away, and returns the scenes that the first one has queued; then one that
// pushes them. No other run must queue any of them again.
func (l *lab) looked() []int {
	l.Helper()
	l.plex.Refuse(true)
	l.run()
	ids := l.queued()
	pass(catchup.Every)
	if sum := l.run(); sum.CaughtUp != 0 {
		l.Errorf("%d scenes are queued although they were", sum.CaughtUp)
	}
	l.plex.Refuse(false)
	l.run()
	for range 3 {
		pass(catchup.Every)
		if sum := l.run(); sum.CaughtUp != 0 || len(l.queued()) != 0 {
			l.Errorf("a run without a change has queued %d scenes, %v are left", sum.CaughtUp, l.queued())
		}
	}
	return ids
}

// listings counts the listings of all scenes, and of those changed lately.
func (l *lab) listings() (complete, changed int) {
	for _, q := range l.stash.Queries() {
		if q.Operation != "SlimScenes" {
			continue
		}
		if filter, _ := q.Variables["filter"].(map[string]any); filter["updated_at"] != nil {
			changed++
		} else if filter["AND"] == nil {
			complete++
		}
	}
	return complete, changed
}

// What fires no hook and moves updated_at is found within ten minutes, the rest by the daily listing.
func hookless() []struct {
	name   string
	change func(l *lab)
	want   []int
	daily  bool
} {
	importScene := func(l *lab, id int, at time.Time) {
		l.stash.Import(stashtest.Scene{ID: id, Title: "Imported", Updated: at, Files: []stashtest.File{{Path: path(id), Size: size(id)}}})
	}
	return []struct {
		name   string
		change func(l *lab)
		want   []int
		daily  bool
	}{
		{"autotag", func(l *lab) {
			tag := l.stash.Name("tag", 0, "Auto")
			for _, id := range []int{2, 5} {
				l.stash.Change(id, func(s *stashtest.Scene) { s.Tags = []int{tag} })
			}
		}, []int{2, 5}, false},
		{"generated covers", func(l *lab) {
			l.stash.GenerateCover(3, jpeg("cover"))
			l.stash.GenerateCover(6, jpeg("cover"))
		}, []int{3, 6}, false},
		{"a bulk edit whose hooks were lost", func(l *lab) {
			for id := 1; id <= 6; id++ {
				l.stash.Change(id, titled("Bulk"))
			}
		}, []int{1, 2, 3, 4, 5, 6}, false},
		{"scenes merged", func(l *lab) { l.stash.MergeScenes(4, 7, 8) }, []int{4}, false},
		{"edits while the plugin was disabled", func(l *lab) {
			for id := 1; id <= 4; id++ {
				l.stash.Change(id, titled("Unheard"))
				pass(17 * time.Hour)
			}
		}, []int{1, 2, 3, 4}, true},
		{"a moved file", func(l *lab) { l.stash.MoveFile(5, "/data/moved/clip5.mp4") }, []int{5}, true},
		{"an assigned file", func(l *lab) { l.stash.AssignFile(6, 4) }, []int{4, 6}, true},
		{"an import of a past state", func(l *lab) { importScene(l, 2, time.Now().Add(-1000*time.Hour)) }, []int{2}, true},
		{"an import of a new scene from another zone", func(l *lab) {
			l.keys[9] = l.plex.AddItem(l.section, path(9), size(9))
			importScene(l, 9, time.Now().Add(-time.Minute).In(time.FixedZone("", 14*3600)))
		}, []int{9}, true},
		{"nothing but a view", func(*lab) {}, []int{}, true},
		{"autotag after all that", func(l *lab) { l.stash.Change(1, titled("Late")) }, []int{1}, false},
	}
}

func TestChangesWithoutAHookAreQueuedOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second or two")
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []*time.Location{time.FixedZone("", -11*3600), newYork, time.UTC, time.FixedZone("", 14*3600)} {
		t.Run(zone.String()+time.Now().In(zone).Format("-07"), func(t *testing.T) {
			inLab(t, 0, func(l *lab) {
				l.scenes(zone, 8)
				if got := l.looked(); len(got) != 0 {
					l.Errorf("the first run ever has queued %v", got)
				}
				for _, c := range hookless() {
					c.change(l)
					pass(catchup.Every)
					if c.daily {
						pass(catchup.CompleteEvery)
					}
					l.stash.Forget()
					if got := l.looked(); !slices.Equal(got, c.want) {
						l.Errorf("%s: %v are queued, want %v", c.name, got, c.want)
					}
					if all, _ := l.listings(); all > 0 != c.daily {
						l.Errorf("%s: %d listings of everything", c.name, all)
					}
				}
			})
		})
	}
}

func TestChangesAroundTheEndOfSummerTimeAreFound(t *testing.T) {
	for _, c := range []struct {
		zone string
		at   time.Time // of the change of the clocks
	}{
		{"America/New_York", time.Date(2000, 4, 2, 7, 0, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2000, 10, 29, 6, 0, 0, 0, time.UTC)},
		{"Pacific/Auckland", time.Date(2000, 3, 18, 14, 0, 0, 0, time.UTC)},
	} {
		t.Run(fmt.Sprint(c.zone, " ", c.at.Format(time.DateOnly)), func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			inLab(t, 0, func(l *lab) {
				pass(time.Until(c.at.Add(-3 * time.Hour)))
				l.scenes(zone, 5)
				l.looked()
				l.stash.Forget()
				for id, at := range []time.Duration{0, -50 * time.Minute, -time.Second, time.Second, 59 * time.Minute, 3 * time.Hour} {
					if id == 0 {
						continue
					}
					pass(time.Until(c.at.Add(at)))
					l.stash.Change(id, titled("New"))
					if id == 2 {
						continue // no run between the two sides
					}
					pass(stashapi.ClockSlack)
					want := []int{id}
					if id == 3 {
						want = []int{2, 3}
					}
					if got := l.looked(); !slices.Equal(got, want) {
						l.Errorf("%v from the change of the clocks: %v are queued, want %v", at, got, want)
					}
				}
				if all, changed := l.listings(); all != 0 || changed == 0 {
					l.Errorf("%d listings of everything and %d of what changed, want only the latter", all, changed)
				}
			})
		})
	}
}

// follows changes scenes one after the other and wants each to be queued, without a listing of everything.
func (l *lab) follows(title string, ids ...int) {
	l.Helper()
	l.stash.Forget()
	for _, id := range ids {
		l.stash.Change(id, titled(title))
		pass(catchup.Every)
		if got := l.looked(); !slices.Equal(got, []int{id}) {
			l.Errorf("%v are queued, want scene %d", got, id)
		}
	}
	if all, _ := l.listings(); all != 0 {
		l.Errorf("%d listings of everything", all)
	}
}

// A Stash that moves west writes times that look older than those before. The daily listing finds what was
// missed until then, and from then on nothing is missed.
func TestStashThatMovesItsZoneIsFollowed(t *testing.T) {
	west, east := time.FixedZone("", -11*3600), time.FixedZone("", 14*3600)
	for _, c := range []struct {
		name     string
		from, to *time.Location
	}{{"west", east, west}, {"east", west, east}} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 0, func(l *lab) {
				l.scenes(c.from, 5)
				l.looked()
				l.stash.SetZone(c.to)
				pass(time.Hour)
				l.stash.Change(2, titled("Moved"))
				pass(catchup.CompleteEvery)
				if got := l.looked(); !slices.Equal(got, []int{2}) {
					l.Errorf("%v are queued by the daily listing, want the scene that changed", got)
				}
				l.follows("Moved", 4, 1)
			})
		})
	}
}

// The newest scene of all may come from a zone further east. The daily listing finds the change that it hides, and
// the time of that change leads to the next ones.
func TestZoneOfAnImportedSceneHidesAChangeForADayAtMost(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.scenes(time.FixedZone("", -5*3600), 3)
		l.looked()
		l.stash.Import(stashtest.Scene{ID: 4, Title: "Imported", Updated: time.Now().In(time.FixedZone("", 9*3600))})
		pass(catchup.Every)
		l.run()
		l.stash.Change(1, titled("New"))
		pass(catchup.CompleteEvery)
		if got := l.looked(); !slices.Equal(got, []int{1}) {
			l.Errorf("%v are queued by the daily listing, want the scene that changed", got)
		}
		l.follows("New", 2, 3)
	})
}

func TestResumedListingKnowsTheNewestTime(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.run()
		want := time.Now().Add(20 * time.Hour).In(time.FixedZone("", -11*3600)).Format(time.RFC3339)
		l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyListing, "2 "+want))
		pass(25 * time.Hour)
		l.run()
		if got, _, err := l.Store.Meta(l.Context(), store.KeyWatermark); err != nil || got != want {
			l.Errorf("the watermark is %q, %v; want %q, which an earlier page has shown", got, err, want)
		}
	})
}

func TestNoClockHidesAChange(t *testing.T) {
	for _, c := range []struct {
		name   string
		skew   time.Duration // of Stash's clock
		future time.Duration // of the updated_at of an imported scene
	}{
		{"a scene from the future", 0, 1000 * time.Hour},
		{"Stash ahead of us", 5 * time.Hour, 0},
		{"Stash behind us", -5 * time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 0, func(l *lab) {
				l.stash.SetClock(func() time.Time { return time.Now().Add(c.skew) })
				l.scenes(time.UTC, 3)
				if c.future != 0 {
					l.stash.Import(stashtest.Scene{ID: 4, Updated: time.Now().Add(c.future)})
				}
				l.looked()
				l.follows("New", 1, 3)
			})
		})
	}
}
