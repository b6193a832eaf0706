package retry

import (
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// snoozeFor is how long a job waits that cannot be judged yet.
const snoozeFor = 30 * time.Second

// Complete turns a verdict into the ending of a job's claim: it charges, chooses the wait, and buries what
// is spent. r is random in [0, 1).
func Complete(job store.Job, v Verdict, err error, maxRetries int, r float64) store.Completion {
	e := store.Completion{
		Job: job, Outcome: v.Charge, Class: string(v.Class), Error: store.OneLine(err.Error()), Candidates: v.Candidates,
	}
	switch v.Charge {
	case store.Retry:
		p := TemporaryPolicy(maxRetries)
		e.Wait = max(p.Backoff(job.Attempts+1, r), v.RetryAfter)
		if p.Spent(job.Attempts + 1) {
			e.Outcome, e.Charge = store.ToDeadLetter, store.Retry
		}
	case store.Miss:
		p := MissPolicy()
		e.Wait = p.Backoff(job.Misses+1, r)
		if p.Spent(job.Misses + 1) {
			e.Outcome, e.Charge = store.ToDeadLetter, store.Miss
		}
	case store.Snooze:
		e.Wait = snoozeFor
	}
	return e
}

// WaitAfterFailure is the wait that a job would get if the attempt that is about to begin failed.
func WaitAfterFailure(maxRetries int, r func() float64) func(store.Job) time.Duration {
	return func(j store.Job) time.Duration {
		if j.Misses > j.Attempts {
			return MissPolicy().Backoff(j.Misses+1, r())
		}
		return TemporaryPolicy(maxRetries).Backoff(j.Attempts+1, r())
	}
}
