package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// changed records what the hook of a performer, studio, tag or group would.
func (l *lab) changed(kind string, id int, others ...int) {
	l.Helper()
	_, err := l.Store.RecordHook(l.Context(), time.Now(), store.HookRecord{Fanout: &store.FanoutRecord{Kind: kind, Own: id, Others: others, First: true, Event: "e"}})
	l.must(err)
}

func TestPerformersWithTheSameNameAreDistinguishedAsInStash(t *testing.T) {
	inLab(t, 3, func(l *lab) {
		first, second, plain := l.stash.Name("performer", 0, "Jane Doe"), l.stash.Name("performer", 0, "Jane Doe"), l.stash.Name("performer", 0, "Jane Doe")
		l.stash.Disambiguate(first, " 1985, Hungary ")
		l.stash.Disambiguate(second, "1999, USA")
		for id, cast := range map[int][]int{1: {first}, 2: {first, second}, 3: {plain, second}} {
			l.stash.Change(id, func(s *stashtest.Scene) { s.Performers = cast })
		}
		l.edit("T", 1, 2, 3)
		l.want(l.run(), Summary{Synced: 3})
		l.wantActors(1, "Jane Doe (1985, Hungary)")
		l.wantActors(2, "Jane Doe (1985, Hungary)", "Jane Doe (1999, USA)")
		l.wantActors(3, "Jane Doe (1999, USA)", "Jane Doe")
		for _, now := range []string{"1985", "", "1985, Hungary"} { // changed, removed, added
			pass(time.Minute)
			l.stash.Disambiguate(first, now)
			l.changed("performer", first)
			l.want(l.run(), Summary{Synced: 2})
			name := "Jane Doe"
			if now != "" {
				name += " (" + now + ")"
			}
			l.wantActors(1, name)
			l.wantActors(2, name, "Jane Doe (1999, USA)")
		}
	})
}

// wantActors wants a scene's item to have exactly these actors.
func (l *lab) wantActors(id int, names ...string) {
	l.Helper()
	got := slices.Sorted(slices.Values(l.plex.Item(l.keys[id]).Tags["actor"]))
	if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
		l.Errorf("actors of scene %d = %q, want %q", id, got, want)
	}
}

func TestRenamedThingsReachTheScenesThatPlexShows(t *testing.T) {
	inLab(t, 4, func(l *lab) {
		who, studio := l.stash.Name("performer", 0, "Jane"), l.stash.Name("studio", 0, "Old Studio")
		tag, group := l.stash.Name("tag", 0, "Tag"), l.stash.Name("group", 0, "Group")
		for id := 1; id <= 3; id++ {
			l.stash.Change(id, func(s *stashtest.Scene) {
				s.Performers, s.Studio, s.Tags, s.Groups = []int{who}, studio, []int{tag}, []int{group}
			})
		}
		l.edit("T", 1, 2) // scene 3 was never pushed
		l.want(l.run(), Summary{Synced: 2})
		pass(time.Minute)
		l.stash.Name("performer", who, "Joan")
		l.stash.Name("studio", studio, "New Studio")
		l.stash.Name("tag", tag, "Other tag")
		l.stash.Name("group", group, "Other group")
		for _, kind := range []string{"performer", "studio", "tag", "group"} {
			l.changed(kind, 1)
		}
		l.want(l.run(), Summary{Synced: 2})
		it := l.plex.Item(l.keys[1])
		if it.Studio != "New Studio" || it.Tags["actor"][0] != "Joan" || it.Tags["genre"][0] != "Other tag" || it.Tags["collection"][0] != "Other group" || len(it.Tags["actor"]) != 1 {
			t.Errorf("item = %+v", it)
		}
		if got := l.plex.Item(l.keys[3]); got.Studio != "" || got.Title != "clip3" {
			t.Errorf("a scene that was never pushed is pushed by a rename: %+v", got)
		}
		l.plex.Forget()
		l.changed("performer", who)
		if l.want(l.run(), Summary{Unchanged: 2}); l.plex.Count("PUT", "") != 0 {
			t.Error("a hook without a change costs writes")
		}
	})
}

func TestExpansionOfChangesYieldsAndIsContinued(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		others := make([]int, 2*fanoutAtOnce)
		for i := range others {
			others[i] = i + 2
		}
		l.changed("performer", 1, others...)
		l.Ask = func(context.Context) error { return nil }
		l.Began = time.Now().Add(-time.Minute)
		l.stash.Hold("our own run")
		l.stash.Hold("Scanning...")
		for run, left := range []bool{true, true, false} {
			sum := l.run()
			more, err := l.Store.HasFanout(l.Context())
			l.must(err)
			if more != left || (sum.Stopped != "") != left {
				t.Errorf("run %d: %+v, changes are left: %v", run, sum, more)
			}
		}
	})
}
