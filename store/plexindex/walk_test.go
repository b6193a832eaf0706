package plexindex

import (
	"fmt"
	"strings"
	"testing"
)

func TestWalkReturnsEachFileOnce(t *testing.T) {
	x, err := OpenInMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	var page Page
	for i := range 95 { // three files of each item
		page.Files = append(page.Files, File{Section: "1", RatingKey: fmt.Sprint(i / 3), Path: fmt.Sprintf("/v/%d.mp4", i), Size: int64(i)})
	}
	page.After = ListingState{Section: "1"}
	if err := x.Apply(t.Context(), "S", page); err != nil {
		t.Fatal(err)
	}
	page.Files = page.Files[:1]
	if err := x.Apply(t.Context(), "another", page); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	last := ""
	for place, pages := (Place{}), 0; pages < 20; pages++ {
		var files []File
		if files, place, err = x.Walk(t.Context(), "S", place, 10); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			seen[f.Path]++
			if f.RatingKey < last {
				t.Errorf("%s comes after %s", f.RatingKey, last)
			}
			last = f.RatingKey
		}
		if len(files) < 10 {
			break
		}
	}
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s comes %d times", path, n)
		}
	}
	if len(seen) != 95 {
		t.Errorf("%d files", len(seen))
	}
	var id, parent, unused int
	var plan string
	if err := x.db.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+filesAfter, "", 0, 0, 10).Scan(&id, &parent, &unused, &plan); err != nil || !strings.HasPrefix(plan, "SEARCH plex_file USING INDEX plex_file_key") {
		t.Errorf("the plan is %q, %v", plan, err)
	}
}
