package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestSceneSyncedEarlierInTheRunIsPushedAgain(t *testing.T) {
	inLab(t, 60, func(l *lab) { // two batches
		l.edit("One", 1)
		pass(time.Millisecond)
		for id := 2; id <= 60; id++ {
			l.edit("One", id)
		}
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: time.Second}) // and a pause as long
		done := make(chan Summary, 1)
		go func() { done <- l.run() }()
		pass(110 * time.Second) // the second batch is being written
		l.wantTitle(1, "One")
		if _, err := l.Store.Job(l.Context(), 1); !errors.Is(err, store.ErrNone) {
			l.Fatalf("scene 1 is still queued: %v", err)
		}
		l.edit("Two", 1)
		l.want(<-done, Summary{Synced: 60}) // scene 1 counts once
		l.wantTitle(1, "Two")
	})
}

// Whether Plex joins a list of tags to what it holds or replaces it by that is not known: both must do.
func TestTagsFollowStashAndPlexsOwnStay(t *testing.T) {
	var own []string
	for i := range 12 { // more than a listing shows
		own = append(own, fmt.Sprint("Own ", i))
	}
	for _, replace := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			l.plex.Configure(func(o *plextest.Options) { o.Replace = replace })
			l.plex.Edit(l.keys[1], func(it *plextest.Item) {
				it.Tags["genre"], it.Tags["actor"] = own, []string{"Plex Person"}
			})
			a, b := l.stash.Name("tag", 0, "A"), l.stash.Name("tag", 0, "B")
			who := l.stash.Name("performer", 0, "Old Name")
			one, other := l.stash.Name("studio", 0, "One"), l.stash.Name("studio", 0, "Other")
			for _, c := range []struct {
				change                string
				tags, performers      []int
				studio                int
				genres, actors, shown string
				renamed               bool
			}{
				{"two tags", []int{a, b}, []int{who}, one, "A|B", "Old Name", "One", false},
				{"one tag less", []int{b}, []int{who}, one, "B", "Old Name", "One", false},
				{"a performer renamed and another studio", []int{b}, []int{who}, other, "B", "New Name", "Other", true},
				{"no tag", nil, []int{who}, other, "", "New Name", "Other", false},
				{"nothing", nil, nil, 0, "", "", "", false},
			} {
				if c.renamed {
					l.stash.Name("performer", who, "New Name")
				}
				l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers, s.Studio = c.tags, c.performers, c.studio })
				l.edit("Title", 1)
				l.want(l.run(), Summary{Synced: 1})
				it := l.plex.Item(l.keys[1])
				genres := strings.Trim(strings.Join(own, "|")+"|"+c.genres, "|")
				actors := strings.Trim("Plex Person|"+c.actors, "|")
				if got := strings.Join(it.Tags["genre"], "|"); got != genres {
					l.Errorf("replace %v, %s: genres %s, want %s", replace, c.change, got, genres)
				}
				if got := strings.Join(it.Tags["actor"], "|"); got != actors || it.Studio != c.shown {
					l.Errorf("replace %v, %s: actors %s of studio %q, want %s of %q", replace, c.change, got, it.Studio, actors, c.shown)
				}
			}
		})
	}
}

func TestFailedSecondWriteOfAnItemIsCompletedLater(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		old, kept, late := l.stash.Name("tag", 0, "Old"), l.stash.Name("tag", 0, "Kept"), l.stash.Name("tag", 0, "Late")
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{old, kept} })
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{kept, late} })
		l.edit("Two", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: time.Millisecond, Times: 1}) // what goes, goes
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 500, Times: 1})
		l.want(l.run(), Summary{Retrying: 1})
		if it := l.plex.Item(l.keys[1]); it.Title != "One" || strings.Join(it.Tags["genre"], ",") != "Kept" {
			l.Errorf("between the two writes: %+v", it)
		}
		pass(10 * time.Second)
		l.want(l.run(), Summary{Synced: 1})
		if it := l.plex.Item(l.keys[1]); it.Title != "Two" || strings.Join(it.Tags["genre"], ",") != "Kept,Late" {
			l.Errorf("after the next attempt: %+v", it)
		}
	})
}

func TestBadDateIsLoggedAndOtherFieldsArePushed(t *testing.T) {
	for _, date := range []string{"May 2020", "2020-13-01", "2020-02-30", "0000-00-00", "20-01-02"} {
		inLab(t, 1, func(l *lab) {
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Date = "2001-02-03" })
			l.stash.Change(1, func(s *stashtest.Scene) { s.Date, s.Details = date, "Details" })
			l.edit("New", 1)
			l.want(l.run(), Summary{Synced: 1})
			if it := l.plex.Item(l.keys[1]); it.Title != "New" || it.Summary != "Details" || it.Date != "2001-02-03" {
				l.Errorf("%q: item = %+v, want Plex's own date and everything else", date, it)
			}
			if said := fmt.Sprintf("%q is not a date", date); !strings.Contains(l.log.String(), said) {
				l.Errorf("the log does not say that %s", said)
			}
		})
	}
}

func TestTextsArriveUnchanged(t *testing.T) {
	for _, text := range []string{
		"First “smart” paragraph…\n\n\n— third", "a\ttab", "👩\u200d👩\u200d👧 joined",
		"\u200fעברית\u200e and \u202bيمين\u202c", "\u2067isolated\u2069", "100 % & + / ? # ; = [x] <b>\\",
	} {
		inLab(t, 1, func(l *lab) {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Details = text })
			title := strings.ReplaceAll(text, "\n", " ")
			l.edit(title, 1)
			l.want(l.run(), Summary{Synced: 1})
			if it := l.plex.Item(l.keys[1]); it.Summary != text || it.Title != title {
				l.Errorf("Plex shows %q and %q, want %q and %q", it.Title, it.Summary, title, text)
			}
		})
	}
}

func TestUnpushedFieldIsLoggedOnlyWithAPush(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.stash.Change(1, func(s *stashtest.Scene) { s.Date = "May 2020" })
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.edit("One", 1)
		l.want(l.run(), Summary{Unchanged: 1})
		if n := strings.Count(l.log.String(), "\x01i\x02\"May 2020\" is not a date"); n != 1 {
			t.Errorf("said %d times at info, want once", n)
		}
	})
}

func TestInterruptedTagWriteIsCompletedLater(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.KeepPlexEdits = true
		a, b, c := l.stash.Name("tag", 0, "A"), l.stash.Name("tag", 0, "B"), l.stash.Name("tag", 0, "C")
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{a, b} })
		l.edit("One", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{b, c} })
		l.edit("One", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Delay: time.Millisecond, Times: 1}) // the removal goes through
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Times: 2})
		for range 2 {
			l.want(l.run(), Summary{Retrying: 1})
			pass(time.Minute)
		}
		l.want(l.run(), Summary{Synced: 1})
		if tags := strings.Join(l.plex.Item(l.keys[1]).Tags["genre"], ","); tags != "B,C" {
			t.Errorf("tags = %s, want B,C", tags)
		}
	})
}

func TestMatchByAgentBeforeFirstWriteIsNotAPersonsEdit(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.KeepPlexEdits = true
		l.edit("One", 1)
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Times: 1})
		l.want(l.run(), Summary{Retrying: 1})
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Title = "Agent's title" })
		pass(10 * time.Second)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "One")
	})
}

// Plex keeps names that end in "!" without it. Each step is an edit in Stash or Plex, then two syncs: the
// first brings Plex to what is wanted, the second writes nothing.
func TestNormalizedTagIsRecordedForThatTag(t *testing.T) {
	for _, replace := range []bool{false, true} {
		inLab(t, 1, func(l *lab) {
			l.plex.Configure(func(o *plextest.Options) {
				o.Replace = replace
				o.Keep = func(_, value string) string { return strings.TrimRight(value, "!") }
			})
			inPlex := func(f func(tags []string) []string) {
				l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = f(it.Tags["genre"]) })
			}
			for _, step := range []struct{ stash, plexAdds, plexDrops, want string }{
				{"Foo!", "", "", "Foo"},
				{"Foo!", "Y", "", "Foo,Y"},
				{"Foo!,A", "", "", "A,Foo,Y"},
				{"Foo!,A,Bar!", "", "", "A,Bar,Foo,Y"},
				{"Foo!,Bar!", "", "", "Bar,Foo,Y"},
				{"Foo!,Bar!", "", "Bar", "Bar,Foo,Y"},
				{"A", "", "", "A,Y"},
				{"Foo!", "", "", "Foo,Y"},
				{"", "", "", "Y"},
			} {
				var ids []int
				for _, name := range commaList(step.stash) {
					ids = append(ids, l.stash.Name("tag", 1+strings.Index("Foo!,A,Bar!", name), name))
				}
				l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = ids })
				inPlex(func(tags []string) []string {
					return merge.Without(slices.Concat(tags, commaList(step.plexAdds)), commaList(step.plexDrops))
				})
				l.edit("One", 1)
				if sum := l.run(); sum.Synced+sum.Unchanged != 1 {
					l.Fatalf("replace %v, %+v: %+v", replace, step, sum)
				}
				if got := strings.Join(slices.Sorted(slices.Values(l.plex.Item(l.keys[1]).Tags["genre"])), ","); got != step.want {
					l.Errorf("replace %v, %+v: Plex shows %s", replace, step, got)
				}
				l.edit("One", 1)
				l.want(l.run(), Summary{Unchanged: 1})
			}
		})
	}
}

// commaList are the names of a list that is written with commas.
func commaList(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}
