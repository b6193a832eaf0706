package engine

import (
	"context"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/lookup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// list lists items of Plex. An answer without file paths is a *gate.Stop.
func (e *Engine) list(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error) {
	page, err := e.Plex.List(ctx, q)
	return page, push.WithoutPaths(err)
}

// listed lists items of Plex, and shows how far a library is read.
func (r *run) listed(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error) {
	page, err := r.list(ctx, q)
	r.Doing.Prepares(doing.Reading, q.Start+page.Received, max(page.TotalSize, 0))
	return page, err
}

// CheckPaths returns a *gate.Stop if Plex sends no file paths. It sends requests only if every library has been read,
// because otherwise Sample sends them. It ignores other failures of these requests.
func (e *Engine) CheckPaths(ctx context.Context, server string, sections []plexapi.Section) error {
	known := push.Server{ID: server, Sections: sections}
	if unread, err := known.Unread(ctx, e.Index); err != nil || unread {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookup.RequestLimit)
	defer cancel()
	for _, sec := range sections {
		page, err := e.list(ctx, plexapi.ListQuery{SectionID: sec.ID, Type: sec.ItemType(), Size: lookup.TrialRows, Sort: plexindex.SortByID})
		if stop, ok := gate.AsStop(err); ok {
			return stop
		}
		if err != nil || len(page.Rows) > 0 {
			return nil
		}
	}
	return nil
}
