package plexindex

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func indexOpen(t *testing.T, dir string) *Index {
	t.Helper()
	x, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

// indexEmpty returns an index of a section without files.
func indexEmpty(t *testing.T) *Index {
	t.Helper()
	x := indexOpen(t, t.TempDir())
	indexFill(t, x)
	return x
}

// indexFill adds files of section 1 to the index, each with its own item.
func indexFill(t *testing.T, x *Index, paths ...string) {
	t.Helper()
	p := Page{After: ListingState{Section: "1", Number: 1, Position: -1, Items: len(paths)}}
	for i, path := range paths {
		p.Files = append(p.Files, File{Section: "1", RatingKey: fmt.Sprint(100 + i), Path: path, Size: int64(i), AddedAt: int64(i)})
	}
	indexApply(t, x, p)
}

func indexApply(t *testing.T, x *Index, p Page) {
	t.Helper()
	if err := x.Apply(t.Context(), "S", p); err != nil {
		t.Fatal(err)
	}
}

// indexWant checks that the index holds exactly these paths in section 1.
func indexWant(t *testing.T, x *Index, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if files, err := x.ByPath(t.Context(), "S", p, false); err != nil || len(files) == 0 {
			t.Errorf("%s is held as %v, %v", p, files, err)
		}
	}
	if n, err := x.CountFiles(t.Context(), "S", "1"); err != nil || n.N != len(paths) {
		t.Errorf("%d files, %v; want %d", n.N, err, len(paths))
	}
}

func TestIndexLooksUpByPathAndByNameAndSize(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, `D:\Media\A\One.mp4`, "/v/e\u0301.mp4", "/v/one.mp4", "/w/one.mp4", `\\nas\v\STRASSE.mp4`)
	keys := func(files []File, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, f := range files {
			list = append(list, f.RatingKey)
		}
		return strings.Join(list, " ")
	}
	for _, c := range []struct{ got, want string }{
		{keys(x.ByPath(t.Context(), "S", "D:/Media/A/One.mp4", false)), "100"},
		{keys(x.ByPath(t.Context(), "S", "d:/media/a/one.mp4", false)), ""},
		{keys(x.ByPath(t.Context(), "S", "d:/media/a/one.mp4", true)), "100"},
		{keys(x.ByPath(t.Context(), "S", "/v/\u00e9.mp4", false)), "101"},
		{keys(x.ByPath(t.Context(), "S", "//nas/V/straße.mp4", true)), "104"},
		{keys(x.ByPath(t.Context(), "other", "/v/one.mp4", false)), ""},
		{keys(x.ByNameAndSize(t.Context(), "S", "/elsewhere/ONE.mp4", 2)), "102"},
		{keys(x.ByNameAndSize(t.Context(), "S", "/elsewhere/one.mp4", 9)), ""},
		{keys(x.ByNameAndSize(t.Context(), "other", "one.mp4", 2)), ""},
	} {
		if c.got != c.want {
			t.Errorf("found %q, want %q", c.got, c.want)
		}
	}
}

func TestIndexLooksUpByFolders(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	p := Page{After: ListingState{Section: "1", Number: 1, Position: -1}}
	for i, f := range []File{
		{Path: "/v/a/b/x.mp4", Duration: 60_000},
		{Path: `E:\W\A\B\X.mp4`, Duration: 10_000},
		{Path: "/v/c/b/x.mp4", Duration: 61_000},
		{Path: "/v/c/xb/x.mp4", Duration: 60_000},
		{Path: "/v/a/b/y.mp4", Duration: 60_000},
		{Path: "/v/c/b/x.mp4"},
	} {
		f.Section, f.RatingKey, f.AddedAt = "1", fmt.Sprint(100+i), int64(-i)
		p.Files = append(p.Files, f)
	}
	indexApply(t, x, p)
	for _, c := range []struct {
		path     string
		duration int64
		want     string
	}{
		{"/data/a/b/x.mp4", 0, "100 101"},
		{"/data/a/b/x.mp4", 59_000, "100 101"},
		{"/data/a/b/x.mp4", 62_000, "100 101 102"},
		{"/data/z/B/X.MP4", 60_999, "100 102"},
		{"/b/x.mp4", 60_000, "100 102"},
		{"/data/z/b/x.mp4", 0, ""},
		{"/data/a/z/x.mp4", 60_000, ""},
		{"/x.mp4", 60_000, ""},
		{"x.mp4", 60_000, ""},
	} {
		files, err := x.ByFolders(t.Context(), "S", c.path, c.duration)
		var keys []string
		for _, f := range files {
			keys = append(keys, f.RatingKey)
		}
		if got := strings.Join(keys, " "); err != nil || got != c.want {
			t.Errorf("ByFolders(%s, %d) = %q, %v; want %q", c.path, c.duration, got, err, c.want)
		}
	}
}

func TestFileWithACommonNameIsFoundByItsFolders(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	var paths []string
	for i := range 1200 {
		paths = append(paths, fmt.Sprintf("/v/%d/scene/video.mp4", i))
	}
	indexFill(t, x, paths...)
	files, err := x.ByFolders(t.Context(), "S", "/data/0/scene/video.mp4", 0) // the oldest
	if err != nil || len(files) != 1 || files[0].RatingKey != "100" {
		t.Errorf("files = %v, %v", files, err)
	}
	if files, err := x.ByName(t.Context(), "S", "/elsewhere/Video.mp4"); err != nil || len(files) != 200 || files[0].RatingKey != "1299" || files[199].RatingKey != "1100" {
		t.Errorf("%d files, %v; want the newest 200", len(files), err)
	} else if cap(files) >= len(paths) {
		t.Errorf("all %d files were in memory to find %d", len(paths), len(files))
	}
}

func TestIndexShowsTheNewestOfEqualPathsFirst(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/a.mp4", "/v/b.mp4", "/v/a.mp4")
	files, err := x.ByPath(t.Context(), "S", "/v/a.mp4", false)
	if err != nil || len(files) != 2 || files[0].RatingKey != "102" {
		t.Errorf("files = %v, %v", files, err)
	}
}

func TestPageReplacesItsItems(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/0", "/v/1", "/v/2")
	indexApply(t, x, Page{
		Files: []File{{Section: "1", RatingKey: "100", Path: "/v/moved"}}, Seen: []string{"100"}, Trashed: []string{"101"},
		After: ListingState{Section: "1", Number: 1, Position: 7, LastKey: "100", Fingerprint: "m", Items: 3, AddedAt: 4, UpdatedAt: 5, CheckedAt: time.UnixMilli(6)},
	})
	indexWant(t, x, "/v/moved", "/v/2")
	at, err := x.State(t.Context(), "S", "1")
	want := ListingState{Section: "1", Number: 1, Position: 7, LastKey: "100", Fingerprint: "m", Items: 3, AddedAt: 4, UpdatedAt: 5, CheckedAt: time.UnixMilli(6)}
	if err != nil || at != want {
		t.Errorf("reading = %+v, %v; want %+v", at, err, want)
	}
}

func TestOnlyTheEndOfAListingRemovesUnseenFiles(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/0", "/v/1")
	indexApply(t, x, Page{
		Files: []File{{Section: "2", RatingKey: "200", Path: "/w/0"}}, After: ListingState{Section: "2", Number: 1, Position: -1},
	})
	page := Page{Files: []File{{Section: "1", RatingKey: "100", Path: "/v/0"}}, Seen: []string{"100"}, After: ListingState{Section: "1", Number: 2, Position: 1}}
	indexApply(t, x, page)
	indexWant(t, x, "/v/0", "/v/1")
	page.Finish = true
	indexApply(t, x, page)
	indexWant(t, x, "/v/0")
	if n, err := x.CountFiles(t.Context(), "S", "2"); err != nil || n.N != 1 {
		t.Errorf("the other section has %d files, %v", n.N, err)
	}
}

func TestFailedPageDoesNotChangeTheIndex(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/0", "/v/1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Apply(ctx, "S", Page{Trashed: []string{"100"}, After: ListingState{Section: "1", Number: 9}}); err == nil {
		t.Error("the failure was ignored")
	}
	indexWant(t, x, "/v/0", "/v/1")
	if at, err := x.State(t.Context(), "S", "1"); err != nil || at.Number != 1 {
		t.Errorf("reading = %+v, %v", at, err)
	}
}

func TestNewReturnsOnlyUnknownFiles(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/0", "/v/1", "/v/2", "/v/3")
	found, err := x.New(t.Context(), "S", []File{
		{RatingKey: "100", Path: "/v/0", Size: 0},
		{RatingKey: "101", Path: "/v/1", Size: 77}, // another size
		{RatingKey: "100", Path: "/v/2", Size: 5},
		{RatingKey: "102", Path: "/v/2", Size: 2},
		{RatingKey: "103", Path: "/v/3", Size: 3, Duration: 60_000}, // the duration is known now
	})
	want := []File{{RatingKey: "101", Path: "/v/1", Size: 77}, {RatingKey: "100", Path: "/v/2", Size: 5}, {RatingKey: "103", Path: "/v/3", Size: 3, Duration: 60_000}}
	if err != nil || !slices.Equal(found, want) {
		t.Errorf("new are %v, %v; want %v", found, err, want)
	}
}

func TestDroppedItemIsListedAgain(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/0", "/v/1")
	at, err := x.State(t.Context(), "S", "1")
	if err != nil {
		t.Fatal(err)
	}
	at.Fingerprint = "unmoved"
	indexApply(t, x, Page{After: at})
	for range 2 { // the second call has no effect
		if err := x.Drop(t.Context(), "S", "100"); err != nil {
			t.Fatal(err)
		}
	}
	indexWant(t, x, "/v/1")
	if at, err := x.State(t.Context(), "S", "1"); err != nil || at.Fingerprint != "" || at.Items != 1 {
		t.Errorf("reading = %+v, %v", at, err)
	}
	held, err := x.Holds(t.Context(), "S", []string{"100", "101", "102"})
	if err != nil || len(held) != 1 || !held["101"] {
		t.Errorf("held = %v, %v", held, err)
	}
}

func TestKeepRemovesOtherLibrariesAndServers(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/0")
	indexApply(t, x, Page{Files: []File{{Section: "2", RatingKey: "2", Path: "/w"}}, After: ListingState{Section: "2", Position: -1}})
	if err := x.Apply(t.Context(), "T", Page{Files: []File{{Section: "1", RatingKey: "3", Path: "/t"}}, After: ListingState{Section: "1", Position: -1}}); err != nil {
		t.Fatal(err)
	}
	if err := x.Keep(t.Context(), "S", []string{"1"}); err != nil {
		t.Fatal(err)
	}
	indexWant(t, x, "/v/0")
	for _, c := range []struct{ server, section string }{{"S", "2"}, {"T", "1"}} {
		at, err := x.State(t.Context(), c.server, c.section)
		n, countErr := x.CountFiles(t.Context(), c.server, c.section)
		if err != nil || countErr != nil || n.N != 0 || at != (ListingState{Section: c.section, Position: -1}) {
			t.Errorf("of %s/%s remain: %d files, %+v, %v, %v", c.server, c.section, n.N, at, err, countErr)
		}
	}
	if err := x.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	indexWant(t, x)
}

func TestIndexOfAnotherVersionIsReplaced(t *testing.T) {
	for _, change := range []string{"PRAGMA user_version = 1", "PRAGMA user_version = 99", "DROP TABLE plex_file"} {
		t.Run(change, func(t *testing.T) {
			dir := t.TempDir()
			x := indexOpen(t, dir)
			indexFill(t, x, "/v/0")
			if _, err := x.db.ExecContext(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
			x = indexOpen(t, dir)
			indexWant(t, x)
			indexFill(t, x, "/v/0")
			indexWant(t, x, "/v/0")
		})
	}
}

func TestIndexInUseIsNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		x := indexOpen(t, dir)
		indexFill(t, x, "/v/0")
		err := x.inTx(t.Context(), func(*sqlitefile.Tx) error {
			_, err := Open(t.Context(), dir)
			if err == nil {
				t.Error("a second process did not wait for the first")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		indexWant(t, indexOpen(t, dir), "/v/0")
	})
}

func TestIndexIsReadableOnlyByItsOwner(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file has the rights of its folder there")
	}
	dir := t.TempDir()
	x := indexOpen(t, dir)
	indexFill(t, x, "/v/0")
	for _, name := range []string{fileName, fileName + "-wal", fileName + "-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// Queries use hashes, which may be equal for different texts.
func TestEqualHashesAreNotEqualFiles(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	indexFill(t, x, "/v/a/b/one.mp4", "/v/a/b/two.mp4")
	if _, err := x.db.ExecContext(t.Context(), `UPDATE plex_file SET size = 7, path_hash = ?, base_hash = ?`, hash("/v/a/b/one.mp4"), hash("one.mp4")); err != nil {
		t.Fatal(err)
	}
	ctx, path := t.Context(), "/v/a/b/one.mp4"
	for name, find := range map[string]func() ([]File, error){
		"path":    func() ([]File, error) { return x.ByPath(ctx, "S", path, false) },
		"folded":  func() ([]File, error) { return x.ByPath(ctx, "S", path, true) },
		"size":    func() ([]File, error) { return x.ByNameAndSize(ctx, "S", path, 7) },
		"name":    func() ([]File, error) { return x.ByName(ctx, "S", path) },
		"folders": func() ([]File, error) { return x.ByFolders(ctx, "S", path, 0) },
	} {
		if files, err := find(); err != nil || len(files) != 1 || files[0].Path != path {
			t.Errorf("by %s: %v, %v", name, files, err)
		}
	}
}

func TestDuplicateFileIsStoredOnce(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	f := File{Section: "1", RatingKey: "7", Path: "/v/one.mp4", Size: 1}
	again := f
	again.Size = 2
	for range 2 {
		indexApply(t, x, Page{Files: []File{f, again}, After: ListingState{Section: "1", Number: 1, Position: -1}})
	}
	if files, err := x.ByPath(t.Context(), "S", f.Path, false); err != nil || len(files) != 1 || files[0] != again {
		t.Errorf("held as %v, %v", files, err)
	}
}

func TestEveryLookUpUsesAnIndex(t *testing.T) {
	x := indexOpen(t, t.TempDir())
	for _, c := range []struct {
		query string
		args  []any
		want  string
	}{
		{filesByPath, []any{1, 2}, "plex_file_path (path_hash=?)"},
		{filesByName, []any{1, 2}, "plex_file_base (base_hash=?)"},
		{filesByNameAndSize, []any{1, 2, 3}, "plex_file_base (base_hash=? AND size=?)"},
		{deleteKeys, []any{1, "[]"}, "plex_file_key (rating_key=?)"},
		{deleteUnseen, []any{"S", "1", 1}, "plex_file_reading (section=? AND server=? AND reading<?)"},
	} {
		rows, err := x.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+c.query, c.args...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if len(plan) == 0 || !strings.HasPrefix(plan[0], "SEARCH plex_file USING ") || !strings.HasSuffix(plan[0], c.want) {
			t.Errorf("%s: the plan is %q, want %s", c.query, plan, c.want)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
