package plexindex

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// lister lists a table that can change between pages.
type lister struct {
	rows  []plexapi.Row
	pages int
	slow  int // pages larger than this time out
	date  time.Time
}

func (l *lister) List(_ context.Context, q plexapi.ListQuery) (plexapi.Page, error) {
	l.pages++
	if l.slow > 0 && q.Size > l.slow {
		return plexapi.Page{}, &plexapi.Error{Class: plexapi.Temporary, Timeout: true, Err: context.DeadlineExceeded}
	}
	rows := slices.Clone(l.rows)
	slices.SortStableFunc(rows, func(a, b plexapi.Row) int {
		switch q.Sort {
		case sortByAdded:
			return int(b.AddedAt - a.AddedAt)
		case sortByUpdated:
			return int(b.UpdatedAt - a.UpdatedAt)
		}
		return 0
	})
	from := min(q.Start, len(rows))
	page := rows[from:min(from+q.Size, len(rows))]
	return plexapi.Page{Rows: page, Received: len(page), TotalSize: len(rows), Offset: from, Date: l.date}, nil
}

func rowOf(i int) plexapi.Row {
	return plexapi.Row{
		RatingKey: fmt.Sprint(1000 + i), AddedAt: int64(i), UpdatedAt: int64(i),
		Parts: []plexapi.Part{{File: fmt.Sprintf("/v/%d.mp4", i), Size: int64(i)}},
	}
}

func TestReaderListsAllThenOnlyNewItems(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	plex := &lister{}
	for i := range 1000 {
		plex.rows = append(plex.rows, rowOf(i))
	}
	var found []File
	r := Reader{List: plex.List, Index: indexEmpty(t), OnNew: func(_ context.Context, f []File) error {
		found = append(found, f...)
		return nil
	}}
	sec := plexapi.Section{ID: "1", UpdatedAt: 1}
	files := func() int {
		n, err := r.Index.CountFiles(t.Context(), "S", "1")
		if err != nil {
			t.Fatal(err)
		}
		return n.N
	}
	refresh := func(at time.Duration, pages, want int) {
		t.Helper()
		plex.pages, found = 0, nil
		if _, err := r.Refresh(t.Context(), "S", sec, now.Add(at)); err != nil {
			t.Fatal(err)
		}
		if plex.pages != pages || files() != want {
			t.Errorf("%d pages, %d files; want %d and %d", plex.pages, files(), pages, want)
		}
	}
	refresh(0, 5, 1000)
	refresh(time.Minute, 0, 1000) // the fingerprint has not changed
	plex.rows = append(plex.rows, rowOf(5000))
	sec.UpdatedAt++
	refresh(2*time.Minute, 2, 1001)
	if len(found) != 1 || found[0].Path != "/v/5000.mp4" {
		t.Errorf("OnNew was called with %v", found)
	}
	plex.rows = slices.Delete(plex.rows, 0, 10) // the number of items shows that they are gone
	sec.UpdatedAt++
	refresh(3*time.Minute, 2+5, 991)
	plex.rows[5].Deleted, plex.rows[5].UpdatedAt = true, 9000 // into the trash
	sec.UpdatedAt++
	refresh(4*time.Minute, 2, 990)
	refresh(25*time.Hour, 5, 990) // a complete listing once a day
	plex.slow = 60
	refresh(50*time.Hour, 2+20, 990) // pages of 200 and 100 time out
}

func TestInterruptedListingContinues(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	plex := &lister{}
	for i := range 1000 {
		plex.rows = append(plex.rows, rowOf(i))
	}
	r := Reader{List: cutAfter{plex, 3}.List, Index: indexEmpty(t)}
	sec := plexapi.Section{ID: "1", UpdatedAt: 1}
	if _, err := r.Refresh(t.Context(), "S", sec, now); err == nil {
		t.Fatal("the interruption was not noticed")
	}
	if at, err := r.Index.State(t.Context(), "S", "1"); err != nil || at.Position != 600 || !at.CompleteAt.IsZero() {
		t.Fatalf("reading = %+v, %v", at, err)
	}
	r.List, plex.pages = plex.List, 0
	if _, err := r.Refresh(t.Context(), "S", sec, now); err != nil {
		t.Fatal(err)
	}
	if at, err := r.Index.State(t.Context(), "S", "1"); err != nil || plex.pages != 2 || at.CompleteAt.IsZero() {
		t.Errorf("%d pages, reading %+v, %v; want the remaining two", plex.pages, at, err)
	}
}

// cutAfter fails after so many pages.
type cutAfter struct {
	*lister
	pages int
}

func (c cutAfter) List(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error) {
	if c.lister.pages >= c.pages {
		return plexapi.Page{}, &plexapi.Error{Class: plexapi.Down, Err: context.Canceled}
	}
	return c.lister.List(ctx, q)
}
