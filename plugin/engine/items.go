package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// refreshIfWanted brings the index up to date if somebody needs it: a job that is due, or a scene whose
// file Plex did not hold.
func (d *drain) refreshIfWanted(ctx context.Context) error {
	due, err := d.Store.HasDue(ctx, time.Now(), store.ClaimOptions{Floor: d.floor})
	if err != nil {
		return err
	}
	wanted, err := d.Store.HasWanted(ctx)
	if err != nil || !due && !wanted {
		return err
	}
	if err := d.connect(ctx); err != nil {
		return err
	}
	err = d.refresh(ctx)
	if err == nil {
		return nil
	}
	if _, ok := asStop(err); ok {
		return err
	}
	return d.unreachable(ctx, err)
}

// refresh brings the index of the chosen libraries up to date, once in a drain. An error is Plex's.
func (d *drain) refresh(ctx context.Context) error {
	if d.indexFresh {
		return nil
	}
	reader := Reader{Plex: d.Plex, Index: d.Index, OnNew: func(ctx context.Context, files []store.FoundFile) error {
		n, err := d.Store.Wake(ctx, time.Now(), files)
		if n > 0 {
			d.Log.Info().Int("scenes", n).Msg("files that were waited for have appeared in Plex")
		}
		return err
	}}
	for _, s := range d.sections {
		changed, err := reader.Refresh(ctx, d.server, s, time.Now())
		if err != nil {
			return fmt.Errorf("read library %q: %w", s.Title, err)
		}
		if changed {
			d.Log.Debug().Str("library", s.Title).Msg("index brought up to date")
		}
	}
	d.indexFresh = true
	return d.note(ctx, Answered, "")
}

// findItems finds the Plex items of the scenes and reads them. What the index does not hold is looked for
// again after bringing it up to date; an item that no longer holds the file is dropped from the index and
// its scene matched once more.
func (d *drain) findItems(ctx context.Context, works []*work) error {
	if err := d.matchAll(ctx, works); err != nil {
		return err
	}
	if lost := withVerdict(works, NotFoundVerdict, Unready_); len(lost) > 0 && !d.indexFresh {
		if err := d.refresh(ctx); err != nil {
			return d.listingFailed(ctx, err)
		}
		if err := d.matchAll(ctx, lost); err != nil {
			return err
		}
	}
	stale, err := d.readTargets(ctx, works)
	if err != nil || len(stale) == 0 {
		return d.conclude(works, err)
	}
	if err := d.matchAll(ctx, stale); err != nil {
		return err
	}
	if _, err := d.readTargets(ctx, stale); err != nil {
		return err
	}
	return d.conclude(works, nil)
}

var _ = errors.New
var _ = json.Marshal
var _ stashapi.Scene
var _ plexapi.Item
