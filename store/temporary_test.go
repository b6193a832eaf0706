package store

import "testing"

func TestTemporaryIndexIsGoneWhenItIsClosed(t *testing.T) {
	for range 2 {
		x, err := TemporaryIndex(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if files, err := x.ByPath(t.Context(), "S", "/a.mp4", false); err != nil || len(files) != 0 {
			t.Errorf("a new one holds %v, %v", files, err)
		}
		page := ReadPage{Files: []PlexFile{{Section: "1", RatingKey: "5", Path: "/a.mp4", Size: 7}}, After: Reading{Section: "1", Position: -1}}
		if err := x.Apply(t.Context(), "S", page); err != nil {
			t.Fatal(err)
		}
		if files, err := x.ByPath(t.Context(), "S", "/a.mp4", false); err != nil || len(files) != 1 || files[0].RatingKey != "5" {
			t.Errorf("it holds %v, %v", files, err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}
