package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const ownRun = queuePrefix + RunDescription

func TestLongRunEndsOnlyIfAnotherRunContinues(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second or two")
	}
	const n = 100
	for _, c := range []struct {
		name   string
		waits  []string
		silent bool // Stash does not return its queue
		fails  bool // asking
		asked  int  // -1: often
		leaves bool
	}{
		{"nobody waits", nil, false, false, 0, false},
		{"its next run alone waits", []string{ownRun}, false, false, 0, false},
		{"another job waits", []string{"Scanning..."}, false, false, 1, true},
		{"another job waits behind its next run", []string{ownRun, "Scanning..."}, false, false, 1, true},
		{"a preview waits that it has interrupted", []string{queuePrefix + PreviewDescription}, false, false, 0, false},
		{"a preview waits that a person has started on the page", []string{queuePrefix + ownPrefix + "preview changes"}, false, false, 0, false},
		{"Stash takes no run", []string{"Scanning..."}, false, true, -1, false},
		{"Stash does not tell", []string{"Scanning..."}, true, false, 0, false},
		{"Stash does not answer", []string{"Scanning..."}, true, false, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, n, func(l *lab) {
				for id := 1; id <= n; id++ {
					l.edit("New", id)
				}
				asked := 0
				l.Ask = func(context.Context) error {
					if asked++; c.fails {
						return errors.New("the queue is full")
					}
					return nil
				}
				l.stash.Hold("our own run")
				for _, description := range c.waits {
					l.stash.Hold(description)
				}
				if c.silent {
					hang := c.name == "Stash does not answer"
					l.stash.Inject(stashtest.Fault{Operation: "JobQueue", Status: 500, Hang: hang})
				}
				l.plex.Inject(plextest.Fault{Method: "PUT", Delay: 2 * time.Second}) // and a pause as long
				begin := time.Now()
				sum := l.run()
				took := time.Since(begin)
				if left := sum.Stopped != ""; left != c.leaves || left == (sum.Synced == n) || sum.Class != "" {
					l.Errorf("%+v after %v", sum, took)
				}
				if took > 12*time.Minute {
					l.Errorf("it took %v, want looks at a Stash that does not answer to be short", took)
				}
				if c.leaves && (took < workAtLeast || took > workAtLeast+roomEvery+5*time.Second) {
					l.Errorf("it left after %v", took)
				}
				if most := int((took-workAtLeast)/roomEvery) + 1; c.asked < 0 && (asked < 2 || asked > most) || c.asked >= 0 && asked != c.asked {
					l.Errorf("it asked %d times", asked)
				}
			})
		})
	}
}

// The first reading of a library may take long, and continues in the next run.
func TestLongRefreshYieldsToOtherJobs(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		for id := 100; id < 5000; id++ {
			l.plex.AddItem(l.section, path(id), size(id))
		}
		l.edit("New", 1)
		l.Ask = func(context.Context) error { return nil }
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/sections/" + l.section + "/all", Delay: 20 * time.Second})
		begin, runs := time.Now(), 0
		for done := false; !done && runs < 50; runs++ {
			started := time.Now()
			sum := l.run()
			if took := time.Since(started); !done && took > 90*time.Second || sum.Class != "" {
				l.Errorf("a run took %v: %+v", took, sum)
			}
			done = sum.Synced == 1
		}
		if took := time.Since(begin); runs < 10 || took > 10*time.Minute {
			l.Errorf("the library was read in %d runs, %v, want it to be read once", runs, took)
		}
		l.wantTitle(1, "New")
	})
}

// patient makes Plex ask for patience with every write.
func (l *lab) patient(seconds int) {
	l.plex.Inject(plextest.Fault{Method: "PUT", Status: 429, Header: http.Header{"Retry-After": {fmt.Sprint(seconds)}}})
}

func TestRunWaitsFiveMinutesInTotal(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("New", 1)
		l.patient(80)
		begin := time.Now()
		l.want(l.runWith(Options{Linger: true}), Summary{Retrying: 1})
		if took := time.Since(begin); took < lingerInAll || took > lingerInAll+2*lookEvery {
			l.Errorf("the run took %v", took)
		}
		if next := l.job(1).DueAt; next.Before(time.Now()) || l.job(1).Attempts != 4 {
			l.Errorf("job = %+v", l.job(1))
		}
	})
}

func TestNoRunWaitsForWhatIsDueLater(t *testing.T) {
	for _, c := range []struct {
		seconds int
		waits   bool
	}{{89, true}, {91, false}} {
		inLab(t, 1, func(l *lab) {
			l.edit("New", 1)
			l.patient(c.seconds)
			go func() {
				pass(time.Minute)
				l.plex.Heal()
			}()
			begin := time.Now()
			sum := l.runWith(Options{Linger: true})
			pass(time.Minute)
			if took := time.Since(begin); c.waits != (sum.Synced == 1) || c.waits != (took > 2*time.Minute) {
				l.Errorf("due in %d s: %+v after %v", c.seconds, sum, took)
			}
		})
	}
}

func TestWaitingRunYieldsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		happens func(l *lab, stop func())
		class   retry.Class
		within  time.Duration
	}{
		{"when another job comes", func(l *lab, _ func()) { l.stash.Hold("Scanning...") }, "", lookEvery},
		{"when its next run comes", func(l *lab, _ func()) { l.stash.Hold(ownRun) }, "", lookEvery},
		{"when a person starts a preview on the page", func(l *lab, _ func()) { l.stash.Hold(queuePrefix + ownPrefix + "preview changes") }, "", lookEvery},
		{"when Stash does not tell any more", func(l *lab, _ func()) { l.stash.Refuse(true) }, "", lookEvery},
		{"when it is stopped", func(_ *lab, stop func()) { stop() }, retry.ClassCancelled, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.edit("New", 1)
				l.patient(80)
				l.stash.Hold("our own run")
				ctx, stop := context.WithCancel(l.Context())
				defer stop()
				begin := time.Now()
				go func() {
					pass(31 * time.Second)
					c.happens(l, stop)
				}()
				sum, err := l.Engine.Run(ctx, Options{Linger: true})
				l.must(err)
				if took := time.Since(begin); took < 31*time.Second || took > 31*time.Second+c.within || sum.Class != c.class {
					l.Errorf("it left after %v: %+v", took, sum)
				}
				if j := l.job(1); j.Attempts != 1 || j.Unfinished != 0 || j.DueAt.Sub(begin) < 80*time.Second {
					l.Errorf("job = %+v", j)
				}
			})
		})
	}
}

func TestQuickWritesFollowEachOther(t *testing.T) {
	const slowWrite = 100 * time.Millisecond // a pause follows only slower ones
	inLab(t, 10, func(l *lab) {
		for id := 1; id <= 10; id++ {
			l.edit("New", id)
		}
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: slowWrite})
		begin := time.Now()
		l.want(l.run(), Summary{Synced: 10})
		if took := time.Since(begin); took > 11*slowWrite {
			l.Errorf("ten writes of %v took %v", slowWrite, took)
		}
	})
}

func TestProgressIsDoneClaimsOfKnownWork(t *testing.T) {
	inLab(t, 120, func(l *lab) {
		for id := 1; id <= 120; id++ {
			l.edit("New", id)
		}
		l.run()
		var want []float64
		for _, done := range []float64{50, 100, 120} {
			want = append(want, done/120)
		}
		if fmt.Sprint(l.ended) != fmt.Sprint(want) {
			l.Errorf("progress = %v, want %v", l.ended, want)
		}
	})
}
