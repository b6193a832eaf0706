package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
)

func required(more map[string]any) map[string]any {
	raw := map[string]any{"plexUrl": "http://plex:32400", "plexToken": "secret-token"}
	for k, v := range more {
		raw[k] = v
	}
	return raw
}

func TestSettingsAreReadLeniently(t *testing.T) {
	all, err := engine.ParseFields("")
	if err != nil {
		t.Fatal(err)
	}
	defaults := Settings{PlexURL: "http://plex:32400", PlexToken: "secret-token", Fields: all, MaxRetries: 5, Timeout: 30 * time.Second}
	for _, c := range []struct {
		name string
		raw  map[string]any
		want func(*Settings)
	}{
		{"the two that are required", nil, func(*Settings) {}},
		{"unset, 0 and empty mean the default", map[string]any{
			"maxRetries": 0.0, "timeoutSeconds": "", "fields": " ", "insecureTLS": false, "debugLog": nil, "plexLibraries": "", "pathMap": "",
		}, func(*Settings) {}},
		{"numbers as text", map[string]any{"maxRetries": " 7 ", "timeoutSeconds": 5.0}, func(s *Settings) { s.MaxRetries, s.Timeout = 7, 5*time.Second }},
		{"switches as text", map[string]any{"insecureTLS": "Yes", "debugLog": 1.0, "keepPlexEdits": "true"}, func(s *Settings) {
			s.InsecureTLS, s.DebugLog, s.KeepPlexEdits = true, true, true
		}},
		{"lists", map[string]any{"plexLibraries": []any{"A", 2.0}}, func(s *Settings) { s.Libraries = []string{"A", "2"} }},
		{"names", map[string]any{"plexLibraries": " Videos , 2,"}, func(s *Settings) { s.Libraries = []string{"Videos", "2"} }},
		{"a pasted address", map[string]any{"plexUrl": " https://plex.example:443/base/web/index.html#!/media "}, func(s *Settings) { s.PlexURL = "https://plex.example:443/base" }},
		{"paths", map[string]any{"pathMap": `/data => /mnt/v ; D:\Video\=>/video;`}, func(s *Settings) {
			s.PathMap = []engine.PathPair{{From: "/data", To: "/mnt/v"}, {From: "D:/Video", To: "/video"}}
		}},
		{"fields", map[string]any{"fields": "Title, tags"}, func(s *Settings) { s.Fields = engine.Fields{"title": true, "tags": true} }},
		{"what nobody knows", map[string]any{"plexurl": "x", "enabled": true}, func(s *Settings) { s.Unknown = []string{"plexurl"} }},
	} {
		want := defaults
		c.want(&want)
		got, err := ParseSettings(required(c.raw))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.name, got, err, want)
		}
	}
}

func TestEveryProblemIsReportedAtOnceAndNoSecretIsTold(t *testing.T) {
	_, err := ParseSettings(map[string]any{
		"plexUrl": "http://user:pass-word@host/?X-Plex-Token=secret-token", "plexToken": "secret token", "maxRetries": -1.0, "timeoutSeconds": 1.5,
		"insecureTLS": "maybe", "fields": "title, nonsense", "pathMap": "a, b",
	})
	e, ok := errors.AsType[*SettingsError](err)
	if !ok {
		t.Fatalf("error = %v", err)
	}
	var names []string
	for _, p := range e.Problems {
		names = append(names, p.Setting)
		if p.Remedy == "" {
			t.Errorf("%s has no remedy", p.Setting)
		}
	}
	slices.Sort(names)
	if want := []string{"fields", "insecureTLS", "maxRetries", "pathMap", "plexToken", "plexUrl", "timeoutSeconds"}; !slices.Equal(names, want) {
		t.Errorf("problems with %v, want %v", names, want)
	}
	for _, secret := range []string{"secret", "pass-word"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the message tells a secret: %v", err)
		}
	}
	for _, url := range []string{"192.168.1.5:32400", "plex", "ftp://plex", "http://", "http://a:b@plex"} {
		if s, err := ParseSettings(required(map[string]any{"plexUrl": url})); err == nil {
			t.Errorf("plexUrl %q was taken as %q", url, s.PlexURL)
		}
	}
}

// The yml is loaded by Stash's own loader; what it offers is what the program knows.
func TestYmlAndProgramAgree(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile("../stash-plex-sync.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ID+".yml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cache := plugin.NewCache(pluginsAt(dir))
	cache.ReloadPlugins()
	p := cache.GetPlugin(ID)
	if p == nil {
		t.Fatal("Stash cannot load the yml")
	}
	var offered []string
	raw := required(nil)
	for _, s := range p.Settings {
		offered = append(offered, s.Name)
		if s.DisplayName == "" || s.Description == "" {
			t.Errorf("setting %s has no text", s.Name)
		}
		if _, set := raw[s.Name]; !set {
			raw[s.Name] = nil
		}
	}
	if got, err := ParseSettings(raw); err != nil || len(got.Unknown) > 0 || len(offered) != 10 {
		t.Errorf("offered %v, unknown to the program %v, %v", offered, got.Unknown, err)
	}
	modes := (&session{}).modes()
	for _, task := range p.Tasks {
		if task.Name == taskName {
			delete(modes, "process")
		}
		if task.Description == nil || *task.Description == "" {
			t.Errorf("task %s has no text", task.Name)
		}
	}
	if len(p.Tasks) != 9 || modes["process"] != nil {
		t.Errorf("%d tasks, want 9 with %q among them", len(p.Tasks), taskName)
	}
	var hooks []string
	for _, h := range p.Hooks {
		hooks = append(hooks, h.Hooks...)
	}
	for _, h := range hooks {
		if _, handled, _ := parseHook(map[string]any{"type": h, "id": 1.0}); !handled {
			t.Errorf("hook %s is not handled", h)
		}
	}
	if len(hooks) != 3 {
		t.Errorf("hooks = %v", hooks)
	}
}

// pluginsAt is what Stash's loader asks of its configuration.
type pluginsAt string

func (pluginsAt) GetHost() string              { return "" }
func (pluginsAt) GetPort() int                 { return 0 }
func (pluginsAt) GetConfigPathAbs() string     { return "" }
func (pluginsAt) HasTLSConfig() bool           { return false }
func (p pluginsAt) GetPluginsPath() string     { return string(p) }
func (pluginsAt) GetDisabledPlugins() []string { return nil }
func (pluginsAt) GetPythonPath() string        { return "" }
