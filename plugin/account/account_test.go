package account

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextv"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
)

const (
	accountToken = "account-token-0123456789"
	serverToken  = "server-token-0123456789"
)

// A lab is a Desk with a plex.tv and a Plex.
type lab struct {
	*testing.T
	*Desk
	tv   *plextest.TV
	net  *plextest.TVNet
	plex *plextest.Server
	late time.Duration // how far the clock has moved on
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{T: t, tv: plextest.NewTV(), plex: plextest.New(serverToken)}
	var err error
	if l.net, err = l.tv.Start(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.net.Stop)
	l.plex.AddSection("Videos", "movie")
	if err := l.plex.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.plex.Stop)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.net.Authority())
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		Proxy:           func(*http.Request) (*url.URL, error) { return url.Parse(l.net.URL()) },
	}
	t.Cleanup(transport.CloseIdleConnections)
	now := func() time.Time { return time.Now().Add(l.late) }
	l.tv.SetClock(now)
	l.Desk = &Desk{
		Dir: filepath.Join(t.TempDir(), "data"), Client: func(context.Context) (string, error) { return "client-1", nil }, Version: "1", Now: now, Plex: plexapi.New,
		TV: func(client string) *plextv.Client {
			return plextv.New(plextv.Config{ClientIdentifier: client, Transport: transport})
		},
	}
	l.tv.SetAccount(accountToken, "alice", l.server(l.plex.Machine(), true))
	return l
}

// server describes the lab's Plex as plex.tv does: with an address of a container that does not answer, one of plex.direct
// that does not resolve, and the one that works.
func (l *lab) server(machine string, owned bool) plextest.TVServer {
	u, err := url.Parse(l.plex.URL())
	if err != nil {
		l.Fatal(err)
	}
	var port int
	fmt.Sscan(u.Port(), &port)
	return plextest.TVServer{
		Name: "NAS", Provides: "server", ClientIdentifier: machine, AccessToken: serverToken, Owned: owned, Presence: true,
		Connections: []plextest.TVConnection{
			{Address: "127.0.0.1", Port: 1, URI: "https://127-0-0-1.invalid:1", Local: true},
			{Address: "127.0.0.1", Port: port, URI: "https://no-such-name.invalid:32400", Local: true},
		},
	}
}

// signIn returns the handle of the sign-in.
func (l *lab) signIn() string {
	l.Helper()
	s, err := l.Start(l.Context(), true)
	if err != nil {
		l.Fatal(err)
	}
	if st, err := l.Poll(l.Context(), s.Handle); err != nil || st.State != Pending {
		l.Fatalf("before it is confirmed: %+v, %v", st, err)
	}
	if !l.tv.Claim(s.Code, accountToken) {
		l.Fatal("no such PIN")
	}
	l.wantState(s.Handle, Claimed)
	return s.Handle
}

func (l *lab) wantState(handle, state string) {
	l.Helper()
	st, err := l.Poll(l.Context(), handle)
	if err != nil || st.State != state || st.Text == "" || st.Remedy == "" {
		l.Errorf("%+v, %v; want %s", st, err, state)
	}
}

// chosen reads what is stored.
func (l *lab) chosen() Account {
	l.Helper()
	a, err := Load(l.Dir)
	if err != nil {
		l.Fatal(err)
	}
	return a
}

// connection is the one of settings without an address and a token.
func (l *lab) connection() (Connection, error) {
	set, invalid := settings.Parse(nil)
	return Connect(set, invalid, l.chosen())
}

func TestSignInAndChooseAServer(t *testing.T) {
	l := newLab(t)
	l.signIn()
	found, err := l.Servers(t.Context(), "")
	if err != nil || len(found) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	f := found[0]
	if f.Best != l.plex.URL() || f.Name != "NAS" || f.Problem != "" || len(f.Addresses) != 4 {
		t.Errorf("%+v, want %s preselected", f, l.plex.URL())
	}
	for _, one := range f.Addresses {
		if one.OK != (one.URL == l.plex.URL()) || one.OK == (one.Problem != "") {
			t.Errorf("%+v", one)
		}
	}
	s, err := l.Choose(t.Context(), f.MachineID, f.Best, "")
	if err != nil || s.Token != serverToken {
		t.Fatalf("%+v, %v", s, err)
	}
	c, err := l.connection()
	if err != nil || c.URL != l.plex.URL() || c.Token != serverToken || c.MachineID != l.plex.Machine() || !c.SignedIn {
		t.Errorf("%+v, %v", c, err)
	}
	if fi, err := os.Stat(filepath.Join(l.Dir, File)); err != nil || fi.Mode().Perm() != 0o600 || Risk(l.Dir) != "" {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if err := SignOut(l.Context(), l.Dir); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(l.Dir, File))
	if err != nil || strings.Contains(string(content), "token") || l.chosen().Client != "client-1" {
		t.Errorf("after the sign-out: %s, %v", content, err)
	}
}

func TestStatesOfASignIn(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(l *lab)
		state string
	}{
		"takes too long":      {func(l *lab) { l.late = 31 * time.Minute }, Expired},
		"unknown to plex.tv":  {func(l *lab) { l.tv.SetClock(func() time.Time { return time.Now().Add(time.Hour) }) }, Expired},
		"another was started": {func(l *lab) { l.Start(l.Context(), true) }, Replaced},
		"signed out":          {func(l *lab) { SignOut(l.Context(), l.Dir) }, Replaced},
		"limited":             {func(l *lab) { l.tv.Inject(plextest.TVFault{Status: 429}) }, Limited},
		"away":                {func(l *lab) { l.net.Stop() }, Unreachable},
		"odd":                 {func(l *lab) { l.tv.Inject(plextest.TVFault{Status: 500}) }, Odd},
		"refused":             {func(l *lab) { l.tv.Inject(plextest.TVFault{Status: 401}) }, Refused},
		"damaged file":        {func(l *lab) { os.WriteFile(filepath.Join(l.Dir, File), []byte("{"), 0o600) }, Replaced},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			s, err := l.Start(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			c.spoil(l)
			l.wantState(s.Handle, c.state)
		})
	}
}

func TestOutageDuringASignInIsSurvived(t *testing.T) {
	l := newLab(t)
	s, err := l.Start(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	l.tv.Inject(plextest.TVFault{Status: 503, Times: 2})
	l.wantState(s.Handle, Odd)
	l.wantState(s.Handle, Odd)
	l.tv.Claim(s.Code, accountToken)
	l.wantState(s.Handle, Claimed)
	l.wantState(s.Handle, Claimed) // the answer was lost
	if l.chosen().Name != "alice" {
		t.Errorf("%+v", l.chosen())
	}
}

// The first of two people is told that the second has started, and only the second signs in.
func TestTwoPeopleSignInAtOnce(t *testing.T) {
	l := newLab(t)
	l.tv.SetAccount("second-token-0123456789", "bob")
	first, err := l.Start(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Start(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	l.tv.Claim(first.Code, accountToken)
	l.tv.Claim(second.Code, "second-token-0123456789")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { l.wantState(first.Handle, Replaced) })
		all.Go(func() { l.wantState(second.Handle, Claimed) })
	}
	all.Wait()
	if a := l.chosen(); a.Name != "bob" {
		t.Errorf("signed in as %q", a.Name)
	}
}

func TestServersThatCannotBeChosen(t *testing.T) {
	l := newLab(t)
	l.tv.SetAccount(accountToken, "alice", l.server("another-machine", true), l.server(l.plex.Machine(), false))
	l.signIn()
	found, err := l.Servers(t.Context(), "")
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, f := range found {
		switch {
		case f.Best != "":
			t.Errorf("%+v", f)
		case f.Owned && !strings.Contains(f.Addresses[3].Problem, "another Plex server"):
			t.Errorf("%+v", f)
		case !f.Owned && (!strings.Contains(f.Problem, "shared") || len(f.Addresses) > 0):
			t.Errorf("%+v", f)
		}
	}
	for machine, want := range map[string]string{"another-machine": "another Plex server", l.plex.Machine(): "shared", "unknown": "claimed by another"} {
		_, err := l.Choose(t.Context(), machine, l.plex.URL(), "")
		if e, ok := errors.AsType[*ChoiceError](err); !ok || !strings.Contains(e.Text, want) {
			t.Errorf("%s: %v, want %q", machine, err, want)
		}
	}
	for _, r := range l.plex.Requests() {
		if r.Path != "/identity" {
			t.Errorf("a server that cannot be chosen got %s %s", r.Method, r.Path)
		}
	}
	if l.chosen().Server != nil {
		t.Error("a server was stored")
	}
}

func TestAddressOfOnesOwn(t *testing.T) {
	l := newLab(t)
	s := l.server(l.plex.Machine(), true)
	s.Connections = s.Connections[:1] // Plex in a container announces only addresses that do not work
	l.tv.SetAccount(accountToken, "alice", s)
	handle := l.signIn()
	found, err := l.Servers(t.Context(), "")
	if err != nil || found[0].Best != "" {
		t.Fatalf("%+v, %v", found, err)
	}
	if found, err = l.Servers(t.Context(), l.plex.URL()); err != nil || found[0].Best != l.plex.URL() {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, other := range []string{"", "x"} { // any web page can call, and any host can name the server's identifier
		if _, err := l.Choose(t.Context(), l.plex.Machine(), l.plex.URL(), other); err == nil || !strings.Contains(err.Error(), "sign in again") {
			t.Errorf("with the handle %q: %v", other, err)
		}
	}
	for _, r := range l.plex.Requests() {
		if r.Path != "/identity" {
			t.Errorf("an address that another caller typed got %s %s", r.Method, r.Path)
		}
	}
	if _, err := l.Choose(t.Context(), l.plex.Machine(), l.plex.URL(), handle); err != nil {
		t.Fatal(err)
	}
	if found, err = l.Servers(t.Context(), ""); err != nil || found[0].Best != l.plex.URL() {
		t.Errorf("it is not remembered: %+v, %v", found, err)
	}
}

// An address that was typed without the account, such as one in the settings, which any web page may have put there, does
// not get the account's token for the server.
func TestAddressOfTheSettingsIsNotForTheAccount(t *testing.T) {
	l := newLab(t)
	trap := plextest.New("typed-token-0123456789")
	trap.SetMachine(l.plex.Machine())
	if err := trap.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trap.Stop)
	l.signIn()
	if _, err := l.Adopt(t.Context(), trap.URL(), "typed-token-0123456789", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Choose(t.Context(), l.plex.Machine(), trap.URL(), ""); err == nil {
		t.Error("the address of the settings is chosen")
	}
	l.tv.SetAccount("second-token-0123456789", "bob", l.server(l.plex.Machine(), true))
	for _, name := range []string{"alice", "bob"} { // who signs in again keeps the addresses, another person does not
		handle := l.signIn()
		if _, err := l.Choose(t.Context(), l.plex.Machine(), l.plex.URL()+"/", handle); err != nil {
			t.Fatal(err)
		}
		if name == "bob" {
			s, err := l.Start(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			l.tv.Claim(s.Code, "second-token-0123456789")
			l.wantState(s.Handle, Claimed)
		} else {
			l.signIn()
		}
		if a := l.chosen(); a.Name != name || a.Server.Apart != (name == "bob") {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if n := trap.Count("", "/library"); n != 1 { // from Adopt, with its own token
		t.Errorf("the address of the settings got %d requests with a token", n)
	}
}

func TestRefusedAccountIsRemembered(t *testing.T) {
	l := newLab(t)
	l.signIn()
	l.tv.Revoke(accountToken)
	_, err := l.Servers(t.Context(), "")
	if s, ok := StateOf(err); !ok || s.State != Refused || !l.chosen().Refused {
		t.Errorf("%v, %+v", err, l.chosen())
	}
	l.tv.SetAccount(accountToken, "alice", l.server(l.plex.Machine(), true))
	if _, err := l.Servers(t.Context(), ""); err != nil || l.chosen().Refused {
		t.Errorf("%v, %+v", err, l.chosen())
	}
}

func TestSettingsMoveIntoTheAccount(t *testing.T) {
	l := newLab(t)
	if _, err := l.Adopt(t.Context(), l.plex.URL(), "wrong-token-0123", "NAS"); err == nil || l.chosen().Server != nil {
		t.Errorf("a token that Plex refuses was stored: %v", err)
	}
	if _, err := l.Adopt(t.Context(), l.plex.URL(), serverToken, "NAS"); err != nil {
		t.Fatal(err)
	}
	if c, err := l.connection(); err != nil || c.Token != serverToken || c.MachineID != l.plex.Machine() {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConnectionIsNeverMixed(t *testing.T) {
	a := Account{Server: &Server{MachineID: "m", Name: "NAS", Token: "st", URL: "http://10.0.0.1:32400", Addresses: []Address{{URL: "http://10.0.0.1:32400"}, {URL: "https://a.plex.direct:32400"}}}}
	const given = "given-token-0123456789"
	for _, c := range []struct {
		address, token string
		account        Account
		url, sent      string // "": an error
	}{
		{"", "", Account{}, "", ""},
		{"http://x:1", "", Account{}, "", ""},
		{"", given, Account{}, "", ""},
		{"http://x:1", given, Account{}, "http://x:1", given},
		{"http://x:1", given, a, "http://x:1", given},
		{"", "", a, "http://10.0.0.1:32400", "st"},
		{"https://A.plex.direct:32400/", "", a, "https://a.plex.direct:32400", "st"},
		{"http://x:1", "", a, "", ""},
		{"http://10.0.0.1:32400.evil.example", "", a, "", ""},
		{"http://10.0.0.1:32400@evil.example", "", a, "", ""},
		{"", given, a, "", ""},
	} {
		set, invalid := settings.Parse(map[string]any{"plexUrl": c.address, "plexToken": c.token})
		got, err := Connect(set, invalid, c.account)
		if err == nil && (got.URL != c.url || got.Token != c.sent) || (err == nil) != (c.url != "") {
			t.Errorf("%q, %q, signed in %v: %+v, %v", c.address, c.token, c.account.Server != nil, got, err)
		}
		if err != nil && got.Token == "st" {
			t.Errorf("%q, %q: the token of the sign-in despite %v", c.address, c.token, err)
		}
	}
}

// Other problems of the settings stay.
func TestSignInSolvesOnlyItsOwnProblems(t *testing.T) {
	a := Account{Server: &Server{MachineID: "m", Token: "st", URL: "http://10.0.0.1:32400"}}
	set, invalid := settings.Parse(map[string]any{"maxRetries": "many"})
	_, err := Connect(set, invalid, a)
	if p := settings.ProblemsOf(err); len(p) != 1 || p[0].Setting != "maxRetries" {
		t.Errorf("%v", err)
	}
}

// A process that is killed between any two steps leaves the file as before or as after a step.
func TestKillBetweenTwoSteps(t *testing.T) {
	l := newLab(t)
	s, err := l.Start(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	l.tv.Claim(s.Code, accountToken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // after plex.tv has handed out the token, before it is stored
	if _, err := l.Poll(ctx, s.Handle); err == nil {
		t.Error("a cancelled poll succeeded")
	}
	if a := l.chosen(); a.Token != "" || a.Pin == nil {
		t.Errorf("%+v", a)
	}
	l.wantState(s.Handle, Claimed)
}

func TestNoTokenInWhatCallersGet(t *testing.T) {
	l := newLab(t)
	l.signIn()
	found, err := l.Servers(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(found)
	if err != nil || strings.Contains(string(text), "token-01") {
		t.Errorf("%s, %v", text, err)
	}
}
