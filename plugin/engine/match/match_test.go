package match

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// indexOf returns an index that holds files, each given as "key path size", the newest last. A library and a
// duration in ms may follow.
func indexOf(t *testing.T, files ...string) *plexindex.Index {
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

// inLibraries returns libraries with these ids.
func inLibraries(ids ...string) []plexapi.Section {
	var list []plexapi.Section
	for _, id := range ids {
		list = append(list, plexapi.Section{ID: id})
	}
	return list
}

func TestMatching(t *testing.T) {
	for _, c := range []struct {
		name    string
		plex    []string // key path size, library, duration in ms
		stash   []string // path size, duration in s
		pathMap []PathPair
		learned []PathPair
		owner   map[string]int
		others  map[string]int
		gone    []string       // keys that are not there any more when they are read
		moved   []string       // keys that hold another file when they are read
		lost    []string       // keys that their owners own no more
		manual  string         // key path: the item and the file that a person has chosen for the scene
		chosen  map[string]int // scenes for which files were chosen, by path
		unread  bool
		found   Found
		hits    string // key:rule
		taken   string // key:scene
	}{
		{name: "equal path", plex: []string{"1 /a/x.mp4 5"}, stash: []string{"/a/x.mp4 9"}, hits: "1:path"},
		{name: "Windows slashes", plex: []string{`1 D:\a\x.mp4 5`}, stash: []string{"D:/a/x.mp4 5"}, hits: "1:path"},
		{name: "NFD in Plex", plex: []string{"1 /a/e\u0301.mp4 5"}, stash: []string{"/a/\u00e9.mp4 5"}, hits: "1:path"},
		{name: "case only if nothing is equal", plex: []string{"1 /A/X.mp4 5", "2 /a/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, hits: "2:path"},
		{name: "without case", plex: []string{"1 /A/X.MP4 5"}, stash: []string{"/a/x.mp4 5"}, hits: "1:path"},
		{name: "a character that Windows forbids", plex: []string{"1 /a/x\uf025.mp4 5"}, stash: []string{"/a/x?.mp4 7"}, hits: "1:path"},
		{name: "two that differ by such a character", plex: []string{"1 /a/x\uf025.mp4 5", "2 /a/x:.mp4 6"}, stash: []string{"/a/x?.mp4 7"}, found: Missing},
		{name: "two of them, and the size", plex: []string{"1 /a/x\uf025.mp4 5", "2 /a/x:.mp4 6"}, stash: []string{"/a/x?.mp4 6"}, hits: "2:name+size"},
		{name: "two that differ by case only", plex: []string{"1 /A/x.mp4 5", "2 /a/X.mp4 6"}, stash: []string{"/a/x.mp4 7"}, found: Missing},
		{name: "the right one of two equal names", plex: []string{"1 /b/x.mp4 5", "2 /a/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, hits: "2:path"},
		{name: "pathMap", plex: []string{"1 /mnt/v/x.mp4 5"}, stash: []string{"/data/x.mp4 9"}, pathMap: []PathPair{{"/data", "/mnt/v"}}, hits: "1:pathMap"},
		{
			name: "the longest prefix of pathMap", plex: []string{"1 /p/x.mp4 5", "2 /q/x.mp4 5"}, stash: []string{"/data/b/x.mp4 9"},
			pathMap: []PathPair{{"/data", "/p"}, {"/data/b", "/q"}}, hits: "2:pathMap",
		},
		{name: "a prefix ends at a folder", plex: []string{"1 /mnt2/x.mp4 5"}, stash: []string{"/data2/x.mp4 9"}, pathMap: []PathPair{{"/data", "/mnt"}}, found: Missing},
		{name: "name and size", plex: []string{"1 /mnt/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, hits: "1:name+size"},
		{name: "name without size", plex: []string{"1 /mnt/x.mp4 5"}, stash: []string{"/data/x.mp4 6"}, found: Missing},
		{name: "an unknown size matches nothing", plex: []string{"1 /mnt/x.mp4 0"}, stash: []string{"/data/x.mp4 0"}, found: Missing},
		{name: "two fit", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, found: Ambiguous},
		{name: "two fit, one is gone", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, gone: []string{"1"}, hits: "2:name+size"},
		{name: "another scene owns it", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, owner: map[string]int{"1": 8}, found: Missing},
		{
			name: "its owner owns it no more", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, owner: map[string]int{"1": 8},
			lost: []string{"1"}, hits: "1:name+size",
		},
		{name: "it is the path of another scene", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, others: map[string]int{"/m/x.mp4": 8}, found: Missing},
		{
			name: "it is mapped from another scene's path", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/old/x.mp4 5"}, pathMap: []PathPair{{"/d", "/m"}},
			others: map[string]int{"/d/x.mp4": 8}, found: Missing,
		},
		{name: "learned", plex: []string{"1 /m/a/x.mp4 5", "2 /z/x.mp4 5"}, stash: []string{"/d/a/x.mp4 5"}, learned: []PathPair{{"/d", "/m"}}, hits: "1:learned"},
		{name: "learned needs the size", plex: []string{"1 /m/a/x.mp4 5"}, stash: []string{"/d/a/x.mp4 6"}, learned: []PathPair{{"/d", "/m"}}, found: Missing},
		{
			name: "learned never overrides pathMap", plex: []string{"1 /m/a/x.mp4 5"}, stash: []string{"/d/a/x.mp4 5"}, learned: []PathPair{{"/d", "/m"}},
			pathMap: []PathPair{{"/d", "/other"}}, hits: "1:name+size",
		},
		{name: "several files, several items", plex: []string{"1 /a/x.mp4 5", "2 /a/y.mp4 6"}, stash: []string{"/a/x.mp4 5", "/a/y.mp4 6"}, hits: "1:path 2:path"},
		{name: "several files, one item", plex: []string{"1 /a/x.mp4 5", "1 /a/y.mp4 6"}, stash: []string{"/a/x.mp4 5", "/a/y.mp4 6"}, hits: "1:path"},
		{name: "two fit, one holds another file by now", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, moved: []string{"2"}, hits: "1:name+size"},
		{name: "two fit, both are gone", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, gone: []string{"1", "2"}, found: Missing},
		{name: "two fit, one is another scene's", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5"}, stash: []string{"/data/x.mp4 5"}, others: map[string]int{"/m/x.mp4": 8}, hits: "2:name+size"},
		{name: "two items with the path", plex: []string{"1 /a/x.mp4 5", "2 /a/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, hits: "2:path"},
		{name: "two libraries with the path", plex: []string{"1 /a/x.mp4 5 1", "2 /a/x.mp4 5 2", "3 /a/x.mp4 5 1"}, stash: []string{"/a/x.mp4 5"}, hits: "3:path 2:path"},
		{name: "two libraries with the path but for case", plex: []string{"1 /a/X.mp4 5 1", "2 /a/X.mp4 5 2"}, stash: []string{"/a/x.mp4 5"}, hits: "2:path 1:path"},
		{name: "two libraries with one path by name and size", plex: []string{"1 /m/x.mp4 5 1", "2 /m/x.mp4 5 2"}, stash: []string{"/a/x.mp4 5"}, hits: "2:name+size 1:name+size"},
		{name: "two items with one path by name and size", plex: []string{"1 /m/x.mp4 5", "2 /m/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, hits: "2:name+size"},
		{name: "its own item by name and size", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, owner: map[string]int{"1": 7}, hits: "1:name+size"},
		{name: "one item with two that differ by case", plex: []string{"1 /A/x.mp4 5", "1 /a/X.mp4 6"}, stash: []string{"/a/x.mp4 7"}, hits: "1:path"},
		{
			name: "without case, but another scene's exactly", plex: []string{"1 /v/X.mp4 5"}, stash: []string{"/v/x.mp4 5"},
			others: map[string]int{"/v/X.mp4": 8}, found: Missing,
		},
		{
			name: "without case another scene's, by name and size its own", plex: []string{"1 /v/X.mp4 5", "2 /w/x.mp4 5"}, stash: []string{"/v/x.mp4 5"},
			others: map[string]int{"/v/X.mp4": 8}, hits: "2:name+size",
		},
		{name: "without case, of a former owner", plex: []string{"1 /v/X.mp4 9"}, stash: []string{"/v/x.mp4 5"}, owner: map[string]int{"1": 8}, hits: "1:path"},
		{name: "without case before name and size", plex: []string{"1 /V/x.mp4 9", "2 /w/x.mp4 5"}, stash: []string{"/v/x.mp4 5"}, hits: "1:path"},
		{
			name: "another scene's on Windows", plex: []string{`1 D:\m\x.mp4 5`}, stash: []string{`E:\old\x.mp4 5`}, pathMap: []PathPair{{`C:\d`, `D:\m`}},
			others: map[string]int{`C:\d\x.mp4`: 8}, found: Missing,
		},
		{
			name: "another scene's on a share", plex: []string{`1 /m/x.mp4 5`}, stash: []string{`/old/x.mp4 5`}, pathMap: []PathPair{{`\\nas\d`, `/m`}},
			others: map[string]int{`\\nas\d\x.mp4`: 8}, found: Missing,
		},
		{
			name: "another scene's in NFD", plex: []string{"1 /m/\u00e9.mp4 5"}, stash: []string{"/old/\u00e9.mp4 5"},
			others: map[string]int{"/m/e\u0301.mp4": 8}, found: Missing,
		},
		{
			name: "another scene's by what was learned", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/old/x.mp4 5"}, learned: []PathPair{{"/d", "/m"}},
			others: map[string]int{"/d/x.mp4": 8}, found: Missing,
		},
		{name: "pathMap without case", plex: []string{"1 /MNT/x.mp4 5"}, stash: []string{"/data/x.mp4 9"}, pathMap: []PathPair{{"/data", "/mnt"}}, hits: "1:pathMap"},
		{name: "pathMap of the root", plex: []string{"1 /mnt/x.mp4 5"}, stash: []string{"/x.mp4 9"}, pathMap: []PathPair{{"/", "/mnt"}}, hits: "1:pathMap"},
		{name: "pathMap that does not apply", plex: []string{"1 /a/x.mp4 5"}, stash: []string{"/a/x.mp4 9"}, pathMap: []PathPair{{"/data", "/mnt"}}, hits: "1:path"},
		{name: "pathMap replaces the path", plex: []string{"1 /data/x.mp4 5"}, stash: []string{"/data/x.mp4 9"}, pathMap: []PathPair{{"/data", "/mnt"}}, found: Missing},
		{name: "one file by path, another ambiguous", plex: []string{"1 /a/x.mp4 5", "2 /m/y.mp4 6", "3 /n/y.mp4 6"}, stash: []string{"/a/x.mp4 5", "/a/y.mp4 6"}, hits: "1:path"},
		{name: "two folders", plex: []string{"1 /m/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, hits: "1:folders"},
		{name: "two folders, size unknown", plex: []string{"1 /m/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 0"}, hits: "1:folders"},
		{name: "two folders, but not the name", plex: []string{"1 /m/a/b/y.mp4 5"}, stash: []string{"/d/a/b/x.mp4 5"}, found: Missing},
		{name: "two folders, but not the last", plex: []string{"1 /m/a/b/c/x.mp4 5"}, stash: []string{"/d/a/b/z/x.mp4 6"}, found: Missing},
		{name: "one folder and the duration", plex: []string{"1 /m/b/x.mp4 5 1 61500"}, stash: []string{"/d/b/x.mp4 6 60.51"}, hits: "1:folders"},
		{name: "one folder, another duration", plex: []string{"1 /m/b/x.mp4 5 1 61500"}, stash: []string{"/d/b/x.mp4 6 60.49"}, found: Missing},
		{name: "one folder, no duration in Plex", plex: []string{"1 /m/b/x.mp4 5 1 0"}, stash: []string{"/d/b/x.mp4 6 0.5"}, found: Missing},
		{name: "the duration without a folder", plex: []string{"1 /m/x.mp4 5 1 60000"}, stash: []string{"/d/x.mp4 6 60"}, found: Missing},
		{name: "size before folders", plex: []string{"1 /m/a/b/x.mp4 5", "2 /n/x.mp4 6"}, stash: []string{"/d/a/b/x.mp4 6"}, hits: "2:name+size"},
		{
			name: "two of one size are not told apart by folders", plex: []string{"1 /m/a/b/x.mp4 6", "2 /n/x.mp4 6"}, stash: []string{"/d/a/b/x.mp4 6"},
			found: Ambiguous,
		},
		{name: "two in equal folders", plex: []string{"1 /m/a/b/x.mp4 5", "2 /n/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, found: Ambiguous},
		{
			name: "one by two folders, one by the duration", plex: []string{"1 /m/a/b/x.mp4 5", "2 /m/z/b/x.mp4 5 1 60000"}, stash: []string{"/d/a/b/x.mp4 6 60"},
			found: Ambiguous,
		},
		{name: "two in equal folders, one is gone", plex: []string{"1 /m/a/b/x.mp4 5", "2 /n/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, gone: []string{"2"}, hits: "1:folders"},
		{
			name: "two in equal folders, one is another scene's", plex: []string{"1 /m/a/b/x.mp4 5", "2 /n/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"},
			others: map[string]int{"/m/a/b/x.mp4": 8}, hits: "2:folders",
		},
		{name: "folders of an item that another scene owns", plex: []string{"1 /m/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, owner: map[string]int{"1": 8}, found: Missing},
		{
			name: "folders of an item that its owner owns no more", plex: []string{"1 /m/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"},
			owner: map[string]int{"1": 8}, lost: []string{"1"}, hits: "1:folders",
		},
		{name: "folders with their case first", plex: []string{"1 /m/a/b/x.mp4 5", "2 /m/A/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, hits: "1:folders"},
		{name: "a name with its case first", plex: []string{"1 /m/a/b/x.mp4 5", "2 /n/a/b/X.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, hits: "1:folders"},
		{name: "folders without case", plex: []string{`1 E:\M\A\B\X.mp4 5`}, stash: []string{"/d/a/b/x.mp4 6"}, hits: "1:folders"},
		{name: "two libraries in equal folders with one path", plex: []string{"1 /m/a/b/x.mp4 5 1", "2 /m/a/b/x.mp4 5 2"}, stash: []string{"/d/a/b/x.mp4 6"}, hits: "2:folders 1:folders"},
		{name: "pathMap, then folders", plex: []string{"1 /m/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, pathMap: []PathPair{{"/d", "/other"}}, hits: "1:folders"},
		{
			name: "a further file of an item is not looked for elsewhere", plex: []string{"1 /a/x.mp4 5", "1 /m/b/c/y.mp4 6", "2 /n/b/c/y.mp4 7"},
			stash: []string{"/a/x.mp4 5", "/d/b/c/y.mp4 6"}, hits: "1:path",
		},
		{name: "the letter of a drive in another case", plex: []string{`1 D:\a\x.mp4 5`}, stash: []string{`d:\a\x.mp4 9`}, hits: "1:path"},
		{name: "a share", plex: []string{`1 \\nas\v\a\x.mp4 5`}, stash: []string{"//nas/v/a/x.mp4 9"}, hits: "1:path"},
		{name: "a share in another case", plex: []string{`1 \\NAS\V\a\x.mp4 5`}, stash: []string{`\\nas\v\a\x.mp4 9`}, hits: "1:path"},
		{name: "pathMap of a drive in another case", plex: []string{"1 /m/x.mp4 5"}, stash: []string{`d:\VIDEO\x.mp4 9`}, pathMap: []PathPair{{"D:/Video", "/m"}}, hits: "1:pathMap"},
		{name: "pathMap of a share in another case", plex: []string{"1 /m/x.mp4 5"}, stash: []string{`\\nas\v\x.mp4 9`}, pathMap: []PathPair{{"//NAS/v", "/m"}}, hits: "1:pathMap"},
		{name: "pathMap of a folder in another case", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/Data/x.mp4 9"}, pathMap: []PathPair{{"/data", "/m"}}, found: Missing},
		{name: "pathMap to a drive", plex: []string{`1 d:\v\x.mp4 5`}, stash: []string{"/data/x.mp4 9"}, pathMap: []PathPair{{"/data", "D:/v"}}, hits: "1:pathMap"},
		{
			name: "another scene's on a drive in another case", plex: []string{`1 d:\m\x.mp4 5`}, stash: []string{`E:\old\x.mp4 5`},
			others: map[string]int{`D:\m\x.mp4`: 8}, found: Missing,
		},
		{name: "NFD in Stash", plex: []string{"1 /a/\u00e9/x.mp4 5"}, stash: []string{"/a/e\u0301/x.mp4 9"}, hits: "1:path"},
		{name: "NFD in folders", plex: []string{"1 /m/\u00e9/b/x.mp4 5"}, stash: []string{"/d/e\u0301/b/x.mp4 9"}, hits: "1:folders"},
		{name: "NFD in pathMap", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/e\u0301/x.mp4 9"}, pathMap: []PathPair{{"/\u00e9", "/m"}}, hits: "1:pathMap"},
		{name: "several parts of several versions", plex: []string{"1 /a/x1.mp4 5", "1 /a/x2.mp4 6", "1 /b/x.mp4 7"}, stash: []string{"/b/x.mp4 7", "/a/x1.mp4 5"}, hits: "1:path"},
		{name: "a file here, its copy elsewhere", plex: []string{"1 /a/x.mp4 5", "2 /m/b/c/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, hits: "1:path"},
		{name: "there, though not all is read", plex: []string{"1 /a/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, unread: true, hits: "1:path"},
		{
			name: "not in a library that is not chosen", plex: []string{"1 /a/x.mp4 5 3", "2 /A/X.mp4 5 3", "3 /m/x.mp4 5 3", "4 /m/b/a/x.mp4 6 3"},
			stash: []string{"/a/x.mp4 5", "/d/b/a/x.mp4 7"}, found: Missing,
		},
		{name: "a copy in a library that is not chosen", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5 3"}, stash: []string{"/a/x.mp4 5"}, hits: "1:name+size"},
		{name: "not there", plex: []string{"1 /a/y.mp4 5"}, stash: []string{"/a/x.mp4 5"}, found: Missing},
		{name: "not there, but not all is read", stash: []string{"/a/x.mp4 5"}, unread: true, found: Unknown},

		{name: "chosen", plex: []string{"1 /m/z.mp4 5"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{name: "chosen before an equal path", plex: []string{"1 /m/z.mp4 5", "2 /a/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{
			name: "chosen before pathMap", plex: []string{"1 /m/z.mp4 5", "2 /b/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, pathMap: []PathPair{{"/a", "/b"}},
			manual: "1 /m/z.mp4", hits: "1:manual",
		},
		{
			name: "chosen before learned", plex: []string{"1 /m/z.mp4 5", "2 /b/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, learned: []PathPair{{"/a", "/b"}},
			manual: "1 /m/z.mp4", hits: "1:manual",
		},
		{name: "chosen before name and size", plex: []string{"1 /m/z.mp4 5", "2 /b/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{name: "chosen before folders", plex: []string{"1 /m/z.mp4 5", "2 /m/b/a/x.mp4 8"}, stash: []string{"/b/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{name: "chosen of two that fit", plex: []string{"1 /m/x.mp4 9", "2 /n/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/x.mp4", hits: "1:manual"},
		{name: "chosen, though another scene owns it", plex: []string{"1 /m/z.mp4 5"}, stash: []string{"/a/x.mp4 9"}, owner: map[string]int{"1": 8}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{
			name: "chosen, though it is the path of another scene", plex: []string{"1 /m/z.mp4 5"}, stash: []string{"/a/x.mp4 9"}, others: map[string]int{"/m/z.mp4": 8},
			manual: "1 /m/z.mp4", hits: "1:manual",
		},
		{name: "chosen, with another key by now", plex: []string{"4 /m/z.mp4 5"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "4:manual"},
		{name: "chosen of two items with the file", plex: []string{"1 /m/z.mp4 5", "2 /m/z.mp4 5"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{name: "chosen, in two libraries", plex: []string{"1 /m/z.mp4 5 1", "2 /m/z.mp4 5 2", "3 /m/z.mp4 5 1"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", hits: "1:manual 2:manual"},
		{name: "chosen with Windows slashes", plex: []string{`1 D:\m\z.mp4 5`}, stash: []string{"/a/x.mp4 9"}, manual: "1 D:/m/z.mp4", hits: "1:manual"},
		{name: "chosen for several files", plex: []string{"1 /m/z.mp4 5", "2 /a/y.mp4 6"}, stash: []string{"/a/x.mp4 9", "/a/y.mp4 6"}, manual: "1 /m/z.mp4", hits: "1:manual"},
		{name: "the chosen file is gone", plex: []string{"1 /m/y.mp4 5", "2 /a/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", found: Missing},
		{name: "the chosen file in another case", plex: []string{"1 /m/Z.mp4 5"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", found: Missing},
		{name: "the chosen file in a library that is not chosen", plex: []string{"1 /m/z.mp4 5 3"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", found: Missing},
		{name: "the chosen file may be unread", plex: []string{"2 /a/x.mp4 9"}, stash: []string{"/a/x.mp4 9"}, manual: "1 /m/z.mp4", unread: true, found: Unknown},
		{name: "name and size, but chosen for another", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, chosen: map[string]int{"/m/x.mp4": 8}, found: Missing, taken: "1:8"},
		{
			name: "name and size, but another file of the item was chosen", plex: []string{"1 /m/x.mp4 5", "1 /m/y.mp4 6"}, stash: []string{"/a/x.mp4 5"},
			chosen: map[string]int{"/m/y.mp4": 8}, found: Missing, taken: "1:8",
		},
		{name: "folders, but chosen for another", plex: []string{"1 /m/a/b/x.mp4 5"}, stash: []string{"/d/a/b/x.mp4 6"}, chosen: map[string]int{"/m/a/b/x.mp4": 8}, found: Missing, taken: "1:8"},
		{name: "two fit, one was chosen for another", plex: []string{"1 /m/x.mp4 5", "2 /n/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, chosen: map[string]int{"/m/x.mp4": 8}, hits: "2:name+size", taken: "1:8"},
		{name: "its own, but chosen for another", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, owner: map[string]int{"1": 7}, chosen: map[string]int{"/m/x.mp4": 8}, found: Missing, taken: "1:8"},
		{
			name: "chosen for a scene that is gone", plex: []string{"1 /m/x.mp4 5"}, stash: []string{"/a/x.mp4 5"}, chosen: map[string]int{"/m/x.mp4": 8}, lost: []string{"1"},
			hits: "1:name+size",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := indexOf(t, c.plex...)
			m := Matcher{
				Index: x, Server: "S", Sections: inLibraries("1", "2"), Unread: c.unread, PathMap: c.pathMap, Prefixes: c.learned,
				Others: func(_ context.Context, paths []string) (map[string]int, error) {
					asked := make(map[string]int)
					for _, p := range paths {
						asked[p] = c.others[p]
					}
					return asked, nil
				},
				Owners: func(context.Context, []string) (map[string]int, error) { return c.owner, nil },
				Choices: func(context.Context, []int) (map[int]chosen.Choice, error) {
					key, path, chose := strings.Cut(c.manual, " ")
					if !chose {
						return nil, nil
					}
					return map[int]chosen.Choice{7: {Server: "S", SceneID: 7, Path: path, RatingKey: key}}, nil
				},
				ByFiles: func(context.Context, []string) (map[string]int, error) { return c.chosen, nil },
				Owned: func(_ context.Context, owners, _ map[string]int) (map[string]bool, map[string]error, error) {
					owned := make(map[string]bool)
					for key := range owners {
						owned[key] = !slices.Contains(c.lost, key)
					}
					return owned, nil, nil
				},
				Failed: func(_ context.Context, _ int, err error) error { return err },
				Read: func(_ context.Context, keys []string) ([]plexapi.Item, error) {
					var items []plexapi.Item
					for _, f := range c.plex {
						parts := strings.Split(f, " ")
						if slices.Contains(keys, parts[0]) && !slices.Contains(c.gone, parts[0]) {
							if slices.Contains(c.moved, parts[0]) {
								parts[1] = "/elsewhere/x.mp4"
							}
							items = append(items, plexapi.Item{RatingKey: parts[0], Parts: []plexapi.Part{{File: parts[1]}}})
						}
					}
					return items, nil
				},
			}
			scene := &stashapi.Scene{ID: 7}
			for _, f := range c.stash {
				var file stashapi.File
				fmt.Sscan(f, &file.Path, &file.Size, &file.Duration)
				scene.Files = append(scene.Files, file)
			}
			got, err := m.Match(t.Context(), []*stashapi.Scene{scene})
			if err != nil {
				t.Fatal(err)
			}
			var hits []string
			for _, h := range got[0].Hits {
				hits = append(hits, h.RatingKey+":"+h.Rule)
			}
			if got[0].Found != c.found || strings.Join(hits, " ") != c.hits {
				t.Errorf("found %d, hits %v; want %d, %s", got[0].Found, hits, c.found, c.hits)
			}
			var taken []string
			for _, h := range got[0].Taken {
				taken = append(taken, fmt.Sprintf("%s:%d", h.RatingKey, h.Scene))
			}
			if strings.Join(taken, " ") != c.taken {
				t.Errorf("chosen for others = %v, want %s", taken, c.taken)
			}
			if (len(got[0].Candidates) > 0) != (c.found == Ambiguous) {
				t.Errorf("candidates = %v", got[0].Candidates)
			}
		})
	}
}

// matcherOf returns a matcher over files that are all still there; asked is how often Stash was.
func matcherOf(t *testing.T, files ...string) (m *Matcher, asked *int) {
	t.Helper()
	asked = new(int)
	return &Matcher{
		Index: indexOf(t, files...), Server: "S", Sections: inLibraries("1"),
		Others:  func(context.Context, []string) (map[string]int, error) { *asked++; return nil, nil },
		Choices: func(context.Context, []int) (map[int]chosen.Choice, error) { return nil, nil },
		ByFiles: func(context.Context, []string) (map[string]int, error) { return nil, nil },
		Owners:  func(context.Context, []string) (map[string]int, error) { return nil, nil },
		Failed:  func(_ context.Context, _ int, err error) error { return err },
		Read: func(_ context.Context, keys []string) ([]plexapi.Item, error) {
			if len(keys) > plexapi.MaxKeys {
				return nil, fmt.Errorf("%d items at a time", len(keys))
			}
			var items []plexapi.Item
			for _, f := range files {
				if parts := strings.Split(f, " "); slices.Contains(keys, parts[0]) {
					items = append(items, plexapi.Item{RatingKey: parts[0], Parts: []plexapi.Part{{File: parts[1]}}})
				}
			}
			return items, nil
		},
	}, asked
}

func TestBatchAsksStashAtMostOnce(t *testing.T) {
	m, asked := matcherOf(t, "1 /m/x.mp4 5", "2 /m/y.mp4 6", "3 /n/y.mp4 6", "4 /a/z.mp4 7")
	scene := func(id int, path string, size int64) *stashapi.Scene {
		return &stashapi.Scene{ID: id, Files: []stashapi.File{{Path: path, Size: size}}}
	}
	got, err := m.Match(t.Context(), []*stashapi.Scene{scene(1, "/a/x.mp4", 5), scene(2, "/a/y.mp4", 6), scene(3, "/a/z.mp4", 7), scene(4, "/a/none.mp4", 7)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Found{Matched, Ambiguous, Matched, Missing} {
		if got[i].Found != want {
			t.Errorf("scene %d: %+v, want %d", i+1, got[i], want)
		}
	}
	if *asked != 1 {
		t.Errorf("Stash was asked %d times", *asked)
	}
	if _, err := m.Match(t.Context(), []*stashapi.Scene{scene(3, "/a/z.mp4", 7), scene(4, "/a/none.mp4", 7)}); err != nil || *asked != 1 {
		t.Errorf("Stash was asked %d times, %v; nothing depends on it", *asked, err)
	}
}

func TestManyCandidatesAreAllReadAndFiftyAreShown(t *testing.T) {
	var files []string
	for i := range 60 {
		files = append(files, fmt.Sprintf("%d /m/%d/x.mp4 5", 100+i, i))
	}
	m, _ := matcherOf(t, files...)
	scenes := []*stashapi.Scene{{ID: 1, Files: []stashapi.File{{Path: "/a/x.mp4", Size: 5}}}}
	got, err := m.Match(t.Context(), scenes)
	if err != nil || got[0].Found != Ambiguous || len(got[0].Candidates) != candidatesAtMost {
		t.Errorf("%d with %d candidates, %v", got[0].Found, len(got[0].Candidates), err)
	}
	read := m.Read
	m.Read = func(ctx context.Context, keys []string) ([]plexapi.Item, error) {
		items, err := read(ctx, keys)
		return slices.DeleteFunc(items, func(it plexapi.Item) bool { return it.RatingKey != "100" && it.RatingKey != "159" }), err
	}
	got, err = m.Match(t.Context(), scenes) // the first and the last of them are left
	if err != nil || got[0].Found != Ambiguous || len(got[0].Candidates) != 2 {
		t.Errorf("%+v, %v; want both that are left", got[0], err)
	}
}

func TestMatchingFailsIfItCannotAsk(t *testing.T) {
	scenes := []*stashapi.Scene{{ID: 1, Files: []stashapi.File{{Path: "/a/x.mp4", Size: 5}}}}
	refused := context.DeadlineExceeded
	for _, c := range []struct {
		name   string
		breaks func(*Matcher)
	}{
		{"Stash", func(m *Matcher) {
			m.Others = func(context.Context, []string) (map[string]int, error) { return nil, refused }
		}},
		{"the owners", func(m *Matcher) {
			m.Owners = func(context.Context, []string) (map[string]int, error) { return nil, refused }
		}},
		{"Plex", func(m *Matcher) {
			m.Read = func(context.Context, []string) ([]plexapi.Item, error) { return nil, refused }
		}},
		{"the index", func(m *Matcher) { m.Index.Close() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, _ := matcherOf(t, "1 /m/x.mp4 5", "2 /n/x.mp4 5")
			c.breaks(m)
			if got, err := m.Match(t.Context(), scenes); err == nil {
				t.Errorf("matched %+v", got)
			}
		})
	}
}
