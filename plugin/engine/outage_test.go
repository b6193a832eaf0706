package engine

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// editAll gives the first n scenes a title and asks for all of them at once.
func (l *lab) editAll(title string, n int) {
	l.Helper()
	requests := make([]store.Request, n)
	for i := range requests {
		requests[i] = store.Request{SceneID: i + 1, Reason: "edit", Priority: store.InBulk}
		l.stash.Change(i+1, func(s *stashtest.Scene) { s.Title = title })
	}
	l.must(l.Store.Enqueue(l.Context(), time.Now(), requests))
}

// wantUncharged checks that the jobs of these scenes are as if no run had ever claimed them.
func (l *lab) wantUncharged(what any, from, to int) {
	l.Helper()
	for id := from; id <= to; id++ {
		if j := l.job(id); j.Attempts+j.Misses+j.Unfinished != 0 || j.DueAt.After(time.Now()) {
			l.Fatalf("%v: job = %+v, want nothing charged and due", what, j)
		}
	}
}

func (l *lab) wantBreakerUntouched(what any) {
	l.Helper()
	if b, err := l.Store.Breaker(l.Context()); err != nil || b != (store.Breaker{State: store.BreakerClosed}) {
		l.Errorf("%v: breaker = %+v, %v, want it untouched", what, b, err)
	}
}

func TestNamedLibraryWhilePlexIsOffIsServerDown(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.Libraries = []string{"Videos"}
		l.plex.Refuse(true)
		l.edit("New", 1)
		if sum := l.run(); sum.Class != retry.ClassServerDown || strings.Contains(sum.Stopped, "plexLibraries") {
			l.Errorf("summary = %+v, want the server down and no word about the library", sum)
		}
		l.wantUncharged("Plex off", 1, 1)
		l.plex.Refuse(false)
		l.want(l.run(), Summary{Synced: 1})
	})
}

func TestPlexOffForADayChargesNoJob(t *testing.T) {
	t.Parallel()
	counts := []int{1, 500}
	if testing.Short() {
		counts = counts[:1]
	}
	const writes, items = "502 to writes", "504 to items"
	for _, n := range counts {
		for name, fault := range map[string]plextest.Fault{
			"refused": {}, "502 to everything": {Status: 502}, writes: {Method: "PUT", Status: 502}, items: {Prefix: "/library/metadata", Status: 504},
		} {
			if n == 1 && (name == writes || name == items) { // one job says nothing about Plex
				continue
			}
			t.Run(fmt.Sprintf("%s, %d jobs", name, n), func(t *testing.T) {
				t.Parallel()
				inLab(t, n, func(l *lab) {
					l.editAll("New", n)
					if l.plex.Refuse(fault.Status == 0); fault.Status != 0 {
						l.plex.Inject(fault)
					}
					for hour := range 24 {
						if sum := l.run(); sum.Synced+sum.Retrying+sum.Waiting+sum.Dead > 0 {
							l.Fatalf("hour %d: %+v", hour, sum)
						}
						pass(time.Hour)
					}
					l.wantUncharged(name, 1, n)
					l.plex.Refuse(false)
					l.plex.Heal()
					l.want(l.run(), Summary{Synced: n})
					l.wantTitle(n, "New")
				})
			})
		}
	}
}

func TestTokenRefusedDuringARunChargesNoJob(t *testing.T) {
	for _, status := range []int{401, 403} {
		inLab(t, 5, func(l *lab) {
			l.editAll("New", 5)
			l.plex.Inject(plextest.Fault{Method: "PUT", Status: status})
			sum := l.run()
			if n := l.plex.Count("PUT", ""); sum.Class != retry.ClassUnauthorized || n != 5 {
				l.Errorf("%d: %+v after %d writes, want unauthorised after five different items", status, sum, n)
			}
			l.wantUncharged(status, 1, 5)
			l.wantBreakerUntouched(status)
			l.plex.Heal()
			l.want(l.run(), Summary{Synced: 5})
		})
	}
}

func TestStashThatFailsDuringARunChargesNoJob(t *testing.T) {
	for name, fault := range map[string]stashtest.Fault{
		"slow": {Delay: 10 * time.Minute}, "hanging": {Hang: true}, "reset": {Reset: true}, "truncated": {Truncate: true}, "502": {Status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 60, func(l *lab) { // two batches
				l.editAll("New", 60)
				l.plex.Inject(plextest.Fault{Method: "PUT", Delay: time.Second})
				go func() {
					pass(50 * time.Second) // during the first batch
					fault.Operation = "ScenesByID"
					l.stash.Inject(fault)
				}()
				if sum := l.run(); sum.Class != retry.ClassStashUnavailable || sum.Synced != 50 || sum.Retrying+sum.Dead > 0 {
					l.Errorf("summary = %+v, want 50 synced and then Stash unavailable", sum)
				}
				l.wantUncharged(name, 51, 60)
				l.wantBreakerUntouched(name)
				l.stash.Heal()
				l.plex.Heal()
				l.want(l.run(), Summary{Synced: 10})
			})
		})
	}
}

func TestStashThatGoesDownAfterRefusingOneSceneChargesNoJob(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.editAll("New", 3)
		l.stash.Inject(stashtest.Fault{Operation: "ScenesByID", Message: "database is locked"})
		l.stash.Inject(stashtest.Fault{Operation: "SceneByID", Message: "database is locked", Times: 1})
		l.stash.Inject(stashtest.Fault{Operation: "Version", Status: 502})
		if sum := l.run(); sum.Class != retry.ClassStashUnavailable || sum.Gone+sum.Retrying > 0 {
			l.Errorf("summary = %+v, want Stash unavailable and no more", sum)
		}
		l.wantUncharged("refused", 1, 3)
		l.stash.Heal()
		l.want(l.run(), Summary{Synced: 3})
	})
}

func TestEveryBadAnswerToAWriteIsRetried(t *testing.T) {
	for _, status := range []int{429, 500, 502, 503, 504} {
		inLab(t, 1, func(l *lab) {
			l.edit("New", 1)
			l.plex.Inject(plextest.Fault{Method: "PUT", Status: status, Header: http.Header{"Retry-After": {"7"}}, Times: 1})
			sum := l.run()
			l.want(sum, Summary{Retrying: 1})
			if j := l.job(1); j.Attempts != 1 || time.Until(j.DueAt) < 7*time.Second {
				l.Errorf("%d: job = %+v, due in %v, want one attempt and the 7 s that Plex asked for", status, j, time.Until(j.DueAt))
			}
			pass(6 * time.Second)
			if l.want(l.run(), Summary{}); l.plex.Count("PUT", "") != 1 {
				l.Errorf("%d: written again before Plex's time", status)
			}
			pass(2 * time.Second)
			l.want(l.run(), Summary{Synced: 1})
		})
	}
}

// Ten processes on one file fail at the same time. Two more report late successes once the breaker is open:
// one that began before it opened, and one of an opening an hour ago.
func TestTenProcessesOpenTheBreakerOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	now := time.UnixMilli(1_700_000_000_000)
	stores := make([]*store.Store, 12)
	for i := range stores {
		var err error
		if stores[i], err = store.Open(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		defer stores[i].Close()
	}
	var opened, closed atomic.Int32
	begin, isOpen := make(chan struct{}), make(chan struct{})
	report := func(s *store.Store, f func(store.Breaker) store.Breaker) {
		before, after, err := s.UpdateBreaker(t.Context(), now, f)
		if err != nil {
			t.Error(err)
		}
		if before.State != store.BreakerOpen && after.State == store.BreakerOpen && opened.Add(1) == 1 {
			close(isOpen)
		}
		if before.State != store.BreakerClosed && after.State == store.BreakerClosed {
			closed.Add(1)
		}
	}
	var wg sync.WaitGroup
	for i, s := range stores {
		wg.Go(func() {
			switch <-begin; i {
			case 10:
				<-isOpen
				report(s, func(b store.Breaker) store.Breaker { return retry.Succeed(b, time.Time{}) })
			case 11:
				<-isOpen
				report(s, func(b store.Breaker) store.Breaker { return retry.Succeed(b, now.Add(-time.Hour)) })
			default:
				for range retry.TripAfter {
					report(s, func(b store.Breaker) store.Breaker { return retry.Fail(b, time.Time{}, now, "refused") })
				}
			}
		})
	}
	close(begin)
	wg.Wait()
	b, err := stores[0].Breaker(t.Context())
	if err != nil || b.State != store.BreakerOpen || b.Failures != retry.TripAfter || opened.Load() != 1 || closed.Load() != 0 {
		t.Errorf("opened %d times, closed %d times: %+v, %v; want it open once", opened.Load(), closed.Load(), b, err)
	}
	if list, err := stores[0].Outages(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("outages = %+v, %v; want one", list, err)
	}
}
