package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// stranger is a server at an address that somebody gives in a call. It keeps everything that arrives.
type stranger struct {
	*httptest.Server
	mu  sync.Mutex
	all strings.Builder
}

func newStranger(t *testing.T, answer http.Handler) *stranger {
	s := &stranger{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole, err := httputil.DumpRequest(r, true)
		s.mu.Lock()
		s.all.Write(whole)
		s.mu.Unlock()
		if err == nil {
			answer.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// arrived returns everything that has arrived.
func (s *stranger) arrived() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// codes returns the codes of the checks in an answer: those that failed begin with "-".
func codes(out map[string]any) string {
	var list []string
	for _, c := range out["checks"].([]any) {
		one := c.(map[string]any)
		code := one["code"].(string)
		if one["ok"] != true {
			code = "-" + code
		}
		list = append(list, code)
	}
	return strings.Join(list, " ")
}

func TestCheckOfUnsavedSettingsWritesNothingAndSendsNoSavedToken(t *testing.T) {
	const given = "given-Token-0123456789"
	w := newWorld(t, 30)
	w.stash.RequireLogin("api-key-0123456789-secret", 3600)
	w.hostOf(pluginDir) // whose sessions are those of the login
	w.stash.Change(1, titled("New"))
	w.op(asked("sync-all")) // the queue, the index, the client identifier and the server are stored
	w.idle()
	var client string
	w.get(`SELECT value FROM meta WHERE key = 'client'`, &client)
	before, index := w.dump(), w.indexed()
	w.stash.Change(1, titled("T"))
	other := plextest.New(given)
	other.SetMachine("2222222222222222222222222222222222222222")
	section := other.AddSection("Elsewhere", "movie")
	for i := range 100 {
		other.AddItem(section, fmt.Sprintf("/data/more/%d.mp4", i), int64(900_000+i))
	}
	for id := range w.keys {
		other.AddItem(section, fmt.Sprintf("/data/videos/%d/clip%d.mp4", id%7, id), int64(1000+id))
	}
	for name, c := range map[string]struct {
		set    map[string]any
		answer http.Handler
		token  bool // the given one arrives
		codes  string
		server string
	}{
		"address and token": {
			map[string]any{"plexUrl": "", "plexToken": given},
			other, true,
			"stash settings server plex libraries agents learned-paths matching", "2222222222222222222222222222222222222222",
		},
		"only an address":       {map[string]any{"plexUrl": ""}, other, false, "stash -setting-plexToken plex", "2222222222222222222222222222222222222222"},
		"a token with spaces":   {map[string]any{"plexUrl": "", "plexToken": "a b"}, other, false, "stash -setting-plexToken plex", "2222222222222222222222222222222222222222"},
		"a wrong token":         {map[string]any{"plexUrl": "", "plexToken": "wrong-Token-0123456789"}, other, false, "stash settings -plex", ""},
		"a key with its number": {map[string]any{"05plexUrl": "", "10plexToken": given, "20pathMap": "/data => /data"}, other, true, "stash settings server plex libraries agents learned-paths matching", "2222222222222222222222222222222222222222"},
		"another invalid setting": {
			map[string]any{"plexUrl": "", "plexToken": given, "maxRetries": -1.0}, other, false, "stash -setting-maxRetries", "",
		},
		"a server that redirects": {
			map[string]any{"plexUrl": "", "plexToken": given}, http.RedirectHandler(w.plex.URL()+"/identity", http.StatusFound), false, "stash settings -plex", "",
		},
		"a server that asks for a login": {
			map[string]any{"plexUrl": "", "plexToken": given}, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("WWW-Authenticate", "Basic")
				http.SetCookie(rw, &http.Cookie{Name: "session", Value: "x"})
				rw.WriteHeader(http.StatusUnauthorized)
			}), false, "stash settings -plex", "",
		},
	} {
		s := newStranger(t, c.answer)
		for key, value := range c.set {
			if value == "" {
				c.set[key] = s.URL
			}
		}
		w.plex.Forget()
		lines := len(w.host.Lines())
		out := w.op(asked("check", "settings", c.set))
		if got := codes(out); got != c.codes {
			t.Errorf("%s: %s, want %s\n%v", name, got, c.codes, out)
		}
		server, _ := out["server"].(map[string]any)
		if id, _ := server["id"].(string); id != c.server || out["known_server"] != w.plex.Machine() {
			t.Errorf("%s: server %v, known %v", name, out["server"], out["known_server"])
		}
		all := s.arrived()
		for _, secret := range []string{token, client, "session=", "api-key-0123456789-secret"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s: %q arrives at the stranger:\n%s", name, secret, all)
			}
		}
		if got := strings.Contains(all, given); got != c.token {
			t.Errorf("%s: the given token arrives: %v\n%s", name, got, all)
		}
		for line := range strings.Lines(all) {
			if field, _, _ := strings.Cut(line, ":"); strings.EqualFold(field, "Cookie") || strings.EqualFold(field, "Authorization") || strings.Contains(line, "HTTP/1.1") && !strings.HasPrefix(line, "GET ") {
				t.Errorf("%s: %s", name, line)
			}
		}
		if n := len(w.plex.Requests()); n > 0 {
			t.Errorf("%s: %d requests reach the saved server", name, n)
		}
		if more := len(w.host.Lines()) - lines; more > 0 {
			t.Errorf("%s: it logs %v", name, w.host.Lines()[lines:])
		}
		if strings.Contains(fmt.Sprint(out), given) || strings.Contains(fmt.Sprint(out), token) {
			t.Errorf("%s: a token is in the answer: %v", name, out)
		}
	}
	if after := w.dump(); after != before {
		t.Errorf("the queue was\n%s\nand is\n%s", before, after)
	}
	if after := w.indexed(); after != index {
		t.Error("the index has changed")
	}
}

// A sign-in is used with settings that are not saved, but not if they are the first to accept any certificate.
func TestCheckOfUnsavedSettingsUsesTheSignIn(t *testing.T) {
	s := newSigning(t, 2)
	s.signIn()
	const all = "stash settings plex libraries agents learned-paths matching"
	for _, c := range []struct {
		set   map[string]any
		codes string
	}{
		{map[string]any{"debugLog": true}, all},
		{map[string]any{"excludeTags": "No such tag"}, "stash settings -excluded-tags"},
		{map[string]any{"maxRetries": -1.0}, "stash -setting-maxRetries"},
		{map[string]any{"insecureTLS": true}, "stash -setting-plexUrl -setting-plexToken"},
		{map[string]any{"plexUrl": s.plex.URL()}, "stash -setting-plexToken plex"},
	} {
		if got := codes(s.op(asked("check", "settings", c.set))); got != c.codes {
			t.Errorf("%v: %s, want %s", c.set, got, c.codes)
		}
	}
	s.stash.SetSettings("stash-plex-sync", map[string]any{"insecureTLS": true})
	if got := codes(s.op(asked("check", "settings", map[string]any{"insecureTLS": true}))); got != all {
		t.Errorf("with a saved setting that accepts any certificate: %s", got)
	}
}

func TestCheckThatOnlyReadsAcceptsNoServer(t *testing.T) {
	w := newWorld(t, 1)
	w.stash.Change(1, titled("New"))
	w.op(asked("sync-all"))
	first := w.plex.Machine()
	w.plex.SetMachine("2222222222222222222222222222222222222222")
	lines := len(w.host.Lines())
	out := w.op(asked("check", "read_only", true))
	var known string
	w.get(`SELECT value FROM meta WHERE key = 'server'`, &known)
	if known != first || out["known_server"] != first || out["server"].(map[string]any)["id"] == first || len(w.host.Lines()) != lines {
		t.Errorf("known is %s, check = %v, log %v", known, out, w.host.Lines()[lines:])
	}
}

// indexed returns the index as it is on disk.
func (w *world) indexed() string {
	w.Helper()
	data, err := os.ReadFile(strings.TrimSuffix(w.database(), "queue.db") + "index.db")
	w.must(err)
	return string(data)
}

func TestCheckOfUnsavedSettingsOnAFreshInstallationStoresNothing(t *testing.T) {
	w := newWorld(t, 30)
	w.stash.SetSettings("stash-plex-sync", map[string]any{})
	w.op(asked("settings")) // creates the queue
	before := w.dump()
	s := newStranger(t, w.plex)
	out := w.op(asked("check", "settings", map[string]any{"plexUrl": s.URL, "plexToken": token}))
	if out["ok"] != true || out["known_server"] != "" || len(out["samples"].([]any)) != 20 || !strings.Contains(w.checked(out, "Matching"), "20 of 20") {
		t.Errorf("check = %v", out)
	}
	if after := w.dump(); after != before {
		t.Errorf("the queue was\n%s\nand is\n%s", before, after)
	}
	if !strings.Contains(s.arrived(), "X-Plex-Client-Identifier: stash-plex-sync-guest") {
		t.Errorf("arrived: %s", s.arrived())
	}
}

func TestCheckRefusesSettingsThatAreNoObject(t *testing.T) {
	w := newWorld(t, 1)
	many := make(map[string]any)
	for i := range 65 {
		many[fmt.Sprint("a", i)] = ""
	}
	for _, settings := range []any{"x", []any{"x"}, 7.0, true, many, map[string]any{"excludeTags": strings.Repeat("x", 20_000)}} {
		if out, err := w.host.Operation(w.context(), asked("check", "settings", settings)); err == nil || !strings.Contains(err.Error(), "args.settings") {
			t.Errorf("%.40v: %v, %v", settings, out, err)
		}
	}
	if n := len(w.plex.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

func TestCheckSaysWhatTheAgentsOfLibrariesMean(t *testing.T) {
	w := newWorld(t, 1)
	w.plex.Configure(func(o *plextest.Options) { o.Agent = "tv.plex.agents.movie" })
	out := w.op(asked("check"))
	if got := w.checked(out, "Agents"); got != `"Videos": online (tv.plex.agents.movie)` || !strings.Contains(fmt.Sprint(out), "to Plex's cloud") {
		t.Errorf("agents: %s in %v", got, out)
	}
}

func TestCheckSaysThatTheOtherPluginIsEnabled(t *testing.T) {
	w := newWorld(t, 1)
	for _, on := range []bool{false, true} {
		w.stash.SetPlugin("Stash2Plex", on)
		out := w.op(asked("check"))
		if got := strings.Contains(codes(out), "stash2plex"); got != on || out["ok"] != true {
			t.Errorf("enabled %v: %v", on, out)
		}
	}
	w.stash.Inject(stashtest.Fault{Operation: "Plugins", Status: 500})
	if out := w.op(asked("check")); out["ok"] != true {
		t.Errorf("Stash does not list its plugins: %v", out)
	}
}

func TestAcceptServerTakesOnlyTheServerThatAnswers(t *testing.T) {
	w := newWorld(t, 1)
	w.stash.Change(1, titled("New"))
	w.op(asked("sync-all"))
	first, second := w.plex.Machine(), "2222222222222222222222222222222222222222"
	w.plex.SetMachine(second)
	known := func() (id string) { w.get(`SELECT value FROM meta WHERE key = 'server'`, &id); return id }
	for _, server := range []any{first, "", nil, 7.0, "x"} {
		if out, err := w.host.Operation(w.context(), asked("accept-server", "server", server)); err == nil || known() != first {
			t.Errorf("%v is accepted: %v", server, out)
		}
	}
	w.settings(map[string]any{"plexToken": "wrong-token-0123"})
	if out, err := w.host.Operation(w.context(), asked("accept-server", "server", second)); err == nil || known() != first {
		t.Errorf("a server that refuses the token is accepted: %v", out)
	}
	w.settings(nil)
	out := w.op(asked("accept-server", "server", second))
	if known() != second || out["before"] != first || out["server"].(map[string]any)["name"] != "Living room" {
		t.Errorf("accept-server = %v, known is %s", out, known())
	}
	if again := w.op(asked("accept-server", "server", second)); again["before"] != second {
		t.Errorf("again: %v", again)
	}
}

func TestCheckOfAServerThatAnswersTooMuchStaysSmall(t *testing.T) {
	w := newWorld(t, 1)
	long := strings.Repeat("é", 1<<20)
	s := newStranger(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-Plex-Protocol", "1.0")
		switch r.URL.Path {
		case "/identity": // more is not read
			some := strings.Repeat("é", 10_000)
			fmt.Fprintf(rw, `{"MediaContainer":{"machineIdentifier":%q,"version":%q}}`, some, some)
		case "/":
			fmt.Fprintf(rw, `{"MediaContainer":{"friendlyName":%q}}`, long)
		default:
			fmt.Fprintf(rw, `{"MediaContainer":{"Directory":[{"key":"1","type":"movie","title":%q,"agent":%q}]}}`, long, long)
		}
	}))
	for _, set := range []map[string]any{{"plexUrl": s.URL}, {"plexUrl": s.URL, "plexToken": token}, {"plexUrl": s.URL, "plexToken": token, "plexLibraries": "x"}} {
		out := w.op(asked("check", "settings", set))
		if n := len(fmt.Sprint(out)); n > 50_000 || out["server"] == nil {
			t.Errorf("%v: an answer of %d bytes", codes(out), n)
		}
	}
}
