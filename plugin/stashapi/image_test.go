package stashapi_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const jpeg = "\xff\xd8\xff\xda\x00\x02\xff\xd9"

// cover reads a scene and returns the address of its cover.
func cover(t *testing.T, c *stashapi.Client, id int) string {
	t.Helper()
	got, err := c.Scenes(t.Context(), []int{id})
	if err != nil || len(got.Found) != 1 {
		t.Fatalf("Scenes = %+v, %v", got, err)
	}
	return got.Found[0].Cover
}

func TestCoverIsReadCompletely(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(jpeg + "x"), Updated: time.Unix(1000, 0)})
	where := cover(t, c, 1)
	if where != "/scene/1/screenshot?t=1000" {
		t.Errorf("Cover = %s", where)
	}
	for want, data := range map[string]string{
		"image/jpeg": jpeg + strings.Repeat("x", stashapi.MaxImage-len(jpeg)), "image/png": "\x89PNG\x0d\x0a\x1a\x0a", "image/gif": "GIF89a", "image/webp": "RIFF\x00\x00\x00\x00WEBPVP8 ",
		"image/avif": "\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00avifmif1miaf", "image/jxl": "\xff\x0a\x00", "image/bmp": "BM\x00\x00",
	} {
		s.GenerateCover(1, []byte(data))
		got, kind, err := c.Image(t.Context(), where)
		if err != nil || kind != want || !bytes.Equal(got, []byte(data)) {
			t.Errorf("Image = %d bytes of %s, %v; want %s", len(got), kind, err, want)
		}
	}
	if cover(t, c, 1) == where {
		t.Error("a new cover has the old one's address")
	}
}

func TestCoverIsAlwaysReadFromTheClientsStash(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(jpeg), Updated: time.Unix(1000, 0)})
	for _, external := range []string{"", "https://stash.invalid", "https://proxy.invalid/stash", "http://proxy.invalid:8080/scene/x", "//evil.invalid"} {
		s.SetExternalHost(external)
		where := cover(t, c, 1)
		if where != "/scene/1/screenshot?t=1000" {
			t.Errorf("known as %q: Cover = %s", external, where)
		}
		for _, address := range []string{where, external + where} {
			if external == "" || !strings.Contains(address, "proxy") {
				if data, _, err := c.Image(t.Context(), address); err != nil || string(data) != jpeg {
					t.Errorf("Image(%s) = %q, %v", address, data, err)
				}
			}
		}
	}
	h := &hosts{}
	own, err := stashapi.New(common.StashServerConnection{Scheme: "https", Host: "0.0.0.0", Port: 9999}, stashapi.Options{Transport: h})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"https://evil.invalid/scene/1/screenshot?t=1", "//evil.invalid/scene/1/screenshot", "scene/1/screenshot", "http://user:pw@evil.invalid/scene/1/screenshot"} {
		own.Image(t.Context(), address) // no such server
	}
	for _, seen := range h.seen {
		if seen != "https://127.0.0.1:9999/scene/1/screenshot" {
			t.Errorf("asked %s", seen)
		}
	}
	if len(h.seen) != 4 {
		t.Errorf("asked %q", h.seen)
	}
}

func TestErrUnusable(t *testing.T) {
	s, c := start(t)
	preview := "\xff\xe1\x00\x08" + "\xff\xd8\xff\xd9" + "xx" // in the headers, and whole
	for data, what := range map[string]string{
		"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom": "video/mp4", "<!DOCTYPE html><html>": "text/html", "": "empty", "\x00\x01\x02": "application/octet-stream",
		"<?xml version='1.0'?><svg/>": "image/svg+xml", "\x00\x00\x00\x14ftypheic\x00\x00\x00\x00mif1": "image/heic", "II*\x00": "image/tiff",
		"\xff\xd8\xff": "image/jpeg and its end", "\xff\xd8\xff\xe0\x00\x10JFIF": "image/jpeg and its end",
		"\xff\xd8" + preview + "\xff\xda\x00\x02half": "image/jpeg and its end",
	} {
		s.Add(stashtest.Scene{ID: 1, Cover: []byte(data)})
		if _, _, err := c.Image(t.Context(), "/scene/1/screenshot"); !errors.Is(err, stashapi.ErrUnusable) || errors.Is(err, stashapi.ErrNoPicture) || !strings.Contains(err.Error(), what) {
			t.Errorf("%q: %v, want %s", data, err, what)
		}
	}
	whole := "\xff\xd8" + preview + "\xff\xff\xda\x00\x02half\xff\x00and half\xff\xd9 and bytes after the end"
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(whole)})
	if data, _, err := c.Image(t.Context(), "/scene/1/screenshot"); err != nil || string(data) != whole {
		t.Errorf("a whole picture: %q, %v", data, err)
	}
}

func TestErrNoPicture(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{ID: 1})
	for address, what := range map[string]string{
		"/scene/1/screenshot": "placeholder", "/scene/2/screenshot": "none", "": "address", "?t=1": "address", "%zz": "address",
	} {
		if _, _, err := c.Image(t.Context(), address); !errors.Is(err, stashapi.ErrNoPicture) || !strings.Contains(err.Error(), what) {
			t.Errorf("Image(%q): %v", address, err)
		}
	}
	if _, _, err := c.Image(t.Context(), "/stash/scene/1/screenshot"); !errors.Is(err, stashapi.ErrUnusable) || !strings.Contains(err.Error(), "text/html") {
		t.Errorf("a page: %v", err)
	}
	if where := cover(t, c, 1); !strings.HasPrefix(where, "/scene/1/screenshot?t=") {
		t.Errorf("Cover of a scene without = %q: only reading it shows that there is none", where)
	}
}

// endless answers with a picture of that length; -1 sends no length.
type endless int64

func (e endless) RoundTrip(*http.Request) (*http.Response, error) {
	length := int64(e)
	data := bytes.NewReader(append([]byte(jpeg), make([]byte, stashapi.MaxImage+1-len(jpeg))...))
	return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: length, Body: readCloser{data}}, nil
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func TestErrImageTooLarge(t *testing.T) {
	for length, what := range map[int64]string{stashapi.MaxImage + 1: "10000001 bytes", 1 << 40: "1099511627776 bytes", -1: "more than 10000000 bytes"} {
		c, err := stashapi.New(stashtest.Connection(), stashapi.Options{Transport: endless(length)})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Image(t.Context(), "/scene/1/screenshot"); !errors.Is(err, stashapi.ErrImageTooLarge) || !strings.Contains(err.Error(), what) {
			t.Errorf("length %d: %v", length, err)
		}
	}
}

func TestFailedPictureIsAFailureOfStash(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(jpeg + strings.Repeat("x", 5000))})
	synctest.Test(t, func(t *testing.T) {
		for name, f := range map[string]stashtest.Fault{
			"500": {Status: 500}, "302": {Status: 302}, "301": {Status: 301}, "401": {Status: 401}, "no answer": {Hang: true}, "too late": {Delay: 11 * time.Second},
			"reset": {Reset: true}, "half a picture": {Truncate: true},
		} {
			f.Times, f.Operation = 1, "screenshot"
			s.Inject(f)
			_, _, err := c.Image(t.Context(), "/scene/1/screenshot?apikey=secret")
			if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() || e.Status != f.Status || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
			if _, _, err := c.Image(t.Context(), "/scene/1/screenshot"); err != nil {
				t.Errorf("after %s: %v", name, err)
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := c.Image(ctx, "/scene/1/screenshot")
	if _, ok := errors.AsType[*stashapi.Error](err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled reading: %v", err)
	}
}

func TestPictureNeedsTheLoginThatQueriesNeed(t *testing.T) {
	s, stranger := start(t)
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(jpeg)})
	synctest.Test(t, func(t *testing.T) {
		c := locked(t, s)
		image := func(c *stashapi.Client) error {
			data, _, err := c.Image(t.Context(), "/scene/1/screenshot?t=1")
			if err == nil && string(data) != jpeg {
				t.Errorf("Image = %q", data)
			}
			return err
		}
		err := image(stranger)
		if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() || e.Status != http.StatusFound || !strings.Contains(err.Error(), "session") {
			t.Errorf("without a session: %v", err)
		}
		if n := len(s.Queries()); n != 0 {
			t.Errorf("a redirect was followed, or a stranger let in: %+v", s.Queries())
		}
		for range 3 { // pictures keep the session alive, too
			if err := image(c); err != nil {
				t.Error(err)
			}
			<-time.After(50 * time.Minute)
		}
		if err := c.KeepLogin(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		if err := image(c); err != nil {
			t.Errorf("with the key: %v", err)
		}
		s.RequireLogin("another", 3600)
		if e, ok := errors.AsType[*stashapi.Error](image(c)); !ok || e.Status != http.StatusUnauthorized {
			t.Errorf("with a key that is no longer valid: %v", e)
		}
	})
}
