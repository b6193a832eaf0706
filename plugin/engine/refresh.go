package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// refreshIfWanted brings the index up to date if somebody needs it: a job that is due, or a scene whose
// file Plex did not hold.
func (d *drain) refreshIfWanted(ctx context.Context) error {
	due, err := d.Store.HasDue(ctx, time.Now(), store.ClaimOptions{Floor: d.floor})
	if err != nil {
		return err
	}
	wanted, err := d.Store.HasAwaitedFiles(ctx)
	if err != nil || !due && !wanted {
		return err
	}
	if err := d.connect(ctx); err != nil {
		return err
	}
	err = d.refresh(ctx)
	if e, ok := errors.AsType[*plexapi.Error](err); ok || errors.Is(err, context.Canceled) {
		v := retry.Judge(ctx, err)
		if !v.Stop && v.Class != retry.ClassServerDown { // one slow listing: what the index knows may do
			d.Log.Warn().Err(e).Msg("the list of Plex's files could not be brought up to date; it is tried again in the next run")
			if err := d.note(context.WithoutCancel(ctx), v.Breaker, err.Error()); err != nil || !d.tripped {
				return err
			}
			return d.pausedStop()
		}
		return d.unreachable(ctx, err)
	}
	return err
}

// refresh brings the index of the chosen libraries up to date, once in a drain.
func (d *drain) refresh(ctx context.Context) error {
	if d.indexFresh || d.dry {
		return nil
	}
	reader := Reader{Plex: d.Plex, Index: d.Index, Between: d.makeRoom, OnNew: func(ctx context.Context, files []store.FoundFile) error {
		files = slices.DeleteFunc(files, func(f store.FoundFile) bool { return d.dropped[droppedFile{f.RatingKey, f.Path}] })
		n, err := d.Store.Wake(ctx, time.Now(), files)
		if n > 0 {
			d.Log.Info().Int("scenes", n).Msg("files that were waited for have appeared in Plex")
		}
		return err
	}}
	reader.Waited = d.Store.HasAwaitedFiles
	answered := false
	for _, s := range d.sections {
		asked, err := reader.Refresh(ctx, d.server, s, time.Now())
		if err != nil {
			return fmt.Errorf("read library %q: %w", s.Title, err)
		}
		answered = answered || asked
	}
	d.indexFresh = true
	if err := d.lookForAbsent(ctx); err != nil || !answered {
		return err
	}
	return d.note(ctx, retry.Answered, "")
}

// lookForAbsent notes once a day which items have left Plex, if every library has been read whole.
func (d *drain) lookForAbsent(ctx context.Context) error {
	now := time.Now()
	_, last, err := d.Store.Meta(ctx, store.KeyLastAbsent)
	if err != nil || within(now, last, readAnewIn) {
		return err
	}
	if unread, err := d.unread(ctx); err != nil || unread {
		return err
	}
	held := func(keys []string) (map[string]bool, error) { return d.Index.Holds(ctx, d.server, keys) }
	return d.Store.LookForAbsent(ctx, now, d.server, d.unchosen, held)
}

// unread reports whether a library may hold more than the index knows.
func (d *drain) unread(ctx context.Context) (bool, error) {
	if len(d.absent) > 0 {
		return true, nil
	}
	for _, s := range d.sections {
		r, err := d.Index.Reading(ctx, d.server, s.ID)
		if err != nil || r.CompleteAt.IsZero() {
			return true, err
		}
	}
	return false, nil
}
