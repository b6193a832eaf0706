package plugin

import (
	"strconv"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

func TestReportListsAtMostFiftySections(t *testing.T) {
	index, err := plexindex.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for i := range 60 {
		at := plexindex.ListingState{Section: strconv.Itoa(i), Title: "Movies", Position: -1}
		if err := index.Apply(t.Context(), "S", plexindex.Page{After: at}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := sections(t.Context(), index, "S"); err != nil || len(list) != listed {
		t.Errorf("%d sections, %v; want %d", len(list), err, listed)
	}
}
