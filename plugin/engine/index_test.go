package engine

import (
	"fmt"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// filledIndex returns an index that holds files, each given as "key path size", the newest last. A library and a
// duration in ms may follow.
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
		fmt.Sscan(f, &file.RatingKey, &file.Path, &file.Size, &file.Section, &file.Duration)
		p.Files = append(p.Files, file)
	}
	if err := x.Apply(t.Context(), "S", p); err != nil {
		t.Fatal(err)
	}
	return x
}
