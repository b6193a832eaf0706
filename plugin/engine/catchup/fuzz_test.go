package catchup

import (
	"math"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Whatever the clocks say: no change that Stash writes from the watermark on, in its zone or one further east, lies before the bound of the listing.
func FuzzTimes(f *testing.F) {
	f.Add("2026-01-02T03:04:05+01:00", int64(1_767_225_600), int64(3600), 0)
	f.Add("2026-03-29T02:30:00-09:30", int64(0), int64(-1), 2)
	f.Add("9999-12-31T23:59:59.999999999Z", int64(math.MaxInt64), int64(math.MinInt64), -50_000)
	f.Add("0001-01-01T00:00:00+23:59", int64(-62_135_596_800), int64(0), 100_000)
	f.Fuzz(func(t *testing.T, text string, present, later int64, zone int) {
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
		if err != nil || mark.After(now.Add(-stashapi.ClockSlack)) || mark.After(at) {
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
