package plexindex

import (
	"cmp"
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
	PageSize      = 200 // rows of a listing's page; halved after a timeout
	minPageSize   = 25
	RereadAfter   = 24 * time.Hour
	timeSlack     = 2 // seconds: the resolution of Plex's times is one
	maxPages      = 100_000
	maxStepsBack  = 20 // in one listing, because rows before the current one disappeared
	SortByID      = "id"
	sortByAdded   = "addedAt:desc"
	sortByUpdated = "updatedAt:desc"
)

// A List lists the items of a library.
type List func(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error)

// A Reader brings an index up to date.
type Reader struct {
	List  List
	Index *Index
	// OnNew is called with files that the index does not hold, before they are stored. It may be called twice for a
	// file. nil means that nothing is called.
	OnNew func(ctx context.Context, files []File) error
	// Awaited reports whether a new file may concern any scene. If none, OnNew is not called. nil means that it may.
	Awaited func(ctx context.Context) (bool, error)
	// Between is called between two pages. An error ends a complete listing, and the next Refresh continues it. If it
	// ends a listing of what is new, the next Refresh begins a complete one, which can be continued.
	Between func(ctx context.Context) error

	present int64 // the server's time when the current Refresh started, in Unix seconds; see bounded
	dated   bool  // present is from the server's Date header
}

// Refresh brings one section up to date and reports whether it sent a request to Plex. The first time it lists the
// complete section in pages, and continues an unfinished listing. Later it lists what is new if the section's fingerprint has
// changed. It lists the complete section again after RereadAfter, or if the number of items differs from Plex's.
func (r *Reader) Refresh(ctx context.Context, server string, sec plexapi.Section, now time.Time) (bool, error) {
	at, err := r.Index.State(ctx, server, sec.ID)
	if err != nil {
		return false, err
	}
	at.Title = sec.Title
	r.present, r.dated = max(now.Unix(), sec.ScannedAt), false
	fingerprint := fingerprintOf(sec)
	switch {
	case at.Position >= 0, at.CompleteAt.IsZero():
		return true, r.readAll(ctx, server, sec, at, fingerprint, now)
	case !within(now, at.CompleteAt, RereadAfter):
		at.Position = 0
		return true, r.readAll(ctx, server, sec, at, fingerprint, now)
	case at.Fingerprint == fingerprint:
		return false, nil
	}
	total, err := r.readNew(ctx, server, sec, &at, fingerprint, now)
	if err != nil || total < 0 || total == at.Items {
		return true, err
	}
	at.Position = 0 // items have disappeared, or appeared without being new
	return true, r.readAll(ctx, server, sec, at, fingerprint, now)
}

// within reports whether at is at most span before now. A time in the future is not.
func within(now, at time.Time, span time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < span
}

// readAll lists the complete section by id and commits each page with its position. It keeps the fingerprint from its
// beginning and, except for the first listing, the newest times from before it, because an item may change after its
// page was listed.
func (r *Reader) readAll(ctx context.Context, server string, sec plexapi.Section, at ListingState, fingerprint string, now time.Time) error {
	first := at.CompleteAt.IsZero()
	if at.Position <= 0 { // a new listing: files that it does not return are removed at its end
		at.Number++
		at.Position, at.Items, at.LastKey, at.Fingerprint = 0, 0, "", fingerprint
		if first {
			at.AddedAt, at.UpdatedAt = sec.ScannedAt, sec.ScannedAt
		}
	}
	size, steps := PageSize, 0
	stored := func() error { return nil } // the result of storing the previous page
	for i := range maxPages {
		if i > 0 {
			if err := r.between(ctx); err != nil {
				return cmp.Or(stored(), err)
			}
		}
		page, begin, err := r.next(ctx, sec, at, &size)
		if failed := stored(); failed != nil {
			err = failed
		}
		if err != nil {
			return err
		}
		if begin < at.Position-1 {
			if steps++; steps > maxStepsBack {
				return oddListing(sec, "Plex is changing this library while it is read")
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
		at.AddedAt, at.UpdatedAt = r.bounded(at.AddedAt), r.bounded(at.UpdatedAt)
		p := PageOf(sec, page)
		if done {
			p.Finish = true
			at.Position, at.LastKey, at.CompleteAt, at.CheckedAt = -1, "", now, now
		}
		p.After = at
		stored = storeAsync(func() error { return r.apply(ctx, server, p) })
		if done {
			return stored()
		}
	}
	stored() // its error does not matter
	return oddListing(sec, "the listing does not end")
}

func (r *Reader) between(ctx context.Context) error {
	if r.Between == nil {
		return nil
	}
	return r.Between(ctx)
}

// advance moves the state behind a page. After a step back some rows count twice, so the number differs from Plex's, and
// the next Refresh lists the complete section again. Files that are gone stay in the index until then.
func advance(at *ListingState, page plexapi.Page, begin int) {
	at.Items += page.Received
	if begin == at.Position-1 {
		at.Items-- // the row that overlaps
	}
	at.Position, at.LastKey = begin+page.Received, lastKey(page)
}

// next lists the page that follows, and returns its start. The page begins with the last row of the previous one. If that
// row has moved, rows before it have disappeared and others have moved up unseen, so next steps back until it finds the
// row or reaches the beginning.
func (r *Reader) next(ctx context.Context, sec plexapi.Section, at ListingState, size *int) (page plexapi.Page, begin int, err error) {
	for back := 1; at.Position > 0 && at.LastKey != ""; back = max(2*back, *size) {
		begin = max(at.Position-back, 0)
		page, err = r.page(ctx, sec, begin, 1, size, SortByID)
		if err != nil {
			return page, begin, err
		}
		i := findRow(page, at.LastKey)
		switch {
		case i >= 0 && begin+i == at.Position-1 && back > 1:
			return page, begin, oddListing(sec, fmt.Sprintf("Plex's listing is inconsistent: item %d is missing from the second read", at.Position))
		case i >= 0 && begin+i > at.Position-1: // rows have appeared before it, or every page is the same
			page, err = r.page(ctx, sec, 0, 0, size, SortByID)
			return page, 0, err
		case i >= 0 && page.Received == 1 && page.TotalSize != at.Position: // the last row, or Plex sends one at a time
			rest, err := r.page(ctx, sec, at.Position, 0, size, SortByID)
			if err != nil || rest.Received > 0 {
				return rest, at.Position, err
			}
			return page, begin, nil
		case i >= 0 || begin == 0:
			return page, begin, nil
		}
	}
	page, err = r.page(ctx, sec, at.Position, 0, size, SortByID)
	return page, at.Position, err
}

// isLast reports whether a page ends the listing. It returns an error for an end that contradicts Plex's number of items,
// and for an empty listing without a number if the library was not empty.
func (r *Reader) isLast(ctx context.Context, server string, sec plexapi.Section, page plexapi.Page, begin int, at ListingState) (bool, error) {
	end := begin + page.Received
	last := end <= at.Position && begin >= at.Position-1 // nothing new
	switch {
	case page.TotalSize >= 0 && end >= page.TotalSize:
		return true, nil
	case page.TotalSize >= 0 && last:
		return false, oddListing(sec, fmt.Sprintf("Plex reports %d items but lists %d", page.TotalSize, end))
	case end > 0:
		return last, nil
	}
	held, err := r.Index.CountFiles(ctx, server, sec.ID)
	if err == nil && held.N > 0 {
		err = oddListing(sec, "Plex lists no items and reports no total")
	}
	return true, err
}

// oddListing returns the error for a listing that cannot be right. The next one may be.
func oddListing(sec plexapi.Section, why string) error {
	return &plexapi.Error{Class: plexapi.Temporary, Op: "list library " + sec.ID, Err: errors.New(why)}
}

func findRow(page plexapi.Page, key string) int {
	return slices.IndexFunc(page.Rows, func(row plexapi.Row) bool { return row.RatingKey == key })
}

// lastKey returns the rating key of the last row, or "" if it has no usable one.
func lastKey(page plexapi.Page) string {
	if len(page.Rows) == 0 || len(page.Rows) < page.Received {
		return ""
	}
	return page.Rows[len(page.Rows)-1].RatingKey
}

// readNew lists what was added or changed, newest first, until it reaches known items. It returns the number of items
// that Plex reports, or -1. The newest times move only at its end, so that after an error the next one lists the same
// again.
func (r *Reader) readNew(ctx context.Context, server string, sec plexapi.Section, at *ListingState, fingerprint string, now time.Time) (int, error) {
	total := -1
	after := *at
	for i, sort := range [...]string{sortByAdded, sortByUpdated} {
		n, err := r.readSince(ctx, server, sec, at, &after, i, sort)
		if err != nil || n == rowsMoved {
			return n, err
		}
		total = n
	}
	at.AddedAt, at.UpdatedAt, at.Fingerprint, at.CheckedAt = r.bounded(after.AddedAt), r.bounded(after.UpdatedAt), fingerprint, now
	if total >= 0 && total != at.Items {
		at.Fingerprint = "" // a complete listing follows; if it does not start, the next Refresh must notice the difference again
	}
	return total, r.Index.Apply(ctx, server, Page{After: *at})
}

// rowsMoved stands for the number of items if rows disappeared while they were listed.
const rowsMoved = math.MaxInt

// readSince lists the rows that are not older than the newest time in the index, in one of the two orders.
func (r *Reader) readSince(ctx context.Context, server string, sec plexapi.Section, at, after *ListingState, by int, sort string) (int, error) {
	since := [2]int64{at.AddedAt, at.UpdatedAt}[by] - timeSlack
	size, start, last := PageSize, 0, ""
	for range maxPages {
		again := min(start, 1) // a page begins with the last row of the previous one
		page, err := r.page(ctx, sec, start-again, again, &size, sort)
		if err != nil {
			return 0, err
		}
		start += page.Received - again
		end := page.TotalSize < 0 && page.Received <= again || page.TotalSize >= 0 && start >= page.TotalSize
		i := findRow(page, last)
		if !end && page.Received <= again || last != "" && (i < 0 || !end && i == len(page.Rows)-1) {
			return rowsMoved, nil // the row is gone, or the last although more must follow
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
		if why := r.between(ctx); why != nil {
			p.After.Position = 0
			return 0, cmp.Or(r.Index.Apply(ctx, server, Page{After: p.After}), why)
		}
	}
	return rowsMoved, nil
}

// newer returns the rows that are not older than since, and whether the listing can end.
func newer(rows []plexapi.Row, by int, since int64, end bool) ([]plexapi.Row, bool) {
	for i, row := range rows {
		if at := [2]int64{row.AddedAt, row.UpdatedAt}[by]; at < since {
			return rows[:i], true
		}
	}
	return rows, end
}

// newest returns the newest times of the rows and of those given.
func newest(rows []plexapi.Row, added, updated int64) (newestAdded, newestUpdated int64) {
	for _, row := range rows {
		added, updated = max(added, row.AddedAt), max(updated, row.UpdatedAt)
	}
	return added, updated
}

// bounded limits a newest time to the server's current time. Plex takes the times of some items from their files, and a
// time in the future would hide every later item from readNew. The limit is the time of the first page, because items
// that change after that page have a later time.
func (r *Reader) bounded(newest int64) int64 { return min(newest, r.present) }

// countNew counts the items that the index does not hold. It ignores items without files, which the index never holds:
// the number of items reveals those.
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

// page lists one page with extra rows that are already known. After a timeout it halves the page down to minPageSize.
func (r *Reader) page(ctx context.Context, sec plexapi.Section, start, extra int, size *int, sort string) (plexapi.Page, error) {
	for {
		page, err := r.List(ctx, plexapi.ListQuery{SectionID: sec.ID, Type: sec.ItemType(), Start: start, Size: *size + extra, Sort: sort})
		if plexapi.TimedOut(err) && *size > minPageSize {
			*size /= 2
			continue
		}
		if err == nil && !r.dated && !page.Date.IsZero() {
			r.present, r.dated = page.Date.Unix(), true
		}
		return page, err
	}
}

// PageOf returns the change that a page of a listing makes.
func PageOf(sec plexapi.Section, page plexapi.Page) Page {
	var p Page
	for _, row := range page.Rows {
		if row.Deleted {
			p.Trashed = append(p.Trashed, row.RatingKey)
			continue
		}
		p.Seen = append(p.Seen, row.RatingKey)
		for _, part := range row.Parts {
			if !part.Deleted {
				p.Files = append(p.Files, File{
					Section: sec.ID, RatingKey: row.RatingKey, Path: part.File, Size: part.Size, Duration: part.DurationMS, AddedAt: row.AddedAt,
				})
			}
		}
	}
	return p
}

// apply reports the new files of a page and stores it.
func (r *Reader) apply(ctx context.Context, server string, p Page) error {
	if err := r.reportNew(ctx, server, p.Files); err != nil {
		return err
	}
	return r.Index.Apply(ctx, server, p)
}

// headStart is the delay before a page is stored, so that the request for the next page leaves first.
const headStart = time.Millisecond

// storeAsync stores a page while the next one is fetched: store starts after headStart, or when the caller waits for its
// result. Without it the first listing of a library took 16 % longer.
func storeAsync(store func() error) (wait func() error) {
	wait = sync.OnceValue(func() error { return recovered(store) })
	time.AfterFunc(headStart, func() { wait() }) // the caller's wait returns the result
	return wait
}

// recovered returns a panic of f as an error. In a goroutine of its own the panic would end the process.
func recovered(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug: %v", p)
		}
	}()
	return f()
}

// reportNew calls OnNew with the new files of a page if they may concern a scene.
func (r *Reader) reportNew(ctx context.Context, server string, files []File) error {
	if r.OnNew == nil {
		return nil
	}
	if r.Awaited != nil {
		if awaited, err := r.Awaited(ctx); err != nil || !awaited {
			return err
		}
	}
	found, err := r.Index.New(ctx, server, files)
	if err != nil || len(found) == 0 {
		return err
	}
	return r.OnNew(ctx, found)
}
