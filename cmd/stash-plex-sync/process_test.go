package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/hook"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func TestSecondProcessLeavesWithinTwoSecondsAndItsJobIsProcessed(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.bulk("New", 1)
	answer := w.holdWrite(0)
	first := make(chan map[string]any, 1)
	go func() { first <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	w.bulk("Newer", 2)
	began := time.Now()
	out := w.process()
	if took := time.Since(began); took > 2500*time.Millisecond || !strings.Contains(fmt.Sprint(out["stopped"]), "has been running since ") {
		t.Errorf("the second process took %v and said %v", took, out["stopped"])
	}
	answer()
	if out := <-first; out["synced"] != 2.0 {
		t.Errorf("the first process: %v", out)
	}
	w.wantTitle(2, "Newer")
}

func TestTwoEditsAroundTheEndOfARunBothArrive(t *testing.T) {
	w := newWorld(t, 2)
	release := w.stash.Hold("Scanning...")
	w.bulk("New", 1)
	behind := w.stash.Hold("Generating...")
	release()
	w.until(func() bool { return w.plex.Item(w.keys[1]).Title == "New" })
	w.until(func() bool { return len(w.stash.Jobs()) == 1 })
	w.sql(`UPDATE meta SET at = at - 9000 WHERE key = 'run_mark'`) // 9 s later
	w.bulk("New", 2)
	behind()
	w.until(func() bool { return w.plex.Item(w.keys[2]).Title == "New" })
}

func TestEditDuringItsPushIsPushedAgain(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("First", 1)
	answer := w.holdWrite(0)
	out := make(chan map[string]any, 1)
	go func() { out <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	w.bulk("Second", 1)
	answer()
	if got := <-out; got["synced"] != 1.0 { // one scene, pushed twice
		t.Errorf("result = %v", got)
	}
	w.wantTitle(1, "Second")
}

func TestBulkChangeWhoseClientDisconnectsLosesNone(t *testing.T) {
	w := newWorld(t, 300)
	w.occupied()
	var all []int
	for id := 1; id <= 300; id++ {
		all = append(all, id)
	}
	ctx, cancel := context.WithCancel(w.context())
	go func() {
		w.until(func() bool { return len(w.host.Processes()) > 0 })
		cancel() // while the first hook runs
	}()
	w.host.BulkUpdate(ctx, all, func(s *stashtest.Scene) { s.Title = "Bulk" })
	w.until(func() bool { return len(w.host.Processes()) == 0 })
	if n := w.count("job"); n != 300 {
		t.Fatalf("%d jobs after the client went away, want 300", n)
	}
	if out := w.process(); out["synced"] != 300.0 {
		t.Errorf("result = %v", out)
	}
	if w.host.Progress() != nil {
		t.Error("an operation reported progress")
	}
}

func TestManyHookProcessesAtOnceLoseNothing(t *testing.T) {
	w := newWorld(t, 20)
	w.occupied()
	var wg sync.WaitGroup
	for id := 1; id <= 20; id++ { // all of them find no database
		wg.Go(func() { w.bulk("New", id) })
	}
	wg.Wait()
	if n := w.count("job"); n != 20 {
		t.Errorf("%d jobs, want 20", n)
	}
	for _, l := range w.host.Lines() {
		if l.Level == "Error" || strings.Contains(l.Text, "locked") {
			t.Errorf("%s %s", l.Level, l.Text)
		}
	}
}

func TestRefusedTokenLeavesEveryJobWhereItWas(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.settings(map[string]any{"plexToken": "wrong-" + token})
	w.bulk("New", 1, 2, 3)
	out := w.process()
	if out["stopped_class"] != "unauthorised" || !strings.Contains(fmt.Sprint(out["stopped"]), "plexToken") || out["breaker"] != "closed" {
		t.Errorf("result = %v", out)
	}
	if n := len(w.logged("plexToken")); n != 1 {
		t.Errorf("%d lines about the token, want one", n)
	}
	if n := w.count("job WHERE attempts = 0 AND misses = 0 AND unfinished = 0 AND last_error IS NULL"); n != 3 {
		t.Errorf("%d jobs as they were, want 3", n)
	}
	w.settings(nil)
	if out := w.process(); out["synced"] != 3.0 {
		t.Errorf("with the right token: %v", out)
	}
}

func TestUnsetAddressIsOneClearMessage(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("New", 1)
	w.settings(map[string]any{"plexUrl": ""})
	out := w.process()
	if out["stopped_class"] != "misconfigured" {
		t.Errorf("result = %v", out)
	}
	var lines []string
	for _, l := range w.host.Lines() {
		if l.Level == "Error" || l.Level == "Warning" {
			lines = append(lines, l.Text)
		}
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "plexUrl") || !strings.Contains(lines[0], "http://192.168.1.5:32400") {
		t.Errorf("messages: %q", lines)
	}
	if n := w.count("job"); n != 1 {
		t.Errorf("%d jobs, want 1", n)
	}
}

func TestStashThatDoesNotAnswerSpendsNothing(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.bulk("New", 1, 2, 3)
	w.stash.Inject(stashtest.Fault{Operation: "ScenesByID", Status: 500})
	out := w.process()
	if out["stopped_class"] != "stash_unavailable" || out["breaker"] != "closed" {
		t.Errorf("result = %v", out)
	}
	if n := w.count("job WHERE attempts = 0 AND misses = 0 AND unfinished = 0 AND due_at <= (unixepoch() + 1) * 1000"); n != 3 {
		t.Errorf("%d jobs as they were, want 3", n)
	}
	w.stash.Heal()
	w.stash.Break(2)
	w.stash.Drop(3)
	if out := w.process(); out["synced"] != 1.0 || out["retrying"] != 1.0 || out["gone"] != 1.0 {
		t.Errorf("with one scene that cannot be read and one gone: %v", out)
	}
}

func TestStopEndsARunWithinASecond(t *testing.T) {
	w := newWorld(t, 60)
	release := w.stash.Hold("Scanning...")
	var all []int
	for id := 1; id <= 60; id++ {
		all = append(all, id)
	}
	w.bulk("New", all...)
	w.plex.Inject(plextest.Fault{Method: "PUT", Hang: true})
	release()
	w.until(func() bool { return w.plex.Count("PUT", "") == 1 })
	began := time.Now()
	for _, j := range w.stash.Jobs() {
		w.host.StopJob(j.ID)
	}
	w.until(func() bool { return len(w.host.Processes()) == 0 })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the run ended after %v", took)
	}
	if n := w.count("job WHERE attempts = 0 AND unfinished = 0 AND due_at <= (unixepoch() + 1) * 1000"); n != 60 {
		t.Errorf("%d jobs as they were, want 60", n)
	}
	if len(w.logged("stopped")) == 0 {
		t.Error("the stop is not in the log")
	}
}

func TestTasksReportProgressThatNeverGoesBack(t *testing.T) {
	w := newWorld(t, 120)
	for id := 1; id <= 120; id++ {
		w.stash.Change(id, func(s *stashtest.Scene) { s.Title = "New" })
	}
	w.host.RunTask("Sync all scenes", nil)
	w.idle()
	last := 0.0
	for _, p := range w.host.Progress() {
		if p < last || p > 1 {
			t.Errorf("progress %v after %v", p, last)
		}
		last = p
	}
	if last == 0 {
		t.Error("no progress was reported")
	}
	if out := w.op(map[string]any{"mode": "status"}); out["links"] != 120.0 {
		t.Errorf("status = %v", out)
	}
}

func TestProgressStaysWhenTheQueueGrows(t *testing.T) {
	w := newWorld(t, 160)
	change := func(from, to int) {
		var ids []string
		for id := from; id <= to; id++ {
			w.stash.Change(id, titled("New"))
			ids = append(ids, strconv.Itoa(id))
		}
		w.host.Fire(w.context(), hook.SceneUpdatePost, from, map[string]any{"ids": ids}, []string{"ids"}) // the first of all
	}
	release := w.busy()
	change(1, 60)
	answer := w.holdWrite(55)
	release()
	w.until(func() bool { return w.plex.Count("PUT", "") > 55 }) // half of the second batch
	change(61, 160)
	answer()
	w.idle()
	steps := w.host.Progress()
	if len(steps) < 2 || !slices.IsSorted(steps) || steps[0] <= 0 || steps[len(steps)-1] != 1 {
		t.Errorf("progress %v, want it to grow to 1", steps)
	}
	if lines := w.logged("160 synced"); len(lines) != 1 || lines[0].Level != "Info" {
		t.Errorf("the run's last line: %v", lines)
	}
}

func TestPersonsEditIsPushedAtOnceWhileStashIsBusy(t *testing.T) {
	w := newWorld(t, 2)
	w.bulk("First", 1, 2)
	w.idle()
	w.occupied()
	w.edit(1, "At once")
	w.wantTitle(1, "At once")
	w.edit(2, "At once too") // the mark is fresh: it learns from it that Stash is busy
	w.wantTitle(2, "At once too")
	w.plex.LockDatabase()
	began := time.Now()
	w.edit(1, "Later")
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("saving took %v", took)
	}
	if n := w.count("job WHERE attempts = 0"); n != 1 {
		t.Errorf("%d jobs that were not charged, want 1", n)
	}
}

func TestEveryTaskRuns(t *testing.T) {
	w := newWorld(t, 2)
	w.stash.Change(1, func(s *stashtest.Scene) { s.Title = "New" })
	w.host.RunTask("Sync all scenes", nil)
	w.idle()
	for _, task := range w.host.Plugin().Tasks {
		w.host.RunTask(task.Name, nil)
		w.idle()
	}
	for _, l := range w.host.Lines() {
		if l.Level == "Error" || l.Level == "Warning" {
			t.Errorf("%s %s", l.Level, l.Text)
		}
	}
	check := w.op(map[string]any{"mode": "check"})
	if check["ok"] != true || len(check["samples"].([]any)) != 2 || check["samples"].([]any)[0].(map[string]any)["rule"] != "path" {
		t.Errorf("check = %v", check)
	}
	if out := w.op(map[string]any{"mode": "sync-recent", "hours": 1.0}); out["unchanged"] == nil {
		t.Errorf("sync-recent = %v", out)
	}
}

func TestOneSceneIsPushedAndExplained(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	explain := func(id int) string {
		return fmt.Sprint(w.op(map[string]any{"mode": "explain", "scene_id": float64(id)})["state"])
	}
	if got := explain(1); got != "unknown" {
		t.Errorf("a scene that was never pushed: %s", got)
	}
	w.stash.Change(1, func(s *stashtest.Scene) { s.Title = "Now" })
	if out := w.op(map[string]any{"mode": "sync-scene", "scene_id": "1"}); out["synced"] != 1.0 {
		t.Errorf("sync-scene = %v", out)
	}
	w.wantTitle(1, "Now")
	if got := explain(1); got != "synced" {
		t.Errorf("a scene that was pushed: %s", got)
	}
	w.plex.Remove(w.keys[2])
	w.bulk("New", 2)
	if got := explain(2); got != "queued" {
		t.Errorf("a scene that is due: %s", got)
	}
	w.process()
	if got := explain(2); got != "waiting" {
		t.Errorf("a scene that Plex does not hold: %s", got)
	}
	w.host.Destroy(w.context(), 2)
	if got := explain(2); got != "unknown" || w.count("job") != 0 {
		t.Errorf("a scene that was destroyed: %s, %d jobs", got, w.count("job"))
	}
	for _, args := range []map[string]any{{"mode": "explain"}, {"mode": "sync-scene", "scene_id": "x"}, {"mode": "sync-recent", "hours": -1.0}} {
		if _, err := w.host.Operation(w.context(), args); err == nil {
			t.Errorf("%v was accepted", args)
		}
	}
}

func TestCheckFindsTheSettingsOfThePluginUsedBefore(t *testing.T) {
	w := newWorld(t, 1)
	w.stash.SetSettings("stash-plex-sync", map[string]any{})
	w.stash.SetSettings("Stash2Plex", map[string]any{"plex_url": "http://nas:32400", "plex_token": "former-secret-token", "plex_library": "Clips"})
	out := w.op(map[string]any{"mode": "check"})
	text := fmt.Sprint(out)
	if out["ok"] != false || !strings.Contains(text, "Stash2Plex") || !strings.Contains(text, "http://nas:32400") || !strings.Contains(text, "Clips") {
		t.Errorf("check = %v", out)
	}
	if strings.Contains(text, "former-secret") || len(w.logged("former-secret")) > 0 {
		t.Error("the token of the other plugin is told")
	}
	for _, q := range w.stash.Queries() {
		if strings.HasPrefix(q.Operation, "Configure") {
			t.Errorf("the plugin writes settings: %v", q)
		}
	}
	w.settings(nil)
	if out := w.op(map[string]any{"mode": "check"}); strings.Contains(fmt.Sprint(out), "Stash2Plex") {
		t.Errorf("with settings of its own: %v", out)
	}
}
