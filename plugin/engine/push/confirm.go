package push

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// confirmPictures reads back what Plex shows after the uploads, all in one request. It selects a picture that Plex has
// but does not show, and retries one that Plex does not have.
func (pl *Pipeline) confirmPictures(ctx context.Context, sent []*picture) error {
	if len(sent) == 0 {
		return nil
	}
	r := newReading()
	for _, p := range sent {
		r.add(p.key(), p.push)
	}
	if err := pl.read(ctx, r); err != nil {
		return err
	}
	for i, p := range sent {
		pl.advanced = i > 0
		if why := pl.makeRoom(ctx); why != nil {
			p.push.Fail(released(ctx, why))
		}
		if p.push.Failure() != nil {
			continue
		}
		it, ok := r.held[p.key()]
		if !ok {
			p.Fail(retry.NotFound(reason.ItemChanged(p.key()), fmt.Sprintf("Plex item %s disappeared after its picture was sent", p.key())))
			continue
		}
		if err := pl.Gate.Do(ctx, gate.Of(p.Target), func(ctx context.Context) error {
			err := pl.confirmPicture(ctx, p, &it)
			if err != nil {
				return pl.leaveOutPicture(p, err)
			}
			p.Stage = Written
			return pl.Gate.Answered(ctx)
		}); err != nil {
			return err
		}
	}
	return nil
}

// confirmPicture makes sure that an item shows the picture that was sent, and records it in the base.
func (pl *Pipeline) confirmPicture(ctx context.Context, p *picture, it *plexapi.Item) error {
	lock := p.lock()
	shown := p.shown(it)
	if p.locked || shown == p.shown(&p.Current) { // Plex may have had the picture already, or not selected it
		ours, selected, err := pl.offered(ctx, p)
		switch {
		case err != nil:
			return err
		case ours == "":
			p.notKept = true
			return retry.Unmoved(notChanged(p), "Plex returned success for the upload of the cover but does not have it")
		case ours != selected:
			if err := pl.choose(ctx, p, ours); err != nil {
				return err
			}
			shown = "" // the address that was read is out of date
		}
	}
	if !it.Locked[lock] { // a proxy, not Plex, accepted the lock
		if err := pl.lockPicture(ctx, p); err != nil {
			return err
		}
	}
	p.remember(store.Image{SHA1: p.hash, Version: stableVersion(p.push.Scene.UpdatedAt), Selected: shown})
	return nil
}

// choose makes Plex show a picture that it has.
func (pl *Pipeline) choose(ctx context.Context, p *picture, ours string) error {
	if err := pl.timed(ctx, func() error { return pl.Plex.Select(ctx, p.kind, p.key(), ours) }); err != nil {
		return err
	}
	_, selected, err := pl.offered(ctx, p)
	if err == nil && selected != ours {
		err = retry.Unmoved(notChanged(p), "Plex returned success for the selection of the cover but does not show it")
	}
	return err
}
