package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

const pausedByYou = "paused by you since "

// calls calls an operation without arguments.
func (w *world) calls(mode string) map[string]any {
	w.Helper()
	return w.op(map[string]any{"mode": mode})
}

// wantPaused checks that an operation does nothing and says why.
func (w *world) wantPaused(out map[string]any) {
	w.Helper()
	if stopped, _ := out["stopped"].(string); !strings.HasPrefix(stopped, pausedByYou) || !strings.HasSuffix(stopped, "; nothing is pushed until you resume") {
		w.Errorf("%v, want it to be stopped by the pause", out)
	}
	if reason, _ := out["reason"].(map[string]any); reason["code"] != "pushing_paused" || reason["text"] != out["stopped"] || reason["remedy"] == "" {
		w.Errorf("%v, want the reason as a code", out)
	}
}

func TestNothingIsPushedWhilePausedAndEverythingArrivesAfterwards(t *testing.T) {
	w := newWorld(t, 4)
	w.edit(4, "First") // fills the index
	w.idle()
	release := w.busy()
	w.edit(4, "Before") // is pushed at once, and so would be the next
	w.wantTitle(4, "Before")
	out := w.calls("pause")
	if out["paused"] == nil || !strings.HasPrefix(out["text"].(string), "pushing is "+pausedByYou) {
		t.Fatalf("pause = %v", out)
	}
	w.pausedFrom(strings.ReplaceAll(w.pauseFile(), time.Now().UTC().Format("2006-01-02"), "2026-11-01"))
	if again := w.calls("pause"); again["paused"].(map[string]any)["at"].(string)[:10] != "2026-11-01" {
		t.Errorf("a second pause changes %v to %v", out, again)
	}
	w.plex.Forget()
	asked := w.stash.Asked()
	w.edit(1, "One")
	w.edit(2, "Two")
	release()
	w.idle() // the run that the first edit asked for
	w.bulk("Three", 3)
	if n := w.stash.Asked() - asked; n != 0 || w.jobs() == "" || w.count("job") != 3 || w.count("meta WHERE key = 'run_mark'") != 0 {
		t.Errorf("%d runs were asked for, the jobs are %s", n, w.jobs())
	}
	w.sql(`INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, died_at)
		VALUES (4, 'edit', 0, 1, 1, 0, 0, 'rejected', 'x', ?)`, time.Now().UnixMilli())
	for _, args := range []map[string]any{
		{"mode": "process"},
		{"mode": "process", "asked_by": "hook"},
		{"mode": "sync-all"},
		{"mode": "sync-recent"},
		{"mode": "sync-scene", "scene_id": 4},
		{"mode": "sync-scenes", "scene_ids": []int{1, 4}},
		{"mode": "retry-dead"},
		{"mode": "retry", "scene_ids": []int{1, 4}},
		{"mode": "retry", "list": "dead-letters"},
	} {
		w.wantPaused(w.op(args))
	}
	w.host.RunTask("Process queue", map[string]any{"mode": "process", "task": "yes"})
	w.host.RunTask("Sync all scenes", map[string]any{"mode": "sync-all", "task": "yes"})
	w.idle()
	if out := w.calls("wake"); out["asked"] != false || out["why"] != "paused" {
		t.Errorf("wake = %v", out)
	}
	if n := w.plex.Count("", ""); n != 0 || w.count("job") != 3 || w.count("dead_letter") != 1 {
		t.Errorf("%d requests to Plex, %d jobs, %d dead letters", n, w.count("job"), w.count("dead_letter"))
	}
	if out := w.calls("status"); out["paused"] == nil || len(w.logged("Pushing is "+pausedByYou)) != 1 || strings.Contains(w.logged("Pushing is ")[0].Text, "run \"Process queue\"") {
		t.Errorf("status = %v", out)
	}
	w.wantExplained(1, "queued", "but pushing is "+pausedByYou)
	if out := w.calls("preview"); out["would_change"] != 3.0 {
		t.Errorf("a preview while paused: %v", out)
	}
	if out := w.calls("rebuild-index"); out["stopped"] != "" {
		t.Errorf("rebuild-index while paused: %v", out)
	}
	if out := w.op(map[string]any{"mode": "restore", "scene_id": 4}); out["restored"] != 1.0 {
		t.Errorf("restore while paused: %v", out)
	}
	if w.idle(); w.writes() != 1 || w.stash.Asked() != asked+2 {
		t.Errorf("%d writes, %d tasks", w.writes(), w.stash.Asked()-asked)
	}

	if out := w.calls("resume"); out["paused"] != nil || out["asked"] != true {
		t.Errorf("resume = %v", out)
	}
	w.idle()
	for id, title := range map[int]string{1: "One", 2: "Two", 3: "Three"} {
		w.wantTitle(id, title)
	}
	if out := w.calls("resume"); out["paused"] != nil || out["asked"] != false {
		t.Errorf("a second resume = %v", out)
	}
	if out := w.calls("status"); out["paused"] != nil {
		t.Errorf("status = %v", out)
	}
	w.edit(1, "Later")
	w.idle()
	w.wantTitle(1, "Later")
}

func TestArgumentsOfAPauseAreChecked(t *testing.T) {
	w := newWorld(t, 0)
	for _, c := range []struct {
		args map[string]any
		want string // in the error
	}{
		{map[string]any{"minutes": -1}, "args.minutes is -1; it must be an integer from 0 to 43200"},
		{map[string]any{"minutes": 43_201}, "args.minutes"},
		{map[string]any{"minutes": "5"}, "args.minutes"},
		{map[string]any{"by": strings.Repeat("x", 61)}, "args.by is too long"},
		{map[string]any{"by": 5}, "args.by is 5"},
		{map[string]any{"hours": 5}, "unknown argument"},
	} {
		c.args["mode"] = "pause"
		if out, err := w.host.Operation(w.context(), c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, %v", c.args, out, err)
		}
	}
	if out := w.calls("status"); out["paused"] != nil {
		t.Errorf("paused by an invalid call: %v", out)
	}
	out := w.op(map[string]any{"mode": "pause", "minutes": 60, "by": " Ann\nof \u2028the house "})
	paused := out["paused"].(map[string]any)
	at, err := time.Parse(time.RFC3339, paused["at"].(string))
	w.must(err)
	if until, err := time.Parse(time.RFC3339, paused["until"].(string)); err != nil || until.Sub(at) != time.Hour || paused["by"] != "Ann of the house" {
		t.Errorf("%v", paused)
	}
}

func (w *world) pauseFile() string {
	w.Helper()
	content, err := os.ReadFile(filepath.Join(w.folder(), "pause.json"))
	w.must(err)
	return string(content)
}

// pausedFrom pauses as if at another time.
func (w *world) pausedFrom(content string) {
	w.Helper()
	w.must(os.WriteFile(filepath.Join(w.folder(), "pause.json"), []byte(content), 0o600))
}

func TestPauseEndsByItself(t *testing.T) {
	w := newWorld(t, 1)
	w.edit(1, "One")
	w.idle()
	now := time.Now().UTC()
	w.pausedFrom(`{"at":"` + now.Add(-time.Hour).Format(time.RFC3339) + `","by":"you","until":"` + now.Add(time.Hour).Format(time.RFC3339) + `"}`)
	w.edit(1, "Two")
	w.idle()
	w.wantTitle(1, "One")
	w.pausedFrom(`{"at":"` + now.Add(-time.Hour).Format(time.RFC3339) + `","by":"you","until":"` + now.Add(-time.Second).Format(time.RFC3339) + `"}`)
	if out := w.calls("status"); out["paused"] != nil {
		t.Errorf("status = %v", out)
	}
	if out := w.calls("wake"); out["asked"] != true {
		t.Errorf("wake = %v", out)
	}
	w.idle()
	w.wantTitle(1, "Two")
}

func TestDamagedFileOfAPauseKeepsEverythingQueuedUntilResumed(t *testing.T) {
	w := newWorld(t, 1)
	w.edit(1, "One")
	w.idle()
	w.pausedFrom("{")
	w.edit(1, "Two")
	w.idle()
	if out := w.process(); out["stopped"] != "paused, because pause.json in the data folder cannot be read; nothing is pushed until you resume" {
		t.Errorf("process = %v", out)
	}
	w.wantTitle(1, "One")
	w.calls("resume")
	w.idle()
	w.wantTitle(1, "Two")
}

func TestPauseSurvivesDamageOfTheQueue(t *testing.T) {
	w := newWorld(t, 2)
	w.edit(1, "One")
	w.idle()
	w.calls("pause")
	w.fillQueue([]byte(strings.Repeat("not a database\n", 1000)))
	asked := w.stash.Asked()
	w.plex.Forget()
	w.edit(2, "Two")
	w.idle()
	if n := w.stash.Asked() - asked; n != 0 {
		t.Errorf("%d runs were asked for", n)
	}
	w.wantPaused(w.process()) // and repairs the queue
	if len(w.logged("the queue was damaged: it was moved aside")) != 1 {
		t.Error("the queue was not repaired")
	}
	w.wantPaused(w.process())
	if n := w.plex.Count("", ""); n != 0 {
		t.Errorf("%d requests to Plex", n)
	}
	w.calls("resume")
	w.process()
	w.idle()
	w.wantTitle(2, "Two")
}

func TestRunInProgressEndsWhenPaused(t *testing.T) {
	const n = 200
	w := newWorld(t, n)
	release := w.busy()
	var all []int
	for id := range w.keys {
		all = append(all, id)
	}
	w.bulk("New", all...)
	w.plex.Inject(plextest.Fault{Method: "PUT", Delay: 20 * time.Millisecond})
	release()
	w.until(func() bool { return w.writes() >= 20 })
	w.calls("pause")
	w.idle()
	ended := w.writes()
	if ended > n/2 || len(w.logged(pausedByYou)) == 0 {
		t.Errorf("the run ended after %d writes", ended)
	}
	w.plex.Heal()
	w.calls("resume")
	w.idle()
	for _, id := range all {
		w.wantTitle(id, "New")
	}
}
