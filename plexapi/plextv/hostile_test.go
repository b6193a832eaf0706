package plextv

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const serverToken = "server-token-0123456789"

// listed are the servers that a plex.tv lists which may send anything.
func listed() []plextest.TVServer {
	server := func(name, machine string) plextest.TVServer {
		return plextest.TVServer{Name: name, Provides: "server", ClientIdentifier: machine, AccessToken: serverToken, Owned: true}
	}
	list := []plextest.TVServer{
		server("echo "+serverToken, "m1"), server("echo "+strings.ToUpper(accountToken), "m2"),
		server("a\x1b[31m\n\u2028\uFDD0b\x00", "m3"), server(strings.Repeat("é", 100_000), "m4"),
		server("x", serverToken), server("x", "a b"), server("x", strings.Repeat("m", 200)),
	}
	for _, uri := range []string{
		"javascript:alert(1)", "https://user:pass@host/", "https://" + serverToken + ".example:1", "https://%61ccount-token-0123456789.example",
		"https://host\">:1", "https://" + strings.Repeat("a", 300) + ":1", "file:///etc/passwd", "https://ok.example:1/path?x=" + accountToken, "https://ok.example:1/path",
	} {
		list[0].Connections = append(list[0].Connections, plextest.TVConnection{URI: uri, Address: "127.0.0.1/" + uri, Port: 1, Local: true})
	}
	for i := range 500 {
		list[1].Connections = append(list[1].Connections, plextest.TVConnection{URI: fmt.Sprintf("https://h%d:1", i), Local: true})
	}
	return list
}

func TestHostileListIsLimited(t *testing.T) {
	l := newLab(t)
	l.tv.SetAccount(accountToken, "alice", listed()...)
	servers, err := l.Servers(t.Context(), accountToken)
	if err != nil || len(servers) != 4 {
		t.Fatalf("%d servers, %v", len(servers), err)
	}
	for i, want := range []string{"…", "…", "a [31m b", strings.Repeat("é", 99) + "…"} {
		if servers[i].Name != want {
			t.Errorf("name %q, want %q", servers[i].Name, want)
		}
	}
	if a := servers[0].Addresses(); len(a) != 1 || a[0].URL != "https://ok.example:1" {
		t.Errorf("addresses %+v", a)
	}
	if a := servers[1].Addresses(); len(a) != addressesAtMost {
		t.Errorf("%d addresses", len(a))
	}
	for i := range servers {
		servers[i].Token = ""
	}
	if text, err := json.Marshal(servers); err != nil || tells(string(text), []string{serverToken, accountToken}) {
		t.Errorf("%s, %v", text, err)
	}

	var many []plextest.TVServer
	for i := range 2_000 {
		many = append(many, plextest.TVServer{Name: "x", Provides: "server", ClientIdentifier: fmt.Sprint("m", i), Owned: i >= 1_900})
	}
	l.tv.SetAccount(accountToken, "alice", many...)
	if servers, err = l.Servers(t.Context(), accountToken); err != nil || len(servers) != serversAtMost || !servers[serversAtMost-1].Owned {
		t.Errorf("%d servers, %v", len(servers), err)
	}
	l.tv.SetAccount(accountToken, strings.Repeat("x", 2<<20))
	_, err = l.Account(t.Context(), accountToken)
	wantClass(t, err, Odd, "")
	l.tv.SetAccount(accountToken, "a\x1b]0;"+accountToken)
	if who, err := l.Account(t.Context(), accountToken); err != nil || who.Name != "…" {
		t.Errorf("%+v, %v", who, err)
	}
}

func TestHostilePin(t *testing.T) {
	for _, body := range []string{
		`{"id":7,"code":"` + strings.Repeat("a", 1_000) + `"}`, `{"id":7,"code":"a\u001b[31m"}`, `{"id":-7,"code":"abcd"}`, `{"id":7,"code":""}`, `{"id":"7","code":"abcd"}`,
		`{"id":7,"code":"abcd","authToken":"a\nX-Other: b"}`, `{"id":7,"code":"abcd","authToken":"` + strings.Repeat("a", 5_000) + `"}`, `{"id":7,"code":"abcd","authToken":"short"}`,
	} {
		l := newLab(t)
		l.tv.Inject(plextest.TVFault{Status: 200, Body: body})
		_, err := l.NewPin(t.Context(), true)
		wantClass(t, err, Odd, "not in the expected format")
	}
	l := newLab(t)
	l.tv.Inject(plextest.TVFault{Status: 200, Body: `{"id":7,"code":"abcd","expiresIn":1e300}`})
	if p, err := l.NewPin(t.Context(), true); err != nil || p.Expires > 24*60*60*1e9 {
		t.Errorf("%+v, %v", p, err)
	}
}
