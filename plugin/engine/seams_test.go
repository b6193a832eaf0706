package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// refuse makes something in front of Plex refuse the edits of scenes.
func (l *lab) refuse(f plextest.Fault, ids ...int) {
	var keys []string
	for _, id := range ids {
		keys = append(keys, l.keys[id])
	}
	f.Method, f.Match = "PUT", func(r plextest.Request) bool { return namesItem(r, keys...) }
	l.plex.Inject(f)
}

// The fifth failure in a row is the moment at which the run must yield.
func TestRunThatYieldsDoesNotTakeFailedItemsForAnOutage(t *testing.T) {
	inLab(t, 7, func(l *lab) {
		l.Ask = func(context.Context) error { return nil }
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		l.editAll("New", 7)
		l.refuse(plextest.Fault{Status: 504, Front: true, Delay: 2300 * time.Millisecond}, 2, 3, 4, 5, 6, 7)
		sum := l.run()
		if sum.Stopped != leavesRun {
			l.Errorf("stopped = %q, want it to yield", sum.Stopped)
		}
		l.want(sum, Summary{Synced: 1, Retrying: 5})
		l.wantBreakerClosed()
	})
}

// The change that Plex is asked to repeat must change nothing: a field that was left out is not locked.
func TestRepeatedChangeLocksNoFieldThatWasLeftOut(t *testing.T) {
	inLab(t, 7, func(l *lab) {
		l.stash.Change(1, func(s *stashtest.Scene) { s.Details, s.Date = "Text", "2024-05-06" })
		l.editAll("New", 7)
		first := plextest.Fault{Method: "PUT", Status: 400, Match: func(r plextest.Request) bool {
			return namesItem(r, l.keys[1]) && strings.Contains(r.Query, "originallyAvailableAt.value")
		}}
		l.plex.Inject(first)
		l.refuse(plextest.Fault{Status: 504, Front: true}, 2, 3, 4, 5, 6, 7)
		l.want(l.run(), Summary{Synced: 1, Retrying: 6})
		if it := l.plex.Item(l.keys[1]); it.Locked["originallyAvailableAt"] || it.Date == "2024-05-06" || !it.Locked["title"] {
			l.Errorf("%q, locks %v; want the date left out and not locked", it.Date, it.Locked)
		}
	})
}

// While a refusal of the token is in doubt, another process may push the scene.
func TestJobInDoubtThatAnotherProcessCompletedIsNotCharged(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.editAll("New", 2)
		l.must(l.Store.Enqueue(l.Context(), time.Now(), []store.Request{{SceneID: 1, Reason: "edit", Priority: store.ByPerson}}))
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 403, Times: 1, Match: func(r plextest.Request) bool { return namesItem(r, l.keys[1]) }})
		l.plex.Inject(plextest.Fault{Method: "PUT", Times: 1, Match: func(r plextest.Request) bool {
			if !namesItem(r, l.keys[2]) {
				return false
			}
			l.must(l.Store.Enqueue(l.Context(), time.Now(), []store.Request{{SceneID: 1, Reason: "edit", Priority: store.ByPerson}}))
			jobs, _, err := l.Store.Claim(l.Context(), time.Now(), store.ClaimOptions{Only: 1, Wait: func(store.Job) time.Duration { return time.Minute }})
			l.must(err)
			if len(jobs) != 1 {
				l.Fatalf("claimed %+v", jobs)
			}
			l.must(second(l.Store.Complete(l.Context(), time.Now(), []store.Completion{{Job: jobs[0], Outcome: store.Done}})))
			return true
		}})
		l.want(l.run(), Summary{Synced: 1})
		if n := l.logged("w", "scene=1"); n > 0 {
			l.Errorf("%d warnings about a scene that was pushed", n)
		}
	})
}

// While the breaker is half-open, scenes that are not pushed are tried one by one. There may be a million.
func TestHalfOpenBreakerDoesNotKeepARunFromYielding(t *testing.T) {
	inLab(t, 100, func(l *lab) {
		l.Ask = func(context.Context) error { return nil }
		l.Config.Filter.OnlyOrganized = true
		l.editAll("New", 100)
		_, _, err := l.Store.UpdateBreaker(l.Context(), time.Now(), func(store.Breaker) store.Breaker {
			return store.Breaker{State: store.BreakerOpen, Failures: 5, OpenedAt: time.Now().Add(-time.Hour), ProbeAt: time.Now().Add(-time.Minute)}
		})
		l.must(err)
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		slowStash("SceneByID", 2*time.Second)(l)
		for part := range 10 {
			begin := time.Now()
			sum := l.run()
			if took := time.Since(begin); took > 90*time.Second {
				l.Errorf("part %d took %v", part, took)
			}
			if sum.Stopped == "" {
				l.wantBreakerClosed()
				return
			}
			if sum.Stopped != leavesRun {
				l.Errorf("part %d: %q", part, sum.Stopped)
			}
		}
		l.Error("ten runs were not enough")
	})
}

// Reads that succeed one by one only are no reason to stand still beside a queue that never empties.
func TestReadsInHalvesAdvanceBesideAQueueThatNeverEmpties(t *testing.T) {
	inLab(t, 6, func(l *lab) {
		l.Ask = func(context.Context) error { return nil }
		l.editAll("New", 6)
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata/", Hang: true, Match: func(r plextest.Request) bool { return strings.Contains(r.Path, ",") }})
		for range 30 {
			if !l.runPart() {
				break
			}
			pass(time.Minute)
		}
		for id := 1; id <= 6; id++ {
			l.wantTitle(id, "New")
		}
	})
}

// Something in front of Plex may refuse neighbours. They do not keep the others from being restored.
func TestItemsThatAFirewallRefusesDoNotEndARestore(t *testing.T) {
	inLab(t, 12, func(l *lab) {
		l.editAll("New", 12)
		l.want(l.run(), Summary{Synced: 12})
		bad := []int{2, 3, 4, 5, 6, 7}
		l.refuse(plextest.Fault{Status: 403, Front: true}, bad...)
		r := l.restore(0)
		if r.Restored != 6 || r.Failed != 6 || r.Stopped != "" {
			l.Errorf("%+v", r)
		}
		for id := 1; id <= 12; id++ {
			if !slices.Contains(bad, id) {
				l.wantTitle(id, fmt.Sprintf("clip%d", id))
			}
		}
	})
}

// The catch-up queues a scene again that was read right after its change.
func TestSkippedSceneThatIsLookedAtTwiceIsLoggedOnce(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.Config.Filter.OnlyOrganized = true
		for id := 1; id <= 3; id++ {
			l.edit("New", id)
			l.must(l.Store.Enqueue(l.Context(), time.Now(), []store.Request{{SceneID: id, Reason: "edit", Priority: store.ByPerson}}))
		}
		l.want(l.run(), Summary{Skipped: 3})
		if n := l.logged("i", "skipped 3 scenes"); n != 1 {
			l.Errorf("%d lines that three scenes were skipped, want one", n)
		}
	})
}

func TestRestoreAndPreviewInHalvesAdvanceBesideAQueueThatNeverEmpties(t *testing.T) {
	inLab(t, 6, func(l *lab) {
		l.editAll("New", 6)
		l.want(l.run(), Summary{Synced: 6})
		l.Yields = true
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata/", Hang: true, Match: func(r plextest.Request) bool { return strings.Contains(r.Path, ",") }})
		p, err := l.Preview(l.Context(), 0)
		l.must(err)
		for part := 0; p.Next != nil && part < 30; part++ {
			p, err = l.ContinuePreview(l.Context(), *p.Next, nil)
			l.must(err)
		}
		if p.Unchanged != 6 || p.Stopped != "" {
			l.Errorf("preview: %+v", p)
		}
		r, err := l.Restore(l.Context(), 0)
		l.must(err)
		parts, failed := 1, r.Failed
		for ; r.Next != nil && parts < 30; parts++ {
			r, err = l.ContinueRestore(l.Context(), *r.Next)
			l.must(err)
			failed += r.Failed
		}
		if parts < 3 || failed > 0 || r.Stopped != "" {
			l.Errorf("restore: %d parts, %d failed, %+v", parts, failed, r)
		}
		for id := 1; id <= 6; id++ {
			l.wantTitle(id, fmt.Sprintf("clip%d", id))
		}
	})
}

// Only the owner's token may upload a cover.
func TestAcceptedCoverShowsThatTheTokenMayWrite(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.covered(1, jpeg("old"))
		l.editAll("Old", 2)
		l.run()
		pass(time.Hour)
		l.covered(1, jpeg("new"))
		l.edit("Old", 1)
		l.edit("New", 2)
		l.refuse(plextest.Fault{Status: 403}, 2)
		sum := l.run()
		if l.want(sum, Summary{Synced: 1, Retrying: 1}); sum.Stopped != "" {
			l.Errorf("stopped: %s", sum.Stopped)
		}
	})
}
