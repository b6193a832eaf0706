package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	rowsAPage    = 200 // of a listing; halved after a timeout
	rowsAtLeast  = 25
	readAnewIn   = 24 * time.Hour
	newestSlack  = 2 // s: Plex's times have a resolution of one
	pagesAtMost  = 100_000
	byID         = "id"
	newestAdded  = "addedAt:desc"
	newestChange = "updatedAt:desc"
)

// A Reader keeps the index of Plex's files up to date.
type Reader struct {
	Plex interface {
		List(ctx context.Context, q plexapi.ListQuery) (plexapi.Page, error)
	}
	Index *store.Index
	// OnNew is told of files that the index does not hold yet, before they are stored: told twice it must
	// do no harm.
	OnNew func(ctx context.Context, files []store.FoundFile) error
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
	case !within(now, at.CompleteAt, readAnewIn):
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

// readAll reads the whole section by id, committing each page with its position.
func (r *Reader) readAll(ctx context.Context, server string, sec plexapi.Section, at store.Reading, marks string, now time.Time) error {
	if at.Position <= 0 { // the reading begins: what it does not see is gone at its end
		at.Number++
		at.Position, at.Items = 0, 0
	}
	size := rowsAPage
	for range pagesAtMost {
		page, err := r.page(ctx, sec, at.Position, &size, byID)
		if err != nil {
			return err
		}
		at.Position = page.Offset + page.Received
		at.Items += page.Received
		done := page.Received == 0 || page.TotalSize >= 0 && at.Position >= page.TotalSize
		p := r.convert(sec, page, &at)
		if done {
			p.Finish = true
			at.Position, at.Marks, at.CompleteAt, at.CheckedAt = -1, marks, now, now
			if page.TotalSize >= 0 {
				at.Items = page.TotalSize
			}
		}
		p.After = at
		if err := r.apply(ctx, server, p); err != nil || done {
			return err
		}
	}
	return fmt.Errorf("library %q has no end", sec.Title)
}

// readNew reads what was added or changed since, newest first, up to what is known. It returns how many
// items Plex says the section has, -1 if it does not say.
func (r *Reader) readNew(ctx context.Context, server string, sec plexapi.Section, at *store.Reading, marks string, now time.Time) (int, error) {
	total, size := -1, rowsAPage
	since := [2]int64{at.AddedAt - newestSlack, at.UpdatedAt - newestSlack}
	for i, sort := range [...]string{newestAdded, newestChange} {
		start := 0
		for range pagesAtMost {
			page, err := r.page(ctx, sec, start, &size, sort)
			if err != nil {
				return total, err
			}
			total = page.TotalSize
			start = page.Offset + page.Received
			end := page.Received == 0 || total >= 0 && start >= total
			page.Rows, end = newer(page.Rows, i, since[i], end)
			fresh, err := r.countNew(ctx, server, page.Rows)
			if err != nil {
				return total, err
			}
			at.Items += fresh
			p := r.convert(sec, page, at)
			if end && i == 1 {
				at.Marks, at.CheckedAt = marks, now
			}
			p.After = *at
			if err := r.apply(ctx, server, p); err != nil {
				return total, err
			}
			if end {
				break
			}
		}
	}
	return total, nil
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

func (r *Reader) countNew(ctx context.Context, server string, rows []plexapi.Row) (int, error) {
	var keys []string
	for _, row := range rows {
		if !row.Deleted {
			keys = append(keys, row.RatingKey)
		}
	}
	held, err := r.Index.Holds(ctx, server, keys)
	return len(keys) - len(held), err
}

// page reads one page; after a timeout it asks for half as much, down to a few.
func (r *Reader) page(ctx context.Context, sec plexapi.Section, start int, size *int, sort string) (plexapi.Page, error) {
	for {
		page, err := r.Plex.List(ctx, plexapi.ListQuery{SectionID: sec.ID, Type: plexapi.Movie, Start: start, Size: *size, Sort: sort})
		if e, ok := errors.AsType[*plexapi.Error](err); ok && e.Timeout && *size > rowsAtLeast {
			*size /= 2
			continue
		}
		return page, err
	}
}

// convert makes of a page what it changes in the index, and moves the newest values held.
func (r *Reader) convert(sec plexapi.Section, page plexapi.Page, at *store.Reading) store.ReadPage {
	var p store.ReadPage
	for _, row := range page.Rows {
		at.AddedAt, at.UpdatedAt = max(at.AddedAt, row.AddedAt), max(at.UpdatedAt, row.UpdatedAt)
		if row.Deleted {
			p.Trashed = append(p.Trashed, row.RatingKey)
			continue
		}
		p.Seen = append(p.Seen, row.RatingKey)
		for _, part := range row.Parts {
			if !part.Deleted {
				p.Files = append(p.Files, store.PlexFile{
					Section: sec.ID, RatingKey: row.RatingKey, Path: part.File, Size: part.Size, Duration: part.DurationMS, AddedAt: row.AddedAt,
				})
			}
		}
	}
	return p
}

func (r *Reader) apply(ctx context.Context, server string, p store.ReadPage) error {
	found, err := r.Index.New(ctx, server, p.Files)
	if err != nil {
		return err
	}
	if len(found) > 0 && r.OnNew != nil {
		if err := r.OnNew(ctx, found); err != nil {
			return err
		}
	}
	return r.Index.Apply(ctx, server, p)
}
