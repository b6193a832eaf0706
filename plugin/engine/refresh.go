package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
)

// needsIndex reports whether a job is due, a scene awaits a file or is due for a look, or Plex's libraries have changed.
func (r *run) needsIndex(ctx context.Context) (bool, error) {
	due, err := r.Store.HasDue(ctx, time.Now(), store.ClaimOptions{Floor: r.floor})
	if err != nil || due {
		return due, err
	}
	awaited, err := r.Store.HasAwaitedFiles(ctx)
	if err != nil || awaited {
		return awaited, err
	}
	looks, err := relink.Due(ctx, r.Store, time.Now(), "", 1)
	if err != nil || len(looks) > 0 {
		return err == nil, err
	}
	return r.plexChanged(ctx)
}

// refreshIfNeeded updates the index if that may find something to do.
func (r *run) refreshIfNeeded(ctx context.Context) error {
	if needed, err := r.needsIndex(ctx); err != nil || !needed {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	return r.optional(ctx, "could not update the index of Plex's files; the next run tries again", r.refresh)
}

// refresh updates the index of the chosen libraries, once per run.
func (r *run) refresh(ctx context.Context) error {
	if r.server.Fresh || r.pushes.ReadOnly {
		return nil
	}
	if err := r.fillLinkFiles(ctx); err != nil {
		return err
	}
	reader, answered := r.reader(), false
	for _, s := range r.server.Sections {
		asked, err := reader.Refresh(ctx, r.server.ID, s, time.Now())
		if err != nil {
			return fmt.Errorf("library %q: %w", s.Title, err)
		}
		answered = answered || asked
	}
	r.server.Fresh = true
	if r.opts.Only == 0 {
		if err := r.relink(ctx); err != nil {
			return err
		}
	}
	if err := r.lookForAbsent(ctx); err != nil || !answered {
		return err
	}
	return r.gate.Answered(ctx)
}

// reader returns a reader that brings the index up to date.
func (r *run) reader() *plexindex.Reader {
	return &plexindex.Reader{List: r.listed, Index: r.Index, Between: r.gate.MakeRoom, Awaited: r.newFilesMatter, OnNew: r.wake}
}

// wake makes the jobs that await these files due, and notes the pushed scenes that they may concern.
func (r *run) wake(ctx context.Context, files []plexindex.File) error {
	var found []store.FoundFile
	var linked []relink.File
	for _, f := range files {
		if !r.pushes.Dropped(f.RatingKey, f.Path) {
			found = append(found, store.FoundFile{Path: f.Path, Size: f.Size})
			linked = append(linked, relink.File{RatingKey: f.RatingKey, Path: f.Path, Size: f.Size})
		}
	}
	if err := relink.Note(ctx, r.Store, time.Now(), r.server.ID, linked); err != nil {
		return err
	}
	n, err := r.Store.Wake(ctx, time.Now(), found)
	if n > 0 {
		r.Log.Info().Msg("Plex now has the files of " + text.Count(n, "scene that was waiting: it is pushed now", "scenes that were waiting: they are pushed now"))
	}
	return err
}

// lookForAbsent records once a day which items have left Plex, if every library has been read completely.
func (r *run) lookForAbsent(ctx context.Context) error {
	now := time.Now()
	_, last, err := r.Store.Meta(ctx, store.KeyLastAbsent)
	if age := now.Sub(last); err != nil || age >= 0 && age < plexindex.RereadAfter {
		return err
	}
	if unread, err := r.server.Unread(ctx, r.Index); err != nil || unread {
		return err
	}
	held := func(keys []string) (map[string]bool, error) { return r.Index.Holds(ctx, r.server.ID, keys) }
	return r.Store.LookForAbsent(ctx, now, r.server.ID, r.server.Unchosen, held)
}

// RebuildIndex empties the index and reads Plex's libraries again.
func (e *Engine) RebuildIndex(ctx context.Context) (Summary, error) {
	if err := e.Index.Reset(ctx); err != nil {
		return Summary{}, err
	}
	return e.RefreshIndex(ctx)
}

// NeverRead reports whether no library of Plex was ever read completely.
func (e *Engine) NeverRead(ctx context.Context) (bool, error) {
	server, _, err := e.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return false, err
	}
	list, err := e.Index.States(ctx, server)
	return !slices.ContainsFunc(list, func(r plexindex.ListingState) bool { return !r.CompleteAt.IsZero() }), err
}

// RefreshIndex updates the index. The caller holds the lock.
func (e *Engine) RefreshIndex(ctx context.Context) (Summary, error) {
	r := e.newRun(Options{}, false)
	r.yield.ask, r.yield.leaves = e.callerAsks(), leavesIndex
	err := r.reach(ctx)
	if err == nil {
		err = r.refresh(ctx)
	}
	if retry.OriginOf(err) == retry.FromPlex {
		return Summary{Stopped: err.Error() + "; the next run continues where this one stopped", Class: gate.Judge(ctx, err).Class}, nil
	}
	stop, err := r.gate.Why(ctx, err)
	return Summary{Stopped: stop.Text, Class: stop.Class, Yielded: r.yield.yielded(stop, err)}, err
}
