package plexapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ListQuery names a page of a section's listing.
type ListQuery struct {
	SectionID string
	Type      ItemType
	Start     int
	Size      int    // number of items; Plex may send fewer
	Sort      string // "id", "addedAt:desc", "updatedAt:desc"
	MediaSize int64  // only items with a version of this size in bytes; 0: all. Plex may ignore or refuse it
}

// readAtOnce is the buffer size for reading a listing, which has 200 KiB or more. The default is 4 KiB.
const readAtOnce = 64 << 10 // bytes

// Page is one page of a listing. The next page starts at Offset + Received, which may be less than requested.
type Page struct {
	Rows      []Row
	Received  int // items in the answer, including those not in Rows
	TotalSize int // -1 if Plex did not send it
	Offset    int
	Date      time.Time // the server's current time, from the Date header; zero if there is none

	unread int   // items that cannot be read: the form of their key or files is unexpected
	odd    error // what is unexpected in the last of them
}

// List reads one page of a section. It skips items without a valid rating key and files that it cannot read, but fails if
// that concerns every item.
func (c *Client) List(ctx context.Context, q ListQuery) (Page, error) {
	if !ValidKey(q.SectionID) || q.Type == 0 {
		return Page{}, &Error{Class: Rejected, Op: "list a library", Err: errors.New("a listing needs a section and a type")}
	}
	v := url.Values{
		"type":               {strconv.Itoa(int(q.Type))},
		"excludeElements":    {"Genre,Country,Director,Writer,Role,Producer,Collection,Label,Guid,Rating,Image,UltraBlurColors"},
		"excludeFields":      {"summary,tagline"},
		"includeCollections": {"0"},
	}
	if q.Sort != "" {
		v.Set("sort", q.Sort)
	}
	if q.MediaSize > 0 {
		v.Set("mediaSize", strconv.FormatInt(q.MediaSize, 10))
	}
	r := request{
		op: "list library " + q.SectionID, method: http.MethodGet, path: "/library/sections/" + q.SectionID + "/all", query: encode(v),
		header: map[string]string{"X-Plex-Container-Start": strconv.Itoa(q.Start), "X-Plex-Container-Size": strconv.Itoa(q.Size)},
	}
	var p Page
	var date time.Time
	r.date = &date
	err := c.do(ctx, r, func(body io.Reader) (err error) {
		p, err = decodePage(bufio.NewReaderSize(body, readAtOnce), q.Start)
		p.Date = date
		return err
	})
	if err == nil {
		err = pathsOfRows(p.Rows)
	}
	return p, err
}

// decodePage reads items one by one, so that a page takes only the memory of its rows.
func decodePage(body io.Reader, start int) (Page, error) {
	p := Page{TotalSize: -1, Offset: start}
	err := frame{total: &p.TotalSize, offset: &p.Offset, received: &p.Received}.decode(body, p.add)
	if err == nil && p.unread == p.Received { // not an empty library
		err = p.odd
	}
	return p, shape(err)
}

// frame is where the numbers of a page go.
type frame struct{ total, offset, received *int }

// decode calls add with each row of a page, and counts them. It returns an error if a page counts rows but has none.
func (f frame) decode(body io.Reader, add func(value) error) error {
	size := 0
	err := fields(body, func(name string, dec *json.Decoder) error {
		switch name {
		case "totalSize":
			err := decodeInt(dec, f.total)
			*f.total = max(*f.total, -1)
			return err
		case "offset":
			return decodeInt(dec, f.offset)
		case "size":
			return decodeInt(dec, &size)
		case "Metadata", "Video":
			return rows(dec, func(v value) error {
				*f.received++
				return add(v)
			})
		}
		var skip ignored
		return dec.Decode(&skip)
	})
	if err == nil {
		err = checkSize(size, *f.received)
	}
	return err
}

// decodeInt reads a number into to. Null, an empty string and a value of an unexpected kind do not change it.
func decodeInt(dec *json.Decoder, to *int) error {
	n := flexInt(*to)
	err := decodeOptional(dec, &n)
	*to = int(n)
	return err
}

// decodeOptional reads a value that the answer may lack. A value of an unexpected kind counts as absent.
func decodeOptional(dec *json.Decoder, to json.Unmarshaler) error {
	var raw json.RawMessage
	err := dec.Decode(&raw)
	if err == nil {
		to.UnmarshalJSON(raw) // with an error it is unchanged
	}
	return err
}

// rows calls add with each item of the list that follows.
func rows(dec *json.Decoder, add func(value) error) error {
	open, err := dec.Token()
	switch {
	case err != nil:
		return err
	case open == nil: // null
		return nil
	case open == json.Delim('{'):
		return lone(dec, add)
	case open != json.Delim('['):
		return fmt.Errorf("%w: the items are not a list", errShape)
	}
	var raw json.RawMessage
	for dec.More() {
		if err := dec.Decode(&raw); err != nil {
			return err
		}
		if err := add(value(raw)); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// lone reads the rest of a single item without a list.
func lone(dec *json.Decoder, add func(value) error) error {
	values := make(map[string]json.RawMessage)
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		values[fmt.Sprint(name)] = value
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	raw, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return add(value(raw))
}

func (p *Page) add(v value) error {
	row, err := readRow(v)
	if ValidKey(row.RatingKey) {
		p.Rows = append(p.Rows, row)
	}
	if err != nil {
		p.unread++
		p.odd = err
	}
	return nil
}

// fields calls f for each field of MediaContainer. f consumes the value.
func fields(r io.Reader, f func(name string, dec *json.Decoder) error) error {
	dec := json.NewDecoder(r)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(fmt.Errorf("%w: not an object", errShape), err)
	}
	found := false
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		if name != "MediaContainer" {
			var skip ignored
			if err := dec.Decode(&skip); err != nil {
				return err
			}
			continue
		}
		found = true
		if t, err := dec.Token(); err != nil || t != json.Delim('{') {
			return errors.Join(fmt.Errorf("%w: no MediaContainer", errShape), err)
		}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			if err := f(fmt.Sprint(name), dec); err != nil {
				return err
			}
		}
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the end of the answer, missing if it was cut
		return err
	}
	if !found {
		return fmt.Errorf("%w: no MediaContainer", errShape)
	}
	return nil
}
