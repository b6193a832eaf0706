package merge

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// One row of what a read-back says of a list: what Plex held before the write, what is ours in it, what
// Stash wants, what Plex holds after the write.
func TestReadBackOfTags(t *testing.T) {
	for _, c := range []struct {
		name, held, owned, want, now string
		failed                       bool
		form                         string // sent>held, "" if none
	}{
		{"all came", "P", "", "A,B", "P,A,B", false, ""},
		{"nothing came", "P", "", "A,B", "P", true, ""},
		{"all went", "P,A,B", "A,B", "", "P", false, ""},
		{"one of two went", "A,B", "A,B", "", "B", true, ""},
		{"exchanged", "A", "A", "C", "C", false, ""},
		{"of an exchange only the removal moved", "A", "A", "C", "", true, ""},
		{"of an exchange only what was to come moved", "A", "A", "C", "A,C", true, ""},
		{"one came in Plex's form", "P", "", "A,Foo!", "P,A,Foo", false, "Foo!>Foo"},
		{"one became another that is there", "Foo", "", "A,Foo!", "Foo,A", false, "Foo!>"},
		{"an exchange in Plex's form", "A", "A", "Foo!", "Foo", false, "Foo!>Foo"},
		{"of an exchange in Plex's form the removal did not move", "A", "A", "Foo!", "A,Foo", true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			const f = string(plexapi.Genre)
			base := store.Item{Owned: map[string][]string{f: list(c.owned)}}
			p := Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: list(c.want)}}, Base: base, Current: genres(c.held)})
			o := AfterReadBack(p, genres(c.now))
			form := ""
			if noted, ok := o.Base.Normalized[f]; ok {
				form = strings.Join(noted.Sent, ",") + ">" + strings.Join(noted.Held, ",")
			}
			if failed := len(o.Failed) > 0; failed != c.failed || form != c.form {
				t.Errorf("failed %v, form %q; want %v, %q", failed, form, c.failed, c.form)
			}
		})
	}
}

func TestFailedAttemptsDoNotAddOwnedTags(t *testing.T) {
	const f = string(plexapi.Genre)
	var base store.Item
	for range 5 {
		base = Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: v("A")}}, Base: base, Current: genres("")}).Base
	}
	if len(base.Owned[f]) != 1 {
		t.Errorf("owned = %q", base.Owned[f])
	}
}

// The complete write may have had no effect: another field did not change either, or the date is still locked.
func TestUnclearedDateStaysOursIfNothingElseChanged(t *testing.T) {
	const f = string(plexapi.Date)
	for _, c := range []struct {
		name   string
		studio string // what Plex shows after the write
		locked bool
		left   bool
	}{
		{"all else moved", "S2", false, true},
		{"nor did the studio", "S1", false, false},
		{"nor did the lock", "S2", true, false},
	} {
		held := plexapi.Item{Date: "2020-01-01", Studio: "S1", Locked: map[string]bool{f: true}}
		p := Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: v("2020-01-01"), "studio": v("S1")}}})
		base := AfterReadBack(p, held).Base
		p = Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: nil, "studio": v("S2")}}, Base: base, Current: held})
		o := AfterReadBack(p, plexapi.Item{Date: "2020-01-01", Studio: c.studio, Locked: map[string]bool{f: c.locked}})
		if _, ours := o.Base.Sent[f]; o.DateStays != c.left || ours == c.left || (len(o.Failed) == 0) != c.left {
			t.Errorf("%s: failed %v, stays %v, ours %v", c.name, o.Failed, o.DateStays, ours)
		}
	}
}
