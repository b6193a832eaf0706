package engine

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

var owner = []string{"on"}

func TestPlaysAreOffByDefault(t *testing.T) {
	inPlays(t, 1, nil, func(l *lab) {
		l.watch(1)
		l.pulls()
		l.wantPlays(1)
		if n := l.plex.Count("", "/status") + l.plex.Count("", "/accounts"); n > 0 {
			t.Errorf("Plex was asked %d times what is watched", n)
		}
	})
}

func TestPlayArrivesOnceWithItsOwnTime(t *testing.T) {
	inPlays(t, 2, owner, func(l *lab) {
		at := l.watch(1)
		l.pulls()
		l.wantPlays(1, at)
		l.wantPlays(2)
		for range 3 {
			l.pulls()
		}
		pass(25 * time.Hour) // the last 30 days are read again
		l.pulls()
		l.wantPlays(1, at)
	})
}

func TestUnchangedMeansNoWrites(t *testing.T) {
	inPlays(t, 3, owner, func(l *lab) {
		l.watch(1)
		l.plex.StopAt(l.keys[2], plextest.Owner, time.Minute)
		l.pulls()
		pass(20 * time.Minute)
		l.run() // compares the libraries
		before := l.written()
		l.plex.Forget()
		for range 10 {
			l.pulls()
		}
		if n := l.written() - before; n != 0 {
			t.Errorf("ten idle runs changed Stash %d times", n)
		}
		for _, r := range l.plex.Requests() {
			if r.Method != "GET" {
				t.Errorf("an idle run sent %s %s", r.Method, r.Path)
			}
		}
		if n, m := l.plex.Count("", "/status/sessions/history"), l.plex.Count("", "/status/sessions")-l.plex.Count("", "/status/sessions/history"); n != 10 || m != 0 {
			t.Errorf("ten idle runs read the history %d times, and what plays %d times", n, m)
		}
	})
}

func TestPullWaitsTwoMinutesAndConnectsOnlyThen(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.pulls()
		l.plex.Forget()
		pass(time.Minute)
		l.run()
		if n := len(l.plex.Requests()); n != 0 {
			t.Errorf("a run within two minutes sent %d requests to Plex", n)
		}
	})
}

func TestFirstTimeNotesThePresentAndImportsNothing(t *testing.T) {
	inPlays(t, 2, nil, func(l *lab) {
		l.watch(1)
		l.plex.StopAt(l.keys[2], plextest.Owner, time.Minute)
		pass(time.Hour)
		l.Config.Plays = owner
		l.run()
		for range 3 {
			l.pulls()
		}
		l.wantPlays(1)
		l.wantResume(2, 0)
		if n := l.written(); n != 0 {
			t.Errorf("Stash was changed %d times", n)
		}
	})
}

func TestPlaysWhileOffAreNotImported(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		first := l.watch(1)
		l.pulls()
		l.Config.Plays = nil
		l.pulls()
		l.watch(1)
		pass(time.Hour)
		l.Config.Plays = owner
		l.pulls()
		pass(25 * time.Hour)
		second := l.watch(1)
		l.pulls()
		l.wantPlays(1, first, second)
	})
}

// Fix match gives an item another guid, and sometimes another key.
func TestItemRematched(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		first := l.watch(1)
		l.pulls()
		l.plex.Remove(l.keys[1]) // its rows in the history lose their key
		l.keys[1] = l.plex.AddItem(l.section, path(1), size(1))
		pass(11 * time.Minute)
		l.run()
		l.edit("Again", 1)
		l.run()
		second := l.watch(1)
		l.pulls()
		l.pulls()
		l.wantPlays(1, first, second)
	})
}

// A key that shows another file than the one that is linked is never taken for the scene's item.
func TestKeyOfAnItemThatShowsAnotherFile(t *testing.T) {
	inPlays(t, 2, owner, func(l *lab) {
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files = []plextest.File{{Path: "/data/other.mp4", Size: 5}} })
		l.watch(1)
		l.pulls()
		l.wantPlays(1)
		waits := l.noted(book.New)
		if len(waits) != 1 {
			t.Fatalf("%d plays wait, want 1", len(waits))
		}
		l.wantReason(waits[0], "item_changed")
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files = []plextest.File{{Path: path(1), Size: size(1)}} })
		pass(15 * time.Minute)
		l.run()
		l.wantPlays(1, waits[0].ViewedAt)
	})
}

func TestHistoryEmptyWhileFlagsAreSet(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.plex.Edit(l.keys[1], func(it *plextest.Item) {
			it.Views = map[int]plextest.View{plextest.Owner: {Count: 7, Last: time.Now().Unix()}}
		})
		l.pulls()
		l.wantPlays(1)
		at := l.watch(1)
		l.pulls()
		l.plex.PurgeHistory()
		l.pulls()
		pass(25 * time.Hour)
		l.pulls()
		l.wantPlays(1, at)
	})
}

func TestUnknownAccountImportsNothingForAnybody(t *testing.T) {
	inPlays(t, 1, []string{"owner", "nobody"}, func(l *lab) {
		l.watch(1)
		l.pulls()
		l.pulls()
		l.wantPlays(1)
		if n := strings.Count(l.log.String(), `Plex has no account`); n != 1 {
			t.Errorf("it was said %d times that the account is unknown", n)
		}
	})
}

func TestAccountNameThatTwoHaveImportsNothing(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.AddAccount("Anna", "")
		l.plex.AddAccount("anna", "")
		l.edit("Clip", 1)
		l.Config.Plays = []string{"Anna"}
		l.run()
		l.watch(1, 1000)
		l.pulls()
		l.wantPlays(1)
		if !strings.Contains(l.log.String(), "several Plex accounts are named") {
			t.Error("it was not said that the name is ambiguous")
		}
	})
}

// Plays of accounts that are not chosen are noted, and explained.
func TestPlaysOfAManagedUser(t *testing.T) {
	for whose, want := range map[string]bool{"on": false, "Kid": true, "1000": true} {
		inLab(t, 1, func(l *lab) {
			l.plex.AddAccount("Kid", "")
			l.edit("Clip", 1)
			l.Config.Plays = []string{whose}
			l.run()
			pass(3 * time.Minute)
			at := l.watch(1, 1000)
			l.watch(1, 4711) // an account that the server does not list
			l.plex.StopAt(l.keys[1], 1000, time.Minute)
			l.pulls()
			l.wantResume(1, 0)
			if want {
				l.wantPlays(1, at)
			} else {
				l.wantPlays(1)
			}
			if n := len(l.noted(book.Past)); want && n != 1 || !want && n != 2 {
				t.Errorf("%s: %d plays of others are noted", whose, n)
			}
		})
	}
}

func TestNewItemForAPlayedScene(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		at := l.watch(1)
		l.pulls()
		l.plex.AddItem(l.section, path(1), size(1)) // a second item for the same file, never played
		pass(11 * time.Minute)
		l.run()
		l.edit("Again", 1)
		l.pulls()
		l.wantPlays(1, at)
	})
}

func TestResumeReadInMidPlayThenFinished(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.plex.StartSession(l.keys[1], plextest.Owner)
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		l.pulls()
		l.wantResume(1, 0) // it plays
		l.plex.EndSession(l.keys[1])
		l.plex.StopAt(l.keys[1], plextest.Owner, 2*time.Minute)
		l.pulls()
		l.wantResume(1, 2*time.Minute)
		at := l.watch(1) // to the end
		l.pulls()
		l.wantResume(1, 0)
		l.wantPlays(1, at)
	})
}

// The item that plays keeps only itself from being read.
func TestResumeOfAnotherItemMeanwhile(t *testing.T) {
	inPlays(t, 2, owner, func(l *lab) {
		l.plex.StartSession(l.keys[1], plextest.Owner)
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		l.plex.StopAt(l.keys[2], plextest.Owner, time.Minute)
		l.pulls()
		l.wantResume(1, 0)
		l.wantResume(2, time.Minute)
		pass(2 * time.Hour)
		l.plex.EndSession(l.keys[1])
		l.pulls()
		l.wantResume(1, time.Minute)
	})
}

func TestResumeGoesBackOnlyIfItIsOurs(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		l.pulls()
		l.stash.Change(1, func(s *stashtest.Scene) { s.Resume = 90 })
		l.watch(1)
		l.pulls()
		l.wantResume(1, 90*time.Second)
	})
}

func TestResumeOfPlexLosesToALaterPlayInStash(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		pass(time.Second)
		l.stash.Play(1, time.Now())
		l.stash.Change(1, func(s *stashtest.Scene) { s.Resume = 90 })
		l.pulls()
		l.wantResume(1, 90*time.Second)
	})
}

func TestFailedReadsOfAPullChangeNothing(t *testing.T) {
	for name, fault := range map[string]plextest.Fault{
		"503":       {Status: 503},
		"404":       {Status: 404},
		"500":       {Status: 500},
		"short":     {Truncate: true},
		"empty":     {Status: 200, Empty: true},
		"reset":     {Reset: true},
		"none of 1": {Status: 200, Body: `{"MediaContainer":{"size":0,"totalSize":1}}`},
		"a page":    {Status: 200, Body: `<html>login</html>`},
	} {
		t.Run(name, func(t *testing.T) {
			inPlays(t, 1, owner, func(l *lab) {
				at := l.watch(1)
				l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
				fault.Prefix = "/status/sessions/history"
				l.plex.Inject(fault)
				l.pulls()
				l.wantPlays(1)
				l.plex.Heal()
				for range 4 {
					l.pulls()
				}
				l.wantPlays(1, at)
				l.wantResume(1, time.Minute)
			})
		})
	}
}

// A pull that fails does not keep edits from being pushed.
func TestPushesGoOnWhileTheHistoryFails(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.plex.Inject(plextest.Fault{Prefix: "/status/sessions/history", Status: 404})
		l.edit("Another", 1)
		l.pulls()
		l.wantTitle(1, "Another")
	})
}

func TestOfflinePlaysComeLate(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		pass(10 * 24 * time.Hour)
		first := l.watch(1)
		l.pulls()
		pass(time.Hour)
		late := time.Now().Add(-5 * 24 * time.Hour).UTC().Truncate(time.Second)
		l.plex.Play(l.keys[1], plextest.Owner, late)
		l.pulls()
		l.wantPlays(1, first) // only the last hour was read
		pass(24 * time.Hour)
		l.pulls()
		l.wantPlays(1, first, late)
	})
}

func TestDeviceWithAWrongClockHidesNoPlays(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		future := time.Now().Add(1000 * time.Hour).UTC().Truncate(time.Second)
		l.plex.Play(l.keys[1], plextest.Owner, future)
		l.pulls()
		at := l.watch(1)
		l.pulls()
		l.wantPlays(1, at, future)
	})
}

func TestDatabaseOfPlexRestored(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		first := l.watch(1)
		l.pulls()
		l.plex.RestoreDatabase(0) // its keys are used again
		second := l.watch(1)
		l.pulls()
		l.wantPlays(1, first, second)
	})
}

func TestServerReplaced(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		first := l.watch(1)
		l.pulls()
		l.watch(1)
		l.plex.SetMachine("abcdefabcdefabcdefabcdefabcdefabcdefabcd")
		l.pulls()
		l.wantPlays(1, first) // the other server is not accepted yet
		l.must(l.AcceptServer(l.Context()))
		l.edit("Again", 1)
		l.pulls() // notes the present
		pass(time.Second)
		second := l.watch(1)
		l.pulls()
		l.wantPlays(1, first, second)
	})
}

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

func TestActivityTrackingOffWritesNothingAndIsSaidOnce(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		l.stash.SetUI(map[string]any{"trackActivity": false})
		l.watch(1)
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		for range 3 {
			l.pulls()
		}
		l.wantPlays(1)
		l.wantResume(1, 0)
		if n := strings.Count(l.log.String(), "track activity is off"); n != 1 {
			t.Errorf("it was said %d times", n)
		}
	})
}

func TestStashAwayEndsThePullUncharged(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		at := l.watch(1)
		l.stash.Inject(stashtest.Fault{Operation: "AddPlays", Reset: true, Times: 1})
		l.pulls()
		for _, p := range l.noted(book.Writing) {
			if p.Attempts != 0 {
				t.Errorf("the play was charged: %+v", p)
			}
		}
		l.pulls()
		l.pulls()
		l.wantPlays(1, at)
	})
}

func TestRefusedPlayIsTriedFiveTimes(t *testing.T) {
	inPlays(t, 2, owner, func(l *lab) {
		l.watch(1)
		at := l.watch(2)
		l.stash.Inject(stashtest.Fault{Operation: "AddPlays", Message: "no", Times: 1})
		l.pulls()
		l.pulls()
		l.wantPlays(2, at)
		l.watch(1)
		l.stash.Break(1)
		for range 8 {
			l.pulls()
		}
		if dead := l.noted(book.Dead); len(dead) != 1 || dead[0].Attempts != 5 || dead[0].Error == "" {
			t.Errorf("dead: %+v", dead)
		}
	})
}

func TestImportAndUndo(t *testing.T) {
	inPlays(t, 3, nil, func(l *lab) {
		foreign := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
		l.stash.Play(1, foreign)
		a := l.watch(1)
		pass(time.Minute)
		b := l.watch(1)
		c := l.watch(2)
		pass(time.Hour)
		l.Config.Plays = owner
		before := l.activity()
		if done := l.imports(true); done.Written != 0 || !done.At.Read {
			t.Errorf("a dry run: %+v", done)
		}
		if !reflect.DeepEqual(l.activity(), before) {
			t.Error("a dry run changed Stash")
		}
		counts, err := l.book().Counts(l.Context())
		l.must(err)
		if len(counts) != 1 || counts[0].N != 3 || !counts[0].First.Equal(a) || !counts[0].Last.Equal(c) || !counts[0].Matched {
			t.Errorf("counts: %+v", counts)
		}
		if done := l.imports(false); done.Written != 3 {
			t.Errorf("imported: %+v", done)
		}
		l.wantPlays(1, foreign, a, b)
		l.wantPlays(2, c)
		between := time.Now().UTC().Truncate(time.Second)
		l.stash.Play(3, between)
		l.stash.Play(1, a) // at the same second
		if u := l.undoes(time.Time{}); u.Plays != 3 || u.Gone != 0 {
			t.Errorf("undone: %+v", u)
		}
		l.wantPlays(1, foreign, a)
		l.wantPlays(2)
		l.wantPlays(3, between)
		l.pulls()
		l.wantPlays(2) // what was undone does not come back by itself
		l.imports(false)
		l.wantPlays(2, c) // but by another import
	})
}

func TestUndoSinceATime(t *testing.T) {
	inPlays(t, 1, owner, func(l *lab) {
		first := l.watch(1)
		l.pulls()
		l.plex.StopAt(l.keys[1], plextest.Owner, time.Minute)
		l.pulls()
		pass(time.Second)
		since := time.Now()
		l.watch(1)
		l.plex.StopAt(l.keys[1], plextest.Owner, 2*time.Minute)
		l.pulls()
		if u := l.undoes(since); u.Plays != 1 || u.Resumes != 1 {
			t.Errorf("undone: %+v", u)
		}
		l.wantPlays(1, first)
		l.wantResume(1, time.Minute)
		l.undoes(time.Time{})
		l.wantPlays(1)
		l.wantResume(1, 0)
	})
}

// An import that was cut off is ended by an undo: the rest does not come with the next pull.
func TestUndoEndsAnImport(t *testing.T) {
	inPlays(t, 1, nil, func(l *lab) {
		l.watch(1)
		pass(time.Hour)
		l.Config.Plays = owner
		l.imports(true)
		_, err := l.book().Import(l.Context(), []int{1}, 10)
		l.must(err)
		l.undoes(time.Time{})
		l.pulls()
		l.wantPlays(1)
	})
}
