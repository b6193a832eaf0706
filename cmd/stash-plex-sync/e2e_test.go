package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// row is what the queue says of a scene's job.
type row struct {
	attempts, misses, unfinished int
	wait                         time.Duration // until it is due
	class, err                   string
	failed                       int64
}

func (w *world) row(id string) row {
	w.Helper()
	var r row
	var due int64
	w.get(`SELECT attempts, misses, unfinished, due_at, COALESCE(last_error_class, ''), COALESCE(last_error, ''), COALESCE(first_failed_at, 0)
		FROM job WHERE scene_id = `+id, &r.attempts, &r.misses, &r.unfinished, &due, &r.class, &r.err, &r.failed)
	r.wait = time.Until(time.UnixMilli(due))
	return r
}

func (w *world) count(table string) (n int) {
	w.Helper()
	w.get(`SELECT COUNT(*) FROM `+table, &n)
	return n
}

// occupied keeps Stash busy, one job running and one waiting: no task of ours starts by itself, and no run
// waits for what is due soon. Edits are made in bulk, so that none is pushed at once.
func (w *world) occupied() {
	w.stash.Hold("Scanning...")
	w.stash.Hold("Generating...")
}

func (w *world) bulk(title string, ids ...int) {
	w.host.BulkUpdate(w.context(), ids, func(s *stashtest.Scene) { s.Title = title })
}

func TestEditedSceneArrives(t *testing.T) {
	w := newWorld(t, 3)
	release := w.busy()
	w.edit(1, "A new title")
	release()
	w.idle()
	w.wantTitle(1, "A new title")
	w.wantTitle(2, "clip2")
	if !w.plex.Item(w.keys[1]).Locked["title"] {
		t.Error("the title is not locked")
	}
}

func TestEverythingThatIsPushedArrives(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	studio, who := w.stash.Name("studio", 0, "Studio, Inc. & Co"), w.stash.Name("performer", 0, "Jane [D] O'Hara")
	tag, group := w.stash.Name("tag", 0, "A, B & C"), w.stash.Name("group", 0, "Groupe d'été")
	stars := 75
	w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Tags["genre"] = []string{"Plex's own"} })
	w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) {
		s.Title, s.Details, s.Date, s.Director, s.Rating100 = "T", "One\n\nTwo 👩‍👩‍👧 “x”", "2024-05", "Dee", &stars
		s.Studio, s.Performers, s.Tags, s.Groups = studio, []int{who}, []int{tag}, []int{group}
	})
	out := w.process()
	if out["synced"] != 1.0 {
		t.Fatalf("result = %v", out)
	}
	it := w.plex.Item(w.keys[1])
	if it.Title != "T" || it.Summary != "One\n\nTwo 👩‍👩‍👧 “x”" || it.Date != "2024-05-01" || it.Studio != "Studio, Inc. & Co" || it.Rating == nil || *it.Rating != 7.5 {
		t.Errorf("item = %+v", it)
	}
	for kind, want := range map[string]string{"actor": "Jane [D] O'Hara", "genre": "Plex's own|A, B & C", "director": "Dee", "collection": "Groupe d'été"} {
		if got := strings.Join(it.Tags[kind], "|"); got != want {
			t.Errorf("%s = %q, want %q", kind, got, want)
		}
	}
	w.plex.Forget()
	w.bulk("T", 1)
	if out := w.process(); out["unchanged"] != 1.0 || w.plex.Count("PUT", "") != 0 {
		t.Errorf("a second sync of the same: %v, %d writes", out, w.plex.Count("PUT", ""))
	}
	w.host.BulkUpdate(w.context(), []int{1}, func(s *stashtest.Scene) { s.Tags, s.Studio, s.Rating100 = nil, 0, nil })
	w.process()
	it = w.plex.Item(w.keys[1])
	if got := strings.Join(it.Tags["genre"], "|"); got != "Plex's own" || it.Studio != "" || it.Rating != nil {
		t.Errorf("after everything was taken away in Stash: %+v", it)
	}
}

func TestRetryMetadataSurvivesKillBetweenAttempts(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("New", 1)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500, Times: 1})
	w.process()
	first := w.row("1")
	if first.attempts != 1 || first.class != "temporary" || !strings.Contains(first.err, "500") || first.failed == 0 {
		t.Fatalf("after the first failure: %+v", first)
	}
	w.pass(10 * time.Second)
	w.plex.Inject(plextest.Fault{Method: "PUT", Hang: true, Times: 1})
	killed := make(chan error, 1)
	go func() { // another process, killed while it writes
		_, err := w.host.Operation(w.Context(), map[string]any{"mode": "process"})
		killed <- err
	}()
	w.until(func() bool { return w.plex.Count("PUT", "") == 2 })
	if w.kill() != 1 {
		t.Fatal("no process of the plugin was running")
	}
	<-killed
	second := w.row("1")
	if second.attempts != 1 || second.unfinished != 1 || second.failed != first.failed || second.class != "temporary" || second.wait <= 0 {
		t.Fatalf("after the kill: %+v", second)
	}
	w.wantTitle(1, "clip1")
	w.pass(20 * time.Second)
	if out := w.process(); out["synced"] != 1.0 {
		t.Fatalf("result = %v", out)
	}
	w.wantTitle(1, "New")
}

// until waits for something that another process does.
func (w *world) until(f func() bool) {
	w.Helper()
	ctx := w.context()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			w.Fatal("it never happened")
		case <-tick.C:
		}
	}
}

// killProcess ends a process as the kernel does, and reports whether it was there.
func killProcess(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Kill() == nil
}

// kill ends the plugin's processes as the kernel does, and returns how many there were.
func (w *world) kill() (killed int) {
	for _, pid := range w.host.Processes() {
		if killProcess(pid) {
			killed++
		}
	}
	return killed
}

func TestBackoffGrowsAndSpentJobsBecomeDeadLetters(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.bulk("New", 1)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	var longest time.Duration
	for attempt, seconds := range []int{5, 10, 20, 40, 80} {
		base := time.Duration(seconds) * time.Second
		w.sql(`UPDATE breaker SET consecutive_failures = 0`) // one scene's failures alone are not the point
		w.process()
		r := w.row("1")
		if r.attempts != attempt+1 || r.wait > base || r.wait < base/2-2*time.Second {
			t.Fatalf("after failure %d: %+v, want a wait between %v and %v", attempt+1, r, base/2, base)
		}
		if r.wait < longest-2*time.Second {
			t.Errorf("the wait after failure %d is %v, shorter than an earlier one of %v", attempt+1, r.wait, longest)
		}
		longest = max(longest, r.wait)
		w.pass(80 * time.Second)
	}
	w.sql(`UPDATE breaker SET consecutive_failures = 0`)
	if out := w.process(); out["dead"] != 1.0 {
		t.Fatalf("after the sixth failure: %v", out)
	}
	status := w.op(map[string]any{"mode": "status"})
	letter := status["dead_letters"].(map[string]any)["items"].([]any)[0].(map[string]any)
	if letter["scene_id"] != 1.0 || letter["class"] != "temporary" || letter["attempts"] != 6.0 || !strings.Contains(letter["error"].(string), "500") {
		t.Errorf("dead letter = %v", letter)
	}
	w.plex.Heal()
	if out := w.op(map[string]any{"mode": "retry-dead"}); out["revived"] != 1.0 {
		t.Errorf("retry-dead = %v", out)
	}
	w.process()
	w.wantTitle(1, "New")
}

func TestNotFoundWaitsLongerThanTemporaryAndArrivesWhenScanned(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.plex.Remove(w.keys[1])
	w.bulk("New", 1)
	for miss, seconds := range []int{30, 60, 120, 240, 480, 600, 600, 600, 600, 600, 600, 600} {
		base := time.Duration(seconds) * time.Second
		w.process()
		r := w.row("1")
		if r.misses != miss+1 || r.attempts != 0 || r.class != "not_found" || r.wait > base || r.wait < base/2-2*time.Second {
			t.Fatalf("after miss %d: %+v, want a wait between %v and %v", miss+1, r, base/2, base)
		}
		w.pass(600 * time.Second)
	}
	if out := w.process(); out["dead"] != 1.0 {
		t.Fatalf("after the thirteenth miss: %v", out)
	}
	// Plex scans the file at last: the dead letter comes back by itself.
	w.keys[1] = w.plex.AddItem(w.section, "/data/videos/1/clip1.mp4", 1001)
	if out := w.process(); out["synced"] != 1.0 {
		t.Fatalf("after Plex has scanned: %v", out)
	}
	w.wantTitle(1, "New")
}

func TestFiveFailuresOpenTheBreakerAndTheNextProcessMakesNoRequest(t *testing.T) {
	w := newWorld(t, 6)
	w.occupied()
	w.bulk("New", 1, 2, 3, 4, 5, 6)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	out := w.process()
	if out["breaker"] != "open" || out["retrying"] != 5.0 || !strings.Contains(out["stopped"].(string), "to try Plex now") {
		t.Fatalf("result = %v", out)
	}
	if n := w.plex.Count("PUT", ""); n != 5 {
		t.Errorf("%d writes, want 5", n)
	}
	w.plex.Heal()
	w.plex.Forget()
	out = w.op(map[string]any{"mode": "process", "asked_by": "hook"}) // another process
	if n := len(w.plex.Requests()); n != 0 {
		t.Errorf("%d requests while the breaker is open: %v", n, w.plex.Requests())
	}
	if out["breaker"] != "open" || !strings.Contains(out["stopped"].(string), "to try Plex now") {
		t.Errorf("result = %v", out)
	}
	if len(w.host.Lines()) == 0 || len(w.logged("is paused")) == 0 {
		t.Error("the pause is not in the log")
	}

	// After the recovery time: exactly one probe and one trial, and that fails.
	w.pass(61 * time.Second)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 500})
	w.op(map[string]any{"mode": "process", "asked_by": "hook"})
	w.wantOneTrial()
	if r := w.row("6"); r.attempts != 1 {
		t.Errorf("the trial took another job than the one with the fewest attempts: %+v", r)
	}
	var state string
	var wait int64
	w.get(`SELECT state, probe_at - opened_at FROM breaker`, &state, &wait)
	if state != "open" || wait != 120_000 {
		t.Errorf("after the failed trial: %s for %d ms, want open for twice as long", state, wait)
	}

	w.plex.Heal()
	w.pass(121 * time.Second)
	if out := w.op(map[string]any{"mode": "process", "asked_by": "hook"}); out["breaker"] != "closed" || out["synced"] != 6.0 {
		t.Fatalf("after Plex came back: %v", out)
	}
	if n := w.count("outage WHERE ended_at IS NOT NULL"); n != 1 {
		t.Errorf("%d outages that ended, want 1", n)
	}
}

func TestPlexOffForANightLosesNothing(t *testing.T) {
	w := newWorld(t, 5)
	w.occupied()
	w.plex.Stop()
	w.bulk("New", 1, 2, 3, 4, 5)
	for hour := range 24 {
		out := w.op(map[string]any{"mode": "process", "asked_by": "cron"})
		if out["dead"] != 0.0 || out["retrying"] != 0.0 {
			t.Fatalf("hour %d: %v", hour, out)
		}
		w.pass(time.Hour)
	}
	var attempts, misses int
	w.get(`SELECT SUM(attempts), SUM(misses) FROM job`, &attempts, &misses)
	if attempts != 0 || misses != 0 || w.count("job") != 5 {
		t.Errorf("%d jobs with %d attempts and %d misses, want 5 as before", w.count("job"), attempts, misses)
	}
	w.must(w.plex.Restart())
	if out := w.process(); out["synced"] != 5.0 {
		t.Fatalf("in the morning: %v", out)
	}
	w.wantTitle(5, "New")
}
