package retry

import (
	"errors"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestBackoffSchedule(t *testing.T) {
	s := time.Second
	for _, c := range []struct {
		name   string
		policy Policy
		full   []time.Duration // the longest wait after the nth failure
	}{
		{"temporary", TemporaryPolicy(5), []time.Duration{5 * s, 10 * s, 20 * s, 40 * s, 80 * s, 80 * s}},
		{"not found", MissPolicy(), []time.Duration{30 * s, 60 * s, 120 * s, 240 * s, 480 * s, 600 * s, 600 * s}},
	} {
		for i, full := range c.full {
			for _, r := range []float64{0, 0.5, 0.999999} {
				got := c.policy.Backoff(i+1, r)
				want := full/2 + time.Duration(r*float64(full/2))
				if got != want {
					t.Errorf("%s: Backoff(%d, %v) = %v, want %v", c.name, i+1, r, got, want)
				}
			}
			if i > 0 && full == 2*c.full[i-1] && c.policy.Backoff(i+1, 0) < c.policy.Backoff(i, 0.999999)-time.Millisecond {
				t.Errorf("%s: the wait after failure %d can be shorter than one before", c.name, i+1)
			}
		}
		if got := c.policy.Backoff(10_000, 0.999999); got > c.policy.Cap || got < c.policy.Cap/2 {
			t.Errorf("%s: the wait after failure 10000 is %v", c.name, got)
		}
	}
	if TemporaryPolicy(5).Spent(5) || !TemporaryPolicy(5).Spent(6) || MissPolicy().Spent(12) || !MissPolicy().Spent(13) {
		t.Error("five retries and twelve looks are allowed, not more and not less")
	}
}

func TestCompleteChargesWaitsAndDeadLetters(t *testing.T) {
	for _, c := range []struct {
		name    string
		job     store.Job
		v       Verdict
		outcome store.Outcome
		charge  store.Outcome
		wait    time.Duration
	}{
		{"first temporary failure", store.Job{}, Verdict{Charge: store.Retry}, store.Retry, "", 2500 * time.Millisecond},
		{"Retry-After is longer", store.Job{}, Verdict{Charge: store.Retry, RetryAfter: time.Minute}, store.Retry, "", time.Minute},
		{"Retry-After is shorter", store.Job{Attempts: 4}, Verdict{Charge: store.Retry, RetryAfter: time.Second}, store.Retry, "", 40 * time.Second},
		{"fifth retry failed", store.Job{Attempts: 5}, Verdict{Charge: store.Retry}, store.ToDeadLetter, store.Retry, 40 * time.Second},
		{"misses do not count as attempts", store.Job{Misses: 12}, Verdict{Charge: store.Retry}, store.Retry, "", 2500 * time.Millisecond},
		{"first miss", store.Job{Attempts: 5}, Verdict{Charge: store.Miss}, store.Miss, "", 15 * time.Second},
		{"thirteenth miss", store.Job{Misses: 12}, Verdict{Charge: store.Miss}, store.ToDeadLetter, store.Miss, 300 * time.Second},
		{"rejected", store.Job{}, Verdict{Charge: store.ToDeadLetter}, store.ToDeadLetter, "", 0},
		{"not ready", store.Job{Attempts: 5, Misses: 12}, Verdict{Charge: store.Snooze}, store.Snooze, "", snoozeFor},
		{"released", store.Job{Attempts: 5, Misses: 12}, Verdict{Charge: store.Release}, store.Release, "", 0},
	} {
		e := Complete(c.job, c.v, errors.New("x"), 5, 0)
		if e.Outcome != c.outcome || e.Charge != c.charge || e.Wait != c.wait {
			t.Errorf("%s: %s, charge %q, wait %v; want %s, %q, %v", c.name, e.Outcome, e.Charge, e.Wait, c.outcome, c.charge, c.wait)
		}
	}
}

func TestBreakerTransitions(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	after := func(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }
	var none time.Time
	open := store.Breaker{State: store.BreakerOpen, Failures: 5, OpenedAt: at, ProbeAt: after(60), LastError: "e"}
	half := open
	half.State, half.HalfOpenAt = store.BreakerHalfOpen, after(60)
	closed := store.Breaker{State: store.BreakerClosed}
	four := store.Breaker{State: store.BreakerClosed, Failures: 4, LastError: "e"}
	reopened := func(probes, wait int) store.Breaker {
		return store.Breaker{State: store.BreakerOpen, Failures: 5 + probes, FailedProbes: probes, OpenedAt: after(60), ProbeAt: after(60 + wait), LastError: "e"}
	}
	failing := func(probes int) store.Breaker {
		b := half
		b.FailedProbes, b.Failures = probes, 5+probes
		return b
	}
	for _, c := range []struct {
		name      string
		got, want store.Breaker
	}{
		{"a first failure", Fail(closed, none, at, "e"), store.Breaker{State: store.BreakerClosed, Failures: 1, LastError: "e"}},
		{"the fifth trips it", Fail(four, none, at, "e"), open},
		{"a success starts the count anew", Succeed(four, none), closed},
		{"a late failure while open", Fail(open, at, after(1), "f"), open},
		{"a late failure of the time before", Fail(open, none, after(1), "f"), open},
		{"a late success does not close it", Succeed(open, none), open},
		{"nor does one that names the opening", Succeed(open, at), open},
		{"a success of another opening", Succeed(half, after(-100)), half},
		{"the trial succeeds", Succeed(half, at), closed},
		{"the probe fails", Fail(half, at, after(60), "e"), reopened(1, 120)},
		{"the probe fails again", Fail(failing(1), at, after(60), "e"), reopened(2, 240)},
		{"and again: never longer than 300 s", Fail(failing(2), at, after(60), "e"), reopened(3, 300)},
		{"and for ever", Fail(failing(70), at, after(60), "e"), reopened(71, 300)},
		{"a failure of another opening", Fail(half, after(-100), after(60), "f"), half},
		{"a known bad job is no proof", Pardon(half, at), four},
		{"but only of this opening", Pardon(half, none), half},
	} {
		if c.got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, c.got, c.want)
		}
	}
}

func TestBreakerPermits(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	open := store.Breaker{State: store.BreakerOpen, OpenedAt: at, ProbeAt: at.Add(time.Minute)}
	half := store.Breaker{State: store.BreakerHalfOpen, OpenedAt: at, ProbeAt: at.Add(time.Minute), HalfOpenAt: at.Add(time.Minute)}
	for _, c := range []struct {
		name   string
		b      store.Breaker
		now    time.Duration
		person bool
		want   Permission
	}{
		{"closed", store.Breaker{State: store.BreakerClosed}, 0, false, Allowed},
		{"open", open, 59 * time.Second, false, Paused},
		{"open and due", open, 60 * time.Second, false, ProbeFirst},
		{"a person's click probes at once", open, time.Second, true, ProbeFirst},
		{"the clock was moved back", open, -24 * time.Hour, false, ProbeFirst},
		{"another process probes", half, 61 * time.Second, false, Paused},
		{"the probing process died", half, 121 * time.Second, false, ProbeFirst},
		{"a person does not wait for it", half, 61 * time.Second, true, ProbeFirst},
		{"the clock was moved back while it probed", half, 0, false, ProbeFirst},
	} {
		b, got := Permit(c.b, at.Add(c.now), c.person)
		if got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if got == ProbeFirst && (b.State != store.BreakerHalfOpen || !b.HalfOpenAt.Equal(at.Add(c.now)) || !b.OpenedAt.Equal(at)) {
			t.Errorf("%s: probing with %+v", c.name, b)
		}
		if got != ProbeFirst && b != c.b {
			t.Errorf("%s: the row changed to %+v", c.name, b)
		}
	}
}
