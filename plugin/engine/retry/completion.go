package retry

import (
	"cmp"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// snoozeFor is the wait of a job that cannot be judged yet.
const snoozeFor = 30 * time.Second

// Complete converts a verdict to the completion of a job's claim: it charges the job, chooses the wait, and
// dead-letters a job that has no attempts left. r is random in [0, 1).
func Complete(job store.Job, v Verdict, err error, maxRetries int, r float64) store.Completion {
	why := reasonFor(v, err)
	c := store.Completion{
		Job: job, Outcome: v.Charge, Class: string(v.Class), Error: store.OneLine(err.Error()), Candidates: v.Candidates,
		Behind: v.Behind, Reason: why.JSON(),
	}
	switch v.Charge {
	case store.Retry:
		p := TemporaryPolicy(maxRetries)
		c.Wait = max(p.Backoff(job.Attempts+1, r), v.RetryAfter)
		if p.Spent(job.Attempts + 1) {
			c.Outcome, c.Charge = store.ToDeadLetter, store.Retry
		}
	case store.Miss:
		p := MissPolicy()
		c.Wait = p.Backoff(job.Misses+1, r)
		if p.Spent(job.Misses + 1) {
			c.Outcome, c.Charge = store.ToDeadLetter, store.Miss
		}
	case store.Snooze:
		c.Wait = snoozeFor
	}
	if v.Class.Skips() {
		c.LeftOut = cmp.Or(why.Code, c.Class)
	}
	return c
}

// WaitAfterFailure returns the wait of a job if its next attempt fails.
func WaitAfterFailure(maxRetries int, r func() float64) func(store.Job) time.Duration {
	return func(j store.Job) time.Duration {
		if j.Misses > j.Attempts {
			return MissPolicy().Backoff(j.Misses+1, r())
		}
		return TemporaryPolicy(maxRetries).Backoff(j.Attempts+1, r())
	}
}
