package engine

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

func TestListingThatOpensTheBreakerIsTheLastRequest(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.edit("Warm", 1, 2, 3)
		l.run()
		l.edit("New", 1, 2, 3)
		l.plex.AddItem(l.section, "/x/y.mp4", 5)
		l.plex.Inject(plextest.Fault{Prefix: "/library/sections/" + l.section + "/all", Method: "GET", Status: 500})
		r := l.newRun(Options{}, false)
		l.must(r.begin(l.Context()))
		l.must(r.connect(l.Context()))
		_, _, err := l.Store.UpdateBreaker(l.Context(), time.Now(), func(b store.Breaker) store.Breaker {
			return store.Breaker{State: store.BreakerClosed, Failures: retry.TripAfter - 1, LastError: "e"}
		})
		l.must(err)
		l.must(r.gate.Load(l.Context()))
		l.plex.Forget()
		stop, ok := gate.AsStop(r.work(l.Context()))
		if !ok || stop.Class != retry.ClassServerDown || len(l.plex.Requests()) != 1 {
			l.Errorf("stopped by %+v after %d requests, want only the listing", stop, len(l.plex.Requests()))
		}
	})
}

func TestUnreadLibraryIsNotASuccess(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("Warm", 1)
		l.run()
		r := l.newRun(Options{}, false)
		l.must(r.begin(l.Context()))
		l.must(r.connect(l.Context()))
		l.must(r.refresh(l.Context())) // what the last write has moved
		_, _, err := l.Store.UpdateBreaker(l.Context(), time.Now(), func(store.Breaker) store.Breaker {
			return store.Breaker{State: store.BreakerClosed, Failures: 1, LastError: "e"}
		})
		l.must(err)
		l.must(r.gate.Load(l.Context()))
		r.server.Fresh = false
		l.plex.Forget()
		l.must(r.refresh(l.Context()))
		b, err := l.Store.Breaker(l.Context())
		l.must(err)
		if n := len(l.plex.Requests()); n != 0 || b.Failures != 1 {
			l.Errorf("%d failures after %d requests, want the failure to stand", b.Failures, n)
		}
	})
}

func TestRunWithoutListingReadsNoLibrary(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want Summary
	}{
		{Options{Only: 1}, Summary{}},
		{Options{Only: 1, Listing: true}, Summary{Synced: 1}},
	} {
		inLab(t, 1, func(l *lab) {
			l.edit("One", 1)
			l.run()
			l.keys[1] = l.plex.Move(l.keys[1], path(1))
			l.edit("Two", 1)
			l.plex.Forget()
			l.want(l.runWith(c.opts), c.want)
			if n := l.plex.Count("GET", "/library/sections/"+l.section+"/all"); n > 0 != c.opts.Listing {
				l.Errorf("%+v: %d listings", c.opts, n)
			}
			if !c.opts.Listing {
				l.want(l.run(), Summary{Synced: 1})
			}
			l.wantTitle(1, "Two")
		})
	}
}

func TestItemThatDisappearsBeforeTheWriteIsMatchedAgain(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("One", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 404, Times: 2}) // at both addresses
		l.want(l.run(), Summary{Waiting: 1})
		l.keys[1] = l.plex.Move(l.keys[1], path(1)) // and is another by now
		l.want(l.run(), Summary{Synced: 1})         // woken, not after its miss
		l.wantTitle(1, "One")
	})
}

// Plex is known to answer 404 for items that its listings still name. Each of the scenes triggers a reread of the
// library.
func TestItemsThatAreListedAndCannotBeReadAreMisses(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.edit("One", 1, 2, 3)
		l.run()
		l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata/", Status: 404})
		for id := 1; id <= 3; id++ {
			l.edit("Two", id)
			l.want(l.run(), Summary{Waiting: 1})
		}
		for miss := 2; miss <= 12; miss++ {
			l.plex.Forget()
			pass(store.LongestWait)
			l.want(l.run(), Summary{Waiting: 3})
			if j := l.job(2); j.Misses != miss {
				l.Fatalf("job = %+v, want %d misses", j, miss)
			}
			if n := len(l.plex.Requests()); n > 40 {
				l.Fatalf("%d requests in one run", n)
			}
			l.want(l.run(), Summary{})
		}
		pass(store.LongestWait)
		l.want(l.run(), Summary{Dead: 3})
		pass(plexindex.RereadAfter)
		l.want(l.run(), Summary{})
		l.plex.Heal()
		l.keys[2] = l.plex.Move(l.keys[2], path(2)) // it was another by now
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "Two")
		l.edit("Three", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Three")
	})
}

func TestFurtherFileOfASceneIsPushedOnceItIsInPlex(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		second := stashtest.File{Path: "/other" + path(1), Size: 77}
		l.stash.Change(1, func(s *stashtest.Scene) { s.Files = append(s.Files, second) })
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.want(l.run(), Summary{})
		l.keys[2] = l.plex.AddItem(l.section, second.Path, second.Size)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "One")
		if waits, err := l.Store.HasAwaitedFiles(l.Context()); err != nil || waits {
			l.Errorf("something is wanted still: %v, %v", waits, err)
		}
	})
}

// The first lookup finds only one of the files, and the neighbour triggers a reread of the library.
func TestFurtherFileIsFoundWhenItsNeighbourTriggersAReread(t *testing.T) {
	for name, lose := range map[string]func(l *lab){
		"that is not found":       func(l *lab) { l.add() },
		"whose item is not there": func(l *lab) { l.keys[2] = l.plex.Move(l.keys[2], path(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 2, func(l *lab) {
				l.edit("One", 1, 2)
				l.want(l.run(), Summary{Synced: 2})
				second := stashtest.File{Path: "/other" + path(1), Size: 77}
				l.stash.Change(1, func(s *stashtest.Scene) { s.Files = append(s.Files, second) })
				key := l.plex.AddItem(l.section, second.Path, second.Size)
				lose(l)
				var list []store.Request
				for id := 1; id <= len(l.keys); id++ { // edits by hand go before the index is brought up to date
					l.stash.Change(id, func(s *stashtest.Scene) { s.Title = "Two" })
					list = append(list, store.Request{SceneID: id, Reason: "edit", Priority: store.ByPerson})
				}
				l.must(l.Store.Enqueue(l.Context(), time.Now(), list))
				l.want(l.run(), Summary{Synced: len(list)})
				if got := l.plex.Item(key).Title; got != "Two" {
					l.Errorf("Plex shows %q for the further file", got)
				}
			})
		})
	}
}

func TestSceneWithAllFilesInOneItemAwaitsNothing(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.stash.Change(1, func(s *stashtest.Scene) { s.Files = append(s.Files, stashtest.File{Path: "/data/cd2.mp4", Size: 77}) })
		l.plex.AddFile(l.keys[1], "/data/cd2.mp4", 77)
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		if waits, err := l.Store.HasAwaitedFiles(l.Context()); err != nil || waits {
			l.Errorf("something is wanted: %v, %v", waits, err)
		}
	})
}

// Files that are new are found by as many requests in a large library as in a small one.
func TestNewFilesCostTheSameRequestsInALargeLibrary(t *testing.T) {
	var asked []int
	for _, n := range []int{2 * plexindex.PageSize, 20 * plexindex.PageSize} {
		inLab(t, 0, func(l *lab) {
			l.plex.AddBulk(l.section, n)
			refresh := func() {
				t.Helper()
				sections, err := l.Plex.Sections(l.Context())
				l.must(err)
				l.plex.Forget()
				_, err = (&plexindex.Reader{List: l.Plex.List, Index: l.Index}).Refresh(l.Context(), "S", sections[0], time.Now())
				l.must(err)
			}
			refresh()
			if got, want := len(l.plex.Requests()), n/plexindex.PageSize; got < want || got > want+2 {
				l.Errorf("%d requests for a library of %d pages", got, want)
			}
			pass(time.Minute)
			for i := range 10 {
				l.plex.AddItem(l.section, path(i), size(i))
			}
			refresh()
			asked = append(asked, len(l.plex.Requests()))
			if c, err := l.Index.CountFiles(l.Context(), "S", l.section); err != nil || c.N != n+10 {
				l.Errorf("%+v files are held, want %d: %v", c, n+10, err)
			}
		})
	}
	if asked[0] != 2 || asked[1] != 2 {
		t.Errorf("ten new files cost %d requests in a small library and %d in a large one, want a page by each order", asked[0], asked[1])
	}
}
