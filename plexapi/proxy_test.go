package plexapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestProxyIsUsedForPublicHostsOnly(t *testing.T) {
	there := &url.URL{Scheme: "http", Host: "proxy.invalid:3128"}
	for host, local := range map[string]bool{
		"10.0.0.5": true, "172.16.3.4": true, "172.32.0.1": false, "192.168.1.5": true, "169.254.7.7": true, "127.0.0.1": true, "203.0.113.5": false, "8.8.8.8": false,
		"[fd12::1]": true, "[fe80::1%25eth0]": true, "[::1]": true, "[::ffff:10.0.0.5]": true, "[2001:db8::1]": false,
		"nas": true, "NAS": true, "localhost": true, "nas.local": true, "nas.local.": true, "Plex.LAN": true, "plex.home.arpa": true,
		"plex.example.com": false, "lan.example.com": false, "local": true, "mylocal.example": false, "plexlan.com": false,
		"10-0-0-5.0123456789abcdef.plex.direct": true, "192-168-1-5.0123456789abcdef.plex.direct.": true, "fd00--5.0123456789abcdef.plex.direct": true,
		"203-0-113-5.0123456789abcdef.plex.direct": false, "2001-db8--5.0123456789abcdef.plex.direct": false, "x.plex.direct": false, "plex.direct": false,
	} {
		r := &http.Request{URL: &url.URL{Scheme: "https", Host: host + ":32400"}}
		if u, err := url.Parse("https://" + host + ":32400"); err == nil {
			r.URL = u
		}
		got, err := proxyOf(r, func(*http.Request) (*url.URL, error) { return there, nil })
		if err != nil || (got == nil) != local {
			t.Errorf("%s: proxy %v, %v, want none: %v", host, got, err, local)
		}
	}
}

func TestInvalidProxyIsReportedWithoutItsPassword(t *testing.T) {
	r := &http.Request{URL: &url.URL{Scheme: "https", Host: "plex.example.com"}}
	_, err := proxyOf(r, func(*http.Request) (*url.URL, error) { return nil, errors.New("http://me:secret@%zz") })
	if !errors.Is(err, errProxy) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v", err)
	}
}

func TestProxyThatRefusesToConnectIsNamed(t *testing.T) {
	for _, status := range []int{302, 403, 407, 500, 502, 503, 599} {
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect || r.Header.Get("X-Plex-Token") != "" {
				t.Errorf("the proxy got %s with token %q", r.Method, r.Header.Get("X-Plex-Token"))
			}
			w.WriteHeader(status)
			io.WriteString(w, "<html>no</html>")
		}))
		defer p.Close()
		c, err := New(Config{URL: "https://plex.example.com:32400", Token: "secret-token"})
		if err != nil {
			t.Fatal(err)
		}
		address, err := url.Parse(p.URL)
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.UserPassword("me", "password")
		c.transport.(*http.Transport).Proxy = http.ProxyURL(address)
		for _, probe := range []bool{false, true} {
			_, err = c.sections(t.Context(), probe)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Class != Down || !strings.Contains(e.Hint, "NO_PROXY") || strings.Contains(e.Error(), "password") ||
				!strings.Contains(e.Error(), fmt.Sprintf("the proxy in HTTPS_PROXY answered %d", status)) {
				t.Errorf("CONNECT answered %d: %v", status, err)
			}
		}
	}
}
