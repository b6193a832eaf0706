package engine

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// numbered are so many names, in Stash's words.
func numbered(l *lab, kind, name string, n int) []int {
	var ids []int
	for i := range n {
		ids = append(ids, l.stash.Name(kind, 0, fmt.Sprintf("%s %d", name, i)))
	}
	return ids
}

func TestRemovalsAreSplitAsEverythingElse(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		tags, performers := numbered(l, "tag", "タグ名前漢字", 200), numbered(l, "performer", "女優, 名前", 60)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers = tags, performers })
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags; len(got["genre"]) != 200 || len(got["actor"]) != 60 {
			l.Fatalf("%d genres, %d actors", len(got["genre"]), len(got["actor"]))
		}
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers = nil, nil })
		l.edit("One", 1)
		l.plex.Forget()
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags; len(got) != 0 {
			l.Errorf("left over: %v", got)
		}
		for _, r := range l.plex.Requests() {
			if n := len(r.Path) + len("?") + len(r.Query); n > merge.LineLimit {
				l.Errorf("a line of %d bytes", n)
			}
		}
	})
}

func TestSplitLosesNothing(t *testing.T) {
	length := func(e plexapi.Edit) int {
		n := 0
		for _, text := range e.Set {
			n += len(text)
		}
		for _, m := range []map[plexapi.TagKind][]string{e.Tags, e.Remove} {
			for _, names := range m {
				n += len(strings.Join(names, ","))
			}
		}
		return n
	}
	e := plexapi.Edit{Remove: map[plexapi.TagKind][]string{plexapi.Genre: nil, plexapi.Actor: {"a", "b"}}}
	for i := range 50 {
		e.Remove[plexapi.Genre] = append(e.Remove[plexapi.Genre], fmt.Sprintf("tag %d", i))
	}
	for _, limit := range []int{1, 10, 100, 300, 1000} {
		var genres, actors []string
		for _, part := range merge.Split(e, length, limit) {
			if n := length(part); n > limit && len(part.Remove[plexapi.Genre])+len(part.Remove[plexapi.Actor]) > 1 {
				t.Errorf("limit %d: a part of %d", limit, n)
			}
			genres, actors = append(genres, part.Remove[plexapi.Genre]...), append(actors, part.Remove[plexapi.Actor]...)
		}
		if !slices.Equal(genres, e.Remove[plexapi.Genre]) || !slices.Equal(actors, e.Remove[plexapi.Actor]) {
			t.Errorf("limit %d: %q, %q", limit, genres, actors)
		}
	}
}

// narrow is a proxy that answers requests with longer lines than a limit with a status.
type narrow struct {
	http.RoundTripper
	limit, status int
}

func (n narrow) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(r.URL.RequestURI()) > n.limit {
		return &http.Response{StatusCode: n.status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
	return n.RoundTripper.RoundTrip(r)
}

func TestNarrowProxyCutsOnlyWhatDoesNotFitAlone(t *testing.T) {
	for _, c := range []struct {
		name        string
		words, tags int
		wantWords   int
	}{
		{"a text and a list that fit by themselves", 300, 40, 300},
		{"a text that does not", 800, 40, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				var err error
				l.Plex, err = plexapi.New(plexapi.Config{
					URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: narrow{l.plex.Transport(), 4096, http.StatusRequestURITooLong},
				})
				l.must(err)
				tags := numbered(l, "tag", "some quite long name of a tag", c.tags)
				l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Details = tags, strings.Repeat("word ", c.words) })
				l.edit("One", 1)
				l.want(l.run(), Summary{Synced: 1})
				it := l.plex.Item(l.keys[1])
				if n := len(strings.Fields(it.Summary)); n != c.wantWords || len(it.Tags["genre"]) != c.tags || it.Title != "One" {
					l.Errorf("%d words, %d tags, title %q", n, len(it.Tags["genre"]), it.Title)
				}
				l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = nil })
				l.edit("One", 1)
				l.want(l.run(), Summary{Synced: 1})
				if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) > 0 {
					l.Errorf("left over: %q", got)
				}
				l.edit("One", 1)
				l.want(l.run(), Summary{Unchanged: 1})
			})
		})
	}
}

func TestLongListIsSentCompleteAndLogged(t *testing.T) {
	for _, replace := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			l.plex.Configure(func(o *plextest.Options) { o.Replace = replace })
			tags := numbered(l, "tag", strings.Repeat("long name ", 6), 500)
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"Foreign"} })
			l.edit("One", 1)
			l.want(l.run(), Summary{Synced: 1})
			if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 501 {
				l.Errorf("replace %v: %d tags, want 500 and the one that was there", replace, len(got))
			}
			if !strings.Contains(l.log.String(), "its URL is very long") {
				l.Error("the log does not mention the long URL")
			}
			l.edit("One", 1)
			l.want(l.run(), Summary{Unchanged: 1})
		})
	}
}
