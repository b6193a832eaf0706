package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// signIn signs in and chooses the world's Plex.
func (s *signing) signIn() {
	s.Helper()
	started := s.op(map[string]any{"mode": "pin-start"})
	s.tv.Claim(started["code"].(string), accountToken)
	s.op(map[string]any{"mode": "pin-poll", "handle": started["handle"]})
	if out := s.op(map[string]any{"mode": "choose-server", "machine_id": s.plex.Machine(), "address": s.plex.URL()}); out["ok"] != true {
		s.Fatalf("choose-server = %v", out)
	}
}

// try calls an operation or a task and returns everything that it tells.
func (s *signing) try(args map[string]any) string {
	out, err := s.host.Operation(s.context(), args)
	text, _ := json.Marshal(out) // of JSON
	return fmt.Sprint(string(text), err)
}

// Whatever plex.tv answers, in whatever state the sign-in is: no token is in an answer or a log, nothing but /identity is
// asked of the addresses that it names, and the answers are short and come in time.
func TestHostilePlexTVLearnsAndTellsNothing(t *testing.T) {
	s := newSigning(t, 1)
	other := newStranger(t, s.plex)
	text := strings.Join(append(forms(accountToken), forms(token)...), " ")
	server := s.server()
	server.Name, server.ProductVersion = "NAS "+token+" "+accountToken, text
	u, err := url.Parse(other.URL)
	s.must(err)
	for _, uri := range []string{other.URL + "/" + accountToken, "http://" + token + "@" + u.Host, "javascript:" + token, "http://" + token + ".invalid:1"} {
		server.Connections = append(server.Connections, plextest.TVConnection{URI: uri, Local: true})
	}
	many := []plextest.TVServer{server}
	for i := range 300 {
		one := plextest.TVServer{Name: strings.Repeat("é", 200), Provides: "server", ClientIdentifier: fmt.Sprint("m", i), Owned: true}
		for j := range 20 {
			one.Connections = append(one.Connections, plextest.TVConnection{URI: fmt.Sprintf("http://127.0.0.1:%d", i*20+j+1), Local: true})
		}
		many = append(many, one)
	}
	s.tv.SetAccount(accountToken, "alice "+accountToken, many...)
	var told []any
	all := func(handle any) {
		for _, args := range []map[string]any{
			{"mode": "account"},
			{"mode": "pin-poll", "handle": handle},
			{"mode": "servers"},
			{"mode": "choose-server", "machine_id": s.plex.Machine(), "address": s.plex.URL(), "handle": handle},
		} {
			began := time.Now()
			out := s.try(args)
			if took := time.Since(began); took > 20*time.Second || len(out) > 1<<20 {
				t.Errorf("%s took %v and answered %d bytes", args["mode"], took, len(out))
			}
			told = append(told, out)
		}
	}
	started := s.op(map[string]any{"mode": "pin-start"})
	handle := started["handle"]
	all(handle)
	s.tv.Claim(started["code"].(string), accountToken)
	hostile := http.Header{"Location": {other.URL + "/" + text}, "Retry-After": {text}, "X-Echo": {text}}
	for _, status := range []int{301, 307, 400, 401, 403, 404, 429, 500, 200} {
		s.tv.Inject(plextest.TVFault{Prefix: "/api/v2/user", Status: status, Header: hostile, Body: `{"errors":"` + text + `"}`})
		s.tv.Inject(plextest.TVFault{Prefix: "/api/v2/resources", Status: status, Header: hostile, Body: `[{"name":"` + text + `"`})
		all(handle)
		s.tv.Heal()
		if status == 401 { // which ends the sign-in
			started = s.op(map[string]any{"mode": "pin-start"})
			handle = started["handle"]
			s.tv.Claim(started["code"].(string), accountToken)
		}
	}
	all(handle)
	if out := told[len(told)-1].(string); !strings.Contains(out, `"ok":true`) {
		t.Errorf("choose-server = %s", out)
	}
	all(handle)
	for _, mode := range []string{"process", "check", "status", "overview", "copy-report", "sign-out", "account"} {
		told = append(told, s.try(map[string]any{"mode": mode}))
	}
	s.wantNoTokens(told...)
	if arrived := other.arrived(); strings.Contains(arrived, accountToken) || strings.Contains(arrived, token) || strings.Contains(strings.ReplaceAll(arrived, "GET /identity ", ""), "GET ") {
		t.Errorf("an address that plex.tv named got %s", arrived)
	}
}

// The token of a sign-in goes to no other server in any task or operation: not to an address in the settings that is none of
// the server's, and not to another server at its address.
func TestNoModeSendsTheTokenOfASignInToAnotherServer(t *testing.T) {
	s := newSigning(t, 2)
	s.bulk("Before", 1)
	s.signIn()
	s.process()
	s.idle()
	s.occupied() // so that a hook pushes
	trap := newStranger(t, s.plex)
	machine := s.plex.Machine()
	for _, where := range []string{"another address", "another server"} {
		set := map[string]any{}
		if where == "another address" {
			set["05plexUrl"] = trap.URL
		} else {
			s.plex.SetMachine("another-server")
		}
		s.stash.SetSettings("stash-plex-sync", set)
		s.plex.Forget()
		for _, mode := range s.modes() {
			if mode == "sign-out" || mode == "pin-start" {
				continue
			}
			for _, args := range []map[string]any{
				{"mode": mode},
				{"mode": mode, "task": "yes"},
				{"mode": mode, "scene_id": 1},
				{"mode": mode, "scene": 1},
				{"mode": mode, "server": machine},
				{"mode": mode, "machine_id": machine, "address": trap.URL},
				{"mode": mode, "check": true},
				{"mode": mode, "settings": set},
				{"mode": mode, "id": 1},
			} {
				s.try(args)
			}
		}
		s.sql(`UPDATE breaker SET state = 'closed', consecutive_failures = 0, opened_at = NULL, probe_at = NULL, half_open_at = NULL`)
		s.edit(2, where)
		for _, r := range s.plex.Requests() {
			if r.Path != "/identity" {
				t.Errorf("%s: it got %s %s", where, r.Method, r.Path)
			}
		}
	}
	if arrived := trap.arrived(); strings.Contains(arrived, token) || strings.Contains(arrived, accountToken) {
		t.Errorf("the other address got %s", arrived)
	}
	s.plex.SetMachine(machine)
	s.stash.SetSettings("stash-plex-sync", map[string]any{})
	s.wantNoTokens()
}

// A check of settings that are given uses the sign-in only if they hold neither address nor token, and then as a run does.
func TestCheckOfGivenSettingsUsesNothingOfASignIn(t *testing.T) {
	s := newSigning(t, 1)
	s.signIn()
	content, err := os.ReadFile(filepath.Join(s.folder(), "account.json"))
	s.must(err)
	client := between(string(content), `"client": "`, `"`)
	trap := newStranger(t, s.plex)
	s.plex.Forget()
	for _, set := range []map[string]any{{"plexToken": "given-token-0123456789"}, {"insecureTLS": true}} {
		if out := s.op(map[string]any{"mode": "check", "settings": set}); out["ok"] == true || out["server"] != nil {
			t.Errorf("%v: %v", set, out)
		}
	}
	if n := len(s.plex.Requests()); n != 0 {
		t.Errorf("the server of the sign-in got %d requests", n)
	}
	for _, set := range []map[string]any{{}, {"plexUrl": ""}} {
		if out := s.op(map[string]any{"mode": "check", "settings": set}); out["ok"] != true {
			t.Errorf("%v: %v", set, out)
		}
	}
	s.op(map[string]any{"mode": "check", "settings": map[string]any{"plexUrl": trap.URL}})
	s.op(map[string]any{"mode": "check", "settings": map[string]any{"plexUrl": trap.URL, "plexToken": "given-token-0123456789"}})
	arrived := trap.arrived()
	if client == "" || strings.Contains(arrived, client) || strings.Contains(arrived, token) || strings.Contains(arrived, accountToken) || !strings.Contains(arrived, "given-token") {
		t.Errorf("the given address got %s", arrived)
	}
}

// "Accept any certificate" is for Plex alone.
func TestAnyCertificateIsNotAcceptedOfPlexTV(t *testing.T) {
	s := newSigning(t, 1)
	s.stash.SetSettings("stash-plex-sync", map[string]any{"insecureTLS": true})
	t.Setenv("SSL_CERT_FILE", filepath.Join(t.TempDir(), "none"))
	if out := s.op(map[string]any{"mode": "pin-start"}); out["state"] != "unreachable" || !strings.Contains(fmt.Sprint(out), "no certificate of plex.tv") {
		t.Errorf("pin-start = %v", out)
	}
	if n := len(s.tv.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
