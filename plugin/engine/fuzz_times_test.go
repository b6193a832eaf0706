package engine

import (
	"math"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Whatever the clocks say: a wait is positive and bounded, it never shrinks before its cap, and no change that
// Stash writes from the watermark on, in its zone or one further east, lies before the bound of the listing.
func FuzzTimes(f *testing.F) {
	f.Add(1, 0.0, "2026-01-02T03:04:05+01:00", int64(1_767_225_600), int64(3600), 0)
	f.Add(-5, 0.5, "2026-03-29T02:30:00-09:30", int64(0), int64(-1), 2)
	f.Add(math.MaxInt, math.Nextafter(1, 0), "9999-12-31T23:59:59.999999999Z", int64(math.MaxInt64), int64(math.MinInt64), -50_000)
	f.Add(7, 0.99, "0001-01-01T00:00:00+23:59", int64(-62_135_596_800), int64(0), 100_000)
	f.Fuzz(func(t *testing.T, n int, r float64, text string, present, later int64, zone int) {
		checkWaits(t, n, r)
		shown := newestOf(stashapi.Listing{Scenes: []stashapi.SceneStub{{UpdatedAt: "junk"}, {UpdatedAt: text}}}, time.Time{})
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || at.Unix() <= 0 || present < 0 { // not a time that a Stash has ever written
			return
		}
		after, resumed := resume(position(17, shown))
		_, offset := shown.Zone()
		if _, got := resumed.Zone(); after != 17 || !resumed.Equal(shown.Truncate(time.Second)) || got != offset {
			t.Errorf("%v is stored as %q and read as %d, %v", shown, position(17, shown), after, resumed)
		}
		now := time.Unix(present%253_402_300_799, 0)
		facts := watermark(resumed, now)
		mark, err := parseTime(facts[store.KeyWatermark])
		if err != nil || mark.After(now.Add(-clockSlack)) || mark.After(at) {
			t.Errorf("the watermark of %s at %v is %v, %v", text, now, facts, err)
		}
		changed := mark.Add(time.Duration(max(later, 0)%1_000_000_000) * time.Second)
		east := min(offset+max(zone, -7199)%50_000, 14*3600) // or west of it by summer time
		written := changed.In(time.FixedZone("", east)).Format(time.RFC3339)
		if changed.Year() > 9998 || mark.Year() < 1 || len(written) != len(text) && len(written) < len("2006-01-02T15:04:05Z") {
			return
		}
		if bound := TextBound(mark, mark.Location()); east >= offset-7199 && written <= bound {
			t.Errorf("a change written %s is not later than %s, the bound for %v", written, bound, mark)
		}
	})
}

func checkWaits(t *testing.T, n int, r float64) {
	r = math.Abs(math.Mod(r, 1))
	if math.IsNaN(r) {
		r = 0
	}
	for _, p := range []retry.Policy{retry.TemporaryPolicy(5), retry.MissPolicy()} {
		d := p.Backoff(n, r)
		if d < p.Base/2 || d > p.Cap || p.Cap > store.LongestWait || n < math.MaxInt && p.Backoff(n+1, 0) < p.Backoff(n, 0) {
			t.Errorf("%+v: the wait after failure %d is %v for %v", p, n, d, r)
		}
		if next := p.Backoff(n, r); n > 0 && n < 50 && p.Backoff(n+1, 0) < p.Cap/2 && p.Backoff(n+1, 0) < next {
			t.Errorf("%+v: the wait after failure %d may be %v, and after the next less", p, n, next)
		}
	}
	v := retry.Verdict{Charge: store.Retry, RetryAfter: time.Duration(r * float64(plexapi.LongestRetryAfter))}
	e := retry.Complete(store.Job{Attempts: n & 15}, v, errUnreached{}, 5, r)
	if e.Wait <= 0 || e.Wait > store.LongestWait || e.Wait < v.RetryAfter || (e.Outcome == store.Bury) != (n&15 >= 5) {
		t.Errorf("after %d attempts: %+v", n&15, e)
	}
}

type errUnreached struct{}

func (errUnreached) Error() string { return "unreached" }
