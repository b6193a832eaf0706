package plexindex

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// searched returns an index of files, each given as "key path size duration", the newest last.
func searched(t *testing.T, files ...string) *Index {
	t.Helper()
	x, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	p := Page{After: ListingState{Section: "1", Number: 1, Position: -1}}
	for _, text := range files {
		f := File{Section: "1"}
		fmt.Sscan(text, &f.RatingKey, &f.Path, &f.Size, &f.Duration)
		p.Files = append(p.Files, f)
	}
	if err := x.Apply(t.Context(), "S", p); err != nil {
		t.Fatal(err)
	}
	return x
}

func keys(files []File) string {
	var list []string
	for _, f := range files {
		list = append(list, f.RatingKey)
	}
	return strings.Join(list, " ")
}

func TestSearchByText(t *testing.T) {
	x := searched(t, "1 /a/Holiday_1.mp4 5", "2 /b/holiday-2.mkv 6", "3 /b/100%.mp4 7", `4 D:\c\x.mp4 8`)
	for text, want := range map[string]string{"holiday": "2 1", "HOLIDAY_": "1", "%": "3", `\C\`: "4", "/b/": "3 2", "none": "", "_": "1"} {
		got, complete, err := x.WithText(t.Context(), "S", text, 20)
		if err != nil || keys(got) != want || !complete {
			t.Errorf("%q: %s, %v, %v; want %s", text, keys(got), complete, err, want)
		}
	}
	if got, _, err := x.WithText(t.Context(), "S", "/", 2); err != nil || keys(got) != "3 2" {
		t.Errorf("two of three: %s, %v", keys(got), err)
	}
	if got, _, err := x.WithText(t.Context(), "another", "/", 2); err != nil || len(got) != 0 {
		t.Errorf("of another server: %s, %v", keys(got), err)
	}
}

func TestSearchBySizeAndDuration(t *testing.T) {
	x := searched(t, "1 /a 5 60000", "2 /b 6 60900", "3 /c 7 61500", "4 /d 5 0", "5 /e 0 60100")
	for _, c := range []struct {
		size, duration int64
		want           string
	}{
		{5, 60000, "1 4 5 2"}, {5, 0, "4 1"}, {0, 60950, "2 3 5 1"}, {0, 0, ""}, {9, 9, ""},
	} {
		got, _, err := x.WithSize(t.Context(), "S", c.size, c.duration, 20)
		if err != nil || keys(got) != c.want {
			t.Errorf("%d bytes, %d ms: %s, %v; want %s", c.size, c.duration, keys(got), err, c.want)
		}
	}
}

func TestSearchLooksAtTheNewestFiles(t *testing.T) {
	x := searched(t, "1 /a 5", "2 /a 5", "3 /a 5")
	for atMost, want := range map[int]string{2: "3 2", 3: "3 2 1"} {
		got, complete, err := x.search(t.Context(), atMost, withText, hash("S"), "%a%", 20)
		if err != nil || keys(got) != want || complete != (atMost == 3) {
			t.Errorf("of %d: %s, %v, %v; want %s", atMost, keys(got), complete, err, want)
		}
	}
}

func TestFilesOfItems(t *testing.T) {
	x := searched(t, "2 /b 6", "1 /z 5", "1 /a 5", "3 /c 7")
	got, err := x.OfItems(t.Context(), "S", []string{"1", "2", "9"})
	if err != nil || keys(got) != "1 1 2" || got[0].Path != "/z" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := x.OfItems(t.Context(), "another", []string{"1"}); err != nil || slices.Contains(got, File{}) || len(got) != 0 {
		t.Errorf("of another server: %v, %v", got, err)
	}
}
