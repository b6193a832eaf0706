package plexapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func TestAnswerWithoutPathsIsAnError(t *testing.T) {
	const (
		named    = `{"ratingKey":"1","Media":[{"Part":[{"id":1,"file":"/a.mp4","size":5}]}]}`
		nameless = `{"ratingKey":"2","Media":[{"Part":[{"id":2,"size":5}]}]}`
		empty    = `{"ratingKey":"3","Media":[{"Part":[{"id":3,"file":"","size":5}]}]}`
		null     = `{"ratingKey":"4","Media":[{"Part":[{"id":4,"file":null}]}]}`
		without  = `{"ratingKey":"5"}`
		trashed  = `{"ratingKey":"6","deletedAt":1,"Media":[{"Part":[{"id":6}]}]}`
		made     = `{"ratingKey":"7","Media":[{"proxyType":42,"Part":[{"id":7}]}]}`
	)
	for _, c := range []struct {
		name   string
		rows   []string
		hidden bool
	}{
		{"a file with its path", []string{named}, false},
		{"a file without", []string{nameless}, true},
		{"an empty path", []string{empty}, true},
		{"a path that is null", []string{null}, true},
		{"several without", []string{nameless, without, null}, true},
		{"one of several", []string{nameless, named}, false},
		{"no files", []string{without}, false},
		{"a file in the trash", []string{trashed}, false},
		{"an optimised version", []string{made}, false},
		{"nothing", nil, false},
	} {
		body := `{"MediaContainer":{"Metadata":[` + strings.Join(c.rows, ",") + `]}}`
		page, err := decodePage(strings.NewReader(body), 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := pathsOfRows(page.Rows); errors.Is(err, ErrNoPaths) != c.hidden {
			t.Errorf("%s: pathsOfRows = %v", c.name, err)
		}
		items, err := decodeItems(strings.NewReader(body), []string{"1", "2", "3", "4", "5", "6", "7"})
		if err != nil {
			t.Fatal(err)
		}
		if err := pathsOfItems(items); errors.Is(err, ErrNoPaths) != c.hidden {
			t.Errorf("%s: pathsOfItems = %v", c.name, err)
		}
	}
}

func TestAnswerThatCountsItemsButContainsNoneIsAnError(t *testing.T) {
	for body, wrong := range map[string]bool{
		`{"MediaContainer":{"size":0}}`:                                 false,
		`{"MediaContainer":{"size":2}}`:                                 true,
		`{"MediaContainer":{"size":"1","Metadata":null}}`:               true,
		`{"MediaContainer":{"size":1,"Metadata":[{"ratingKey":"1"}]}}`:  false,
		`{"MediaContainer":{"size":9,"Metadata":[{"ratingKey":"77"}]}}`: false,
	} {
		if _, err := decodePage(strings.NewReader(body), 0); errors.Is(err, errShape) != wrong {
			t.Errorf("decodePage(%s) = %v", body, err)
		}
		if _, err := decodeItems(strings.NewReader(body), []string{"1"}); errors.Is(err, errShape) != wrong {
			t.Errorf("decodeItems(%s) = %v", body, err)
		}
	}
}

func TestEditNeedsNoPaths(t *testing.T) {
	s := plextest.New("token")
	key := s.AddItem(s.AddSection("Videos", "movie"), "/a.mp4", 5)
	s.Configure(func(o *plextest.Options) { o.EditIs404, o.NoPaths = true, true })
	c, err := New(Config{URL: "http://plex.invalid:32400", Token: "token", ClientIdentifier: "id", ProductVersion: "1", Transport: s.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Edit(t.Context(), "1", Movie, key, Edit{Set: map[Field]string{Title: "New"}}); err != nil || s.Item(key).Title != "New" {
		t.Errorf("Edit = %v, title %q", err, s.Item(key).Title)
	}
}
