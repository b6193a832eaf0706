package engine

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// asked returns how many requests a run sends to Plex.
func (l *lab) asked() int {
	l.Helper()
	l.plex.Forget()
	l.want(l.run(), Summary{})
	return len(l.plex.Requests())
}

func TestRunWithNothingDueAsksPlexOnceIn10Minutes(t *testing.T) {
	inPushedLab(t, 2, func(l *lab) {
		for range 3 {
			if n := l.asked(); n != 1 || l.plex.Count("GET", "/library/sections") != 1 {
				l.Errorf("%d requests, want one for the libraries", n)
			}
			for minute := 1; minute < 10; minute++ {
				pass(time.Minute)
				if n := l.asked(); n != 0 {
					l.Errorf("%d requests %d minutes later", n, minute)
				}
			}
			pass(time.Minute)
		}
		pass(25 * time.Hour)
		if n := l.asked(); n != 1 {
			l.Errorf("%d requests for an unchanged library a day later, want one", n)
		}
	})
}

func TestRunWithNothingDueDoesNotAskPlex(t *testing.T) {
	for name, c := range map[string]struct {
		n     int // scenes that were pushed
		setup func(l *lab)
	}{
		"if nothing was pushed": {0, func(*lab) {}},
		"while the breaker is open": {1, func(l *lab) {
			_, _, err := l.Store.UpdateBreaker(l.Context(), time.Now(), func(store.Breaker) store.Breaker {
				now := time.Now()
				return store.Breaker{State: store.BreakerOpen, Failures: 5, OpenedAt: now, ProbeAt: now.Add(time.Minute), LastError: "e"}
			})
			l.must(err)
		}},
		"in a run of one scene": {1, func(l *lab) {
			l.plex.Forget()
			l.want(l.runWith(Options{Only: 1, Listing: true}), Summary{})
			if n := len(l.plex.Requests()); n != 0 {
				l.Errorf("%d requests", n)
			}
			l.asked() // the next 10 minutes are free
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inPushedLab(t, c.n, func(l *lab) {
				c.setup(l)
				if n := l.asked(); n != 0 {
					l.Errorf("%d requests", n)
				}
			})
		})
	}
}

func TestPlexThatDoesNotAnswerDoesNotMatterToARunWithNothingDue(t *testing.T) {
	for name, fault := range map[string]plextest.Fault{
		"down":          {Status: http.StatusServiceUnavailable},
		"slow":          {Hang: true},
		"refused token": {Status: http.StatusUnauthorized},
		"broken answer": {Truncate: true},
	} {
		t.Run(name, func(t *testing.T) {
			inPushedLab(t, 2, func(l *lab) {
				l.plex.Inject(fault)
				l.plex.Forget()
				before, began := l.log.Len(), time.Now()
				for range 10 { // minutes
					sum := l.run()
					l.want(sum, Summary{})
					if sum.Stopped != "" || sum.Class != "" {
						l.Errorf("stopped: %+v", sum)
					}
					pass(time.Minute)
				}
				if n := len(l.plex.Requests()); n != 1 {
					l.Errorf("%d requests in 10 minutes, want one", n)
				}
				if took := time.Since(began) - 10*time.Minute; took > compareLimit {
					l.Errorf("the runs took %v", took)
				}
				for line := range strings.Lines(l.log.String()[before:]) {
					if !strings.HasPrefix(line, "\x01d\x02") {
						l.Errorf("logged %q", line)
					}
				}
				if b, err := l.Store.Breaker(l.Context()); err != nil || b.Failures != 0 {
					l.Errorf("breaker = %+v, %v", b, err)
				}
				l.plex.Heal()
				l.replaces(1)
				l.want(l.run(), Summary{Synced: 1})
			})
		})
	}
}

func TestItemThatComesAndGoesIsNotPushedAtEachReading(t *testing.T) {
	const minutes = 60
	for name, c := range map[string]struct {
		flips func(l *lab, minute int)
		most  int // pushes in an hour
	}{
		"with the same key": {func(l *lab, minute int) {
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Deleted = minute%2 == 0 })
		}, 0},
		"with a new key": {func(l *lab, _ int) { l.replaces(1) }, minutes / 10},
		"while it is upgraded": {func(l *lab, minute int) {
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Size = int64(5000 + minute) })
		}, minutes / 10},
		"while it is upgraded and Plex scans": {func(l *lab, minute int) {
			l.plex.Configure(func(o *plextest.Options) { o.Scanning = true })
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Size = int64(5000 + minute) })
		}, 0},
		"as one of two items with the file": {func(l *lab, minute int) {
			key := l.plex.KeyOf("/data/videos/twice.mp4")
			if key == "" {
				key = l.plex.AddItem(l.section, "/data/videos/twice.mp4", 1)
			}
			l.plex.Edit(key, func(it *plextest.Item) {
				it.Files = append(it.Files[:1], plextest.File{Path: path(1), Size: int64(5000 + minute), Version: 1})[:1+minute%2]
				it.AddedAt = 1 // the older of the two
			})
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inPushedLab(t, 2, func(l *lab) {
				pushes := 0
				for minute := range minutes {
					c.flips(l, minute)
					l.edit(time.Now().String(), 2) // so that the run updates the index
					sum := l.run()
					if sum.Synced+sum.Unchanged < 1 || sum.Retrying+sum.Dead+sum.Waiting > 0 {
						l.Fatalf("minute %d: %+v", minute, sum)
					}
					pushes += sum.Synced + sum.Unchanged - sum.CaughtUp - 1
					pass(time.Minute)
				}
				if pushes > c.most || pushes < 0 || c.most > 0 && pushes == 0 {
					l.Errorf("%d pushes in an hour, want at most %d", pushes, c.most)
				}
				l.plex.Configure(func(o *plextest.Options) { o.Scanning = false })
				pass(max(compareEvery, catchup.Every) + time.Minute)
				l.run()
				l.later()
				l.run()
				l.later()
				l.want(l.run(), Summary{})
			})
		})
	}
}

func TestRunOfOneSceneLeavesTheLookAtOthersToTheNextRun(t *testing.T) {
	inPushedLab(t, 3, func(l *lab) {
		l.replaces(1, 2, 3)
		l.edit("Two", 1)
		pass(stashapi.ClockSlack)
		l.want(l.runWith(Options{Only: 1, Listing: true}), Summary{Synced: 1})
		l.wantNoJobs(3)
		l.want(l.run(), Summary{Synced: 2})
		l.wantLinks()
	})
}
