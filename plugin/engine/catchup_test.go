package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func (l *lab) operations(name string) (n int) {
	for _, q := range l.stash.Queries() {
		if q.Operation == name {
			n++
		}
	}
	return n
}

func TestFirstRunOnlyStoresSceneVersions(t *testing.T) {
	inLab(t, 30, func(l *lab) {
		l.want(l.run(), Summary{})
		pass(25 * time.Hour)
		l.want(l.run(), Summary{})
		if n := l.plex.Count("PUT", ""); n != 0 {
			l.Errorf("%d writes", n)
		}
	})
}

func TestSceneChangedWithoutAHookIsPushed(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("west", -8*3600), time.FixedZone("east", 13*3600)} {
		inLab(t, 0, func(l *lab) {
			l.scenes(zone, 3)
			l.run()
			pass(11 * time.Minute)
			l.stash.Change(2, func(s *stashtest.Scene) { s.Title = "By autotag" })
			pass(3 * time.Second)
			l.want(l.run(), Summary{Synced: 1})
			l.wantTitle(2, "By autotag")
			for range 5 { // and then nothing is asked for again
				pass(11 * time.Minute)
				l.want(l.run(), Summary{})
			}
		})
	}
}

func TestMovedFileIsFoundByTheCompleteListing(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.run()
		l.plex.Remove(l.keys[1])
		l.keys[1] = l.plex.AddItem(l.section, "/data/new/clip1.mp4", size(1))
		at := time.Now().Add(-2 * time.Hour) // moving does not touch updated_at
		l.stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path, s.Title = "/data/new/clip1.mp4", "Moved" })
		l.stash.SetClock(func() time.Time { return at })
		l.stash.Change(1, func(*stashtest.Scene) {})
		l.stash.SetClock(time.Now)
		pass(25 * time.Hour)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Moved")
	})
}

func TestCatchUpAsksAtMostEveryTenMinutes(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.run()
		l.stash.Forget()
		for range 9 {
			pass(time.Minute)
			l.run()
		}
		if n := l.operations("SlimScenes"); n != 0 {
			l.Errorf("%d listings within ten minutes", n)
		}
		pass(2 * time.Minute)
		l.run()
		if n := l.operations("SlimScenes"); n != 1 {
			l.Errorf("%d listings after ten minutes, want 1", n)
		}
	})
}

func TestCatchUpDoesNotQueueAnEditOfAHookAgain(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.run()
		pass(11 * time.Minute)
		l.edit("New", 1)
		pass(stashapi.ClockSlack)
		l.want(l.run(), Summary{Synced: 1})
		pass(11 * time.Minute)
		l.want(l.run(), Summary{})
	})
}

func TestScenesGoneFromStashAreForgottenUnlessTooMany(t *testing.T) {
	inLab(t, 100, func(l *lab) {
		var all []int
		for id := 1; id <= 100; id++ {
			all = append(all, id)
		}
		l.edit("New", all...)
		l.run()
		count := func() int {
			n, err := l.Store.CountLinked(l.Context())
			l.must(err)
			return n
		}
		for id := 1; id <= 3; id++ {
			l.stash.Drop(id)
		}
		pass(25 * time.Hour)
		l.run()
		if n := count(); n != 97 {
			l.Errorf("%d scenes with links after three have gone, want 97", n)
		}
		for id := 4; id <= 60; id++ { // a drive is not mounted
			l.stash.Drop(id)
		}
		pass(25 * time.Hour)
		l.run()
		if n := count(); n != 97 {
			l.Errorf("%d scenes with links, want none forgotten when so many are missing", n)
		}
	})
}

func TestInterruptedListingResumes(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		var scenes []stashtest.Scene
		for id := 1; id <= 2500; id++ {
			scenes = append(scenes, stashtest.Scene{ID: id, Updated: time.Now().Add(-time.Hour)})
		}
		l.stash.Add(scenes...)
		stop := make(chan Summary, 1)
		l.stash.Inject(stashtest.Fault{Operation: "Nothing"})
		go func() { stop <- l.run() }()
		<-stop
		l.stash.Forget()
		// the second of three pages fails
		l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyListing, "1000 2000-01-01T00:00:00Z"))
		pass(25 * time.Hour)
		l.run()
		if n := l.operations("SlimScenes"); n != 2 {
			l.Errorf("%d pages, want the two that were left", n)
		}
	})
}

func TestPartOfAListingForgetsNothing(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.edit("New", 1, 2, 3)
		l.run()
		for id := 1; id <= 3; id++ {
			l.stash.Drop(id)
		}
		for _, c := range []struct {
			position string
			linked   int
		}{{"2 2000-01-01T00:00:00Z", 3}, {"", 0}} { // only the third is seen to be gone; then all are
			l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyListing, c.position))
			pass(25 * time.Hour)
			l.run()
			if n, err := l.Store.CountLinked(l.Context()); err != nil || n != c.linked {
				l.Errorf("%d scenes with links after a listing from %q, %v; want %d", n, c.position, err, c.linked)
			}
		}
	})
}

func TestUnknownScenesArePushedAfterDamage(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyRefill, "after damage"))
		l.stash.Change(1, func(s *stashtest.Scene) { s.Title = "Lost edit" })
		sum := l.run()
		if sum.CaughtUp != 3 {
			l.Errorf("summary = %+v", sum)
		}
		l.wantTitle(1, "Lost edit")
	})
}

func TestSyncAllQueuesEveryScene(t *testing.T) {
	inLab(t, 60, func(l *lab) {
		n, err := l.EnqueueAll(l.Context())
		if err != nil || n != 60 {
			l.Fatalf("EnqueueAll = %d, %v", n, err)
		}
		sum := l.run()
		if sum.Synced+sum.Unchanged+sum.Skipped != 60 {
			l.Errorf("summary = %+v", sum)
		}
	})
}

func TestSyncRecentTakesTheRecentOnesInEveryZone(t *testing.T) {
	for _, zone := range []*time.Location{time.FixedZone("west", -11*3600), time.FixedZone("east", 13*3600)} {
		inLab(t, 0, func(l *lab) {
			l.stash.SetZone(zone)
			for hours := range 48 {
				l.stash.Add(stashtest.Scene{Updated: time.Now().Add(-time.Duration(hours) * time.Hour)})
			}
			n, err := l.EnqueueSince(l.Context(), time.Now().Add(-24*time.Hour))
			if err != nil || n != 25 {
				l.Errorf("%v: EnqueueSince = %d, %v; want the 25 of the last 24 hours", zone, n, err)
			}
		})
	}
}

func TestItemsAreForgottenNinetyDaysAfterTheyLeftPlex(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.edit("New", 1, 2)
		l.run()
		known := func() int {
			items, err := l.Store.Items(l.Context(), l.plex.Machine(), []string{l.keys[1], l.keys[2]})
			l.must(err)
			return len(items)
		}
		l.plex.Remove(l.keys[1])
		for day := 1; day <= 100; day++ {
			pass(25 * time.Hour)
			l.edit("Again", 3)
			l.run()
			if want := 2; day < 90*24/25 && known() != want {
				l.Fatalf("day %d: %d items are known, want %d", day, known(), want)
			}
		}
		if n := known(); n != 1 {
			l.Errorf("%d items are known after 100 days, want the one that is still in Plex", n)
		}
	})
}

func TestItemsOfALibraryThatIsNotChosenAreNotForgotten(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		sections, keys := make(map[int]string), make(map[int]string)
		for id, title := range map[int]string{2: "Left out", 3: "Removed"} {
			sections[id] = l.plex.AddSection(title, "movie")
			l.stash.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: path(id), Size: size(id)}}})
			keys[id] = l.plex.AddItem(sections[id], path(id), size(id))
		}
		l.edit("New", 1, 2, 3)
		l.want(l.run(), Summary{Synced: 3})
		l.Config.Libraries = []string{"Videos"}
		l.plex.RemoveSection(sections[3])
		for range 100 {
			pass(25 * time.Hour)
			l.edit("Again", 1)
			l.run()
		}
		items, err := l.Store.Items(l.Context(), l.plex.Machine(), []string{keys[2], keys[3]})
		l.must(err)
		if _, known := items[keys[2]]; !known || len(items) != 1 {
			l.Errorf("known after 100 days are %v, want the one that is still in Plex", items)
		}
		if l.restore(2); l.plex.Item(keys[2]).Title != "clip2" {
			l.Error("it cannot be restored")
		}
	})
}

func TestResumedListingRemovesNoLinks(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.run()
		l.edit("One", 1, 2, 3)
		l.run()
		l.stash.Drop(3)
		l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyListing, "1 2000-01-01T00:00:00Z")) // the run before was stopped in the middle
		pass(25 * time.Hour)
		l.run()
		if links, err := l.Store.Links(l.Context(), 3); err != nil || len(links) != 1 {
			l.Errorf("links = %v, %v; want them kept: only a part of what is missing is known", links, err)
		}
		pass(25 * time.Hour)
		l.run()
		if links, err := l.Store.Links(l.Context(), 3); err != nil || len(links) != 0 {
			l.Errorf("links = %v, %v; want none after a complete listing", links, err)
		}
	})
}

// Stash's times have a resolution of one second, so a scene that is edited in the second in which it was read
// shows no change. Its hook may have been killed, or there was none.
func TestEditInTheSameSecondAsTheLastReadIsFound(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.run()
		pass(catchup.Every)
		l.edit("First", 1)
		l.run()
		l.wantTitle(1, "First")
		l.stash.Change(1, titled("Second"))
		pass(catchup.Every)
		l.run()
		l.wantTitle(1, "Second")
		l.plex.Forget()
		for range 3 {
			pass(catchup.Every)
			if sum := l.run(); sum.CaughtUp != 0 {
				t.Errorf("a run without a change has queued %d scenes", sum.CaughtUp)
			}
		}
	})
}

func TestRefusedListingDoesNotBlockTheQueue(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.run()
		pass(time.Minute)
		l.stash.Inject(stashtest.Fault{Operation: "SlimScenes", Message: "no such table"})
		l.edit("New", 1)
		l.stash.Change(2, titled("Unheard"))
		pass(catchup.CompleteEvery)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "New")
		if n := strings.Count(l.log.String(), "Stash refuses to list its scenes"); n != 1 {
			l.Errorf("said %d times", n)
		}
		l.stash.Heal()
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(2, "Unheard")
	})
}
