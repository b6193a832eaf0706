package engine

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

func TestSceneMergedSplitOrDeletedAfterItsPlaysCame(t *testing.T) {
	inPlays(t, 4, owner, func(l *lab) {
		ats := make(map[int]time.Time)
		for id := range l.keys {
			ats[id] = l.watch(id)
		}
		l.pulls()
		l.stash.MergeScenes(2, 1)
		l.stash.Play(2, ats[1]) // plays move if the user wants that
		l.stash.Drop(3)
		l.stash.Change(4, func(s *stashtest.Scene) {
			s.Files = append([]stashtest.File{{Path: "/data/more.mp4", Size: 9}}, s.Files...)
		})
		other := l.stash.Add(stashtest.Scene{Updated: time.Now()})[0]
		l.stash.AssignFile(other, 4)
		pass(11 * time.Minute)
		l.run()
		l.edit("Other", other, 2)
		l.pulls()
		pass(25 * time.Hour)
		l.pulls()
		l.wantPlays(2, ats[1], ats[2])
		l.wantPlays(4, ats[4])
		l.wantPlays(other)
	})
}

// A play that waits goes to the scene that has the file now.
func TestSceneMergedBeforeItsPlayCame(t *testing.T) {
	inPlays(t, 2, owner, func(l *lab) {
		at := l.watch(1)
		l.stash.MergeScenes(2, 1)
		l.pulls()
		l.edit("Merged", 2)
		l.run()
		pass(11 * time.Minute)
		l.run()
		l.wantPlays(2, at)
	})
}

func TestSceneDeletedBeforeItsPlayCame(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.watch(1)
		l.stash.Drop(1)
		for range 20 {
			pass(11 * time.Minute)
			l.run()
		}
		skipped := l.noted(book.Skipped)
		if len(skipped) != 1 {
			t.Fatalf("%d plays are skipped, want 1", len(skipped))
		}
		l.wantReason(skipped[0], "gone_from_stash")
	})
}

func TestSameClipTwiceWithinAMinute(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		first := l.watch(1)
		pass(30 * time.Second)
		second := l.watch(1)
		l.pulls()
		l.wantPlays(1, first, second)
	})
}

func TestTwoItemsOfOneSceneSeenTogetherAreOnePlay(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		other := l.plex.AddItem(l.plex.AddSection("Again", "movie"), path(1), size(1))
		l.edit("Clip", 1)
		l.Config.Plays = owner
		l.run()
		pass(3 * time.Minute)
		at := l.watch(1)
		l.plex.Play(other, plextest.Owner, at.Add(20*time.Second))
		later := at.Add(2 * time.Minute)
		l.plex.Play(other, plextest.Owner, later)
		l.pulls()
		l.wantPlays(1, at, later)
	})
}

func TestPlayAddedInStashByHandAtTheSameSecond(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		at := l.watch(1)
		l.stash.Play(1, at)
		l.pulls()
		l.pulls()
		l.wantPlays(1, at)
		skipped := l.noted(book.Skipped)
		if len(skipped) != 1 {
			t.Fatalf("%d plays are skipped, want 1", len(skipped))
		}
		l.wantReason(skipped[0], "play_known")
		if u := l.undoes(time.Time{}); u.Plays != 0 {
			t.Errorf("undone: %+v", u)
		}
		l.wantPlays(1, at)
	})
}

func TestPlaysOfDeletedItemsAndOfNoSceneAreExplained(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		stranger := l.plex.AddItem(l.section, "/data/stranger.mp4", 5)
		gone := l.plex.AddItem(l.section, "/data/gone.mp4", 6)
		l.plex.Play(stranger, plextest.Owner, time.Now())
		l.plex.Play(gone, plextest.Owner, time.Now())
		l.plex.Remove(gone)
		l.pulls()
		skipped, waits := l.noted(book.Skipped), l.noted(book.New)
		if len(skipped) != 1 || len(waits) != 1 || waits[0].SceneID != 0 {
			t.Fatalf("skipped %+v, waiting %+v", skipped, waits)
		}
		l.wantReason(skipped[0], "play_item_gone")
		if n := l.written(); n != 0 {
			t.Errorf("Stash was changed %d times", n)
		}
	})
}

// One answer of "not found" about an item proves nothing; several over hours do.
func TestItemThatPlexDoesNotFindForAWhile(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		at := l.watch(1)
		l.plex.Inject(plextest.Fault{Prefix: "/library/metadata", Status: 404, Times: 4})
		for range 10 {
			pass(11 * time.Minute)
			l.run()
		}
		l.wantPlays(1, at)
		l.watch(1)
		l.plex.Inject(plextest.Fault{Prefix: "/library/metadata", Status: 404})
		for range 20 {
			pass(11 * time.Minute)
			l.run()
		}
		l.wantPlays(1, at)
		skipped := l.noted(book.Skipped)
		if len(skipped) != 1 {
			t.Fatalf("%d plays are skipped, want 1", len(skipped))
		}
		l.wantReason(skipped[0], "play_item_gone")
	})
}

func TestPlayWaitsUntilItsItemIsLinked(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.add()
		at := l.watch(2)
		l.pulls()
		l.edit("New", 2)
		l.pulls()
		l.pulls()
		l.wantPlays(2, at)
	})
}
