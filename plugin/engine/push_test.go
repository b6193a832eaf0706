package engine

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestFewUnmadeChangesAreNoOutage(t *testing.T) {
	for _, c := range []struct {
		name  string
		stuck func(id int) bool
		want  Summary
		state store.BreakerState
	}{
		{"scattered", func(id int) bool { return id%10 == 0 }, Summary{Synced: 45, Retrying: 5}, store.BreakerClosed},
		{"in a row", func(id int) bool { return id > 20 && id <= 30 }, Summary{Synced: 40, Retrying: 10}, store.BreakerClosed},
		{"all", func(int) bool { return true }, Summary{Retrying: 50}, store.BreakerOpen},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 50, func(l *lab) {
				l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"studio": true} })
				studio := l.stash.Name("studio", 0, "Studio")
				for id := 1; id <= 50; id++ {
					if c.stuck(id) {
						l.stash.Change(id, func(s *stashtest.Scene) { s.Studio = studio })
					}
					l.edit("New", id)
				}
				sum := l.run()
				sum.Class = ""
				l.want(sum, c.want)
				if b, err := l.Store.Breaker(l.Context()); err != nil || b.State != c.state {
					l.Errorf("breaker = %+v, %v, want %s", b, err, c.state)
				}
			})
		})
	}
}

func TestOnlyThirdAnswerOf500CountsAsABadField(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int // of the writes, one in each run
		title    string
	}{
		{"two of 500", []int{500, 500}, "clip1"},
		{"three of 500", []int{500, 500, 500}, "New"},
		{"two of other kinds and one of 500", []int{429, 503, 500}, "clip1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				studio := l.stash.Name("studio", 0, "Bad")
				l.stash.Change(1, func(s *stashtest.Scene) { s.Details, s.Studio = "Details", studio })
				l.edit("New", 1)
				for i, status := range c.statuses {
					if i > 1 || status == 500 {
						l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"studio": status} })
					} else {
						l.plex.Inject(plextest.Fault{Method: "PUT", Status: status, Times: 1})
					}
					l.run()
					pass(80 * time.Second)
				}
				l.wantTitle(1, c.title)
			})
		})
	}
}

func TestRefusedEditIsRepeatedFieldByField(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"studio": 400} })
		studio, tags := l.stash.Name("studio", 0, "Bad"), numbered(l, "tag", "Tag", 2)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Details, s.Studio, s.Tags = "Details", studio, tags })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		var fields []int
		for _, r := range l.plex.Requests() {
			if r.Method == "PUT" {
				fields = append(fields, fieldsIn(r))
			}
		}
		if !slices.Equal(fields, []int{4, 1, 1, 1, 1}) {
			l.Errorf("the writes hold %v fields, want all four, then one each", fields)
		}
		if it := l.plex.Item(l.keys[1]); it.Title != "New" || it.Summary != "Details" || len(it.Tags["genre"]) != 2 {
			l.Errorf("item = %+v", it)
		}
	})
}

func TestFieldLeftOutFor500IsTriedAgainWithTheNextEdit(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"studio": 500} })
		studio := l.stash.Name("studio", 0, "Studio")
		l.stash.Change(1, func(s *stashtest.Scene) { s.Studio = studio })
		l.edit("One", 1)
		for range 3 {
			l.run()
			pass(80 * time.Second)
		}
		l.wantTitle(1, "One")
		l.edit("Two", 1)
		l.want(l.run(), Summary{Synced: 1}) // it takes no three attempts any more
		l.wantTitle(1, "Two")
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = nil })
		l.edit("Three", 1)
		l.want(l.run(), Summary{Synced: 1})
		if it := l.plex.Item(l.keys[1]); it.Studio != "Studio" || it.Title != "Three" {
			l.Errorf("item = %+v", it)
		}
		l.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"title": 500} })
		l.edit("Four", 1)
		l.want(l.run(), Summary{Retrying: 1}) // the count restarted
	})
}

func TestSlowWriteThatFailsIsFollowedByAPauseToo(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("New", 1, 2)
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: 5 * time.Second, Status: 500, Times: 2})
		l.want(l.run(), Summary{Retrying: 2})
		var puts []time.Time
		for _, r := range l.plex.Requests() {
			if r.Method == "PUT" {
				puts = append(puts, r.At)
			}
		}
		if gap := puts[1].Sub(puts[0]); gap < 10*time.Second {
			l.Errorf("the second write begins %v after the first, want as long a pause as it took", gap)
		}
	})
}

func TestPlexThatAsksForTimeIsNotAskedOneByOne(t *testing.T) {
	for _, status := range []int{429, 503} {
		inLab(t, 50, func(l *lab) {
			l.edit("Warm", 1)
			l.run()
			for id := 1; id <= 50; id++ {
				l.edit("New", id)
			}
			l.plex.Forget()
			l.plex.Inject(plextest.Fault{Method: "GET", Prefix: "/library/metadata", Status: status, Header: http.Header{"Retry-After": {"60"}}})
			sum := l.run()
			charged := 0
			for id := 1; id <= 50; id++ {
				charged += l.job(id).Attempts
			}
			if n := l.plex.Count("GET", "/library/metadata"); n > 2 || charged != 1 || sum.Retrying != 1 {
				l.Errorf("%d: %d requests, %d attempts charged, %+v", status, n, charged, sum)
			}
			l.plex.Heal()
			pass(61 * time.Second)
			l.want(l.run(), Summary{Synced: 50})
		})
	}
}

func TestDateThatPlexDoesNotClearIsReleased(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.stash.Change(1, func(s *stashtest.Scene) { s.Date = "2020-01-01" })
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Change(1, func(s *stashtest.Scene) { s.Date = "" })
		l.plex.Configure(func(o *plextest.Options) {
			o.Keep = func(field, value string) string {
				if field == "originallyAvailableAt" && value == "" {
					return "2020-01-01"
				}
				return value
			}
		})
		l.edit("Two", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.edit("Two", 1)
		l.want(l.run(), Summary{Unchanged: 1})
		if n := strings.Count(l.log.String(), "does not clear"); n != 1 {
			l.Errorf("warned %d times, want once", n)
		}
		if it := l.plex.Item(l.keys[1]); it.Locked["originallyAvailableAt"] {
			l.Error("the lock stays ours")
		}
		l.stash.Change(1, func(s *stashtest.Scene) { s.Date = "2021-02-02" })
		l.edit("Two", 1)
		l.want(l.run(), Summary{Synced: 1})
		if it := l.plex.Item(l.keys[1]); it.Date != "2021-02-02" {
			l.Errorf("date = %s", it.Date)
		}
	})
}
