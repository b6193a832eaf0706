package engine

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// named makes names of a text, one a line.
func named(text string) (list []stashapi.Named) {
	for i, name := range strings.Split(text, "\n") {
		list = append(list, stashapi.Named{ID: i + 1, Name: name})
	}
	return list
}

// presentable reports whether a text is as it should be sent: composed, trimmed, and without what cannot be seen.
func presentable(text string, lines bool) bool {
	return utf8.ValidString(text) && norm.NFC.IsNormalString(text) && strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && r == '\n') && r != '\t'
	})
}

// Whatever Stash holds: each field is wanted in one form, and wanted in that form it stays as it is; a date is
// none, whole, or told as a problem and left alone.
func FuzzDesire(f *testing.F) {
	f.Add("T\r\nx", " a\r\rb\x00\u200d ", "2024-05", "D", "A\na\n \nÅ\nA\u030a", 60)
	f.Add("e\u0301\u0301", strings.Repeat("\u0301", 50), "0000", "\xff\uFFFD", "ǰ\nJ\u030c\nß\nss", -1)
	f.Add(strings.Repeat("👩‍👩‍👧", 4), "\u2028\u0085\ufeff", "2024-02-30", "\u202e", "", 101)
	f.Add("", "", " 2024-12-31 ", "", "x", 0)
	f.Fuzz(func(t *testing.T, title, details, date, director, list string, rating int) {
		all, err := ParseFields("+collection")
		if err != nil {
			t.Fatal(err)
		}
		s := &stashapi.Scene{
			Title: title, Details: details, Date: date, Director: director, Rating100: &rating,
			Studio: &stashapi.Named{Name: director}, Performers: named(list), Tags: named(list + "\n" + title), Groups: named(list),
		}
		d := Desire(s, all)
		for _, name := range []plexapi.Field{plexapi.Title, plexapi.Summary, plexapi.Studio} {
			text := first(d.Values[string(name)])
			if !presentable(text, name == plexapi.Summary) || utf8.RuneCountInString(text) > textLimit {
				t.Errorf("%s = %q", name, text)
			}
		}
		for _, kind := range []plexapi.TagKind{plexapi.Actor, plexapi.Genre, plexapi.Director, plexapi.Collection} {
			tags, keys := d.Values[string(kind)], make(map[string]bool)
			for _, tag := range tags {
				keys[tagKey(tag)] = true
			}
			if len(keys) != len(tags) || slices.ContainsFunc(tags, func(tag string) bool { return tag == "" || !presentable(tag, false) || strings.ContainsRune(tag, '\t') }) {
				t.Errorf("%s = %q", kind, tags)
			}
		}
		if r := d.Values[ratingField]; (len(r) > 0) != (rating >= 0 && rating <= 100) {
			t.Errorf("a rating of %d is %q", rating, r)
		}
		checkDate(t, date, d)
		for _, p := range d.Problems {
			if text := stashlog.Plain(p.Reason); store.OneLine(text) != text || !utf8.ValidString(text) {
				t.Errorf("problem %q", text)
			}
		}
		for name, value := range d.Values {
			if name != ratingField && name != string(plexapi.Date) && !same(name, value, again(name, value)) {
				t.Errorf("%s = %q, and of that %q", name, value, again(name, value))
			}
		}
	})
}

// again is what is wanted of a field if Stash holds what is wanted already.
func again(name string, value store.Value) store.Value {
	var v store.Value
	for _, text := range value {
		var d Desired
		switch {
		case isTags(name), name == string(plexapi.Studio):
			v = append(v, cleanName(text))
		default:
			v = append(v, d.clean(name, text))
		}
		if v[len(v)-1] != text {
			return nil
		}
	}
	return v
}

func checkDate(t *testing.T, date string, d Desired) {
	value, held := d.Values[string(plexapi.Date)]
	told := slices.ContainsFunc(d.Problems, func(p Problem) bool { return p.Field == "date" })
	day, err := time.Parse(time.DateOnly, first(value))
	switch {
	case told == held:
		t.Errorf("the date %q is %q, and told as a problem: %v", date, value, told)
	case held && len(value) == 0 && strings.TrimSpace(date) != "":
		t.Errorf("the date %q is taken for none", date)
	case len(value) > 0 && (err != nil || day.Year() < 1 || !strings.HasPrefix(value[0], d.DateText)):
		t.Errorf("the date %q becomes %q", date, value)
	}
}

// A path is mapped to one path and back, by the pair that says most about it, and what two paths teach maps
// the one to the other.
func FuzzPathMap(f *testing.F) {
	f.Add("/data", "/mnt/v", "/data/a/b.mp4", "/mnt/v/a/b.mp4")
	f.Add(`D:\Video\`, `\\nas\video`, `d:\video\Ä\x.mp4`, "//NAS/video/a\u0308/x.mp4")
	f.Add("/", "//", "//a/b/c", "/x//b/c")
	f.Add("", "/", "a/b", "b/a/b")
	f.Add("//n/s", "K:/", "//\u212a/s/x", "k:/x")
	f.Fuzz(func(t *testing.T, from, to, path, other string) {
		p := PathPair{From: store.NormalPath(from), To: store.NormalPath(to)}
		wide := PathPair{From: store.NormalPath(from[:len(from)/2]), To: "/wide"}
		mapped, ok := p.replace(path)
		if ok && strings.Trim(path, `/\`) != "" { // else it is no file's
			if mapped != store.NormalPath(mapped) {
				t.Errorf("%+v makes %q of %q, which is no normal path", p, mapped, path)
			}
			if back, again := p.back().replace(mapped); !again || back != store.NormalPath(path) && !onWindows(store.NormalPath(path)) {
				t.Errorf("%+v makes %q of %q, and of that %q, %v", p, mapped, path, back, again)
			}
			if best, found := mapPath([]PathPair{wide, p, wide}, path); !found || len(p.From) > len(wide.From) && best != mapped {
				t.Errorf("of %+v and %+v the one gives %q, and both %q", p, wide, mapped, best)
			}
		}
		if pair, folder, taught := commonTail(path, other); taught {
			a, b := store.NormalPath(path), store.NormalPath(other)
			if !strings.HasPrefix(a, folder+"/") {
				t.Errorf("%q is not in %q", a, folder)
			}
			want := b[:strings.LastIndexByte(b, '/')] + a[strings.LastIndexByte(a, '/'):]
			if got, ok := pair.replace(path); pair.From != "" && pair.To != "" && (!ok || got != want) {
				t.Errorf("%q and %q teach %+v, which makes %q, %v of the first, want %q", path, other, pair, got, ok, want)
			}
		}
		for _, spelling := range spellings(path) {
			if store.FoldPath(spelling) != store.FoldPath(path) && utf8.ValidString(path) {
				t.Errorf("%q is taken for a spelling of %q", spelling, path)
			}
		}
		checkEvidence(t, path, other)
	})
}

// checkEvidence feeds what two paths say to the evidence, as often as it takes, and stores it.
func checkEvidence(t *testing.T, stash, plex string) {
	var e Evidence
	for range foldersToLearn + 1 {
		if e.Add(stash, plex) && len(e.Learned()) > 0 {
			t.Errorf("%q and %q alone teach %+v", stash, plex, e.Learned())
		}
	}
	text, err := json.Marshal(e)
	var stored Evidence
	if err != nil || json.Unmarshal(text, &stored) != nil || len(stored.Pairs) != len(e.Pairs) {
		t.Errorf("%+v is stored as %s, %v", e, text, err)
	}
}

// Whatever the clocks say: a wait is positive and bounded, it never shrinks before its cap, and no change that
// Stash writes from the watermark on, in its zone or one further east, lies before the bound of the listing.
func FuzzTimes(f *testing.F) {
	f.Add(1, 0.0, "2026-01-02T03:04:05+01:00", int64(1_767_225_600), int64(3600), 0)
	f.Add(-5, 0.5, "2026-03-29T02:30:00-09:30", int64(0), int64(-1), 2)
	f.Add(math.MaxInt, math.Nextafter(1, 0), "9999-12-31T23:59:59.999999999Z", int64(math.MaxInt64), int64(math.MinInt64), -50_000)
	f.Add(7, 0.99, "0001-01-01T00:00:00+23:59", int64(-62_135_596_800), int64(0), 100_000)
	f.Fuzz(func(t *testing.T, n int, r float64, text string, present, later int64, zone int) {
		checkWaits(t, n, r)
		var shown extent
		page := stashapi.Listing{Scenes: []stashapi.SceneStub{{UpdatedAt: "junk"}, {UpdatedAt: text}}}
		shown.add(page)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || at.Unix() <= 0 || present < 0 { // not a time that a Stash has ever written
			return
		}
		after, resumed := resume(shown.position(17))
		if after != 17 || !resumed.newest.Equal(shown.newest.Truncate(time.Second)) || offset(resumed.west) != offset(shown.west) {
			t.Errorf("%+v is stored as %q and read as %d, %+v", shown, shown.position(17), after, resumed)
		}
		now := time.Unix(present%253_402_300_799, 0)
		facts := resumed.facts(now)
		mark, err := time.Parse(time.RFC3339, facts[store.KeyWatermark])
		if err != nil || mark.After(now.Add(-clockSlack)) || mark.After(at) {
			t.Errorf("the watermark of %s at %v is %v, %v", text, now, facts, err)
		}
		changed := mark.Add(time.Duration(max(later, 0)%1_000_000_000) * time.Second)
		east := time.FixedZone("", min(offset(shown.west)+max(zone, -7199)%50_000, 14*3600)) // or west of it by summer time
		written := changed.In(east).Format(time.RFC3339)
		if changed.Year() > 9998 || mark.Year() < 1 || len(written) != len(text) && len(written) < len("2006-01-02T15:04:05Z") {
			return
		}
		if bound := TextBound(mark, shown.west); offset(east) >= offset(shown.west)-7199 && written <= bound {
			t.Errorf("a change written %s is not later than %s, the bound for %v in %v", written, bound, mark, shown.west)
		}
	})
}

func checkWaits(t *testing.T, n int, r float64) {
	r = math.Abs(math.Mod(r, 1))
	if math.IsNaN(r) {
		r = 0
	}
	for _, p := range []Policy{temporaryPolicy(5), missPolicy()} {
		d := p.Backoff(n, r)
		if d < p.Base/2 || d > p.Cap || p.Cap > store.LongestWait || n < math.MaxInt && p.Backoff(n+1, 0) < p.Backoff(n, 0) {
			t.Errorf("%+v: the wait after failure %d is %v for %v", p, n, d, r)
		}
		if next := p.Backoff(n, r); n > 0 && n < 50 && p.Backoff(n+1, 0) < p.Cap/2 && p.Backoff(n+1, 0) < next {
			t.Errorf("%+v: the wait after failure %d may be %v, and after the next less", p, n, next)
		}
	}
	v := Verdict{Charge: store.Retry, RetryAfter: time.Duration(r * float64(plexapi.LongestRetryAfter))}
	e := settle(store.Job{Attempts: n & 15}, v, errUnreached{}, 5, r)
	if e.Wait <= 0 || e.Wait > store.LongestWait || e.Wait < v.RetryAfter || (e.Outcome == store.Bury) != (n&15 >= 5) {
		t.Errorf("after %d attempts: %+v", n&15, e)
	}
}

type errUnreached struct{}

func (errUnreached) Error() string { return "unreached" }
