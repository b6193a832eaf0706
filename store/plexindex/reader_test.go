package plexindex

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// changing is a lister with a table that changes after a page, or with inconsistent answers.
type changing struct {
	*lister
	after  map[int]func(*lister) // by the number of pages
	answer func(plexapi.ListQuery, plexapi.Page) plexapi.Page
}

func (c changing) List(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error) {
	page, err := c.lister.List(ctx, q)
	if f := c.after[c.pages]; f != nil && err == nil {
		f(c.lister)
	}
	if c.answer != nil && err == nil {
		page = c.answer(q, page)
	}
	return page, err
}

type readerLab struct {
	*testing.T
	Reader
	plex *lister
	sec  plexapi.Section
	now  time.Time
}

func newReaderLab(t *testing.T, rows int) *readerLab {
	t.Helper()
	l := &readerLab{
		T: t, plex: &lister{}, sec: plexapi.Section{ID: "1", UpdatedAt: 1}, now: time.UnixMilli(1_700_000_000_000),
	}
	for i := range rows {
		l.plex.rows = append(l.plex.rows, rowOf(i))
	}
	l.Reader = Reader{List: l.plex.List, Index: indexEmpty(t)}
	return l
}

func (l *readerLab) refresh() error {
	l.plex.pages = 0
	_, err := l.Refresh(l.Context(), "S", l.sec, l.now)
	return err
}

func (l *readerLab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// wantHeld checks that the index holds exactly the files of the table.
func (l *readerLab) wantHeld() {
	l.Helper()
	for _, row := range l.plex.rows {
		for _, part := range row.Parts {
			if files, err := l.Index.ByPath(l.Context(), "S", part.File, false); err != nil || len(files) != 1 {
				l.Errorf("%s is held as %v, %v", part.File, files, err)
				return
			}
		}
	}
	if n, err := l.Index.CountFiles(l.Context(), "S", "1"); err != nil || n.N != len(l.plex.rows) {
		l.Errorf("%d files, %v; Plex has %d", n.N, err, len(l.plex.rows))
	}
}

func (l *readerLab) reading() ListingState {
	l.Helper()
	at, err := l.Index.State(l.Context(), "S", "1")
	l.must(err)
	return at
}

func TestListingFindsRowsThatMoveUp(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*lister)
	}{
		{"a few rows go", func(p *lister) { p.rows = slices.Delete(p.rows, 10, 13) }},
		{"more than a page goes", func(p *lister) { p.rows = slices.Delete(p.rows, 10, 350) }},
		{"as many come as go", func(p *lister) {
			p.rows = slices.Delete(p.rows, 10, 13)
			p.rows = append(p.rows, rowOf(5001), rowOf(5002), rowOf(5003))
		}},
		{"the last row read goes", func(p *lister) { p.rows = slices.Delete(p.rows, 390, 400) }},
		{"the rest goes", func(p *lister) { p.rows = p.rows[:400] }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newReaderLab(t, 1000)
			l.must(l.refresh())
			l.now = l.now.Add(RereadAfter)
			l.List = changing{lister: l.plex, after: map[int]func(*lister){2: c.change}}.List
			l.must(l.refresh())
			l.List = l.plex.List
			// The number of items reveals rows that disappeared after they were listed, once the fingerprint changes.
			l.sec.UpdatedAt++
			l.must(l.refresh())
			l.wantHeld()
		})
	}
}

func TestListingContinuesAfterRowsDisappearBetweenRuns(t *testing.T) {
	l := newReaderLab(t, 1000)
	l.List = cutAfter{l.plex, 3}.List
	if err := l.refresh(); err == nil {
		t.Fatal("the interruption was not noticed")
	}
	l.plex.rows = slices.Delete(l.plex.rows, 100, 150)
	l.List = l.plex.List
	l.sec.UpdatedAt++ // the fingerprint changes
	l.must(l.refresh())
	if l.plex.pages > 4 {
		t.Errorf("%d pages; want the remaining two and a step back", l.plex.pages)
	}
	l.must(l.refresh()) // the listing began before the fingerprint changed
	l.wantHeld()
}

func TestChangesDuringAListingAreListedAfterIt(t *testing.T) {
	for _, c := range []struct {
		name  string
		again bool // not the first listing
		scan  int64
	}{
		{name: "the first, with the time of the last scan", scan: 900},
		{name: "a later one", again: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newReaderLab(t, 1000)
			l.sec.ScannedAt = c.scan
			if c.again {
				l.must(l.refresh())
				l.now = l.now.Add(RereadAfter)
			}
			l.List = changing{lister: l.plex, after: map[int]func(*lister){2: func(p *lister) {
				p.rows[5].Parts, p.rows[5].UpdatedAt = []plexapi.Part{{File: "/v/moved.mp4", Size: 5}}, 2000
				p.rows[700].UpdatedAt = 3000 // listed later, and newer
			}}}.List
			l.must(l.refresh())
			l.sec.UpdatedAt++
			l.must(l.refresh())
			if l.plex.pages > 3 {
				t.Errorf("%d pages; want only new rows", l.plex.pages)
			}
			l.wantHeld()
		})
	}
}

func TestInterruptedIncrementIsListedAgain(t *testing.T) {
	l := newReaderLab(t, 10)
	l.must(l.refresh())
	for i := range 300 { // more than a page is new, and a known row has changed
		l.plex.rows = append(l.plex.rows, rowOf(5000+i))
	}
	l.plex.rows[3].Parts, l.plex.rows[3].UpdatedAt = []plexapi.Part{{File: "/v/moved.mp4", Size: 5}}, 4000
	l.sec.UpdatedAt++
	for pages := range 4 {
		l.List = cutAfter{l.plex, pages}.List
		if err := l.refresh(); err == nil {
			t.Fatalf("the interruption after %d pages was not noticed", pages)
		}
	}
	l.List = l.plex.List
	l.must(l.refresh())
	if l.plex.pages != 4 {
		t.Errorf("%d pages; want two by each order", l.plex.pages)
	}
	l.wantHeld()
	l.sec.UpdatedAt++
	if l.must(l.refresh()); l.plex.pages != 2 {
		t.Errorf("%d pages; want one by each order", l.plex.pages)
	}
}

func TestRowsThatDisappearDuringAnIncrementCauseACompleteListing(t *testing.T) {
	l := newReaderLab(t, 10)
	l.must(l.refresh())
	for i := range 300 {
		l.plex.rows = append(l.plex.rows, rowOf(5000+i))
	}
	l.sec.UpdatedAt++
	l.List = changing{lister: l.plex, after: map[int]func(*lister){1: func(p *lister) { p.rows = p.rows[:len(p.rows)-5] }}}.List
	l.must(l.refresh())
	l.wantHeld()
}

func TestItemWithoutFilesIsCountedOnce(t *testing.T) {
	l := newReaderLab(t, 500)
	l.plex.rows[499].Parts = nil
	l.must(l.refresh())
	for range 3 {
		l.sec.UpdatedAt++
		if l.must(l.refresh()); l.plex.pages != 2 {
			t.Fatalf("%d pages; want one by each order", l.plex.pages)
		}
	}
}

func TestTruncatedListingRemovesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(plexapi.ListQuery, plexapi.Page) plexapi.Page
	}{
		{"empty although more is promised", func(q plexapi.ListQuery, p plexapi.Page) plexapi.Page {
			if q.Start > 300 {
				p.Rows, p.Received = nil, 0
			}
			return p
		}},
		{"empty from the start, without a number", func(q plexapi.ListQuery, _ plexapi.Page) plexapi.Page {
			return plexapi.Page{TotalSize: -1, Offset: q.Start}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newReaderLab(t, 1000)
			l.must(l.refresh())
			l.List = changing{lister: l.plex, answer: c.answer}.List
			l.now = l.now.Add(RereadAfter)
			if err := l.refresh(); err == nil || l.plex.pages > 5 {
				t.Errorf("the listing was accepted, or repeated: %d pages, %v", l.plex.pages, err)
			}
			l.wantHeld()
			l.List = l.plex.List
			l.must(l.refresh())
			l.wantHeld()
		})
	}
}

func TestEmptyFirstPageOfAFullLibraryRemovesNothing(t *testing.T) {
	l := newReaderLab(t, 300)
	l.List = changing{lister: l.plex, answer: func(_ plexapi.ListQuery, p plexapi.Page) plexapi.Page {
		p.Rows, p.Received = nil, 0
		return p
	}}.List
	if err := l.refresh(); err == nil || !l.reading().CompleteAt.IsZero() {
		t.Errorf("err = %v, reading = %+v", err, l.reading())
	}
	l.plex.rows = nil
	l.must(l.refresh())
	if l.reading().CompleteAt.IsZero() {
		t.Error("an empty library is never complete")
	}
}

func TestListingThatAlwaysTimesOutFails(t *testing.T) {
	l := newReaderLab(t, 300)
	l.plex.slow = 1
	if err := l.refresh(); err == nil || l.plex.pages != 4 {
		t.Errorf("%d pages, err = %v; want pages of 200, 100, 50 and 25", l.plex.pages, err)
	}
}

func TestChangesThatMoveUpDuringAnIncrementAreNotMissed(t *testing.T) {
	l := newReaderLab(t, 500)
	l.must(l.refresh())
	for i := range 300 {
		row := &l.plex.rows[i]
		row.Parts, row.UpdatedAt = []plexapi.Part{{File: fmt.Sprintf("/moved/%d.mp4", i), Size: 1}}, int64(6000+i)
	}
	l.sec.UpdatedAt++
	l.List = changing{lister: l.plex, after: map[int]func(*lister){2: func(p *lister) { // as many rows appear as disappear
		p.rows = slices.Delete(p.rows, 295, 300)
		for i := range 5 {
			row := rowOf(7000 + i)
			row.AddedAt, row.UpdatedAt = 1, 1 // the time of an old file
			p.rows = append(p.rows, row)
		}
	}}}.List
	l.must(l.refresh())
	l.wantHeld()
}

func TestIncrementIncludesItemsOfTheSameSecond(t *testing.T) {
	l := newReaderLab(t, 300)
	l.must(l.refresh())
	row := rowOf(5000)
	row.AddedAt, row.UpdatedAt = 298, 298 // the newest time in the index is 299
	l.plex.rows = append(l.plex.rows, row)
	l.sec.UpdatedAt++
	if l.must(l.refresh()); l.plex.pages != 2 {
		t.Errorf("%d pages; want one by each order", l.plex.pages)
	}
	l.wantHeld()
}

func TestFilesInTheTrashAreSkipped(t *testing.T) {
	l := newReaderLab(t, 3)
	l.must(l.refresh())
	l.plex.rows[0].Parts = []plexapi.Part{{File: "/v/0.mp4", Deleted: true}, {File: "/v/new.mp4", Size: 7}}
	l.plex.rows[1].Deleted = true
	l.plex.rows[0].UpdatedAt, l.plex.rows[1].UpdatedAt = 100, 100
	l.sec.UpdatedAt++
	l.must(l.refresh())
	l.plex.rows = []plexapi.Row{{Parts: []plexapi.Part{{File: "/v/new.mp4"}}}, l.plex.rows[2]}
	l.wantHeld()
}

func TestInconsistentIncrementCausesACompleteListing(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(plexapi.ListQuery, plexapi.Page) plexapi.Page
	}{
		{"nothing although more is promised", func(_ plexapi.ListQuery, p plexapi.Page) plexapi.Page {
			p.Rows, p.Received = nil, 0
			return p
		}},
		{"the same page forever, without a number", func(plexapi.ListQuery, plexapi.Page) plexapi.Page {
			p := plexapi.Page{TotalSize: -1, Received: 100}
			for i := range p.Received {
				p.Rows = append(p.Rows, rowOf(5000+i))
			}
			return p
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newReaderLab(t, 300)
			l.must(l.refresh())
			l.sec.UpdatedAt++
			l.List = changing{lister: l.plex, answer: c.answer}.List
			if err := l.refresh(); err == nil || l.plex.pages > 100 {
				t.Errorf("%d pages, err = %v", l.plex.pages, err)
			}
			l.List = l.plex.List
			l.must(l.refresh())
			l.sec.UpdatedAt++
			l.must(l.refresh())
			l.wantHeld()
		})
	}
}

func TestEndlessListingFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*lister) func(plexapi.ListQuery, plexapi.Page) plexapi.Page
	}{
		{"the first page forever", func(p *lister) func(plexapi.ListQuery, plexapi.Page) plexapi.Page {
			return func(plexapi.ListQuery, plexapi.Page) plexapi.Page {
				return plexapi.Page{Rows: p.rows[:200], Received: 200, TotalSize: -1}
			}
		}},
		{"the first page forever, with the offset asked for", func(p *lister) func(plexapi.ListQuery, plexapi.Page) plexapi.Page {
			return func(q plexapi.ListQuery, _ plexapi.Page) plexapi.Page {
				return plexapi.Page{Rows: p.rows[:200], Received: 200, TotalSize: 1000, Offset: q.Start}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newReaderLab(t, 1000)
			l.List = changing{lister: l.plex, answer: c.answer(l.plex)}.List
			if err := l.refresh(); err == nil || retry.Judge(err).Class != retry.ClassTemporary {
				t.Errorf("err = %v; want a temporary one", err)
			}
			if l.plex.pages > 100 {
				t.Errorf("failed after %d pages", l.plex.pages)
			}
			if !l.reading().CompleteAt.IsZero() {
				t.Error("it counts as complete")
			}
		})
	}
}
