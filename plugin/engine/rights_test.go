package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/lookup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// pathsHidden sets whether Plex hides file paths from the token.
func (l *lab) pathsHidden(hidden bool) {
	l.plex.Configure(func(o *plextest.Options) { o.NoPaths = hidden })
}

func (l *lab) wantStoppedByToken(sum Summary) {
	l.Helper()
	if sum.Class != retry.ClassMisconfigured || !strings.Contains(sum.Stopped, "the token gives no access to file paths: use the token of the server's owner") {
		l.Errorf("stopped = %q (%q), want misconfigured", sum.Stopped, sum.Class)
	}
}

func TestTokenWithoutPathsStopsRunsUntilItIsReplaced(t *testing.T) {
	for _, c := range []struct {
		name  string
		known bool // the index was read with the owner's token
	}{{"before the first reading", false}, {"later", true}} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 3, func(l *lab) {
				if c.known {
					l.edit("Old", 1)
					l.run()
				}
				l.pathsHidden(true)
				l.edit("New", 1, 2, 3)
				for range 13 {
					l.wantStoppedByToken(l.run())
					pass(time.Hour)
				}
				for id := 1; id <= 3; id++ {
					if j := l.job(id); j.Attempts != 0 || j.Misses != 0 {
						t.Errorf("scene %d was charged: %+v", id, j)
					}
				}
				l.pathsHidden(false)
				l.run()
				for id := 1; id <= 3; id++ {
					l.wantTitle(id, "New")
				}
			})
		})
	}
}

func TestCheckFindsATokenWithoutPaths(t *testing.T) {
	for _, known := range []bool{false, true} {
		inLab(t, 3, func(l *lab) {
			if known {
				l.edit("Old", 1)
				l.run()
			}
			l.pathsHidden(true)
			identity, sections, err := l.Plex.Probe(l.Context())
			l.must(err)
			scenes, err := lookup.Scenes(l.Context(), l.Stash, 3)
			l.must(err)
			err = l.CheckPaths(l.Context(), identity.MachineIdentifier, sections)
			sample := Sample{}
			if err == nil {
				sample, err = l.Sample(l.Context(), identity.MachineIdentifier, sections, scenes)
			}
			if err == nil || !strings.Contains(err.Error(), "use the token of the server's owner") {
				t.Errorf("with a known library %v: Sample = %+v, %v; want an error that names the token", known, sample, err)
			}
		})
	}
}

func TestRebuildIndexStopsWithoutPaths(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("Old", 1)
		l.run()
		l.pathsHidden(true)
		sum, err := l.RebuildIndex(l.Context())
		l.must(err)
		l.wantStoppedByToken(sum)
		l.pathsHidden(false)
		sum, err = l.RebuildIndex(l.Context())
		if l.must(err); sum.Stopped != "" {
			t.Errorf("stopped = %q", sum.Stopped)
		}
	})
}

func TestReadingItemsStopsWithoutPaths(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("Old", 1)
		l.run()
		l.edit("New", 1)
		l.pathsHidden(true)
		l.wantStoppedByToken(l.runWith(Options{Only: 1}))
		p, err := l.Preview(l.Context(), 1)
		l.must(err)
		l.wantStoppedByToken(Summary{Stopped: p.Stopped, Class: p.Class})
		r, err := l.Restore(l.Context(), 1)
		l.must(err)
		l.wantStoppedByToken(Summary{Stopped: r.Stopped, Class: r.Class})
		l.wantTitle(1, "Old")
		l.pathsHidden(false)
		l.run()
		l.wantTitle(1, "New")
	})
}

func TestReadingCandidatesStopsWithoutPaths(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.stash.Add(stashtest.Scene{ID: 9, Files: []stashtest.File{{Path: "/data/amb.mp4", Size: 99}}})
		for _, folder := range []string{"/a", "/b"} {
			l.plex.AddItem(l.section, folder+"/amb.mp4", 99)
		}
		l.edit("Old", 1)
		l.run()
		l.edit("New", 9)
		l.pathsHidden(true)
		l.wantStoppedByToken(l.runWith(Options{Only: 9}))
		if j := l.job(9); j.Attempts != 0 || j.Misses != 0 {
			t.Errorf("the scene was charged: %+v", j)
		}
	})
}
