package plexindex

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

const (
	RowsAPage    = 200 // of a listing; halved after a timeout
	rowsAtLeast  = 25
	ReadAnewIn   = 24 * time.Hour
	newestSlack  = 2 // s: Plex's times have a resolution of one
	pagesAtMost  = 100_000
	stepsAtMost  = 20 // back in one run: rows went before those that were read
	ByID         = "id"
	newestAdded  = "addedAt:desc"
	newestChange = "updatedAt:desc"
)

// A List lists the items of a library.
type List func(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error)

// A Reader keeps the index of Plex's files up to date.
type Reader struct {
	List  List
	Index *Index
	// OnNew is told of files that the index does not hold yet, before they are stored: told twice it must
	// do no harm.
	OnNew func(ctx context.Context, files []PlexFile) error
	// Waited reports whether anybody waits for a file at all. If not, OnNew is told of none; nil: they do.
	Waited func(ctx context.Context) (bool, error)
	// Between is asked between two pages of a whole reading. With an error the reading ends, and the next one
	// goes on from there.
	Between func(ctx context.Context) error
}

// Refresh brings one section up to date and reports whether it asked Plex for anything: at first all of it
// in pages, going on where an earlier run ended; then what is new since, if the section's marks have moved;
// all of it again once a day, and when the number of items is not what it should be.
func (r *Reader) Refresh(ctx context.Context, server string, sec plexapi.Section, now time.Time) (bool, error) {
	at, err := r.Index.Reading(ctx, server, sec.ID)
	if err != nil {
		return false, err
	}
	at.Title = sec.Title
	marks := fmt.Sprintf("%d %d %d", sec.UpdatedAt, sec.ScannedAt, sec.ContentChangedAt)
	switch {
	case at.Position >= 0, at.CompleteAt.IsZero():
		return true, r.readAll(ctx, server, sec, at, marks, now)
	case !within(now, at.CompleteAt, ReadAnewIn):
		at.Position = 0
		return true, r.readAll(ctx, server, sec, at, marks, now)
	case at.Marks == marks:
		return false, nil
	}
	total, err := r.readNew(ctx, server, sec, &at, marks, now)
	if err != nil || total < 0 || total == at.Items {
		return true, err
	}
	at.Position = 0 // items have gone, or came without being new
	return true, r.readAll(ctx, server, sec, at, marks, now)
}

// within reports whether at lies no longer than span before now; a time in the future does not.
func within(now, at time.Time, span time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < span
}

// readAll reads the whole section by id, committing each page with its position. Its marks are those of its
// beginning and, but for the first reading, its newest values those from before: what changes while it lasts
// may be on a page that was read already.
func (r *Reader) readAll(ctx context.Context, server string, sec plexapi.Section, at Reading, marks string, now time.Time) error {
	first := at.CompleteAt.IsZero()
	if at.Position <= 0 { // the reading begins: what it does not see is gone at its end
		at.Number++
		at.Position, at.Items, at.LastKey, at.Marks = 0, 0, "", marks
		if first {
			at.AddedAt, at.UpdatedAt = sec.ScannedAt, sec.ScannedAt
		}
	}
	size, steps := RowsAPage, 0
	stored := func() error { return nil } // how storing the page before ended
	for i := range pagesAtMost {
		page, begin, err := r.next(ctx, sec, at, &size)
		if failed := stored(); failed != nil {
			err = failed
		}
		if err != nil {
			return err
		}
		if r.Between != nil && i > 0 {
			if err := r.Between(ctx); err != nil {
				return err
			}
		}
		if begin < at.Position-1 {
			if steps++; steps > stepsAtMost {
				return oddListing(sec, "its items keep moving while they are read")
			}
		}
		done, err := r.isLast(ctx, server, sec, page, begin, at)
		if err != nil {
			return err
		}
		advance(&at, page, begin)
		if first && sec.ScannedAt == 0 {
			at.AddedAt, at.UpdatedAt = newest(page.Rows, at.AddedAt, at.UpdatedAt)
		}
		p := PageOf(sec, page)
		if done {
			p.Finish = true
			at.Position, at.LastKey, at.CompleteAt, at.CheckedAt = -1, "", now, now
		}
		p.After = at
		stored = aside(func() error { return r.apply(ctx, server, p) })
		if done {
			return stored()
		}
	}
	stored() // it is odd whether that went well or not
	return oddListing(sec, "it has no end")
}

// advance moves a reading behind a page. After a step back some rows are counted twice: the number differs from
// Plex's, so the next look reads all again, and what has gone is held until then.
func advance(at *Reading, page plexapi.Page, begin int) {
	at.Items += page.Received
	if begin == at.Position-1 {
		at.Items-- // the row seen before
	}
	at.Position, at.LastKey = begin+page.Received, lastKey(page)
}

// next reads the page that follows what a reading has seen, and returns where it begins: with the last row
// seen. If that row is elsewhere, rows before it have gone and others have moved up unseen: next steps back
// until it finds it, to the beginning if need be.
func (r *Reader) next(ctx context.Context, sec plexapi.Section, at Reading, size *int) (page plexapi.Page, begin int, err error) {
	for back := 1; at.Position > 0 && at.LastKey != ""; back = max(2*back, *size) {
		begin = max(at.Position-back, 0)
		page, err = r.page(ctx, sec, begin, 1, size, ByID)
		if err != nil {
			return page, begin, err
		}
		i := findRow(page, at.LastKey)
		switch {
		case i >= 0 && begin+i == at.Position-1 && back > 1:
			return page, begin, oddListing(sec, fmt.Sprintf("Plex shows item %d once and not the next time", at.Position))
		case i >= 0 && begin+i > at.Position-1: // rows have come before it, or every page is the same
			page, err = r.page(ctx, sec, 0, 0, size, ByID)
			return page, 0, err
		case i >= 0 && page.Received == 1 && page.TotalSize != at.Position: // the last row, or Plex sends one at a time
			rest, err := r.page(ctx, sec, at.Position, 0, size, ByID)
			if err != nil || rest.Received > 0 {
				return rest, at.Position, err
			}
			return page, begin, nil
		case i >= 0 || begin == 0:
			return page, begin, nil
		}
	}
	page, err = r.page(ctx, sec, at.Position, 0, size, ByID)
	return page, at.Position, err
}

// isLast reports whether a page ends the listing. It refuses an end that Plex's own number contradicts, and
// an empty listing without one of a library that was not empty.
func (r *Reader) isLast(ctx context.Context, server string, sec plexapi.Section, page plexapi.Page, begin int, at Reading) (bool, error) {
	end := begin + page.Received
	last := end <= at.Position && begin >= at.Position-1 // nothing new
	switch {
	case page.TotalSize >= 0 && end >= page.TotalSize:
		return true, nil
	case page.TotalSize >= 0 && last:
		return false, oddListing(sec, fmt.Sprintf("Plex counts %d items and shows %d", page.TotalSize, end))
	case end > 0:
		return last, nil
	}
	held, err := r.Index.CountFiles(ctx, server, sec.ID)
	if err == nil && held.N > 0 {
		err = oddListing(sec, "Plex shows no items and does not say how many there are")
	}
	return true, err
}

// oddListing is a listing that cannot be what the library holds. It may be right the next time.
func oddListing(sec plexapi.Section, why string) error {
	return &plexapi.Error{Class: plexapi.Temporary, Op: "list library " + sec.ID, Err: errors.New(why)}
}

func findRow(page plexapi.Page, key string) int {
	return slices.IndexFunc(page.Rows, func(row plexapi.Row) bool { return row.RatingKey == key })
}

// lastKey is the rating key of the last row; "" if it had none that can be used.
func lastKey(page plexapi.Page) string {
	if len(page.Rows) == 0 || len(page.Rows) < page.Received {
		return ""
	}
	return page.Rows[len(page.Rows)-1].RatingKey
}

// readNew reads what was added or changed since, newest first, up to what is known. It returns how many
// items Plex says the section has, -1 if it does not say. The newest values held move only at its end: if
// it is cut off, the next one reads the same again.
func (r *Reader) readNew(ctx context.Context, server string, sec plexapi.Section, at *Reading, marks string, now time.Time) (int, error) {
	total := -1
	after := *at
	for i, sort := range [...]string{newestAdded, newestChange} {
		n, err := r.readSince(ctx, server, sec, at, &after, i, sort)
		if err != nil || n == rowsMoved {
			return n, err
		}
		total = n
	}
	at.AddedAt, at.UpdatedAt, at.Marks, at.CheckedAt = after.AddedAt, after.UpdatedAt, marks, now
	if total >= 0 && total != at.Items {
		at.Marks = "" // all is read anew, and if that does not begin the next look has to find out again
	}
	return total, r.Index.Apply(ctx, server, ReadPage{After: *at})
}

// rowsMoved is the number of items where it cannot be trusted, because rows went while they were read.
const rowsMoved = math.MaxInt

// readSince reads the rows that are not older than the newest value held, by one of the two orders.
func (r *Reader) readSince(ctx context.Context, server string, sec plexapi.Section, at, after *Reading, by int, sort string) (int, error) {
	since := [2]int64{at.AddedAt, at.UpdatedAt}[by] - newestSlack
	size, start, last := RowsAPage, 0, ""
	for range pagesAtMost {
		again := min(start, 1) // a page begins with the last row of the one before
		page, err := r.page(ctx, sec, start-again, again, &size, sort)
		if err != nil {
			return 0, err
		}
		start += page.Received - again
		end := page.TotalSize < 0 && page.Received <= again || page.TotalSize >= 0 && start >= page.TotalSize
		i := findRow(page, last)
		if !end && page.Received <= again || last != "" && (i < 0 || !end && i == len(page.Rows)-1) {
			return rowsMoved, nil // or nothing follows that row, although it is not the end
		}
		last = lastKey(page)
		page.Rows, end = newer(page.Rows, by, since, end)
		fresh, err := r.countNew(ctx, server, page.Rows)
		if err != nil {
			return 0, err
		}
		at.Items += fresh
		after.AddedAt, after.UpdatedAt = newest(page.Rows, after.AddedAt, after.UpdatedAt)
		p := PageOf(sec, page)
		p.After = *at
		if err := r.apply(ctx, server, p); err != nil || end {
			return page.TotalSize, err
		}
	}
	return rowsMoved, nil
}

// newer returns the rows that are not older than since, and whether the listing need not be read further.
func newer(rows []plexapi.Row, by int, since int64, end bool) ([]plexapi.Row, bool) {
	for i, row := range rows {
		if at := [2]int64{row.AddedAt, row.UpdatedAt}[by]; at < since {
			return rows[:i], true
		}
	}
	return rows, end
}

// newest returns the newest values of the rows, or those given.
func newest(rows []plexapi.Row, added, updated int64) (newestAdded, newestUpdated int64) {
	for _, row := range rows {
		added, updated = max(added, row.AddedAt), max(updated, row.UpdatedAt)
	}
	return added, updated
}

// countNew counts the items that the index does not hold. One without files is never held, so it is left to
// the number of items to show it.
func (r *Reader) countNew(ctx context.Context, server string, rows []plexapi.Row) (int, error) {
	var keys []string
	for _, row := range rows {
		if !row.Deleted && len(row.Parts) > 0 {
			keys = append(keys, row.RatingKey)
		}
	}
	held, err := r.Index.Holds(ctx, server, keys)
	return len(keys) - len(held), err
}

// page reads one page, with extra rows that are known already; after a timeout it asks for half as much,
// down to a few.
func (r *Reader) page(ctx context.Context, sec plexapi.Section, start, extra int, size *int, sort string) (plexapi.Page, error) {
	for {
		page, err := r.List(ctx, plexapi.ListQuery{SectionID: sec.ID, Type: sec.ItemType(), Start: start, Size: *size + extra, Sort: sort})
		if plexapi.TimedOut(err) && *size > rowsAtLeast {
			*size /= 2
			continue
		}
		return page, err
	}
}

// PageOf makes of a page what it changes in the index.
func PageOf(sec plexapi.Section, page plexapi.Page) ReadPage {
	var p ReadPage
	for _, row := range page.Rows {
		if row.Deleted {
			p.Trashed = append(p.Trashed, row.RatingKey)
			continue
		}
		p.Seen = append(p.Seen, row.RatingKey)
		for _, part := range row.Parts {
			if !part.Deleted {
				p.Files = append(p.Files, PlexFile{
					Section: sec.ID, RatingKey: row.RatingKey, Path: part.File, Size: part.Size, Duration: part.DurationMS, AddedAt: row.AddedAt,
				})
			}
		}
	}
	return p
}

func (r *Reader) apply(ctx context.Context, server string, p ReadPage) error {
	if err := r.tell(ctx, server, p.Files); err != nil {
		return err
	}
	return r.Index.Apply(ctx, server, p)
}

// headStart is what Plex, which may share our few processors, and the request to it need to be at work.
const headStart = time.Millisecond

// aside does something while Plex makes the next page, from when that has been asked for. Who asks how it ended
// waits for it, and lets it begin at once.
func aside(f func() error) (ended func() error) {
	ended = sync.OnceValue(func() error { return caught(f) })
	time.AfterFunc(headStart, func() { ended() }) // whoever asks is told
	return ended
}

// caught makes an error of a panic, which would end the process in a goroutine of its own.
func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug: %v", p)
		}
	}()
	return f()
}

// tell tells of the files of a page that are new, if anybody wants to know.
func (r *Reader) tell(ctx context.Context, server string, files []PlexFile) error {
	if r.OnNew == nil {
		return nil
	}
	if r.Waited != nil {
		if waited, err := r.Waited(ctx); err != nil || !waited {
			return err
		}
	}
	found, err := r.Index.New(ctx, server, files)
	if err != nil || len(found) == 0 {
		return err
	}
	return r.OnNew(ctx, found)
}
