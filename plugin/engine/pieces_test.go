package engine

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// long are n names of 33 characters.
func long(l *lab, kind string, n int) []int {
	var ids []int
	for i := range n {
		ids = append(ids, l.stash.Name(kind, 0, fmt.Sprintf("%-29s%04d", "a tag with quite a long, name", i)))
	}
	return ids
}

// writes returns how many edits were accepted, and how many were refused.
func (l *lab) writes() (accepted, refused int) {
	for _, r := range l.plex.Requests() {
		switch {
		case r.Method != "PUT":
		case r.Status == http.StatusOK:
			accepted++
		default:
			refused++
		}
	}
	return accepted, refused
}

// narrowed makes requests longer than a limit fail, as behind a proxy. A person has tagged the item, too.
func (l *lab) narrowed(limit int, o plextest.Options) {
	o.LineLimit = limit
	l.plex.Configure(func(to *plextest.Options) { *to = o })
	l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"A person's tag"} })
}

func TestListThatIsTooLongForAProxyArrivesInPieces(t *testing.T) {
	for _, limit := range []int{8180, 4096, 1000, 300} {
		inLab(t, 1, func(l *lab) {
			l.narrowed(limit, plextest.Options{})
			tags, performers, groups := long(l, "tag", 300), long(l, "performer", 200), long(l, "group", 150)
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers, s.Groups = tags, performers, groups })
			l.edit("New", 1)
			l.want(l.run(), Summary{Synced: 1})
			l.wantTitle(1, "New")
			it := l.plex.Item(l.keys[1])
			if g, a, c := len(it.Tags["genre"]), len(it.Tags["actor"]), len(it.Tags["collection"]); g != 301 || a != 200 || c != 150 || it.Tags["genre"][0] != "A person's tag" || !it.Locked["genre"] {
				l.Errorf("limit %d: %d genres, %d actors, %d collections", limit, g, a, c)
			}
			if limit == 8180 {
				if accepted, refused := l.writes(); accepted > 10 || refused != 3 {
					l.Errorf("%d edits accepted, %d refused", accepted, refused)
				}
			}
			l.edit("New", 1)
			l.want(l.run(), Summary{Unchanged: 1})
			more := append(tags, long(l, "tag", 301)[300])
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = more })
			l.edit("New", 1)
			l.want(l.run(), Summary{Synced: 1})
			if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 302 {
				l.Errorf("limit %d: %d genres after one more", limit, len(got))
			}
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers, s.Groups = nil, nil, nil })
			l.edit("New", 1)
			l.want(l.run(), Summary{Synced: 1})
			if got := l.plex.Item(l.keys[1]).Tags; len(got) != 1 || !slices.Equal(got["genre"], []string{"A person's tag"}) {
				l.Errorf("limit %d: left over: %q", limit, got)
			}
			if log := l.log.String(); strings.Contains(log, "\x01w") || !strings.Contains(log, "something in front of Plex rejects such long URLs") {
				l.Error("a warning, or no word about the pieces")
			}
		})
	}
}

// HAProxy has no status of its own for a long URL.
func TestLongListArrivesThroughAProxyThatAnswers400(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		var err error
		l.Plex, err = plexapi.New(plexapi.Config{
			URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: narrow{l.plex.Transport(), 16384, http.StatusBadRequest},
		})
		l.must(err)
		tags := long(l, "tag", 300)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 300 {
			l.Errorf("%d tags", len(got))
		}
	})
}

// The list alone is refused, too, and not sent a third time.
func TestListThatOnlyTheProxyFindsTooLongIsHalved(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.narrowed(4096, plextest.Options{})
		tags := long(l, "tag", 75)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		if accepted, refused := l.writes(); accepted != 4 || refused != 2 || len(l.plex.Item(l.keys[1]).Tags["genre"]) != 76 {
			l.Errorf("%d edits accepted, %d refused, %d tags", accepted, refused, len(l.plex.Item(l.keys[1]).Tags["genre"]))
		}
	})
}

func TestLongListIsOneRequestWhereThatIsAccepted(t *testing.T) {
	for _, replace := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			l.narrowed(0, plextest.Options{Replace: replace})
			tags := long(l, "tag", 1000)
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
			l.edit("", 1)
			l.want(l.run(), Summary{Synced: 1})
			if accepted, refused := l.writes(); accepted != 1 || refused != 0 || len(l.plex.Item(l.keys[1]).Tags["genre"]) != 1001 {
				l.Errorf("%d edits accepted, %d refused, %d tags", accepted, refused, len(l.plex.Item(l.keys[1]).Tags["genre"]))
			}
		})
	}
}

func TestOfAListThatPlexReplacesAsManyAsFitAreSent(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.narrowed(8180, plextest.Options{Replace: true})
		tags := long(l, "tag", 300)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "New")
		first := l.plex.Item(l.keys[1]).Tags["genre"]
		if n := len(first); n < 100 || n > 200 || first[0] != "A person's tag" || !strings.HasSuffix(first[1], "0000") || !strings.HasSuffix(first[n-1], fmt.Sprintf("%04d", n-2)) {
			l.Errorf("%d tags, from %q to %q", n, first[:2], first[n-1])
		}
		said := fmt.Sprintf("the list is too long for one request, and Plex replaces lists: %d of 301 names were sent", len(first))
		if log := l.log.String(); strings.Count(log, said) != 1 || strings.Count(log, "\x01w") != 1 {
			l.Errorf("the log lacks the only warning %q", said)
		}
		l.edit("Newer", 1)
		l.plex.Forget()
		l.want(l.run(), Summary{Synced: 1})
		if accepted, refused := l.writes(); accepted != 1 || refused != 0 {
			l.Errorf("the next edit: %d accepted, %d refused", accepted, refused)
		}
		more := append(tags, long(l, "tag", 301)[300]) // no more fit
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = more })
		l.edit("Newer", 1)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags["genre"]; !slices.Equal(got, first) {
			l.Errorf("after one more: %d tags, the last %q", len(got), got[len(got)-1])
		}
		l.plex.Configure(func(o *plextest.Options) { o.LineLimit = 0 }) // the proxy is gone
		less := tags[1:]
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = less })
		l.edit("Newer", 1)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 300 {
			l.Errorf("without the proxy: %d tags, want 299 and a person's", len(got))
		}
		got, err := l.Restore(l.Context(), 0)
		l.must(err)
		if left := l.plex.Item(l.keys[1]).Tags["genre"]; got.Restored != 1 || !slices.Equal(left, []string{"A person's tag"}) {
			l.Errorf("restore = %+v, left %q", got, left)
		}
	})
}

// A person's tags are in every request until Plex is known to add, so no request can remove one.
func TestPiecesNeverRemoveWhatIsNotOurs(t *testing.T) {
	for _, replace := range []bool{false, true} {
		for _, theirs := range []int{0, 1, 50, 90, 110, 200} { // 110 fill a request
			inLab(t, 1, func(l *lab) {
				l.narrowed(8180, plextest.Options{Replace: replace})
				var others []string
				for i := range theirs {
					others = append(others, fmt.Sprintf("%-29s%04d", "a tag of a person, also long", i))
				}
				l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = slices.Clone(others) })
				l.plex.Watch(func(r plextest.Request, done bool) {
					if done && r.Method == "PUT" {
						held := l.plex.Item(l.keys[1]).Tags["genre"]
						for _, name := range others {
							if !slices.Contains(held, name) {
								l.Errorf("replace %v, %d others: %q is gone after a request", replace, theirs, name)
								return
							}
						}
					}
				})
				tags := long(l, "tag", 300)
				for _, n := range []int{250, 251, 300} {
					l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags[:n] })
					l.edit("New", 1)
					if sum := l.run(); theirs < 110 && sum.Dead+sum.Retrying > 0 {
						l.Fatalf("replace %v, %d others: %v", replace, theirs, sum)
					}
					if got := len(l.plex.Item(l.keys[1]).Tags["genre"]); !replace && theirs < 110 && got != theirs+n {
						l.Errorf("%d others and %d tags: %d arrived", theirs, n, got)
					}
				}
			})
		}
	}
}

func TestPieceThatFailsIsSentByTheNextAttempt(t *testing.T) {
	for skip := range 4 { // the title, and three pieces
		inLab(t, 1, func(l *lab) {
			l.narrowed(8180, plextest.Options{})
			tags := long(l, "tag", 300)
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
			l.edit("New", 1)
			l.plex.Inject(plextest.Fault{Method: "PUT", Skip: skip, Times: 1, Status: 500})
			first := l.run()
			pass(time.Minute)
			second := l.run()
			if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 301 || first.Retrying != 1 || second.Dead+second.Retrying > 0 {
				l.Errorf("failure %d: %d tags after %v and %v", skip, len(got), first, second)
			}
			got, err := l.Restore(l.Context(), 0)
			l.must(err)
			if left := l.plex.Item(l.keys[1]).Tags["genre"]; got.Failed != 0 || !slices.Equal(left, []string{"A person's tag"}) {
				l.Errorf("failure %d: restore = %+v, left %d", skip, got, len(left))
			}
		})
	}
}

// A list that does not move at all is no list that Plex replaces.
func TestPiecesThatPlexDoesNotTakeAreRetried(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.narrowed(8180, plextest.Options{Stuck: map[string]bool{"genre": true}})
		tags := long(l, "tag", 300)
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = tags })
		l.edit("New", 1)
		l.want(l.run(), Summary{Retrying: 1})
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = nil })
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.plex.Item(l.keys[1]).Tags["genre"]; len(got) != 301 {
			l.Errorf("%d tags", len(got))
		}
	})
}
