package engine

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestLearnedPathsAreLogged(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		for i, folder := range []string{"a", "b", "c"} {
			if pairs, err := l.LearnedPaths(l.Context()); err != nil || len(pairs) != 0 {
				l.Errorf("learned too early: %v, %v", pairs, err)
			}
			id := i + 1
			l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: "/stash/v/" + folder + "/x.mp4", Size: size(id)}}})
			l.plex.AddItem(l.section, "/plex/v/"+folder+"/x.mp4", size(id))
			l.edit("New", id)
			l.want(l.run(), Summary{Synced: 1})
		}
		if pairs, err := l.LearnedPaths(l.Context()); err != nil || len(pairs) != 1 || pairs[0] != (match.PathPair{From: "/stash", To: "/plex"}) {
			l.Errorf("learned %v, %v", pairs, err)
		}
		if !strings.Contains(l.log.String(), "learned how Plex's paths differ") {
			l.Error("the log does not say so")
		}
	})
}
