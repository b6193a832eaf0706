package engine

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
)

// attempts returns the logged attempts for a scene, newest first.
func (l *lab) attempts(id int) []history.Attempt {
	l.Helper()
	list, err := l.Store.Attempts(l.Context(), id)
	l.must(err)
	return list
}

func TestAttemptNamesTheFieldsThatPlexAccepted(t *testing.T) {
	refuses := func(what string) plextest.Fault {
		return plextest.Fault{Method: http.MethodPut, Status: http.StatusBadRequest, Match: func(r plextest.Request) bool { return strings.Contains(r.Query, what) }}
	}
	for name, c := range map[string]struct {
		fault  *plextest.Fault
		cover  bool
		before []string // of an attempt before the last one
		last   []string
	}{
		"everything":                    {cover: true, last: []string{"details", "title", "poster"}},
		"a refused field":               {fault: new(refuses("summary.value")), last: []string{"title"}},
		"a refused cover":               {fault: &plextest.Fault{Method: http.MethodPost, Status: http.StatusBadRequest}, cover: true, last: []string{"details", "title"}},
		"a cover at the second attempt": {fault: &plextest.Fault{Method: http.MethodPost, Status: http.StatusServiceUnavailable, Times: 1}, cover: true, before: []string{"details", "title"}, last: []string{"poster"}},
		"nothing":                       {fault: &plextest.Fault{Method: http.MethodPut, Status: http.StatusBadRequest}},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.stash.Change(1, func(s *stashtest.Scene) { s.Details = "Details" })
				if c.cover {
					l.covered(1, jpeg("one"))
				}
				l.edit("T", 1)
				if c.fault != nil {
					l.plex.Inject(*c.fault)
				}
				l.plex.Inject(plextest.Fault{Prefix: "/library/metadata", Delay: time.Second})
				l.run()
				if c.before != nil {
					pass(time.Minute)
					l.run()
				}
				list := l.attempts(1)
				if len(list) == 0 || !reflect.DeepEqual(list[0].Fields, c.last) || c.before != nil && (len(list) != 2 || !reflect.DeepEqual(list[1].Fields, c.before)) {
					t.Fatalf("attempts = %+v", list)
				}
				if took := list[0].Took; took < time.Second || took > time.Minute {
					t.Errorf("the attempt took %v", took)
				}
			})
		})
	}
}

func TestAttemptThatChangesNothingIsNotLogged(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.edit("T", 1)
		l.run()
		pass(time.Minute)
		l.edit("T", 1)
		l.want(l.run(), Summary{Unchanged: 1})
		links, err := l.Store.Links(l.Context(), 1)
		l.must(err)
		if list := l.attempts(1); len(list) != 1 || list[0].Outcome != "synced" || !links[0].PushedAt.After(list[0].At) {
			l.Errorf("attempts = %+v, links = %+v", list, links)
		}
	})
}
