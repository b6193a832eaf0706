package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func (l *lab) preview(scene int) Preview {
	l.Helper()
	p, err := l.Engine.Preview(l.Context(), scene)
	l.must(err)
	return p
}

func TestPreviewSaysWhatThePushWritesAndWritesNothing(t *testing.T) {
	inLab(t, 120, func(l *lab) {
		if _, err := l.Engine.RefreshIndex(l.Context()); err != nil {
			t.Fatal(err)
		}
		l.furnish(1)
		l.dressed(1)
		for id := 2; id <= 60; id++ {
			l.stash.Change(id, titled("New"))
		}
		l.stash.Change(61, titled("clip61"))
		l.plex.Remove(l.keys[62])
		l.stash.Change(62, titled("Lost"))
		l.plex.Forget()
		p := l.preview(0)
		if p.WouldChange != 60 || p.Unchanged != 1 || p.NotFound != 1 || p.Skipped != 58 || p.Failed != 0 || p.Stopped != "" {
			t.Errorf("preview = %+v", p)
		}
		if len(p.Scenes) != findings.ShownAtMost || p.ByField["title"] != 60 || p.ByField["studio"] != 1 || len(p.Others) != findings.ShownAtMost {
			t.Errorf("%d scenes, %d others, by field %v", len(p.Scenes), len(p.Others), p.ByField)
		}
		if n := l.plex.Count("PUT", "") + l.plex.Count("POST", ""); n != 0 {
			t.Errorf("%d writes", n)
		}
		if due, err := l.Store.HasDue(l.Context(), time.Now(), store.ClaimOptions{}); err != nil || due {
			t.Errorf("a preview queues scenes: %v, %v", due, err)
		}
		if items, err := l.Store.ItemsAfter(l.Context(), l.plex.Machine(), "", 10); err != nil || len(items) != 0 {
			t.Errorf("a preview remembers items: %v, %v", items, err)
		}
	})
}

func TestPreviewOfOneSceneIsWhatItsPushDoes(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.must(second(l.Engine.RefreshIndex(l.Context())))
		l.furnish(1)
		l.dressed(1)
		p := l.preview(1)
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		it := l.plex.Item(l.keys[1])
		want := map[string]string{"title": it.Title, "details": it.Summary, "date": it.Date, "studio": it.Studio, "rating": "8", "tags": "Tag", "performers": "Jane", "director": "Dee", "groups": "Group"}
		if len(p.Scenes) != 1 || len(p.Scenes[0].Items) != 1 || len(p.Scenes[0].Items[0].Changes) != len(want) {
			t.Fatalf("preview = %+v", p)
		}
		for _, c := range p.Scenes[0].Items[0].Changes {
			if want[c.Field] != c.To {
				t.Errorf("%s: %q, the push wrote %q", c.Field, c.To, want[c.Field])
			}
		}
		for _, f := range p.Scenes[0].Items[0].Lock {
			if !it.Locked[map[string]string{"title": "title", "details": "summary", "date": "originallyAvailableAt", "studio": "studio", "performers": "actor", "tags": "genre", "director": "director", "groups": "collection"}[f]] {
				t.Errorf("%s is not locked: %v", f, it.Locked)
			}
		}
		if p := l.preview(1); p.Unchanged != 1 || p.WouldChange != 0 {
			t.Errorf("after the push: %+v", p)
		}
	})
}

func TestPreviewSaysThatPlexDoesNotAnswer(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		l.plex.Refuse(true)
		if p := l.preview(0); p.Stopped == "" || p.Class != retry.ClassServerDown {
			t.Errorf("preview = %+v", p)
		}
		b, err := l.Store.Breaker(l.Context())
		if err != nil || b.Failures != 0 {
			t.Errorf("a preview counts for the breaker: %+v, %v", b, err)
		}
	})
}

func TestPreviewLooksOnlyIntoLibrariesThatAreChosen(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		other := l.plex.AddSection("Other", "movie")
		l.stash.Add(stashtest.Scene{ID: 2, Title: "Two", Files: []stashtest.File{{Path: path(2), Size: size(2)}}})
		l.keys[2] = l.plex.AddItem(other, path(2), size(2))
		l.must(second(l.Engine.RefreshIndex(l.Context())))
		if p := l.preview(2); p.WouldChange != 1 {
			t.Errorf("with all libraries: %+v", p)
		}
		l.Config.Libraries = []string{"Videos"}
		if p := l.preview(2); p.WouldChange != 0 || p.NotFound != 1 {
			t.Errorf("with one of them: %+v", p)
		}
		l.edit("New", 2)
		l.want(l.run(), Summary{Waiting: 1})
	})
}

func second[T any](_ T, err error) error { return err }

func TestInspectSaysWhatAPushWouldDoAndWritesNothing(t *testing.T) {
	inLab(t, 2, func(l *lab) {
		l.must(second(l.Engine.RefreshIndex(l.Context())))
		l.Config.KeepPlexEdits = true
		l.dressed(1)
		l.covered(1, jpeg("one"))
		l.edit("T", 1)
		l.want(l.run(), Summary{Synced: 1})
		l.plex.Choose(l.keys[1], "posters", "metadata://posters/1")
		l.plex.Edit(l.keys[1], func(it *plextest.Item) { it.Title = "mine" })
		l.covered(1, jpeg("another"))
		l.stash.Change(1, func(s *stashtest.Scene) { s.Title, s.Details = "T2", "D" })
		l.plex.Forget()
		p, err := l.Engine.Inspect(l.Context(), 1)
		l.must(err)
		if p.Failure() != nil || len(p.Targets) != 1 {
			t.Fatalf("%v, %d targets", p.Failure(), len(p.Targets))
		}
		plan := &p.Targets[0].Plan
		if got := []string{plan.Does("title"), plan.Does("summary"), plan.Does("thumb"), plan.Does("studio")}; !slices.Equal(got, []string{merge.Keeps, merge.Writes, merge.Keeps, merge.Nothing}) {
			t.Errorf("a push would %v", got)
		}
		if n := l.plex.Count("PUT", "") + l.plex.Count("POST", ""); n != 0 || p.Targets[0].Current.Title != "mine" {
			t.Errorf("%d writes, the title is %q", n, p.Targets[0].Current.Title)
		}
		l.plex.Remove(l.keys[2])
		if p, err = l.Engine.Inspect(l.Context(), 2); err != nil || p.Failure() == nil {
			t.Errorf("a scene that is not in Plex: %v, %v", p.Failure(), err)
		}
		l.plex.Refuse(true)
		if _, err = l.Engine.Inspect(l.Context(), 1); err == nil {
			t.Error("Plex is off, and Inspect does not say so")
		}
	})
}
