package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
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
			mem := store.Item{Owned: map[string][]string{f: list(c.owned)}}
			p := Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: list(c.want)}}, Memory: mem, Current: genres(c.held)})
			o := AfterReadBack(p, genres(c.now))
			form := ""
			if noted, ok := o.Memory.Form[f]; ok {
				form = strings.Join(noted.Sent, ",") + ">" + strings.Join(noted.Held, ",")
			}
			if failed := len(o.Failed) > 0; failed != c.failed || form != c.form {
				t.Errorf("failed %v, form %q; want %v, %q", failed, form, c.failed, c.form)
			}
		})
	}
}

// Plex keeps names that end in "!" without it. Each step is an edit in Stash or Plex, then two syncs: the
// first brings Plex to what is wanted, the second writes nothing.
func TestFormOfATagIsNotedForThatTag(t *testing.T) {
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
				for _, name := range list(step.stash) {
					ids = append(ids, l.stash.Name("tag", 1+strings.Index("Foo!,A,Bar!", name), name))
				}
				l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = ids })
				inPlex(func(tags []string) []string {
					return without(slices.Concat(tags, list(step.plexAdds)), list(step.plexDrops))
				})
				l.edit("One", 1)
				if sum := l.drain(); sum.Synced+sum.Unchanged != 1 {
					l.Fatalf("replace %v, %+v: %+v", replace, step, sum)
				}
				if got := strings.Join(slices.Sorted(slices.Values(l.plex.Item(l.keys[1]).Tags["genre"])), ","); got != step.want {
					l.Errorf("replace %v, %+v: Plex shows %s", replace, step, got)
				}
				l.edit("One", 1)
				l.want(l.drain(), Summary{Unchanged: 1})
			}
		})
	}
}

func TestFailedAttemptsDoNotPileUpWhatIsOurs(t *testing.T) {
	const f = string(plexapi.Genre)
	var mem store.Item
	for range 5 {
		mem = Merge(MergeInput{Desired: Desired{Values: map[string]store.Value{f: v("A")}}, Memory: mem, Current: genres("")}).Memory
	}
	if len(mem.Owned[f]) != 1 {
		t.Errorf("owned = %q", mem.Owned[f])
	}
}
