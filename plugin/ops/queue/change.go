package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	scenesAtMost  = 1000                  // in one call
	changeBudget  = 10 * time.Second      // for the changes of one call
	breather      = 30 * time.Millisecond // between two transactions, so that a hook gets its turn
	confirmValid  = 10 * time.Minute
	postponeLimit = int(lists.LongestWait / time.Minute)
)

// ChangeReport says what was done to rows of a list.
type ChangeReport struct {
	Changed    int    `json:"changed"`
	Missing    int    `json:"missing"`     // scenes that were named and are not in the list
	Next       string `json:"next"`        // args.cursor of a call that changes the rest; "" if there is none
	RunFollows bool   `json:"run_follows"` // a run waits in Stash's queue

	Stopped string       `json:"stopped,omitempty"` // why nothing was done
	Reason  *desk.Reason `json:"reason,omitempty"`  // of Stopped
}

// RemovalReport says what a removal would remove.
type RemovalReport struct {
	WouldRemove int    `json:"would_remove"`
	Capped      bool   `json:"capped"`
	Confirm     string `json:"confirm"` // args.confirm of the call that removes it
}

// A change changes the rows of some scenes in a list, and returns how many.
type change func(ctx context.Context, tx *sqlitefile.Tx, now time.Time, kind lists.Kind, scenes []int) (int, error)

func retryRows(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	t, err := targetOf(args, d.Now(), lists.Jobs, lists.DeadLetters)
	if err != nil {
		return nil, err
	}
	if p := d.Paused(t.filter.Now); p != nil {
		return ChangeReport{Stopped: p.Text, Reason: p}, nil
	}
	r, err := apply(ctx, d, t, func(ctx context.Context, tx *sqlitefile.Tx, now time.Time, kind lists.Kind, scenes []int) (int, error) {
		if kind == lists.DeadLetters {
			return lists.Revive(ctx, tx, now, scenes)
		}
		return lists.Retry(ctx, tx, now, scenes)
	})
	if err != nil || r.Changed == 0 {
		return r, err
	}
	if _, err := d.Ask(ctx); err != nil {
		d.Log.Warn().Err(err).Msg("Stash did not accept a run; the scenes are queued, and the next run pushes them")
		return r, nil
	}
	r.RunFollows = true
	return r, nil
}

func postpone(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	t, err := targetOf(args, d.Now(), lists.Jobs)
	if err != nil {
		return nil, err
	}
	minutes, err := args.Number("minutes", 1, postponeLimit, 0)
	if err != nil {
		return nil, err
	}
	if minutes == 0 {
		return nil, fmt.Errorf("args.minutes is missing; it must be an integer from 1 to %d", postponeLimit)
	}
	return apply(ctx, d, t, func(ctx context.Context, tx *sqlitefile.Tx, now time.Time, _ lists.Kind, scenes []int) (int, error) {
		return lists.Postpone(ctx, tx, now, time.Duration(minutes)*time.Minute, scenes)
	})
}

func remove(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	t, err := targetOf(args, d.Now(), lists.Jobs, lists.DeadLetters)
	if err != nil {
		return nil, err
	}
	confirm, err := args.Text("confirm")
	if err != nil {
		return nil, err
	}
	if t.scenes == nil {
		var n sqlitefile.Count
		err := d.Store.View(ctx, func(tx *sqlitefile.Tx) (err error) {
			n, err = lists.Count(ctx, tx, t.filter)
			return err
		})
		if err != nil {
			return nil, err
		}
		if confirm == "" {
			return RemovalReport{n.N, n.Capped, confirmation(t.filter, n.N, t.filter.Now.Unix())}, nil
		}
		if err := confirms(confirm, t.filter, n.N); err != nil {
			return nil, err
		}
	}
	return apply(ctx, d, t, func(ctx context.Context, tx *sqlitefile.Tx, _ time.Time, kind lists.Kind, scenes []int) (int, error) {
		return lists.Remove(ctx, tx, kind, scenes)
	})
}

// confirmation returns the text that confirms the removal of n rows. It guards against a click on an old page, not
// against a program.
func confirmation(f lists.Filter, n int, at int64) string {
	return fmt.Sprintf("%d/%d/%s/%s/%s", at, n, f.Kind, f.State, f.Class)
}

// confirms returns an error unless a text confirms the removal of the n rows that a filter selects now.
func confirms(text string, f lists.Filter, n int) error {
	const again = `call "remove" without "confirm" to see what it removes now`
	var at int64
	var before int
	_, err := fmt.Sscanf(text, "%d/%d/", &at, &before)
	age := f.Now.Sub(time.Unix(at, 0))
	switch {
	case err != nil || text != confirmation(f, before, at):
		return errors.New("args.confirm is for another list; " + again)
	case age < 0 || age > confirmValid:
		return fmt.Errorf("args.confirm is older than %d minutes; %s", int(confirmValid/time.Minute), again)
	case n > before+max(10, before/10): // a queue is rarely still
		return fmt.Errorf("the list has grown from %d to %d since; %s", before, n, again)
	}
	return nil
}

// A target is what an operation changes: the rows of some scenes, or all that a filter selects.
type target struct {
	scenes []int
	kinds  []lists.Kind // where the rows of scenes are
	filter lists.Filter // without scenes
	cursor string
}

// targetOf reads what to change. kinds are the lists that the operation can change.
func targetOf(args desk.Args, now time.Time, kinds ...lists.Kind) (target, error) {
	t := target{kinds: kinds}
	scenes, err := args.Scenes("scene_ids", scenesAtMost)
	if err != nil {
		return t, err
	}
	if scenes != nil && len(scenes) == 0 {
		return t, errors.New("args.scene_ids names no scene")
	}
	if args.Given("list") {
		names := make([]string, len(kinds))
		for i, kind := range kinds {
			names[i] = string(kind)
		}
		name, err := args.OneOf("list", names...)
		if err != nil {
			return t, err
		}
		t.kinds = []lists.Kind{lists.Kind(name)}
	}
	if scenes != nil {
		if name := slices.IndexFunc(filterArgs, args.Given); name >= 0 {
			return t, fmt.Errorf("args.%s is for a whole list; remove it or args.scene_ids", filterArgs[name])
		}
		t.scenes, t.filter.Now = scenes, now
		return t, nil
	}
	if !args.Given("list") {
		return t, errors.New("neither args.scene_ids nor args.list says what to change")
	}
	if t.filter, err = filterOf(args, t.kinds[0], now); err == nil {
		t.cursor, err = args.Text("cursor")
	}
	return t, err
}

// filterArgs are the arguments that narrow, or go on with, a whole list.
var filterArgs = []string{"state", "class", "cursor", "confirm"}

// apply changes a target: scenes in one transaction, a whole list in many, so that no hook waits long. After each
// the process may die; what is left is changed by another call.
func apply(ctx context.Context, d *desk.Desk, t target, do change) (r ChangeReport, err error) {
	now := t.filter.Now
	if t.scenes != nil {
		err = d.Store.InTx(ctx, func(tx *sqlitefile.Tx) error {
			r.Missing = len(t.scenes)
			for _, kind := range t.kinds {
				found, err := lists.InQueue(ctx, tx, kind, t.scenes)
				if err != nil {
					return err
				}
				n, err := do(ctx, tx, now, kind, t.scenes)
				if err != nil {
					return err
				}
				r.Missing, r.Changed = r.Missing-found, r.Changed+n
			}
			return nil
		})
		if err != nil {
			return r, fmt.Errorf("cannot change the queue: %w", err)
		}
		return r, nil
	}
	for r.Next = t.cursor; ; {
		var n int
		var next string
		err := d.Store.InTx(ctx, func(tx *sqlitefile.Tx) error {
			scenes, after, err := lists.IDs(ctx, tx, t.filter, r.Next, lists.ChunkSize)
			if err == nil {
				n, err = do(ctx, tx, now, t.filter.Kind, scenes)
			}
			next = after
			return err
		})
		if err == nil {
			r.Changed, r.Next = r.Changed+n, next
			if next == "" || d.Now().Sub(now) >= changeBudget {
				return r, nil
			}
			err = rest(ctx, breather)
		}
		if err != nil && r.Changed > 0 {
			return r, fmt.Errorf("only %d rows were changed: %w; the same call changes the others", r.Changed, err)
		}
		if err != nil {
			return r, ofCursor(fmt.Errorf("cannot change the queue: %w", err))
		}
	}
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
