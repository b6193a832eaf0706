// Package lookup finds Plex's files for a few scenes without a complete index, as a check right after the installation
// needs it.
package lookup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

const (
	firstRows    = 2000            // of a library that Plex does not filter by size
	TrialRows    = 50              // of every library, to test the filter
	lookupLimit  = 7 * time.Second // for all requests to Plex
	RequestLimit = 3 * time.Second // for one request
	matchReserve = 2 * time.Second // kept of the caller's time for matching
)

// Reach says which of Plex's files an index holds.
type Reach int

const (
	All      Reach = iota
	SameSize       // of some libraries only the files with the size of a scene's file
	Some           // of some libraries only the first files
)

// A Lookup fills an index with candidates for a few scenes. It asks Plex for files of the same size, or lists the
// first items of a library that Plex does not filter by size.
type Lookup struct {
	Plex   plexindex.List
	Index  *plexindex.Index
	Server string

	Reach Reach    // of the index that was filled
	Notes []string // what limits the result, a sentence each

	bySize []plexapi.Section // libraries that Plex filters by size
}

// Ask looks up the files of scenes and returns how many scenes it looked up in time.
func (l *Lookup) Ask(ctx context.Context, sections []plexapi.Section, scenes []*stashapi.Scene) (int, error) {
	limit := lookupLimit
	if end, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(end)-matchReserve)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	listed := 0
	for _, sec := range sections {
		err := l.section(ctx, sec)
		switch {
		case err == nil:
			listed++
		case isLate(err):
			l.limited(Some, fmt.Sprintf("%q was left out, because Plex did not list it in time", sec.Title))
		default:
			return 0, fmt.Errorf("library %q: %w", sec.Title, err)
		}
	}
	if listed == 0 {
		return 0, errors.New("cannot list Plex's files: no answer in time; Plex may be busy, try again later")
	}
	for i, scene := range scenes {
		err := l.scene(ctx, scene)
		if isLate(err) && i > 0 {
			l.Notes = append(l.Notes, fmt.Sprintf("%d more were not looked up, because Plex did not answer in time", len(scenes)-i))
			return i, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return len(scenes), nil
}

// limited records that the index does not hold every file.
func (l *Lookup) limited(r Reach, note string) {
	l.Reach = max(l.Reach, r)
	l.Notes = append(l.Notes, note)
}

// section reads the first items of a library and tests whether Plex filters it by size. If not, it reads more items.
func (l *Lookup) section(ctx context.Context, sec plexapi.Section) error {
	page, err := l.list(ctx, sec, plexapi.ListQuery{Size: TrialRows, Sort: plexindex.SortByID})
	if err != nil || page.TotalSize >= 0 && page.Received >= page.TotalSize {
		return err
	}
	filters, err := l.filters(ctx, sec, page.Rows)
	if err != nil {
		return err
	}
	if filters {
		l.bySize = append(l.bySize, sec)
		l.Reach = max(l.Reach, SameSize)
		return nil
	}
	return l.firstItems(ctx, sec, page)
}

// filters reports whether Plex filters a library by size, by asking for an item whose size is known. Plex does
// not document the field's unit, and may ignore the filter, refuse it, or take too long.
func (l *Lookup) filters(ctx context.Context, sec plexapi.Section, rows []plexapi.Row) (bool, error) {
	at := slices.IndexFunc(rows, func(r plexapi.Row) bool { return !r.Deleted && len(r.Parts) == 1 && r.Parts[0].Size > 0 })
	if at < 0 {
		return false, nil
	}
	known := rows[at]
	size := known.Parts[0].Size
	page, err := l.list(ctx, sec, plexapi.ListQuery{Size: TrialRows, MediaSize: size})
	if isLate(err) || retry.OriginOf(err) == retry.FromPlex && !gate.Judge(ctx, err).EndsBatch() {
		return false, nil
	}
	same := func(r plexapi.Row) bool { return r.RatingKey == known.RatingKey }
	other := func(r plexapi.Row) bool { return len(r.Parts) == 1 && r.Parts[0].Size != size }
	return slices.ContainsFunc(page.Rows, same) && !slices.ContainsFunc(page.Rows, other), err
}

// firstItems reads the first items of a library after a page of them.
func (l *Lookup) firstItems(ctx context.Context, sec plexapi.Section, page plexapi.Page) error {
	read, total := page.Received, page.TotalSize
	reason, end := "", false
	for read < firstRows && !end {
		page, err := l.list(ctx, sec, plexapi.ListQuery{Start: read, Size: min(plexindex.PageSize, firstRows-read), Sort: plexindex.SortByID})
		if isLate(err) {
			reason = "; it was too slow for more"
			break
		}
		if err != nil {
			return err
		}
		read += page.Received
		total = page.TotalSize
		end = page.Received == 0 || total >= 0 && read >= total
	}
	const why = "Plex does not look up files by size, so "
	switch {
	case end:
		l.Notes = append(l.Notes, fmt.Sprintf(why+"all %d items of %q were compared", read, sec.Title))
	case total >= 0:
		l.limited(Some, fmt.Sprintf(why+"the first %d of %d items of %q were compared%s", read, total, sec.Title, reason))
	default:
		l.limited(Some, fmt.Sprintf(why+"the first %d items of %q were compared%s", read, sec.Title, reason))
	}
	return nil
}

// scene looks up files that have the size of a file of the scene.
func (l *Lookup) scene(ctx context.Context, scene *stashapi.Scene) error {
	for _, f := range scene.Files {
		for _, sec := range l.bySize {
			if f.Size <= 0 {
				continue
			}
			if _, err := l.list(ctx, sec, plexapi.ListQuery{Size: plexindex.PageSize, MediaSize: f.Size}); err != nil {
				return fmt.Errorf("cannot look up a file in library %q: %w", sec.Title, err)
			}
		}
	}
	return nil
}

// list reads one page and puts its files into the index.
func (l *Lookup) list(ctx context.Context, sec plexapi.Section, q plexapi.ListQuery) (plexapi.Page, error) {
	asking, cancel := context.WithTimeout(ctx, RequestLimit)
	defer cancel()
	q.SectionID, q.Type = sec.ID, sec.ItemType()
	page, err := l.Plex(asking, q)
	if err != nil {
		return page, err
	}
	p := plexindex.PageOf(sec, page)
	p.After = plexindex.ListingState{Section: sec.ID, Title: sec.Title, Position: -1}
	return page, l.Index.Apply(context.WithoutCancel(ctx), l.Server, p)
}

// isLate reports whether a request to Plex got no answer in time.
func isLate(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || plexapi.TimedOut(err)
}
