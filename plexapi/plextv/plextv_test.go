package plextv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// A lab is a client and the plex.tv that it reaches over TLS, under its real names.
type lab struct {
	*testing.T
	tv *plextest.TV
	*Client
	net *plextest.TVNet
}

const accountToken = "account-token-0123456789"

func newLab(t *testing.T) *lab {
	t.Helper()
	return labValid(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

// labValid returns a lab whose certificates are valid from begin to end.
func labValid(t *testing.T, begin, end time.Time) *lab {
	t.Helper()
	tv := plextest.NewTV()
	n, err := tv.Start(begin, end)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(n.Authority())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
		Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(n.URL()) },
	}
	t.Cleanup(transport.CloseIdleConnections)
	tv.SetAccount(accountToken, "alice")
	return &lab{t, tv, New(Config{ClientIdentifier: "client-1", Version: "1.2.3", Transport: transport}), n}
}

func TestSignInByPIN(t *testing.T) {
	for _, strong := range []bool{true, false} {
		l := newLab(t)
		p, err := l.NewPin(t.Context(), strong)
		if err != nil || p.Token != "" || p.Expires < time.Minute {
			t.Fatalf("%+v, %v", p, err)
		}
		if page := l.SignInPage(p); !strings.HasPrefix(page, "https://app.plex.tv/auth#?") || !strings.Contains(page, "code="+p.Code) || !strings.Contains(page, "clientID=client-1") {
			t.Errorf("page %s", page)
		}
		if short := len(p.Code) == 4; short == strong {
			t.Errorf("strong %v, code %q", strong, p.Code)
		}
		if again, err := l.Poll(t.Context(), p.ID); err != nil || again.Token != "" {
			t.Errorf("before it is confirmed: %+v, %v", again, err)
		}
		if !l.tv.Claim(p.Code, accountToken) {
			t.Fatal("no such PIN")
		}
		again, err := l.Poll(t.Context(), p.ID)
		if err != nil || again.Token != accountToken {
			t.Fatalf("confirmed: %+v, %v", again, err)
		}
		if who, err := l.Account(t.Context(), again.Token); err != nil || who.Name != "alice" {
			t.Errorf("account %+v, %v", who, err)
		}
	}
}

func TestPinExpires(t *testing.T) {
	l := newLab(t)
	p, err := l.NewPin(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	l.tv.SetClock(func() time.Time { return time.Now().Add(p.Expires + time.Second) })
	_, err = l.Poll(t.Context(), p.ID)
	wantClass(t, err, Expired, "start the sign-in again")
}

func wantClass(t *testing.T, err error, class Class, hint string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Class != class || !strings.Contains(err.Error(), hint) {
		t.Errorf("%v is of class %v, want %s with %q", err, e, class, hint)
	}
	if err != nil && strings.Contains(err.Error(), accountToken) {
		t.Errorf("the token is in %v", err)
	}
}

func TestFailuresOfTheSite(t *testing.T) {
	for name, c := range map[string]struct {
		fault plextest.TVFault
		class Class
		hint  string
	}{
		"refused":     {plextest.TVFault{Status: 401}, Refused, "sign in again"},
		"forbidden":   {plextest.TVFault{Status: 403}, Odd, "try again later"},
		"limited":     {plextest.TVFault{Status: 429, Header: http.Header{"Retry-After": {"30"}}}, Limited, "wait"},
		"maintenance": {plextest.TVFault{Status: 503, Body: "<html>"}, Odd, "plex.tv answered 503"},
		"redirected":  {plextest.TVFault{Status: 302, Header: http.Header{"Location": {"http://127.0.0.1:1/"}}}, Odd, "302"},
		"a web page":  {plextest.TVFault{Status: 200, Body: "<html>portal</html>"}, Odd, "not in the expected format"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.tv.Inject(c.fault)
			_, err := l.Account(t.Context(), accountToken)
			wantClass(t, err, c.class, c.hint)
			_, err = l.Servers(t.Context(), accountToken)
			wantClass(t, err, c.class, c.hint)
			if name == "limited" {
				if e, _ := errors.AsType[*Error](err); e.RetryAfter != 30*time.Second {
					t.Errorf("RetryAfter = %v", e.RetryAfter)
				}
			}
		})
	}
}

func TestSiteThatCannotBeReached(t *testing.T) {
	l := newLab(t)
	l.net.Stop()
	_, err := l.NewPin(t.Context(), true)
	wantClass(t, err, Unreachable, "HTTPS_PROXY")

	l = labValid(t, time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	_, err = l.NewPin(t.Context(), true)
	wantClass(t, err, Clock, "correct the clock")

	l = labValid(t, time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
	_, err = l.NewPin(t.Context(), true)
	wantClass(t, err, Clock, "correct the clock")
}

func TestAnotherCertificateIsRefused(t *testing.T) {
	l := newLab(t)
	n, err := l.tv.Start(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)) // of another authority
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	transport := l.transport.(*http.Transport).Clone()
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(n.URL()) }
	c := New(Config{ClientIdentifier: "client-1", Transport: transport})
	_, err = c.Account(t.Context(), accountToken)
	wantClass(t, err, Unreachable, "no certificate of plex.tv")
	if got := l.tv.Requests(); len(got) != 0 {
		t.Errorf("requests %+v", got)
	}
}

func TestSlowSite(t *testing.T) {
	l := newLab(t)
	l.tv.Inject(plextest.TVFault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.NewPin(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the caller's limit: %v", err)
	}
	wantClass(t, failed("create a PIN", context.DeadlineExceeded), Slow, "try again")
}

func TestServersOfAnAccount(t *testing.T) {
	l := newLab(t)
	conn := func(address string, local, relay bool) plextest.TVConnection {
		return plextest.TVConnection{Address: address, Port: 32400, URI: "https://" + strings.ReplaceAll(address, ".", "-") + ".abc.plex.direct:32400", Local: local, Relay: relay}
	}
	l.tv.SetAccount(accountToken, "alice",
		plextest.TVServer{Name: "Player", Provides: "client,player", ClientIdentifier: "p"},
		plextest.TVServer{
			Name: "NAS", Provides: "server", ClientIdentifier: "m1", AccessToken: "server-token", Owned: true, Presence: true,
			Connections: []plextest.TVConnection{conn("203.0.113.9", false, false), conn("198.51.100.1", false, true), conn("172.17.0.2", true, false), conn("192.168.1.5", true, false), {Address: "fd00::5", Port: 32400, URI: "https://[fd00::5]:32400", Local: true}},
		},
		plextest.TVServer{Name: "Friend's", Provides: "server", ClientIdentifier: "m2", HTTPSRequired: true, Connections: []plextest.TVConnection{conn("192.0.2.1", false, false), {URI: "javascript:alert(1)"}, {URI: "https://user:pass@host/"}}},
	)
	servers, err := l.Servers(t.Context(), accountToken)
	if err != nil || len(servers) != 2 {
		t.Fatalf("%+v, %v", servers, err)
	}
	if s := servers[0]; s.Name != "NAS" || !s.Owned || s.Token != "server-token" || s.MachineID != "m1" {
		t.Errorf("%+v", s)
	}
	var urls []string
	for _, a := range servers[0].Addresses() {
		urls = append(urls, a.URL)
	}
	want := []string{
		"https://172-17-0-2.abc.plex.direct:32400", "https://192-168-1-5.abc.plex.direct:32400", "https://[fd00::5]:32400",
		"http://172.17.0.2:32400", "http://192.168.1.5:32400", "http://[fd00::5]:32400",
		"https://203-0-113-9.abc.plex.direct:32400", "http://203.0.113.9:32400", "https://198-51-100-1.abc.plex.direct:32400",
	}
	if !slices.Equal(urls, want) {
		t.Errorf("addresses %q, want %q", urls, want)
	}
	if got := servers[1].Addresses(); len(got) != 1 || got[0].URL != "https://192-0-2-1.abc.plex.direct:32400" {
		t.Errorf("addresses of a server that requires https: %+v", got)
	}
}

// A PIN is read only by the client that created it.
func TestPinOfAnotherClient(t *testing.T) {
	l := newLab(t)
	p, err := l.NewPin(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	l.tv.Claim(p.Code, accountToken)
	other := New(Config{ClientIdentifier: "client-2", Transport: l.transport})
	_, err = other.Poll(t.Context(), p.ID)
	wantClass(t, err, Expired, "")
}

func TestTokensAreSentInAHeaderOnly(t *testing.T) {
	l := newLab(t)
	if _, err := l.Account(t.Context(), accountToken); err != nil {
		t.Fatal(err)
	}
	for _, r := range l.tv.Requests() {
		if strings.Contains(r.Path+r.Query, accountToken) || r.Header.Get("X-Plex-Token") != accountToken {
			t.Errorf("%+v", r)
		}
	}
	for _, host := range l.net.Asked() {
		if host != "plex.tv:443" {
			t.Errorf("asked for %s", host)
		}
	}
}
