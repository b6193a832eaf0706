package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// addFile adds a scene to Stash with a file that is a further part of another scene's item.
func (l *lab) addFile(id, of int) {
	file := plextest.File{Path: path(id), Size: size(id)}
	l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: file.Path, Size: file.Size}}})
	l.plex.Edit(l.keys[of], func(it *plextest.Item) { it.Files = append(it.Files, file) })
}

func TestItemFollowsItsFileToAnotherScene(t *testing.T) {
	for _, c := range []struct {
		name  string
		moves func(l *lab)
	}{
		{"scenes are merged", func(l *lab) { l.stash.Drop(1) }}, // no hook
		{"the file is assigned", func(l *lab) { l.stash.Change(1, func(s *stashtest.Scene) { s.Files = nil }) }},
		{"the owner has another file", func(l *lab) {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path = "/data/another.mp4" })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.edit("One", 1)
				l.want(l.run(), Summary{Synced: 1})
				c.moves(l)
				l.stash.Add(stashtest.Scene{ID: 2, Title: "Two", Files: []stashtest.File{{Path: path(1), Size: size(1)}}})
				l.edit("Two", 2)
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(1, "Two")
				if links, err := l.Store.Links(l.Context(), 1); err != nil || len(links) != 0 {
					l.Errorf("links of the scene that lost its item = %+v, %v", links, err)
				}
				l.edit("", 2) // with the base of the former owner
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(1, "clip1")
			})
		})
	}
}

func TestSceneWithoutValuesRestoresWhatAnotherPushed(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.MergeScenes(2, 1) // which has nothing to show
		l.edit("", 2, 3)
		l.want(l.run(), Summary{Synced: 1, Skipped: 1})
		l.wantTitle(1, "clip1")
		l.edit("", 2, 3)
		l.want(l.run(), Summary{Unchanged: 1, Skipped: 1})
	})
}

func TestItemOfASceneThatIsGoneIsFoundByNameAndSize(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.keys[2] = l.plex.AddItem(l.section, "/elsewhere/clip.mp4", 77)
		file := []stashtest.File{{Path: "/data/clip.mp4", Size: 77}}
		l.stash.Add(stashtest.Scene{ID: 1, Files: file})
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Drop(1)
		_, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: 1}, Gone: true})
		l.must(err)
		l.stash.Add(stashtest.Scene{ID: 2, Files: file}) // imported again
		l.edit("Two", 2)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "Two")
	})
}

func TestOwnerKeepsAnItemThatHasItsFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(l *lab)
		want   Summary // of the other
	}{
		{"whose first write failed", func(l *lab) { l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Times: 1}) }, Summary{Skipped: 1}},
		{"that Stash cannot read", func(l *lab) {
			l.run()
			l.stash.Break(1)
		}, Summary{Retrying: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.edit("One", 1)
				c.before(l)
				l.run()
				l.addFile(2, 1)
				l.plex.Edit(l.keys[1], func(it *plextest.Item) { slices.Reverse(it.Files) }) // the first part is the other's
				l.edit("Two", 2)
				l.want(l.run(), c.want)
				pass(time.Minute)
				l.run()
				l.wantTitle(1, "One")
			})
		})
	}
}

func TestSceneWaitsForItemsOfAnOwnerThatStashCannotRead(t *testing.T) {
	for _, where := range []string{path(1), "/data/renamed/clip1.mp4"} { // found by its path, and by name and size
		inLab(t, 3, func(l *lab) {
			l.stashMoves(where)
			l.edit("One", 1)
			l.want(l.run(), Summary{Synced: 1})
			l.stash.MergeScenes(2, 1)
			l.edit("Two", 2, 3) // which are read together, and the owner alone
			l.stash.Inject(stashtest.Fault{Operation: "SceneByID", Message: "database is locked", Times: 1})
			l.want(l.run(), Summary{Synced: 1, Retrying: 1})
			if j := l.job(2); j.Attempts != 1 || !strings.Contains(j.Error, "still belongs to scene 1") {
				l.Errorf("job = %+v", j)
			}
			pass(time.Minute)
			l.want(l.run(), Summary{Synced: 1})
			l.wantTitle(1, "Two")
			l.wantTitle(2, "Two")
		})
	}
}

func TestManyConflictsCostOneQuery(t *testing.T) {
	inLab(t, 20, func(l *lab) {
		var owners, others []int
		for id := 1; id <= 20; id++ {
			l.addFile(100+id, id)
			owners, others = append(owners, id), append(others, 100+id)
		}
		l.edit("Owner", owners...)
		l.want(l.run(), Summary{Synced: 20})
		l.stash.Forget()
		l.edit("Other", others...)
		l.want(l.run(), Summary{Skipped: 20})
		if n := l.operations("ScenesByID"); n != 2 {
			l.Errorf("%d queries for scenes, want one for the batch and one for the owners", n)
		}
	})
}

func TestExactPathTakesAnItemFromAnOwnerByNameAndSize(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.keys[2] = l.plex.AddItem(l.section, "/elsewhere/clip.mp4", 77)
		l.stash.Add(stashtest.Scene{ID: 1, Files: []stashtest.File{{Path: "/data/clip.mp4", Size: 77}}})
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Add(stashtest.Scene{ID: 2, Files: []stashtest.File{{Path: "/elsewhere/clip.mp4", Size: 77}}})
		for range 2 { // and they do not fight over it
			l.edit("Two", 2)
			l.run()
			l.edit("One", 1)
			l.want(l.run(), Summary{Waiting: 1})
			l.wantTitle(2, "Two")
		}
	})
}

func TestQueryThatStashRefusesFailsOnlyItsScene(t *testing.T) {
	for _, c := range []struct {
		name string
		id   int
		add  func(l *lab)
	}{
		{"while a scene is matched", 9, func(l *lab) {
			l.stash.Add(stashtest.Scene{ID: 9, Files: []stashtest.File{{Path: "/data/clip.mp4", Size: 77}}})
			l.plex.AddItem(l.section, "/elsewhere/clip.mp4", 77)
		}},
		{"while two scenes want an item", 10, func(l *lab) {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path = "/data/clip1.mp4" }) // now by name and size
			l.addFile(10, 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 3, func(l *lab) {
				c.add(l)
				l.edit("Warm", 1)
				l.run()
				l.edit("New", 2, c.id, 3)
				l.stash.Inject(stashtest.Fault{Operation: "SlimScenes", Message: "no such function"})
				l.want(l.run(), Summary{Synced: 2, Retrying: 1})
				if j := l.job(c.id); j.Attempts != 1 || !strings.Contains(j.Error, "no such function") {
					l.Errorf("job = %+v", j)
				}
			})
		})
	}
}

func TestKeyThatNamesAnotherFileHasNoBase(t *testing.T) {
	for _, title := range []string{"Two", "clip2"} { // changed, and as Plex has it
		inLab(t, 2, func(l *lab) {
			drama := l.stash.Name("tag", 0, "Drama")
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{drama} })
			l.edit("One", 1)
			l.want(l.run(), Summary{Synced: 1})
			l.plex.Remove(l.keys[2]) // the library is recreated
			l.plex.Edit(l.keys[1], func(it *plextest.Item) {
				it.Files[0] = plextest.File{Path: path(2), Size: size(2)}
				it.Title, it.Tags, it.Locked = "clip2", map[string][]string{"genre": {"Drama"}}, map[string]bool{}
			})
			l.edit(title, 2)
			l.run()
			l.edit("", 2)
			l.run()
			if it := l.plex.Item(l.keys[1]); it.Title != "clip2" || len(it.Tags["genre"]) != 1 {
				l.Errorf("item = %q with genres %v, want Plex's own title and genre", it.Title, it.Tags["genre"])
			}
		})
	}
}

func TestItemThatPlexMovesKeepsItsBase(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Path = "/moved/clip1.mp4" })
		l.edit("", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "clip1")
	})
}

func TestItemThatMovesWhileItsScenesAreMergedKeepsItsBase(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.tagged("Drama")
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.MergeScenes(2, 1) // which has nothing to show
		l.plexMoves(moved)
		l.edit("", 2)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "clip1")
		if it := l.plex.Item(l.keys[1]); len(it.Tags["genre"]) > 0 || it.Locked["title"] || it.Locked["genre"] {
			l.Errorf("item = %+v, want it as Plex had it", it)
		}
	})
}

func TestItemWithoutOwnerBelongsToTheSceneOfItsFirstPart(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(l *lab)
		first bool // the first part is another scene's
	}{
		{"in Stash under the same path", func(*lab) {}, true},
		{"in Stash under a mapped path", func(l *lab) {
			l.Config.PathMap = []match.PathPair{{From: "/stash", To: "/data"}}
			for _, id := range []int{1, 2} {
				l.stash.Change(id, func(s *stashtest.Scene) { s.Files[0].Path = "/stash" + strings.TrimPrefix(path(id), "/data") })
			}
		}, true},
		{"with the same name in a folder of the same name", func(l *lab) {
			l.stash.Change(2, func(s *stashtest.Scene) { s.Files[0].Path = "/other" + path(1) })
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[1].Path = "/other" + path(1) })
		}, true},
		{"in the trash", func(l *lab) { l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Deleted = true }) }, false},
		{"not in Stash", func(l *lab) { l.stash.Drop(1) }, false},
		{"of the same scene", func(l *lab) {
			l.stash.Drop(1)
			l.stash.Change(2, func(s *stashtest.Scene) {
				s.Files = append(s.Files, stashtest.File{Path: path(1), Size: size(1)})
			})
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.addFile(2, 1)
				c.setup(l)
				l.edit("Second", 2)
				if !c.first {
					l.want(l.run(), Summary{Synced: 1})
					l.wantTitle(1, "Second")
					return
				}
				l.want(l.run(), Summary{Skipped: 1})
				list, err := l.Store.Attempts(l.Context(), 2)
				if err != nil || len(list) != 1 || !strings.Contains(list[0].Error, "belongs to scene 1, which has the first file") {
					l.Errorf("attempts = %+v, %v", list, err)
				}
				l.edit("First", 1)
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(1, "First")
			})
		})
	}
}

func TestSceneEmptiedDuringItsFirstPushIsRestored(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("One", 1)
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata", Delay: time.Millisecond, Times: 1})
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata", Status: 500, Times: 1}) // what was written cannot be read
		l.want(l.run(), Summary{Retrying: 1})
		l.wantTitle(1, "One")
		l.edit("", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "clip1")
	})
}
