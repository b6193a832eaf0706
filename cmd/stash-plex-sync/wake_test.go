package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// wantWake checks the answer of wake, and how many tasks it put into Stash's queue.
func (w *world) wantWake(when, why string) {
	w.Helper()
	asked := w.stash.Asked()
	out := w.calls("wake")
	n := 0
	if why == "asked" {
		n = 1
	}
	if out["why"] != why || out["asked"] != (n == 1) || out["text"] == "" || w.stash.Asked()-asked != n {
		w.Errorf("%s: wake = %v, and %d tasks were added; want %s", when, out, w.stash.Asked()-asked, why)
	}
}

func TestWakeAsksForARunOnlyIfThereIsWork(t *testing.T) {
	w := newWorld(t, 2)
	w.wantWake("a new queue", "nothing_due")
	release := w.busy()
	w.bulk("One", 1)
	w.wantWake("just after an edit", "recent")
	w.sql(`UPDATE meta SET at = at - 31000 WHERE key = 'run_mark'`)
	w.wantWake("its run waits", "queued")
	w.wantWake("again", "recent")
	release()
	w.idle()
	w.wantTitle(1, "One")
	w.wantWake("after the run", "nothing_due")

	w.stash.Change(2, titled("Two"))
	w.sql(`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) VALUES (2, 'edit', 0, ?1, ?1)`, time.Now().UnixMilli())
	w.wantWake("a job became due", "asked")
	if !strings.HasSuffix(w.lastDescription(), "Stash Plex Sync: process queue") {
		t.Errorf("the task is %q", w.lastDescription())
	}
	w.idle()
	w.wantTitle(2, "Two")

	w.stash.Inject(stashtest.Fault{Operation: "JobQueue", Status: 500})
	w.sql(`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) VALUES (2, 'edit', 0, ?1, ?1)`, time.Now().UnixMilli())
	if out, err := w.host.Operation(w.context(), map[string]any{"mode": "wake"}); err == nil || !strings.Contains(err.Error(), "cannot ask Stash for a run: ") {
		t.Errorf("without Stash: %v, %v", out, err)
	}
	w.stash.Heal()
	w.wantWake("Stash answers again", "asked")
	w.idle()
	w.wantWake("after that run", "nothing_due")
	w.sql(`INSERT INTO fanout (kind, ref_id, enqueued_at) VALUES ('tag', 7, 1)`)
	w.wantWake("the scenes of a changed tag are not queued yet", "asked")
	w.idle()
}

// lastDescription returns the description of the newest task.
func (w *world) lastDescription() string {
	jobs := append(w.stash.Ended(), w.stash.Jobs()...)
	return jobs[len(jobs)-1].Description
}

func TestWakeTriesAPausedPlexOnceItsProbeIsDue(t *testing.T) {
	w := newWorld(t, 1)
	release := w.busy()
	w.bulk("New", 1)
	w.plex.Stop()
	for range 5 {
		w.process()
	}
	release()
	w.idle()
	if out := w.calls("status"); out["breaker"].(map[string]any)["state"] != "open" {
		t.Fatalf("status = %v", out)
	}
	w.sql(`DELETE FROM meta WHERE key = 'run_mark'`)
	w.wantWake("before the probe", "breaker")
	w.must(w.plex.Restart())
	w.wantWake("before the probe, although Plex is there again", "breaker")
	w.sql(`UPDATE job SET due_at = ?`, time.Now().Add(10*time.Minute).UnixMilli())
	w.sql(`UPDATE breaker SET probe_at = 1, opened_at = 1`)
	w.wantWake("the probe is due", "asked")
	w.idle()
	if out := w.calls("status"); out["breaker"].(map[string]any)["state"] != "closed" {
		t.Errorf("status = %v", out)
	}
	w.sql(`UPDATE job SET due_at = 1`)
	w.wantWake("the scene is due", "asked")
	w.idle()
	w.wantTitle(1, "New")
	w.sql(`UPDATE breaker SET state = 'open', probe_at = 1, opened_at = 1`)
	w.wantWake("the probe is due, and there is nothing to push", "nothing_due")
}

func TestWakeLeavesTheWorkToTheRunInProgress(t *testing.T) {
	w := newWorld(t, 2)
	release := w.busy()
	w.bulk("One", 1)
	answer := w.holdWrite(0)
	release()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	w.sql(`INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) VALUES (2, 'edit', 0, ?1, ?1)`, time.Now().UnixMilli())
	w.wantWake("while a run works", "running")
	answer()
	w.idle()
}

// inProgress returns what the operation run answers; nil if no run is in progress.
func (w *world) inProgress() map[string]any {
	w.Helper()
	run, _ := w.calls("run")["run"].(map[string]any)
	return run
}

func TestRunInProgressIsShown(t *testing.T) {
	w := newWorld(t, 60)
	if run := w.inProgress(); run != nil {
		t.Errorf("before: %v", run)
	}
	release := w.busy()
	for id := 1; id <= 60; id++ {
		w.stash.Change(id, titled("Clip"))
	}
	w.host.RunTask("Sync all scenes", map[string]any{"mode": "sync-all", "task": "yes"})
	answer := w.holdWrite(55)
	release()
	w.until(func() bool { return w.plex.Count("PUT", "") == 56 })
	run := map[string]any{}
	w.until(func() bool { run = w.inProgress(); return run["scene_id"] == 56.0 })
	if run["what"] != "Sync all scenes" || run["asked_by"] != "person" || run["step"] != "pushing" || run["done"] != 50.0 || run["total"] != 60.0 || run["title"] != "Clip" ||
		run["waits_for"] != "" || run["waits_until"] != nil || !strings.HasSuffix(run["text"].(string), ": 50 of 60 scenes are done") {
		t.Errorf("run = %v", run)
	}
	answer()
	w.idle()
	if _, err := os.Stat(filepath.Join(w.folder(), "run.json")); !os.IsNotExist(err) || w.inProgress() != nil {
		t.Errorf("after: %v, %v", w.inProgress(), err)
	}
}

func TestRunThatWaitsSaysForWhat(t *testing.T) {
	w := newWorld(t, 1)
	w.plex.Remove(w.keys[1])
	w.bulk("New", 1)
	run := map[string]any{}
	w.until(func() bool { run = w.inProgress(); return run != nil && run["waits_for"] == "job" })
	until, err := time.Parse(time.RFC3339, run["waits_until"].(string))
	if wait := time.Until(until); err != nil || wait < -time.Second || wait > 90*time.Second || run["asked_by"] != "hook" || run["what"] != "Process queue" || run["scene_id"] != 0.0 {
		t.Errorf("run = %v", run)
	}
	w.host.StopJob(w.stash.Jobs()[0].ID)
	w.idle()
}

func TestKilledRunIsNotShown(t *testing.T) {
	w := newWorld(t, 1)
	w.bulk("One", 1)
	w.idle()
	w.holdWrite(0)
	w.plex.Forget()
	w.bulk("Two", 1)
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	if run := w.inProgress(); run == nil {
		t.Error("the run is not shown")
	}
	if w.kill() == 0 {
		t.Fatal("there was no process")
	}
	w.idle()
	if _, err := os.Stat(filepath.Join(w.folder(), "run.json")); err != nil {
		t.Errorf("the killed run left nothing behind: %v", err)
	}
	if run := w.inProgress(); run != nil {
		t.Errorf("a killed run is shown: %v", run)
	}
}

// Readers touch neither the run lock nor what a run needs.
func TestRunsBesideReadersInALoop(t *testing.T) {
	w := newWorld(t, 30)
	over, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-over:
				done <- n
				return
			default:
			}
			if _, err := w.host.Operation(w.Context(), map[string]any{"mode": "run"}); err != nil {
				t.Error(err)
			}
			n++
		}
	}()
	for id := 1; id <= 30; id++ {
		w.edit(id, "New")
	}
	w.idle()
	close(over)
	if n := <-done; n < 10 {
		t.Errorf("only %d reads", n)
	}
	for id := 1; id <= 30; id++ {
		w.wantTitle(id, "New")
	}
	if lines := w.logged("another run"); len(lines) > 0 {
		t.Errorf("a run found the lock held: %v", lines)
	}
}

func TestSceneThatAnotherRunWillPushIsQueued(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.bulk("One", 1)
	answer := w.holdWrite(0)
	ended := make(chan map[string]any, 1)
	go func() { ended <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	w.stash.Change(2, titled("Two"))
	out := w.op(map[string]any{"mode": "sync-scene", "scene_id": 2})
	if out["queued"] != true || !strings.Contains(out["stopped"].(string), "has been running since") {
		t.Errorf("sync-scene beside a run = %v", out)
	}
	answer()
	<-ended
	w.wantTitle(2, "Two")
	out = w.op(map[string]any{"mode": "sync-scene", "scene_id": 2})
	if _, there := out["queued"]; there || out["unchanged"] != 1.0 {
		t.Errorf("sync-scene alone = %v", out)
	}
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 400})
	w.stash.Change(3, titled("Three"))
	out = w.op(map[string]any{"mode": "sync-scene", "scene_id": 3})
	if _, there := out["queued"]; there || out["dead"] != 1.0 {
		t.Errorf("sync-scene that fails = %v", out)
	}
}

func TestChosenScenesArePushed(t *testing.T) {
	w := newWorld(t, 5)
	for id := 1; id <= 5; id++ {
		w.stash.Change(id, titled("New"))
	}
	for _, ids := range []any{nil, []int{}, []int{0}, []any{"x"}, 5, make([]int, 1001)} {
		if out, err := w.host.Operation(w.context(), map[string]any{"mode": "sync-scenes", "scene_ids": ids}); err == nil || !strings.Contains(err.Error(), "args.scene_ids") {
			t.Errorf("%v: %v, %v", ids, out, err)
		}
	}
	release := w.busy()
	if out := w.op(map[string]any{"mode": "sync-scenes", "scene_ids": []any{1, "2", 2, 4}}); out["queued"] != 3.0 || out["asked"] != true {
		t.Errorf("%v", out)
	}
	if out := w.op(map[string]any{"mode": "sync-scenes", "scene_ids": []any{4}}); out["queued"] != 1.0 || out["asked"] != false {
		t.Errorf("again: %v", out)
	}
	release()
	w.idle()
	for id := 1; id <= 5; id++ {
		want := "New"
		if id == 3 || id == 5 {
			want = fmt.Sprintf("clip%d", id)
		}
		w.wantTitle(id, want)
	}
}

// A preview that a person has started on the page may take long. Edits are pushed at once meanwhile.
func TestEditDuringAPreviewOfThePageArrives(t *testing.T) {
	w := newWorld(t, 1)
	w.edit(1, "One")
	w.idle()
	release := w.stash.Hold("Running plugin task: Stash Plex Sync: preview changes")
	w.edit(1, "Two")
	w.wantTitle(1, "Two")
	release()
	w.idle()
}
