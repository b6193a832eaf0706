package lookup

import (
	"fmt"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// filledIndex returns an index that holds files, each given as "key path size", the newest last. A library may follow.
func filledIndex(t *testing.T, files ...string) *plexindex.Index {
	t.Helper()
	x, err := plexindex.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	p := plexindex.Page{After: plexindex.ListingState{Section: "1", Number: 1, Position: -1}}
	for i, f := range files {
		file := plexindex.File{Section: "1", AddedAt: int64(i)}
		fmt.Sscan(f, &file.RatingKey, &file.Path, &file.Size, &file.Section)
		p.Files = append(p.Files, file)
	}
	if err := x.Apply(t.Context(), "S", p); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestSampleNamesTheNearestFile(t *testing.T) {
	for _, c := range []struct {
		name  string
		plex  []string // key path size
		found match.Found
		want  string
	}{
		{"nothing", nil, match.Missing, "Plex has no file named x.mp4"},
		{"another name", []string{"1 /v/y.mp4 5"}, match.Missing, "Plex has no file named x.mp4"},
		{"another size", []string{"1 /v/x.mp4 7"}, match.Missing, "Plex has x.mp4 at /v/x.mp4 with a different size (7 bytes, in Stash 5)"},
		{"the nearest folder", []string{"1 /v/x.mp4 7", "2 /v/a/x.mp4 8", "3 /w/x.mp4 9"}, match.Missing, "Plex has x.mp4 at /v/a/x.mp4 with a different size (8 bytes, in Stash 5)"},
		{"another scene's", []string{"1 /v/a/x.mp4 7", "2 /v/x.mp4 5"}, match.Missing, "Plex has x.mp4 at /v/x.mp4, but that file belongs to another scene"},
		{"in a library that is not chosen", []string{"1 /v/x.mp4 5 3"}, match.Missing, "Plex has no file named x.mp4"},
		{"several", nil, match.Ambiguous, `2 items fit equally well: /p in "L", /q in "L"`},
	} {
		index, server := filledIndex(t, c.plex...), &push.Server{ID: "S", Sections: []plexapi.Section{{ID: "1"}}}
		scene := &stashapi.Scene{ID: 1, Files: []stashapi.File{{Path: `D:\data\a\x.mp4`, Size: 5}}}
		near := match.Match{Found: c.found}
		if c.found == match.Ambiguous {
			near.Candidates = []match.Candidate{{Library: "L", Path: "/p"}, {Library: "L", Path: "/q"}}
		}
		if got, err := WhyNot(t.Context(), index, server, scene, near, All); err != nil || text.Plain(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	if got, err := WhyNot(t.Context(), nil, &push.Server{}, &stashapi.Scene{}, match.Match{Found: match.Missing}, All); err != nil || got != "it has no file" {
		t.Errorf("without a file: %q, %v", got, err)
	}
}
