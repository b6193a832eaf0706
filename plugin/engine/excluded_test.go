package engine

import (
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// wantHeldBack checks that a run writes nothing to Plex, charges no job, and reports the names that Stash does not have.
func (l *lab) wantHeldBack(names ...string) {
	l.Helper()
	l.plex.Forget()
	sum := l.run()
	if sum.Class != retry.ClassMisconfigured || !strings.Contains(sum.Stopped, "excludeTags") || l.plex.Count("PUT", "")+l.plex.Count("POST", "") > 0 {
		l.Errorf("summary = %+v, want a stop without a write", sum)
	}
	l.want(sum, Summary{})
	for _, name := range names {
		if !strings.Contains(sum.Stopped, strings.Trim(strings.ReplaceAll(name, `\`, `\\`), " ")) {
			l.Errorf("the run stopped with %q, want %q in it", sum.Stopped, name)
		}
	}
	if j := l.job(1); j.Attempts+j.Misses+j.Unfinished > 0 {
		l.Errorf("the job was charged: %+v", j)
	}
}

func TestTagsWithCommasAreExcluded(t *testing.T) {
	for _, c := range []struct {
		setting string
		tags    []string // that Stash has
		out     []string // of them, that exclude a scene
	}{
		{"Private stuff, never share", []string{"Private stuff, never share", "Other"}, []string{"Private stuff, never share"}},
		{"private stuff,never  share ", []string{"Private\u00a0stuff , never share"}, []string{"Private\u00a0stuff , never share"}},
		{"A, B, C", []string{"A", "B, C"}, []string{"A", "B, C"}},
		{"A, B, C", []string{"A, B", "C"}, []string{"A, B", "C"}},
		{"A, B", []string{"A", "B", "A, B"}, []string{"A", "B", "A, B"}}, // every way to read it counts
		{`"A, B"`, []string{"A", "B", "A, B"}, []string{"A, B"}},
		{`"A, B", C`, []string{"A", "B", "A, B", "C"}, []string{"A, B", "C"}},
		{`"Quoted"`, []string{`"Quoted"`, "Other"}, []string{`"Quoted"`}},
		{"a,b,c,d,e,f,g,h,i,j,k", []string{"a,b,c,d,e,f,g,h,i,j,k", "Other"}, []string{"a,b,c,d,e,f,g,h,i,j,k"}},
	} {
		inLab(t, len(c.tags), func(l *lab) {
			l.Config.Filter.ExcludeTags = text.SplitNames(c.setting)
			for i, tag := range c.tags {
				l.stash.Change(i+1, tagged(l.stash.Name("tag", 0, tag)))
				l.edit("New", i+1)
			}
			l.want(l.run(), Summary{Synced: len(c.tags) - len(c.out), Skipped: len(c.out)})
			for i, tag := range c.tags {
				excluded := false
				for _, o := range c.out {
					excluded = excluded || o == tag
				}
				if got := l.leftOutBecause(i+1) != ""; got != excluded {
					l.Errorf("%q: a scene with the tag %q is excluded: %t", c.setting, tag, got)
				}
			}
		})
	}
}

func TestPartOfAnExcludedNameIsNotEnough(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.Filter.ExcludeTags = text.SplitNames("Private stuff, never share")
		l.stash.Name("tag", 0, "never share")
		l.edit("New", 1)
		l.wantHeldBack("Private stuff")
	})
}

func TestRenamedTagStaysExcluded(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		l.Config.Filter.ExcludeTags = []string{"Private", "Known"}
		tag, below := l.stash.Name("tag", 0, "Private"), l.stash.Name("tag", 0, "Below")
		l.stash.Name("tag", 0, "Known")
		l.stash.SetParents(below, tag)
		l.stash.Change(1, tagged(tag))
		l.stash.Change(2, tagged(below))
		l.wantLeftOut(1, "excludeTags")
		l.stash.Name("tag", tag, "Secret")
		l.wantLeftOut(1, `its tag "Secret", formerly "Private", is excluded`, "excludeTags")
		l.wantLeftOut(2, `"Below" is a child of "Private"`)
		l.wantPushed(3, "Three")
		if n := strings.Count(l.log.String(), `was renamed to "Secret"`); n != 1 {
			l.Errorf("%d messages that the tag was renamed, want one", n)
		}
		l.stash.Name("tag", tag, "Other secret")
		l.wantLeftOut(1, "Other secret")
		other := l.stash.Name("tag", 0, "private") // the first one stays excluded
		l.stash.Change(3, tagged(other))
		l.wantLeftOut(1, "Other secret")
		l.wantLeftOut(3, "excludeTags")
		l.Config.Filter.ExcludeTags = nil
		l.wantPushed(1, "Free")
		l.stash.DropNamed("tag", other)
		l.Config.Filter.ExcludeTags = []string{"Private"} // the former tag is forgotten
		l.edit("New", 1)
		l.wantHeldBack("Private")
	})
}

func TestDeletedTagCausesAWarning(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.Config.Filter.ExcludeTags = []string{"Private", "Known"}
		tag, known := l.stash.Name("tag", 0, "Private"), l.stash.Name("tag", 0, "Known")
		l.stash.Change(1, tagged(tag))
		l.stash.Change(2, tagged(known))
		l.wantLeftOut(1, "excludeTags")
		l.stash.DropNamed("tag", tag)
		l.wantPushed(1, "One")
		l.wantLeftOut(2, "excludeTags")
		if !strings.Contains(l.log.String(), `no longer exclude anything: "Private"`) {
			l.Error("no warning says that the tag is gone")
		}
		l.stash.Change(1, tagged(l.stash.Name("tag", 0, "PRIVATE")))
		l.wantLeftOut(1, "excludeTags")
	})
}
