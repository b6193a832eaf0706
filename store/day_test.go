package store

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// days returns what the queue says of the last n days.
func days(t *testing.T, s *Store, now time.Time, n int) (list []history.Day) {
	t.Helper()
	err := s.View(t.Context(), func(tx *sqlitefile.Tx) (err error) {
		list, err = history.Days(t.Context(), tx, now, n)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// turn opens or closes the breaker.
func turn(t *testing.T, s *Store, now time.Time, open bool) {
	t.Helper()
	_, _, err := s.UpdateBreaker(t.Context(), now, func(Breaker) Breaker {
		if open {
			return Breaker{State: BreakerOpen, OpenedAt: now, ProbeAt: now, LastError: "off"}
		}
		return Breaker{State: BreakerClosed}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// midnight is the beginning of a day, UTC.
var midnight = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// The days say what the completions and outages of a random history say.
func TestDaysSumUpARandomHistory(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			const n = 40
			random := rand.New(rand.NewPCG(seed, 1))
			s := openStore(t)
			now, open, began := midnight, false, time.Time{}
			want := make(map[time.Time]history.Day)
			add := func(at time.Time, d history.Day) {
				begin := at.UTC().Truncate(24 * time.Hour)
				sum := want[begin]
				want[begin] = history.Day{Begin: begin, Pushed: sum.Pushed + d.Pushed, Failed: sum.Failed + d.Failed, Dead: sum.Dead + d.Dead, Down: sum.Down + d.Down}
			}
			down := func(to time.Time) { // minute by minute
				for at := began; at.Before(to); at = at.Add(time.Minute) {
					add(at, history.Day{Down: time.Minute})
				}
			}
			for now.Before(midnight.AddDate(0, 0, n)) {
				now = now.Add(time.Duration(random.IntN(3*24*60)) * time.Minute)
				if random.IntN(3) == 0 {
					if open {
						down(now)
					}
					open, began = !open, now
					turn(t, s, now, open)
					continue
				}
				enqueueScenes(t, s, now, InBulk, 1, 2, 3)
				var ends []Completion
				for _, j := range claim(t, s, now, ClaimOptions{}) {
					e := []Completion{
						{Outcome: Done, Note: "synced", Fields: []string{"title"}},
						{Outcome: Done, Note: Unchanged},
						{Outcome: Drop, Note: "gone"},
						{Outcome: Retry},
						{Outcome: Retry, Fields: []string{"title"}},
						{Outcome: Miss},
						{Outcome: Snooze},
						{Outcome: Release},
						{Outcome: ToDeadLetter, Charge: Miss},
					}[random.IntN(9)]
					e.Job = j
					ends = append(ends, e)
					add(now, []history.Day{{Pushed: 1}, {}, {}, {Failed: 1}, {Pushed: 1, Failed: 1}, {}, {}, {}, {Dead: 1}}[kind(e)])
				}
				if _, err := s.Complete(t.Context(), now, ends); err != nil {
					t.Fatal(err)
				}
			}
			if open {
				down(now)
			}
			for i, got := range days(t, s, now, n) {
				begin := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, i-n+1)
				sum := want[begin]
				sum.Begin = begin
				if !reflect.DeepEqual(got, sum) {
					t.Errorf("got %+v, want %+v", got, sum)
				}
			}
		})
	}
}

// kind numbers the completions of a random history.
func kind(e Completion) int {
	switch {
	case e.Outcome == Done && e.Note == "synced":
		return 0
	case e.Outcome == Retry && len(e.Fields) == 0:
		return 3
	case e.Outcome == Retry:
		return 4
	case e.Outcome == ToDeadLetter:
		return 8
	}
	return 1
}

func TestDayCountsWhatTheClaimStillConcerns(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2, 3)
	jobs := claim(t, s, t0, ClaimOptions{})
	enqueueScenes(t, s, t0, InBulk, 1, 2, 3) // edited since
	if _, err := s.Complete(t.Context(), t0, []Completion{
		{Job: jobs[0], Outcome: Done, Note: "synced", Fields: []string{"title"}}, {Job: jobs[1], Outcome: Retry}, {Job: jobs[2], Outcome: ToDeadLetter},
	}); err != nil {
		t.Fatal(err)
	}
	if d := days(t, s, t0, 1)[0]; d.Pushed != 1 || d.Failed != 0 || d.Dead != 0 {
		t.Errorf("day = %+v; want the change that Plex got, and no end of a job", d)
	}
}

func TestDayCountsCrashedJobs(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	now := t0
	for range crashLimit {
		if jobs := claim(t, s, now, ClaimOptions{}); len(jobs) != 1 {
			t.Fatalf("claimed %v", jobs)
		}
		now = now.Add(time.Minute)
	}
	if jobs := claim(t, s, now, ClaimOptions{}); len(jobs) != 0 {
		t.Fatalf("claimed %v", jobs)
	}
	if d := days(t, s, now, 1)[0]; d.Dead != 1 {
		t.Errorf("day = %+v", d)
	}
}

func TestOutageIsSplitAtMidnight(t *testing.T) {
	s := openStore(t)
	turn(t, s, midnight.Add(-time.Hour), true)
	for _, over := range []bool{false, true} {
		now := midnight.Add(25 * time.Hour)
		if over {
			turn(t, s, now, false)
			now = now.Add(time.Hour)
		}
		var got []time.Duration
		for _, d := range days(t, s, now, 4) {
			got = append(got, d.Down)
		}
		if want := []time.Duration{0, time.Hour, 24 * time.Hour, time.Hour}; !reflect.DeepEqual(got, want) {
			t.Errorf("over %v: down for %v, want %v", over, got, want)
		}
	}
}

// An outage that a recovered queue still holds as open is over: the breaker is closed.
func TestOutageOfALostBreakerIsOver(t *testing.T) {
	s := openStore(t)
	turn(t, s, midnight, true)
	if _, err := s.write.Exec(`UPDATE breaker SET state = 'closed', opened_at = NULL, probe_at = NULL`); err != nil {
		t.Fatal(err)
	}
	if d := days(t, s, midnight.Add(5*time.Hour), 1)[0]; d.Down != 0 {
		t.Errorf("down for %v, want 0", d.Down)
	}
	turn(t, s, midnight.Add(5*time.Hour), true)
	turn(t, s, midnight.Add(6*time.Hour), false)
	if d := days(t, s, midnight.Add(7*time.Hour), 1)[0]; d.Down != time.Hour {
		t.Errorf("down for %v, want the hour of the second outage", d.Down)
	}
}

func TestDaysSurviveWrongClocks(t *testing.T) {
	s := openStore(t)
	push := func(now time.Time) {
		t.Helper()
		enqueueScenes(t, s, now, InBulk, 1)
		endOne(t, s, now, Completion{Job: claim(t, s, now, ClaimOptions{})[0], Outcome: Done, Note: "synced"})
	}
	count := func() (n int) {
		t.Helper()
		if err := s.read.QueryRow(`SELECT COUNT(*) FROM day`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 20 {
		push(midnight.AddDate(0, 0, i))
	}
	turn(t, s, midnight.AddDate(0, 0, 19), true)
	turn(t, s, midnight.AddDate(12, 0, 0), false) // the clock jumped ahead during an outage
	for i := range 7 {
		push(midnight.AddDate(12, 0, i))
	}
	push(time.Unix(0, 0))
	now := midnight.AddDate(0, 0, 20)
	push(now)
	list := days(t, s, now, 21)
	for _, d := range list {
		if d.Pushed != 1 {
			t.Errorf("%+v", d)
		}
	}
	before := count()
	for i := range 8 {
		push(midnight.AddDate(13, 0, i))
	}
	if after := count(); after > before-20 || after > 2*400 {
		t.Errorf("%d days of %d are left, want at most 400 days before the last ones", after, before)
	}
}
