package engine

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Source: stashapp/CommunityScripts#409
func TestSceneIsPushedOnceAListingShowsThatTheOwnerOfItsItemIsGone(t *testing.T) {
	inLab(t, 30, func(l *lab) {
		pass(time.Hour) // the scenes are old
		l.edit("One", 1)
		l.addFile(40, 1)
		l.edit("Better", 40)
		pass(time.Minute)
		l.want(l.run(), Summary{Synced: 1, Skipped: 1})
		for range 2 {
			pass(25 * time.Hour)
			l.want(l.run(), Summary{})
		}
		l.stash.Drop(1) // as a merge does: without a hook
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files = it.Files[1:] })
		pass(25 * time.Hour)
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Better")
	})
}

// The scene with the first file of an item need not have been pushed itself.
func TestSceneIsPushedOnceTheSceneWithTheFirstFileOfItsItemIsGone(t *testing.T) {
	inLab(t, 30, func(l *lab) {
		l.addFile(40, 1)
		l.edit("Better", 40)
		l.want(l.run(), Summary{Skipped: 1})
		l.stash.Drop(1)
		if _, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: 1}, First: true, Gone: true}); err != nil {
			l.Fatal(err)
		}
		l.want(l.run(), Summary{Synced: 1})
		l.wantTitle(1, "Better")
	})
}

// limiter refuses requests as a proxy does that allows so many in a second, and so many at once.
func limiter(aSecond, atOnce float64) plextest.Fault {
	var mu sync.Mutex
	left, last := atOnce, time.Now()
	return plextest.Fault{Status: 503, Front: true, Match: func(plextest.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		left, last = min(atOnce, left+time.Since(last).Seconds()*aSecond), time.Now()
		if left < 1 {
			return true
		}
		left--
		return false
	}}
}

// Source: pulibrary/princeton_ansible#4073 (nginx answers 503 by default)
func TestLimitOfRequestsSlowsARunAndKillsNoJob(t *testing.T) {
	inLab(t, 60, func(l *lab) {
		l.plex.Inject(limiter(2, 10))
		var all []int
		for id := 1; id <= 60; id++ {
			all = append(all, id)
		}
		l.edit("New", all...)
		begin := time.Now()
		for range 3 {
			l.T.Log(time.Since(begin), l.runWith(Options{Linger: true}))
		}
		for _, id := range all {
			l.wantTitle(id, "New")
		}
		if took := time.Since(begin); took > 5*time.Minute { // 60 writes at the limit take 25 s
			l.Errorf("it took %v", took)
		}
	})
}

// Source: Darklyter/StashPlexAgent.bundle#21
// roundStars makes Plex keep ratings as whole stars.
func (l *lab) roundStars() {
	l.plex.Configure(func(o *plextest.Options) {
		o.Keep = func(field, value string) string {
			if stars, err := strconv.ParseFloat(value, 64); field == "userRating" && err == nil {
				return strconv.FormatFloat(math.Round(stars), 'f', -1, 64)
			}
			return value
		}
	})
}

// Two ratings that Plex rounds to the same stars. The second looks like a write that Plex did not make, so it is retried
// first.
func TestRatingThatPlexRoundsToTheSameIsNoDeadLetter(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.roundStars()
		rate := func(hundredths int) {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Rating100 = &hundredths })
			l.edit("T", 1)
		}
		rate(78)
		l.want(l.run(), Summary{Synced: 1})
		rate(82)
		for range l.Config.MaxRetries {
			l.want(l.run(), Summary{Retrying: 1})
			pass(5 * time.Minute)
		}
		l.want(l.run(), Summary{Synced: 1})
		if !strings.Contains(l.log.String(), "still shows the former value of rating") {
			l.Error("the log does not say so")
		}
		l.edit("T", 1)
		l.want(l.run(), Summary{Unchanged: 1})
		rate(40)
		l.want(l.run(), Summary{Synced: 1})
	})
}

func TestRatingThatPlexRoundsIsPushedOnce(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.roundStars()
		for _, c := range []struct {
			hundredths int
			want       float64
		}{{69, 7}, {100, 10}, {1, 0}, {50, 5}} {
			l.stash.Change(1, func(s *stashtest.Scene) { s.Rating100 = &c.hundredths })
			l.edit("T", 1)
			l.want(l.run(), Summary{Synced: 1})
			if got := l.plex.Item(l.keys[1]).Rating; got == nil || *got != c.want {
				l.Errorf("%d is shown as %v, want %v", c.hundredths, got, c.want)
			}
			l.edit("T", 1)
			l.want(l.run(), Summary{Unchanged: 1})
		}
	})
}

// Source: Kometa-Team/Kometa#757
func TestSpellingThatIsCorrectedInStashReachesPlex(t *testing.T) {
	for _, o := range []plextest.Options{{}, {Replace: true}, {FoldTags: true}} {
		inLab(t, 1, func(l *lab) {
			l.plex.Configure(func(set *plextest.Options) { *set = o })
			l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"drama"} }) // Plex's own
			tag, other, who := l.stash.Name("tag", 0, "sci-fi"), l.stash.Name("tag", 0, "drama"), l.stash.Name("performer", 0, "jane doe")
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers = []int{tag, other}, []int{who} })
			l.edit("T", 1)
			l.want(l.run(), Summary{Synced: 1})
			l.stash.Name("tag", tag, "Sci-Fi")
			l.stash.Name("tag", other, "Drama")
			l.stash.Name("performer", who, "Jane Doe")
			l.edit("T", 1)
			l.want(l.run(), Summary{Synced: 1})
			it := l.plex.Item(l.keys[1])
			if got := it.Tags["genre"]; !slices.Equal(got, []string{"drama", "Sci-Fi"}) || !slices.Equal(it.Tags["actor"], []string{"Jane Doe"}) {
				l.Errorf("%+v: tags %q", o, it.Tags)
			}
			l.edit("T", 1)
			l.want(l.run(), Summary{Unchanged: 1})
			l.stash.Change(1, func(s *stashtest.Scene) { s.Tags, s.Performers = nil, nil })
			l.edit("T", 1)
			l.want(l.run(), Summary{Synced: 1})
			if it := l.plex.Item(l.keys[1]); len(it.Tags) != 1 || !slices.Equal(it.Tags["genre"], []string{"drama"}) {
				l.Errorf("%+v: at the end %q", o, it.Tags)
			}
		})
	}
}

// A Plex that keeps the first spelling of a tag is not asked again and again.
func TestSpellingThatPlexDoesNotChangeIsSentOnce(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) {
			o.Keep = func(_, value string) string { return strings.ReplaceAll(value, "Sci-Fi", "sci-fi") }
		})
		tag := l.stash.Name("tag", 0, "sci-fi")
		l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{tag} })
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Name("tag", tag, "Sci-Fi")
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		for range 2 {
			l.edit("T", 1)
			l.want(l.run(), Summary{Unchanged: 1})
		}
		if got := l.plex.Item(l.keys[1]).Tags["genre"]; !slices.Equal(got, []string{"sci-fi"}) {
			l.Errorf("tags %q", got)
		}
	})
}
