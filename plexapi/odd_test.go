package plexapi_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// sectionsOf reads libraries from an answer.
func sectionsOf(t *testing.T, directory string) ([]plexapi.Section, error) {
	t.Helper()
	return client(t, serve(t, say(`{"MediaContainer":{"Directory":`+directory+`}}`)).URL, token).Sections(t.Context())
}

func TestMarksOfALibraryMayBeAnyText(t *testing.T) {
	var seen []plexapi.Section
	for _, mark := range []string{`"2026-11-29T03:00:00Z"`, `"other"`, `{"at":1}`, `99999999999999999999`, `7`, `"7"`, `null`} {
		all, err := sectionsOf(t, `[{"key":"1","type":"movie","title":"A","updatedAt":5,"scannedAt":`+mark+`,"contentChangedAt":`+mark+`}]`)
		if err != nil || len(all) != 1 || all[0].Unreadable != "" || all[0].ItemType() != plexapi.Movie || all[0].UpdatedAt != 5 {
			t.Fatalf("mark %s: %+v, %v", mark, all, err)
		}
		all[0].Locations = nil
		seen = append(seen, all[0])
	}
	for i, a := range seen {
		for j, b := range seen[:i] {
			same := a.ScannedAt == b.ScannedAt && a.ContentChangedAt == b.ContentChangedAt && a.OddMarks == b.OddMarks
			if want := i == 5 && j == 4; same != want { // 7 and "7"
				t.Errorf("marks %d and %d are the same: %v", i, j, same)
			}
		}
	}
	if seen[1].ScannedAt != 0 {
		t.Errorf("a text is the time %d", seen[1].ScannedAt)
	}
}

func TestUnreadableLibraryIsLeftOut(t *testing.T) {
	good := `{"key":"2","type":"movie","title":"Good"}`
	for odd, want := range map[string]plexapi.Section{
		`{"key":{},"type":"movie","title":"A"}`:         {Type: "movie", Title: "A", Unreadable: "its key has an unexpected form"},
		`{"key":"1","type":[],"title":"A"}`:             {ID: "1", Title: "A", Unreadable: "its type has an unexpected form"},
		`{"key":"1","type":"movie","title":{"de":"A"}}`: {ID: "1", Type: "movie", Unreadable: "its title has an unexpected form"},
		`"a text"`: {Unreadable: "it has an unexpected form"},
		`{"key":"1","type":"artist","title":{"de":"A"}}`: {ID: "1", Type: "artist", Unreadable: "its title has an unexpected form"},
	} {
		all, err := sectionsOf(t, `[`+odd+`,`+good+`]`)
		if err != nil || len(all) != 2 || all[1].ID != "2" || all[1].ItemType() != plexapi.Movie {
			t.Errorf("%s: %+v, %v", odd, all, err)
			continue
		}
		if got := all[0]; got.ID != want.ID || got.Type != want.Type || got.Title != want.Title || got.Unreadable != want.Unreadable || got.ItemType() != 0 ||
			got.MayHaveVideos() != (want.Type != "artist") {
			t.Errorf("%s: %+v, want %+v", odd, got, want)
		}
		if all, err := sectionsOf(t, odd); err == nil || !strings.Contains(err.Error(), "unexpected form") {
			t.Errorf("%s alone: %+v, %v", odd, all, err)
		}
	}
	all, err := sectionsOf(t, `[{"key":"1","type":"movie","title":"A","uuid":{},"refreshing":[],"Location":[7,{"path":{}},{"path":"/a"}],"art":{}}]`)
	if err != nil || len(all) != 1 || all[0].ItemType() != plexapi.Movie || !slices.Equal(all[0].Locations, []string{"/a"}) {
		t.Errorf("a library with odd values that are not needed: %+v, %v", all, err)
	}
}

func TestOddRowIsSkippedButNotAWholePage(t *testing.T) {
	good := `{"ratingKey":"2","Media":[{"Part":[{"file":"/b.mp4"}]}]}`
	for odd, kept := range map[string]bool{
		`7`: false, `{"ratingKey":{},"Media":[{"Part":[{"file":"/a.mp4"}]}]}`: false,
		`{"ratingKey":"1","Media":"x"}`: true, `{"ratingKey":"1","Media":[{"Part":[{"id":"1","file":{}}]}]}`: true, `{"ratingKey":"1","Media":[{"Part":7}]}`: true,
	} {
		list := func(rows string) (plexapi.Page, error) {
			c := client(t, serve(t, say(`{"MediaContainer":{"size":{},"totalSize":[],"offset":{},"Metadata":[`+rows+`]}}`)).URL, token)
			return c.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Start: 3, Size: 10})
		}
		p, err := list(odd + "," + good)
		want := 1
		if kept {
			want = 2
		}
		if err != nil || p.Received != 2 || len(p.Rows) != want || p.Rows[want-1].Parts[0].File != "/b.mp4" || p.TotalSize != -1 || p.Offset != 3 {
			t.Errorf("%s: %+v, %v", odd, p, err)
		}
		p, err = list(odd + "," + odd)
		if err == nil {
			t.Errorf("%s alone reads as a library without files: %+v", odd, p)
			continue
		}
		if class, _ := classOf(t, err); class != plexapi.Temporary {
			t.Errorf("%s alone: %v", odd, err)
		}
	}
}

func TestOddValueOfAnItemIsNamedIfItIsNeeded(t *testing.T) {
	for _, c := range []struct {
		odd, needed string
		fields      []string
	}{
		{`"summary":{"en":"x"}`, "summary", []string{"title", "summary"}},
		{`"summary":{"en":"x"}`, "", []string{"title"}},
		{`"userRating":"nan"`, "userRating", []string{"userRating"}},
		{`"Collection":"text"`, "collection", []string{"collection"}},
		{`"Role":[{"tag":"A"},{"tag":{}}]`, "actor", []string{"actor"}},
		{`"Field":"title"`, "Field", nil},
		{`"type":7.5,"title":[]`, "title", []string{"title"}},
		{`"type":{}`, "type", nil},
		{`"Media":[{"Part":[{"id":"1","file":{}}]}]`, "Media", nil},
		{`"thumb":{},"art":[],"librarySectionID":{},"addedAt":{},"updatedAt":"soon","duration":{}`, "", []string{"title"}},
	} {
		body := `{"MediaContainer":{"librarySectionID":{},"size":"many","Metadata":[{"ratingKey":"1",` + c.odd + `},{"ratingKey":"2","title":"Two","Media":[{"Part":[{"file":"/b.mp4"}]}]}]}}`
		items, err := client(t, serve(t, say(body)).URL, token).Items(t.Context(), []string{"1", "2"})
		if err != nil || len(items) != 2 || items[1].Title != "Two" || items[1].Unreadable("title") != "" {
			t.Errorf("%s: %+v, %v", c.odd, items, err)
			continue
		}
		if got := items[0].Unreadable(c.fields...); got != c.needed {
			t.Errorf("%s for %v: %q is needed, want %q", c.odd, c.fields, got, c.needed)
		}
	}
}

// A path of an unexpected form says nothing about the rights of the token.
func TestPathOfAnUnexpectedFormIsNoMissingPath(t *testing.T) {
	row := `{"ratingKey":"1","Media":[{"Part":[{"id":"1","file":{}}]}]}`
	c := client(t, serve(t, say(`{"MediaContainer":{"Metadata":[`+row+`,{"ratingKey":"2"}]}}`)).URL, token)
	if p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10}); err != nil || len(p.Rows) != 2 {
		t.Errorf("List = %+v, %v", p, err)
	}
	if items, err := c.Items(t.Context(), []string{"1"}); err != nil || items[0].Unreadable() != "Media" {
		t.Errorf("Items = %+v, %v", items, err)
	}
}

// Read alone, an item without a readable key is not an item that is gone.
func TestItemWithoutAReadableKeyIsNotGone(t *testing.T) {
	c := client(t, serve(t, say(`{"MediaContainer":{"Metadata":[{"ratingKey":{"id":1},"title":"A"}]}}`)).URL, token)
	for _, keys := range [][]string{{"1"}, {"1", "2"}} {
		if items, err := c.Items(t.Context(), keys); err == nil {
			t.Errorf("%v: %+v", keys, items)
		}
	}
}

func TestDeletionOfAnUnexpectedFormCounts(t *testing.T) {
	for deleted, want := range map[string]bool{`"soon"`: true, `{"at":1}`: true, `true`: true, `5`: true, `0`: false, `""`: false, `null`: false, `false`: false} {
		c := client(t, serve(t, say(`{"MediaContainer":{"Metadata":[{"ratingKey":"1","deletedAt":`+deleted+`,"Media":[{"Part":[{"file":"/a.mp4"}]}]}]}}`)).URL, token)
		p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie, Size: 10})
		if err != nil || p.Rows[0].Deleted != want || p.Rows[0].Parts[0].Deleted != want {
			t.Errorf("deletedAt %s: %+v, %v", deleted, p, err)
		}
	}
}
