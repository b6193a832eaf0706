package plexindex

import (
	"fmt"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// A file with a wrong time creates an item with a time in the future, which comes first in every listing of new items.
func TestItemWithAFutureTimeDoesNotHideNewItems(t *testing.T) {
	const future = 4_070_908_800 // in 2099
	for _, c := range []struct {
		name           string
		scanned, clock time.Duration // Plex's times relative to ours
		dated          bool
	}{
		{"without any time from Plex", 0, 0, false},
		{"dated", 0, 0, true},
		{"dated, and Plex's clock is ahead", 0, 48 * time.Hour, true},
		{"dated, and Plex's clock is behind", 0, -48 * time.Hour, true},
		{"scanned", -time.Hour, 0, false},
		{"scanned, and Plex's clock is ahead", 48 * time.Hour, 48 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newReaderLab(t, 1000)
			if c.scanned != 0 {
				l.sec.ScannedAt = l.now.Add(c.scanned).Unix()
			}
			l.plex.rows[500].AddedAt, l.plex.rows[600].UpdatedAt = future, future
			tick := func() time.Time {
				l.now = l.now.Add(time.Minute)
				at := l.now.Add(c.clock)
				if c.dated {
					l.plex.date = at
				}
				l.sec.UpdatedAt++
				return at
			}
			tick()
			l.must(l.refresh())
			for i := range 5 {
				at := tick().Unix()
				row := rowOf(5000 + i)
				row.AddedAt, row.UpdatedAt = at, at
				changed := &l.plex.rows[i]
				changed.Parts, changed.UpdatedAt = []plexapi.Part{{File: fmt.Sprintf("/moved/%d.mp4", i), Size: 1}}, at
				l.plex.rows = append(l.plex.rows, row)
				if l.must(l.refresh()); l.plex.pages != 2 {
					t.Errorf("item %d: %d pages; want one for each order", i, l.plex.pages)
				}
				l.wantHeld()
			}
		})
	}
}

// An index of an earlier version may contain a newest time in the future.
func TestFutureNewestTimeCausesOneCompleteListing(t *testing.T) {
	l := newReaderLab(t, 900)
	l.must(l.refresh())
	at := l.reading()
	at.AddedAt, at.UpdatedAt = 4_070_908_800, 4_070_908_800
	l.must(l.Index.Apply(t.Context(), "S", Page{After: at}))
	for i, want := range []int{2 + 5, 2, 2} {
		l.now = l.now.Add(time.Minute)
		row := rowOf(5000 + i)
		row.AddedAt, row.UpdatedAt = l.now.Unix(), l.now.Unix()
		l.plex.rows = append(l.plex.rows, row)
		l.sec.UpdatedAt++
		if l.must(l.refresh()); l.plex.pages != want {
			t.Errorf("item %d: %d pages, want %d", i, l.plex.pages, want)
		}
		l.wantHeld()
	}
}
