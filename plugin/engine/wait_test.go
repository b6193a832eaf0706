package engine

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestShortOutageIsWaitedOut(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails func(l *lab)
	}{
		{"before the first request", func(l *lab) { l.plex.Refuse(true) }},
		{"at a write", func(l *lab) { l.plex.Inject(plextest.Fault{Method: "PUT", Refuse: true}) }},
		{"at the listing", func(l *lab) {
			l.plex.AddItem(l.section, "/new.mp4", 5)
			l.plex.Inject(plextest.Fault{Prefix: "/library/sections/" + l.section + "/all", Method: "GET", Refuse: true})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.edit("Warm", 1)
				l.run()
				l.edit("One", 1)
				c.fails(l)
				go func() {
					pass(12 * time.Second)
					l.plex.Refuse(false)
					l.plex.Heal()
				}()
				begin := time.Now()
				l.want(l.runWith(Options{Linger: true}), Summary{Synced: 1})
				if took := time.Since(begin); took > 20*time.Second {
					l.Errorf("the run took %v, want it to try again every five seconds", took)
				}
			})
		})
	}
}

func TestOutageThatLastsOpensTheBreaker(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("One", 1)
		l.plex.Refuse(true)
		begin := time.Now()
		sum := l.runWith(Options{Linger: true})
		b, err := l.Store.Breaker(l.Context())
		l.must(err)
		if sum.Class != retry.ClassServerDown || b.State != store.BreakerOpen || l.job(1).Attempts != 0 {
			l.Errorf("%+v, breaker %+v, job %+v", sum, b, l.job(1))
		}
		if opened := b.OpenedAt.Sub(begin); opened < 4*shortPause {
			l.Errorf("the breaker opened after %v, want five failures five seconds apart", opened)
		}
	})
}

func TestPausesGrowWhilePlexAnswersInBetween(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("One", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Refuse: true})
		begin := time.Now()
		l.runWith(Options{Linger: true})
		if took, n := time.Since(begin), l.plex.Count("PUT", ""); took < 4*time.Minute || took > 6*time.Minute || n > 15 {
			l.Errorf("%d writes within %v", n, took)
		}
		if j := l.job(1); j.Attempts != 0 {
			l.Errorf("job = %+v, want it uncharged", j)
		}
	})
}

func TestRunsDoNotWaitForPlexInVain(t *testing.T) {
	for _, c := range []struct {
		name string
		busy func(l *lab)
	}{
		{"while another job of Stash waits", func(l *lab) {
			l.stash.Hold("Scanning...")
			l.stash.Hold("Generating...")
			l.edit("One", 1)
		}},
		{"while no job is due", func(l *lab) {
			l.plex.Remove(l.keys[1])
			l.edit("One", 1)
			l.run() // not found: its file is wanted
			pass(time.Second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				c.busy(l)
				l.plex.Refuse(true)
				begin := time.Now()
				sum := l.runWith(Options{Linger: true})
				if took := time.Since(begin); sum.Class != retry.ClassServerDown || took > time.Second {
					l.Errorf("%+v after %v", sum, took)
				}
			})
		})
	}
}
