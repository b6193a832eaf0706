package plexapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf8"
)

const fuzzToken = "tok-0123456789-secret"

// canned gives every request the same answer, or fails.
type canned struct {
	status int
	header http.Header
	body   []byte
	fail   string // if not empty
}

func (c *canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.fail != "" {
		return nil, errors.New(c.fail)
	}
	return &http.Response{StatusCode: c.status, Header: c.header, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

// checkError checks that an error is an *Error, or ErrNoPaths from a call that returns files, and can be shown.
func checkError(t *testing.T, what string, err error) {
	t.Helper()
	if errors.Is(err, ErrNoPaths) && slices.Contains([]string{"list", "item", "items"}, what) {
		return
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%s: %v is not an *Error", what, err)
	}
	text := err.Error()
	if utf8.RuneCountInString(text) > 300 || strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) || strings.Contains(text, fuzzToken) {
		t.Errorf("%s: the error is too long, more than a line or contains the token: %q", what, text)
	}
	if !slices.Contains([]Class{Down, Temporary, NotFound, Rejected, Unauthorized}, e.Class) {
		t.Errorf("%s: class %q", what, e.Class)
	}
	if e.RetryAfter < 0 || e.RetryAfter > LongestRetryAfter || e.RetryAfter > 0 && e.Class != Temporary && e.Class != Down {
		t.Errorf("%s: %s with Retry-After %v", what, e.Class, e.RetryAfter)
	}
}

// calls returns all calls of the client by name. Each returns the result and checks it.
func calls(t *testing.T, c *Client) map[string]func() (any, error) {
	ctx := t.Context()
	write := func(err error) (any, error) { return nil, err }
	return map[string]func() (any, error){
		"identity": func() (any, error) {
			id, err := c.Identity(ctx)
			if err == nil && id.MachineIdentifier == "" {
				t.Error("a server without an identifier")
			}
			return id, err
		},
		"sections": func() (any, error) {
			sections, err := c.Sections(ctx)
			for _, s := range sections {
				if !ValidKey(s.ID) {
					t.Errorf("section %q", s.ID)
				}
			}
			return sections, err
		},
		"probe": func() (any, error) {
			_, sections, err := c.Probe(ctx)
			if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusOK && e.Class != Down {
				t.Errorf("an invalid answer with status 200 is %s for a probe", e.Class)
			}
			return sections, err
		},
		"list": func() (any, error) {
			p, err := c.List(ctx, ListQuery{SectionID: "1", Type: Movie, Start: 3, Size: 5})
			if err == nil {
				checkPage(t, p)
			}
			return p, err
		},
		"item":  func() (any, error) { return checkItems(t, c, "1") },
		"items": func() (any, error) { return checkItems(t, c, "1", "2", "3") },
		"pictures": func() (any, error) {
			pictures, err := c.Pictures(ctx, Poster, "1")
			for _, p := range pictures {
				if p.Key == "" {
					t.Error("a picture without a key")
				}
			}
			return pictures, err
		},
		"history": func() (any, error) {
			p, err := c.History(ctx, HistoryQuery{Start: 3, Size: 5})
			if err == nil {
				checkRows(t, p, func(p Play) bool {
					return p.HistoryKey != "" && p.ViewedAt > 0 && p.AccountID > 0 && (p.RatingKey == "" || ValidKey(p.RatingKey))
				})
			}
			return p, err
		},
		"watched": func() (any, error) {
			p, err := c.Watched(ctx, WatchedQuery{SectionID: "1", Type: Movie, Since: 5, Start: 3, Size: 5})
			if err == nil {
				checkRows(t, p, func(w Watched) bool {
					return ValidKey(w.RatingKey) && w.LastViewedAt > 0 && w.ViewCount >= 0 && w.ViewOffset >= 0
				})
			}
			return p, err
		},
		"accounts": func() (any, error) {
			accounts, err := c.Accounts(ctx)
			if err == nil && (len(accounts) == 0 || slices.ContainsFunc(accounts, func(a Account) bool { return a.ID <= 0 })) {
				t.Errorf("accounts %+v", accounts)
			}
			return accounts, err
		},
		"sessions": func() (any, error) {
			keys, err := c.Sessions(ctx)
			if slices.ContainsFunc(keys, func(k string) bool { return !ValidKey(k) }) {
				t.Errorf("sessions of %q", keys)
			}
			return keys, err
		},
		"edit":   func() (any, error) { return write(c.Edit(ctx, "1", Movie, "1", Edit{Lock: []string{"title"}})) },
		"rate":   func() (any, error) { return write(c.Rate(ctx, "1", nil)) },
		"scan":   func() (any, error) { return write(c.Scan(ctx, "1", "/a")) },
		"upload": func() (any, error) { return write(c.Upload(ctx, Poster, "1", []byte("x"), "image/png")) },
		"select": func() (any, error) { return write(c.Select(ctx, Poster, "1", "upload://x")) },
	}
}

func checkItems(t *testing.T, c *Client, keys ...string) ([]Item, error) {
	items, err := c.Items(t.Context(), keys)
	seen := make(map[string]bool)
	for _, it := range items {
		if !slices.Contains(keys, it.RatingKey) || seen[it.RatingKey] {
			t.Errorf("asked for %q, item %q came or came twice", keys, it.RatingKey)
		}
		seen[it.RatingKey] = true
		checkParts(t, it.Parts)
		if r := it.UserRating; r != nil && !(*r >= 0 && *r <= 10) {
			t.Errorf("a rating of %v", *r)
		}
		for kind, tags := range it.Tags {
			if slices.Contains(tags, "") {
				t.Errorf("an empty %s", kind)
			}
		}
	}
	return items, err
}

func checkParts(t *testing.T, parts []Part) {
	for _, p := range parts {
		if p.File == "" {
			t.Error("a part without a file")
		}
	}
}

func checkPage(t *testing.T, p Page) {
	if len(p.Rows) > p.Received || p.TotalSize < -1 {
		t.Errorf("%d rows of %d received, %d in all", len(p.Rows), p.Received, p.TotalSize)
	}
	for _, r := range p.Rows {
		if !ValidKey(r.RatingKey) {
			t.Errorf("rating key %q", r.RatingKey)
		}
		checkParts(t, r.Parts)
	}
}

// checkRows checks a page and each of its rows.
func checkRows[T any](t *testing.T, p PageOf[T], valid func(T) bool) {
	if len(p.Rows)+p.Unreadable != p.Received || p.TotalSize < -1 || p.Received > 0 && (p.Offset != 3 || len(p.Rows) == 0) || p.Received == 0 && p.TotalSize > 3 {
		t.Errorf("%+v", p)
	}
	for _, r := range p.Rows {
		if !valid(r) {
			t.Errorf("row %+v", r)
		}
	}
}

// endOf returns where the first value of a JSON text ends, 0 if there is none.
func endOf(body []byte) int {
	dec := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	if dec.Decode(&value) != nil {
		return 0
	}
	return int(dec.InputOffset())
}

// FuzzAnswers checks for any answer that each call returns a valid result or an error that can be shown, and never
// accepts a truncated answer.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		``, `null`, `[]`, `{"MediaContainer":null}`, `{"MediaContainer":{"Metadata":{"ratingKey":1}}}`, `<html></html>`,
		`{"MediaContainer":{"machineIdentifier":"m","version":1.4,"friendlyName":"` + fuzzToken + `"}}`,
		`{"MediaContainer":{"Directory":[{"key":"1","type":"movie","title":"V","refreshing":"1","scannedAt":"7","Location":{"id":1,"path":"/a"}},{"key":"x"}]}}`,
		`{"MediaContainer":{"totalSize":"5","Metadata":[{"ratingKey":"1","rating":1,"Rating":[{}],"Media":{"Part":{"file":"/a","size":"1"}}}]}}`,
		`{"MediaContainer":{"size":1e400,"Metadata":[null,1,"x"]}}`,
		`{"MediaContainer":{"librarySectionID":2,"Metadata":[{"ratingKey":"1","type":"movie","title":"T","studio":"S","Studio":[{"tag":"S"}],"userRating":"7.5",` +
			`"Role":[{"tag":"A"},{"tag":""}],"Genre":{"tag":"G"},"Field":[{"locked":true,"name":"title"}],"Media":[{"proxyType":42,"Part":[{"file":"/o"}]},{"Part":[{"id":1,"file":"/a"},{"id":2}]}]}]}}`,
		`{"MediaContainer":{"Metadata":[{"ratingKey":"1"},{"ratingKey":"1","userRating":-1},{"ratingKey":"2","userRating":1e300}]}}`,
		`{"MediaContainer":{"Metadata":[{"ratingKey":"upload://posters/0","selected":1}],"Photo":{"ratingKey":"x"}}}`,
		`{"MediaContainer":{"totalSize":1,"Metadata":[{"ratingKey":"1","Media":[{"Part":[{"id":1}]}]}]}}`,
		`{"MediaContainer":{"size":"1","totalSize":4,"offset":3,"Metadata":[{"historyKey":"/h/1","ratingKey":"7","viewedAt":"1700000000","accountID":1,"lastViewedAt":1700000000,"viewCount":"1"},{"viewedAt":1}]}}`,
		`{"MediaContainer":{"size":0,"totalSize":9,"Account":[{"id":"1","name":"a"},{"id":0}]}}`,
	} {
		for which := range uint8(16) {
			f.Add(which, uint16(100), "", []byte(body), "", uint(len(body)-1))
		}
	}
	for i, status := range []uint16{0, 104, 201, 300, 301, 304, 329, 400, 403, 499} {
		f.Add(uint8(i), status, "7", []byte(`<Response title="Maintenance"/>`), "", uint(0))
	}
	f.Add(uint8(0), uint16(0), "", []byte(nil), "malformed HTTP response \"X-Plex-Token: "+fuzzToken+"\x00\n\"", uint(0))
	f.Fuzz(func(t *testing.T, which uint8, status uint16, retry string, body []byte, fail string, cut uint) {
		server := &canned{status: 100 + int(status)%900, header: http.Header{"Retry-After": {retry}}, body: body, fail: fail}
		c, err := New(Config{URL: "http://plex.invalid/base", Token: fuzzToken, Transport: server})
		if err != nil {
			t.Fatal(err)
		}
		all := calls(t, c)
		names := slices.Sorted(maps.Keys(all))
		name := names[int(which)%len(names)]
		got, err := all[name]()
		if err != nil {
			checkError(t, name, err)
			return
		}
		if fail != "" || server.status < 200 || server.status > 299 {
			if name != "items" && name != "item" { // that are gone
				t.Errorf("%s: nothing is wrong with %q, status %d", name, fail, server.status)
			}
			return
		}
		if end := endOf(body); got != nil && end > 0 {
			server.body = body[:cut%uint(end)]
			if cut, err := all[name](); err == nil {
				t.Errorf("%s: %q, cut from %q, is accepted as %+v", name, server.body, body, cut)
			}
		}
	})
}

// canonical returns a JSON text without duplicate keys, the number of items in its listing, and whether it has a total.
func canonical(body []byte) (text []byte, items int, counted, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value map[string]any
	if dec.Decode(&value) != nil {
		return nil, 0, false, false
	}
	m, ok := value["MediaContainer"].(map[string]any)
	if !ok {
		return nil, 0, false, false
	}
	for _, name := range []string{"Metadata", "Video"} {
		switch v := m[name].(type) {
		case []any:
			items += len(v)
		case map[string]any:
			items++
		}
	}
	text, err := json.Marshal(value)
	return text, items, m["totalSize"] != nil, err == nil
}

// FuzzListing checks the streaming of a page: its pieces do not matter, every item counts, and a page that is truncated or
// too large is an error, never a shorter page.
func FuzzListing(f *testing.F) {
	row := `{"ratingKey":"12","addedAt":1700000000,"updatedAt":"x","Media":[{"Part":[{"id":1,"file":"/v/a.mp4","size":123,"duration":9}]}]}`
	for _, body := range []string{
		`{"MediaContainer":{"size":2,"totalSize":2,"offset":0,"Metadata":[` + row + `,` + row + `]}}`,
		`{"other":[1],"MediaContainer":{"Metadata":` + row + `,"totalSize":null}} {`,
		`{"MediaContainer":{"Video":[` + row + `],"Metadata":[{"ratingKey":"no"}],"totalSize":"-3"}}`,
		`{"MediaContainer":{"Metadata":[` + row + `]},"MediaContainer":{"Metadata":null}}`,
		`{"MediaContainer":{"Metadata":[null,{"ratingKey":7,"deletedAt":1,"Media":null}]}}`,
	} {
		f.Add([]byte(body), uint(len(body)-1))
		f.Add([]byte(body), uint(len(body)/2))
	}
	f.Fuzz(func(t *testing.T, body []byte, cut uint) {
		whole, err := decodePage(bytes.NewReader(body), 0)
		pieces, errPieces := decodePage(iotest.OneByteReader(bytes.NewReader(body)), 0)
		if (err == nil) != (errPieces == nil) || err == nil && !reflect.DeepEqual(whole, pieces) {
			t.Errorf("%q is %+v, %v at once, and %+v, %v in pieces", body, whole, err, pieces, errPieces)
		}
		end := uint(endOf(body))
		if err == nil && end == 0 {
			t.Errorf("%q, which is not JSON, is accepted as %+v", body, whole)
		}
		if end > 0 {
			n := cut % end
			if p, err := decodePage(bytes.NewReader(body[:n]), 0); err == nil {
				t.Errorf("%q, cut from %q, is accepted as %+v", body[:n], body, p)
			}
			if p, err := decodePage(http.MaxBytesReader(nil, io.NopCloser(bytes.NewReader(body)), int64(n)), 0); err == nil {
				t.Errorf("%d bytes of %q are accepted as %+v", n, body, p)
			}
		}
		if err == nil {
			checkPage(t, whole)
		}
		text, items, counted, ok := canonical(body)
		if p, err := decodePage(bytes.NewReader(text), 0); ok && err == nil && (p.Received != items || p.TotalSize >= 0 && !counted) {
			t.Errorf("%s holds %d items, and %d of %d are received", text, items, p.Received, p.TotalSize)
		}
	})
}

// FuzzRetryAfter checks for any Retry-After that the wait is not negative and not longer than LongestRetryAfter, and that
// a valid value is used.
func FuzzRetryAfter(f *testing.F) {
	for _, text := range []string{"", "7", " 7 ", "-7", "+7", "7.5", "0x7", "1_0", "99999999999999999999", "Thu, 01 Jan 2026 00:00:09 GMT", "Thursday, 01-Jan-26 00:00:09 GMT", "Thu, 32 Jan"} {
		f.Add(text, int64(1_767_225_600), int64(9))
	}
	f.Add("7", int64(-1<<62), int64(1<<62))
	f.Add("Thu, 01 Jan 2026 00:00:09 GMT", int64(1_767_229_200), int64(-3600)) // in the past
	f.Fuzz(func(t *testing.T, text string, unix, ahead int64) {
		const year9999 = 253_402_300_799
		now := time.Unix(unix%year9999, 0).UTC()
		bounded := func(text string) time.Duration {
			d := parseRetryAfter(http.Header{"Retry-After": {text}}, now)
			if d < 0 || d > LongestRetryAfter {
				t.Errorf("at %v Retry-After %q = %v", now, text, d)
			}
			return d
		}
		d := bounded(text)
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32); err == nil && !strings.Contains(text, "+") && d != time.Duration(min(max(n, 0), 600))*time.Second {
			t.Errorf("Retry-After %q = %v", text, d)
		}
		at := now.Add(time.Duration(ahead%100_000) * time.Second)
		if y := at.Year(); y < 1 || y > 9999 {
			return
		}
		want := min(max(at.Sub(now), 0), LongestRetryAfter)
		if d := bounded(at.Format(http.TimeFormat)); d != want {
			t.Errorf("%v before a Retry-After: %v", want, d)
		}
	})
}
