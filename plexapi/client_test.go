package plexapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const token = "tok-0123456789-secret"

// start runs a Plex under a base path, as behind a proxy, with a library.
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

func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	for _, url := range []string{"", "192.168.1.5:32400", "ftp://x", "http://", "http://user:" + token + "@%zz"} {
		if _, err := plexapi.New(plexapi.Config{URL: url}); err == nil {
			t.Errorf("New(%q) succeeded", url)
		} else if strings.Contains(err.Error(), token) {
			t.Errorf("New(%q) tells the secret: %v", url, err)
		}
	}
}

func TestItemIsReadWhole(t *testing.T) {
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
			t.Errorf("a list fails whole: %v: %v, %v", whole, items, err)
		}
		if items, err := c.Items(t.Context(), []string{"99999"}); len(items) != 0 {
			t.Errorf("an unknown item: %v, %v", items, err)
		}
	}
}

func TestListingGoesByRowsReceived(t *testing.T) {
	s, c, section := start(t)
	s.Configure(func(o *plextest.Options) { o.PageSize = 2 })
	for range 5 {
		s.AddItem(section, "/a.mp4", 1)
	}
	p, err := c.List(t.Context(), plexapi.ListQuery{SectionID: section, Type: plexapi.Movie, Start: 2, Size: 200, Sort: "id"})
	if err != nil || p.Received != 2 || p.TotalSize != 5 || p.Offset != 2 || len(p.Rows) != 2 || p.Rows[0].Parts[0].File != "/a.mp4" {
		t.Errorf("page = %+v, %v", p, err)
	}
}

func TestHostileTagsArriveAndGo(t *testing.T) {
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
	if err := c.Edit(t.Context(), section, 0, "1001", set); err == nil {
		t.Error("Edit without a type succeeded")
	}
	if len(s.Requests()) != 0 || s.Careless() != 0 {
		t.Errorf("requests: %v", s.Requests())
	}
}

func TestEditFallsBackOnTheOtherRoute(t *testing.T) {
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
}

func TestRatingIsSetAndTakenAway(t *testing.T) {
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

func TestRedirectsNeverCarryTheTokenAway(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL+"/library/sections", http.StatusMovedPermanently))
	defer s.Close()
	_, err := client(t, s.URL, token).Sections(t.Context())
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Down || e.Hint == "" {
		t.Errorf("error = %v", err)
	}
}

func TestCallersOwnEndIsNoFailureOfPlex(t *testing.T) {
	s, c, _ := start(t)
	s.Inject(plextest.Fault{Hang: true})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err := c.Sections(ctx)
	if _, is := errors.AsType[*plexapi.Error](err); is || !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

// An idle connection that Plex has closed is replaced without a word.
func TestClosedIdleConnectionIsReplaced(t *testing.T) {
	s, c, _ := start(t)
	for i := range 3 {
		if _, err := c.Sections(t.Context()); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		s.Inject(plextest.Fault{Reset: true, Times: 1})
	}
	s.Heal()
	fresh := client(t, s.URL(), token)
	s.Inject(plextest.Fault{Reset: true, Times: 1})
	_, err := fresh.Sections(t.Context())
	if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != plexapi.Temporary || !strings.Contains(e.Hint, "https") {
		t.Errorf("a new connection that is cut: %v", err)
	}
}
