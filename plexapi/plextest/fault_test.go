package plextest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func TestFaultAffectsOnlyMatchingRequests(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	s.Inject(plextest.Fault{
		Match:  func(r plextest.Request) bool { return strings.Contains(r.Query, "title.value=b") },
		Status: 500, Skip: 1, Times: 1,
	})
	for i, c := range []struct {
		title  string
		status int
	}{{"a", 200}, {"b1", 200}, {"a", 200}, {"b2", 500}, {"b3", 200}} {
		want(t, s, c.status, "PUT", edit(section, key, "title.value", c.title))
		if r := s.Requests()[i]; r.Faulty != (c.status == 500) {
			t.Errorf("request %d: %+v", i, r)
		}
	}
	s.Inject(plextest.Fault{Refuse: true, Times: 1})
	if _, err := send(t, s, "GET", "/identity"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused: %v", err)
	}
	s.Inject(plextest.Fault{Status: 200, Empty: true, Times: 1})
	res, err := send(t, s, "GET", "/identity")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); err != nil || len(body) != 0 {
		t.Errorf("an empty answer: %q, %v", body, err)
	}
}

func TestFaultAfterTheRequestKeepsItsEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, section := open(t)
		for name, f := range map[string]plextest.Fault{
			"late": {Delay: time.Minute}, "cut": {Truncate: true}, "lost": {Reset: true}, "refused": {Refuse: true},
			"another": {Status: 502}, "another and late": {Status: 200, Body: "<html>", Delay: time.Second},
		} {
			s.AddHidden(section, "/data/"+name+"/a.mp4", 1)
			before := len(s.Scans())
			f.After, f.Times = true, 1
			s.Inject(f)
			begin := time.Now()
			res, err := send(t, s, "GET", "/library/sections/"+section+"/refresh")
			status := 0
			if err == nil {
				status = res.StatusCode
			}
			if wantStatus := map[string]int{"late": 200, "another": 502, "another and late": 200}[name]; status != wantStatus || time.Since(begin) != f.Delay {
				t.Errorf("%s: status %d, %v, after %v; want %d after %v", name, status, err, time.Since(begin), wantStatus, f.Delay)
			}
			if n := len(s.Scans()) - before; n != 1 {
				t.Errorf("%s: it took effect %d times", name, n)
			}
		}
		key := s.AddItem(section, "/b.mp4", 1)
		s.Inject(plextest.Fault{Truncate: true, After: true, Times: 1})
		res, err := send(t, s, "GET", "/library/metadata/"+key)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
			t.Errorf("a cut body: %s, %v", body, err)
		}
	})
}

func TestFaultDelaysTheRequestUntilAChannelCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, section := open(t)
		key := s.AddItem(section, "/a.mp4", 1)
		held := make(chan struct{})
		s.Inject(plextest.Fault{Until: held, Times: 1})
		answered := make(chan error, 1)
		go func() {
			_, err := send(t, s, "PUT", edit(section, key, "title.value", "Held"))
			answered <- err
		}()
		synctest.Wait()
		if len(answered) > 0 || s.Item(key).Title == "Held" {
			t.Error("the request was carried out at once")
		}
		close(held)
		if err := <-answered; err != nil || s.Item(key).Title != "Held" {
			t.Errorf("title %q, %v", s.Item(key).Title, err)
		}
	})
}

func TestFaultsAffectMatchingRequestsAndExpire(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	s.Inject(plextest.Fault{Method: "PUT", Prefix: "/library", Times: 2, Status: 418, Header: http.Header{"Retry-After": {"7"}}, Body: "tea"})
	want(t, s, 200, "GET", "/library/sections")
	want(t, s, 200, "PUT", "/:/rate?identifier=com.plexapp.plugins.library&rating=1&key="+key)
	for range 2 {
		res, err := send(t, s, "PUT", edit(section, key, "title.value", "x"))
		if err != nil || res.StatusCode != 418 || res.Header.Get("Retry-After") != "7" {
			t.Errorf("answer = %v, %v", res, err)
		}
	}
	want(t, s, 200, "PUT", edit(section, key, "title.value", "x"))

	s.Migrate()
	if status, body := ask(t, s, "GET", "/identity"); status != 503 || !strings.Contains(body, `title="Maintenance"`) {
		t.Errorf("while it starts: %d %s", status, body)
	}
	s.Heal()
	want(t, s, 200, "GET", "/identity")

	s.Inject(plextest.Fault{Reset: true, After: true, Times: 1})
	if _, err := send(t, s, "PUT", edit(section, key, "title.value", "y")); !errors.Is(err, syscall.ECONNRESET) || s.Item(key).Title != "y" {
		t.Errorf("an answer that is lost: %v, title %q", err, s.Item(key).Title)
	}
	s.Inject(plextest.Fault{Reset: true, Times: 1})
	if _, err := send(t, s, "PUT", edit(section, key, "title.value", "z")); err == nil || s.Item(key).Title != "y" {
		t.Errorf("a request that is lost: %v, title %q", err, s.Item(key).Title)
	}
	s.Inject(plextest.Fault{Truncate: true, Times: 1})
	res, err := send(t, s, "GET", "/library/sections")
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
		t.Errorf("a cut body: %s, %v", body, err)
	}
	s.Refuse(true)
	if _, err := send(t, s, "GET", "/identity"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused: %v", err)
	}
	s.Refuse(false)
	s.Forget()
	want(t, s, 200, "GET", "/identity")
	if s.Count("", "") != 1 || s.Count("GET", "/identity") != 1 || s.Count("PUT", "") != 0 {
		t.Errorf("log: %v", s.Requests())
	}
}
