package stashtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// pluginsDir holds the plugin of testdata, built.
var pluginsDir string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stashtest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	pluginsDir = dir
	folder := filepath.Join(dir, stashtest.PluginID)
	if out, err := exec.Command("go", "build", "-o", filepath.Join(folder, stashtest.PluginID), "./testdata/plugin").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	yml, err := os.ReadFile("testdata/plugin/stash-plex-sync.yml")
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "stash-plex-sync.yml"), yml, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// world is a Stash with the plugin and three scenes.
type world struct {
	*testing.T
	*stashtest.Host
	dir string
}

func newWorld(t *testing.T, start func(*stashtest.Server) error) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("runs processes")
	}
	s, err := stashtest.New()
	if err != nil {
		t.Fatal(err)
	}
	if err := start(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	s.Add(stashtest.Scene{ID: 1, Files: []stashtest.File{{Path: "/v/1.mp4"}}}, stashtest.Scene{ID: 2}, stashtest.Scene{ID: 3})
	w := &world{T: t, dir: t.TempDir()}
	if w.Host, err = stashtest.NewHost(s, pluginsDir, w.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Host.Close)
	return w
}

func plain(s *stashtest.Server) error { return s.Start() }

// notes returns the lines that the plugin has written.
func (w *world) notes() []string {
	text, err := os.ReadFile(filepath.Join(w.dir, "notes"))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// hooks returns the hookContexts that the plugin has received.
func (w *world) hooks() []map[string]any {
	w.Helper()
	var list []map[string]any
	for _, line := range w.notes() {
		var hook map[string]any
		if err := json.Unmarshal([]byte(line), &hook); err != nil {
			w.Fatalf("%v: %s", err, line)
		}
		list = append(list, hook)
	}
	return list
}

// hold keeps the plugin in its hook.
func (w *world) hold() (release func()) {
	w.Helper()
	name := filepath.Join(w.dir, "hold")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		w.Fatal(err)
	}
	return func() { os.Remove(name) }
}

func (w *world) until(what string, f func() bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-ctx.Done():
			w.Fatalf("never %s: notes %q, queue %+v, log %+v", what, w.notes(), w.Server.Jobs(), w.Lines())
		case <-tick.C:
		}
	}
}

func (w *world) idle() {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
	defer cancel()
	if err := w.WaitIdle(ctx); err != nil {
		w.Fatal(err)
	}
}

func (w *world) logged(level, text string) bool {
	return slices.ContainsFunc(w.Lines(), func(l stashtest.Line) bool { return l.Level == level && strings.Contains(l.Text, text) })
}

func TestUpdateHookHasTheCompleteInput(t *testing.T) {
	w := newWorld(t, plain)
	w.Update(t.Context(), 1, func(s *stashtest.Scene) { s.Title, s.Tags, s.Studio = "New", []int{2}, 7 })
	got := w.hooks()
	if len(got) != 1 || got[0]["id"] != 1.0 || got[0]["type"] != "Scene.Update.Post" {
		t.Fatalf("hooks = %v", got)
	}
	input := got[0]["input"].(map[string]any)
	const keys = "clientMutationId code cover_image date details director gallery_ids groups id movies o_counter organized performer_ids" +
		" play_count play_duration primary_file_id rating100 resume_time stash_ids studio_id tag_ids title url urls"
	if have := strings.Join(slices.Sorted(maps.Keys(input)), " "); have != keys {
		t.Errorf("keys of the input: %s", have)
	}
	if input["id"] != "1" || input["title"] != "New" || input["studio_id"] != "7" || fmt.Sprint(input["tag_ids"]) != "[2]" || input["details"] != nil || input["performer_ids"] != nil {
		t.Errorf("input = %v", input)
	}
	if fields := fmt.Sprint(got[0]["inputFields"]); fields != "[title id studio_id tag_ids]" {
		t.Errorf("inputFields = %s", fields)
	}
}

func TestHooksOfManyScenesFireInOrderWithTheCompleteInput(t *testing.T) {
	w := newWorld(t, plain)
	ids := []int{3, 1, 2}
	change := func(s *stashtest.Scene) { s.Title = fmt.Sprint("New ", s.ID) }
	w.BulkUpdate(t.Context(), ids, change)
	w.UpdateMany(t.Context(), ids, change)
	w.Destroy(t.Context(), ids...)
	got := w.hooks()
	if len(got) != 9 {
		t.Fatalf("%d hooks, want 9", len(got))
	}
	for i, hook := range got {
		if hook["id"] != float64(ids[i%3]) {
			t.Errorf("hook %d is of scene %v", i, hook["id"])
		}
		switch input := hook["input"].(type) {
		case map[string]any:
			if i/3 == 1 || fmt.Sprint(input["ids"]) != "[3 1 2]" || i/3 == 2 && input["id"] != nil {
				t.Errorf("hook %d: input %v", i, input)
			}
		case []any:
			if i/3 != 1 || len(input) != 3 || input[1].(map[string]any)["title"] != "New 1" || fmt.Sprint(hook["inputFields"]) != "[title id]" {
				t.Errorf("hook %d: %v", i, hook)
			}
		default:
			t.Errorf("hook %d: input %v", i, input)
		}
	}
}

func TestHooksOfScansAndCleaningHaveAlmostNoInput(t *testing.T) {
	w := newWorld(t, plain)
	before := w.Server.Updated(1)
	w.Create(t.Context(), stashtest.Scene{ID: 9})
	w.Rescan(t.Context(), 1)
	if w.Server.Updated(1) != before {
		t.Error("a rescan moved updated_at")
	}
	w.Clean(t.Context(), 1)
	w.Destroy(t.Context(), 2)
	got := w.hooks()
	if len(got) != 4 {
		t.Fatalf("hooks = %v", got)
	}
	for i, want := range []struct {
		id   float64
		kind string
	}{{9, "Create"}, {1, "Update"}, {1, "Destroy"}, {2, "Destroy"}} {
		if got[i]["id"] != want.id || got[i]["type"] != "Scene."+want.kind+".Post" {
			t.Errorf("hook %d = %v", i, got[i])
		}
		if _, has := got[i]["inputFields"]; has || (got[i]["input"] == nil) != (i < 2) {
			t.Errorf("hook %d = %v", i, got[i])
		}
	}
	clean, destroy := got[2]["input"].(map[string]any), got[3]["input"].(map[string]any)
	if clean["id"] != "" || clean["path"] != "/v/1.mp4" || destroy["id"] != "2" {
		t.Errorf("clean %v, destroy %v", clean, destroy)
	}
}

func TestDisconnectEndsTheHookAndDropsTheRest(t *testing.T) {
	w := newWorld(t, plain)
	defer w.hold()()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.BulkUpdate(ctx, []int{1, 2, 3}, func(s *stashtest.Scene) { s.Title = "New" })
	}()
	w.until("in the first hook", func() bool { return len(w.notes()) == 1 })
	cancel()
	<-done
	w.until("stopped", func() bool { return len(w.notes()) == 2 && len(w.Processes()) == 0 })
	if notes := w.notes(); notes[1] != "stopped" {
		t.Errorf("notes = %q", notes)
	}
	if !w.logged("Error", "operation cancelled") {
		t.Errorf("log = %+v", w.Lines())
	}
}

func TestTasksWaitForEachOtherAndForStash(t *testing.T) {
	w := newWorld(t, plain)
	release := w.Server.Hold("Scanning...")
	first := w.RunTask("Echo", map[string]any{"more": true})
	second := w.RunTask("Wait", nil)
	third := w.RunTask("Echo", nil)
	var got []string
	for _, j := range w.Server.Jobs() {
		got = append(got, j.Status+" "+j.Description)
	}
	want := []string{"RUNNING Scanning...", "READY Running plugin task: Echo", "READY Running plugin task: Wait", "READY Running plugin task: Echo"}
	if !slices.Equal(got, want) {
		t.Errorf("queue = %q", got)
	}
	release()
	w.until("waiting", func() bool { return slices.Equal(w.notes(), []string{"waiting"}) })
	if jobs := w.Server.Jobs(); len(jobs) != 2 || jobs[0].ID != second || jobs[0].Status != "RUNNING" || jobs[1].ID != third || jobs[1].Status != "READY" {
		t.Errorf("queue = %+v", jobs)
	}
	if !w.logged("Debug", "Plugin returned: map[mode:echo more:true]") {
		t.Errorf("log = %+v", w.Lines())
	}
	w.StopJob(third)
	w.StopJob(second)
	w.idle()
	got = nil
	for _, j := range w.Server.Ended()[1:] {
		got = append(got, j.ID+" "+j.Status)
	}
	if want := []string{first + " FINISHED", third + " CANCELLED", second + " CANCELLED"}; !slices.Equal(got, want) {
		t.Errorf("ended = %q, want %q", got, want)
	}
}

func TestStashDoesNotWaitForATaskThatItStopped(t *testing.T) {
	w := newWorld(t, plain)
	release := w.hold()
	deaf := w.RunTask("Deaf", nil)
	w.until("waiting", func() bool { return len(w.notes()) == 1 })
	w.StopJob(deaf)
	w.RunTask("Echo", nil)
	w.idle()
	if ended := w.Server.Ended(); len(ended) != 2 || ended[0].Status != "CANCELLED" || ended[1].Status != "FINISHED" {
		t.Errorf("ended = %+v", ended)
	}
	if len(w.notes()) != 1 || len(w.Processes()) != 1 {
		t.Errorf("the first task is over: %q, %v", w.notes(), w.Processes())
	}
	release()
	w.until("over", func() bool { return len(w.notes()) == 2 && len(w.Processes()) == 0 })
}

func TestOnlyATaskThatCannotStartFails(t *testing.T) {
	w := newWorld(t, plain)
	for task, want := range map[string]string{
		"Echo": "FINISHED", "Error": "FINISHED", "Go error": "FINISHED", "Exit": "FINISHED", "No such": "FAILED",
	} {
		id := w.RunTask(task, nil)
		w.idle()
		ended := w.Server.Ended()
		last := ended[len(ended)-1]
		if last.ID != id || last.Status != want || (last.Error != "") != (want == "FAILED") {
			t.Errorf("%s: %+v", task, last)
		}
	}
	if !w.logged("Error", "Plugin returned error: what went wrong") || !w.logged("Error", "no task with name No such") || w.logged("Error", "nobody sees this") {
		t.Errorf("log = %+v", w.Lines())
	}
}

func TestOperationsReturnWhatThePluginDoes(t *testing.T) {
	w := newWorld(t, plain)
	for _, c := range []struct{ mode, want, err string }{
		{"echo", "map[mode:echo]", "<nil>"}, {"error", "<nil>", "what went wrong"}, {"go error", "<nil>", "<nil>"}, {"exit", "<nil>", "<nil>"},
	} {
		out, err := w.Operation(t.Context(), map[string]any{"mode": c.mode})
		if fmt.Sprint(out) != c.want || fmt.Sprint(err) != c.err {
			t.Errorf("%s: %v, %v", c.mode, out, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := w.Operation(ctx, map[string]any{"mode": "wait"})
		done <- err
	}()
	w.until("waiting", func() bool { return len(w.notes()) == 1 })
	cancel()
	if err := <-done; err == nil {
		t.Error("an operation whose client went away returned a result")
	}
	w.until("stopped", func() bool { return len(w.notes()) == 2 })
}

func TestKilledPluginLooksLikeOneThatReturnedNothing(t *testing.T) {
	w := newWorld(t, plain)
	done := make(chan string)
	go func() {
		out, err := w.Operation(t.Context(), map[string]any{"mode": "wait"})
		done <- fmt.Sprint(out, err)
	}()
	w.until("waiting", func() bool { return len(w.notes()) == 1 })
	for _, pid := range w.Processes() {
		if p, err := os.FindProcess(pid); err != nil || p.Kill() != nil {
			t.Errorf("process %d was not killed", pid)
		}
	}
	if got := <-done; got != "<nil> <nil>" {
		t.Errorf("Operation = %s", got)
	}
	w.until("gone", func() bool { return len(w.Processes()) == 0 })
}

func TestLogHasAllLinesWrittenBeforeTheAnswer(t *testing.T) {
	w := newWorld(t, plain)
	wait := make(chan struct{})
	go func() { // its stderr stays open
		defer close(wait)
		w.Operation(t.Context(), map[string]any{"mode": "wait"})
	}()
	w.until("waiting", func() bool { return len(w.notes()) == 1 })
	for round := range 10 {
		before := len(w.Lines())
		if _, err := w.Operation(t.Context(), map[string]any{"mode": "talk"}); err != nil {
			t.Fatal(err)
		}
		if n := len(w.Lines()) - before; n != 500 {
			t.Errorf("round %d: %d lines, want 500", round, n)
		}
	}
	for _, pid := range w.Processes() {
		if p, err := os.FindProcess(pid); err != nil || p.Kill() != nil {
			t.Errorf("process %d was not killed", pid)
		}
	}
	<-wait
}

func TestLogKeepsLevelsAndProgress(t *testing.T) {
	w := newWorld(t, plain)
	if _, err := w.Operation(t.Context(), map[string]any{"mode": "log"}); err != nil || w.Progress() != nil {
		t.Errorf("an operation: %v, progress %v", err, w.Progress())
	}
	for level, text := range map[string]string{"Debug": "debug", "Info": "info", "Warning": "warning", "Error": "error"} {
		if !w.logged(level, "[Plugin / Lab] "+text) {
			t.Errorf("no %s line: %+v", level, w.Lines())
		}
	}
	if !w.logged("Error", "[Plugin / Lab] without a level") {
		t.Errorf("log = %+v", w.Lines())
	}
	w.RunTask("Log", nil)
	w.idle()
	ended := w.Server.Ended()
	if p := w.Progress(); len(p) == 0 || p[0] != 0.25 || ended[0].Progress != 0.25 {
		t.Errorf("progress %v, job %+v", p, ended[0])
	}
}

func TestPluginReachesStashOnlyWithItsSession(t *testing.T) {
	w := newWorld(t, func(s *stashtest.Server) error {
		s.RequireLogin("the-key", 3600)
		return s.Start()
	})
	ask := func(query string, cookie bool) string {
		out, err := w.Operation(t.Context(), map[string]any{"mode": "ask", "query": query, "cookie": cookie})
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(fmt.Sprint(out))
	}
	if got := ask("{version{version}}", false); got != "401" {
		t.Errorf("without the cookie: %s", got)
	}
	if got := ask("{version{version}}", true); got != `200 {"data":{"version":{"version":"v0.30.1"}}}` {
		t.Errorf("with the cookie: %s", got)
	}
	if got := ask(`mutation{runPluginTask(plugin_id:"stash-plex-sync",task_name:"Echo",description:"own words",args_map:{n:5})}`, true); got != `200 {"data":{"runPluginTask":"1"}}` {
		t.Errorf("runPluginTask: %s", got)
	}
	w.idle()
	if ended := w.Server.Ended(); ended[0].Description != "Running plugin task: own words" || !w.logged("Debug", "map[mode:echo more:of it n:5]") {
		t.Errorf("ended = %+v, log = %+v", ended, w.Lines())
	}
	if got := ask(`mutation{runPluginOperation(plugin_id:"stash-plex-sync",args:{x:"y"})}`, true); got != `200 {"data":{"runPluginOperation":{"x":"y"}}}` {
		t.Errorf("runPluginOperation: %s", got)
	}
	if got := ask(`mutation{runPluginOperation(plugin_id:"stash-plex-sync",args:{mode:"error"})}`, true); !strings.Contains(got, `"data":{"runPluginOperation":null}`) || !strings.Contains(got, `"message":"what went wrong","path":["runPluginOperation"]`) {
		t.Errorf("runPluginOperation that fails: %s", got)
	}
}

func TestPluginGetsTheSchemeHTTPS(t *testing.T) {
	w := newWorld(t, func(s *stashtest.Server) error { return s.StartTLS() })
	out, err := w.Operation(t.Context(), map[string]any{"mode": "ask", "query": "{version{version}}"})
	if err != nil || !strings.Contains(fmt.Sprint(out), "x509") {
		t.Errorf("a client that verifies the certificate: %v, %v", out, err)
	}
}

func TestHostThatIsClosedLeavesNoProcess(t *testing.T) {
	w := newWorld(t, plain)
	w.RunTask("Wait", nil)
	w.until("waiting", func() bool { return len(w.notes()) == 1 })
	w.Host.Close()
	if notes := w.notes(); len(notes) != 2 || notes[1] != "stopped" {
		t.Errorf("notes = %q: it was not stopped, or not awaited", notes)
	}
	w.until("gone", func() bool { return len(w.Processes()) == 0 })
}
