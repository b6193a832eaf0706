package stashtest_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const jpeg = "\xff\xd8\xff\xe0 a picture"

// get requests an address and returns the answer and its body.
func (s *stash) get(path string, header ...string) (*http.Response, string) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, "http://stash.invalid"+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res, string(text)
}

func TestCoverHasTheTypeOfItsBytes(t *testing.T) {
	s := newStash(t)
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(jpeg)}, stashtest.Scene{ID: 2}, stashtest.Scene{ID: 3, Cover: []byte("GIF89a")}, stashtest.Scene{ID: 5, Cover: []byte("<svg/>")})
	for _, c := range []struct {
		path         string
		status       int
		kind, begins string
	}{
		{"/scene/1/screenshot?t=1", 200, "image/jpeg", jpeg},
		{"/scene/2/screenshot", 200, "image/svg+xml", "<?xml"},
		{"/scene/3/screenshot", 200, "image/gif", "GIF89a"},
		{"/scene/5/screenshot", 200, "image/svg+xml", "<svg/>"},
		{"/scene/4/screenshot", 404, "text/plain; charset=utf-8", "Not Found"},
		{"/scene/99999999999999999999/screenshot", 400, "text/plain; charset=utf-8", "Bad Request"},
		{"/stash/scene/1/screenshot", 200, "text/html", "<!DOCTYPE html>"},
		{"/scene/1/preview.mp4", 404, "text/plain; charset=utf-8", "404"},
	} {
		res, body := s.get(c.path)
		if res.StatusCode != c.status || res.Header.Get("Content-Type") != c.kind || !strings.HasPrefix(body, c.begins) {
			t.Errorf("%s: %d %s %q", c.path, res.StatusCode, res.Header.Get("Content-Type"), body)
		}
	}
	if q := s.Queries(); len(q) != 5 || q[0].Operation != "screenshot" || q[0].Variables["id"] != 1 {
		t.Errorf("log = %+v", q)
	}
}

func TestCoverAddressUsesTheRequestsOrTheExternalHost(t *testing.T) {
	s := newStash(t)
	s.Add(stashtest.Scene{ID: 1, Updated: time.Unix(1000, 0)})
	const query = `{findScene(id:1){paths{screenshot}}}`
	address := func(header ...string) string {
		_, body := s.post(query, nil, header...)
		return strings.TrimSuffix(strings.TrimPrefix(body, `{"data":{"findScene":{"paths":{"screenshot":"`), `"}}}}`)
	}
	for _, c := range []struct {
		external, want string
		header         []string
	}{
		{"", "http://stash.invalid/scene/1/screenshot?t=1000", nil},
		{"", "https://stash.invalid/p/scene/1/screenshot?t=1000", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Prefix", "/p/"}},
		{"https://x.invalid/s", "https://x.invalid/s/scene/1/screenshot?t=1000", nil},
	} {
		s.SetExternalHost(c.external)
		if got := address(c.header...); got != c.want {
			t.Errorf("known as %q, with %q: %s, want %s", c.external, c.header, got, c.want)
		}
	}
	s.SetExternalHost("")
	s.SetClock(func() time.Time { return time.Unix(2000, 0) })
	s.GenerateCover(1, []byte(jpeg))
	if got := address(); !strings.HasSuffix(got, "t=2000") {
		t.Errorf("after a new cover: %s", got)
	}
	if _, body := s.post(`{findScene(id:1){paths{stream}}}`, nil); !strings.Contains(body, "stashtest") {
		t.Errorf("an address with a key in it: %s", body)
	}
}

func TestCoverWithoutALoginLeadsToTheLoginPage(t *testing.T) {
	s := newStash(t)
	s.Add(stashtest.Scene{ID: 1, Cover: []byte(jpeg)})
	s.RequireLogin("the-key", 3600)
	res, body := s.get("/scene/1/screenshot?t=1")
	const login = "/login?returnURL=%2Fscene%2F1%2Fscreenshot%3Ft%3D1"
	if res.StatusCode != 302 || res.Header.Get("Location") != login || strings.Contains(body, jpeg) {
		t.Errorf("without a login: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	if res, body := s.get(login); res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/html" || !strings.Contains(body, "<html>") {
		t.Errorf("the login page: %d %s", res.StatusCode, body)
	}
	if res, _ := s.get("/scene/1/screenshot", "ApiKey", "wrong"); res.StatusCode != 401 {
		t.Errorf("with a wrong key: %d", res.StatusCode)
	}
	if n := len(s.Queries()); n != 0 {
		t.Errorf("%d queries in the log", n)
	}
	for _, login := range [][2]string{{"ApiKey", "the-key"}, {"Cookie", s.Session()}} {
		if res, body := s.get("/scene/1/screenshot", login[0], login[1]); res.StatusCode != 200 || body != jpeg {
			t.Errorf("with %s: %d", login[0], res.StatusCode)
		}
	}
}

func TestPersonsCoverIsSentWithTheUpdate(t *testing.T) {
	w := newWorld(t, plain)
	w.Update(t.Context(), 1, func(s *stashtest.Scene) { s.Cover = []byte(jpeg) })
	w.Update(t.Context(), 1, func(s *stashtest.Scene) { s.Title = "New" })
	w.Update(t.Context(), 1, func(s *stashtest.Scene) { s.Cover = nil })
	w.Server.GenerateCover(1, []byte(jpeg))
	got := w.hooks()
	if len(got) != 3 {
		t.Fatalf("hooks = %v", got)
	}
	for i, want := range []any{"data:image/jpeg;base64," + base64.StdEncoding.EncodeToString([]byte(jpeg)), nil, ""} {
		if image := got[i]["input"].(map[string]any)["cover_image"]; image != want {
			t.Errorf("hook %d: cover_image = %v, want %v", i, image, want)
		}
		if sent := strings.Contains(strings.Join(texts(got[i]["inputFields"]), " "), "cover_image"); sent != (want != nil) {
			t.Errorf("hook %d: inputFields = %v", i, got[i]["inputFields"])
		}
	}
}

func texts(list any) []string {
	var out []string
	for _, e := range list.([]any) {
		out = append(out, e.(string))
	}
	return out
}
