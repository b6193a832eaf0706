package stashapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const key = "the-api-key-0123"

// locked returns a Stash with a login, and a client that has a session of the user. It is called in a bubble.
func locked(t *testing.T, s *stashtest.Server) *stashapi.Client {
	t.Helper()
	s.RequireLogin(key, 3600)
	name, value, _ := strings.Cut(s.Session(), "=")
	conn := stashtest.Connection()
	conn.SessionCookie = &http.Cookie{Name: name, Value: value}
	c, err := stashapi.New(conn, stashapi.Options{Transport: s.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRequestsRenewTheSession(t *testing.T) {
	s, _ := start(t)
	synctest.Test(t, func(t *testing.T) {
		c := locked(t, s)
		for hour := range 4 {
			if _, err := c.Version(t.Context()); err != nil {
				t.Fatalf("query %d: %v", hour, err)
			}
			<-time.After(50 * time.Minute)
		}
		<-time.After(time.Hour)
		_, err := c.Version(t.Context())
		if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() || e.Status != http.StatusUnauthorized {
			t.Errorf("after the session's end: %v", err)
		}
	})
}

func TestKeepLoginOutlastsTheSession(t *testing.T) {
	s, _ := start(t)
	synctest.Test(t, func(t *testing.T) {
		c := locked(t, s)
		if err := c.KeepLogin(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(3 * time.Hour)
		s.Forget()
		for range 2 {
			id, err := c.RunPluginTask(t.Context(), "p", "T", "D", map[string]any{"mode": "x"})
			if err != nil || id == "" {
				t.Fatalf("after the session's end: %v", err)
			}
		}
		if n := s.Asked(); n != 2 {
			t.Errorf("%d tasks, want 2", n)
		}
		s.RequireLogin("another", 3600) // the user made a new key
		if _, err := c.Version(t.Context()); err == nil {
			t.Error("a key that is no longer valid was accepted")
		}
	})
}

func TestErrorsShowNeitherSessionNorKey(t *testing.T) {
	s, _ := start(t)
	synctest.Test(t, func(t *testing.T) {
		c := locked(t, s)
		if err := c.KeepLogin(t.Context()); err != nil {
			t.Fatal(err)
		}
		secrets := c.Secrets()
		// Two or three: Stash writes a session's values in any order, so that its answer may hold another session than the first.
		if len(secrets) < 2 || secrets[len(secrets)-1] != key {
			t.Fatalf("%d secrets", len(secrets))
		}
		check := func(err error) {
			t.Helper()
			for _, secret := range append(secrets, c.Secrets()...) {
				if err == nil || strings.Contains(err.Error(), secret) {
					t.Errorf("error: %v", err)
				}
			}
		}
		for _, f := range []stashtest.Fault{{Status: 500}, {Status: 302}, {Reset: true}, {Truncate: true}, {Hang: true}, {Message: "no"}} {
			f.Times = 1
			s.Inject(f)
			_, err := c.Version(t.Context())
			check(err)
		}
		s.RequireLogin("another", 3600)
		<-time.After(2 * time.Hour)
		_, err := c.Version(t.Context())
		check(err)
	})
}

func TestCertificateOfTheOwnStashIsNotVerified(t *testing.T) {
	s, err := stashtest.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.StartTLS(); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	c, err := stashapi.New(common.StashServerConnection{Scheme: "https", Host: "0.0.0.0", Port: s.Port()}, stashapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if version, err := c.Version(t.Context()); err != nil || version == "" {
		t.Errorf("Version = %q, %v", version, err)
	}
}

// against returns a client for a handler on the network.
func against(t *testing.T, h http.HandlerFunc) *stashapi.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	c, err := stashapi.New(common.StashServerConnection{
		Scheme: "http", Host: u.Hostname(), Port: port, SessionCookie: &http.Cookie{Name: "session", Value: "s3cr3t", Path: "/x", Domain: "x"},
	}, stashapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRequestsHaveAUserAgentAndAreNotRedirected(t *testing.T) {
	asked := 0
	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if got := r.Header.Get("Cookie"); got != "session=s3cr3t" {
			t.Errorf("Cookie: %s", got)
		}
		if got := r.Header.Get("User-Agent"); got != "stash-plex-sync" {
			t.Errorf("User-Agent: %s", got)
		}
		http.Redirect(w, r, "/login", http.StatusFound)
	})
	_, err := c.Version(t.Context())
	if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() || e.Status != http.StatusFound || asked != 1 {
		t.Errorf("%d requests, %v", asked, err)
	}
}

func TestAnswersThatAreNotStashsMeanItIsUnavailable(t *testing.T) {
	long := `{"data":{"version":{"version":"` + strings.Repeat("x", 33<<20) + `"}}}`
	for name, answer := range map[string]string{"a page": "<html>", "nothing": "", "another answer": `{"data":{}}`, "too much": long} {
		c := against(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(answer)) })
		_, err := c.Version(t.Context())
		if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() {
			t.Errorf("%s: %v", name, err)
		}
		if name == "too much" && !strings.Contains(err.Error(), "the answer is larger than expected") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyStashSaysThatASceneIsGoneOrARunIsQueued(t *testing.T) {
	for _, answer := range []string{`{}`, `{"data":null}`, `{"data":{"findScene":null,"runPluginTask":""}}`} {
		c := against(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) })
		got, sceneErr := c.Scenes(t.Context(), []int{1})
		id, runErr := c.RunPluginTask(t.Context(), "p", "Task", "what it is", nil)
		for _, err := range []error{sceneErr, runErr} {
			if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() {
				t.Errorf("%s: scenes %+v, run %q, %v", answer, got, id, err)
			}
		}
	}
}

func TestListingThatDoesNotAdvanceIsRefused(t *testing.T) {
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"data":{"findScenes":{"count":9,"scenes":[{"id":"1"},{"id":"2"}]}}}`))
	})
	first, err := c.AllScenes(t.Context(), 0, 2)
	if err != nil || len(first.Scenes) != 2 {
		t.Fatalf("AllScenes = %+v, %v", first, err)
	}
	if again, err := c.AllScenes(t.Context(), 2, 2); err == nil {
		t.Errorf("the same page follows itself: %+v", again)
	}
}

func TestNullErrorIsARefusal(t *testing.T) {
	c := against(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"errors":[null],"data":null}`)) })
	_, err := c.Version(t.Context())
	if e, ok := errors.AsType[*stashapi.Error](err); !ok || e.Unavailable() {
		t.Errorf("Version: %v", err)
	}
}

func TestQueryThatIsTooNewForStashIsRefusedNotUnavailable(t *testing.T) {
	c := against(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		w.Write([]byte(`{"errors":[{"message":"Cannot query field"}],"data":null}`))
	})
	_, err := c.Version(t.Context())
	if e, ok := errors.AsType[*stashapi.Error](err); !ok || e.Unavailable() {
		t.Errorf("Version: %v", err)
	}
}

func TestUnusableAddressIsReported(t *testing.T) {
	for _, conn := range []common.StashServerConnection{{Scheme: "ftp", Host: "x", Port: 1}, {Scheme: "http", Host: "x"}, {Host: "x", Port: 1}} {
		if _, err := stashapi.New(conn, stashapi.Options{}); err == nil {
			t.Errorf("%+v is accepted", conn)
		}
	}
}

// A text that is cut inside a secret would show the beginning of the secret.
func TestSecretsAreRemovedBeforeAMessageIsCut(t *testing.T) {
	s, _ := start(t)
	synctest.Test(t, func(t *testing.T) {
		c := locked(t, s)
		c.AddSecret("the-token-of-plex-0123456789")
		if err := c.KeepLogin(t.Context()); err != nil {
			t.Fatal(err)
		}
		for pad := 200; pad < 300; pad++ {
			message := strings.Repeat("x", pad) + " the-token-of-plex-0123456789 " + key
			s.Inject(stashtest.Fault{Operation: "Version", Message: message, Times: 1})
			_, err := c.Version(t.Context())
			if err == nil || strings.Contains(err.Error(), "the-t") || strings.Contains(err.Error(), key[:9]) {
				t.Errorf("error: %v", err)
			}
		}
	})
}
