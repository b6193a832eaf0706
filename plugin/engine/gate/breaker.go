package gate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Load reads the breaker.
func (g *Gate) Load(ctx context.Context) error {
	var err error
	g.row, err = g.Store.Breaker(ctx)
	return err
}

// Closed reports whether the breaker was closed when last read.
func (g *Gate) Closed() bool { return g.row.State == store.BreakerClosed }

// Connect asks the breaker, then probes Plex. If trial is true, the breaker is half-open: one job must succeed before
// others are tried. The error is a *Stop if the breaker forbids the probe or Plex does not answer.
func (g *Gate) Connect(ctx context.Context, byPerson bool) (id plexapi.Identity, sections []plexapi.Section, trial bool, err error) {
	var allowed retry.Permission
	_, row, err := g.Store.UpdateBreaker(ctx, time.Now(), func(b store.Breaker) store.Breaker {
		b, allowed = retry.Permit(b, time.Now(), byPerson)
		return b
	})
	if err != nil {
		return id, nil, false, err
	}
	g.row, g.opened = row, row.OpenedAt
	if allowed == retry.Paused {
		return id, nil, false, g.Paused()
	}
	if id, sections, err = g.Plex.Probe(ctx); err != nil {
		return id, nil, false, g.unreachable(ctx, err)
	}
	if allowed == retry.Allowed {
		err = g.Answered(ctx)
	}
	return id, sections, allowed == retry.ProbeFirst, err
}

// Probe probes Plex without the breaker, since a person asked for it.
func (g *Gate) Probe(ctx context.Context) (plexapi.Identity, []plexapi.Section, error) {
	return g.Plex.Probe(ctx)
}

// unreachable ends a run after the failure of a request that every job needs.
func (g *Gate) unreachable(ctx context.Context, err error) error {
	v := Judge(ctx, err)
	if err := g.note(context.WithoutCancel(ctx), v.Breaker, err.Error()); err != nil {
		return err
	}
	switch {
	case v == retry.Cancelled():
		return Cancelled()
	case g.tripped:
		return g.Paused()
	}
	g.held = v.Breaker == retry.Failure
	return stopFor(v.Class, err, allStay)
}

// Paused returns the *Stop that says why nothing is sent to Plex and when the next attempt is.
func (g *Gate) Paused() error {
	at := g.row.ProbeAt
	if g.row.State == store.BreakerHalfOpen {
		at = g.row.HalfOpenAt.Add(retry.HalfOpenLimit)
	}
	return &Stop{retry.ClassServerDown, fmt.Sprintf(
		"paused after %d failures in a row: run \"Process queue\" to try Plex now; edits and scheduled runs try it after %s; the cause: %s",
		g.row.Failures, at.Format(time.TimeOnly), g.row.LastError,
	), reason.PlexPaused(g.row.Failures, at)}
}

// Answered records in the breaker that Plex did what a request asked.
func (g *Gate) Answered(ctx context.Context) error {
	return g.note(ctx, retry.Answered, "")
}

// Verified records the result of a read-back in the breaker. A server that made at least one change is not down.
func Verified[T Item](ctx context.Context, g *Gate, items []T) error {
	if slices.ContainsFunc(items, func(item T) bool { return item.Failure() == nil }) {
		return g.Answered(ctx)
	}
	for _, item := range items {
		if err := item.Failure(); retry.OriginOf(err) == retry.FromItem { // a failed request is recorded already
			v := Judge(ctx, err)
			if g.onlyThis(ctx, item, v, err) {
				continue
			}
			if err := g.teach(ctx, item, v, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// note records the effect of a request in the breaker.
func (g *Gate) note(ctx context.Context, effect retry.Effect, cause string) error {
	if effect == retry.Answered {
		g.inRow, g.recent = 0, nil
	}
	healthy := g.row.State == store.BreakerClosed && g.row.Failures == 0
	if g.ReadOnly || effect == retry.Untouched || effect == retry.Answered && (g.probing || healthy) {
		return nil // a trial succeeds only with its job
	}
	return g.transit(ctx, func(b store.Breaker) store.Breaker {
		if effect == retry.Failure {
			return retry.Fail(b, g.opened, time.Now(), store.OneLine(cause))
		}
		return retry.Succeed(b, g.opened)
	})
}

// teach records a failed request for an item in the breaker. If the job of a trial had failed before, its failure says
// nothing about the server, which has just answered the probe.
func (g *Gate) teach(ctx context.Context, item Item, v retry.Verdict, err error) error {
	ctx = context.WithoutCancel(ctx)
	if g.probing && v.Breaker == retry.Failure && item.Attempts() > 0 {
		return g.transit(ctx, func(b store.Breaker) store.Breaker { return retry.Pardon(b, g.opened) })
	}
	return g.note(ctx, v.Breaker, err.Error())
}

// transit stores a transition of the breaker and logs it.
func (g *Gate) transit(ctx context.Context, f func(store.Breaker) store.Breaker) error {
	before, after, err := g.Store.UpdateBreaker(ctx, time.Now(), f)
	if err != nil {
		return err
	}
	g.row = after
	switch {
	case after.State == store.BreakerOpen && before.State != store.BreakerOpen:
		g.tripped = true
		g.Log.Debug().Int("failures", after.Failures).Str("cause", after.LastError).
			Str("next_try", after.ProbeAt.Format(time.TimeOnly)).Msg("Plex does not answer: processing is paused, nothing is lost")
	case after.State == store.BreakerClosed && before.State != store.BreakerClosed:
		g.opened, g.probing = time.Time{}, false
		g.Log.Info().Msg("Plex answers again: processing continues")
	}
	return nil
}

// BeginTrial makes the next job the trial of a half-open breaker.
func (g *Gate) BeginTrial() { g.probing = true }

// OnTrial reports whether the breaker is waiting for a job to succeed.
func (g *Gate) OnTrial() bool { return g.probing }

// EndTrial closes the breaker if the job of a trial succeeded. A failure is recorded already.
func (g *Gate) EndTrial(ctx context.Context, failure error) error {
	if g.probing && (failure == nil || Judge(ctx, failure).Breaker == retry.Answered) {
		return g.Close(context.WithoutCancel(ctx))
	}
	return nil
}

// Close closes the breaker.
func (g *Gate) Close(ctx context.Context) error {
	return g.transit(ctx, func(b store.Breaker) store.Breaker { return retry.Succeed(b, g.opened) })
}

// Tripped reports whether this run has opened the breaker.
func (g *Gate) Tripped() bool { return g.tripped }

// ProbeAt returns the time of the next probe while the breaker is open.
func (g *Gate) ProbeAt() time.Time { return g.row.ProbeAt }

// TryAgain resets Tripped after the pause.
func (g *Gate) TryAgain() { g.tripped = false }

// Begin resets Held and Shared.
func (g *Gate) Begin() { g.held, g.shared = false, nil }

// Hold records the failures of a batch. After the end of the run's context they say nothing about Plex.
func (g *Gate) Hold(ctx context.Context, failures ...error) {
	g.held = g.held || ctx.Err() == nil && slices.ContainsFunc(failures, retry.HeldByPlex)
}

// Held reports whether due jobs wait because Plex failed.
func (g *Gate) Held() bool { return g.held }

// Shared returns the failure of Plex for which jobs were released; ok is false if there was none.
func (g *Gate) Shared(ctx context.Context) (stop Stop, ok bool) {
	if g.refused != nil && !g.wrote {
		return *stopFor(Judge(ctx, g.refused).Class, g.refused, allStay), true
	}
	if g.shared == nil {
		return Stop{}, false
	}
	class := Judge(ctx, g.shared).Class
	if class == retry.ClassUnauthorized { // by something in front of Plex
		class = retry.ClassTemporary
	}
	return *stopFor(class, g.shared, "; affected scenes stay queued"), true
}

// MayPass reports whether the failure that ended a run's work may pass by itself.
func (g *Gate) MayPass(err error) bool {
	stop, ok := AsStop(err)
	return err == nil || ok && stop.Class.Passes()
}
