package engine

import (
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
