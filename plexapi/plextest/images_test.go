package plextest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const (
	gif  = "GIF89a"
	webp = "RIFF\x00\x00\x00\x00WEBPVP"
	png  = "\x89PNG\x0d\x0a\x1a\x0a"
	jpeg = "\xff\xd8\xff"
)

func with(body string) func(*http.Request) {
	return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) }
}

// post uploads data and compares the status.
func post(t *testing.T, s *plextest.Server, status int, target, body string) {
	t.Helper()
	if got, answer := ask(t, s, "POST", target, with(body)); got != status {
		t.Errorf("POST %s of %d bytes: %d %s, want %d", target, len(body), got, answer, status)
	}
}

// thumb returns the URL of the item's poster.
func thumb(t *testing.T, s *plextest.Server, key string) any {
	t.Helper()
	return container(t, s, "/library/metadata/"+key)["Metadata"].([]any)[0].(map[string]any)["thumb"]
}

func TestNewItemHasPicturesOfItsFile(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	it := s.Item(key)
	if len(it.Posters) != 1 || len(it.Arts) != 1 || !strings.HasPrefix(it.Poster().Key, "media://") || it.Background().Key == it.Poster().Key {
		t.Errorf("item = %+v", it)
	}
	rows := container(t, s, "/library/metadata/"+key+"/posters")["Metadata"].([]any)
	if row := rows[0].(map[string]any); len(rows) != 1 || row["ratingKey"] != it.Poster().Key || row["selected"] != true {
		t.Errorf("rows = %v", rows)
	}
	s.Configure(func(o *plextest.Options) { o.PictureRows = "Photo" })
	if m := container(t, s, "/library/metadata/"+key+"/arts"); m["Metadata"] != nil || len(m["Photo"].([]any)) != 1 {
		t.Errorf("by another name: %v", m)
	}
}

func TestOnlyPicturesAreAcceptedAndKept(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	posters := "/library/metadata/" + key + "/posters"
	for _, body := range []string{jpeg, png, gif, webp, jpeg, gif} {
		post(t, s, 200, posters, body)
	}
	for _, body := range []string{"", "<svg/>", "<html>", "\x00\x00\x00\x18ftypmp42", "BM", jpeg + strings.Repeat("x", 10_000_000)} {
		post(t, s, 500, posters, body)
	}
	post(t, s, 200, posters, jpeg+strings.Repeat("x", 10_000_000-len(jpeg)))
	if it := s.Item(key); s.Uploads(key) != 5 || len(it.Posters) != 6 || len(it.Poster().Data) != 10_000_000 {
		t.Errorf("%d uploads, %d posters", s.Uploads(key), len(it.Posters))
	}
	post(t, s, 200, "/library/metadata/"+key+"/arts", jpeg)
	if s.Uploads(key) != 6 {
		t.Errorf("%d uploads with a background", s.Uploads(key))
	}
	s.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"thumb": 413} })
	post(t, s, 413, posters, png)
	post(t, s, 200, "/library/metadata/"+key+"/arts", png)
	want(t, s, 200, "PUT", edit(section, key, "thumb.locked", "1"))
}

func TestUploadSelectsAndLocksByOptions(t *testing.T) {
	for _, c := range []struct {
		name             string
		options          plextest.Options
		selected, locked bool
	}{
		{"as usual", plextest.Options{}, true, false},
		{"without selecting", plextest.Options{NoSelect: true}, false, false},
		{"with a lock", plextest.Options{LocksOnUpload: true}, true, true},
		{"without effect", plextest.Options{Stuck: map[string]bool{"thumb": true}, LocksOnUpload: true}, false, false},
	} {
		s, section := open(t)
		s.Configure(func(o *plextest.Options) { *o = c.options })
		key := s.AddItem(section, "/a.mp4", 1)
		before := thumb(t, s, key)
		post(t, s, 200, "/library/metadata/"+key+"/posters", jpeg)
		it := s.Item(key)
		if got := bytes.Equal(it.Poster().Data, []byte(jpeg)); got != c.selected || it.Locked["thumb"] != c.locked || it.Locked["art"] {
			t.Errorf("%s: selected %v, locks %v", c.name, got, it.Locked)
		}
		if moved := thumb(t, s, key) != before; moved != c.selected {
			t.Errorf("%s: the address of the poster changed: %v", c.name, moved)
		}
	}
}

func TestOnlyOfferedPicturesCanBeSelected(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	post(t, s, 200, "/library/metadata/"+key+"/posters", jpeg)
	frame := s.Item(key).Posters[0].Key
	choose := func(picture string) string {
		return "/library/metadata/" + key + "/poster?url=" + url.QueryEscape(picture)
	}
	before := thumb(t, s, key)
	want(t, s, 200, "PUT", choose(frame))
	if it := s.Item(key); it.Poster().Key != frame || thumb(t, s, key) == before {
		t.Errorf("item = %+v", it)
	}
	before = thumb(t, s, key)
	want(t, s, 200, "PUT", choose(frame))
	if thumb(t, s, key) != before {
		t.Error("the same choice has changed the poster's address")
	}
	s.Choose(key, "posters", "metadata://posters/1")
	if it := s.Item(key); it.Poster().Key != "metadata://posters/1" || !it.Locked["thumb"] || len(it.Posters) != 3 || thumb(t, s, key) == before {
		t.Errorf("chosen by a user: %+v", it)
	}
	s.Refresh(key)
	if got := s.Item(key).Poster().Key; got != "metadata://posters/1" {
		t.Errorf("a refresh has changed a locked poster to %s", got)
	}
	want(t, s, 200, "PUT", edit(section, key, "thumb.locked", "0"))
	s.Refresh(key)
	if got := s.Item(key).Poster().Key; got != frame {
		t.Errorf("a refresh has left an unlocked poster at %s", got)
	}
	for method, targets := range map[string][]string{
		"PUT":    {choose("upload://posters/none"), "/library/metadata/" + key + "/posters?url=" + url.QueryEscape(frame), "/library/metadata/77/poster?url=x"},
		"GET":    {"/library/metadata/" + key + "/poster", "/library/metadata/" + key + "/themes", "/library/metadata/77/posters"},
		"POST":   {"/library/metadata/" + key + "/poster", "/library/metadata/77/posters"},
		"DELETE": {"/library/metadata/" + key + "/posters"},
	} {
		for _, target := range targets {
			want(t, s, 404, method, target)
		}
	}
	for _, field := range []string{"thumb", "art"} {
		want(t, s, 400, "PUT", edit(section, key, field+".value", "x"))
	}
}
