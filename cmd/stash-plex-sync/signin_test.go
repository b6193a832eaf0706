package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
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

// A wrong setting beside a sign-in does not mean that nobody has said where Plex is.
func TestSignInWithAWrongSettingIsConfigured(t *testing.T) {
	s := newSigning(t, 1)
	s.stash.SetSettings("stash-plex-sync", map[string]any{"timeoutSeconds": -1})
	if out := s.op(map[string]any{"mode": "run"}); out["configured"] != false {
		t.Errorf("before the sign-in: %v", out)
	}
	s.signIn()
	if out := s.op(map[string]any{"mode": "run"}); out["configured"] != true || out["problem"] == "" {
		t.Errorf("after the sign-in: %v", out)
	}
}

// While a server that was signed in to does not answer, the reports offer its other addresses.
func TestOtherAddressesAreOfferedWhenPlexDoesNotAnswer(t *testing.T) {
	s := newSigning(t, 1)
	s.signIn()
	s.op(map[string]any{"mode": "check"})
	others := func(mode string) string {
		t.Helper()
		return fmt.Sprint(s.op(map[string]any{"mode": mode})["plex"].(map[string]any)["others"])
	}
	if got := others("status") + others("overview"); got != "[][]" {
		t.Errorf("while Plex answers: %s", got)
	}
	s.occupied()
	s.plex.Stop()
	s.bulk("Away", 1)
	s.process()
	const other = "https://127-0-0-1.abc.plex.direct:1"
	for _, mode := range []string{"status", "overview"} {
		if got := others(mode); !strings.Contains(got, other) || strings.Contains(got, s.plex.URL()) {
			t.Errorf("%s offers %s", mode, got)
		}
	}
	if !slices.ContainsFunc(s.host.Lines(), func(l stashtest.Line) bool { return strings.Contains(l.Text, "another one of its addresses: "+other) }) {
		t.Error("the line of the status offers nothing")
	}
}

func TestRefusedTokenOfASignInSaysSignInAgain(t *testing.T) {
	s := newSigning(t, 1)
	s.signIn()
	s.plex.Token = "another-token-0123456789"
	s.bulk("New", 1)
	s.idle()
	if out := s.process(); !strings.Contains(out["stopped"].(string), "sign in again") || strings.Contains(out["stopped"].(string), "plexToken") {
		t.Errorf("process = %v", out)
	}
	out := s.op(map[string]any{"mode": "choose-server", "machine_id": s.plex.Machine(), "address": s.plex.URL()})
	if text := fmt.Sprint(out["text"]); out["ok"] != false || !strings.Contains(text, "sign in with the account that owns the server") {
		t.Errorf("choose-server = %v", out)
	}
	s.settings(map[string]any{"plexToken": "wrong-token-0123"})
	if out := s.process(); !strings.Contains(out["stopped"].(string), "plexToken") {
		t.Errorf("with a token in the settings: %v", out)
	}
}

func TestAnotherServerIsChosenAndThenAccepted(t *testing.T) {
	s := newSigning(t, 1)
	s.signIn()
	s.bulk("Before", 1)
	s.idle()
	s.process()
	second := plextest.New("second-server-token-0123")
	second.SetMachine("2222222222222222222222222222222222222222")
	section := second.AddSection("Videos", "movie")
	key := second.AddItem(section, "/data/videos/1/clip1.mp4", 1001)
	s.must(second.Start())
	t.Cleanup(second.Stop)
	u, err := url.Parse(second.URL())
	s.must(err)
	port, err := strconv.Atoi(u.Port())
	s.must(err)
	s.tv.SetAccount(accountToken, "alice", s.server(), plextest.TVServer{
		Name: "New NAS", Provides: "server", ClientIdentifier: second.Machine(), AccessToken: "second-server-token-0123", Owned: true,
		Connections: []plextest.TVConnection{{Address: "127.0.0.1", Port: port, Local: true}},
	})
	out := s.op(map[string]any{"mode": "choose-server", "machine_id": second.Machine(), "address": second.URL()})
	if out["ok"] != true || out["changed"] != true || !strings.Contains(out["text"].(string), "accept") {
		t.Errorf("choose-server = %v", out)
	}
	s.bulk("After", 1)
	s.idle()
	if out := s.process(); !strings.Contains(fmt.Sprint(out["reason"]), "server_changed") || second.Item(key).Title == "After" {
		t.Errorf("process = %v", out)
	}
	if out := s.op(map[string]any{"mode": "accept-server", "server": second.Machine()}); out["before"] != s.plex.Machine() {
		t.Errorf("accept-server = %v", out)
	}
	if out := s.process(); out["stopped"] != "" || second.Item(key).Title != "After" {
		t.Errorf("process = %v, %q", out, second.Item(key).Title)
	}
	if out := s.op(map[string]any{"mode": "choose-server", "machine_id": second.Machine(), "address": second.URL()}); out["changed"] != false || out["text"] != "" {
		t.Errorf("the same server again: %v", out)
	}
}

// A file that cannot be used does not stop a program whose settings are complete, and says what to do where they are not.
// The sign-in survives the damage of the queue.
func TestSignInAndDamage(t *testing.T) {
	s := newSigning(t, 1)
	s.signIn()
	s.bulk("First", 1)
	s.idle()
	s.process()
	s.must(os.Truncate(s.database(), 100))
	s.bulk("Second", 1)
	s.idle()
	s.op(map[string]any{"mode": "sync-all"})
	s.idle()
	s.wantTitle(1, "Second")
	if out := s.op(map[string]any{"mode": "account"}); out["source"] != "account" {
		t.Errorf("after the damage of the queue: %v", out)
	}
	path := filepath.Join(s.folder(), "account.json")
	for name, spoil := range map[string]func() error{
		"damaged":  func() error { return os.WriteFile(path, []byte("{"), 0o600) },
		"a folder": func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		s.must(spoil())
		s.stash.SetSettings("stash-plex-sync", map[string]any{})
		if out := s.process(); !strings.Contains(out["stopped"].(string), "sign in again") || strings.Contains(out["stopped"].(string), "\n") {
			t.Errorf("%s: process = %v", name, out)
		}
		if out := s.op(map[string]any{"mode": "check"}); !strings.HasPrefix(codes(out), "stash -sign-in -setting-plexUrl") {
			t.Errorf("%s: check = %v", name, out)
		}
		s.settings(nil)
		s.bulk("With settings "+name, 1)
		s.idle()
		if out := s.process(); out["stopped"] != "" {
			t.Errorf("%s: with settings: %v", name, out)
		}
		s.wantTitle(1, "With settings "+name)
		s.must(os.RemoveAll(path))
		s.must(os.WriteFile(path, []byte("{"), 0o600))
		s.signIn()
	}
}

// A process that is killed at any request to plex.tv or Plex leaves a sign-in that goes on with the next call.
func TestKilledSignInGoesOn(t *testing.T) {
	s := newSigning(t, 1)
	call := func(mode string, args map[string]any) map[string]any {
		t.Helper()
		args["mode"] = mode
		return s.op(args)
	}
	// killed kills the process of an operation at a request that hangs.
	killed := func(hang, heal func(), reached func() bool, mode string, args map[string]any) {
		t.Helper()
		hang()
		args["mode"] = mode
		ended := make(chan struct{})
		go func() {
			s.host.Operation(s.context(), args)
			close(ended)
		}()
		s.until(reached)
		for _, pid := range s.host.Processes() {
			p, err := os.FindProcess(pid)
			s.must(err)
			s.must(p.Kill())
		}
		<-ended
		heal()
	}
	atTV := func(path, mode string, args map[string]any) {
		t.Helper()
		before := len(s.tv.Requests())
		killed(func() { s.tv.Inject(plextest.TVFault{Prefix: path, Hang: true}) }, s.tv.Heal, func() bool {
			list := s.tv.Requests()[before:]
			return len(list) > 0 && strings.Contains(list[len(list)-1].Path, path)
		}, mode, args)
	}
	atTV("/api/v2/pins", "pin-start", map[string]any{})
	started := call("pin-start", map[string]any{})
	handle := started["handle"]
	s.tv.Claim(started["code"].(string), accountToken)
	atTV("/api/v2/pins/", "pin-poll", map[string]any{"handle": handle})
	atTV("/api/v2/user", "pin-poll", map[string]any{"handle": handle})
	if out := call("pin-poll", map[string]any{"handle": handle}); out["state"] != "claimed" {
		t.Fatalf("pin-poll = %v", out)
	}
	atTV("/api/v2/resources", "servers", map[string]any{})
	choice := map[string]any{"machine_id": s.plex.Machine(), "address": s.plex.URL()}
	atTV("/api/v2/resources", "choose-server", maps.Clone(choice))
	before := len(s.plex.Requests())
	killed(func() { s.plex.Inject(plextest.Fault{Prefix: "/library/sections", Hang: true}) }, s.plex.Heal, func() bool {
		list := s.plex.Requests()[before:]
		return len(list) > 0 && list[len(list)-1].Path == "/library/sections"
	}, "choose-server", maps.Clone(choice))
	if out := call("account", map[string]any{}); out["server"] != nil || out["signed_in"] != true {
		t.Errorf("before the choice: %v", out)
	}
	if out := call("choose-server", choice); out["ok"] != true {
		t.Errorf("choose-server = %v", out)
	}
	s.edit(1, "New")
	s.until(func() bool { return s.plex.Item(s.keys[1]).Title == "New" })
	s.wantNoTokens()
}
