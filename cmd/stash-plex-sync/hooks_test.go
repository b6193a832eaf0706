package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/hook"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// jobs lists the scenes that are queued.
func (w *world) jobs() (list string) {
	w.Helper()
	w.get(`SELECT COALESCE(GROUP_CONCAT(scene_id), '') FROM (SELECT scene_id FROM job ORDER BY scene_id)`, &list)
	return list
}

// queries counts the queries of a name that have reached Stash.
func (w *world) queries(name string) (n int) {
	for _, q := range w.stash.Queries() {
		if q.Operation == name {
			n++
		}
	}
	return n
}

func TestEveryKindOfHookQueuesEachSceneOnce(t *testing.T) {
	w := newWorld(t, 6)
	w.occupied()
	ctx, created := w.context(), 0
	for _, c := range []struct {
		kind string
		fire func()
		want string
	}{
		{"scenesUpdate, a list", func() { w.host.UpdateMany(ctx, []int{1, 2}, func(s *stashtest.Scene) { s.Title = "Many" }) }, "1,2"},
		{"bulkSceneUpdate", func() { w.bulk("Bulk", 2, 3) }, "1,2,3"},
		{"a scan of a changed file", func() { w.host.Rescan(ctx, 4) }, "1,2,3,4"},
		{"identify", func() {
			w.stash.Change(5, func(s *stashtest.Scene) { s.Title = "Identified" })
			w.host.Fire(ctx, hook.SceneUpdatePost, 5, map[string]any{"id": "5", "title": "Identified"}, []string{"title"})
		}, "1,2,3,4,5"},
		{"a scan of a new file", func() {
			created = w.host.Create(ctx, stashtest.Scene{Title: "Created", Files: []stashtest.File{{Path: "/data/new.mp4", Size: 7}}})
			w.keys[created] = w.plex.AddItem(w.section, "/data/new.mp4", 7)
		}, "1,2,3,4,5,7"},
		{"clean", func() { w.host.Clean(ctx, 4) }, "1,2,3,5,7"},
		{"sceneDestroy", func() { w.bulk("Doomed", 6); w.host.Destroy(ctx, 6) }, "1,2,3,5,7"},
	} {
		c.fire()
		if got := w.jobs(); got != c.want {
			t.Errorf("%s: scenes %s are queued, want %s", c.kind, got, c.want)
		}
	}
	if out := w.process(); out["synced"] != 5.0 {
		t.Errorf("result = %v", out)
	}
	for id, title := range map[int]string{1: "Many", 2: "Bulk", 3: "Bulk", 5: "Identified", created: "Created"} {
		w.wantTitle(id, title)
	}
	w.bulk("Doomed", 1, 2, 3)
	w.host.Destroy(ctx, 1, 2)
	if got := w.jobs(); got != "3" {
		t.Errorf("after scenesDestroy of 1 and 2: scenes %s are queued, want 3", got)
	}
}

// An update's input holds every field, null where nothing was sent.
func TestNullInAPayloadClearsNothing(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	stars := 80
	for id := 1; id <= 2; id++ {
		w.stash.Change(id, func(s *stashtest.Scene) { s.Rating100, s.Details, s.Date = &stars, "Details", "2024-05-06" })
	}
	w.edit(1, "One")
	w.host.UpdateMany(w.context(), []int{2}, func(s *stashtest.Scene) { s.Title = "Two" })
	w.pass(time.Minute)
	w.process()
	for id, title := range map[int]string{1: "One", 2: "Two"} {
		it := w.plex.Item(w.keys[id])
		if it.Title != title || it.Rating == nil || *it.Rating != 8 || it.Summary != "Details" || it.Date != "2024-05-06" {
			t.Errorf("scene %d: item = %+v", id, it)
		}
	}
}

func TestPayloadOfMegabytesQueuesItsJob(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	cover := "data:image/png;base64," + strings.Repeat("A", 8<<20)
	w.host.Fire(w.context(), hook.SceneUpdatePost, 1, map[string]any{"id": "1", "cover_image": cover}, []string{"cover_image"})
	if got := w.jobs(); got != "1" {
		t.Errorf("scenes %q are queued, want 1", got)
	}
	for _, l := range w.host.Lines() {
		if l.Level == "Error" || l.Level == "Warning" {
			t.Errorf("%s %s", l.Level, l.Text)
		}
	}
}

// bulkAtOnce edits so many scenes in as many processes, at most `most` of them at the same time.
func (w *world) bulkAtOnce(scenes, most int) {
	w.Helper()
	var wg sync.WaitGroup
	gate := make(chan struct{}, most)
	for id := 1; id <= scenes; id++ {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			w.bulk("New", id)
		})
	}
	wg.Wait()
	if n := w.count("job"); n != scenes {
		w.Errorf("%d jobs, want %d", n, scenes)
	}
	for _, l := range w.host.Lines() {
		if l.Level == "Error" || strings.Contains(l.Text, "locked") {
			w.Errorf("%s %s", l.Level, l.Text)
		}
	}
}

func TestTwoHundredHooksLeadToOneRun(t *testing.T) {
	w := newWorld(t, 200)
	w.occupied()
	w.bulkAtOnce(200, 8)
	if asked, looked := w.stash.Asked(), w.queries("JobQueue"); asked != 1 || looked != 1 {
		t.Errorf("%d runs were asked for after %d looks at Stash's queue, want one of each", asked, looked)
	}
}

// So many processes need seconds for what one does in a hundredth: a hook that asks may be overtaken, but
// never by many.
func TestHooksAtOnceRarelyLookAtTheQueue(t *testing.T) {
	w := newWorld(t, 80)
	w.occupied()
	began := time.Now()
	w.bulkAtOnce(80, 80)
	if looked, most := w.queries("JobQueue"), 1+int(time.Since(began)/time.Second); looked > most {
		t.Errorf("%d hooks looked at Stash's queue, want at most %d", looked, most)
	}
}

// Nothing else ever happens here: no cron, no click, no other job of Stash's.
func TestTwoEditsThreeSecondsApartBothArrive(t *testing.T) {
	w := newWorld(t, 2)
	w.edit(1, "A")
	<-time.After(3 * time.Second) // of the processes' own clock
	w.edit(2, "B")
	w.until(func() bool { return w.plex.Item(w.keys[1]).Title == "A" && w.plex.Item(w.keys[2]).Title == "B" })
	w.idle()
	if w.count("job") != 0 {
		t.Errorf("scenes %s are still queued", w.jobs())
	}
}
