package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// Stash's database is created again, and its scenes get other ids. Each item follows the scene of its file, loses the tags
// of the scene that had the id before, and can still be restored.
func TestScenesWithOtherIDsAreFollowedByTheirFiles(t *testing.T) {
	const n = 12
	inLab(t, n, func(l *lab) {
		titles := make(map[string]string) // of Plex before the first push, by key
		for id, key := range l.keys {
			titles[key] = l.plex.Item(key).Title
			tag := l.stash.Name("tag", id, fmt.Sprint("Tag of ", id))
			l.stash.Change(id, func(s *stashtest.Scene) { s.Tags = []int{tag} })
			l.edit("Former", id)
		}
		l.want(l.run(), Summary{Synced: n})
		var files [][]stashtest.File
		for id := 1; id <= n; id++ {
			l.stash.Change(id, func(s *stashtest.Scene) { files = append(files, s.Files) })
			l.stash.Drop(id)
		}
		slices.Reverse(files)
		items := make(map[int]string)
		for i, list := range files {
			id := i + 1
			l.stash.Add(stashtest.Scene{ID: id, Title: fmt.Sprint("Scene ", id), Files: list, Updated: time.Now()})
			items[id] = l.keys[n-i]
		}
		pass(time.Minute)
		_, err := l.EnqueueAll(l.Context())
		l.must(err)
		l.run()
		for id, key := range items {
			if it := l.plex.Item(key); it.Title != fmt.Sprint("Scene ", id) || len(it.Tags["genre"]) > 0 {
				l.Errorf("Plex shows scene %d as %q with tags %q", id, it.Title, it.Tags["genre"])
			}
		}
		if r := l.restore(0); r.Restored != n || r.Failed+r.Gone > 0 {
			l.Errorf("restore = %+v", r)
		}
		for key, title := range titles {
			if got := l.plex.Item(key).Title; got != title {
				l.Errorf("restored title %q, want %q", got, title)
			}
		}
	})
}

func TestOddDatesArePushedAsTheyAre(t *testing.T) {
	dates := []string{"0001-01-01", "0999-05-06", "1895-12-28", "1969-12-31", "9999-12-31"}
	inLab(t, len(dates), func(l *lab) {
		for i, date := range dates {
			l.stash.Change(i+1, func(s *stashtest.Scene) { s.Date = date })
			l.edit("New", i+1)
		}
		l.want(l.run(), Summary{Synced: len(dates)})
		for i, date := range dates {
			if got := l.plex.Item(l.keys[i+1]).Date; got != date {
				l.Errorf("Plex shows the date %q, want %q", got, date)
			}
		}
		for i := range dates {
			l.edit("New", i+1)
		}
		if sum := l.run(); sum.Unchanged != len(dates) {
			l.Errorf("the next run: %s, want nothing written", sum)
		}
	})
}
