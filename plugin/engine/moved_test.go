package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

const (
	moved   = "/data/moved/clip1.mp4"
	renamed = "/data/moved/renamed.mp4"
)

// stashMoves gives the file of scene 1 another path, without a hook.
func (l *lab) stashMoves(path string) {
	l.stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path = path })
}

// plexMoves lets Plex see the file of item 1 elsewhere, and keep its item.
func (l *lab) plexMoves(path string) {
	l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Files[0].Path = path })
}

// plexReplaces lets Plex take the moved file of item 1 for a new one.
func (l *lab) plexReplaces(path string) {
	l.keys[1] = l.plex.Move(l.keys[1], path)
	l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"Own"} })
}

// tagged gives scene 1 a tag.
func (l *lab) tagged(name string) {
	id := l.stash.Name("tag", 0, name)
	l.stash.Change(1, func(s *stashtest.Scene) { s.Tags = []int{id} })
}

func TestMovedFileKeepsItsSceneAndItsBase(t *testing.T) {
	for _, c := range []struct {
		name  string
		moves func(l *lab) // and leaves nothing to be done but an edit
		rule  string
		path  string // Plex's, in the end
		gone  int    // items that the restore does not find
		title string // of Plex's own
	}{
		{name: "Plex moves it", moves: func(l *lab) {
			l.plexMoves(moved)
		}, rule: match.ByNameSize, path: moved, title: "clip1"},
		{name: "Plex moves it and makes a new item", moves: func(l *lab) {
			l.plexReplaces(moved)
		}, rule: match.ByNameSize, path: moved, gone: 1, title: "clip1"},
		{name: "Plex makes a new item in the same place", moves: func(l *lab) {
			l.plexReplaces(path(1))
		}, rule: match.ByPath, path: path(1), gone: 1, title: "clip1"},
		{name: "Stash moves it", moves: func(l *lab) {
			l.stashMoves(moved)
			pass(25 * time.Hour)
			l.want(l.run(), Summary{Unchanged: 1}) // found by the catch-up
		}, rule: match.ByNameSize, path: path(1), title: "clip1"},
		{name: "Stash moves it, then Plex", moves: func(l *lab) {
			l.stashMoves(moved)
			pass(25 * time.Hour)
			l.want(l.run(), Summary{Unchanged: 1})
			l.plexMoves(moved)
		}, rule: match.ByPath, path: moved, title: "clip1"},
		{name: "Plex moves it, then Stash", moves: func(l *lab) {
			l.plexMoves(moved)
			l.run()
			l.stashMoves(moved)
			pass(25 * time.Hour)
			l.want(l.run(), Summary{Unchanged: 1})
		}, rule: match.ByPath, path: moved, title: "clip1"},
		{name: "Stash renames it, then Plex", moves: func(l *lab) {
			l.stashMoves(renamed)
			pass(25 * time.Hour)
			l.want(l.run(), Summary{Waiting: 1})
			l.plexMoves(renamed)
			l.want(l.run(), Summary{Unchanged: 1}) // woken
		}, rule: match.ByPath, path: renamed, title: "clip1"},
		{name: "Stash renames it, then Plex makes a new item", moves: func(l *lab) {
			l.stashMoves(renamed)
			pass(25 * time.Hour)
			l.want(l.run(), Summary{Waiting: 1})
			l.plexReplaces(renamed)
			l.want(l.run(), Summary{Synced: 1}) // woken
			l.wantTitle(1, "One")
		}, rule: match.ByPath, path: renamed, gone: 1, title: "renamed"},
		{name: "Plex renames it and makes a new item, then Stash", moves: func(l *lab) {
			l.plexReplaces(renamed)
			l.edit("One", 1)
			l.want(l.run(), Summary{Waiting: 1})
			l.stashMoves(renamed)
			pass(time.Minute)
			l.want(l.run(), Summary{Synced: 1})
		}, rule: match.ByPath, path: renamed, gone: 1, title: "renamed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLab(t, 2, func(l *lab) {
				l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"Own"} })
				l.tagged("Drama")
				l.edit("One", 1)
				l.edit("Other", 2)
				pass(stashapi.ClockSlack)
				l.want(l.run(), Summary{Synced: 2})
				c.moves(l)
				l.tagged("Comedy")
				l.edit("Two", 1)
				l.want(l.run(), Summary{Synced: 1})
				l.wantTitle(1, "Two")
				l.wantTitle(2, "Other")
				if got := l.plex.Item(l.keys[1]).Tags["genre"]; !slices.Equal(got, []string{"Own", "Comedy"}) {
					l.Errorf("genres = %v, want Plex's own and Stash's", got)
				}
				links, err := l.Store.Links(l.Context(), 1)
				if err != nil || len(links) != 1 || links[0].RatingKey != l.keys[1] || links[0].Path != c.path || links[0].Rule != c.rule {
					l.Errorf("links = %+v, %v; want item %s at %s by %s", links, err, l.keys[1], c.path, c.rule)
				}
				r, err := l.Restore(l.Context(), 0)
				if err != nil || r.Restored != 2 || r.Gone != c.gone || r.Failed != 0 {
					l.Errorf("restored %+v, %v; want 2, and %d gone", r, err, c.gone)
				}
				l.wantTitle(1, c.title)
				l.wantTitle(2, "clip2")
				if it := l.plex.Item(l.keys[1]); !slices.Equal(it.Tags["genre"], []string{"Own"}) || it.Locked["title"] || it.Locked["genre"] {
					l.Errorf("restored to %+v", it)
				}
			})
		})
	}
}

func TestItemsKeepTheirBasesWhenScenesSwapFiles(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("One", 1)
		l.edit("Two", 2)
		l.want(l.run(), Summary{Synced: 2})
		l.stash.Change(1, func(s *stashtest.Scene) { s.Files[0].Path = path(2) }) // Stash alone
		l.stash.Change(2, func(s *stashtest.Scene) { s.Files[0].Path = path(1) })
		pass(25 * time.Hour)
		l.run()
		l.wantTitle(2, "One")
		l.wantTitle(1, "Two")
		if r, err := l.Restore(l.Context(), 0); err != nil || r.Restored != 2 {
			l.Errorf("restored %+v, %v", r, err)
		}
		l.wantTitle(1, "clip1")
		l.wantTitle(2, "clip2")
	})
}
