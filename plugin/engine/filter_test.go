package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// leftOutBecause is what the attempt log says of a scene that was left out last; "" if it was not.
func (l *lab) leftOutBecause(id int) string {
	l.Helper()
	attempts, err := l.Store.Attempts(l.Context(), id)
	l.must(err)
	if len(attempts) == 0 || attempts[0].Outcome != string(retry.ClassSkipped) {
		return ""
	}
	return attempts[0].Error
}

// wantLeftOut checks that an edit of a scene writes nothing to Plex, and that the reason contains these texts.
func (l *lab) wantLeftOut(id int, why ...string) {
	l.Helper()
	before := l.plex.Item(l.keys[id])
	l.plex.Forget()
	l.edit("Must not arrive", id)
	l.want(l.run(), Summary{Skipped: 1})
	after := l.plex.Item(l.keys[id])
	if n := l.plex.Count("PUT", "") + l.plex.Count("POST", ""); n > 0 || after.Title != before.Title || after.Updated != before.Updated {
		l.Errorf("scene %d is left out, and Plex was written %d times: %+v", id, n, after)
	}
	said := l.leftOutBecause(id)
	for _, text := range why {
		if !strings.Contains(said, text) {
			l.Errorf("scene %d is left out because %q, want %q in it", id, said, text)
		}
	}
	if !strings.Contains(l.log.String(), said) {
		l.Errorf("the log does not say %q", said)
	}
}

func (l *lab) wantPushed(id int, title string) {
	l.Helper()
	l.edit(title, id)
	l.want(l.run(), Summary{Synced: 1})
	l.wantTitle(id, title)
}

func organized(yes bool) func(*stashtest.Scene) {
	return func(s *stashtest.Scene) { s.Organized = yes }
}

func tagged(ids ...int) func(*stashtest.Scene) {
	return func(s *stashtest.Scene) { s.Tags = ids }
}

func TestOnlyOrganizedScenesArePushedIfConfigured(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.run() // the first listing only notes what there is
		l.Config.Filter.OnlyOrganized = true
		l.wantLeftOut(1, "onlyOrganized", "organised")
		l.wantTitle(1, "clip1")
		l.stash.Change(1, organized(true))
		l.wantPushed(1, "Organised")
		l.stash.Change(1, organized(false))
		l.wantLeftOut(1, "onlyOrganized")
		l.wantTitle(1, "Organised")
		if it := l.plex.Item(l.keys[1]); !it.Locked["title"] {
			t.Errorf("what is in Plex is not left as it is: %+v", it)
		}
	})
}

func TestSceneThatQualifiesAgainIsPushed(t *testing.T) {
	for how, again := range map[string]func(l *lab){
		"by its next edit": func(l *lab) { l.edit("Now", 1) },
		"by Sync all": func(l *lab) {
			l.stash.Change(1, titled("Now"))
			l.must(second(l.EnqueueAll(l.Context())))
		},
		"by the catch-up": func(l *lab) {
			l.stash.Change(1, titled("Now"))
			pass(11 * time.Minute)
		},
	} {
		t.Run(how, func(t *testing.T) {
			inLab(t, 1, func(l *lab) {
				l.run()
				l.wantPushed(1, "First")
				l.Config.Filter.OnlyOrganized = true
				l.wantLeftOut(1, "onlyOrganized")
				pass(time.Minute)
				l.stash.Change(1, organized(true))
				again(l)
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(1, "Now")
			})
		})
	}
}

func TestTagsAreExcludedByNameInAnyCase(t *testing.T) {
	for _, c := range []struct{ setting, tag string }{
		{"private", "Private"},
		{"PRIVATE", "private"},
		{"éclair à la ÑANDÚ", "Éclair À La ñandú"},
		{"МОСКВА", "Москва"},
		{"ΟΔΌΣ", "οδός"},                     // a sigma at the end of a word
		{"E\u0301TE\u0301", "\u00e9t\u00e9"}, // accents apart, as they are pasted on a Mac
		{"\u00c9T\u00c9", "e\u0301te\u0301"},
		{"a.b", "A.B"},
		{"c++ (2) [x]|y^$", `C++ (2) [X]|Y^$`},
		{`back\slash`, `Back\Slash`},
		{"50%_off", "50%_OFF"},
		{"日本", "日本"},
		{"two words", "Two Words"},
	} {
		inLab(t, 2, func(l *lab) {
			l.run()
			l.Config.Filter.ExcludeTags = []string{c.setting}
			tag, other := l.stash.Name("tag", 0, c.tag), l.stash.Name("tag", 0, "Other")
			l.stash.Change(1, tagged(other, tag))
			l.stash.Change(2, tagged(other))
			l.wantLeftOut(1, "excludeTags")
			l.wantPushed(2, "Two")
			if strings.Contains(l.log.String(), "does not have") {
				l.Errorf("%q: the tag is taken for unknown", c.setting)
			}
		})
	}
}

func TestNameOfAnExcludedTagIsNoPattern(t *testing.T) {
	for _, c := range []struct{ setting, tag string }{
		{"a.b", "axb"}, {".*", "Anything"}, {"Priv", "Private"}, {"a|b", "a"}, {"50%", "500"}, {"a_b", "axb"}, {"vate", "Private"},
	} {
		inLab(t, 1, func(l *lab) {
			l.Config.Filter.ExcludeTags = []string{c.setting}
			tag := l.stash.Name("tag", 0, c.tag)
			l.stash.Change(1, tagged(tag))
			l.edit("Arrives", 1)
			l.wantHeldBack(c.setting)
			l.stash.Name("tag", 0, c.setting)
			l.want(l.run(), Summary{Synced: 1})
			l.wantTitle(1, "Arrives")
		})
	}
}

func TestTagsBelowAnExcludedOneAreExcludedAtAnyDepth(t *testing.T) {
	inLab(t, 6, func(l *lab) {
		l.run()
		l.Config.Filter.ExcludeTags = []string{"top"}
		var chain []int
		for i, name := range []string{"Top", "Middle", "Low", "Lowest", "Side"} {
			chain = append(chain, l.stash.Name("tag", 0, name))
			if i > 0 && name != "Side" {
				l.stash.SetParents(chain[i], chain[i-1])
			}
		}
		above := l.stash.Name("tag", 0, "Above")
		l.stash.SetParents(chain[0], above)
		l.stash.SetParents(chain[1], chain[0], chain[4]) // several parents
		for i, tag := range append(chain, above) {
			l.stash.Change(i+1, tagged(tag))
		}
		l.wantLeftOut(1, `its tag "top" is excluded by "Exclude tags" (excludeTags)`)
		l.wantLeftOut(2, `"Middle" is a child of "top"`, "excludeTags")
		l.wantLeftOut(3, `"Low" is a child of "top"`, "excludeTags")
		l.wantLeftOut(4, `"Lowest" is a child of "top"`, "excludeTags")
		l.wantPushed(5, "Side")
		l.wantPushed(6, "Above")
	})
}

func TestUnknownExcludedTagStopsPushesWithOneMessage(t *testing.T) {
	inLab(t, 120, func(l *lab) {
		l.Config.Filter.ExcludeTags = []string{"Nobody", "Known", "Nothing"}
		l.stash.Change(1, tagged(l.stash.Name("tag", 0, "Known")))
		var all []int
		for id := 1; id <= 120; id++ {
			all = append(all, id)
		}
		l.edit("New", all...)
		l.wantHeldBack("Nobody", "Nothing")
		if sum := l.run(); strings.Contains(sum.Stopped, "Known") {
			l.Errorf("the message names a tag that Stash has: %s", sum.Stopped)
		}
		if p := l.preview(1); p.Class != retry.ClassMisconfigured || !strings.Contains(p.Stopped, "Nobody") {
			l.Errorf("preview = %+v", p)
		}
		l.stash.Name("tag", 0, "nobody")
		l.Config.Filter.ExcludeTags = []string{"Nobody", "Known"}
		l.want(l.run(), Summary{Synced: 119, Skipped: 1})
	})
}

func TestPreviewCountsExcludedSceneAsSkipped(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.must(second(l.Engine.RefreshIndex(l.Context())))
		l.Config.Filter.ExcludeTags = []string{"private"}
		l.stash.Change(1, tagged(l.stash.Name("tag", 0, "Private")))
		l.stash.Change(2, titled("Two"))
		p := l.preview(0)
		if p.WouldChange != 1 || p.Skipped != 1 || len(p.Others) != 1 || !strings.Contains(p.Others[0].Reason, "excludeTags") {
			t.Errorf("preview = %+v", p)
		}
	})
}

func TestNothingIsPushedWithoutTheExcludedTags(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.run()
		l.Config.Filter.ExcludeTags = []string{"private"}
		l.stash.Change(1, tagged(l.stash.Name("tag", 0, "Private")))
		l.edit("New", 1, 2)
		l.stash.Inject(stashtest.Fault{Operation: "Tags", Status: 500, Times: 1})
		l.plex.Forget()
		if sum := l.run(); sum.Class != retry.ClassStashUnavailable || l.plex.Count("PUT", "") > 0 {
			t.Errorf("summary %+v, %d writes", sum, l.plex.Count("PUT", ""))
		}
		if a, b := l.job(1), l.job(2); a.Attempts+a.Misses+b.Attempts+b.Misses > 0 {
			t.Errorf("jobs were charged: %+v, %+v", a, b)
		}
		l.want(l.run(), Summary{Synced: 1, Skipped: 1})
		l.wantTitle(1, "clip1")
	})
}

func TestNothingIsPushedWhileStashRefusesToListTags(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.Filter.ExcludeTags = []string{"Private"}
		l.stash.Inject(stashtest.Fault{Operation: "Tags", Message: "no such table"})
		l.edit("New", 1)
		if sum := l.run(); sum.Class != retry.ClassStashUnavailable || !strings.Contains(sum.Stopped, "no such table") {
			l.Errorf("summary = %+v", sum)
		}
		l.wantUncharged("tags", 1, 1)
		l.stash.Heal()
		l.stash.Name("tag", 0, "Private")
		l.want(l.run(), Summary{Synced: 1})
	})
}
