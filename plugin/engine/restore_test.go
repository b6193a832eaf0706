package engine

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// dressed gives a scene a value in every field.
func (l *lab) dressed(id int) {
	who, studio := l.stash.Name("performer", 0, "Jane"), l.stash.Name("studio", 0, "Studio")
	tag, group := l.stash.Name("tag", 0, "Tag"), l.stash.Name("group", 0, "Group")
	stars := 80
	l.stash.Change(id, func(s *stashtest.Scene) {
		s.Title, s.Details, s.Date, s.Director, s.Rating100 = "T", "Text", "2024-05-06", "Dee", &stars
		s.Performers, s.Studio, s.Tags, s.Groups = []int{who}, studio, []int{tag}, []int{group}
	})
}

// furnish gives an item values of its own, some of them locked.
func (l *lab) furnish(id int) plextest.Item {
	stars := 3.0
	l.plex.Edit(l.keys[id], func(it *plextest.Item) {
		it.Title, it.Summary, it.Studio, it.Date, it.Rating = "Plex title", "Plex text", "Plex studio", "2001-02-03", &stars
		it.Tags["genre"], it.Tags["actor"] = []string{"Drama"}, []string{"Somebody"}
		it.Locked["summary"], it.Locked["genre"] = true, true
	})
	return l.plex.Item(l.keys[id])
}

// values are what a restore has to bring back.
func values(it plextest.Item) plextest.Item {
	it.Updated, it.AddedAt = 0, 0
	for f, locked := range it.Locked {
		if !locked {
			delete(it.Locked, f)
		}
	}
	for kind, tags := range it.Tags {
		slices.Sort(tags)
		if len(tags) == 0 {
			delete(it.Tags, kind)
		}
	}
	return it
}

func (l *lab) restore(scene int) findings.Restoration {
	l.Helper()
	r, err := l.Engine.Restore(l.Context(), scene)
	l.must(err)
	return r
}

func TestRestorePutsBackOriginalValues(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		before := []plextest.Item{l.furnish(1), l.plex.Item(l.keys[2]), l.plex.Item(l.keys[3])}
		for id := 1; id <= 3; id++ {
			l.dressed(id)
		}
		l.edit("T", 1, 2)
		pass(stashapi.ClockSlack)
		l.want(l.run(), Summary{Synced: 2})
		pass(time.Hour)
		l.edit("T2", 1) // a second push changes nothing about what was before the first
		l.want(l.run(), Summary{Synced: 1})
		if r := l.restore(1); r.Restored != 1 || r.Stopped != "" || r.Failed != 0 || len(r.Kept) != 0 {
			t.Errorf("restore = %+v", r)
		}
		if got := l.plex.Item(l.keys[1]); !reflect.DeepEqual(values(got), values(before[0])) {
			t.Errorf("item 1 = %+v, want %+v", values(got), values(before[0]))
		}
		l.wantTitle(2, "T")
		if r := l.restore(0); r.Restored != 1 || r.Unchanged != 1 {
			t.Errorf("restore of all = %+v", r)
		}
		if got := l.plex.Item(l.keys[2]); !reflect.DeepEqual(values(got), values(before[1])) {
			t.Errorf("item 2 = %+v, want %+v", values(got), values(before[1]))
		}
		l.plex.Forget()
		if r := l.restore(0); r.Restored != 0 || r.Unchanged != 2 || l.plex.Count("PUT", "") != 0 {
			t.Errorf("restoring again = %+v, %d writes", r, l.plex.Count("PUT", ""))
		}
	})
}

func TestRestoreKeepsLaterEditsOfAPerson(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.furnish(1)
		l.dressed(1)
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Edit(l.keys[1], func(it *plextest.Item) {
			it.Title = "By hand"
			it.Tags["genre"] = append(it.Tags["genre"], "By hand")
		})
		r := l.restore(1)
		if r.Restored != 1 || len(r.Kept) != 1 || !slices.Equal(r.Kept[0].Fields, []string{"title"}) {
			t.Errorf("restore = %+v", r)
		}
		it := l.plex.Item(l.keys[1])
		slices.Sort(it.Tags["genre"])
		if it.Title != "By hand" || it.Summary != "Plex text" || !slices.Equal(it.Tags["genre"], []string{"By hand", "Drama"}) {
			t.Errorf("item = %+v", it)
		}
	})
}

func TestRestoredScenesArePushedAgainOnlyOnRequest(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.run() // the first listing only notes what there is
		l.edit("One", 1, 2)
		l.want(l.run(), Summary{Synced: 2})
		pass(time.Minute)
		l.edit("Two", 1) // waits to be pushed
		pass(time.Second)
		l.restore(0)
		pass(25 * time.Hour)
		l.stash.Change(1, titled("Autotagged"))
		l.want(l.run(), Summary{})
		l.wantTitle(1, "clip1")
		l.edit("Three", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Three")
		if _, err := l.EnqueueAll(l.Context()); err != nil {
			t.Fatal(err)
		}
		l.want(l.run(), Summary{Synced: 1, Unchanged: 1})
		l.wantTitle(2, "One")
	})
}

// Many of them would keep the links of all others that go, too.
func TestRestoreDoesNotQueueScenesThatAreGone(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("New", 1, 2)
		l.run()
		l.stash.Drop(1)
		_, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: 1}, Gone: true})
		l.must(err)
		if r := l.restore(0); r.Restored != 2 {
			l.Errorf("restored %+v", r)
		}
		l.wantTitle(1, "clip1")
		if linked, err := l.Store.LinkedBetween(l.Context(), 0, 9); err != nil || !slices.Equal(linked, []int{2}) {
			l.Errorf("scenes with links: %v, %v", linked, err)
		}
	})
}

func TestRestoreOfAnUnreachablePlexReportsItAndWorksLater(t *testing.T) {
	inLab(t, 120, func(l *lab) {
		var all []int
		for id := 1; id <= 120; id++ {
			all = append(all, id)
		}
		l.edit("T", all...)
		l.want(l.run(), Summary{Synced: 120})
		l.plex.Inject(plextest.Fault{Method: "PUT", Status: 502})
		if r := l.restore(0); r.Stopped == "" || r.Class != retry.ClassServerDown || r.Restored != 0 {
			t.Errorf("restore while Plex is away = %+v", r)
		}
		l.plex.Heal()
		if r := l.restore(0); r.Restored != 120 || r.Stopped != "" {
			t.Errorf("restore = %+v", r)
		}
		l.wantTitle(77, "clip77")
	})
}

func TestFieldThatIsNotRestoredIsRetriedByTheNextRestore(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.furnish(1)
		l.dressed(1)
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"studio": true} })
		if r := l.restore(1); r.Failed != 1 || len(r.Problems) != 1 || l.plex.Item(l.keys[1]).Title != "Plex title" {
			t.Errorf("restore = %+v", r)
		}
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = nil })
		if r := l.restore(1); r.Restored != 1 || l.plex.Item(l.keys[1]).Studio != "Plex studio" {
			t.Errorf("restore = %+v", r)
		}
	})
}

func titled(title string) func(*stashtest.Scene) {
	return func(s *stashtest.Scene) { s.Title = title }
}

func TestLockOfAValueThatNeverArrivedIsRestored(t *testing.T) {
	for _, way := range []string{"restored", "cleared in Stash"} {
		inLab(t, 1, func(l *lab) {
			before := l.plex.Item(l.keys[1])
			l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"title": true} })
			l.edit("One", 1)
			l.want(l.run(), Summary{Retrying: 1})
			if !l.plex.Item(l.keys[1]).Locked["title"] {
				l.Error("the title is not locked: this test makes no sense")
			}
			l.plex.Configure(func(o *plextest.Options) { o.Stuck = nil })
			if way == "restored" {
				if did, err := l.Restore(l.Context(), 0); err != nil || did.Restored != 1 {
					l.Errorf("Restore = %+v, %v", did, err)
				}
			} else {
				l.edit("", 1)
				l.want(l.run(), Summary{Synced: 1})
			}
			if got := l.plex.Item(l.keys[1]); !reflect.DeepEqual(values(got), values(before)) {
				l.Errorf("%s: item = %+v, want %+v", way, got, before)
			}
		})
	}
}

func TestCoverOfAFailedRestoreIsPushedAgain(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.covered(1, jpeg("ours"))
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Inject(plextest.Fault{Method: "PUT", Prefix: "/library/metadata/", Reset: true, After: true, Times: 1}) // the choice of the former one
		if r := l.restore(0); r.Failed != 1 || l.poster(1) == string(jpeg("ours")) {
			l.Errorf("restore = %+v, and Plex shows the cover %q", r, l.poster(1))
		}
		_, err := l.EnqueueAll(l.Context())
		l.must(err)
		l.want(l.run(), Summary{Synced: 1})
		if got := l.poster(1); got != string(jpeg("ours")) {
			l.Errorf("Plex shows the cover %q, want Stash's", got)
		}
		l.restore(0)
		if it := l.plex.Item(l.keys[1]); it.Poster().Data != nil || it.Locked["thumb"] {
			l.Errorf("restored to %+v", it)
		}
	})
}

func TestItemsThatFailDoNotKeepOthersFromBeingRestored(t *testing.T) {
	inLab(t, 30, func(l *lab) {
		var all []int
		for id := range l.keys {
			all = append(all, id)
		}
		l.edit("T", all...)
		l.want(l.run(), Summary{Synced: 30})
		for _, id := range []int{2, 7, 12, 17, 22, 27} {
			l.plex.Inject(plextest.Fault{Method: "PUT", Status: 503, Match: func(r plextest.Request) bool { return strings.Contains("&"+r.Query+"&", "&id="+l.keys[id]+"&") }})
		}
		if r := l.restore(0); r.Restored != 24 || r.Failed != 6 || r.Stopped != "" {
			t.Errorf("restore = %+v", r)
		}
		if b, err := l.Store.Breaker(l.Context()); err != nil || b.State != store.BreakerClosed {
			t.Errorf("the breaker is %+v, %v", b, err)
		}
	})
}

func TestPicturesThatAreNotRestoredAreProblemsOfTheirItems(t *testing.T) {
	inLab(t, 8, func(l *lab) {
		for id := range l.keys {
			l.stash.Change(id, func(s *stashtest.Scene) { s.Cover = jpeg("cover") })
			l.edit("T", id)
		}
		l.want(l.run(), Summary{Synced: 8})
		l.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{"thumb": true} })
		if r := l.restore(0); r.Failed != 8 || len(r.Problems) != 8 || r.Stopped != "" {
			t.Errorf("restore = %+v", r)
		}
	})
}
