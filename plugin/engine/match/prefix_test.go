package match

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

func TestPathsWithoutACommonFolderAreNoEvidence(t *testing.T) {
	for _, c := range []struct{ name, stash, plex string }{
		{"equal", "/v/a/x.mp4", "/v/a/x.mp4"},
		{"equal but for the slashes", `D:\v\a\x.mp4`, "D:/v/a/x.mp4"},
		{"no folder in common", "/v/a/x.mp4", "/w/b/x.mp4"},
		{"no folder at all", "x.mp4", "x.mp4"},
	} {
		var e Evidence
		if e.Add(c.stash, c.plex) || len(e.Pairs) != 0 {
			t.Errorf("%s: learned from %s and %s: %+v", c.name, c.stash, c.plex, e)
		}
	}
}

func TestLearnedPrefixSurvivesStorage(t *testing.T) {
	var e Evidence
	for _, folder := range []string{"a", "b"} {
		e.Add(`C:\v\`+folder+`\x.mp4`, "/media/"+folder+"/x.mp4")
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var read Evidence
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if !read.Add(`C:\v\c\x.mp4`, "/media/c/x.mp4") {
		t.Error("the third folder teaches nothing")
	}
	if got := read.Learned(); len(got) != 1 || got[0] != (PathPair{From: "C:/v", To: "/media"}) {
		t.Errorf("learned %v", got)
	}
}

func TestPrefixOfAShareIsLearnedWithItsName(t *testing.T) {
	for _, c := range []struct {
		stash, plex string
		want        PathPair
	}{
		{`\\nas\v\%s\x.mp4`, "/mnt/nas/v/%s/x.mp4", PathPair{From: "//nas", To: "/mnt/nas"}},
		{"/mnt/nas/v/%s/x.mp4", `\\nas\v\%s\x.mp4`, PathPair{From: "/mnt/nas", To: "//nas"}},
	} {
		var e Evidence
		for _, folder := range []string{"a", "b", "c"} {
			e.Add(fmt.Sprintf(c.stash, folder), fmt.Sprintf(c.plex, folder))
		}
		got := e.Learned()
		if len(got) != 1 || got[0] != c.want {
			t.Fatalf("learned %+v, want %+v", got, c.want)
		}
		want := pathform.Normal(fmt.Sprintf(c.plex, "d"))
		if mapped, ok := mapPath(got, fmt.Sprintf(c.stash, "d")); !ok || mapped != want {
			t.Errorf("mapped to %q, %v, want %q", mapped, ok, want)
		}
	}
	if mapped, ok := mapPath([]PathPair{{From: "/", To: "/x"}}, "//nas/a"); ok {
		t.Errorf("a share lies below the root of another system, as %q", mapped)
	}
}

func TestPrefixIsLearnedFromThreeFolders(t *testing.T) {
	var e Evidence
	for i, folder := range []string{"a", "a", "b", "c"} {
		if len(e.Learned()) != 0 {
			t.Fatalf("learned after %d matches in two folders: %v", i, e.Learned())
		}
		e.Add("/data/v/"+folder+"/x.mp4", `D:\media\v\`+folder+`\x.mp4`)
	}
	if got := e.Learned(); len(got) != 1 || got[0] != (PathPair{From: "/data", To: "D:/media"}) {
		t.Fatalf("learned %v", got)
	}
	if mapped, ok := mapPath(e.Learned(), "/data/v/z/y.mp4"); !ok || mapped != "D:/media/v/z/y.mp4" {
		t.Errorf("mapped to %q, %v", mapped, ok)
	}
	for i := range 10_000 {
		e.Add(fmt.Sprintf("/from%d/a/x", i), fmt.Sprintf("/to%d/a/x", i))
	}
	if len(e.Pairs) > pairsKept || len(e.Learned()) != 1 {
		t.Errorf("%d pairs are kept, %d learned", len(e.Pairs), len(e.Learned()))
	}
}
