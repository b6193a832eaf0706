package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
)

// shown collects what the runs of a lab show: each step once, a step with the same name and totals as often as its
// numbers change.
func (l *lab) shown() (steps func() []doing.Step) {
	var list []doing.Step
	l.Doing.Show = func(s doing.Step) {
		if len(list) == 0 || list[len(list)-1] != s {
			list = append(list, s)
		}
	}
	return func() []doing.Step { return list }
}

func has(steps []doing.Step, want doing.Step) bool {
	return slices.ContainsFunc(steps, func(s doing.Step) bool { s.Until = time.Time{}; return s == want })
}

func TestRunShowsWhatItDoes(t *testing.T) {
	inLab(t, 120, func(l *lab) {
		steps := l.shown()
		n, err := l.EnqueueAll(l.Context())
		l.must(err)
		for id := 1; id <= n; id++ {
			l.edit("New", id)
		}
		l.want(l.run(), Summary{Synced: 120})
		for _, want := range []doing.Step{
			{Name: doing.Listing, Done: 120, Total: 120},
			{Name: doing.Pushing, Total: 120},
			{Name: doing.Pushing, Total: 120, Scene: 7},
			{Name: doing.Reading, Done: 120, Total: 120},
			{Name: doing.Pushing, Done: 50, Total: 120, Scene: 70},
			{Name: doing.Pushing, Done: 120, Total: 120, Scene: 120},
		} {
			if !has(steps(), want) {
				l.Errorf("%+v is not shown", want)
			}
		}
		restored := l.shown()
		_, err = l.Restore(l.Context(), 0)
		l.must(err)
		if want := (doing.Step{Name: doing.Restoring, Done: 50, Total: 120, Scene: 60}); !has(restored(), want) {
			l.Errorf("%+v is not shown: %+v", want, restored())
		}
	})
}

func TestRunShowsWhatItWaitsForAndUntilWhen(t *testing.T) {
	for what, c := range map[string]struct {
		begin  func(l *lab)
		within time.Duration
	}{
		doing.ForJob:   {func(l *lab) { l.plex.Remove(l.keys[1]) }, soon},
		doing.ForPlex:  {func(l *lab) { l.plex.Refuse(true) }, shortPause},
		doing.ForProbe: {func(l *lab) { l.plex.Refuse(true) }, 2 * time.Minute},
	} {
		inLab(t, 1, func(l *lab) {
			l.edit("One", 1)
			c.begin(l)
			found := false
			l.Doing.Show = func(s doing.Step) {
				left := time.Until(s.Until)
				if s.WaitsFor == what && s.Scene == 0 && left >= 0 && left <= c.within {
					found = true
				}
			}
			l.runWith(Options{Linger: true})
			if !found {
				l.Errorf("the run does not show that it waits for %s", what)
			}
		})
	}
}

const pausedText = "paused by you"

// A run that a person pauses at any moment ends, sends nothing more, and leaves the rest in the queue.
func TestRunEndsWhenAPersonPauses(t *testing.T) {
	for name, c := range map[string]struct {
		slow func(l *lab)
		rest int // scenes that are left at least
	}{
		"during the writes":   {slowPlex("PUT", "", 50*time.Millisecond), 150},
		"during a listing":    {slowStash("SlimScenes", 2*time.Second), 200},
		"reading the index":   {slowPlex("GET", "/library/sections/", 2*time.Second), 200},
		"while Plex is away":  {func(l *lab) { l.plex.Refuse(true) }, 200},
		"waiting for a scene": {func(l *lab) { l.plex.Inject(plextest.Fault{Prefix: "/library/sections/", Status: 500}) }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 200, func(l *lab) {
				allEdited(200)(l)
				c.slow(l)
				began := time.Now()
				pausedAt := began.Add(1500 * time.Millisecond)
				l.Paused = func() string {
					if time.Now().Before(pausedAt) {
						return ""
					}
					return pausedText
				}
				sum := l.runWith(Options{Linger: true})
				if sum.Stopped != pausedText || sum.Class != "" {
					l.Errorf("%+v, want the run to end because it is paused", sum)
				}
				if took := time.Since(pausedAt); took > 10*time.Second {
					l.Errorf("the run ended %v after the pause", took)
				}
				counts, err := l.Store.Counts(l.Context(), time.Now().Add(time.Hour))
				l.must(err)
				if counts.Due.N < c.rest || counts.Due.N+sum.Synced != 200 {
					l.Errorf("%d of 200 scenes were pushed, %d are left, want at least %d", sum.Synced, counts.Due.N, c.rest)
				}
				l.plex.Forget()
				if again := l.runWith(Options{}); again.Stopped != pausedText || l.plex.Count("", "") > 0 {
					l.Errorf("a run that is paused from its beginning: %+v", again)
				}
				l.Paused = nil
				l.plex.Refuse(false)
				l.plex.Heal()
				l.stash.Heal()
				pass(10 * time.Minute)
				l.runWith(Options{ByPerson: true})
				wantEdited(200)(l, name)
			})
		})
	}
}

// What a person started for themselves works while pushing is paused: these engines have no Paused. A yield for other
// jobs and a pause differ.
func TestPauseIsNoYield(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.Paused = func() string { return pausedText }
		l.Ask = func(context.Context) error { l.Error("a paused run asked for another one"); return nil }
		if _, err := l.EnqueueAll(l.Context()); err != nil {
			l.Errorf("a listing of one page: %v", err)
		}
		l.elsewhere(2500)
		n, err := l.EnqueueAll(l.Context())
		if why, ok := Yielded(err); !ok || why != pausedText || n != 1000 {
			l.Errorf("%d, %v", n, err)
		}
		l.Paused = nil
		l.Ask = nil
		if sum := l.run(); sum.Gone+sum.Waiting+sum.Retrying+sum.Skipped == 0 || !strings.Contains(l.log.String(), "queued more scenes of") {
			l.Errorf("the rest: %+v", fmt.Sprintf("%+v", sum))
		}
	})
}
