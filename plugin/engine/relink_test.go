package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// inPushedLab runs f with n scenes that were pushed with the title "One". Nothing is queued, and the next run looks at
// Plex although nothing is due.
func inPushedLab(t *testing.T, n int, f func(l *lab)) {
	t.Helper()
	inLab(t, n, func(l *lab) {
		for id := range l.keys {
			l.edit("One", id)
		}
		pass(stashapi.ClockSlack)
		l.want(l.run(), Summary{Synced: n})
		l.later()
		l.want(l.run(), Summary{}) // sees what the writes changed
		l.later()
		f(l)
	})
}

// later lets so much time pass that a run looks at Plex although nothing is due.
func (l *lab) later() { pass(compareEvery + time.Minute) }

// replaces lets Plex give the files of scenes new items.
func (l *lab) replaces(ids ...int) {
	for _, id := range ids {
		l.keys[id] = l.plex.Move(l.keys[id], path(id))
	}
}

// wantLinks wants each scene to have links to its item, and to those of further libraries.
func (l *lab) wantLinks(further ...map[int]string) {
	l.Helper()
	for id, key := range l.keys {
		want := map[string]bool{key: true}
		for _, keys := range further {
			want[keys[id]] = true
		}
		links, err := l.Store.Links(l.Context(), id)
		l.must(err)
		for _, link := range links {
			if !want[link.RatingKey] || len(links) != len(want) {
				l.Errorf("scene %d has the links %+v, want items %v", id, links, want)
			}
		}
	}
}

// swapsKeys lets Plex use the keys of two items for each other's files.
func (l *lab) swapsKeys(a, b int) {
	for key, id := range map[string]int{l.keys[a]: b, l.keys[b]: a} {
		l.plex.Edit(key, func(it *plextest.Item) {
			it.Title, it.Locked = strings.Split(path(id), "/")[4], make(map[string]bool)
			it.Files = []plextest.File{{Path: path(id), Size: size(id)}}
		})
	}
	l.keys[a], l.keys[b] = l.keys[b], l.keys[a]
}

func TestScenesWhoseItemsAreReplacedArePushedAgain(t *testing.T) {
	const n = 3
	for name, happens := range map[string]func(l *lab){
		"all keys change":            func(l *lab) { l.replaces(1, 2, 3) },
		"the keys are used in turns": func(l *lab) { l.swapsKeys(1, 2); l.replaces(3) },
		"the paths have other case": func(l *lab) {
			for id := range l.keys {
				l.keys[id] = l.plex.Move(l.keys[id], strings.ToUpper(path(id)))
			}
		},
		"the library is deleted and created again": func(l *lab) {
			old := l.section
			l.section = l.plex.AddSection("Videos", "movie")
			l.plex.RemoveSection(old)
			for id := range l.keys {
				l.keys[id] = l.plex.AddItem(l.section, path(id), size(id))
			}
		},
		"the trash is emptied while a drive is off": func(l *lab) {
			for _, key := range l.keys {
				l.plex.Edit(key, func(it *plextest.Item) { it.Deleted = true })
			}
			l.want(l.run(), Summary{})
			for _, key := range l.keys {
				l.plex.Remove(key)
			}
			pass(48 * time.Hour)
			l.want(l.run(), Summary{})
			for id := range l.keys {
				l.keys[id] = l.plex.AddItem(l.section, path(id), size(id))
			}
		},
		"a file is upgraded and gets a new item": func(l *lab) {
			l.replaces(1, 2, 3)
			for _, key := range l.keys {
				l.plex.Edit(key, func(it *plextest.Item) { it.Files[0].Size = 77 })
			}
		},
		"a file is upgraded and its item loses its texts": func(l *lab) {
			for id, key := range l.keys {
				l.plex.Edit(key, func(it *plextest.Item) {
					it.Files[0].Size, it.Title, it.Locked = 77+int64(id), "clip", make(map[string]bool)
				})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inPushedLab(t, n, func(l *lab) {
				happens(l)
				titles := make(map[int]string)
				for id, key := range l.keys {
					titles[id] = l.plex.Item(key).Title
				}
				l.later()
				l.want(l.run(), Summary{Synced: n})
				for id := range l.keys {
					l.wantTitle(id, "One")
				}
				l.wantLinks()
				for range 3 {
					pass(25 * time.Hour)
					l.want(l.run(), Summary{})
				}
				if strings.HasPrefix(name, "a file is upgraded and its") {
					return // the same item: its base holds what it showed before the first push
				}
				if r, err := l.Restore(l.Context(), 0); err != nil || r.Failed != 0 {
					l.Errorf("restored %+v, %v", r, err)
				}
				for id, title := range titles {
					l.wantTitle(id, title)
				}
			})
		})
	}
}

// addSecondLibrary adds a library with the files of all scenes, and returns its keys.
func (l *lab) addSecondLibrary() map[int]string {
	section, keys := l.plex.AddSection("Second", "movie"), make(map[int]string)
	for id := range l.keys {
		keys[id] = l.plex.AddItem(section, path(id), size(id))
	}
	return keys
}

func TestLibraryThatIsAddedAfterThePushGetsTheTexts(t *testing.T) {
	inPushedLab(t, 3, func(l *lab) {
		second := l.addSecondLibrary()
		l.want(l.run(), Summary{Synced: 3})
		for id, key := range second {
			l.wantTitle(id, "One")
			if got := l.plex.Item(key).Title; got != "One" {
				l.Errorf("the second library shows %q", got)
			}
		}
		l.wantLinks(second)
		pass(25 * time.Hour)
		l.want(l.run(), Summary{})
	})
}

// The batch has chosen the item of a scene before another scene of it triggers a reread.
func TestItemThatIsFoundDuringThePushOfItsSceneIsNotForgotten(t *testing.T) {
	inPushedLab(t, 1, func(l *lab) {
		second := l.addSecondLibrary()
		l.add()
		var list []store.Request
		for id := 1; id <= 2; id++ { // edits by hand go before the index is brought up to date
			l.stash.Change(id, sceneTitle("Two"))
			list = append(list, store.Request{SceneID: id, Reason: "edit", Priority: store.ByPerson})
		}
		l.must(l.Store.Enqueue(l.Context(), time.Now(), list))
		pass(stashapi.ClockSlack)
		l.want(l.run(), Summary{Synced: 2})
		if got := l.plex.Item(second[1]).Title; got == "Two" {
			t.Fatal("the item was found in time: that proves nothing")
		}
		l.later()
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(second[1]).Title; got != "Two" {
			l.Errorf("the second library shows %q", got)
		}
		l.later()
		l.want(l.run(), Summary{})
	})
}

func TestReplacedItemOfARestoredSceneStaysRestored(t *testing.T) {
	for _, gone := range []bool{false, true} { // during the restore
		inPushedLab(t, 3, func(l *lab) {
			remove := func() {
				for _, key := range l.keys {
					l.plex.Remove(key)
				}
			}
			if gone {
				remove()
			}
			r, err := l.Restore(l.Context(), 0)
			if err != nil || (r.Gone == 3) != gone {
				l.Fatalf("restored %+v, %v", r, err)
			}
			remove()
			for id := range l.keys {
				l.keys[id] = l.plex.AddItem(l.section, path(id), size(id))
			}
			for range 3 {
				l.later()
				l.want(l.run(), Summary{})
			}
			l.wantTitle(1, "clip1")
			l.wantNoJobs(3)
		})
	}
}

func TestReplacedItemOfAnExcludedSceneIsNotWritten(t *testing.T) {
	inPushedLab(t, 3, func(l *lab) {
		l.Config.Filter.OnlyOrganized = true
		l.replaces(1, 2, 3)
		l.want(l.run(), Summary{Skipped: 3})
		l.wantTitle(1, "clip1")
		pass(25 * time.Hour)
		l.want(l.run(), Summary{})
	})
}

// wantNoJobs wants none of n scenes to be queued.
func (l *lab) wantNoJobs(n int) {
	l.Helper()
	for id := 1; id <= n; id++ {
		if j, err := l.Store.Job(l.Context(), id); err == nil {
			l.Errorf("queued: %+v", j)
		}
	}
}

func TestUnchangedLibraryThatIsReadAgainQueuesNothing(t *testing.T) {
	const n = 450 // three pages
	for name, read := range map[string]func(l *lab){
		"after a day": func(l *lab) {
			pass(25 * time.Hour)
			l.plex.Edit(l.keys[1], func(*plextest.Item) {})
			l.want(l.run(), Summary{})
		},
		"after the index was lost": func(l *lab) {
			l.must(l.Index.Rebuild(l.Context()))
			l.want(l.run(), Summary{})
		},
		"after Rebuild index": func(l *lab) {
			_, err := l.RebuildIndex(l.Context())
			l.must(err)
		},
		"after a drive was off": func(l *lab) {
			for _, deleted := range []bool{true, false} {
				for _, key := range l.keys {
					l.plex.Edit(key, func(it *plextest.Item) { it.Deleted = deleted })
				}
				l.want(l.run(), Summary{})
				l.later()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inPushedLab(t, n, func(l *lab) {
				l.plex.Forget()
				read(l)
				if listed := l.plex.Count("GET", "/library/sections/"+l.section+"/all"); listed < 3 {
					t.Fatalf("%d pages were read: that proves nothing", listed)
				}
				l.wantNoJobs(n)
				l.want(l.run(), Summary{})
			})
		})
	}
}

func TestReadingThatIsKilledDoesNotLoseAReplacedItem(t *testing.T) {
	for name, killed := range map[string]func(l *lab, r *run){
		"before the page is stored": func(l *lab, r *run) {
			l.must(r.wake(l.Context(), l.filesOf(1, 2, 3)))
		},
		"before the scenes are enqueued": func(l *lab, r *run) {
			for _, s := range r.server.Sections {
				_, err := r.reader().Refresh(l.Context(), r.server.ID, s, time.Now())
				l.must(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inPushedLab(t, 3, func(l *lab) {
				l.want(l.run(), Summary{}) // the next look at Plex is in 10 minutes
				l.replaces(1, 2, 3)
				r := l.newRun(Options{}, false)
				l.must(r.begin(l.Context()))
				l.must(r.connect(l.Context()))
				killed(l, r)
				l.wantNoJobs(3)
				l.want(l.run(), Summary{Synced: 3})
				l.wantLinks()
			})
		})
	}
}

// filesOf returns the files of scenes as Plex lists them.
func (l *lab) filesOf(ids ...int) (files []plexindex.File) {
	for _, id := range ids {
		files = append(files, plexindex.File{Section: l.section, RatingKey: l.keys[id], Path: path(id), Size: size(id), Duration: 1000})
	}
	return files
}

func sceneTitle(title string) func(*stashtest.Scene) {
	return func(s *stashtest.Scene) { s.Title = title }
}

// A library of 100,000 scenes that is deleted and created again costs 1.1 requests a scene; in the short form one of
// 3,000.
func TestTortureLibraryThatIsCreatedAgainStaysWithinItsBudget(t *testing.T) {
	n := 3000
	if torture(t) > 0 {
		n = 100_000
	}
	inLab(t, 0, func(l *lab) {
		scenes, requests := make([]stashtest.Scene, n), make([]store.Request, n)
		for i := range n {
			id := i + 1
			scenes[i] = stashtest.Scene{ID: id, Title: "One", Updated: time.Now().Add(-time.Hour), Files: []stashtest.File{{Path: path(id), Size: size(id)}}}
			requests[i] = store.Request{SceneID: id, Reason: "first", Priority: store.InBulk}
			l.plex.AddItem(l.section, path(id), size(id))
		}
		l.stash.Add(scenes...)
		l.must(l.Store.Enqueue(l.Context(), time.Now(), requests))
		l.want(l.run(), Summary{Synced: n})
		old := l.section
		l.section = l.plex.AddSection("Videos", "movie")
		l.plex.RemoveSection(old)
		for id := 1; id <= n; id++ {
			l.keys[id] = l.plex.AddItem(l.section, path(id), size(id))
		}
		l.later()
		for _, c := range []struct {
			what string
			want Summary
			most float64
		}{
			{"all items are new", Summary{Synced: n}, 1.1 * float64(n)},
			{"a day later", Summary{}, float64(n)/plexindex.PageSize + 10},
			{"after the index was lost", Summary{}, float64(n)/plexindex.PageSize + 10},
		} {
			if c.what == "after the index was lost" {
				l.must(l.Index.Rebuild(l.Context()))
			}
			l.plex.Forget()
			l.stash.Forget()
			began := time.Now()
			l.want(l.run(), c.want)
			queries, _, asked := l.requests()
			l.Logf("%s: %d requests to Plex and %d queries of Stash, %v of simulated time", c.what, asked, queries, time.Since(began))
			if float64(asked) > c.most || queries > 6+n/20 {
				l.Errorf("%s: %d requests to Plex and %d queries of Stash, want at most %.0f and %d", c.what, asked, queries, c.most, 6+n/20)
			}
			pass(25 * time.Hour)
		}
		l.wantTitle(1, "One")
		l.wantTitle(n, "One")
		l.wantNoJobs(n)
	})
}
