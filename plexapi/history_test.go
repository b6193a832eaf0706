package plexapi_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestHistoryIsReadInPages(t *testing.T) {
	for _, drift := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.Strings = drift })
		other := s.AddAccount("other", "")
		a, b := s.AddItem(section, "/a.mp4", 1), s.AddItem(section, "/b.mp4", 1)
		s.Play(a, plextest.Owner, noon)
		key := s.Play(b, other, noon.Add(time.Hour))
		s.Play(a, plextest.Owner, noon.Add(-time.Hour)) // late
		s.Remove(b)
		p, err := c.History(t.Context(), plexapi.HistoryQuery{Size: 2})
		if err != nil || p.TotalSize != 3 || p.Received != 2 || p.Rows[0].ViewedAt != noon.Add(-time.Hour).Unix() || p.Rows[1].RatingKey != a || p.Date.IsZero() {
			t.Errorf("first page: %+v, %v", p, err)
		}
		p, err = c.History(t.Context(), plexapi.HistoryQuery{Start: 2, Size: 2})
		want := plexapi.Play{HistoryKey: key, SectionID: section, ViewedAt: noon.Add(time.Hour).Unix(), AccountID: int64(other), Title: "b", Type: "movie"}
		if err != nil || p.Offset != 2 || !slices.Equal(p.Rows, []plexapi.Play{want}) {
			t.Errorf("second page: %+v, %v", p, err)
		}
		p, err = c.History(t.Context(), plexapi.HistoryQuery{Since: noon.Unix(), Size: 9})
		if err != nil || len(p.Rows) != 2 || p.TotalSize != 2 {
			t.Errorf("since a time: %+v, %v", p, err)
		}
		s.PurgeHistory()
		if p, err := c.History(t.Context(), plexapi.HistoryQuery{Size: 9}); err != nil || p.TotalSize != 0 || len(p.Rows) != 0 {
			t.Errorf("no history: %+v, %v", p, err)
		}
	}
}

func TestFailedReadIsNoEmptyHistory(t *testing.T) {
	for _, f := range []struct {
		fault plextest.Fault
		class plexapi.Class
	}{
		{plextest.Fault{Status: 503}, plexapi.Temporary},
		{plextest.Fault{Status: 404}, plexapi.NotFound},
		{plextest.Fault{Truncate: true}, plexapi.Temporary},
		{plextest.Fault{Status: 200, Body: `{"MediaContainer":{"size":0,"totalSize":7}}`}, plexapi.Temporary},
		{plextest.Fault{Status: 200, Body: `{"MediaContainer":{"size":3,"totalSize":3}}`}, plexapi.Temporary},
		{plextest.Fault{Status: 200, Body: `{}`}, plexapi.Temporary},
	} {
		s, c, section := start(t)
		s.Play(s.AddItem(section, "/a.mp4", 1), plextest.Owner, noon)
		s.Inject(f.fault)
		_, err := c.History(t.Context(), plexapi.HistoryQuery{Size: 9})
		_, watchedErr := c.Watched(t.Context(), plexapi.WatchedQuery{SectionID: section, Type: plexapi.Movie, Size: 9})
		for _, err := range []error{err, watchedErr} {
			if e, ok := errors.AsType[*plexapi.Error](err); !ok || e.Class != f.class {
				t.Errorf("%+v: %v", f.fault, err)
			}
		}
	}
}

func TestOddRowsOfTheHistoryAreCounted(t *testing.T) {
	good := `{"historyKey":"/h/1","ratingKey":7,"viewedAt":"1700000000","accountID":1}`
	read := func(container string) (plexapi.PageOf[plexapi.Play], error) {
		return client(t, serve(t, say(`{"MediaContainer":{`+container+`}}`)).URL, token).History(t.Context(), plexapi.HistoryQuery{Size: 9})
	}
	for _, odd := range []string{
		`7`, `null`, `{}`, `{"historyKey":"/h/2","ratingKey":"7","viewedAt":1700000000}`, `{"historyKey":"/h/2","ratingKey":"7","viewedAt":1700000000,"accountID":0}`,
		`{"historyKey":"/h/2","viewedAt":"soon","accountID":1}`, `{"historyKey":{},"viewedAt":1700000000,"accountID":1}`, `{"viewedAt":1700000000,"accountID":1}`,
		`{"historyKey":"/h/2","ratingKey":"x","viewedAt":1700000000,"accountID":1}`, `{"historyKey":"/h/2","ratingKey":[],"viewedAt":1700000000,"accountID":1}`,
	} {
		if p, err := read(`"size":2,"Metadata":[` + odd + `,` + good + `]`); err != nil || p.Received != 2 || p.Unreadable != 1 || len(p.Rows) != 1 || p.Rows[0].RatingKey != "7" || p.TotalSize != -1 {
			t.Errorf("%s: %+v, %v", odd, p, err)
		}
		if p, err := read(`"Metadata":[` + odd + `]`); err == nil {
			t.Errorf("%s alone: %+v", odd, p)
		}
	}
	if p, err := read(`"size":1,"totalSize":"1","Metadata":` + good); err != nil || len(p.Rows) != 1 || p.Rows[0].ViewedAt != 1_700_000_000 {
		t.Errorf("a row without its list: %+v, %v", p, err)
	}
	if p, err := read(`"size":1,"totalSize":9,"offset":4,"Metadata":[` + good + `]`); err == nil {
		t.Errorf("another page: %+v", p)
	}
}

func TestWatchedItemsAreThoseSinceATime(t *testing.T) {
	for _, drift := range []bool{false, true} {
		s, c, section := start(t)
		s.Configure(func(o *plextest.Options) { o.Strings = drift })
		s.SetClock(func() time.Time { return noon })
		other := s.AddAccount("other", "")
		a, b, never := s.AddItem(section, "/a.mp4", 1), s.AddItem(section, "/b.mp4", 1), s.AddItem(section, "/c.mp4", 1)
		s.StopAt(a, plextest.Owner, 90*time.Second)
		s.Play(b, plextest.Owner, noon.Add(-time.Hour))
		s.Play(b, plextest.Owner, noon.Add(-2*time.Hour))
		s.StopAt(never, other, time.Minute)
		list := func(since time.Time) []plexapi.Watched {
			p, err := c.Watched(t.Context(), plexapi.WatchedQuery{SectionID: section, Type: plexapi.Movie, Since: since.Unix(), Size: 9})
			if err != nil {
				t.Fatal(err)
			}
			return p.Rows
		}
		first := plexapi.Watched{RatingKey: b, ViewCount: 2, LastViewedAt: noon.Add(-time.Hour).Unix()}
		second := plexapi.Watched{RatingKey: a, ViewOffset: 90_000, LastViewedAt: noon.Unix()}
		if got := list(noon.Add(-3 * time.Hour)); !slices.Equal(got, []plexapi.Watched{first, second}) {
			t.Errorf("watched: %+v", got)
		}
		if got := list(noon.Add(-time.Hour)); !slices.Equal(got, []plexapi.Watched{second}) {
			t.Errorf("watched after: %+v", got)
		}
	}
	_, c, _ := start(t)
	if _, err := c.Watched(t.Context(), plexapi.WatchedQuery{SectionID: "x", Type: plexapi.Movie}); err == nil {
		t.Error("a section that is no number is accepted")
	}
}

func TestAccountsAreThoseOfTheServer(t *testing.T) {
	for _, drift := range []bool{false, true} {
		s, c, _ := start(t)
		s.Configure(func(o *plextest.Options) { o.Strings = drift })
		id := s.AddAccount("Zoë", "tok-shared")
		got, err := c.Accounts(t.Context())
		if err != nil || !slices.Equal(got, []plexapi.Account{{ID: plexapi.OwnerAccount, Name: "owner"}, {ID: int64(id), Name: "Zoë"}}) {
			t.Errorf("Accounts = %+v, %v", got, err)
		}
		shared := client(t, s.URL(), "tok-shared")
		_, err = shared.Accounts(t.Context())
		_, playing := shared.Sessions(t.Context())
		for _, err := range []error{err, playing} {
			if class, _ := classOf(t, err); class != plexapi.Unauthorized {
				t.Errorf("a shared token: %v", err)
			}
		}
	}
	for body, want := range map[string]int{
		`"Account":{"id":1,"name":"a"}`: 1, `"Account":[{"id":"1"},{"id":0,"name":""},{"id":5,"name":7}]`: 2,
		`"size":0`: 0, `"Account":[]`: 0, `"Account":null`: 0, `"Account":[{"id":0}]`: 0, `"Account":[{"id":1,"name":"a"},{"name":"b"}]`: 0,
		`"Account":[{"id":1,"name":"a"},{"id":2,"name":{}}]`: 0, `"Account":[{"id":1},7]`: 0, `"Account":[{"id":-1}]`: 0, `"Account":"x"`: 0,
	} {
		got, err := client(t, serve(t, say(`{"MediaContainer":{`+body+`}}`)).URL, token).Accounts(t.Context())
		if (err == nil) != (want > 0) || err == nil && len(got) != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

func TestSessionsAreTheItemsThatPlay(t *testing.T) {
	s, c, section := start(t)
	a := s.AddItem(section, "/a.mp4", 1)
	for _, want := range [][]string{nil, {a}, nil} {
		if want != nil {
			s.StartSession(a, plextest.Owner)
		}
		if got, err := c.Sessions(t.Context()); err != nil || !slices.Equal(got, want) {
			t.Errorf("Sessions = %v, %v, want %v", got, err, want)
		}
		s.EndSession(a)
	}
	for body, want := range map[string]string{
		`"size":1,"Metadata":{"ratingKey":7}`: "[7]", `"size":2,"Video":[{"ratingKey":"7"},{"title":"live"}]`: "[7]", `"size":0`: "[]",
		`"size":1`: "error", `"Metadata":[{"ratingKey":{}}]`: "error", `"Metadata":7`: "error",
	} {
		got, err := client(t, serve(t, say(`{"MediaContainer":{`+body+`}}`)).URL, token).Sessions(t.Context())
		if text := fmt.Sprint(got); err == nil && text != want || (err != nil) != (want == "error") {
			t.Errorf("%s: %v, %v", body, got, err)
		}
	}
	s.Inject(plextest.Fault{Prefix: "/status/sessions", Status: http.StatusServiceUnavailable})
	if _, err := c.Sessions(t.Context()); err == nil {
		t.Error("a failed read says that nothing plays")
	}
}
