package gate

import (
	"context"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// InHalves runs a request about several items. If it fails, InHalves repeats it in halves down to single items, which
// fail as in Do; only these failures count. If the run must yield, the items that are left are released. InHalves
// returns an error under the same conditions as Do.
func InHalves[T Item](ctx context.Context, g *Gate, items []T, request func(ctx context.Context, some []T) error) error {
	h := halves[T]{gate: g, request: request}
	return h.do(ctx, items)
}

type halves[T Item] struct {
	gate    *Gate
	request func(ctx context.Context, some []T) error
	probed  bool // Plex has answered a probe since the failure
	some    bool // an item has its result, so the run may yield
}

// yields reports whether the run must yield. If so, it releases the items that are left; the others continue.
func (h *halves[T]) yields(ctx context.Context, left []T) bool {
	if !h.some {
		return false
	}
	why := h.gate.MakeRoom(ctx)
	if why == nil {
		return false
	}
	for _, item := range left {
		item.Fail(retry.Released(ClassOf(ctx, why), why))
	}
	return true
}

func (h *halves[T]) do(ctx context.Context, items []T) error {
	if len(items) == 0 {
		return nil
	}
	err := h.request(ctx, items)
	h.some = h.some || err == nil || len(items) == 1
	if err == nil || isHandled(err) {
		return err
	}
	stash := retry.OriginOf(err) == retry.FromStash
	if len(items) == 1 && !(stash && Judge(ctx, err).Stop) {
		return handled(h.gate.handle(ctx, Of(items[0]), err))
	}
	if fatal := h.fatal(ctx, items[0], err); fatal != nil {
		return handled(fatal)
	}
	if items, err = h.byOne(ctx, items, err); err != nil || len(items) == 0 {
		return err
	}
	half := (len(items) + 1) / 2
	for _, some := range [...][]T{items[:half], items[half:]} {
		if h.yields(ctx, some) {
			continue
		}
		if fatal := h.do(ctx, some); fatal != nil {
			return fatal
		}
	}
	return nil
}

// byOne tries items one by one until one succeeds, if larger requests would take too long, and returns the items that
// are left. If Plex asked for time, the first item decides for all.
func (h *halves[T]) byOne(ctx context.Context, items []T, err error) ([]T, error) {
	if !retry.WantsPatience(err) {
		return items, nil
	}
	for len(items) > 0 {
		if h.yields(ctx, items) {
			return nil, nil
		}
		one := items[0]
		if fatal := h.do(ctx, items[:1]); fatal != nil {
			return nil, fatal
		}
		items = items[1:]
		if one.Failure() == nil {
			break
		}
		if v := Judge(ctx, err); v.RetryAfter > 0 {
			for _, item := range items {
				item.Fail(retry.Released(retry.ClassTemporary, err))
			}
			return nil, nil
		}
	}
	return items, nil
}

// fatal returns the error with which the batch must end, nil if the request may be repeated.
func (h *halves[T]) fatal(ctx context.Context, first Item, err error) error {
	g := h.gate
	v := Judge(ctx, err)
	switch retry.OriginOf(err) {
	case retry.FromPlex:
		if v == retry.Cancelled() {
			return err
		}
		if !v.EndsBatch() || h.probed {
			return nil
		}
		h.probed = true
		if down := g.probe(ctx); down != nil {
			return g.probeFailed(ctx, first, err, down)
		}
		return nil
	case retry.FromStash:
		if v.Stop {
			return err
		}
		_, down := g.Stash.Version(ctx)
		return down
	}
	return err
}
