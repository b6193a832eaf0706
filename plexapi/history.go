package plexapi

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// PageOf is one page of a list. The next page starts at Offset + Received, which may be less than requested.
type PageOf[T any] struct {
	Rows       []T
	Received   int // rows in the answer, including those not in Rows
	Unreadable int // rows not in Rows: a value that they need is absent or of an unexpected kind
	TotalSize  int // -1 if Plex did not send it
	Offset     int
	Date       time.Time // the server's current time, from the Date header; zero if there is none
}

// Last reports whether no row follows the page.
func (p PageOf[T]) Last() bool {
	return p.Received == 0 || p.TotalSize >= 0 && p.Offset+p.Received >= p.TotalSize
}

// HistoryQuery names a page of the history of plays.
type HistoryQuery struct {
	Since int64 // plays at or after this time, in epoch seconds of the server; it is unproven whether Plex includes the second itself
	Start int
	Size  int // number of rows; Plex may send fewer
}

// Play is one row of the history: one real play. Marking an item as watched adds none.
type Play struct {
	HistoryKey string // unique, until a backup of Plex's database is restored
	RatingKey  string // "" if the item is gone
	SectionID  string // "" if absent
	ViewedAt   int64  // epoch seconds, the server's clock
	AccountID  int64
	Title      string
	Type       string // "movie", "episode", …
}

// History reads one page of the plays of all accounts, the oldest first. A token that is not the owner's gives only the
// plays of its own account.
func (c *Client) History(ctx context.Context, q HistoryQuery) (PageOf[Play], error) {
	v := url.Values{"sort": {"viewedAt:asc"}}
	if q.Since > 0 {
		v.Set("viewedAt>", strconv.FormatInt(q.Since, 10)) // "viewedAt>=…"
	}
	return pageOf(ctx, c, request{op: "read the history of plays", path: "/status/sessions/history/all", query: encode(v)}, q.Start, q.Size, readPlay)
}

// WatchedQuery names a page of the items of a library that have been watched since a time.
type WatchedQuery struct {
	SectionID string
	Type      ItemType
	Since     int64 // only items with a later LastViewedAt, in epoch seconds of the server
	Start     int
	Size      int // number of items; Plex may send fewer
}

// Watched is what Plex notes of an item for the account of the token.
type Watched struct {
	RatingKey    string
	ViewCount    int64
	ViewOffset   int64 // where to resume, in milliseconds; 0 if nowhere
	LastViewedAt int64 // epoch seconds, the server's clock; marking an item as watched moves it too
}

// Watched reads one page of the items that have been watched, the one with the oldest LastViewedAt first.
func (c *Client) Watched(ctx context.Context, q WatchedQuery) (PageOf[Watched], error) {
	if !ValidKey(q.SectionID) || q.Type == 0 {
		return PageOf[Watched]{}, &Error{Class: Rejected, Op: "list watched items", Err: errors.New("a listing needs a section and a type")}
	}
	v := url.Values{
		"type":               {strconv.Itoa(int(q.Type))},
		"sort":               {"lastViewedAt:asc"},
		"lastViewedAt>>":     {strconv.FormatInt(q.Since, 10)},
		"excludeElements":    {"Media,Genre,Country,Director,Writer,Role,Producer,Collection,Label,Guid,Rating,Image,UltraBlurColors"},
		"excludeFields":      {"summary,tagline"},
		"includeCollections": {"0"},
	}
	r := request{op: "list watched items of library " + q.SectionID, path: "/library/sections/" + q.SectionID + "/all", query: encode(v)}
	return pageOf(ctx, c, r, q.Start, q.Size, readWatched)
}

// pageOf reads one page.
func pageOf[T any](ctx context.Context, c *Client, r request, start, size int, read func(value) (T, error)) (PageOf[T], error) {
	r.method = http.MethodGet
	r.header = map[string]string{"X-Plex-Container-Start": strconv.Itoa(start), "X-Plex-Container-Size": strconv.Itoa(size)}
	var date time.Time
	r.date = &date
	var p PageOf[T]
	err := c.do(ctx, r, func(body io.Reader) (err error) {
		p, err = decodePageOf(bufio.NewReaderSize(body, readAtOnce), start, read)
		p.Date = date
		return err
	})
	return p, err
}

// decodePageOf reads the rows of a page. A row that cannot be read is counted, but if that concerns every row it is an
// error. An empty page before the end, and another page than the requested one, are errors too: taken for the end, they
// would hide rows.
func decodePageOf[T any](body io.Reader, start int, read func(value) (T, error)) (PageOf[T], error) {
	p := PageOf[T]{TotalSize: -1, Offset: start}
	var odd error
	err := frame{total: &p.TotalSize, offset: &p.Offset, received: &p.Received}.decode(body, func(v value) error {
		row, err := read(v)
		if err != nil {
			p.Unreadable++
			odd = err
			return nil
		}
		p.Rows = append(p.Rows, row)
		return nil
	})
	switch {
	case err != nil:
	case p.Received > 0 && p.Unreadable == p.Received:
		err = odd
	case p.Received == 0 && p.TotalSize > start:
		err = fmt.Errorf("%w: it has none of %d rows", errShape, p.TotalSize)
	case p.Received > 0 && p.Offset != start:
		err = fmt.Errorf("%w: it begins at row %d instead of %d", errShape, p.Offset, start)
	}
	return p, shape(err)
}

// readPlay reads a row of the history. The account must be known: else the play of another person might be taken for
// the owner's.
func readPlay(v value) (Play, error) {
	var p Play
	err := readFields(v, func(name string, v value) error {
		switch name {
		case "historyKey":
			return v.string(&p.HistoryKey)
		case "ratingKey":
			return v.string(&p.RatingKey)
		case "librarySectionID":
			return v.string(&p.SectionID)
		case "viewedAt":
			return v.int(&p.ViewedAt)
		case "accountID":
			return v.int(&p.AccountID)
		case "title":
			v.string(&p.Title) // only shown
		case "type":
			v.string(&p.Type) // only shown
		}
		return nil
	})
	if err == nil && (p.HistoryKey == "" || p.ViewedAt <= 0 || p.AccountID <= 0 || p.RatingKey != "" && !ValidKey(p.RatingKey)) {
		err = fmt.Errorf("%w: a play without a key, a time, an account or a valid item", errShape)
	}
	return p, err
}

func readWatched(v value) (Watched, error) {
	var w Watched
	err := readFields(v, func(name string, v value) error {
		switch name {
		case "ratingKey":
			return v.string(&w.RatingKey)
		case "viewCount":
			return v.int(&w.ViewCount)
		case "viewOffset":
			return v.int(&w.ViewOffset)
		case "lastViewedAt":
			return v.int(&w.LastViewedAt)
		}
		return nil
	})
	if err == nil && (!ValidKey(w.RatingKey) || w.LastViewedAt <= 0 || w.ViewCount < 0 || w.ViewOffset < 0) {
		err = fmt.Errorf("%w: a watched item without a key or a time", errShape)
	}
	return w, err
}

// readFields calls read with all fields of an object and returns the first error.
func readFields(v value, read func(name string, v value) error) error {
	var odd error
	err := v.fields(func(name []byte, v value) error {
		odd = cmp.Or(odd, read(string(name), v))
		return nil
	})
	return cmp.Or(err, odd)
}
