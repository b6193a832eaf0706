package plexapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const loginPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>"

// before puts a proxy before the stand-in: it answers the requests for which answer reports true, and it may remove
// Plex's header from all others.
func before(t *testing.T, s *plextest.Server, strip bool, answer func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if answer != nil && answer(w, r) {
			return
		}
		kept := httptest.NewRecorder()
		s.ServeHTTP(kept, r)
		for k, v := range kept.Header() {
			if !strip || k != "X-Plex-Protocol" {
				w.Header()[k] = v
			}
		}
		w.WriteHeader(kept.Code)
		w.Write(kept.Body.Bytes())
	}).URL + s.BasePath
}

// refuses returns a handler that answers requests with this end of the path as a proxy does.
func refuses(end string, status int, header map[string]string, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, end) {
			return false
		}
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		return true
	}
}

var (
	nginx = map[string]string{"Server": "nginx/1.25.3", "WWW-Authenticate": `Basic realm="Restricted"`, "Content-Type": "text/html"}
	cloud = map[string]string{"Server": "cloudflare", "Content-Type": "text/html"}
)

func TestProbeNamesWhoAnswersInFrontOfPlexAndNeverTheToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		want   plexapi.Class
		text   []string
	}{
		{
			"a login for everything", refuses("", 401, nginx, loginPage), plexapi.Down,
			[]string{"something in front of Plex (nginx/1.25.3) answered 401 Unauthorized to GET /identity", "a login of its own", "plexUrl"},
		},
		{
			"a login without its header", refuses("", 401, cloud, loginPage), plexapi.Down,
			[]string{"something in front of Plex (cloudflare) answered 401", "a login of its own", "plexUrl"},
		},
		{
			"a firewall for everything", refuses("", 403, cloud, loginPage), plexapi.Down,
			[]string{"something in front of Plex (cloudflare) answered 403 Forbidden to GET /identity", "plexUrl"},
		},
		{
			"a login for the libraries alone", refuses("/library/sections", 401, nginx, loginPage), plexapi.Down,
			[]string{"something in front of Plex (nginx/1.25.3) answered 401", "a login of its own"},
		},
		{
			"a firewall for the libraries alone", refuses("/library/sections", 403, cloud, loginPage), plexapi.Unauthorized,
			[]string{"something in front of Plex (cloudflare) answered 403 Forbidden to GET /library/sections", "plexUrl"},
		},
		{
			"a router that knows no such host", refuses("", 404, nil, "404 page not found"), plexapi.Down,
			[]string{"the server answered 404 Not Found to GET /identity", "plexUrl"},
		},
		{
			"a redirect to a login", refuses("/library/sections", 302, map[string]string{"Location": "https://login.invalid/?x=" + token}, ""), plexapi.Down,
			[]string{"something in front of Plex answered 302 Found", "login page", "plexUrl"},
		},
		{
			"a login page for everything", refuses("", 200, nginx, loginPage), plexapi.Down,
			[]string{"answered 200 to GET /identity: a web page, not Plex", "login page", "plexUrl"},
		},
		{
			"a login page for the libraries alone", refuses("/library/sections", 200, cloud, loginPage), plexapi.Down,
			[]string{"something in front of Plex (cloudflare) answered 200 to GET /library/sections: a web page, not Plex", "plexUrl"},
		},
		{
			"a gateway", refuses("/library/sections", 503, cloud, loginPage), plexapi.Down,
			[]string{"something in front of Plex (cloudflare) answered 503", "Plex behind it does not"},
		},
	} {
		s, _, _ := start(t)
		_, _, err := client(t, before(t, s, false, c.answer), token).Probe(t.Context())
		class, _ := classOf(t, err)
		for _, part := range c.text {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, without %q", c.name, err, part)
			}
		}
		if text := err.Error(); class != c.want || strings.Contains(strings.ToLower(text), "token") || len(text) > 300 {
			t.Errorf("%s: class %s, want %s: %s", c.name, class, c.want, text)
		}
	}
}

// Whether such a proxy or Plex refuses is unknown, so the message names both and the token still counts as refused.
func TestProxyThatRemovesPlexsHeaderChangesNoVerdict(t *testing.T) {
	s, _, section := start(t)
	s.AddItem(section, "/a.mp4", 1)
	address := before(t, s, true, nil)
	_, _, err := client(t, address, "another").Probe(t.Context())
	if class, hint := classOf(t, err); class != plexapi.Unauthorized || !strings.Contains(hint, "plexToken") || !strings.Contains(hint, "proxy") ||
		!strings.Contains(err.Error(), "the server answered 401") {
		t.Errorf("a wrong token: %s: %v", class, err)
	}
	c := client(t, address, token)
	if _, _, err := c.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	if items, err := c.Items(t.Context(), []string{"7"}); err != nil || len(items) != 0 {
		t.Errorf("an item that does not exist: %v, %v", items, err)
	}
	s.Inject(plextest.Fault{Status: 403})
	_, err = c.Sections(t.Context())
	if class, hint := classOf(t, err); class != plexapi.Unauthorized || !strings.Contains(hint, "plexToken") {
		t.Errorf("403: %s: %v", class, err)
	}
	s.Heal()
	s.Migrate()
	if _, _, err = c.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), "starting") {
		t.Errorf("503: %v", err)
	}
}

func TestRefusedEditNamesWhoRefusesIt(t *testing.T) {
	edit := plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: "x"}}
	for status, want := range map[int]plexapi.Class{
		400: plexapi.Rejected, 401: plexapi.Unauthorized, 403: plexapi.Unauthorized, 404: plexapi.Down, 413: plexapi.Rejected, 414: plexapi.Rejected,
		500: plexapi.Temporary, 502: plexapi.Down, 504: plexapi.Down,
	} {
		for _, front := range []bool{true, false} {
			s, c, section := start(t)
			if _, _, err := c.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Inject(plextest.Fault{Method: "PUT", Status: status, Front: front, Header: http.Header{"Server": {"cloudflare"}}})
			err := c.Edit(t.Context(), section, plexapi.Movie, "1", edit)
			class, _ := classOf(t, err)
			sender := fmt.Sprintf("something in front of Plex (cloudflare) answered %d ", status)
			if !front {
				sender = fmt.Sprintf("Plex answered %d ", status)
			}
			if !strings.HasPrefix(err.Error(), "cannot edit item 1: "+sender) || front && (class != want || strings.Contains(strings.ToLower(err.Error()), "token")) {
				t.Errorf("%d, front %v: %s: %v", status, front, class, err)
			}
		}
	}
}

func TestWebPageIsNoAnswerToAnyRequest(t *testing.T) {
	s := serve(t, say(loginPage))
	c := client(t, s.URL, token)
	_, identity := c.Identity(t.Context())
	_, sections := c.Sections(t.Context())
	_, list := c.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10})
	_, items := c.Items(t.Context(), []string{"1"})
	_, pictures := c.Pictures(t.Context(), plexapi.Poster, "1")
	for name, err := range map[string]error{
		"Identity": identity, "Sections": sections, "List": list, "Items": items, "Pictures": pictures,
		"Edit":   c.Edit(t.Context(), "1", plexapi.Movie, "1", plexapi.Edit{Lock: []string{"title"}}),
		"Rate":   c.Rate(t.Context(), "1", nil),
		"Scan":   c.Scan(t.Context(), "1", "/a"),
		"Upload": c.Upload(t.Context(), plexapi.Poster, "1", []byte("x"), "image/png"),
		"Select": c.Select(t.Context(), plexapi.Poster, "1", "x"),
	} {
		if class, _ := classOf(t, err); class != plexapi.Temporary || !strings.Contains(err.Error(), "a web page, not Plex") {
			t.Errorf("%s: %s: %v", name, class, err)
		}
	}
}

// Plex answers some writes with a page of its own, which a proxy may pass on without Plex's header.
func TestPlexsOwnPageIsSuccess(t *testing.T) {
	for _, header := range []bool{true, false} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if header {
				w.Header().Set("X-Plex-Protocol", "1.0")
			}
			fmt.Fprint(w, "<html><head><title>OK</title></head><body><h1>200 OK</h1></body></html>")
		})
		if err := client(t, s.URL, token).Rate(t.Context(), "1", nil); err != nil {
			t.Errorf("with Plex's header %v: %v", header, err)
		}
	}
}

func TestServerHeaderIsShownOnlyIfItIsAProduct(t *testing.T) {
	const token = "abcdefghijklmnopqrst"
	for header, want := range map[string]string{
		"nginx": "nginx", "Apache/2.4.57 (Debian)": "Apache/2.4.57", "Microsoft-IIS/10.0": "Microsoft-IIS/10.0", "openresty/1.21.4.1": "openresty/1.21.4.1",
		token: "", "nginx/" + token: "", "tok-0123": "", "nginx\ttwo": "", "<b>": "", strings.Repeat("x", 30): "", "": "",
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Server", header)
			w.WriteHeader(403)
		})
		_, err := client(t, s.URL, token).Identity(t.Context())
		if want != "" {
			want = " (" + want + ")"
		}
		if err == nil || !strings.Contains(err.Error(), "something in front of Plex"+want+" answered 403 Forbidden") || strings.Contains(err.Error(), token) {
			t.Errorf("Server %q: %v, want %q", header, err, want)
		}
	}
}
