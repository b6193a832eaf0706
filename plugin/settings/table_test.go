package settings

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTableShowsEverySettingButTheToken(t *testing.T) {
	const secret = "canary-Token-0123456"
	raw := map[string]any{
		"05plexUrl": "http://plex:32400/web", "10plexToken": secret, "plexLibraries": `Films, "A, B"`, "pathMap": "/a => /b", "fields": "title,+background",
		"contentRating": "XXX", "keepPlexEdits": true, "onlyOrganized": "yes", "excludeTags": "Private", "skipMissing": 1.0, "scanPlex": "on", "maxRetries": 7.0,
		"timeoutSeconds": "9", "insecureTLS": true, "debugLog": true, "redactLogs": "nonsense " + secret, "plays": `Anna, 7`,
	}
	s, err := Parse(raw)
	values, defaults, problems := make(map[string]string), make(map[string]string), 0
	for _, e := range Table(s, ProblemsOf(err)) {
		value, err := json.Marshal([]any{e.Value, e.Default})
		if err != nil || strings.Contains(string(value), secret) {
			t.Fatalf("%s: %s, %v", e.Key, value, err)
		}
		var two []json.RawMessage
		if err := json.Unmarshal(value, &two); err != nil {
			t.Fatal(err)
		}
		values[e.Name], defaults[e.Name] = e.Kind+" "+string(two[0]), string(two[1])
		for _, p := range e.Problems {
			problems++
			if e.Name != "redactLogs" || strings.Contains(p.String(), secret) || p.Remedy == "" {
				t.Errorf("%s: %v", e.Key, p)
			}
		}
	}
	if problems != 1 {
		t.Errorf("%d problems, want 1", problems)
	}
	for name, want := range map[string][2]string{
		"plexUrl":        {`text "http://plex:32400"`, `""`},
		"plexToken":      {`secret {"set":true,"length":"usual"}`, `{"set":false,"length":""}`},
		"plexLibraries":  {`list ["Films","\"A, B\""]`, `[]`},
		"pathMap":        {`pairs [{"from":"/a","to":"/b"}]`, `[]`},
		"fields":         {`fields ["title","background"]`, `["title","details","date","studio","performers","tags","director","groups","rating","poster"]`},
		"contentRating":  {`text "XXX"`, `""`},
		"keepPlexEdits":  {`boolean true`, `false`},
		"onlyOrganized":  {`boolean true`, `false`},
		"excludeTags":    {`list ["Private"]`, `[]`},
		"skipMissing":    {`boolean true`, `false`},
		"scanPlex":       {`boolean true`, `false`},
		"maxRetries":     {`number 7`, `5`},
		"timeoutSeconds": {`number 9`, `30`},
		"insecureTLS":    {`boolean true`, `false`},
		"debugLog":       {`boolean true`, `false`},
		"redactLogs":     {`boolean false`, `false`},
		"plays":          {`list ["Anna","7"]`, `[]`},
	} {
		if values[name] != want[0] || defaults[name] != want[1] {
			t.Errorf("%s: %s, default %s, want %v", name, values[name], defaults[name], want)
		}
	}
	if len(values) != len(Page) {
		t.Errorf("%d settings, want %d", len(values), len(Page))
	}
}

func TestLengthOfATokenIsAClass(t *testing.T) {
	for token, want := range map[string]string{"": "", "abc": "short", strings.Repeat("x", 20): "usual", strings.Repeat("x", 300): "long"} {
		if got := lengthOf(token); got != want {
			t.Errorf("%q: %q", token, got)
		}
	}
}
