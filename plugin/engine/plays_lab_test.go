package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// inPlays runs f in a lab with n pushed scenes, after the first pull for the accounts, which notes the present.
func inPlays(t *testing.T, n int, whose []string, f func(l *lab)) {
	t.Helper()
	inLab(t, n, func(l *lab) {
		for id := range l.keys {
			l.edit("Clip", id)
		}
		l.Config.Plays = whose
		l.run()
		pass(3 * time.Minute)
		f(l)
	})
}

// watch lets the owner, or another account, play the item of a scene to its end now.
func (l *lab) watch(scene int, account ...int) time.Time {
	at := time.Now().UTC().Truncate(time.Second)
	who := plextest.Owner
	if len(account) > 0 {
		who = account[0]
	}
	l.plex.Play(l.keys[scene], who, at)
	return at
}

// pulls waits until a pull is due, and runs.
func (l *lab) pulls() {
	l.Helper()
	pass(3 * time.Minute)
	l.run()
}

// wantPlays compares the plays that Stash has of a scene, in any order.
func (l *lab) wantPlays(scene int, want ...time.Time) {
	l.Helper()
	got, _ := l.stash.Scene(scene)
	have := slices.SortedFunc(slices.Values(got.Plays), time.Time.Compare)
	if !slices.EqualFunc(have, slices.SortedFunc(slices.Values(want), time.Time.Compare), time.Time.Equal) {
		l.Errorf("scene %d has the plays %v, want %v", scene, have, want)
	}
}

func (l *lab) wantResume(scene int, want time.Duration) {
	l.Helper()
	if got, _ := l.stash.Scene(scene); got.Resume != want.Seconds() {
		l.Errorf("scene %d resumes at %g s, want %g", scene, got.Resume, want.Seconds())
	}
}

// written counts the changes that Stash was asked to make.
func (l *lab) written() (n int) {
	for _, q := range l.stash.Queries() {
		if slices.Contains([]string{"AddPlays", "DeletePlays", "SaveResume"}, q.Operation) {
			n++
		}
	}
	return n
}

func (l *lab) book() book.Book { return book.Book{Queue: l.Store, Server: l.plex.Machine()} }

// noted returns the plays in a state.
func (l *lab) noted(state book.State) []book.Play {
	l.Helper()
	list, err := l.book().List(context.Background(), state, book.Position{}, 1000)
	l.must(err)
	return list
}

func (l *lab) wantReason(p book.Play, code string) {
	l.Helper()
	if !strings.Contains(p.Reason, `"`+code+`"`) {
		l.Errorf("the reason of the play is %q, want %s", p.Reason, code)
	}
}

// imports imports the complete history.
func (l *lab) imports(dry bool) plays.Imported {
	l.Helper()
	var done plays.Imported
	stop, _, err := l.Plays(l.Context(), true, func(ctx context.Context, p *plays.Puller) (err error) {
		done, err = p.Import(ctx, dry, plays.Position{})
		return err
	})
	l.must(err)
	if stop.Text != "" {
		l.Errorf("the import stopped: %s", stop.Text)
	}
	return done
}

// undoes takes away what was written since a time.
func (l *lab) undoes(since time.Time) plays.Undone {
	l.Helper()
	var u plays.Undone
	stop, _, err := l.Plays(l.Context(), false, func(ctx context.Context, p *plays.Puller) (err error) {
		u, err = p.Undo(ctx, since)
		return err
	})
	l.must(err)
	if stop.Text != "" {
		l.Errorf("the undo stopped: %s", stop.Text)
	}
	return u
}

// activity is what Stash notes of all scenes, for comparing.
func (l *lab) activity() map[int]stashtest.Scene {
	all := make(map[int]stashtest.Scene)
	for id := range l.keys {
		s, _ := l.stash.Scene(id)
		all[id] = stashtest.Scene{Plays: slices.SortedFunc(slices.Values(s.Plays), time.Time.Compare), Resume: s.Resume, PlayDuration: s.PlayDuration}
	}
	return all
}
