// Package gate decides, in one place, what a failed request ends: one item, a batch or the run. It owns what a run
// knows of the breaker, since every request to Plex teaches it something.
package gate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// An Item is what a request can fail for: a push, or one Plex item of it.
type Item interface {
	// Fail ends the item with err unless it has ended already.
	Fail(err error)
	// Failure returns what ended the item; nil if it goes on.
	Failure() error
	// Attempts returns how often the item's job failed before this claim.
	Attempts() int
	// SceneID returns the id of the scene that the item shows.
	SceneID() int
}

// Items is what a request concerns: one item, several that share its fate, or the run itself (the zero value).
type Items struct {
	list   []Item
	shared bool
}

// Of is a request about one item, which its failure ends.
func Of(item Item) Items { return Items{list: []Item{item}} }

// Together is a request that several items need and that is about none of them.
func Together[T Item](values []T) Items { return Items{list: list(values), shared: true} }

func list[T Item](values []T) []Item {
	items := make([]Item, len(values))
	for i, v := range values {
		items[i] = v
	}
	return items
}

// A Gate settles the failures of one run. It is used by one goroutine.
type Gate struct {
	Store *store.Store
	Plex  *plexapi.Client
	Stash *stashapi.Client
	Log   zerolog.Logger
	// ReadOnly keeps the breaker as it is, whatever happens.
	ReadOnly bool

	row     store.Breaker // as last read or written
	opened  time.Time     // the opening that this run's outcomes belong to; zero if none
	probing bool          // half-open, and the probe was answered
	tripped bool          // this run opened the breaker
	lone    int           // items in a row that failed as if Plex were gone, while it answered
	held    bool          // Plex failed, and jobs that are due wait for that
	shared  error         // the last failure of a request that several items shared
}

// Do runs a request and settles what its failure means. The item that it is about fails by the error itself; items
// that share it are released, uncharged. A panic fails the one item too. The breaker learns of the failure once.
//
// Do returns an error only if the batch must end: Plex or Stash is gone, the token is refused, the breaker opened,
// ctx ended, or the queue itself failed. After gives that error its meaning for the run. If the request concerns the
// run, the error is a *Stop or the queue's own.
func (g *Gate) Do(ctx context.Context, items Items, request func(context.Context) error) error {
	err := g.guarded(ctx, items, request)
	if err == nil || isSettled(err) {
		return err
	}
	if len(items.list) == 0 {
		return g.settleRun(ctx, err)
	}
	return settled(g.settle(ctx, items, err))
}

// guarded runs a request about one item so that a bug in it costs that item alone.
func (g *Gate) guarded(ctx context.Context, items Items, request func(context.Context) error) error {
	if len(items.list) == 1 && !items.shared {
		defer func() {
			if p := recover(); p != nil {
				g.Log.Debug().Int("scene", items.list[0].SceneID()).Str("stack", strings.ReplaceAll(string(debug.Stack()), "\n", " | ")).Msg("panic while processing this scene")
				items.list[0].Fail(retry.Panicked(p))
			}
		}()
	}
	return request(ctx)
}

func (g *Gate) settle(ctx context.Context, items Items, err error) error {
	v := Judge(ctx, err)
	alone := false
	switch retry.OriginOf(err) {
	case retry.FromUs:
		return err
	case retry.FromStash:
		return g.settleStash(ctx, items, err)
	case retry.FromPlex:
		// A request about one item that fails as if Plex were gone, while Plex answers, is that item's failure: it
		// would otherwise keep the others from Plex for ever. Several such items in a row are Plex's failure.
		alone = !items.shared && v.EndsBatch() && !v.Stop && g.lone < retry.TripAfter-1 && g.answers(ctx)
	}
	if err := g.teach(ctx, items.list, v, err); err != nil {
		return err
	}
	switch {
	case v.EndsBatch() && !alone, g.tripped && items.shared:
		return err
	case alone, items.shared:
		if alone {
			g.lone++
		}
		g.shared = err
		for _, item := range items.list {
			item.Fail(retry.Released(err))
		}
	default:
		items.list[0].Fail(err)
	}
	if g.tripped {
		return err
	}
	return nil
}

// settleStash settles a failure of Stash. It counts for an item only if Stash answers another question.
func (g *Gate) settleStash(ctx context.Context, items Items, err error) error {
	if ctx.Err() != nil || items.shared {
		return err
	}
	if _, down := g.Stash.Version(ctx); down != nil {
		return down
	}
	items.list[0].Fail(retry.OfScene(err))
	return nil
}

// settleRun settles a failure that concerns the run. What does not end the run is left to the caller's log.
func (g *Gate) settleRun(ctx context.Context, err error) error {
	v := Judge(ctx, err)
	switch origin := retry.OriginOf(err); {
	case origin == retry.FromPlex && v.EndsBatch():
		return g.unreachable(ctx, err)
	case v.Stop || origin == retry.FromUs || origin == retry.FromItem:
		return g.After(ctx, err)
	}
	if err := g.note(context.WithoutCancel(ctx), v.Breaker, err.Error()); err != nil {
		return err
	}
	if g.tripped {
		return g.Paused()
	}
	return nil
}

// settledError is an error that ends the batch and that was settled already.
type settledError struct{ error }

func (e settledError) Unwrap() error { return e.error }

func settled(err error) error {
	if err == nil {
		return nil
	}
	return settledError{err}
}

func isSettled(err error) bool {
	_, ok := errors.AsType[settledError](err)
	return ok
}

// answers reports whether Plex answers a probe.
func (g *Gate) answers(ctx context.Context) bool {
	_, _, err := g.Plex.Probe(ctx)
	return err == nil
}

// Judge is retry.Judge for a run whose own context may have ended.
func Judge(ctx context.Context, err error) retry.Verdict {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return retry.Cancelled()
	}
	return retry.Judge(err)
}

// A Stop ends a run early. Its text is one sentence for the user.
type Stop struct {
	Class retry.Class // "" if nothing went wrong
	Text  string
}

func (s *Stop) Error() string { return s.Text }

// CancelledText is why a run ends whose own context has ended.
const CancelledText = "run cancelled; nothing queued was lost"

// Cancelled ends a run whose own context has ended.
func Cancelled() error { return &Stop{retry.ClassCancelled, CancelledText} }

// AsStop returns the Stop that err is.
func AsStop(err error) (*Stop, bool) { return errors.AsType[*Stop](err) }

// After turns what ended a batch into what it means for the run: nil if the run goes on, a *Stop if it ends, and
// any other error if the queue itself failed.
func (g *Gate) After(ctx context.Context, fatal error) error {
	_, stop := AsStop(fatal)
	switch v := Judge(ctx, fatal); {
	case fatal == nil, g.tripped && (stop || retry.OriginOf(fatal) != retry.FromUs):
		return nil // the breaker ends the run
	case stop:
		return fatal
	case v == retry.Cancelled():
		return Cancelled()
	case retry.OriginOf(fatal) == retry.FromStash:
		return &Stop{retry.ClassStashUnavailable, fmt.Sprintf("Stash does not answer (%v); every job stays queued", fatal)}
	case v.Stop:
		return &Stop{v.Class, fatal.Error() + "; every job stays queued"}
	case v.EndsBatch():
		g.shared = fatal
		return nil // the jobs were released; the breaker counts
	}
	return fatal
}

// Why turns an error into why an operation ended early, as far as it is not the queue's own.
func (g *Gate) Why(ctx context.Context, err error) (stop Stop, rest error) {
	if err == nil {
		return Stop{}, nil
	}
	if ctx.Err() != nil {
		return Stop{retry.ClassCancelled, CancelledText}, nil
	}
	if g.tripped {
		err = g.Paused()
	}
	if stop, ok := AsStop(err); ok {
		return *stop, nil
	}
	if origin := retry.OriginOf(err); origin != retry.FromPlex && origin != retry.FromStash {
		return Stop{}, err
	}
	return Stop{Judge(ctx, err).Class, err.Error()}, nil
}
