package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestFileInEqualFoldersIsPushedAsSoonAsItAppears(t *testing.T) {
	for _, c := range []struct {
		name    string
		appears func(l *lab, key string)
	}{
		{"two folders", func(l *lab, key string) {
			l.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Path = "/mnt/a/b/clip.mp4" })
		}},
		{"one folder and the duration", func(l *lab, key string) {
			l.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Path, it.Files[0].Duration = "/mnt/b/clip.mp4", time.Minute })
		}},
		{"one folder, and the duration later", func(l *lab, key string) {
			l.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Path = "/mnt/b/clip.mp4" })
			l.want(l.run(), Summary{Waiting: 1}) // woken, and waits on
			l.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Duration = time.Minute })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.stash.Add(stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/data/a/b/clip.mp4", Size: 77, Duration: 60.4}}})
				l.edit("Two", 2)
				l.want(l.run(), Summary{Waiting: 1})
				l.keys[2] = l.plex.AddItem(l.section, "/mnt/other.mp4", 78)
				c.appears(l, l.keys[2])
				l.want(l.run(), Summary{Synced: 1}) // woken, not after its miss
				l.wantTitle(2, "Two")
				links, err := l.Store.Links(l.Context(), 2)
				if err != nil || len(links) != 1 || links[0].Rule != match.ByFolders {
					l.Errorf("links = %+v, %v", links, err)
				}
				if !strings.Contains(l.log.String(), "rule="+match.ByFolders) {
					l.Error("the log does not say by which rule it was found")
				}
			})
		})
	}
}

func TestMatchesByFoldersAreNoEvidence(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		for id, folder := range []string{"", "a", "b", "c", "d"} {
			if id == 0 {
				continue
			}
			l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: "/stash/v/" + folder + "/x.mp4", Size: 7}}})
			l.plex.AddItem(l.section, "/plex/v/"+folder+"/x.mp4", 8)
		}
		l.edit("New", 1, 2, 3, 4)
		l.want(l.run(), Summary{Synced: 4})
		e, err := l.newRun(Options{}, true).pushes.Evidence(l.Context())
		if err != nil || len(e.Pairs) != 0 {
			l.Errorf("learned %+v, %v", e, err)
		}
	})
}

func TestItemByFoldersStaysWithItsOwner(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.keys[1] = l.plex.AddItem(l.section, "/mnt/a/b/clip.mp4", 77)
		l.stash.Add(
			stashtest.Scene{ID: 1, Files: []stashtest.File{{Path: "/data/a/b/clip.mp4", Size: 78}}},
			stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/old/a/b/clip.mp4", Size: 79}}},
		)
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.edit("Two", 2)
		l.want(l.run(), Summary{Waiting: 1})
		l.wantTitle(1, "One")
		l.stash.Drop(1)
		l.edit("Two", 2)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Two")
	})
}

func TestSceneInSeveralLibrariesIsPushedToAll(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		films, shows := l.plex.AddSection("Films", "movie"), l.plex.AddSection("Shows", "show")
		l.Config.Libraries = []string{"Videos", "Films", "Shows"}
		l.keys[2] = l.plex.AddItem(films, path(1), size(1))
		l.keys[3] = l.plex.AddItem(shows, path(1), size(1))
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		for item := 1; item <= 3; item++ {
			l.wantTitle(item, "New")
		}
		if links, err := l.Store.Links(l.Context(), 1); err != nil || len(links) != 3 {
			l.Errorf("links = %+v, %v", links, err)
		}
	})
}

func TestPlexOnWindowsIsMatchedScannedAndEdited(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		section := l.plex.AddSection("Windows", "movie", `D:\Video`)
		l.Config.Libraries, l.Config.ScanPlex = []string{"Windows"}, true
		l.Config.PathMap = []match.PathPair{{From: "/data", To: "d:/video"}}
		l.stash.Add(
			stashtest.Scene{ID: 1, Files: []stashtest.File{{Path: "/data/a/clip.mp4", Size: 77}}},
			stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/data/b/c/e\u0301.mp4", Size: 78}}},
		)
		l.keys[1] = l.plex.AddItem(section, `D:\Video\a\clip.mp4`, 99)
		l.plex.AddHidden(section, "D:\\Video\\b\\c\\\u00e9.mp4", 78)
		l.edit("New", 1, 2)
		l.want(l.run(), Summary{Synced: 1, Waiting: 1})
		l.wantTitle(1, "New")
		l.wantScans(`D:\Video\b\c`)
		l.want(l.run(), Summary{Synced: 1})
		links, err := l.Store.Links(l.Context(), 2)
		if err != nil || len(links) != 1 || links[0].Rule != match.ByPathMap {
			l.Errorf("links = %+v, %v", links, err)
		}
	})
}
