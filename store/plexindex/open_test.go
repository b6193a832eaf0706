package plexindex

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func TestIndexInMemoryIsDeletedWhenClosed(t *testing.T) {
	for range 2 {
		x, err := OpenInMemory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if files, err := x.ByPath(t.Context(), "S", "/a.mp4", false); err != nil || len(files) != 0 {
			t.Errorf("a new index holds %v, %v", files, err)
		}
		page := Page{Files: []File{{Section: "1", RatingKey: "5", Path: "/a.mp4", Size: 7}}, After: ListingState{Section: "1", Position: -1}}
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

// SQLite allows 32,766 parameters in a statement. A list is one.
func TestListsMayBeLongerThanTheParametersOfAStatement(t *testing.T) {
	const n = 50_000
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprint("key ", i))
	}
	x := indexOpen(t, t.TempDir())
	indexApply(t, x, Page{
		Files: []File{{Section: keys[n-1], RatingKey: keys[n-1], Path: "/v/1"}, {Section: "gone", RatingKey: "2", Path: "/v/2"}},
		After: ListingState{Section: keys[n-1], Number: 1, Position: -1},
	})
	if err := x.Keep(t.Context(), "S", keys); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]bool{keys[n-1]: true, "2": true} { // no section is stale, so nothing is removed
		if held, err := x.Holds(t.Context(), "S", []string{key}); err != nil || held[key] != want {
			t.Errorf("Keep: holds %q: %v, %v; want %v", key, held[key], err, want)
		}
	}
	indexApply(t, x, Page{Trashed: keys, After: ListingState{Section: "gone", Number: 1, Position: -1}})
	if held, err := x.Holds(t.Context(), "S", keys); err != nil || len(held) != 0 {
		t.Errorf("holds %v, %v; want nothing of what is in the trash", held, err)
	}
	if err := x.Keep(t.Context(), "S", keys); err != nil {
		t.Fatal(err)
	}
	if held, err := x.Holds(t.Context(), "S", []string{"2"}); err != nil || len(held) != 0 {
		t.Errorf("holds %v, %v; want nothing of a section that is not kept", held, err)
	}
}

func TestFilesOfASectionAreCountedUpToTheLimit(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	var paths []string
	for i := range sqlitefile.CountLimit + 5 {
		paths = append(paths, "/v/"+time.Duration(i).String())
	}
	indexFill(t, x, paths...)
	if n, err := x.CountFiles(t.Context(), "S", "1"); err != nil || n != (sqlitefile.Count{N: sqlitefile.CountLimit, Capped: true}) {
		t.Errorf("CountFiles = %+v, %v; want the limit %d", n, err, sqlitefile.CountLimit)
	}
}

func TestDamagedIndexIsReplaced(t *testing.T) {
	dir := t.TempDir()
	x, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	page := Page{After: ListingState{Section: "1", Number: 1, Position: -1}}
	for i := range 5000 {
		page.Files = append(page.Files, File{Section: "1", RatingKey: time.Duration(i).String(), Path: "/a/" + time.Duration(i).String(), Size: 1})
	}
	if err := x.Apply(t.Context(), "S", page); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(text) / 2; i < len(text); i++ {
		text[i] = 0xa5
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if x, err = Open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer func() { x.Close() }()
	_, err = x.CountFiles(t.Context(), "S", "1")
	for i := 0; err == nil && i < 5000; i++ {
		_, err = x.ByPath(t.Context(), "S", "/a/"+time.Duration(i).String(), false)
	}
	if !Damaged(err) {
		t.Fatalf("the damage causes %v", err)
	}
	if err := x.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := x.CountFiles(t.Context(), "S", "1"); err != nil || n.N != 0 {
		t.Errorf("%d files, %v; want an empty index", n.N, err)
	}
	if err := os.WriteFile(path, []byte("this is no database at all, and it is long enough to be looked at as one"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatalf("an index that is not a database: %v", err)
	}
	other.Close()
}
