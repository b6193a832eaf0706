package push

import (
	"errors"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// WithoutPaths returns a *gate.Stop for plexapi.ErrNoPaths, and any other error unchanged. An answer without paths says
// nothing about any item: a library without paths is not empty.
func WithoutPaths(err error) error {
	if !errors.Is(err, plexapi.ErrNoPaths) {
		return err
	}
	return &gate.Stop{Class: retry.ClassMisconfigured, Text: plexapi.ErrNoPaths.Error() + "; everything stays queued", Reason: reason.PathsHidden()}
}
