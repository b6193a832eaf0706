package settings

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestInvalidGuardingSettingIsAProblem(t *testing.T) {
	for _, c := range []struct {
		key     string
		value   any
		setting string // that has the only problem
	}{
		{"excludeTags", " , ", "excludeTags"},
		{"excludeTags", `"", ' '`, "excludeTags"},
		{"plexLibraries", ",", "plexLibraries"},
		{"fields", ",", "fields"},
		{"fields", "-", "fields"},
		{"fields", "tags,-", "fields"},
		{"fields", "title;tags", "fields"},
		{"fields", "\u2212tags", "fields"}, // a minus sign that is not -
		{"onlyOrganized", "ja", "onlyOrganized"},
		{"onlyOrganized", map[string]any{"on": true}, "onlyOrganized"},
		{"onlyorganized", true, "onlyOrganized"},
		{"onlyOrganised", true, "onlyOrganized"},
		{"only_organized", "on", "onlyOrganized"},
		{"excludetags", "Private", "excludeTags"},
		{"exclude_tags", []any{"Private"}, "excludeTags"},
		{"excludeTag", "Private", "excludeTags"},
		{"excludTags", "Private", "excludeTags"},
		{"plex_libraries", "Films", "plexLibraries"},
		{"plexLibrary", "Films", "plexLibraries"},
		{"field", "title", "fields"},
		{"45excludetags", "Private", "excludeTags"},
		{"45excludeTags", ",", "excludeTags"},
	} {
		_, err := Parse(required(map[string]any{c.key: c.value}))
		e, ok := errors.AsType[*Error](err)
		if !ok || len(e.Problems) != 1 || e.Problems[0].Setting != c.setting {
			t.Errorf("%s %v: %v, want one problem with %s", c.key, c.value, err, c.setting)
		}
	}
}

func TestUnknownSettingIsNoProblemUnlessItLooksGuarding(t *testing.T) {
	for _, raw := range []map[string]any{
		{"onlyOrganised": false},
		{"excludetags": ""},
		{"fields2": ""},
		{"plexurl": "x"},
		{"includeTags": "A"},
		{"excludetags": "Private", "excludeTags": "Private"},
		{"onlyOrganized": nil},
	} {
		if _, err := Parse(required(raw)); err != nil {
			t.Errorf("%v: %v", raw, err)
		}
	}
}

func TestQuotedNamesStayTogether(t *testing.T) {
	s, err := Parse(required(map[string]any{"excludeTags": `"A, B" , C,`, "plexLibraries": []any{"One, two", " 3 "}}))
	if err != nil || !slices.Equal(s.ExcludeTags, []string{`"A, B"`, "C"}) || !slices.Equal(s.Libraries, []string{"One, two", "3"}) {
		t.Errorf("%q, %q, %v", s.ExcludeTags, s.Libraries, err)
	}
	if _, err := Parse(required(map[string]any{"excludetags": "x\ny"})); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error = %v", err)
	}
}
