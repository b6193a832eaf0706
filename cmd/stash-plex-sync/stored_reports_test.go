package main

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// report returns the newest report of a kind without what differs between two runs.
func (w *world) report(kind string) map[string]any {
	w.Helper()
	r := w.op(map[string]any{"mode": "report", "kind": kind, "limit": 200})
	for _, name := range []string{"started_at", "updated_at", "finished_at"} {
		delete(r, name)
	}
	return r
}

// A task that is killed without notice leaves a readable report. The task that continues it finds the same as one that
// was not killed.
func TestKilledTaskLeavesAReport(t *testing.T) {
	const scenes = 40
	w := newWorld(t, scenes)
	w.op(map[string]any{"mode": "sync-all"})
	for _, k := range []struct{ kind, task, operation string }{
		{"preview", "Preview changes", "ScenesByID"}, {"gaps", "Compare Stash and Plex", "FileScenes"},
	} {
		w.host.RunTask(k.task, nil)
		w.idle()
		whole := w.report(k.kind)
		if whole["state"] != "done" {
			t.Fatalf("%s: %v", k.kind, whole)
		}
		w.stash.Inject(stashtest.Fault{Operation: k.operation, Delay: 2 * time.Second})
		w.stash.Forget()
		w.host.RunTask(k.task, nil)
		w.until(func() bool { return w.report(k.kind)["state"] == "running" && w.queries(k.operation) > 0 })
		w.host.RunTask(k.task, nil) // a second one waits in Stash's queue, and begins anew when the first is dead
		if w.kill() == 0 {
			t.Fatalf("%s: nothing was killed", k.kind)
		}
		w.stash.Heal()
		w.idle()
		if got := w.report(k.kind); got["state"] != "done" || !reflect.DeepEqual(got["counts"], whole["counts"]) {
			t.Errorf("%s, begun anew: %v", k.kind, got)
		}
		w.stash.Inject(stashtest.Fault{Operation: k.operation, Delay: 2 * time.Second})
		w.stash.Forget()
		w.host.RunTask(k.task, nil)
		w.until(func() bool { return w.report(k.kind)["state"] == "running" && w.queries(k.operation) > 0 })
		w.kill()
		w.stash.Heal()
		w.idle()
		dead := w.report(k.kind)
		if dead["state"] != "stopped" || !strings.Contains(fmt.Sprint(dead["stopped"]), "ended before it finished") {
			t.Errorf("%s, killed: %v", k.kind, dead)
		}
		w.host.RunTask(k.task, map[string]any{"mode": k.kind, "task": "yes", "continue": fmt.Sprintf("%.0f", dead["id"])})
		w.idle()
		got := w.report(k.kind)
		whole["id"] = dead["id"]
		if !reflect.DeepEqual(got, whole) {
			t.Errorf("%s, continued:\n%v\nwant\n%v", k.kind, got, whole)
		}
	}
}

// The comparison keeps neither scenes nor files in memory. The rest is what the allocators of Go and SQLite do not return.
func TestMemoryOfAComparisonDoesNotGrow(t *testing.T) {
	small, large := peakOfComparison(t, 10_000), peakOfComparison(t, 40_000)
	t.Logf("%d kB with 10,000 scenes and files, %d kB with 40,000", small, large)
	if small == 0 || float64(large) > 1.3*float64(small) {
		t.Errorf("%d kB with 10,000 scenes and files, %d kB with 40,000", small, large)
	}
}

// The same with ten times as many; the stand-in for Stash takes most of the time.
func BenchmarkMemoryOfAComparison(b *testing.B) {
	small, large := peakOfComparison(b, 10_000), peakOfComparison(b, 100_000)
	for b.Loop() { // it is over: what counts is no time
	}
	b.ReportMetric(float64(large)/float64(small), "x")
	b.ReportMetric(0, "ns/op")
}

// peakOfComparison returns the most memory of a comparison of n scenes with n files, in kB. Each third scene is not in
// Plex, and as many files are not in Stash.
func peakOfComparison(t testing.TB, n int) (most int) {
	t.Helper()
	w := newWorld(t, 1)
	w.op(map[string]any{"mode": "sync-all"})
	index, err := plexindex.Open(t.Context(), filepath.Dir(w.database()))
	w.must(err)
	at, err := index.State(t.Context(), w.plex.Machine(), w.section)
	w.must(err)
	var scenes []stashtest.Scene
	page := plexindex.Page{After: at}
	for i := range n {
		path := fmt.Sprintf("/data/folder %d/some long file name of a video %d.mp4", i/50, i)
		scenes = append(scenes, stashtest.Scene{Title: fmt.Sprint("Scene ", i), Files: []stashtest.File{{Path: path, Size: int64(i)}}, Updated: time.Now().Add(-time.Hour)})
		if i%3 == 0 {
			path = fmt.Sprintf("/data/other %d/only in plex %d.mp4", i/50, i)
		}
		page.Files = append(page.Files, plexindex.File{Section: w.section, RatingKey: fmt.Sprint(1_000_000 + i), Path: path, Size: int64(i)})
	}
	w.stash.Add(scenes...)
	w.must(index.Apply(t.Context(), w.plex.Machine(), page))
	w.must(index.Close())
	w.host.RunTask("Compare Stash and Plex", nil)
	for tick := time.NewTicker(2 * time.Millisecond); ; <-tick.C {
		for _, pid := range w.host.Processes() {
			most = max(most, peakKB(pid))
		}
		if jobs := w.stash.Jobs(); len(jobs) == 0 {
			break
		}
	}
	r := w.report("gaps")
	third := float64((n + 2) / 3)
	if c := r["counts"].(map[string]any); r["state"] != "done" || c["not_in_plex"] != third || c["not_in_stash"] != third || r["capped"] != (third > 10_000) {
		t.Errorf("with %d: %v", n, r)
	}
	return most
}
