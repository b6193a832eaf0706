package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
)

const (
	workAtLeast = 20 * time.Second // a run works this long before it yields, so that it advances beside a queue that never empties
	roomEvery   = 5 * time.Second  // how often it then checks for waiting jobs
	lookAtMost  = 3 * time.Second  // how long it waits for Stash's answer
)

// ownPrefix begins the description of each task that we, or a person on our page, put into Stash's queue.
const ownPrefix = "Stash Plex Sync: "

// The descriptions of the tasks that we put into Stash's queue.
const (
	RunDescription     = ownPrefix + "process queue"
	PreviewDescription = ownPrefix + "preview changes, continued"
	RestoreDescription = ownPrefix + "restore Plex metadata, continued"
	GapsDescription    = ownPrefix + "compare Stash and Plex, continued"
	PlaysDescription   = ownPrefix + "plays, continued"
)

// queuePrefix is Stash's prefix for the description of a plugin task.
const queuePrefix = "Running plugin task: "

// OwnRun reports whether a job in Stash's queue is one of our runs, which push what is due. A preview is none, even with
// our prefix.
func OwnRun(description string) bool {
	return description == queuePrefix+RunDescription
}

// yield tracks the other jobs in Stash's queue, which wait for the run to end.
type yield struct {
	stash   *stashapi.Client
	log     zerolog.Logger
	ask     func(ctx context.Context) error // makes sure that Stash runs what continues the work; nil if nothing would
	paused  func() string                   // why nothing may be pushed; nil if a pause does not matter
	leaves  string                          // what a run says that yields
	started time.Time

	looked  time.Time     // when Stash's queue was last read
	waited  time.Duration // in total
	pauses  int           // how often the run has waited because Plex failed
	leaving error         // why the run ends; nil if it continues
}

// What a run says that yields.
const (
	leavesRun    = "other Stash jobs are waiting; another run is queued behind them"
	leavesReport = "other Stash jobs are waiting"
	leavesIndex  = "other Stash jobs are waiting; the next run that needs the index reads the rest"
)

// newYield returns the yield of a run that asks for its successor with ask.
func (e *Engine) newYield(ask func(ctx context.Context) error, leaves string) yield {
	started := e.Began
	if started.IsZero() {
		started = time.Now()
	}
	return yield{stash: e.Stash, log: e.Log, ask: ask, paused: e.Paused, leaves: leaves, started: started}
}

// callerAsks is the ask of work that its caller continues. It is nil if the work must not be interrupted.
func (e *Engine) callerAsks() func(ctx context.Context) error {
	if !e.Yields {
		return nil
	}
	return func(context.Context) error { return nil }
}

// isOther reports whether a job waits for this run to end. A task with our prefix is no other job: two of them would
// yield to each other.
func isOther(j stashapi.QueueJob) bool {
	return j.Status == "READY" && !strings.HasPrefix(j.Description, queuePrefix+ownPrefix)
}

// Room returns what a task beside the engine calls between its pages. It returns why the task must end, as an error for
// Yielded; nil if the task continues.
func (e *Engine) Room() func(ctx context.Context) error {
	y := e.newYield(e.callerAsks(), leavesReport)
	return y.makeRoom
}

// makeRoom returns why a run must end; nil if it continues. The run ends if a person has paused pushing, or if other Stash
// jobs wait and it can ask for what continues its work behind them.
func (y *yield) makeRoom(ctx context.Context) error {
	now := time.Now()
	if y.pausedNow() != nil || y.ask == nil || now.Sub(y.started) < workAtLeast || now.Sub(y.looked) < roomEvery {
		return y.leaving
	}
	y.looked = now
	looking, cancel := context.WithTimeout(ctx, lookAtMost)
	defer cancel()
	jobs, err := y.stash.JobQueue(looking)
	if err != nil {
		y.log.Debug().Err(err).Msg("could not read Stash's job queue")
		return nil
	}
	if !slices.ContainsFunc(jobs, isOther) {
		return nil
	}
	if err := y.ask(ctx); err != nil {
		y.log.Debug().Err(err).Msg("could not ask Stash for another run")
		return nil
	}
	y.leaving = &gate.Stop{Text: y.leaves, Reason: reason.OtherJobs()}
	return y.leaving
}

// pausedNow returns why the run must end if a person has paused pushing.
func (y *yield) pausedNow() error {
	if y.leaving == nil && y.paused != nil {
		if why := y.paused(); why != "" {
			y.leaving = &gate.Stop{Text: why, Reason: reason.PushingPaused()}
		}
	}
	return y.leaving
}

// yielded reports whether a run ended to make room for other jobs, and not for another reason.
func (y *yield) yielded(stop gate.Stop, err error) bool {
	return err == nil && y.leaving != nil && stop.Text == y.leaves
}

// Yielded returns why EnqueueAll or EnqueueSince ended before the end; ok is false if err is another error.
func Yielded(err error) (why string, ok bool) {
	stop, ok := gate.AsStop(err)
	if !ok {
		return "", false
	}
	return stop.Text, true
}

// queueIsIdle reports whether no Stash job waits for this run to end, not even a task of ours: whoever started that task
// waits for it, while this run has nothing to do. A queue that cannot be read counts as busy.
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
