package merge

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// named makes names of a text, one a line.
func named(text string) (list []stashapi.Named) {
	for i, name := range strings.Split(text, "\n") {
		list = append(list, stashapi.Named{ID: i + 1, Name: name})
	}
	return list
}

// presentable reports whether a text is fit to send: composed, trimmed, and without control characters.
func presentable(text string, lines bool) bool {
	return utf8.ValidString(text) && norm.NFC.IsNormalString(text) && strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) && !(lines && r == '\n') && r != '\t'
	})
}

// For any scene, each desired value is normalized, and normalizing it again changes nothing. A date is absent, complete,
// or reported as a problem and left out.
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
			text := First(d.Values[string(name)])
			if !presentable(text, name == plexapi.Summary) || utf8.RuneCountInString(text) > TextLimit {
				t.Errorf("%s = %q", name, text)
			}
		}
		for _, kind := range []plexapi.TagKind{plexapi.Actor, plexapi.Genre, plexapi.Director, plexapi.Collection} {
			tags, keys := d.Values[string(kind)], make(map[string]bool)
			for _, tag := range tags {
				keys[TagKey(tag)] = true
			}
			if len(keys) != len(tags) || slices.ContainsFunc(tags, func(tag string) bool { return tag == "" || !presentable(tag, false) || strings.ContainsRune(tag, '\t') }) {
				t.Errorf("%s = %q", kind, tags)
			}
		}
		if r := d.Values[RatingField]; (len(r) > 0) != (rating >= 0 && rating <= 100) {
			t.Errorf("a rating of %d is %q", rating, r)
		}
		checkDate(t, date, d)
		for _, p := range d.Problems {
			if reason := text.Plain(p.Reason); text.OneLine(reason, text.Limit) != reason || !utf8.ValidString(reason) {
				t.Errorf("problem %q", reason)
			}
		}
		for name, value := range d.Values {
			if name != RatingField && name != string(plexapi.Date) && !Same(name, value, again(name, value)) {
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
		case IsTags(name), name == string(plexapi.Studio):
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
	day, err := time.Parse(time.DateOnly, First(value))
	switch {
	case told == held:
		t.Errorf("the date %q is %q, and reported as a problem: %v", date, value, told)
	case held && len(value) == 0 && strings.TrimSpace(date) != "":
		t.Errorf("the date %q is taken for none", date)
	case len(value) > 0 && (err != nil || day.Year() < 1 || !strings.HasPrefix(value[0], d.DateText)):
		t.Errorf("the date %q becomes %q", date, value)
	}
}
