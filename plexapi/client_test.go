package plexapi_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const token = "tok-0123456789-secret"

// start runs a test server with a library under a base path, as behind a proxy.
func start(t *testing.T) (*plextest.Server, *plexapi.Client, string) {
	t.Helper()
	s := plextest.New(token)
	s.BasePath = "/plex"
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s, client(t, s.URL(), token), s.AddSection("Videos", "movie")
}

func client(t *testing.T, url, token string) *plexapi.Client {
	t.Helper()
	c, err := plexapi.New(plexapi.Config{URL: url, Token: token, ClientIdentifier: "id", ProductVersion: "1", Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestInvalidAddressesAreRefused(t *testing.T) {
	for _, url := range []string{"", "192.168.1.5:32400", "ftp://x", "http://", "http://:32400", "http://user:" + token + "@%zz", "http://user:" + token + "@plex"} {
		if _, err := plexapi.New(plexapi.Config{URL: url}); err == nil {
			t.Errorf("New(%q) succeeded", url)
		} else if strings.Contains(err.Error(), token) {
			t.Errorf("New(%q) contains the secret: %v", url, err)
		}
	}
}

func TestTokensInvalidInHeadersAreRefused(t *testing.T) {
	for _, bad := range []string{token + "\n", token + " x", token + "é", token + "\x00"} {
		if _, err := plexapi.New(plexapi.Config{URL: "http://plex", Token: bad}); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("New with token %q: %v", bad, err)
		}
	}
}

func TestItemIsReadCompletely(t *testing.T) {
	for _, drift := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.Strings = drift })
		key := s.AddItem(section, `D:\Media\x.mp4`, 4208219125)
		rating := 7.5
		s.Edit(key, func(it *plextest.Item) {
			it.Summary, it.Studio, it.Date, it.Rating = "S", "St", "2024-01-02", &rating
			it.Tags["actor"], it.Tags["genre"] = []string{"A", "B", "C"}, []string{"X, Y"}
			it.Locked["genre"] = true
			it.Files = append(it.Files, plextest.File{Path: "/opt.mp4", Optimised: true, Version: 1})
		})
		items, err := c.Items(t.Context(), []string{key})
		if err != nil || len(items) != 1 {
			t.Fatalf("Items = %v, %v", items, err)
		}
		it := items[0]
		if it.RatingKey != key || it.SectionID != section || it.Title != "x" || it.Summary != "S" || it.Studio != "St" || it.Date != "2024-01-02" ||
			it.UserRating == nil || *it.UserRating != 7.5 || !it.Locked["genre"] || it.Locked["title"] {
			t.Errorf("item = %+v", it)
		}
		if !slices.Equal(it.Tags[plexapi.Actor], []string{"A", "B", "C"}) || !slices.Equal(it.Tags[plexapi.Genre], []string{"X, Y"}) {
			t.Errorf("tags = %v", it.Tags)
		}
		if len(it.Parts) != 1 || it.Parts[0].File != `D:\Media\x.mp4` || it.Parts[0].Size != 4208219125 {
			t.Errorf("parts = %+v", it.Parts)
		}
	}
}

func TestItemsThatAreGoneAreAbsent(t *testing.T) {
	for _, whole := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.ListIs404 = whole })
		a, b := s.AddItem(section, "/a.mp4", 1), s.AddItem(section, "/b.mp4", 1)
		items, err := c.Items(t.Context(), []string{a, "99999", b})
		if err != nil || len(items) != 2 {
			t.Errorf("a list fails completely: %v: %v, %v", whole, items, err)
		}
		if items, err := c.Items(t.Context(), []string{"99999"}); err != nil || len(items) != 0 {
			t.Errorf("an unknown item: %v, %v", items, err)
		}
	}
	_, c, _ := start(t)
	for _, keys := range [][]string{nil, {"1", "x"}, slices.Repeat([]string{"1"}, plexapi.MaxKeys+1)} {
		if _, err := c.Items(t.Context(), keys); err == nil {
			t.Errorf("Items of %d keys succeeded", len(keys))
		}
	}
}

func TestListingCountsReceivedRows(t *testing.T) {
	s, c, section := start(t)
	s.Configure(func(o *plextest.Options) { o.PageSize = 2 })
	for range 5 {
		s.AddItem(section, "/a.mp4", 1)
	}
	p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: section, Type: plexapi.Movie, Start: 2, Size: 200, Sort: "id"})
	if err != nil || p.Received != 2 || p.TotalSize != 5 || p.Offset != 2 || len(p.Rows) != 2 || p.Rows[0].Parts[0].File != "/a.mp4" {
		t.Errorf("page = %+v, %v", p, err)
	}
	then := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return then })
	if p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: section, Type: plexapi.Movie}); err != nil || !p.Date.Equal(then) {
		t.Errorf("Date = %v, %v", p.Date, err)
	}
}

func TestListingBySizeReturnsOnlyThatSize(t *testing.T) {
	s, c, section := start(t)
	s.AddItem(section, "/a.mp4", 5_000_000_000)
	want := s.AddItem(section, "/b.mp4", 6_000_000_000)
	p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: section, Type: plexapi.Movie, Size: 10, MediaSize: 6_000_000_000})
	if err != nil || len(p.Rows) != 1 || p.Rows[0].RatingKey != want {
		t.Errorf("page = %+v, %v", p, err)
	}
}

func TestListingWithoutATotalIsNotEmpty(t *testing.T) {
	for _, number := range []string{`null`, `""`, `-1`} {
		s := serve(t, say(`{"MediaContainer":{"totalSize":`+number+`,"Metadata":[{"ratingKey":"1"}]}}`))
		p, err := client(t, s.URL, token).List(t.Context(), plexapi.ListQuery{SectionID: "1", Type: plexapi.Movie})
		if err != nil || p.TotalSize != -1 || p.Received != 1 {
			t.Errorf("totalSize %s: page = %+v, %v", number, p, err)
		}
	}
}

func TestItemsAreUniqueAndRatingsInRange(t *testing.T) {
	s := serve(t, say(`{"MediaContainer":{"Metadata":[{"ratingKey":"1","userRating":-1},{"ratingKey":"1"},{"ratingKey":"2","userRating":10.5}]}}`))
	items, err := client(t, s.URL, token).Items(t.Context(), []string{"1", "2"})
	if err != nil || len(items) != 2 || items[0].UserRating != nil || items[1].UserRating != nil {
		t.Errorf("items = %+v, %v", items, err)
	}
}

func TestHostileTagsAreAddedAndRemoved(t *testing.T) {
	for _, replace := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.Replace = replace })
		key := s.AddItem(section, "/a.mp4", 1)
		hostile := []string{"A, B", "C & D", "[E]", `"F"`, "g+h", "50%", "ü 🎬", "a=b;c", "%2C"}
		edit := plexapi.Edit{Tags: map[plexapi.TagKind][]string{plexapi.Genre: hostile}, Lock: []string{"genre"}, Set: map[plexapi.Field]string{plexapi.Title: "a + b & c\nd"}}
		if err := c.Edit(t.Context(), section, plexapi.Movie, key, edit); err != nil {
			t.Fatal(err)
		}
		it := s.Item(key)
		if !slices.Equal(it.Tags["genre"], hostile) || it.Title != "a + b & c\nd" || !it.Locked["genre"] {
			t.Errorf("item = %+v", it)
		}
		if err := c.Edit(t.Context(), section, plexapi.Movie, key, plexapi.Edit{Remove: map[plexapi.TagKind][]string{plexapi.Genre: hostile[1:]}}); err != nil {
			t.Fatal(err)
		}
		if it := s.Item(key); !slices.Equal(it.Tags["genre"], hostile[:1]) {
			t.Errorf("after the removal: %v", it.Tags)
		}
	}
}

func TestNoEditWithoutAnItem(t *testing.T) {
	s, c, section := start(t)
	s.AddItem(section, "/a.mp4", 1)
	set := plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: "x"}}
	for _, key := range []string{"", "1,2", "x", "12345678901234567890", "1/../2"} {
		if err := c.Edit(t.Context(), section, plexapi.Movie, key, set); err == nil {
			t.Errorf("Edit of %q succeeded", key)
		}
	}
	for name, err := range map[string]error{
		"without a type":    c.Edit(t.Context(), section, 0, "1001", set),
		"without a section": c.Edit(t.Context(), "", plexapi.Movie, "1001", set),
		"of nothing":        c.Edit(t.Context(), section, plexapi.Movie, "1001", plexapi.Edit{}),
		"of an empty title": c.Edit(t.Context(), section, plexapi.Movie, "1001", plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: " "}}),
	} {
		if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Rejected {
			t.Errorf("Edit %s: %v", name, err)
		}
	}
	if len(s.Requests()) != 0 || s.Careless() != 0 {
		t.Errorf("requests: %v", s.Requests())
	}
}

func TestEditFallsBackToTheOtherRoute(t *testing.T) {
	s, c, section := start(t)
	s.Configure(func(o *plextest.Options) { o.EditIs404 = true })
	key := s.AddItem(section, "/a.mp4", 1)
	set := plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: "x"}}
	if err := c.Edit(t.Context(), section, plexapi.Movie, key, set); err != nil || s.Item(key).Title != "x" {
		t.Errorf("%v, title %q", err, s.Item(key).Title)
	}
	err := c.Edit(t.Context(), section, plexapi.Movie, "99999", set)
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.NotFound {
		t.Errorf("an unknown item: %v", err)
	}
	if n := s.Count("PUT", "/library/metadata/99999"); n != 0 {
		t.Errorf("an unknown item was edited by the other route %d times", n)
	}
	s.Inject(plextest.Fault{Method: "GET", Status: 500})
	err = c.Edit(t.Context(), section, plexapi.Movie, key, set)
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Temporary {
		t.Errorf("an item that cannot be read: %v", err)
	}
}

func TestRatingIsSetAndRemoved(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	rating := 7.5
	if err := c.Rate(t.Context(), key, &rating); err != nil || *s.Item(key).Rating != 7.5 {
		t.Errorf("%v, %v", err, s.Item(key).Rating)
	}
	if err := c.Rate(t.Context(), key, nil); err != nil || s.Item(key).Rating != nil {
		t.Errorf("%v, %v", err, s.Item(key).Rating)
	}
	rating = 11
	if err := c.Rate(t.Context(), key, &rating); err == nil {
		t.Error("a rating of 11 was sent")
	}
}

func TestEditIsOneDeterministicLineOfKnownLength(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	e := plexapi.Edit{
		Set:    map[plexapi.Field]string{plexapi.Title: "a b+c", plexapi.Summary: "é"},
		Tags:   map[plexapi.TagKind][]string{plexapi.Genre: {"x y"}},
		Remove: map[plexapi.TagKind][]string{plexapi.Actor: {"A B", "C,D"}},
		Lock:   []string{"title", "genre"}, Unlock: []string{"summary"},
	}
	if err := c.Edit(t.Context(), section, plexapi.Movie, key, e); err != nil {
		t.Fatal(err)
	}
	sent := s.Requests()[0]
	want := "actor%5B%5D.tag.tag-=A%2520B%2CC%252CD&genre.locked=1&genre%5B0%5D.tag.tag=x%20y&id=" + key +
		"&summary.locked=0&summary.value=%C3%A9&title.locked=1&title.value=a%20b%2Bc&type=1"
	if sent.Query != want {
		t.Errorf("query = %s, want %s", sent.Query, want)
	}
	if got, want := c.EditLength(section, plexapi.Movie, key, e), len(s.BasePath+sent.Path+"?"+sent.Query); got != want {
		t.Errorf("EditLength = %d, want %d", got, want)
	}
}

func TestRefreshResetsOnlyUnlockedFields(t *testing.T) {
	s, c, section := start(t)
	key := s.AddItem(section, "/a.mp4", 1)
	e := plexapi.Edit{
		Set:  map[plexapi.Field]string{plexapi.Title: "T", plexapi.Studio: "S"},
		Tags: map[plexapi.TagKind][]string{plexapi.Genre: {"G"}, plexapi.Director: {"D"}},
		Lock: []string{"title", "genre"},
	}
	if err := c.Edit(t.Context(), section, plexapi.Movie, key, e); err != nil {
		t.Fatal(err)
	}
	s.Refresh(key)
	items, err := c.Items(t.Context(), []string{key})
	if err != nil || len(items) != 1 {
		t.Fatalf("Items = %v, %v", items, err)
	}
	if it := items[0]; it.Title != "T" || it.Studio != "" || len(it.Tags[plexapi.Genre]) != 1 || len(it.Tags[plexapi.Director]) != 0 {
		t.Errorf("item = %+v", it)
	}
}

func TestSectionsAreReadWhateverTheirTypes(t *testing.T) {
	for _, drift := range []bool{false, true} {
		s, c, section := start(t)
		s.AddSection("Series", "show")
		s.Configure(func(o *plextest.Options) { o.Strings, o.Scanning = drift, true })
		at := time.Unix(1700000000, 0)
		s.SetClock(func() time.Time { return at })
		s.AddItem(section, "/a.mp4", 1)
		got, err := c.Sections(t.Context())
		if err != nil || len(got) != 2 {
			t.Fatalf("Sections = %v, %v", got, err)
		}
		one := got[0]
		if one.ID != section || one.UUID == "" || one.Agent != "tv.plex.agents.none" || one.Type != "movie" || one.Title != "Videos" || !one.Refreshing || one.UpdatedAt != at.Unix() ||
			one.ScannedAt != at.Unix() || one.ContentChangedAt != 1 || !slices.Equal(one.Locations, []string{"/data"}) || got[1].Type != "show" {
			t.Errorf("with texts for numbers %v: %+v", drift, got)
		}
	}
}

func TestEditReachesOnlyItemsOfItsType(t *testing.T) {
	s, c, section := start(t)
	shows := s.AddSection("Series", "show")
	film, episode := s.AddItem(section, "/a.mp4", 1), s.AddItem(shows, "/b.mp4", 1)
	set := plexapi.Edit{Set: map[plexapi.Field]string{plexapi.Title: "new"}}
	for _, e := range []struct {
		section, key string
		t            plexapi.ItemType
	}{{section, film, plexapi.Episode}, {shows, episode, plexapi.Movie}, {shows, film, plexapi.Episode}} {
		if err := c.Edit(t.Context(), e.section, e.t, e.key, set); err != nil {
			t.Errorf("an edit that finds nothing answers 200: %v", err)
		}
	}
	if s.Item(film).Title != "a" || s.Item(episode).Title != "b" {
		t.Errorf("titles: %q, %q", s.Item(film).Title, s.Item(episode).Title)
	}
	if err := c.Edit(t.Context(), shows, plexapi.Episode, episode, set); err != nil || s.Item(episode).Title != "new" {
		t.Errorf("title %q, %v", s.Item(episode).Title, err)
	}
	p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: shows, Type: plexapi.Episode, Size: 10, Sort: "id"})
	if err != nil || len(p.Rows) != 1 || p.Rows[0].RatingKey != episode {
		t.Errorf("page = %+v, %v", p, err)
	}
}

func TestScanUsesEitherMethod(t *testing.T) {
	const folder = "/data/a b+c & d/ü"
	for _, post := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.ScanIsPost = post })
		s.AddHidden(section, folder+"/x.mp4", 1)
		if err := c.Scan(t.Context(), section, folder); err != nil || !slices.Equal(s.Scans(), []plextest.Scan{{Section: section, Path: folder}}) {
			t.Errorf("by POST %v: %v, %v", post, s.Scans(), err)
		}
		if n := len(s.Requests()); n != map[bool]int{false: 1, true: 2}[post] || s.Careless() != 0 {
			t.Errorf("by POST %v: %d requests, %d careless", post, n, s.Careless())
		}
		p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: section, Type: plexapi.Movie, Size: 10})
		if err != nil || len(p.Rows) != 1 {
			t.Errorf("page = %+v, %v", p, err)
		}
		err = c.Scan(t.Context(), "77", folder)
		if class, _ := classOf(t, err); class != plexapi.NotFound {
			t.Errorf("a library that is gone: %v", err)
		}
	}
	s, c, section := start(t)
	s.Inject(plextest.Fault{Method: "GET", Status: 405, Times: 1})
	s.Inject(plextest.Fault{Method: "POST", Status: 500, Times: 1})
	if class, _ := classOf(t, c.Scan(t.Context(), section, folder)); class != plexapi.Temporary {
		t.Errorf("class = %s", class)
	}
	s.Forget()
	s.Inject(plextest.Fault{Method: "GET", Status: 500, Times: 1})
	if err := c.Scan(t.Context(), section, folder); err == nil || len(s.Requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(s.Requests()))
	}
	for _, args := range [][2]string{{"", folder}, {"all", folder}, {section, ""}} {
		if err := c.Scan(t.Context(), args[0], args[1]); err == nil || len(s.Requests()) != 1 {
			t.Errorf("Scan(%q): %v", args, err)
		}
	}
}

func TestListingMarksTrashAndSkipsOptimisedVersions(t *testing.T) {
	s, c, section := start(t)
	s.AddItem(section, "/a.mp4", 1)
	trash, partly := s.AddItem(section, "/b.mp4", 1), s.AddItem(section, "/c.mp4", 1)
	s.Edit(trash, func(it *plextest.Item) { it.Deleted = true })
	s.Edit(partly, func(it *plextest.Item) {
		it.Files = append(it.Files, plextest.File{Path: "/d.mp4", Deleted: true}, plextest.File{Path: "/o.mp4", Optimised: true, Version: 2})
	})
	p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: section, Type: plexapi.Movie, Size: 10, Sort: "id"})
	if err != nil || len(p.Rows) != 3 {
		t.Fatalf("page = %+v, %v", p, err)
	}
	a, b, d := p.Rows[0], p.Rows[1], p.Rows[2]
	if a.Deleted || a.Parts[0].Deleted || !b.Deleted || !b.Parts[0].Deleted || d.Deleted || len(d.Parts) != 2 || d.Parts[0].Deleted || !d.Parts[1].Deleted {
		t.Errorf("rows = %+v", p.Rows)
	}
	if q := s.Requests()[0].Query; strings.Contains(q, "Media") || !strings.Contains(q, "type=1") || !strings.Contains(q, "sort=id") {
		t.Errorf("query = %s", q)
	}
}
