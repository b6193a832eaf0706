package engine

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// Source: stashapp/CommunityScripts#409
func TestSceneIsPushedOnceAListingShowsThatTheOwnerOfItsItemIsGone(t *testing.T) {
	inLab(t, 30, func(l *lab) {
		pass(time.Hour) // the scenes are old
		l.edit("One", 1)
		l.addFile(40, 1)
		l.edit("Better", 40)
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1, Skipped: 1})
		for range 2 {
			pass(25 * time.Hour)
			l.want(l.run(), Summary{})
		}
		l.stash.Drop(1) // as a merge does: without a hook
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files = it.Files[1:] })
		pass(25 * time.Hour)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Better")
	})
}
