package text

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitNamesSplitsAtCommasOutsideQuotes(t *testing.T) {
	for list, want := range map[string]string{
		"":                         "",
		" , ,":                     "",
		" Videos , 2,":             "Videos|2",
		`"A, B", C`:                `"A, B"|C`,
		`'A, B' ,C`:                `'A, B'|C`,
		"“A, B”,„C, D“":            "“A, B”|„C, D“",
		`'70s, '80s`:               "'70s|'80s",
		`"Best" of, "x, y"`:        `"Best" of|"x, y"`,
		`12" vinyl, 7" vinyl`:      `12" vinyl|7" vinyl`,
		`"never closed, B`:         `"never closed|B`,
		`"A","B"`:                  `"A"|"B"`,
		"\u00a0A\u00a0,\u00a0B\t,": "A|B",
	} {
		if got := strings.Join(SplitNames(list), "|"); got != want {
			t.Errorf("SplitNames(%q) = %q, want %q", list, got, want)
		}
	}
}

func TestSpansReturnsJoinsAndParts(t *testing.T) {
	for list, want := range map[string]string{
		"A":            "A",
		"A, B,C":       "A, B, C|A, B|B, C|A|B|C",
		`"A, B", C, D`: `"A, B", C, D|C, D|A, B|"A, B"|C|D`,
	} {
		var got []string
		for _, s := range Spans(SplitNames(list)) {
			got = append(got, s.Name)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("Spans of %q = %q, want %q", list, got, want)
		}
	}
	many := SplitNames(strings.Repeat("x,", 100))
	if n := len(Spans(many)); n > 100*mostJoined+1 {
		t.Errorf("100 parts have %d spans", n)
	}
	if first := Spans(many)[0]; first.To != 100 {
		t.Errorf("first span = %+v, want the whole list", first)
	}
}

func TestNameKeyIsEqualForAllFormsOfAName(t *testing.T) {
	for _, forms := range [][]string{
		{"My Movies", " My  Movies ", "My\u00a0Movies", "MY MOVIES"},
		{"Ältere Filme", "A\u0308ltere Filme"},
		{"A, B", "A,B", "a ,  b"},
	} {
		keys := make([]string, len(forms))
		for i, f := range forms {
			keys[i] = NameKey(f)
		}
		if len(slices.Compact(keys)) != 1 {
			t.Errorf("%q have the keys %q", forms, keys)
		}
	}
	if NameKey("A B") == NameKey("AB") || NameKey("Cafe") == NameKey("Café") {
		t.Error("different names have one key")
	}
}
