package match

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// A path is mapped to one path and back, by the pair that says most about it, and what two paths teach maps
// the one to the other.
func FuzzPathMap(f *testing.F) {
	f.Add("/data", "/mnt/v", "/data/a/b.mp4", "/mnt/v/a/b.mp4")
	f.Add(`D:\Video\`, `\\nas\video`, `d:\video\Ä\x.mp4`, "//NAS/video/a\u0308/x.mp4")
	f.Add("/", "//", "//a/b/c", "/x//b/c")
	f.Add("", "/", "a/b", "b/a/b")
	f.Add("//n/s", "K:/", "//\u212a/s/x", "k:/x")
	f.Fuzz(func(t *testing.T, from, to, path, other string) {
		p := PathPair{From: pathform.Normal(from), To: pathform.Normal(to)}
		wide := PathPair{From: pathform.Normal(from[:len(from)/2]), To: "/wide"}
		mapped, ok := p.replace(path)
		if ok && strings.Trim(path, `/\`) != "" { // else it is no file's
			if mapped != pathform.Normal(mapped) {
				t.Errorf("%+v makes %q of %q, which is no normal path", p, mapped, path)
			}
			if back, again := p.back().replace(mapped); !again || back != pathform.Normal(path) && !onWindows(pathform.Normal(path)) {
				t.Errorf("%+v makes %q of %q, and of that %q, %v", p, mapped, path, back, again)
			}
			if best, found := mapPath([]PathPair{wide, p, wide}, path); !found || len(p.From) > len(wide.From) && best != mapped {
				t.Errorf("of %+v and %+v the one gives %q, and both %q", p, wide, mapped, best)
			}
		}
		if pair, folder, taught := commonTail(path, other); taught {
			a, b := pathform.Normal(path), pathform.Normal(other)
			if !strings.HasPrefix(a, folder+"/") {
				t.Errorf("%q is not in %q", a, folder)
			}
			want := b[:strings.LastIndexByte(b, '/')] + a[strings.LastIndexByte(a, '/'):]
			if got, ok := pair.replace(path); pair.From != "" && pair.To != "" && (!ok || got != want) {
				t.Errorf("%q and %q teach %+v, which makes %q, %v of the first, want %q", path, other, pair, got, ok, want)
			}
		}
		for _, spelling := range spellings(path) {
			if pathform.Fold(spelling) != pathform.Fold(path) && utf8.ValidString(path) {
				t.Errorf("%q is taken for a spelling of %q", spelling, path)
			}
		}
		checkEvidence(t, path, other)
	})
}

// checkEvidence feeds what two paths say to the evidence, as often as it takes, and stores it.
func checkEvidence(t *testing.T, stash, plex string) {
	var e Evidence
	for range foldersToLearn + 1 {
		if e.Add(stash, plex) && len(e.Learned()) > 0 {
			t.Errorf("%q and %q alone teach %+v", stash, plex, e.Learned())
		}
	}
	text, err := json.Marshal(e)
	var stored Evidence
	if err != nil || json.Unmarshal(text, &stored) != nil || len(stored.Pairs) != len(e.Pairs) {
		t.Errorf("%+v is stored as %s, %v", e, text, err)
	}
}
