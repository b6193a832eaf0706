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
	longRun   = 5 * time.Minute  // after this a run yields to other Stash jobs
	roomEvery = 10 * time.Second // how often it checks for waiting jobs
)

// RunDescription identifies our runs in Stash's queue.
const RunDescription = "Stash Plex Sync: process queue"

// queuePrefix is Stash's prefix for the description of a plugin task.
const queuePrefix = "Running plugin task: "

// OwnRun reports whether a job in Stash's queue is one of our runs.
func OwnRun(description string) bool {
	return description == queuePrefix+RunDescription
}

// yield tracks the other jobs in Stash's queue, which wait for the run to end.
type yield struct {
	stash   *stashapi.Client
	log     zerolog.Logger
	ask     func(ctx context.Context) error // asks Stash for another run; nil if none could continue the work
	started time.Time

	looked  time.Time     // when Stash's queue was last read
	waited  time.Duration // in total
	pauses  int           // how often the run has waited because Plex failed
	leaving error         // why the run ends; nil if it continues
}

// makeRoom returns why a long run must end; nil if it continues. The run ends if other Stash jobs wait and it can ask
// for another run behind them.
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

// queueIsIdle reports whether no Stash job waits for this run to end. A queue that cannot be read counts as busy.
func (y *yield) queueIsIdle(ctx context.Context) bool {
	jobs, err := y.stash.JobQueue(ctx)
	if err != nil {
		y.log.Debug().Err(err).Msg("could not read Stash's job queue")
		return false
	}
	return !slices.ContainsFunc(jobs, func(j stashapi.QueueJob) bool { return j.Status == "READY" })
}

// sleep waits and adds to the time waited.
func (y *yield) sleep(ctx context.Context, wait time.Duration) error {
	y.waited += wait
	return sleep(ctx, wait)
}

// sleep waits. It returns the *gate.Stop of a cancelled run if ctx ends first.
func sleep(ctx context.Context, wait time.Duration) error {
	select {
	case <-ctx.Done():
		return gate.Cancelled()
	case <-time.After(wait):
		return nil
	}
}
