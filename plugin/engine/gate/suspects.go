package gate

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// suspects tells failures of single items from failures of Plex: if Plex answers a probe, a failed request about one
// item concerns that item. Only five different items in a row say something about Plex, and only if it does not accept
// a change that it accepted before.
type suspects struct {
	inRow   int     // items in a row that failed as if Plex did
	recent  []error // their errors of retry.Own
	blamed  []error // errors of retry.Own that turned out to be failures of Plex
	wrote   bool    // Plex changed an item in this run
	refused error   // the last refusal of the token for a single item

	// again sends a change without effect to an item that Plex changed in this run; nil if there is none.
	again func(context.Context) error
}

// InRow returns how many items in a row failed as if Plex did.
func (g *Gate) InRow() int { return g.inRow }

// Wrote records that Plex changed an item. again sends a change of it that has no effect: if several other items fail,
// it shows whether Plex still accepts changes. It may be nil.
func (g *Gate) Wrote(ctx context.Context, again func(context.Context) error) error {
	g.wrote = true
	if again != nil {
		g.again = again
	}
	return g.Answered(ctx)
}

// Writes reports whether Plex changed an item in this run.
func (g *Gate) Writes() bool { return g.wrote }

// handleItem handles a failure of a request about one item.
func (g *Gate) handleItem(ctx context.Context, item Item, err error) error {
	v, failure := Judge(ctx, err), err
	switch {
	case v == retry.Cancelled():
		return err
	case v.EndsBatch():
		if down := g.probe(ctx); down != nil {
			return g.probeFailed(ctx, item, err, down)
		}
		failure = g.suspect(v, err)
	}
	failed := v.Breaker == retry.Failure || v.Stop
	if failed && max(g.inRow, g.row.Failures) >= retry.TripAfter-1 && g.again != nil {
		switch refused := g.again(ctx); {
		case refused == nil:
			item.Fail(failure)
			return g.Answered(ctx) // the items that failed have that in common, not Plex
		case ctx.Err() != nil:
			return refused
		}
	}
	if failed {
		g.inRow++
	}
	if !g.onlyThis(ctx, item, v, err) {
		if err := g.teach(ctx, item, v, err); err != nil {
			return err
		}
	}
	item.Fail(failure)
	if g.tripped || v.EndsBatch() && g.inRow >= retry.TripAfter {
		g.blamed = append(g.blamed, g.recent...)
		return err
	}
	return nil
}

// suspect returns the failure of an item whose request failed as if Plex were down or the token were refused, while
// Plex answers a probe.
func (g *Gate) suspect(v retry.Verdict, err error) error {
	if retry.NoAnswer(err) {
		g.shared = err
		return retry.Released(v.Class, err)
	}
	if retry.RefusesToken(err) {
		g.refused = err
	}
	own := retry.Own(err)
	g.recent = append(g.recent, own)
	return own
}

// probeFailed handles a failure about one item after which Plex does not answer the probe either.
func (g *Gate) probeFailed(ctx context.Context, item Item, err, down error) error {
	if Judge(ctx, err).Stop { // the probe knows more
		err = down
	}
	return cmp.Or(g.teach(ctx, item, Judge(ctx, err), err), err)
}

// onlyThis reports whether all failures in a row may be those of this item alone, so that they say nothing about Plex.
// After a failure that ends a batch, the caller has probed already.
func (g *Gate) onlyThis(ctx context.Context, item Item, v retry.Verdict, err error) bool {
	failures := g.row.Failures
	if g.ReadOnly || g.probing || v.Breaker != retry.Failure || failures == 0 || item.Attempts() < failures {
		return false
	}
	return !retry.NoAnswer(err) || v.EndsBatch() || g.probe(ctx) == nil
}

// Verdict returns what the error that ended a push means and the error that explains it. Unlike Judge it knows how the
// other items fared: a failure that turned out to be one of Plex is not charged.
func (g *Gate) Verdict(ctx context.Context, err error) (retry.Verdict, error) {
	if !retry.IsOwn(err) || !slices.Contains(g.blamed, err) && !g.InDoubt(err) {
		return Judge(ctx, err), err
	}
	cause := errors.Unwrap(err)
	v := Judge(ctx, cause)
	v.Behind = true
	return v, cause
}

// InDoubt reports whether it depends on the other items of the run whether err is charged.
func (g *Gate) InDoubt(err error) bool {
	return retry.IsOwn(err) && retry.RefusesToken(err) && !g.wrote
}
