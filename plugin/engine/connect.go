package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func asStop(err error) (*stopError, bool) { return errors.AsType[*stopError](err) }

// connect asks the breaker, reaches the server, makes sure that it is the right one and chooses its
// libraries. Half-open it also runs the trial. It does nothing if the server was reached already.
func (d *drain) connect(ctx context.Context) error {
	if d.plexReady {
		return nil
	}
	var allowed retry.Permission
	_, b, err := d.Store.UpdateBreaker(ctx, time.Now(), func(b store.Breaker) store.Breaker {
		b, allowed = retry.Permit(b, time.Now(), d.opts.ByPerson)
		return b
	})
	if err != nil {
		return err
	}
	d.breaker, d.opened = b, b.OpenedAt
	if allowed == retry.Paused {
		return d.pausedStop()
	}
	identity, sections, err := d.Plex.Probe(ctx)
	if err != nil {
		return d.unreachable(ctx, err)
	}
	if allowed == retry.Allowed {
		if err := d.note(ctx, retry.Answered, ""); err != nil {
			return err
		}
	}
	if err := d.adopt(ctx, identity, sections); err != nil {
		return err
	}
	d.plexReady = true
	if allowed == retry.ProbeFirst {
		return d.trial(ctx)
	}
	return nil
}

// unreachable ends a drain whose first request failed.
func (d *drain) unreachable(ctx context.Context, err error) error {
	v := retry.Judge(ctx, err)
	if err := d.note(context.WithoutCancel(ctx), v.Breaker, err.Error()); err != nil {
		return err
	}
	switch {
	case v.Class == retry.ClassCancelled:
		return &stopError{retry.ClassCancelled, stoppedText}
	case d.tripped:
		return d.pausedStop()
	}
	d.released = v.Breaker == retry.Failure
	return &stopError{v.Class, err.Error() + "; every job stays queued"}
}

// pausedStop says why nothing is sent to Plex and when it will be tried again.
func (d *drain) pausedStop() error {
	at := d.breaker.ProbeAt
	if d.breaker.State == store.BreakerHalfOpen {
		at = d.breaker.HalfOpenAt.Add(retry.HalfOpenLimit)
	}
	wait := max(time.Until(at), 0).Round(time.Second)
	return &stopError{retry.ClassServerDown, fmt.Sprintf(
		"paused after %d failures in a row (%s): Plex is tried again at %s (in %s) by whatever starts the next run; a click on \"Process queue\" tries at once; every job stays queued",
		d.breaker.Failures, d.breaker.LastError, at.Format(time.TimeOnly), wait,
	)}
}

// note tells the breaker what a request says of Plex.
func (d *drain) note(ctx context.Context, effect retry.Effect, cause string) error {
	if d.dry || effect == retry.Untouched || effect == retry.Answered && (d.probing || d.breaker.State == store.BreakerClosed && d.breaker.Failures == 0) {
		return nil // a trial has succeeded only when its job has
	}
	return d.transit(ctx, func(b store.Breaker) store.Breaker {
		if effect == retry.Failure {
			return retry.Fail(b, d.opened, time.Now(), store.OneLine(cause))
		}
		return retry.Succeed(b, d.opened)
	})
}

// transit stores a transition of the breaker and says so in the log.
func (d *drain) transit(ctx context.Context, f func(store.Breaker) store.Breaker) error {
	before, after, err := d.Store.UpdateBreaker(ctx, time.Now(), f)
	if err != nil {
		return err
	}
	d.breaker = after
	switch {
	case after.State == store.BreakerOpen && before.State != store.BreakerOpen:
		d.tripped = true
		d.Log.Debug().Int("failures", after.Failures).Str("cause", after.LastError).
			Str("next_try", after.ProbeAt.Format(time.TimeOnly)).Msg("Plex does not answer: processing is paused, nothing is lost")
	case after.State == store.BreakerClosed && before.State != store.BreakerClosed:
		d.opened, d.probing = time.Time{}, false
		d.Log.Info().Msg("Plex answers again: processing goes on")
	}
	return nil
}

// trial tries one job after the probe has answered. One success closes the breaker.
func (d *drain) trial(ctx context.Context) error {
	d.probing = true
	for d.probing {
		if ctx.Err() != nil {
			return &stopError{retry.ClassCancelled, stoppedText}
		}
		claimed, crashed, err := d.Store.Claim(ctx, time.Now(), store.ClaimOptions{
			Floor: d.floor, Trial: true, Only: d.opts.Only, Wait: retry.WaitAfterFailure(d.Config.MaxRetries, d.Random),
		})
		if err != nil {
			return err
		}
		d.countCrashed(crashed)
		if len(claimed) == 0 { // nothing to try: the probe must do
			return d.closeBreaker(ctx)
		}
		if err := d.batch(ctx, claimed); err != nil {
			return err
		}
		if d.tripped {
			return d.pausedStop()
		}
	}
	return nil
}

// endTrial judges a trial by how its job ended. A failure was told to the breaker where it happened.
func (d *drain) endTrial(ctx context.Context, w *work) error {
	if d.probing && (w.err == nil || retry.Judge(ctx, w.err).Breaker == retry.Answered) {
		return d.closeBreaker(context.WithoutCancel(ctx))
	}
	return nil
}

func (d *drain) closeBreaker(ctx context.Context) error {
	return d.transit(ctx, func(b store.Breaker) store.Breaker { return retry.Succeed(b, d.opened) })
}

// noteJob tells the breaker how a request for one job ended. A trial whose job had failed before says
// nothing of a server whose probe has just answered.
func (d *drain) noteJob(ctx context.Context, job store.Job, v retry.Verdict, err error) error {
	ctx = context.WithoutCancel(ctx)
	if d.probing && v.Breaker == retry.Failure && job.Attempts > 0 {
		return d.transit(ctx, func(b store.Breaker) store.Breaker { return retry.Pardon(b, d.opened) })
	}
	return d.note(ctx, v.Breaker, err.Error())
}

// adopt makes sure that this is the server that everything stored belongs to, and chooses its libraries.
func (d *drain) adopt(ctx context.Context, identity plexapi.Identity, sections []plexapi.Section) error {
	known, _, err := d.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return err
	}
	switch known {
	case identity.MachineIdentifier:
	case "":
		if d.dry {
			break
		}
		if err := d.Store.SetMeta(ctx, time.Now(), store.KeyServer, identity.MachineIdentifier); err != nil {
			return err
		}
	default:
		if !d.dry {
			if err := d.Index.Reset(ctx); err != nil {
				return err
			}
		}
		return &stopError{retry.ClassMisconfigured, fmt.Sprintf(
			"the Plex at this address is another server than before (%s, was %s): if that is right, run \"Check connection\" to go on with it; until then every job stays queued",
			identity.MachineIdentifier, known,
		)}
	}
	d.server = identity.MachineIdentifier
	d.sections, d.absent = match.ChooseSections(sections, d.Config.Libraries)
	if len(d.sections) == 0 {
		return &stopError{retry.ClassMisconfigured, match.WhyNoLibrary(sections, d.Config.Libraries) + "; every job stays queued"}
	}
	ids := match.IDs(d.sections)
	d.unchosen = slices.DeleteFunc(match.IDs(sections), func(id string) bool { return slices.Contains(ids, id) })
	if !d.dry {
		if err := d.Index.Keep(ctx, d.server, ids); err != nil {
			return err
		}
	}
	if len(d.absent) > 0 {
		d.Log.Error().Str("missing", match.WhyAbsent(sections, d.absent)).Str("setting", "plexLibraries").
			Msg("a library cannot be used: scenes that are in no other wait; correct the setting or restore the library")
	}
	return nil
}

// AcceptServer makes the next server that answers the one that everything stored from then on belongs to.
// What is known of items of the former one is kept.
func (e *Engine) AcceptServer(ctx context.Context) error {
	return e.Store.SetMeta(ctx, time.Now(), store.KeyServer, "")
}

// RebuildIndex forgets what is known of Plex's files and reads it anew.
func (e *Engine) RebuildIndex(ctx context.Context) (Summary, error) {
	if err := e.Index.Reset(ctx); err != nil {
		return Summary{}, err
	}
	return e.RefreshIndex(ctx)
}

// NeverRead reports whether no library of Plex was ever read whole.
func (e *Engine) NeverRead(ctx context.Context) (bool, error) {
	server, _, err := e.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return false, err
	}
	list, err := e.Index.Readings(ctx, server)
	return !slices.ContainsFunc(list, func(r store.Reading) bool { return !r.CompleteAt.IsZero() }), err
}

// RefreshIndex brings what is known of Plex's files up to date. The caller holds the lock.
func (e *Engine) RefreshIndex(ctx context.Context) (Summary, error) {
	alone := *e
	alone.Ask = nil // no run would go on with it before it needs to
	d := &drain{Engine: &alone, opts: Options{ByPerson: true}, started: time.Now()}
	err := d.reach(ctx)
	if err == nil {
		err = d.refresh(ctx)
	}
	if stop, ok := asStop(err); ok {
		return Summary{Stopped: stop.text, Class: stop.class}, nil
	}
	if _, ok := errors.AsType[*plexapi.Error](err); ok {
		v := retry.Judge(ctx, err)
		return Summary{Stopped: err.Error() + "; the next run goes on where this one ended", Class: v.Class}, nil
	}
	return d.sum, err
}
