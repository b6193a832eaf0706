package engine

import (
	"math"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
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
func TestRatingThatPlexRoundsIsPushedOnce(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Configure(func(o *plextest.Options) {
			o.Keep = func(field, value string) string {
				if stars, err := strconv.ParseFloat(value, 64); field == "userRating" && err == nil {
					return strconv.FormatFloat(math.Round(stars), 'f', -1, 64)
				}
				return value
			}
		})
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
