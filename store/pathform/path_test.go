package pathform

import (
	"testing"
)

func TestPathsOfTwoSystemsCompare(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`/a//b/c/`, `/a/b/c`},
		{`D:\Media\x.mp4`, `D:/Media/x.mp4`},
		{`\\nas\share\x.mp4`, `//nas/share/x.mp4`},
		{"/a/e\u0301.mp4", "/a/\u00e9.mp4"},
		{`/`, `/`},
		{``, ``},
	} {
		if got := Normal(c.in); got != c.want {
			t.Errorf("Normal(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	for _, c := range []struct{ a, b string }{ // of one file on a share
		{"/v/Who?.mp4", "/v/Who\uf025.mp4"},
		{"/v/1: a \"b\".mp4", "/v/1\uf03a a \uf020b\uf020.mp4"},
		{`/<v>*/a|b.mp4`, "/\uf03cv\uf03e\uf02a/a\uf07cb.mp4"},
	} {
		if Fold(c.a) != Fold(c.b) || Normal(c.a) == Normal(c.b) {
			t.Errorf("%q and %q are not equal, or not only by Fold", c.a, c.b)
		}
	}
	if Fold("/v/a?") == Fold("/v/a") || Fold("/v/a\ue000") == Fold("/v/a?") {
		t.Error("different names are equal")
	}
	if got := FoldBase(`D:\Ä\STRASSE.MP4`); got != "strasse.mp4" {
		t.Errorf("FoldBase = %q", got)
	}
}

func TestFoldIsStableForDecomposingLetters(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"/\u03ab\u0301", "/\u03b0"}, // upsilon with two accents, which compose only with the small letter
		{"/J\u030c", "/\u01f0"},
		{"/\u13a0", "/\uab70"}, // Cherokee, which Unicode folds to capitals
	} {
		a, b := Fold(c.a), Fold(c.b)
		if a != b || Fold(a) != a {
			t.Errorf("Fold(%q) = %q, of that %q, and of %q %q", c.a, a, Fold(a), c.b, b)
		}
	}
}

func TestTrailingFoldersCountsFromTheFile(t *testing.T) {
	for _, c := range []struct {
		a, b string
		fold bool
		want int
	}{
		{`/data/movies/A/x.mp4`, `/mnt/movies/A/y.mp4`, false, 2},
		{`/data/movies/A/x.mp4`, `D:\Movies\a\x.mp4`, false, 0},
		{`/data/movies/A/x.mp4`, `D:\Movies\a\x.mp4`, true, 2},
		{`/A/x.mp4`, `/A/x.mp4`, false, 1},
		{`x.mp4`, `x.mp4`, false, 0},
	} {
		if got := TrailingFolders(c.a, c.b, c.fold); got != c.want {
			t.Errorf("TrailingFolders(%q, %q, %v) = %d, want %d", c.a, c.b, c.fold, got, c.want)
		}
	}
}
