package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// queue adds n waiting jobs, for scenes that Plex does not hold, with the files that they wait for.
func (w *world) queue(n int) {
	w.Helper()
	w.sql(`WITH RECURSIVE n(i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 1000 + ?1)
		INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, misses, due_at, last_error_class, last_error)
		SELECT i, 'edited', 1, ?2, i % 3, 1, ?2 + 540000 + i % 100, 'not_found', 'it is not there' FROM n`, n, time.Now().UnixMilli())
	w.sql(`INSERT INTO awaited_file (base, size, path, scene_id) SELECT scene_id, 1, '/' || scene_id, scene_id FROM job`)
}

// lists returns how many of the indexes exist that only the lists need.
func (w *world) lists() (n int) {
	w.Helper()
	w.get(`SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('job_class', 'dead_letter_list')`, &n)
	return n
}

// Creating an index may take seconds, so a run does it and no hook, not even one that pushes.
func TestRunsPrepareTheLists(t *testing.T) {
	w := newWorld(t, 1)
	w.op(map[string]any{"mode": "sync-all"}) // reads the index of Plex, without which no hook pushes
	if n := w.lists(); n != 2 {
		t.Errorf("a run has created %d of the indexes", n)
	}
	w.sql(`DROP INDEX job_class`)
	w.sql(`DROP INDEX dead_letter_list`)
	release := w.busy()
	w.edit(1, "Pushed by its hook")
	w.wantTitle(1, "Pushed by its hook")
	w.op(map[string]any{"mode": "jobs", "class": "not_found", "sort": "attempts"})
	if n := w.lists(); n != 0 {
		t.Errorf("a hook or a list has created %d indexes", n)
	}
	release()
	w.idle()
	if n := w.lists(); n != 2 {
		t.Errorf("after the next run there are %d of the indexes", n)
	}
}

func TestTenThousandJobsAreListedAndRemoved(t *testing.T) {
	const n = 10_000
	w := newWorld(t, 1)
	w.occupied()
	w.process()
	w.queue(n)
	for id := 1001; id <= 1000+n; id++ {
		w.stash.Add(stashtest.Scene{ID: id, Title: "Many"})
	}
	seen := make(map[float64]bool)
	args := map[string]any{"mode": "jobs", "class": "not_found", "limit": 200}
	for pages := 0; ; pages++ {
		out := w.op(args)
		for _, item := range out["items"].([]any) {
			one := item.(map[string]any)
			seen[one["scene_id"].(float64)] = true
			if one["title"] != "Many" {
				t.Fatalf("%v", one)
			}
		}
		if args["cursor"] = out["next"]; out["next"] == "" || pages > n/200 {
			break
		}
	}
	if len(seen) != n {
		t.Errorf("the pages show %d jobs, want %d", len(seen), n)
	}
	if out := w.op(map[string]any{"mode": "postpone", "list": "jobs", "minutes": 10}); out["changed"] != float64(n) {
		t.Errorf("postpone = %v", out)
	}
	remove := map[string]any{"mode": "remove", "list": "jobs", "state": "waiting"}
	remove["confirm"] = w.op(remove)["confirm"]
	if out := w.op(remove); out["changed"] != float64(n) || out["next"] != "" || w.count("job") != 0 || w.count("awaited_file") != 0 {
		t.Errorf("remove = %v; %d jobs and %d files are left", out, w.count("job"), w.count("awaited_file"))
	}
}

// A removal that is killed has removed complete steps, and the same call removes the rest.
func TestKilledRemovalIsContinued(t *testing.T) {
	const n = 60_000
	w := newWorld(t, 1)
	w.occupied()
	w.process()
	w.queue(n)
	remove := map[string]any{"mode": "remove", "list": "jobs"}
	remove["confirm"] = w.op(remove)["confirm"]
	ctx, kill := context.WithCancel(w.context())
	killed := make(chan error, 1)
	go func() {
		_, err := (&golden{world: w}).call(ctx, arguments("remove", []any{"list", "jobs", "confirm", remove["confirm"]}))
		killed <- err
	}()
	w.until(func() bool { return w.count("job") < n })
	kill()
	if err := <-killed; err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the call ended with %v", err)
	}
	left := w.count("job")
	if left == 0 || left%5000 != 0 || w.count("awaited_file") != left {
		t.Errorf("%d jobs and %d files are left", left, w.count("awaited_file"))
	}
	if out := w.op(remove); out["changed"] != float64(left) || w.count("job") != 0 || w.count("awaited_file") != 0 {
		t.Errorf("remove = %v; %d jobs are left", out, w.count("job"))
	}
}

// A scene that is removed or postponed during its push stays as that left it.
func TestChangeBesideAPushStands(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.bulk("New", 1, 2)
	answer := w.holdWrite(0)
	ended := make(chan map[string]any, 1)
	go func() { ended <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	if out := w.op(map[string]any{"mode": "remove", "scene_ids": []any{1}}); out["changed"] != 1.0 {
		t.Errorf("remove = %v", out)
	}
	if out := w.op(map[string]any{"mode": "postpone", "scene_ids": []any{1, 2}, "minutes": 10}); out["changed"] != 1.0 || out["missing"] != 1.0 {
		t.Errorf("postpone = %v", out)
	}
	answer()
	<-ended
	var due, claim int64
	w.get(`SELECT due_at, claim FROM job`, &due, &claim)
	if n := w.count("job"); n != 1 || claim != 0 || time.Until(time.UnixMilli(due)) < 9*time.Minute {
		t.Errorf("%d jobs, one with claim %d, due in %v", n, claim, time.Until(time.UnixMilli(due)))
	}
	w.wantTitle(1, "New")
	w.wantTitle(2, "New")
}
