package plexapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// classOf returns the class and the hint of a failure.
func classOf(t *testing.T, err error) (plexapi.Class, string) {
	t.Helper()
	e, ok := errors.AsType[*plexapi.Error](err)
	if !ok {
		t.Fatalf("error = %v, want one of Plex", err)
	}
	text := err.Error()
	if strings.Contains(text, token) || strings.ContainsAny(strings.TrimSuffix(text, e.Hint), "?\n") {
		t.Errorf("error = %v, with a token, a query or a second line", err)
	}
	return e.Class, e.Hint
}

// serve runs a server with this handler.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// say returns a handler that answers everything with this body.
func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

// rawServer runs a server that answers each connection once and closes it without notice.
func rawServer(t *testing.T, answer func(*http.Request) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				fmt.Fprint(conn, answer(r))
			}
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestTokenIsSentOnlyInAHeaderToThisServer(t *testing.T) {
	var seen []*http.Request
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r)
		fmt.Fprint(w, `{"MediaContainer":{"machineIdentifier":"m"}}`)
	})
	if _, _, err := client(t, s.URL, token).Probe(t.Context()); err != nil || len(seen) != 2 {
		t.Fatalf("%d requests, %v", len(seen), err)
	}
	if got := seen[0].Header.Get("X-Plex-Token"); got != "" {
		t.Error("the identity request contains the token")
	}
	if got := seen[1].Header.Get("X-Plex-Token"); got != token {
		t.Errorf("token = %q", got)
	}
	for _, r := range seen {
		for name, want := range map[string]string{
			"Accept": "application/json", "X-Plex-Client-Identifier": "id", "X-Plex-Product": "Stash Plex Sync", "X-Plex-Version": "1",
			"X-Plex-Pms-Api-Version": "", "X-Idempotency-Key": "", "Accept-Encoding": "gzip",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if r.Header.Get("X-Plex-Device-Name") == "" || r.Header.Get("X-Plex-Platform") == "" || strings.Contains(r.RequestURI, token) || r.ProtoMajor != 1 {
			t.Errorf("%s %s %v", r.Proto, r.RequestURI, r.Header)
		}
	}
}

func TestRedirectsNeverCarryTheTokenAway(t *testing.T) {
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the other host got a request") })
	for _, location := range []string{other.URL + "/library/sections", "http://%zz?" + token, ""} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusMovedPermanently)
		})
		_, err := client(t, s.URL, token).Sections(t.Context())
		if class, hint := classOf(t, err); class != plexapi.Down || hint == "" {
			t.Errorf("redirect to %q: %v", location, err)
		}
	}
}

func TestErrorsHideATokenInTheAnswer(t *testing.T) {
	const token = `tok-"0123\456&789"-secret`
	for name, form := range map[string]func(string) string{
		"itself": func(s string) string { return s }, "in a URL": url.QueryEscape, "in quotes": strconv.Quote,
		"in base 64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	} {
		address := rawServer(t, func(r *http.Request) string {
			return "HTTP/1.1 " + form(r.Header.Get("X-Plex-Token")) + " is no status\r\n\r\n"
		})
		_, err := client(t, address, token).Sections(t.Context())
		class, _ := classOf(t, err)
		if class != plexapi.Temporary || !strings.Contains(err.Error(), "malformed HTTP status code …") {
			t.Errorf("%s: error = %v", name, err)
		}
	}
}

func TestCancelledContextIsNotAFailureOfPlex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := plextest.New(token)
		s.Inject(plextest.Fault{Hang: true})
		c, err := plexapi.New(plexapi.Config{URL: "http://plex", Token: token, ClientIdentifier: "id", Transport: s.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		stopped, stop := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { stop(errors.New("a signal")) })
		late, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		for want, ctx := range map[error]context.Context{context.Canceled: stopped, context.DeadlineExceeded: late} {
			_, err := c.Sections(ctx)
			if _, is := errors.AsType[*plexapi.Error](err); is || !errors.Is(err, want) {
				t.Errorf("error = %v, want %v", err, want)
			}
		}
	})
}

func TestSlowAnswerIsTemporaryButDownForAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := plextest.New(token)
		s.LockDatabase()
		c, err := plexapi.New(plexapi.Config{URL: "http://plex", Token: token, ClientIdentifier: "id", Transport: s.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err = c.Items(t.Context(), []string{"1"})
		if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Temporary || !e.Timeout || time.Since(begin) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		id, _, err := c.Probe(t.Context())
		if class, hint := classOf(t, err); class != plexapi.Down || !strings.Contains(hint, "busy") || id.MachineIdentifier != s.Machine() {
			t.Errorf("Probe = %v, %v", id, err)
		}
		s.Inject(plextest.Fault{Prefix: "/identity", Hang: true})
		begin = time.Now()
		if _, _, err = c.Probe(t.Context()); err == nil || time.Since(begin) != 5*time.Second {
			t.Errorf("Probe after %v: %v", time.Since(begin), err)
		}
	})
}

func TestProbeSaysWhatIsWrong(t *testing.T) {
	s, good, _ := start(t)
	for _, c := range []struct {
		name    string
		client  *plexapi.Client
		prepare func()
		want    plexapi.Class
		hint    string
	}{
		{"a wrong token", client(t, s.URL(), "other"), func() {}, plexapi.Unauthorized, "plexToken"},
		{"no base path", client(t, strings.TrimSuffix(s.URL(), "/plex"), token), func() {}, plexapi.Down, "plexUrl"},
		{"the page of a router", client(t, serve(t, say("<html>welcome</html>")).URL, token), func() {}, plexapi.Down, "plexUrl"},
		{"Plex is starting", good, s.Migrate, plexapi.Down, "starting"},
		{"a library that answers half", good, func() { s.Inject(plextest.Fault{Prefix: "/library", Truncate: true}) }, plexapi.Down, "plexUrl"},
		{"a plain request where only TLS is allowed", client(t, s.URL(), token), func() { s.Inject(plextest.Fault{Reset: true}) }, plexapi.Down, "https"},
		{"Plex is off", good, s.Stop, plexapi.Down, "Plex is running"},
	} {
		c.prepare()
		_, _, err := c.client.Probe(t.Context())
		if class, hint := classOf(t, err); class != c.want || !strings.Contains(hint, c.hint) {
			t.Errorf("%s: %v", c.name, err)
		}
		s.Heal()
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if id, sections, err := good.Probe(t.Context()); err != nil || id.Version == "" || len(sections) != 1 {
		t.Errorf("Probe = %v, %v, %v after all is well", id, sections, err)
	}
}

func TestCertificateIsCheckedUnlessInsecureTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"MediaContainer":{"machineIdentifier":"m","version":%q}}`, r.Proto)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	_, err := client(t, s.URL, token).Identity(t.Context())
	if class, hint := classOf(t, err); class != plexapi.Down || !strings.Contains(hint, "insecureTLS") {
		t.Errorf("error = %v", err)
	}
	c, err := plexapi.New(plexapi.Config{URL: s.URL, Token: token, InsecureTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	if id, err := c.Identity(t.Context()); err != nil || id.Version != "HTTP/1.1" {
		t.Errorf("with insecureTLS: %v, %v", id, err)
	}
	plain := serve(t, say(""))
	_, err = client(t, strings.Replace(plain.URL, "http", "https", 1), token).Identity(t.Context())
	if class, hint := classOf(t, err); class != plexapi.Down || !strings.Contains(hint, "try http") {
		t.Errorf("https to a server without it: %v", err)
	}
	_, err = client(t, strings.Replace(s.URL, "https", "http", 1), token).Identity(t.Context())
	if class, hint := classOf(t, err); class != plexapi.Down || hint == "" {
		t.Errorf("http to a server with TLS: %v", err)
	}
}

// An idle connection that Plex has closed is replaced without an error, for writes too: repeating an edit has no effect.
func TestClosedIdleConnectionIsReplaced(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	for i := range 3 {
		set := plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: fmt.Sprint("title ", i)}}
		if err := c.Edit(t.Context(), section, plexapi.Movie, key, set); err != nil || s.Item(key).Title != fmt.Sprint("title ", i) {
			t.Fatalf("edit %d: %v, title %q", i, err, s.Item(key).Title)
		}
		s.Inject(plextest.Fault{Reset: true, After: i == 1, Times: 1})
	}
	s.Heal()
	if n := s.Count("PUT", ""); n != 5 {
		t.Errorf("%d requests, want 3 and 2 repeated ones", n)
	}
	fresh := client(t, s.URL(), token)
	s.Inject(plextest.Fault{Reset: true, Times: 1})
	_, err := fresh.Sections(t.Context())
	if class, hint := classOf(t, err); class != plexapi.Temporary || !strings.Contains(hint, "https") {
		t.Errorf("a new connection that is cut: %v", err)
	}
}

func TestServerMayCloseAfterEachAnswer(t *testing.T) {
	url := rawServer(t, func(*http.Request) string { return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" })
	c := client(t, url, token)
	for i := range 100 {
		if err := c.Rate(t.Context(), "1", nil); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
}

func TestAnswerWithoutEndIsCut(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, `{"MediaContainer":{"Metadata":[`)
	for range 17 { // a little more than bodyLimit, compressed
		fmt.Fprint(z, `{"ratingKey":"1","title":"`+strings.Repeat("x", 1<<20)+`"},`)
	}
	fmt.Fprint(z, `{}]}}`)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	})
	c, err := plexapi.New(plexapi.Config{URL: s.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10})
	if class, _ := classOf(t, err); class != plexapi.Temporary || !strings.Contains(err.Error(), "larger") {
		t.Errorf("List: %v", err)
	}
	if _, err = c.Items(t.Context(), []string{"1"}); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("Items: %v", err)
	}
}

func TestRetryAfterAndStatusAreReturned(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	s.Inject(plextest.Fault{Method: "PUT", Status: 429, Header: http.Header{"Retry-After": {"7"}}})
	err := c.Edit(t.Context(), section, plexapi.Movie, key, plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: "secret title"}})
	e, ok := errors.AsType[*plexapi.Error](err)
	if !ok || e.Class != plexapi.Temporary || e.RetryAfter != 7*time.Second || e.Status != 429 || e.Method != "PUT" || e.Path != "/library/sections/"+section+"/all" {
		t.Errorf("error = %#v", err)
	}
	if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "?") {
		t.Errorf("the error contains the query: %v", err)
	}
}

func TestInvalidAnswersAreTemporary(t *testing.T) {
	for _, body := range []string{
		"", "null", "[]", "7", `"x"`, "{}", "<html></html>", `{"MediaContainer":null}`, `{"MediaContainer":[]}`, `{"MediaContainer":{}`,
		`{"MediaContainer":{"Metadata":"x","Directory":"x"}}`, `{"MediaContainer":{"Metadata":[[]],"Directory":[[]]}}`,
		`{"MediaContainer":{"Metadata":[{"ratingKey":{}}],"Directory":[{"key":{}}]}}`,
		`{"MediaContainer":{"Metadata":[7,"x"],"Directory":[7,"x"]}}`,
	} {
		c := client(t, serve(t, say(body)).URL, token)
		_, identity := c.Identity(t.Context())
		_, sections := c.Sections(t.Context())
		_, items := c.Items(t.Context(), []string{"1"})
		_, list := c.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10})
		for name, err := range map[string]error{"Identity": identity, "Sections": sections, "Items": items, "List": list} {
			if class, _ := classOf(t, err); class != plexapi.Temporary {
				t.Errorf("%s of %s: %v", name, body, err)
			}
		}
	}
}

func TestOddButReadableAnswersAreRead(t *testing.T) {
	row := `{"ratingKey":1049,"title":7,"rating":6.5,"Rating":[{"value":9}],"guid":"x","Guid":[{"id":"y"}],"userRating":"7.5","Genre":{"tag":"G"},"studio":"S","Studio":[{"tag":"T"}],` +
		`"Role":null,"Field":{"name":"genre","locked":"1"},"Media":{"deletedAt":true,"Part":{"id":827,"file":"/a.mp4","size":"42","duration":5129000.0}}}`
	junk := `{"title":"without a key"},{"ratingKey":"12345678901234567890"},{"ratingKey":"x"},null`
	for _, c := range []struct {
		name, body       string
		received, offset int
	}{
		{"a lone item", `{"x":[1],"MediaContainer":{"totalSize":"9","librarySectionID":26,"Metadata":` + row + `,"size":1}}`, 1, 3},
		{"items without a usable key", `{"MediaContainer":{"Metadata":[` + junk + `,` + row + `],"totalSize":9,"offset":"7","librarySectionID":"26"}}`, 5, 7},
	} {
		cl := client(t, serve(t, say(c.body)).URL, token)
		p, err := cl.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Start: 3, Size: 10})
		if err != nil || p.TotalSize != 9 || p.Offset != c.offset || p.Received != c.received || len(p.Rows) != 1 || p.Rows[0].RatingKey != "1049" ||
			len(p.Rows[0].Parts) != 1 || p.Rows[0].Parts[0] != (plexapi.Part{ID: "827", File: "/a.mp4", Size: 42, DurationMS: 5129000, Deleted: true}) {
			t.Errorf("%s: List = %+v, %v", c.name, p, err)
		}
		items, err := cl.Items(t.Context(), []string{"1049"})
		if err != nil || len(items) != 1 || items[0].SectionID != "26" || items[0].Title != "7" || *items[0].UserRating != 7.5 || items[0].Studio != "S" ||
			len(items[0].Tags[plexapi.Genre]) != 1 || !items[0].Locked["genre"] {
			t.Errorf("%s: Items = %+v, %v", c.name, items, err)
		}
	}
	odd := `{"MediaContainer":{"Metadata":[{"ratingKey":"1","addedAt":"soon","updatedAt":[],"userRating":"","Media":[{"Part":[{"file":"/a.mp4","size":"x","duration":{}}]}]}]}}`
	cl := client(t, serve(t, say(odd)).URL, token)
	if p, err := cl.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10}); err != nil || len(p.Rows) != 1 || p.Rows[0].Parts[0].Size != 0 {
		t.Errorf("a row with odd numbers: %+v, %v", p, err)
	}
	if items, err := cl.Items(t.Context(), []string{"1"}); err != nil || len(items) != 1 || items[0].UserRating != nil {
		t.Errorf("an item with odd numbers: %+v, %v", items, err)
	}
	cl = client(t, serve(t, say(`{"MediaContainer":{"size":0,"Directory":{"key":7}}}`)).URL, token)
	if p, err := cl.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10}); err != nil || len(p.Rows) != 0 || p.TotalSize != -1 {
		t.Errorf("an empty page: %+v, %v", p, err)
	}
	if all, err := cl.Sections(t.Context()); err != nil || len(all) != 1 || all[0].ID != "7" {
		t.Errorf("a lone library: %+v, %v", all, err)
	}
	cl = client(t, serve(t, say(`{"MediaContainer":{"Directory":[null,{"key":"x"},{"key":"1/../2"},{}]}}`)).URL, token)
	if all, err := cl.Sections(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("libraries without a usable key: %+v, %v", all, err)
	}
}
