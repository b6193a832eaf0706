package engine

import (
	"fmt"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// requests counts what has reached the two servers since Forget: queries of Stash, pictures asked of it, and
// requests to Plex.
func (l *lab) requests() (queries, pictures, plex int) {
	for _, q := range l.stash.Queries() {
		if q.Operation == "screenshot" {
			pictures++
		} else {
			queries++
		}
	}
	return queries, pictures, len(l.plex.Requests())
}

// A library of 3,000 scenes costs a run six requests to each server, and what its changes cost.
func TestLargeLibraryStaysWithinItsBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("pushes thousands of scenes")
	}
	t.Parallel()
	const n = 3000
	inLab(t, 0, func(l *lab) {
		l.stash.SetZone(time.FixedZone("", -5*3600))
		for id := 1; id <= n; id++ {
			l.stash.Add(stashtest.Scene{ID: id, Updated: time.Now().Add(-time.Hour), Files: []stashtest.File{{Path: path(id), Size: size(id)}}})
			l.keys[id] = l.plex.AddItem(l.section, path(id), size(id))
		}
		change := func(f func(*stashtest.Scene)) {
			for id := 1; id <= n; id++ {
				l.stash.Change(id, f)
			}
			pass(time.Minute)
		}
		for _, c := range []struct {
			name      string
			happens   func()
			caughtUp  int
			plex, pic float64 // requests a scene
		}{
			{"the first run ever", func() {}, 0, 0, 0},
			{"nothing", func() { pass(catchup.Every) }, 0, 0, 0},
			{"a bulk edit and covers without hooks", func() {
				change(func(s *stashtest.Scene) { s.Title, s.Cover = "Bulk", jpeg(fmt.Sprint(s.ID)) })
			}, n, 1.1 + 4, 1}, // the first picture of an item: look, upload, lock, look whether it is shown
			{"a run after it, which lists what the push changed", func() { pass(catchup.Every) }, 0, 2.0 / plexindex.PageSize, 0},
			{"another run after it", func() { pass(catchup.Every) }, 0, 0, 0},
			{"updates that change nothing", func() { change(func(*stashtest.Scene) {}) }, n, 0.05, 1},
			{"a day later", func() { pass(catchup.CompleteEvery) }, 0, 0.05, 0},
		} {
			pass(catchup.Every)
			c.happens()
			l.stash.Forget()
			l.plex.Forget()
			if sum := l.run(); sum.CaughtUp != c.caughtUp || sum.Retrying+sum.Dead+sum.Waiting > 0 {
				l.Errorf("%s: %+v", c.name, sum)
			}
			queries, pictures, plex := l.requests()
			if most := 6 + n/20; queries > most || c.caughtUp == 0 && queries > 6 {
				l.Errorf("%s: %d queries of Stash", c.name, queries)
			}
			if most := 6 + c.plex*n; float64(plex) > most || float64(pictures) > c.pic*n {
				l.Errorf("%s: %d requests to Plex and %d for pictures, want at most %.0f and %.0f", c.name, plex, pictures, most, c.pic*n)
			}
		}
	})
}
