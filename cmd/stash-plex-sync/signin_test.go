package main

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const accountToken = "acc-0123456789-secret"

// signing is a world without settings, whose plugin reaches a plex.tv of its own.
type signing struct {
	*world
	tv  *plextest.TV
	net *plextest.TVNet
}

func newSigning(t *testing.T, n int) *signing {
	t.Helper()
	s := &signing{world: newWorld(t, n), tv: plextest.NewTV()}
	var err error
	s.net, err = s.tv.Start(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	s.must(err)
	t.Cleanup(s.net.Stop)
	authority := filepath.Join(t.TempDir(), "authority.pem")
	s.must(os.WriteFile(authority, s.net.Authority(), 0o600))
	t.Setenv("HTTPS_PROXY", s.net.URL())
	t.Setenv("SSL_CERT_FILE", authority)
	s.tv.SetAccount(accountToken, "alice", s.server())
	s.stash.SetSettings("stash-plex-sync", map[string]any{})
	return s
}

// server describes the world's Plex as plex.tv does: by an address of a container that does not answer, and by the right one.
func (s *signing) server() plextest.TVServer {
	u, err := url.Parse(s.plex.URL())
	s.must(err)
	var port int
	_, err = fmt.Sscan(u.Port(), &port)
	s.must(err)
	return plextest.TVServer{
		Name: "NAS", Provides: "server", ClientIdentifier: s.plex.Machine(), AccessToken: token, Owned: true, Presence: true,
		Connections: []plextest.TVConnection{
			{Address: "127.0.0.1", Port: 1, URI: "https://127-0-0-1.abc.plex.direct:1", Local: true},
			{Address: "127.0.0.1", Port: port, URI: "https://not-a-name.invalid:32400", Local: true},
		},
	}
}

// wantNoTokens checks that no token has left account.json.
func (s *signing) wantNoTokens(told ...any) {
	s.Helper()
	for _, l := range s.host.Lines() {
		told = append(told, l.Text)
	}
	for name, content := range files(s, s.folder()) {
		if name != "account.json" {
			told = append(told, name+string(content))
		}
	}
	for _, one := range told {
		if secret, form := betrayed(fmt.Sprint(one), []string{accountToken, token}); secret != "" {
			s.Errorf("%.200v tells a token as %q", one, form)
		}
	}
}

func TestSignInInsteadOfAToken(t *testing.T) {
	s := newSigning(t, 3)
	s.bulk("Before", 1)
	s.idle()
	var told []any
	op := func(mode string, args map[string]any) map[string]any {
		t.Helper()
		if args == nil {
			args = map[string]any{}
		}
		args["mode"] = mode
		out := s.op(args)
		told = append(told, out)
		return out
	}
	if out := op("account", nil); out["source"] != "none" || !strings.Contains(out["problem"].(string), "is not set") {
		t.Errorf("before the sign-in: %v", out)
	}
	started := op("pin-start", nil)
	if started["state"] != "pending" || !strings.HasPrefix(started["link"].(string), "https://app.plex.tv/auth#?") {
		t.Fatalf("pin-start = %v", started)
	}
	handle := map[string]any{"handle": started["handle"]}
	if out := op("pin-poll", handle); out["state"] != "pending" {
		t.Errorf("pin-poll = %v", out)
	}
	s.tv.Claim(started["code"].(string), accountToken)
	if out := op("pin-poll", handle); out["state"] != "claimed" || out["name"] != "alice" {
		t.Errorf("pin-poll = %v", out)
	}
	found := op("servers", nil)["servers"].([]any)
	server := found[0].(map[string]any)
	if len(found) != 1 || server["best"] != s.plex.URL() {
		t.Fatalf("servers = %v", found)
	}
	chosen := op("choose-server", map[string]any{"machine_id": server["machine_id"], "address": server["best"]})
	if chosen["ok"] != true {
		t.Fatalf("choose-server = %v", chosen)
	}
	if out := op("account", nil); out["source"] != "account" || out["address"] != s.plex.URL() || out["signed_in"] != true {
		t.Errorf("account = %v", out)
	}
	op("check", nil)
	s.edit(2, "After")
	s.until(func() bool { return s.plex.Item(s.keys[2]).Title == "After" })
	s.idle()
	s.wantTitle(1, "Before")
	for _, r := range s.tv.Requests() {
		if strings.Contains(r.Query, accountToken) || r.Header.Get("X-Plex-Token") == token {
			t.Errorf("plex.tv got %s %s?%s with %v", r.Method, r.Path, r.Query, r.Header)
		}
	}
	asked := len(s.tv.Requests())
	s.plex.Stop()
	s.bulk("Away", 3)
	s.process()
	if n := len(s.tv.Requests()); n != asked {
		t.Errorf("a run has asked plex.tv %d times", n-asked)
	}
	s.must(s.plex.Restart())
	if out := op("sign-out", nil); out["source"] != "none" || out["signed_in"] != false {
		t.Errorf("sign-out = %v", out)
	}
	s.wantNoTokens(told...)
}

// The token of the sign-in goes neither to an address in the settings that is none of the server's, nor to another server
// at the address of the right one.
func TestTokenOfASignInStaysWithItsServer(t *testing.T) {
	s := newSigning(t, 1)
	started := s.op(map[string]any{"mode": "pin-start"})
	s.tv.Claim(started["code"].(string), accountToken)
	s.op(map[string]any{"mode": "pin-poll", "handle": started["handle"]})
	s.op(map[string]any{"mode": "choose-server", "machine_id": s.plex.Machine(), "address": s.plex.URL()})
	trap := plextest.New("x")
	s.must(trap.Start())
	t.Cleanup(trap.Stop)
	s.stash.SetSettings("stash-plex-sync", map[string]any{"05plexUrl": trap.URL()})
	if out := s.process(); !strings.Contains(out["stopped"].(string), `not an address of the server "NAS"`) {
		t.Errorf("process = %v", out)
	}
	if n := len(trap.Requests()); n != 0 {
		t.Errorf("the other address got %d requests", n)
	}
	s.stash.SetSettings("stash-plex-sync", map[string]any{})
	before := len(s.plex.Requests())
	s.plex.SetMachine("another-server")
	s.bulk("New", 1)
	if out := s.process(); !strings.Contains(out["stopped"].(string), "another Plex server answers") {
		t.Errorf("process = %v", out)
	}
	for _, r := range s.plex.Requests()[before:] {
		if r.Path != "/identity" {
			t.Errorf("another server got %s %s", r.Method, r.Path)
		}
	}
}

func TestSettingsAreMovedIntoTheSignIn(t *testing.T) {
	s := newSigning(t, 1)
	s.settings(nil)
	if out := s.op(map[string]any{"mode": "adopt-settings"}); out["ok"] != true {
		t.Fatalf("adopt-settings = %v", out)
	}
	if out := s.op(map[string]any{"mode": "account"}); out["source"] != "settings" || out["can_empty"] != true {
		t.Errorf("account = %v", out)
	}
	s.stash.SetSettings("stash-plex-sync", map[string]any{})
	s.edit(1, "New")
	s.until(func() bool { return s.plex.Item(s.keys[1]).Title == "New" })
}

func TestSignInFromAShell(t *testing.T) {
	s := newSigning(t, 1)
	s.must(os.WriteFile(filepath.Join(s.dir, "config.yml"), nil, 0o600))
	cmd := exec.CommandContext(s.context(), binary(), "sign-in", "--dir", s.dir)
	out, err := cmd.StdoutPipe()
	s.must(err)
	cmd.Stderr = os.Stderr
	s.must(cmd.Start())
	var said strings.Builder
	code := regexp.MustCompile(`this code: (\S+)`)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if m := code.FindStringSubmatch(lines.Text()); m != nil {
			if len(m[1]) != 4 || !s.tv.Claim(m[1], accountToken) {
				t.Errorf("code %q", m[1])
			}
		}
	}
	s.must(cmd.Wait())
	for _, want := range []string{"https://plex.tv/link", "Signed in as alice", "uses NAS at " + s.plex.URL(), "Check connection"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("said %q, want %q", said.String(), want)
		}
	}
	s.edit(1, "New")
	s.until(func() bool { return s.plex.Item(s.keys[1]).Title == "New" })
	s.wantNoTokens(said.String())
	gone, err := exec.CommandContext(s.context(), binary(), "sign-out", "--dir", s.dir).CombinedOutput()
	if err != nil || !strings.Contains(string(gone), "Signed out") || strings.Contains(string(files(s, s.folder())["account.json"]), "token") {
		t.Errorf("sign-out: %v, %s", err, gone)
	}
}
