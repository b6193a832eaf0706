package engine

import (
	"reflect"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

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
