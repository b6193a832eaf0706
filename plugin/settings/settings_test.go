package settings

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
)

func required(more map[string]any) map[string]any {
	raw := map[string]any{"plexUrl": "http://plex:32400", "plexToken": "secret-token"}
	maps.Copy(raw, more)
	return raw
}

func TestSettingsAreReadLeniently(t *testing.T) {
	all, err := merge.ParseFields("")
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
		{"what Plex does not hold", map[string]any{"skipMissing": true}, func(s *Settings) { s.SkipMissing = true }},
		{"scans", map[string]any{"scanPlex": "on"}, func(s *Settings) { s.ScanPlex = true }},
		{"lists", map[string]any{"plexLibraries": []any{"A", 2.0}}, func(s *Settings) { s.Libraries = []string{"A", "2"} }},
		{"lists of pairs, and holes in lists", map[string]any{"pathMap": []any{"/a => /b", "/c => /d"}, "plexLibraries": []any{"One, two", nil, " "}}, func(s *Settings) {
			s.PathMap = []match.PathPair{{From: "/a", To: "/b"}, {From: "/c", To: "/d"}}
			s.Libraries = []string{"One, two"}
		}},
		{"names", map[string]any{"plexLibraries": " Videos , 2,"}, func(s *Settings) { s.Libraries = []string{"Videos", "2"} }},
		{"a pasted address", map[string]any{"plexUrl": " https://plex.example:443/base/web/index.html#!/media "}, func(s *Settings) { s.PlexURL = "https://plex.example:443/base" }},
		{"the page of Plex itself", map[string]any{"plexUrl": "http://[::1]:32400/web/"}, func(s *Settings) { s.PlexURL = "http://[::1]:32400" }},
		{"a path that only begins like it", map[string]any{"plexUrl": "https://nas/web/plex/"}, func(s *Settings) { s.PlexURL = "https://nas/web/plex" }},
		{"paths", map[string]any{"pathMap": `/data => /mnt/v ; D:\Video\=>/video;`}, func(s *Settings) {
			s.PathMap = []match.PathPair{{From: "/data", To: "/mnt/v"}, {From: "D:/Video", To: "/video"}}
		}},
		{"fields", map[string]any{"fields": "Title, tags"}, func(s *Settings) { s.Fields = merge.Fields{Names: map[string]bool{"title": true, "tags": true}} }},
		{"a content rating", map[string]any{"contentRating": " XXX "}, func(s *Settings) { s.Fields.ContentRating = "XXX" }},
		{"a number as a content rating", map[string]any{"contentRating": 18.0}, func(s *Settings) { s.Fields.ContentRating = "18" }},
		{"a content rating and no other field", map[string]any{"contentRating": "XXX", "fields": "title,-title"}, func(s *Settings) {
			s.Fields = merge.Fields{Names: map[string]bool{}, ContentRating: "XXX"}
		}},
		{"unknown", map[string]any{"plexurl": "x", "enabled": true}, func(s *Settings) { s.Unknown = []string{"plexurl"} }},
	} {
		want := defaults
		c.want(&want)
		got, err := Parse(required(c.raw))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", c.name, got, err, want)
		}
	}
}

func TestNumberInFrontOfAKeyIsIgnored(t *testing.T) {
	for _, c := range []struct {
		name   string
		stored map[string]any
		want   int // retries
		other  []string
	}{
		{"a key of the page", map[string]any{"60maxRetries": 7.0}, 7, nil},
		{"a key without a number", map[string]any{"maxRetries": 7.0}, 7, nil},
		{"any number", map[string]any{"7maxRetries": 7.0}, 7, nil},
		{"the key of the page counts", map[string]any{"maxRetries": 7.0, "60maxRetries": 8.0}, 8, nil},
		{"a setting cleared on the page counts", map[string]any{"maxRetries": 7.0, "60maxRetries": ""}, DefaultMaxRetries, nil},
		{"null is not set", map[string]any{"maxRetries": 7.0, "60maxRetries": nil}, 7, nil},
		{"an unknown key keeps its number", map[string]any{"60maxRetrys": 7.0, "90": 1.0}, DefaultMaxRetries, []string{"60maxRetrys", "90"}},
	} {
		stored := map[string]any{"05plexUrl": "http://plex:32400", "10plexToken": "secret-token", "plexToken": "other"}
		maps.Copy(stored, c.stored)
		s, err := Parse(stored)
		if err != nil || s.MaxRetries != c.want || !slices.Equal(s.Unknown, c.other) || s.PlexURL != "http://plex:32400" || s.PlexToken != "secret-token" {
			t.Errorf("%s: %+v, %v, want %d retries and the unknown keys %q", c.name, s, err, c.want, c.other)
		}
	}
}

func TestSettingsErrorReportsAllProblemsWithoutSecrets(t *testing.T) {
	_, err := Parse(map[string]any{
		"plexUrl": "http://user:pass-word@host/?X-Plex-Token=secret-token", "plexToken": "secret token", "maxRetries": -1.0, "timeoutSeconds": 1.5,
		"insecureTLS": "maybe", "fields": "title, nonsense", "pathMap": "a, b",
	})
	e, ok := errors.AsType[*Error](err)
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
			t.Errorf("a secret is in the message: %v", err)
		}
	}
}

func TestInvalidAddressIsRefusedWithARemedy(t *testing.T) {
	const example = "http://192.168.1.5:32400"
	for _, c := range []struct{ url, shown, remedy string }{
		{"192.168.1.77:32400", "192.168.1.77:32400", "enter http://192.168.1.77:32400"},
		{"localhost:32400", "localhost:32400", "enter http://localhost:32400"},
		{"plex", "plex", "enter http://plex"},
		{"http:/plex:32400", "http:/plex:32400", example},
		{"ftp://plex", "ftp://plex", example},
		{"http://", "http://", example},
		{"http://plex:port", "http://plex:port", example},
		{"http://me:hunter2@plex/?q=hunter2", "http://plex/", "user name"},
		{"http://me:pa?hunter2@plex", "…", example},
		{"me:hunter2@plex:32400", "…", example},
		{"http://plex:99x/?hunter2", "http://plex:99x/", example},
		{"https://app.plex.tv/desktop/#!/hunter2", "https://app.plex.tv/desktop/", example},
		{"http://plex:32400/?x-plex-token=hunter2hunter2", "", "plexToken"},
		{"hunter2hunter2hunter2", "", "plexToken"},
		{"eyJhbGciOi.hunter2.hunter2", "", "plexToken"},
		{"ftp://plex/secret-token", "ftp://plex/***", example}, // the token of required
	} {
		s, err := Parse(required(map[string]any{"plexUrl": c.url, "maxRetries": 9.0}))
		e, ok := errors.AsType[*Error](err)
		if !ok || len(e.Problems) != 1 || e.Problems[0].Value != c.shown || !strings.Contains(e.Problems[0].Remedy, c.remedy) {
			t.Errorf("plexUrl %q: %v, want one problem with %q and %q", c.url, err, c.shown, c.remedy)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("plexUrl %q: a secret is in the message: %v", c.url, err)
		}
		if s.PlexURL != "" || s.MaxRetries != 9 || s.PlexToken == "" {
			t.Errorf("plexUrl %q: %+v, want all but the address", c.url, s)
		}
	}
}

func TestNumbersOutOfRangeAreRefused(t *testing.T) {
	for _, c := range []struct {
		setting string
		value   any
		ok      bool
	}{
		{"maxRetries", 1.0, true},
		{"maxRetries", 100.0, true},
		{"maxRetries", 101.0, false},
		{"maxRetries", "-1", false},
		{"maxRetries", 1e300, false},
		{"maxRetries", "NaN", false},
		{"maxRetries", "many", false},
		{"timeoutSeconds", 600, true},
		{"timeoutSeconds", "601", false},
		{"timeoutSeconds", 0.5, false},
	} {
		s, err := Parse(required(map[string]any{c.setting: c.value}))
		if (err == nil) != c.ok {
			t.Errorf("%s %v: %v, want it taken: %t", c.setting, c.value, err, c.ok)
		}
		if !c.ok && (s.MaxRetries != 5 || s.Timeout != 30*time.Second) {
			t.Errorf("%s %v: %d, %v, want the defaults", c.setting, c.value, s.MaxRetries, s.Timeout)
		}
	}
}

func TestUnsetSettingsAreOneMessage(t *testing.T) {
	_, err := Parse(nil)
	if err == nil || strings.Count(err.Error(), " is not set") != 2 || strings.Contains(err.Error(), "\n") ||
		!strings.Contains(err.Error(), "plexUrl") || !strings.Contains(err.Error(), "plexToken") {
		t.Errorf("error = %v", err)
	}
}

func TestTokenInAnySettingIsHidden(t *testing.T) {
	const token = "Ab_9-secretToken-xyz"
	for _, name := range []string{"plexUrl", "fields", "pathMap", "maxRetries", "timeoutSeconds", "insecureTLS"} {
		_, err := Parse(required(map[string]any{"plexToken": token, name: token}))
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(strings.ToLower(err.Error()), strings.ToLower(token)) {
			t.Errorf("the token as %s: %v", name, err)
		}
	}
}

func TestInvalidTokensAndPairsAreRefused(t *testing.T) {
	for _, c := range []struct {
		setting string
		value   any
		shown   string
	}{
		{"plexToken", map[string]any{"a": "secret"}, ""},
		{"plexToken", "two words", ""},
		{"plexToken", "line\nbreak", ""},
		{"plexToken", "bell\x07", ""},
		{"plexToken", "tokén", ""},
		{"pathMap", "/a -> /b", "/a -> /b"},
		{"pathMap", "/ok => /fine; /a => /b => /c", "/a => /b => /c"},
		{"pathMap", "=> /b", "=> /b"},
		{"pathMap", "/a =>", "/a =>"},
		{"fields", "tags, -tags", "tags, -tags"},
	} {
		_, err := Parse(required(map[string]any{c.setting: c.value}))
		e, ok := errors.AsType[*Error](err)
		if !ok || len(e.Problems) != 1 || e.Problems[0].Setting != c.setting || e.Problems[0].Value != c.shown {
			t.Errorf("%s %v: %v, want one problem with %q", c.setting, c.value, err, c.shown)
		}
	}
}

func TestProblemsAreShort(t *testing.T) {
	const token = "Ab_9-secretToken-xyz"
	_, err := Parse(required(map[string]any{
		"plexToken": token, "fields": "tags,a\nb\x01," + strings.Repeat("x", 280) + token + ",y", "pathMap": strings.Repeat("/a;", 1000),
	}))
	e, ok := errors.AsType[*Error](err)
	if !ok || len(e.Problems) != 7 || !strings.Contains(err.Error(), "995 more") {
		t.Fatalf("error = %v", err)
	}
	for _, p := range e.Problems {
		if len([]rune(p.Remedy)) > 300 || strings.ContainsAny(p.Remedy, "\n\x01") || strings.Contains(p.Remedy, "secrettoken") {
			t.Errorf("%s: %q", p.Setting, p.Remedy)
		}
		if p.Setting == "fields" && !strings.Contains(p.Remedy, "background, collection") {
			t.Errorf("the valid fields are missing: %q", p.Remedy)
		}
	}
}

func TestEveryNamedSettingIsRead(t *testing.T) {
	var reader parser
	reader.read()
	var named []string
	for _, s := range Page {
		named = append(named, s.Key)
	}
	if got, want := slices.Sorted(slices.Values(reader.known)), slices.Sorted(slices.Values(named)); !slices.Equal(got, want) {
		t.Errorf("settings read: %v, named: %v", got, want)
	}
}
