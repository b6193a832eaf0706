package gate

import (
	"context"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// InHalves runs a request about several items. If it fails, InHalves repeats it in halves down to single items, which
// fail with the error. The breaker counts the failure once. InHalves returns an error under the same conditions as Do.
func InHalves[T Item](ctx context.Context, g *Gate, items []T, request func(ctx context.Context, some []T) error) error {
	h := halves[T]{gate: g, request: request}
	return h.do(ctx, items)
}

type halves[T Item] struct {
	gate    *Gate
	request func(ctx context.Context, some []T) error
	taught  bool // the breaker has counted the failure
}

func (h *halves[T]) do(ctx context.Context, items []T) error {
	if len(items) == 0 {
		return nil
	}
	err := h.request(ctx, items)
	if err == nil || isHandled(err) {
		return err
	}
	if fatal := h.fatal(ctx, items, err); fatal != nil {
		return handled(fatal)
	}
	if len(items) == 1 {
		if retry.OriginOf(err) == retry.FromStash {
			err = retry.OfScene(err)
		}
		items[0].Fail(err)
		return nil
	}
	if retry.WantsPatience(err) { // one item decides for all
		if fatal := h.do(ctx, items[:1]); fatal != nil {
			return fatal
		}
		decided := items[0]
		if items = items[1:]; decided.Failure() != nil {
			for _, item := range items {
				item.Fail(retry.Released(err))
			}
			return nil
		}
	}
	half := (len(items) + 1) / 2
	if fatal := h.do(ctx, items[:half]); fatal != nil {
		return fatal
	}
	return h.do(ctx, items[half:])
}

// fatal returns the error with which the batch must end, nil if the request may be repeated.
func (h *halves[T]) fatal(ctx context.Context, items []T, err error) error {
	g := h.gate
	v := Judge(ctx, err)
	switch retry.OriginOf(err) {
	case retry.FromPlex:
		if !h.taught {
			h.taught = true
			if err := g.teach(ctx, list(items), v, err); err != nil {
				return err
			}
		}
		if v.EndsBatch() || g.tripped && len(items) > 1 {
			return err
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
