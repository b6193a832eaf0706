package plexindex

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// fingerprintOf returns what changes whenever a section's content does.
func fingerprintOf(sec plexapi.Section) string {
	return fmt.Sprintf("%d %d %d%s", sec.UpdatedAt, sec.ScannedAt, sec.ContentChangedAt, sec.OddMarks)
}

// UpToDate reports whether the index has read all of these sections completely, and none has changed since.
func (x *Index) UpToDate(ctx context.Context, server string, sections []plexapi.Section) (bool, error) {
	for _, sec := range sections {
		at, err := x.State(ctx, server, sec.ID)
		if err != nil || at.Position >= 0 || at.CompleteAt.IsZero() || at.Fingerprint != fingerprintOf(sec) {
			return false, err
		}
	}
	return true, nil
}
