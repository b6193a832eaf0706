package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	page       = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>"
	nginxLogin = "HTTP/1.1 401 Unauthorized\r\nServer: nginx/1.25.3\r\nContent-Type: text/html\r\nWWW-Authenticate: Basic realm=\"Restricted\"\r\nConnection: close\r\n\r\n" +
		"<html><head><title>401 Authorization Required</title></head><body><center><h1>401 Authorization Required</h1></center><hr><center>nginx/1.25.3</center></body></html>"
	portalLogin = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + page
	firewall    = "HTTP/1.1 403 Forbidden\r\nServer: cloudflare\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + page
	always      = 1 << 30
)

func TestLoginInFrontOfPlexIsNamedAndNeverTheToken(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	f := stand(t, w.plex, "", false)
	w.settings(map[string]any{"plexUrl": f.url})
	w.bulk("New", 1)
	for _, c := range []struct{ answer, to, want string }{
		{nginxLogin, "", "something in front of Plex (nginx/1.25.3) answered 401 Unauthorized to GET /identity; it asks for a login of its own"},
		{nginxLogin, "/library/sections", "something in front of Plex (nginx/1.25.3) answered 401 Unauthorized to GET /library/sections; it asks for a login of its own"},
		{portalLogin, "", "answered 200 to GET /identity: a web page, not Plex"},
		{firewall, "/library/sections", "something in front of Plex (cloudflare) answered 403 Forbidden to GET /library/sections"},
	} {
		f.say(c.answer, c.to, always)
		check, process := w.checked(w.op(map[string]any{"mode": "check"}), "Plex"), fmt.Sprint(w.process()["stopped"])
		for name, text := range map[string]string{"check": check, "process": process} {
			if !strings.Contains(text, c.want) || !strings.Contains(text, "plexUrl") || strings.Contains(strings.ToLower(text), "token") {
				t.Errorf("%s: %s, want %s", name, text, c.want)
			}
		}
		if n := w.count("job WHERE attempts + misses = 0"); n != 1 {
			t.Errorf("%s: %d jobs without a charge, want 1", c.want, n)
		}
	}
	f.say("", "", 0)
	w.process()
	w.wantTitle(1, "New")
}

func TestWebPageInsteadOfAnEditIsNoSuccess(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	f := stand(t, w.plex, "", false)
	w.settings(map[string]any{"plexUrl": f.url})
	w.bulk("Old", 1)
	w.process()
	w.bulk("New", 1)
	f.say(portalLogin, "/library/sections/"+w.section+"/all", always)
	if out := w.process(); out["retrying"] != 1.0 || len(w.logged("something in front of Plex (nginx) answered 200 to PUT")) == 0 {
		t.Errorf("process = %v, and the log does not say that a web page answered", out)
	}
	w.wantTitle(1, "Old")
	f.say("", "", 0)
	w.pass(time.Minute)
	w.process()
	w.wantTitle(1, "New")
}

func TestProxyOfTheEnvironmentThatRefusesIsNamed(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusBadGateway, http.StatusServiceUnavailable} {
		var asked atomic.Int32
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodConnect {
				asked.Add(1)
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(p.Close)
		t.Setenv("HTTPS_PROXY", p.URL)
		w := newWorld(t, 1)
		w.settings(map[string]any{"plexUrl": "https://plex.example.com:32400"})
		got := w.checked(w.op(map[string]any{"mode": "check"}), "Plex")
		if !strings.Contains(got, fmt.Sprintf("the proxy in HTTPS_PROXY answered %d", status)) || !strings.Contains(got, "NO_PROXY") || asked.Load() == 0 {
			t.Errorf("after %d questions: %s", asked.Load(), got)
		}
	}
}
