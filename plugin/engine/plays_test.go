package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
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
