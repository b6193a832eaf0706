package plexapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// jpeg returns data that begins like a JPEG file. Different texts give different pictures.
func jpeg(text string) []byte { return []byte("\xff\xd8\xff\xe0" + text) }

// thumbs returns the URLs of an item's poster and background, which change with the pictures.
func thumbs(t *testing.T, c *plexapi.Client, key string) (string, string) {
	t.Helper()
	items, err := c.Items(t.Context(), []string{key})
	if err != nil || len(items) != 1 {
		t.Fatalf("Items = %v, %v", items, err)
	}
	return items[0].Thumb, items[0].Art
}

func TestUploadIsSelectedAndTheSameBytesAreOnePicture(t *testing.T) {
	for _, drift := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.Strings = drift })
		key := s.AddItem(section, "/a.mp4", 1)
		thumb, art := thumbs(t, c, key)
		data := jpeg(strings.Repeat("x", 1<<20))
		for range 2 {
			if err := c.Upload(t.Context(), plexapi.Poster, key, data, "image/jpeg"); err != nil {
				t.Fatal(err)
			}
		}
		pictures, err := c.Pictures(t.Context(), plexapi.Poster, key)
		if err != nil || len(pictures) != 2 || pictures[0].Selected || !pictures[1].Selected {
			t.Fatalf("Pictures = %v, %v", pictures, err)
		}
		if hash := plexapi.ImageHash(data); !pictures[1].IsUpload(hash) || !pictures[1].IsUpload(strings.ToUpper(hash)) || pictures[0].IsUpload(hash) {
			t.Errorf("the upload of %s is not recognised in %+v", hash, pictures)
		}
		if got := s.Item(key).Poster().Data; !bytes.Equal(got, data) {
			t.Errorf("%d bytes have arrived, not %d", len(got), len(data))
		}
		for _, r := range s.Requests() {
			if r.Method == "POST" && (r.Header.Get("Content-Type") != "image/jpeg" || r.Query != "") {
				t.Errorf("request = %+v", r)
			}
		}
		newThumb, newArt := thumbs(t, c, key)
		if s.Uploads(key) != 1 || newThumb == thumb || newArt != art {
			t.Errorf("%d uploads, thumb %s then %s, art %s then %s", s.Uploads(key), thumb, newThumb, art, newArt)
		}
	}
}

func TestBackgroundIsAnotherPicture(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	thumb, art := thumbs(t, c, key)
	if err := c.Upload(t.Context(), plexapi.Background, key, jpeg("x"), "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	if newThumb, newArt := thumbs(t, c, key); newThumb != thumb || newArt == art {
		t.Errorf("thumb %s then %s, art %s then %s", thumb, newThumb, art, newArt)
	}
	pictures, err := c.Pictures(t.Context(), plexapi.Background, key)
	if err != nil || len(pictures) != 2 || !pictures[1].Selected || !pictures[1].IsUpload(plexapi.ImageHash(jpeg("x"))) {
		t.Errorf("Pictures = %v, %v", pictures, err)
	}
	if it := s.Item(key); len(it.Posters) != 1 || it.Background().Key != pictures[1].Key {
		t.Errorf("item = %+v", it)
	}
	lock := plexapi.Edit{Lock: []string{plexapi.Poster.Lock(), plexapi.Background.Lock()}}
	if err := c.Edit(t.Context(), section, plexapi.Movie, key, lock); err != nil || !s.Item(key).Locked["thumb"] || !s.Item(key).Locked["art"] {
		t.Errorf("Edit: %v, locks %v", err, s.Item(key).Locked)
	}
}

func TestIsUploadComparesTheCompleteHash(t *testing.T) {
	hash := plexapi.ImageHash([]byte("x"))
	if hash != "11f6ad8ec52a2984abaafd7c3b516503785c2072" {
		t.Errorf("ImageHash = %s", hash)
	}
	for picture, hashes := range map[string][]string{"upload://posters/" + hash: {"", "2072", "0" + hash}, hash[1:]: {hash}, "": {hash, ""}} {
		for _, h := range hashes {
			if (plexapi.Picture{Key: picture}).IsUpload(h) {
				t.Errorf("%q counts as the upload of %q", picture, h)
			}
		}
	}
}

func TestPicturesAreReadUnderAnyNameAndSelectedInAnyType(t *testing.T) {
	for _, name := range []string{"Metadata", "Photo", "Directory"} {
		for _, yes := range []string{`true`, `1`, `"1"`, `"true"`} {
			for _, no := range []string{`"selected":false,`, `"selected":0,`, `"selected":"0",`, ``} {
				body := fmt.Sprintf(`{"MediaContainer":{"size":3,%q:[{%s"key":"/x","ratingKey":"media://a"},{"ratingKey":"upload://b","selected":%s},{"key":"/no"}]}}`, name, no, yes)
				got, err := client(t, serve(t, say(body)).URL, token).Pictures(t.Context(), plexapi.Poster, "1")
				if want := "[{media://a false} {upload://b true}]"; err != nil || fmt.Sprint(got) != want {
					t.Errorf("%s: %v, %v", body, got, err)
				}
			}
		}
	}
	got, err := client(t, serve(t, say(`{"MediaContainer":{"Photo":{"ratingKey":"a","selected":1}}}`)).URL, token).Pictures(t.Context(), plexapi.Background, "1")
	if err != nil || fmt.Sprint(got) != "[{a true}]" {
		t.Errorf("one picture without its list: %v, %v", got, err)
	}
	_, err = client(t, serve(t, say(`<html>`)).URL, token).Pictures(t.Context(), plexapi.Poster, "1")
	if class, _ := classOf(t, err); class != plexapi.Temporary {
		t.Errorf("a page of HTML: %v", err)
	}
}

func TestPictureIsSelectedByItsKey(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	before := s.Item(key).Poster().Key
	const hostile = "https://agent.invalid/a b?c=d&e=f+g#h%20i"
	s.Choose(key, "posters", hostile)
	for _, picture := range []string{before, hostile} {
		if err := c.Select(t.Context(), plexapi.Poster, key, picture); err != nil || s.Item(key).Poster().Key != picture {
			t.Errorf("Select(%s): %v, shown is %s", picture, err, s.Item(key).Poster().Key)
		}
	}
	err := c.Select(t.Context(), plexapi.Poster, key, "upload://posters/none")
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Status != http.StatusNotFound {
		t.Errorf("a picture that is none: %v", err)
	}
	for _, key := range []string{key, "999"} {
		if _, err := c.Pictures(t.Context(), plexapi.Poster, key); (err == nil) != (key != "999") {
			t.Errorf("Pictures of item %s: %v", key, err)
		}
	}
}

func TestPictureNeedsAnItemAKindAndData(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	ctx, data := t.Context(), jpeg("x")
	for name, err := range map[string]error{
		"an upload to nothing":       c.Upload(ctx, plexapi.Poster, "", data, "image/jpeg"),
		"an upload to two":           c.Upload(ctx, plexapi.Poster, key+",2", data, "image/jpeg"),
		"an upload of no kind":       c.Upload(ctx, "", key, data, "image/jpeg"),
		"an upload of nothing":       c.Upload(ctx, plexapi.Poster, key, nil, "image/jpeg"),
		"an upload that is too long": c.Upload(ctx, plexapi.Poster, key, make([]byte, plexapi.MaxImage+1), "image/jpeg"),
		"a choice for nothing":       c.Select(ctx, plexapi.Poster, "x", "media://a"),
		"a choice of nothing":        c.Select(ctx, plexapi.Poster, key, ""),
		"a choice of another kind":   c.Select(ctx, "theme", key, "media://a"),
	} {
		if class, _ := classOf(t, err); class != plexapi.Rejected {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Pictures(ctx, plexapi.Poster, "1/2"); err == nil {
		t.Error("pictures of no item were listed")
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestRefusedPictureReportsTheStatus(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	err := c.Upload(t.Context(), plexapi.Poster, key, []byte("<svg/>"), "image/svg+xml")
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Status != http.StatusInternalServerError {
		t.Errorf("no picture: %v", err)
	}
	s.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"thumb": http.StatusRequestEntityTooLarge} })
	err = c.Upload(t.Context(), plexapi.Poster, key, jpeg(strings.Repeat("x", 5_000_000)), "image/jpeg")
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Status != http.StatusRequestEntityTooLarge || e.Class != plexapi.Rejected {
		t.Errorf("a picture too large for a proxy: %v", err)
	}
	if err := c.Upload(t.Context(), plexapi.Poster, key, make([]byte, plexapi.MaxImage), ""); err == nil || s.Uploads(key) != 0 {
		t.Errorf("%v, %d uploads", err, s.Uploads(key))
	}
}

func TestUploadHasAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := plextest.New(token)
		key := s.AddItem(s.AddSection("Videos", "movie"), "/a.mp4", 1)
		for timeout, limit := range map[time.Duration]time.Duration{time.Second: time.Minute, 2 * time.Minute: 2 * time.Minute} {
			c, err := plexapi.New(plexapi.Config{URL: "http://plex", Token: token, ClientIdentifier: "id", Timeout: timeout, Transport: s.Transport()})
			if err != nil {
				t.Fatal(err)
			}
			s.Inject(plextest.Fault{Method: "POST", Delay: limit - time.Second, Times: 1})
			if err := c.Upload(t.Context(), plexapi.Poster, key, jpeg("x"), "image/jpeg"); err != nil {
				t.Errorf("an answer within %v: %v", limit, err)
			}
			s.Inject(plextest.Fault{Hang: true, Times: 1})
			begun := time.Now()
			err = c.Upload(t.Context(), plexapi.Poster, key, jpeg("x"), "image/jpeg")
			if e, ok := errors.AsType[*plexapi.Error](err); !ok || !e.Timeout || time.Since(begun) != limit {
				t.Errorf("no answer: %v after %v, want %v", err, time.Since(begun), limit)
			}
		}
	})
}

func TestUploadOnALostConnectionIsRepeated(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	for i := range 3 {
		data := jpeg(fmt.Sprint(i, strings.Repeat("x", 100_000)))
		if err := c.Upload(t.Context(), plexapi.Poster, key, data, "image/jpeg"); err != nil || !bytes.Equal(s.Item(key).Poster().Data, data) {
			t.Fatalf("upload %d: %v", i, err)
		}
		s.Inject(plextest.Fault{Reset: true, After: i == 1, Times: 1})
	}
	if n := s.Count("POST", ""); n != 5 || s.Uploads(key) != 3 {
		t.Errorf("%d requests and %d uploads, want 3 and 2 repeated ones, and 3", n, s.Uploads(key))
	}
}

func TestPictureThatAnItemShowsIsRead(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	before, art := thumbs(t, c, key)
	data := jpeg("poster")
	if err := c.Upload(t.Context(), plexapi.Poster, key, data, "image/jpeg"); err != nil {
		t.Fatal(err)
	}
	after, _ := thumbs(t, c, key)
	if got, err := c.Image(t.Context(), after); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the poster is %q, %v", got, err)
	}
	if got, err := c.Image(t.Context(), art); err != nil || !bytes.HasPrefix(got, []byte("GIF89a")) {
		t.Errorf("the background is %q, %v", got, err)
	}
	if got, err := c.Image(t.Context(), before); err == nil {
		t.Errorf("the former poster is %q", got)
	}
	n := len(s.Requests())
	for _, address := range []string{
		"", "https://example.org/x.jpg", "//example.org/library/metadata/1/thumb/1", "/library/metadata/1/thumb/1?url=x",
		"/library/metadata/1/thumb/1/../../../../identity", "/library/metadata/1/file/1", "/library/metadata/1/thumb/1\n",
	} {
		got, err := c.Image(t.Context(), address)
		if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Rejected || got != nil {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
	if more := s.Requests()[n:]; len(more) > 0 {
		t.Errorf("refused addresses were asked for: %+v", more)
	}
}

func TestPictureOfTooManyBytesIsNotRead(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	s.Edit(key, func(it *plextest.Item) { it.Posters[0].Data = bytes.Repeat([]byte("x"), plexapi.MaxImage+1) })
	thumb, _ := thumbs(t, c, key)
	if got, err := c.Image(t.Context(), thumb); err == nil || got != nil || !strings.Contains(err.Error(), "larger than expected") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestServerSendsItsNameWithAToken(t *testing.T) {
	_, c, _ := start(t)
	if name, err := c.Name(t.Context()); name != "Living room" || err != nil {
		t.Errorf("Name = %q, %v", name, err)
	}
}
