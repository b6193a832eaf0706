package engine

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// readImages reads what Plex shows after the uploads, all in one request. One that it does not show is
// selected; one that it does not have is tried again.
func (d *drain) readImages(ctx context.Context, sent []picture) error {
	if len(sent) == 0 {
		return nil
	}
	keys := make([]string, len(sent))
	for i, p := range sent {
		keys[i] = p.t.hit.RatingKey
	}
	held, failed, err := d.readItems(ctx, sent[0].work.job, keys)
	if err != nil {
		return err
	}
	for _, p := range sent {
		it, there := held[p.t.hit.RatingKey]
		switch {
		case p.work.err != nil:
			continue
		case failed[p.t.hit.RatingKey] != nil:
			p.work.err = failed[p.t.hit.RatingKey]
			continue
		case !there:
			p.work.err = retry.NotFound(fmt.Sprintf("Plex item %s is gone since its picture was sent", p.t.hit.RatingKey))
			continue
		}
		err := d.confirmImage(ctx, &p, &it)
		if err == nil {
			p.t.wrote = true
			err = d.note(ctx, retry.Answered, "")
		} else if err = d.leaveOutImage(&p, err); err != nil {
			err = d.failed(ctx, p.work, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// confirmImage makes sure that an item shows the picture that was sent, and remembers it.
func (d *drain) confirmImage(ctx context.Context, p *picture, it *plexapi.Item) error {
	lock := p.kind.Lock()
	shown := shownImage(it, p.kind)
	if p.locked || shown == shownImage(&p.t.held, p.kind) { // it may have been there, or not be selected
		ours, selected, err := d.pictures(ctx, p)
		switch {
		case err != nil:
			return err
		case ours == "":
			return retry.Unmoved("Plex accepted the cover and does not have it")
		case ours != selected:
			if err := d.choose(ctx, p, ours); err != nil {
				return err
			}
			shown = "" // another than was read
		}
	}
	if !it.Locked[lock] { // accepted by somebody else than Plex
		if err := d.lockImage(ctx, p); err != nil {
			return err
		}
	}
	p.remember(store.Image{SHA1: p.hash, Version: settled(p.work.scene.UpdatedAt), Selected: shown})
	return nil
}

// choose makes Plex show a picture that it has.
func (d *drain) choose(ctx context.Context, p *picture, ours string) error {
	if err := d.timed(ctx, func() error { return d.Plex.Select(ctx, p.kind, p.t.hit.RatingKey, ours) }); err != nil {
		return err
	}
	_, selected, err := d.pictures(ctx, p)
	if err == nil && selected != ours {
		err = retry.Unmoved("Plex accepted the choice of the cover and does not show it")
	}
	return err
}
