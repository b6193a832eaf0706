package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// step is one thing that happens to a world, in one or more processes.
type step struct {
	name string
	do   func(w *killWorld)
	left string // what is still to be done when all has settled; attempts and misses are their least numbers
	// again is true if a kill may leave no trace of a request, so that the person has to repeat it: an
	// operation that did not answer, or the hook of a renamed performer, which changes no scene in Stash.
	again bool
	but   []int // scenes that are not in Plex yet
}

// killSteps go through everything that a run does. Scene 4 has a file that Plex does not hold at first, scene 5
// a rating that fails for a while, and scene 6 nothing but a studio that is refused.
func killSteps() []step { return slices.Concat(killEdits(), killUpkeep()) }

// killEdits are edits, those that fail at first among them.
func killEdits() []step {
	stars, more := 75, 80
	return []step{
		{name: "the first run", again: true, do: (*killWorld).run},
		{name: "first edits", left: "4:0/1/0 5:1/0/0 6:rejected", but: []int{4, 5, 6}, do: func(w *killWorld) {
			w.plex.Edit(w.keys[4], func(it *plextest.Item) { it.Deleted = true })
			w.plex.Inject(plextest.Fault{Prefix: "/:/rate", Status: 500})
			w.plex.Configure(func(o *plextest.Options) { o.Refuse = map[string]int{"studio": 400} })
			w.host.Update(w.context(), 1, func(s *stashtest.Scene) {
				s.Title, s.Details, s.Date, s.Director = "T", "Text", "2024-05-06", "Dee"
				s.Performers, s.Tags, s.Groups, s.Cover = []int{1}, []int{1, 2}, []int{1}, jpeg("one")
			})
			w.host.BulkUpdate(w.context(), []int{2, 3, 4, 5, 6}, func(s *stashtest.Scene) {
				switch s.ID {
				case 2:
					s.Details, s.Tags, s.Groups, s.Cover = "Text", []int{1}, []int{1, 2}, jpeg("two")
				case 3:
					s.Title, s.Performers, s.Director = "Three", []int{1, 2}, "Dee"
				case 4:
					s.Title = "Four"
				case 5:
					s.Title, s.Rating100 = "Five", &stars
				case 6:
					s.Studio = 1
				}
			})
			w.run()
		}},
		{name: "what failed is mended", again: true, do: func(w *killWorld) {
			w.plex.Edit(w.keys[4], func(it *plextest.Item) { it.Deleted = false })
			w.pass(time.Minute)
			w.run()
			w.try(map[string]any{"mode": "retry-dead"})
			w.run()
		}},
		{name: "further edits", do: func(w *killWorld) {
			w.host.Update(w.context(), 1, func(s *stashtest.Scene) {
				s.Title, s.Details, s.Director, s.Rating100, s.Studio, s.Tags = "Another", "", "", &more, 1, []int{2}
			})
			w.host.BulkUpdate(w.context(), []int{2, 3}, func(s *stashtest.Scene) {
				s.Details, s.Tags, s.Performers, s.Groups, s.Cover = "More", nil, []int{2}, []int{2}, jpeg("three")
			})
			w.run()
		}},
	}
}

// killUpkeep is what comes to a queue and to links that are there.
func killUpkeep() []step {
	return []step{
		{name: "renames", again: true, do: func(w *killWorld) {
			w.host.UpdateNamed(w.context(), "tag", 2, "Renamed tag")
			w.host.UpdateNamed(w.context(), "performer", 2, "Renamed performer")
			w.run()
		}},
		{name: "no hook", do: func(w *killWorld) {
			w.stash.Change(3, titled("Without a hook"))
			w.stash.Change(2, titled("In the inbox"))
			w.stash.Name("tag", 2, "Renamed once more") // which no catch-up finds
			for _, r := range []store.HookRecord{
				{Own: store.Request{SceneID: 2, Reason: "edited", Priority: store.InBulk}},
				{Fanout: &store.FanoutRecord{Kind: "tag", Own: 2}},
			} {
				w.must(store.LeaveInInbox(w.data(), time.Now(), r))
			}
			w.sql(`UPDATE meta SET at = at - 600000 WHERE key = 'last_catch_up'`)
			w.sql(`UPDATE meta SET at = at - 86400000 WHERE key = 'last_copy'`)
			w.run()
		}},
		{name: "a scene goes and comes", do: func(w *killWorld) {
			gone, there := w.stash.Scene(6)
			if there {
				w.host.Destroy(w.context(), 6)
				w.keys[7] = w.keys[6]
				w.host.Create(w.context(), stashtest.Scene{ID: 7, Title: "Back", Files: gone.Files, Tags: []int{1}})
			}
			w.run()
		}},
		{name: "all anew", again: true, do: func(w *killWorld) {
			w.stash.Change(1, titled("Once more"))
			w.try(map[string]any{"mode": "rebuild-index"})
			w.try(map[string]any{"mode": "sync-all"})
		}},
		{name: "damage", do: func(w *killWorld) {
			w.damage("attempt_log")
			w.bulk("After the damage", 2)
			w.run()
			w.run()
		}},
		{name: "restore", again: true, but: []int{1, 2, 3, 4, 5, 6, 7}, do: func(w *killWorld) {
			w.try(map[string]any{"mode": "restore"})
		}},
	}
}

// damage overwrites the first page of a table, as a failing disk does, and leaves the sign by which a run knows
// that somebody has met it.
func (w *killWorld) damage(table string) {
	w.Helper()
	if _, err := os.Stat(w.database()); err != nil {
		w.Fatal(err)
	}
	w.sql(`PRAGMA wal_checkpoint(TRUNCATE)`)
	var root, size int64
	w.get(fmt.Sprintf(`SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = '%s'`, table), &root, &size)
	f, err := os.OpenFile(w.database(), os.O_RDWR, 0)
	w.must(err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size)), (root-1)*size)
	w.must(err)
	w.must(f.Close())
	w.must(os.WriteFile(w.database()+".suspect", []byte("damage\n"), 0o600))
}
