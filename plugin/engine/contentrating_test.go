package engine

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
)

// rated gives the item of a scene a content rating, as an agent does.
func (l *lab) rated(id int, text string) {
	l.plex.Edit(l.keys[id], func(it *plextest.Item) { it.ContentRating = text })
}

func (l *lab) wantRated(id int, text string, locked bool) {
	l.Helper()
	if it := l.plex.Item(l.keys[id]); it.ContentRating != text || it.Locked["contentRating"] != locked {
		l.Errorf("Plex rates scene %d %q (locked: %v), want %q (%v)", id, it.ContentRating, it.Locked["contentRating"], text, locked)
	}
}

// syncAll is what the task does.
func (l *lab) syncAll() Summary {
	l.Helper()
	pass(time.Hour)
	l.must(second(l.EnqueueAll(l.Context())))
	return l.run()
}

func TestContentRatingIsOneTextForMoviesAndEpisodes(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		shows := l.plex.AddSection("Shows", "show")
		l.addEpisode(3, shows)
		l.Config.Libraries, l.Config.Fields.ContentRating = []string{"Videos", "Shows"}, "XXX"
		l.rated(1, "PG-13")
		l.edit("New", 1, 3) // of scene 2 Stash knows nothing but that it is there
		l.want(l.run(), Summary{Synced: 2})
		l.wantRated(1, "XXX", true)
		l.wantRated(2, "", false)
		l.wantRated(3, "XXX", true)
		if !strings.Contains(l.log.String(), "contentRating") {
			t.Error("the log does not say that it was pushed")
		}
		l.want(l.syncAll(), Summary{Synced: 1, Unchanged: 2})
		l.wantRated(2, "XXX", true)
		l.plex.Refresh(l.keys[1])
		l.wantRated(1, "XXX", true)
		l.restore(0)
		l.wantRated(1, "PG-13", false)
		l.wantRated(2, "", false)
		l.wantRated(3, "", false)
	})
}

func TestContentRatingReachesOldScenesBySyncAll(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.edit("New", 1, 2)
		l.want(l.run(), Summary{Synced: 2})
		l.Config.Fields.ContentRating = "XXX"
		l.want(l.run(), Summary{})
		l.wantRated(1, "", false)
		l.want(l.syncAll(), Summary{Synced: 2})
		l.wantRated(1, "XXX", true)
		l.Config.Fields.ContentRating = "18"
		l.want(l.syncAll(), Summary{Synced: 2})
		l.wantRated(2, "18", true)
	})
}

func TestEmptiedContentRatingIsRestoredByTheNextSync(t *testing.T) {
	inLab(t, 5, func(l *lab) {
		l.rated(1, "PG-13")
		l.plex.Edit(l.keys[2], func(it *plextest.Item) { it.ContentRating, it.Locked["contentRating"] = "R", true })
		l.rated(5, "G")
		l.Config.Fields.ContentRating = "XXX"
		l.edit("New", 1, 2, 3, 4)
		l.want(l.run(), Summary{Synced: 4})
		l.rated(4, "a person's")

		l.Config.Fields.ContentRating = ""
		l.edit("Newer", 1, 2)
		l.want(l.run(), Summary{Synced: 2})
		l.wantRated(1, "PG-13", false)
		l.wantRated(2, "R", true)
		l.wantRated(3, "XXX", true) // not synced yet
		l.want(l.syncAll(), Summary{Synced: 1, Unchanged: 3, Skipped: 1})
		l.wantRated(3, "", false)
		l.wantRated(4, "a person's", true)
		l.wantRated(5, "G", false)
		l.want(l.syncAll(), Summary{Unchanged: 4, Skipped: 1})
		l.wantTitle(1, "Newer")
	})
}

// A scene without other data has shown only the content rating.
func TestEmptiedContentRatingIsRestoredAsTheOnlyField(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.rated(1, "PG-13")
		l.Config.Fields.ContentRating = "XXX"
		l.want(l.syncAll(), Summary{Synced: 1})
		l.wantRated(1, "XXX", true)
		l.Config.Fields.ContentRating = ""
		l.want(l.syncAll(), Summary{Synced: 1})
		l.wantRated(1, "PG-13", false)
	})
}

func TestPreviewShowsTheContentRatingAsAnyField(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.must(second(l.Engine.RefreshIndex(l.Context())))
		l.rated(1, "PG-13")
		l.Config.Fields.ContentRating = " a\nb "
		p := l.preview(1)
		want := []ItemPreview{{RatingKey: l.keys[1], Changes: []merge.Change{{Field: "contentRating", Action: "set", From: "PG-13", To: "a b"}}, Lock: []string{"contentRating"}}}
		if p.WouldChange != 1 || len(p.Scenes) != 1 || !reflect.DeepEqual(p.Scenes[0].Items, want) || p.ByField["contentRating"] != 1 {
			t.Errorf("preview = %+v, want %+v", p, want)
		}
		l.wantRated(1, "PG-13", false)
	})
}

func TestContentRatingThatAPersonLockedIsKept(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.Config.Fields.ContentRating, l.Config.KeepPlexEdits = "XXX", true
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.ContentRating, it.Locked["contentRating"] = "R", true })
		l.edit("New", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.wantRated(1, "R", true)
	})
}
