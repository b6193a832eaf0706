// Package gate decides what a failed request ends: one item, a batch or the run. It owns the run's view of the
// breaker, which every request to Plex updates.
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
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// An Item is something that a request can fail for: a push, or one of its Plex items.
type Item interface {
	// Fail ends the item with err unless it has ended already.
	Fail(err error)
	// Failure returns the error that ended the item; nil if it has not ended.
	Failure() error
	// Attempts returns how often the item's job failed before this claim.
	Attempts() int
	// SceneID returns the id of the scene that the item shows.
	SceneID() int
}

// Items are what a request concerns: one item, several that share its result, or the run itself (the zero value).
type Items struct {
	list   []Item
	shared bool
}

// Of returns the Items of a request about one item.
func Of(item Item) Items { return Items{list: []Item{item}} }

// Together returns the Items of a request that several items need and that is about none of them.
func Together[T Item](values []T) Items { return Items{list: list(values), shared: true} }

func list[T Item](values []T) []Item {
	items := make([]Item, len(values))
	for i, v := range values {
		items[i] = v
	}
	return items
}

// A Gate handles the failures of one run. It is used by one goroutine.
type Gate struct {
	Store *store.Store
	Plex  *plexapi.Client
	Stash *stashapi.Client
	Log   zerolog.Logger
	// ReadOnly leaves the breaker unchanged.
	ReadOnly bool
	// Yield returns why the run must end so that other Stash jobs can run, as a *Stop; nil if it continues. nil: never.
	Yield func(ctx context.Context) error
	// Begins is called before each request about a single item, with its scene. nil: nobody looks.
	Begins func(scene int)

	row     store.Breaker // as last read or written
	opened  time.Time     // the opening to which this run's results belong; zero if none
	probing bool          // half-open, and the probe was answered
	tripped bool          // this run opened the breaker
	held    bool          // due jobs wait because Plex failed
	shared  error         // the last failure of a request that several items shared
	suspects
}

// Do runs a request and handles its failure. A single item fails with the error or a panic; items that share the
// request are released and not charged. The breaker counts the failure once.
//
// Do returns an error only if the batch must end: Plex or Stash is down, the token is refused, the breaker opened, ctx
// ended, or the queue failed. After says what that error means for the run. If the request concerns the run, the
// error is a *Stop or an error of the queue.
func (g *Gate) Do(ctx context.Context, items Items, request func(context.Context) error) error {
	if g.Begins != nil && len(items.list) == 1 {
		g.Begins(items.list[0].SceneID())
	}
	err := g.guarded(ctx, items, request)
	if err == nil || isHandled(err) {
		return err
	}
	if len(items.list) == 0 {
		return g.handleRun(ctx, err)
	}
	return handled(g.handle(ctx, items, err))
}

// guarded runs a request so that a panic in a request about one item fails only that item.
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

func (g *Gate) handle(ctx context.Context, items Items, err error) error {
	switch retry.OriginOf(err) {
	case retry.FromUs:
		return err
	case retry.FromStash:
		return g.handleStash(ctx, items, err)
	}
	if !items.shared {
		return g.handleItem(ctx, items.list[0], err)
	}
	v := Judge(ctx, err)
	if err := g.teach(ctx, items.list[0], v, err); err != nil {
		return err
	}
	if v.EndsBatch() && !g.onlyRequest(ctx, v, err) || g.tripped {
		return err
	}
	g.shared = err
	for _, item := range items.list {
		item.Fail(retry.Released(retry.ClassTemporary, err))
	}
	return nil
}

// handleStash handles a failure of Stash. The item fails only if Stash answers another query.
func (g *Gate) handleStash(ctx context.Context, items Items, err error) error {
	if ctx.Err() != nil || items.shared {
		return err
	}
	if _, down := g.Stash.Version(ctx); down != nil {
		return down
	}
	items.list[0].Fail(retry.OfScene(err))
	return nil
}

// handleRun handles a failure that concerns the run. The caller logs a failure that does not end the run.
func (g *Gate) handleRun(ctx context.Context, err error) error {
	v := Judge(ctx, err)
	switch origin := retry.OriginOf(err); {
	case origin == retry.FromPlex && v.EndsBatch():
		if !g.onlyRequest(ctx, v, err) {
			return g.unreachable(ctx, err)
		}
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

// onlyRequest reports whether a failure as if Plex were down concerns the request alone, such as one listing that a
// proxy does not carry: there was an answer, and Plex answers a probe. Plex's own refusal of the token never does.
func (g *Gate) onlyRequest(ctx context.Context, v retry.Verdict, err error) bool {
	if v == retry.Cancelled() || retry.NoAnswer(err) || retry.RefusesToken(err) {
		return false
	}
	return g.probe(ctx) == nil
}

// probe returns why Plex does not answer a probe; nil if it does.
func (g *Gate) probe(ctx context.Context) error {
	_, _, err := g.Plex.Probe(ctx)
	return err
}

// handledError is an error that ends the batch and has been handled.
type handledError struct{ error }

func (e handledError) Unwrap() error { return e.error }

func handled(err error) error {
	if err == nil {
		return nil
	}
	return handledError{err}
}

func isHandled(err error) bool {
	_, ok := errors.AsType[handledError](err)
	return ok
}

// Judge is retry.Judge, except that it returns Cancelled if ctx has ended.
func Judge(ctx context.Context, err error) retry.Verdict {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return retry.Cancelled()
	}
	return retry.Judge(err)
}

// A Stop ends a run early. Its text is one sentence for the user.
type Stop struct {
	Class  retry.Class // "" if nothing went wrong
	Text   string
	Reason reason.Reason
}

func (s *Stop) Error() string { return s.Text }

// Because returns the reason.
func (s *Stop) Because() reason.Reason { return s.Reason }

// stopFor returns the Stop for a failed request, which ends with what becomes of the jobs.
func stopFor(class retry.Class, err error, jobs string) *Stop {
	return &Stop{class, err.Error() + jobs, retry.ReasonOf(err)}
}

// allStay ends the text of a Stop.
const allStay = "; everything stays queued"

// Cancelled returns the *Stop of a run whose context has ended.
func Cancelled() *Stop {
	return &Stop{retry.ClassCancelled, "run cancelled; nothing queued was lost", reason.Cancelled()}
}

// MakeRoom returns why the run must end so that other Stash jobs can run; nil if it continues. A trial of the breaker is
// not interrupted before another run may probe: until then that run could not continue the work.
func (g *Gate) MakeRoom(ctx context.Context) error {
	if g.Yield == nil || g.probing && time.Since(g.row.HalfOpenAt) <= retry.HalfOpenLimit {
		return nil
	}
	return g.Yield(ctx)
}

// AsStop returns the Stop that err is.
func AsStop(err error) (*Stop, bool) { return errors.AsType[*Stop](err) }

// After converts the error that ended a batch to its meaning for the run: nil if the run continues, a *Stop if it ends,
// and any other error if the queue failed.
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
		return &Stop{retry.ClassStashUnavailable, fmt.Sprintf("Stash does not answer (%v)%s", fatal, allStay), retry.ReasonOf(fatal)}
	case v.Stop:
		return stopFor(v.Class, fatal, allStay)
	case v.EndsBatch():
		g.shared = fatal
		return nil // the jobs were released; the breaker counts
	}
	return fatal
}

// ClassOf returns the class of the error that ended a batch.
func ClassOf(ctx context.Context, fatal error) retry.Class {
	if stop, ok := AsStop(fatal); ok {
		return stop.Class
	}
	return Judge(ctx, fatal).Class
}

// Why converts an error to the Stop that explains why an operation ended early. It returns errors of the queue as rest.
func (g *Gate) Why(ctx context.Context, err error) (stop Stop, rest error) {
	if err == nil {
		return Stop{}, nil
	}
	if ctx.Err() != nil {
		return *Cancelled(), nil
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
	return *stopFor(Judge(ctx, err).Class, err, ""), nil
}
