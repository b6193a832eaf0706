package engine

import (
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

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
