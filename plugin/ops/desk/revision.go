package desk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Revisions are two numbers for a page that wants to know whether anything has changed. Reading changes neither.
type Revisions struct {
	Queue int64 `json:"revision"`       // differs whenever the queue has changed
	Other int64 `json:"other_revision"` // differs whenever the pause, the sign-in or a stored report has changed
}

// Revisions returns the current revisions.
func (d *Desk) Revisions(ctx context.Context) (r Revisions, err error) {
	revision, _, err := d.Store.Meta(ctx, store.KeyRevision)
	if err != nil {
		return r, err
	}
	if r.Queue, err = strconv.ParseInt("0"+revision, 10, 64); err != nil {
		return r, fmt.Errorf("cannot read the revision of the queue: %w", err)
	}
	for _, name := range []string{pause.File, account.File, report.File, report.File + "-wal"} {
		info, err := os.Stat(filepath.Join(d.Store.Dir(), name))
		if err == nil && info.Size() > 0 { // an open file of reports has an empty log
			r.Other += info.ModTime().UnixMilli()
		}
	}
	return r, nil
}
