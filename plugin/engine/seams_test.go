package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
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
