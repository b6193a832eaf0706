package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

func TestFailedReadsOfAPullChangeNothing(t *testing.T) {
	for name, fault := range map[string]plextest.Fault{
		"503":       {Status: 503},
		"404":       {Status: 404},
		"500":       {Status: 500},
		"short":     {Truncate: true},
		"empty":     {Status: 200, Empty: true},
		"reset":     {Reset: true},
		"none of 1": {Status: 200, Body: `{"MediaContainer":{"size":0,"totalSize":1}}`},
		"a page":    {Status: 200, Body: `<html>login</html>`},
	} {
		t.Run(name, func(t *testing.T) {
			inPlays(t, 1, owner, func(l *lab) {
				at := l.watch(1)
				l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
				fault.Prefix = "/status/sessions/history"
				l.plex.Inject(fault)
				l.pulls()
				l.wantPlays(1)
				l.plex.Heal()
				for range 4 {
					l.pulls()
				}
				l.wantPlays(1, at)
				l.wantResume(1, time.Minute)
			})
		})
	}
}

// A pull that fails does not keep edits from being pushed.
func TestPushesGoOnWhileTheHistoryFails(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.plex.Inject(plextest.Fault{Prefix: "/status/sessions/history", Status: 404})
		l.edit("Another", 1)
		l.pulls()
		l.wantTitle(1, "Another")
	})
}

func TestActivityTrackingOffWritesNothingAndIsSaidOnce(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.stash.SetUI(map[string]any{"trackActivity": false})
		l.watch(1)
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		for range 3 {
			l.pulls()
		}
		l.wantPlays(1)
		l.wantResume(1, 0)
		if n := strings.Count(l.log.String(), "track activity is off"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
	})
}

func TestStashAwayEndsThePullUncharged(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		at := l.watch(1)
		l.stash.Inject(stashtest.Fault{Operation: "AddPlays", Reset: true, Times: 1})
		l.pulls()
		for _, p := range l.noted(book.Writing) {
			if p.Attempts != 0 {
				t.Errorf("the play was charged: %+v", p)
			}
		}
		l.pulls()
		l.pulls()
		l.wantPlays(1, at)
	})
}

func TestRefusedPlayIsTriedFiveTimes(t *testing.T) {
	inPlays(t, 2, owner, func(l *lab) {
		l.watch(1)
		at := l.watch(2)
		l.stash.Inject(stashtest.Fault{Operation: "AddPlays", Message: "no", Times: 1})
		l.pulls()
		l.pulls()
		l.wantPlays(2, at)
		l.watch(1)
		l.stash.Break(1)
		for range 8 {
			l.pulls()
		}
		if dead := l.noted(book.Dead); len(dead) != 1 || dead[0].Attempts != 5 || dead[0].Error == "" {
			t.Errorf("dead: %+v", dead)
		}
	})
}
