package text

import (
	"strings"
	"testing"
)

func TestOneLineIsOneShortLineOfText(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 0, ""},
		{"a b", 0, "a b"},
		{"\r\na\n\nb\tc\x00d\u0085e\u2028f\u2029g\x1b", 0, "a b c d e f g"},
		{"a  b ", 0, "a  b "},
		{"a\xff\xfeb", 0, "a\uFFFDb"},
		{"a\u200db", 0, "a\u200db"},
		{"éééé", 4, "éééé"},
		{"ééééé", 4, "ééé…"},
		{"\n\nabcd\n\n", 4, "abcd"},
		{strings.Repeat("é", 400), 0, strings.Repeat("é", 400)},
	} {
		if got := OneLine(c.in, c.limit); got != c.want {
			t.Errorf("OneLine(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestClipBytesCutsBetweenRunes(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abc…"},
		{"éééé", 7, "éé…"},
		{"éééé", 6, "é…"},
		{"👩👩👩", 10, "👩…"},
		{"abcdef", 3, "…"},
	} {
		if got := ClipBytes(c.in, c.limit); got != c.want {
			t.Errorf("ClipBytes(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestFoldIgnoresCaseAndComposition(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"STRASSE", "straße"},
		{"\u03ab\u0301", "\u03b0"}, // upsilon with two accents: only the small letter has a composed form
		{"J\u030c", "\u01f0"},
		{"\u13a0", "\uab70"}, // Cherokee
		{"Plain", "pLAIN"},
	} {
		if a, b := Fold(c.a), Fold(c.b); a != b || Fold(a) != a {
			t.Errorf("Fold(%q) = %q, Fold(%q) = %q, want the same", c.a, a, c.b, b)
		}
	}
}

func TestCountNamesOneThingOrSeveral(t *testing.T) {
	for n, want := range []string{"0 scenes", "1 scene", "2 scenes"} {
		if got := Count(n, "scene", "scenes"); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestTimesSaysOnceForOne(t *testing.T) {
	for n, want := range []string{"0 times", "once", "2 times"} {
		if got := Times(n); got != want {
			t.Errorf("Times(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestJoinEndsNoQuestionWithASemicolon(t *testing.T) {
	for _, c := range []struct {
		parts []string
		want  string
	}{
		{nil, ""},
		{[]string{"", "one", "", "two"}, "one; two"},
		{[]string{"is Plex running?", "everything stays queued"}, "is Plex running? Everything stays queued"},
		{[]string{"It is.", "élan", ""}, "It is. Élan"},
	} {
		if got := Join(c.parts...); got != c.want {
			t.Errorf("Join(%q) = %q, want %q", c.parts, got, c.want)
		}
	}
}
