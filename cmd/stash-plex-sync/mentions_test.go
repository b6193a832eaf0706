package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/hook"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// What Plex shows of a studio is its own name, so a studio that is renamed means nothing to the scenes of the
// studios below it.

// mentioning has scenes from 1 to n pushed that mention the same performer, studio, tag and group, each of
// which has the id 1. There is a tag 2 besides.
func (w *world) mentioning(n int) {
	w.Helper()
	for kind, name := range map[string]string{"performer": "Jane", "studio": "Studio", "tag": "Tag", "group": "Group"} {
		w.stash.Name(kind, 1, name)
	}
	w.stash.Name("tag", 2, "Other tag")
	var all []int
	for id := 1; id <= n; id++ {
		all = append(all, id)
		w.plex.Edit(w.keys[id], func(it *plextest.Item) { it.Tags["actor"] = []string{"Theirs"} })
	}
	w.host.BulkUpdate(w.context(), all, func(s *stashtest.Scene) {
		s.Title, s.Performers, s.Studio, s.Tags, s.Groups = "T", []int{1}, 1, []int{1}, []int{1}
	})
	if out := w.process(); out["synced"] != float64(n) {
		w.Fatalf("first push: %v", out)
	}
}

// fanouts lists the changes that are to be expanded.
func (w *world) fanouts() (list string) {
	w.Helper()
	w.get(`SELECT COALESCE(GROUP_CONCAT(kind || ' ' || ref_id, ', '), '') FROM (SELECT kind, ref_id FROM fanout ORDER BY kind, ref_id)`, &list)
	return list
}

// shows is what Plex shows of whom a scene mentions.
func (w *world) shows(id int) string {
	it := w.plex.Item(w.keys[id])
	join := func(kind string) string { return strings.Join(it.Tags[kind], ",") }
	return fmt.Sprintf("%s of %s with %s in %s", join("actor"), it.Studio, join("genre"), join("collection"))
}

func TestChangesOfWhatScenesMentionReachThem(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.mentioning(2) // scene 3 was never pushed
	ctx := w.context()
	for _, c := range []struct {
		change string
		fire   func()
		rows   string
		want   string
	}{
		{"all are renamed", func() {
			for _, kind := range []string{"performer", "studio", "tag", "group"} {
				w.host.UpdateNamed(ctx, kind, 1, "New "+kind)
			}
		}, "group 1, performer 1, studio 1, tag 1", "Theirs,New performer of New studio with New tag in New group"},
		{"the tag is merged into another", func() { w.host.MergeTags(ctx, 2, 1) }, "tag 1, tag 2", "Theirs,New performer of New studio with Other tag in New group"},
		{"the other tag is renamed", func() { w.host.UpdateNamed(ctx, "tag", 2, "Merged") }, "tag 2", "Theirs,New performer of New studio with Merged in New group"},
		{"the performer is destroyed", func() { w.host.DestroyNamed(ctx, "performer", 1) }, "performer 1", "Theirs of New studio with Merged in New group"},
		{"the studio is destroyed", func() { w.host.DestroyNamed(ctx, "studio", 1) }, "studio 1", "Theirs of  with Merged in New group"},
		{"the group and others are destroyed", func() { w.host.DestroyNamed(ctx, "group", 1, 7, 8) }, "group 1, group 7, group 8", "Theirs of  with Merged in "},
		{"the tag is destroyed", func() { w.host.DestroyNamed(ctx, "tag", 2) }, "tag 2", "Theirs of  with  in "},
	} {
		c.fire()
		if got := w.fanouts(); got != c.rows || w.count("job") != 0 {
			t.Errorf("%s: the hooks wrote %q and %d jobs, want %q and no job", c.change, got, w.count("job"), c.rows)
		}
		if out := w.process(); out["synced"] != 2.0 || w.count("fanout") != 0 {
			t.Errorf("%s: %v, %d rows are left", c.change, out, w.count("fanout"))
		}
		for id := 1; id <= 2; id++ {
			if got := w.shows(id); got != c.want {
				t.Errorf("%s: Plex shows %q of scene %d, want %q", c.change, got, id, c.want)
			}
		}
	}
	w.wantTitle(3, "clip3")
}

// mention makes so many further scenes mention tag 1, as if they had been pushed.
func (w *world) mention(scenes int) {
	w.sql(`WITH RECURSIVE scene (id) AS (SELECT 1001 UNION ALL SELECT id + 1 FROM scene WHERE id < ?)
		INSERT INTO link_ref (kind, ref_id, scene_id) SELECT 'tag', 1, id FROM scene`, 1000+scenes)
}

func TestHookOfAPopularTagWritesOneRowAndOnlyAsks(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.mentioning(1)
	w.mention(20_000)
	asked := w.stash.Asked()
	w.plex.Forget()
	for _, c := range []struct {
		fire    func()
		queries string
	}{
		{func() { w.host.UpdateNamed(w.context(), "tag", 1, "One") }, "JobQueue"}, // there a run waits already
		{func() { w.host.MergeTags(w.context(), 1, 1) }, ""},                      // the mark is fresh
		{func() { w.host.DestroyNamed(w.context(), "tag", 1) }, ""},
	} {
		w.stash.Forget()
		c.fire()
		var names []string
		for _, q := range w.stash.Queries() {
			names = append(names, q.Operation)
		}
		if got := strings.Join(names, " "); got != c.queries {
			t.Errorf("the hook asked %q of Stash, want %q", got, c.queries)
		}
		if got := w.fanouts(); got != "tag 1" || w.count("job") != 0 {
			t.Errorf("the hook wrote %q and %d jobs, want one row", got, w.count("job"))
		}
	}
	if n := w.stash.Asked() - asked; n > 1 || len(w.plex.Requests()) > 0 {
		t.Errorf("%d runs were asked for, and of Plex %v", n, w.plex.Requests())
	}
}

func TestBulkChangeOfTagsWhoseClientDisconnectsLosesNone(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	var tags []int
	var texts, want []string
	for id := 1; id <= 30; id++ {
		tags = append(tags, w.stash.Name("tag", id, "Old "+strconv.Itoa(id)))
		texts = append(texts, strconv.Itoa(id))
		want = append(want, "New "+strconv.Itoa(id))
	}
	w.host.BulkUpdate(w.context(), []int{1, 2}, func(s *stashtest.Scene) { s.Title, s.Tags = "T", tags })
	w.process()
	for _, id := range tags {
		w.stash.Name("tag", id, "New "+strconv.Itoa(id))
	}
	ctx, cancel := context.WithCancel(w.context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		w.until(func() bool { return len(w.host.Processes()) > 0 })
		cancel() // while the first hook runs
	}()
	fired := 0
	for _, id := range tags {
		if ctx.Err() == nil {
			fired++
			w.host.Fire(ctx, hook.TagUpdatePost, id, map[string]any{"ids": texts, "favorite": true}, []string{"ids", "favorite"})
		}
	}
	<-gone
	w.until(func() bool { return len(w.host.Processes()) == 0 })
	if n := w.count("fanout"); n != 30 || fired == 30 {
		t.Fatalf("%d changes after %d hooks, want all 30 although not all hooks ran", n, fired)
	}
	if out := w.process(); out["synced"] != 2.0 {
		t.Errorf("result = %v", out)
	}
	for id := 1; id <= 2; id++ {
		if got := w.plex.Item(w.keys[id]).Tags["genre"]; len(got) != 30 || strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("scene %d: genres %v", id, got)
		}
	}
}

func TestKilledExpansionGoesOnAndAPersonsEditGoesFirst(t *testing.T) {
	const scenes = 100_000
	w := newWorld(t, 2)
	w.occupied()
	w.mentioning(1)
	w.mention(scenes)
	w.host.UpdateNamed(w.context(), "tag", 1, "New")
	run := func() chan struct{} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.host.Operation(w.Context(), map[string]any{"mode": "process"}) // it is killed: its answer is none
		}()
		return ended
	}
	ended := run()
	w.until(func() bool { return w.count("job") > 0 })
	if w.kill() != 1 {
		t.Fatal("the run has ended by itself")
	}
	<-ended
	jobs := w.count("job")
	var position int
	w.get(`SELECT position FROM fanout`, &position)
	if jobs == 0 || jobs > scenes || position != 1000+jobs-1 {
		t.Fatalf("%d jobs, and the next run goes on at scene %d", jobs, position)
	}
	w.plex.Inject(plextest.Fault{Method: "PUT", Hang: true})
	w.plex.Forget()
	ended = run()
	w.until(func() bool { return w.count("job") > jobs })
	began := time.Now()
	w.edit(2, "By hand") // the run has the lock: nothing is pushed at once
	if took, n := time.Since(began), w.count("job"); n > scenes {
		t.Fatalf("the edit was held up for %v, until the expansion was over", took)
	}
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	if n := w.count("job"); n != scenes+2 || w.count("fanout") != 0 {
		t.Errorf("%d jobs at the first write, want all %d", n, scenes+2)
	}
	for _, r := range w.plex.Requests() {
		if r.Method == "PUT" && !strings.Contains(r.Query, "id="+w.keys[2]) {
			t.Errorf("the first write is %v, want the person's edit", r)
		}
	}
	w.kill()
	<-ended
}

// Neither an operation that pushes one scene, nor a run that is past the expansion, leaves a rename behind,
// although nothing else ever happens.
func TestRenameBesideARunArrives(t *testing.T) {
	for _, args := range []map[string]any{{"mode": "sync-scene", "scene_id": 2}, {"mode": "process"}} {
		t.Run(fmt.Sprint(args["mode"]), func(t *testing.T) {
			w := newWorld(t, 2)
			release := w.busy()
			w.mentioning(1)
			w.bulk("Slow", 2)
			w.plex.Inject(plextest.Fault{Method: "PUT", Delay: 3500 * time.Millisecond, Times: 1})
			w.plex.Forget()
			ended := make(chan map[string]any, 1)
			go func() { ended <- w.op(args) }()
			w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
			w.host.UpdateNamed(w.context(), "tag", 1, "New")
			release() // the run that was asked for finds the other one at work
			if out := <-ended; out["synced"] == 0.0 {
				t.Errorf("%v = %v", args, out)
			}
			w.until(func() bool { return strings.Contains(w.shows(1), "with New in") })
			w.idle()
			if n := w.count("fanout"); n != 0 {
				t.Errorf("%d changes are left", n)
			}
		})
	}
}
