// Package watched does what the modes pull, import-plays and undo-plays do: it brings plays from Plex to Stash, and takes
// them away again.
package watched

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	view "github.com/stash-plex-sync/stash-plex-sync/plugin/ops/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Tasks of the yml.
const (
	ImportTask = "Import plays"
	UndoTask   = "Undo imported plays"
)

// A Host holds the run lock and the engine for the work.
type Host struct {
	Log func(stop gate.Stop) *zerolog.Event // at the level of what stopped it
	// Do calls work with the run lock. It returns why nothing, or not all, was done, and whether that was to make room for
	// other Stash jobs. With task it waits a moment for the lock; unless pauses it works although pushing is paused.
	Do func(ctx context.Context, who string, task, pauses bool, work Work) (stop gate.Stop, yielded bool, err error)
	// Leave asks Stash to continue a task with these arguments from a position, and says why the task ends.
	Leave func(ctx context.Context, task string, args map[string]any, position any) string
	// Counts sums up the plays that are noted.
	Counts func(ctx context.Context) ([]view.Count, error)
}

// Work is done with the queue, and with Plays, which calls its last argument after it has connected to Plex, if asked to.
type Work func(ctx context.Context, db *store.Store, whose plays.Whose, with Plays) (stop gate.Stop, yielded bool, err error)

// Plays calls do with what brings plays from Plex to Stash.
type Plays func(ctx context.Context, ask bool, do func(ctx context.Context, p *plays.Puller) error) (stop gate.Stop, yielded bool, err error)

// Report is what an import of plays did.
type Report struct {
	plays.Summary
	Counts  []view.Count `json:"counts,omitempty"` // of the complete history, by a task
	Stopped string       `json:"stopped"`
	Reason  *desk.Reason `json:"reason"` // of Stopped
}

// UndoReport is what was taken away from Stash.
type UndoReport struct {
	plays.Undone
	Stopped string       `json:"stopped"`
	Reason  *desk.Reason `json:"reason"` // of Stopped
}

const off = `no plays are imported: set "Import plays" (plays) first`

// Pull imports what was watched since the last pull, unless a run is at work. Without now it does nothing if that was less
// than two minutes ago, or Plex is paused.
func (h Host) Pull(ctx context.Context, args desk.Args) (any, error) {
	now, err := args.Yes("now")
	if err != nil {
		return nil, err
	}
	var r Report
	stop, _, err := h.Do(ctx, "Import new plays", false, true, func(ctx context.Context, db *store.Store, whose plays.Whose, with Plays) (stop gate.Stop, yielded bool, err error) {
		if r.Idle, err = idle(ctx, db, whose, now); err != nil || r.Idle != "" {
			return stop, false, err
		}
		return with(ctx, true, func(ctx context.Context, p *plays.Puller) (err error) {
			r.Summary, err = p.Pull(ctx)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	r.Stopped, r.Reason = stop.Text, because(stop)
	h.say(stop, r.Summary.String())
	return r, nil
}

// idle says why nothing is pulled; "" if something is.
func idle(ctx context.Context, db *store.Store, whose plays.Whose, now bool) (string, error) {
	due, err := plays.Due(ctx, db, whose)
	if err != nil {
		return "", err
	}
	breaker, err := db.Breaker(ctx)
	switch {
	case err != nil:
		return "", err
	case len(whose) == 0:
		return off, nil
	case !now && !due:
		return "plays were imported less than two minutes ago", nil
	case !now && breaker.State != store.BreakerClosed:
		return "Plex did not answer, and is paused", nil
	}
	return "", nil
}

// Import reads the complete history of Plex, and imports it unless args.dry_run is set.
func (h Host) Import(ctx context.Context, args desk.Args, from plays.Position) (any, error) {
	dry, err := args.Yes("dry_run")
	if err != nil {
		return nil, err
	}
	var done plays.Imported
	stop, yielded, err := h.Do(ctx, ImportTask, true, true, func(ctx context.Context, _ *store.Store, whose plays.Whose, with Plays) (gate.Stop, bool, error) {
		if len(whose) == 0 {
			done.Idle = off
			return gate.Stop{}, false, nil
		}
		return with(ctx, true, func(ctx context.Context, p *plays.Puller) (err error) {
			done, err = p.Import(ctx, dry, from)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	if yielded {
		stop.Text = h.Leave(ctx, ImportTask, map[string]any{"mode": "import-plays", "dry_run": dry}, done.At)
	}
	r := Report{Summary: done.Summary, Stopped: stop.Text, Reason: because(stop)}
	line := text.Join(r.Idle, r.Summary.String())
	if done.At.Read {
		if r.Counts, err = h.Counts(ctx); err != nil {
			return nil, err
		}
		for _, c := range r.Counts {
			h.say(gate.Stop{}, c.Line())
		}
		if dry {
			line = "nothing was imported: these are the plays in Plex's history"
		}
	}
	h.say(stop, line)
	return r, nil
}

// Undo takes away from Stash the plays and resume points that were imported, all or since args.since.
func (h Host) Undo(ctx context.Context, args desk.Args, task bool) (any, error) {
	var since time.Time
	given, err := args.Text("since")
	if err == nil && given != "" {
		if since, err = time.Parse(time.RFC3339, given); err != nil {
			err = errors.New("args.since must be a time such as 2026-11-28T21:00:00Z; nothing was undone")
		}
	}
	if err != nil {
		return nil, err
	}
	var r UndoReport
	stop, yielded, err := h.Do(ctx, UndoTask, task, false, func(ctx context.Context, _ *store.Store, _ plays.Whose, with Plays) (gate.Stop, bool, error) {
		return with(ctx, false, func(ctx context.Context, p *plays.Puller) (err error) {
			r.Undone, err = p.Undo(ctx, since)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	if yielded {
		stop.Text = h.Leave(ctx, UndoTask, map[string]any{"mode": "undo-plays", "since": given}, true)
	}
	r.Stopped, r.Reason = stop.Text, because(stop)
	if stop.Text == "" || r.Undone != (plays.Undone{}) {
		h.say(stop, r.Undone.String())
	} else {
		h.say(stop, "nothing was undone")
	}
	return r, nil
}

// OnlyTask is the error of an operation that is only a task.
func OnlyTask() error {
	return fmt.Errorf("mode \"import-plays\" takes long, so it is only a task: start %q, then read the operation \"plays\"", ImportTask)
}

func because(stop gate.Stop) *desk.Reason {
	return desk.ReasonOf(string(stop.Class), stop.Reason.JSON(), stop.Text)
}

// say logs why work ended early, and what it did.
func (h Host) say(stop gate.Stop, done string) {
	if line := text.Join(stop.Text, done); line != "" {
		h.Log(stop).Msg(line)
	}
}
