package engine

import (
	"context"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
)

const (
	longRun   = 5 * time.Minute  // after this a run makes room for other Stash jobs
	roomEvery = 10 * time.Second // how often it looks whether any wait
)

// RunDescription names our runs in Stash's queue. It is how one is recognised there.
const RunDescription = "Stash Plex Sync: process queue"

// queuePrefix is what Stash puts before the description of a plugin's task.
const queuePrefix = "Running plugin task: "

// OwnRun reports whether a job of Stash's queue is a run of ours.
func OwnRun(description string) bool {
	return description == queuePrefix+RunDescription
}

// yield is what a run knows of the other jobs in Stash's queue, which wait while it works or waits.
type yield struct {
	stash   *stashapi.Client
	log     zerolog.Logger
	ask     func(ctx context.Context) error // asks Stash for another run; nil: none could go on with the work
	started time.Time

	looked  time.Time     // when Stash's queue was last looked at
	waited  time.Duration // in all
	pauses  int           // how often the run has waited because Plex failed
	leaving error         // why the run ends; nil if it does not
}

// makeRoom returns why a long run ends, nil if it goes on: it does so if other jobs of Stash wait, and only if it can
// ask for another run behind them.
func (y *yield) makeRoom(ctx context.Context) error {
	now := time.Now()
	if y.leaving != nil || y.ask == nil || now.Sub(y.started) < longRun || now.Sub(y.looked) < roomEvery {
		return y.leaving
	}
	y.looked = now
	jobs, err := y.stash.JobQueue(ctx)
	if err != nil {
		y.log.Debug().Err(err).Msg("could not read Stash's job queue")
		return nil
	}
	others, own := false, false
	for _, j := range jobs {
		if j.Status == "READY" {
			if OwnRun(j.Description) {
				own = true
			} else {
				others = true
			}
		}
	}
	if !others {
		return nil
	}
	if !own {
		if err := y.ask(ctx); err != nil {
			y.log.Debug().Err(err).Msg("could not ask Stash for another run")
			return nil
		}
	}
	y.leaving = &gate.Stop{Text: "other Stash jobs are waiting; another run is queued behind them"}
	return y.leaving
}

// queueIsIdle reports whether no job of Stash waits for this run to end. A Stash that does not say counts as busy.
func (y *yield) queueIsIdle(ctx context.Context) bool {
	jobs, err := y.stash.JobQueue(ctx)
	if err != nil {
		y.log.Debug().Err(err).Msg("could not read Stash's job queue")
		return false
	}
	return !slices.ContainsFunc(jobs, func(j stashapi.QueueJob) bool { return j.Status == "READY" })
}

// sleep waits without holding anything.
func (y *yield) sleep(ctx context.Context, wait time.Duration) error {
	y.waited += wait
	select {
	case <-ctx.Done():
		return gate.Cancelled()
	case <-time.After(wait):
		return nil
	}
}
