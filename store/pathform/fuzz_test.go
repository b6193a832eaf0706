package pathform

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// FuzzPaths checks that normalising and folding are idempotent, and that the form of accents, slashes and case do not
// matter.
func FuzzPaths(f *testing.F) {
	for _, p := range []string{
		``, `/`, `//`, `///`, `/a//b////c/`, `\\nas\share\x.mp4`, `D:\Ä\STRASSE.MP4`, "/e\u0301/\u0130\u0131ẞßſK", "/\u0345\u0301α\u0345\u0301", "/a/\xff\xfe/", "ǰ/J\u030c", "/a/./../b", " / /", "D:\\a\uf03ab?/\uf001",
		"/" + strings.Repeat("\u0301", 40) + strings.Repeat("\u0323", 3),
	} {
		f.Add(p, `/A/x.mp4`)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for name, form := range map[string]func(string) string{"Normal": Normal, "Fold": Fold} {
			once := form(a)
			if twice := form(once); twice != once {
				t.Errorf("%s(%q) = %q, and applied twice %q", name, a, once, twice)
			}
			if turned := form(strings.ReplaceAll(a, "/", `\`)); turned != once {
				t.Errorf("%s(%q) = %q, and with backslashes %q", name, a, once, turned)
			}
			if apart := form(norm.NFD.String(a)); utf8.ValidString(a) && apart != once {
				t.Errorf("%s(%q) = %q, and with accents apart %q", name, a, once, apart)
			}
			if inner := strings.TrimPrefix(once, "/"); strings.Contains(inner, "//") || strings.Contains(once, `\`) || len(inner) > 1 && strings.HasSuffix(inner, "/") {
				t.Errorf("%s(%q) = %q", name, a, once)
			}
		}
		if other := otherCase(a); Fold(other) != Fold(a) {
			t.Errorf("Fold(%q) = %q, Fold(%q) = %q", a, Fold(a), other, Fold(other))
		}
		if base := FoldBase(a); strings.Contains(base, "/") || !strings.HasSuffix(Fold(a), base) {
			t.Errorf("FoldBase(%q) = %q", a, base)
		}
		n, back := TrailingFolders(a, b, false), TrailingFolders(b, a, false)
		x, y := Folders(Normal(a)), Folders(Normal(b))
		if n != back || n > TrailingFolders(a, b, true) || !slices.Equal(x[:n], y[:n]) || n < len(x) && n < len(y) && x[n] == y[n] {
			t.Errorf("TrailingFolders(%q, %q) = %d, in reverse %d", a, b, n, back)
		}
	})
}

// otherCase changes the case of every letter. It skips the iota below a letter, which belongs to different letters
// depending on the accents between.
func otherCase(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return strings.ContainsRune("\u0345\u0399\u03B9\u1FBE", r) }) || !utf8.ValidString(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\u0130\u0131", r) { // dotted and dotless i, which have case only in Turkish
			return r
		}
		return unicode.SimpleFold(r)
	}, text)
}
