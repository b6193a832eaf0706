package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

func binary() string { return filepath.Join(pluginDir, "stash-plex-sync", "stash-plex-sync") }

func TestShellCommands(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{[]string{"version"}, 0, "stash-plex-sync dev"},
		{[]string{"help"}, 0, "plugins folder"},
		{nil, 0, "plugins folder"}, // standard input is a device, as a terminal is
		{[]string{"frobnicate"}, 2, `unknown command "frobnicate"`},
		{[]string{"status"}, 1, "needs --db FILE"},
		{[]string{"status", "--db", "/nowhere/queue.db"}, 1, "no queue found"},
		{[]string{"status", "--what"}, 1, "not \"--what\""},
		{[]string{"status", "--db"}, 1, "flag needs an argument"},
		{[]string{"status", "--json", "queue.db"}, 1, `unexpected argument "queue.db"`},
		{[]string{"status", "--help"}, 0, "--db FILE"},
		{[]string{"sign-in"}, 1, "needs --dir FOLDER"},
		{[]string{"sign-in", "--dir", "/nowhere"}, 1, "name the folder of config.yml"},
		{[]string{"sign-out", "now"}, 1, `unexpected argument "now"`},
		{[]string{"sign-out", "--help"}, 0, "sign-out --dir FOLDER"},
	} {
		cmd := exec.Command(binary(), c.args...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.out) {
			t.Errorf("%q: %v, %q; want code %d and %q", c.args, err, out, c.code, c.out)
		}
	}
}

func TestStatusFromAShell(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	w.bulk("New", 1, 2)
	out, err := exec.Command(binary(), "status", "--db", w.database()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `2 scenes to push (run "Process queue")`) {
		t.Errorf("%v: %s", err, out)
	}
	out, err = exec.Command(binary(), "status", "--db", w.database(), "--json").Output()
	var report struct{ Queue struct{ Due int } }
	if err != nil || json.Unmarshal(out, &report) != nil || report.Queue.Due != 2 {
		t.Errorf("%v: %s", err, out)
	}
	w.plex.Remove(w.keys[2])
	w.process()
	out, err = exec.Command(binary(), "status", "--db", w.database()).CombinedOutput()
	if want := "  waiting: scene 2 (not_found, 0 attempts, 1 look): Plex has no item for /data/videos/2/clip2.mp4 yet"; err != nil || !strings.Contains(string(out), want) {
		t.Errorf("%v: %s\nwant %s", err, out, want)
	}
}

// Standard output carries one answer of JSON-RPC and nothing else, whatever the call.
func TestOutputIsJSONRPCOnly(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string]string{
		"a hook":            `{"hookContext":{"id":1,"type":"Scene.Update.Post","input":null}}`,
		"a hook of garbage": `{"hookContext":[1,2,{"x":null}]}`,
		"an unknown mode":   `{"mode":"nonsense"}`,
		"no arguments":      `null`,
		"a status":          `{"mode":"status"}`,
		"a process":         `{"mode":"process"}`,
	} {
		cmd := exec.Command(binary())
		cmd.Stdin = strings.NewReader(`{"method":"RPCRunner.Run","params":[{"server_connection":{"Scheme":"http","Host":"127.0.0.1","Port":1,"Dir":` +
			fmt.Sprintf("%q", dir) + `},"args":` + args + `}],"id":0}` + "\n")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v: %s", name, err, stderr.String())
		}
		var answer struct {
			ID     *int
			Result struct{ Error *string }
			Error  any
		}
		if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil || answer.ID == nil || answer.Error != nil || bytes.Count(stdout.Bytes(), []byte("\n")) != 1 {
			t.Errorf("%s: %v, answer %q", name, err, stdout.String())
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(stderr.String(), "\n"), "\n") {
			if line != "" && (len(line) < 3 || line[0] != 1 || line[2] != 2) {
				t.Errorf("%s: a line without Stash's frame: %q", name, line)
			}
		}
	}
}

func TestInterruptEndsARunWithinASecond(t *testing.T) {
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
	for _, pid := range w.host.Processes() {
		p, err := os.FindProcess(pid)
		w.must(err)
		w.must(p.Signal(os.Interrupt))
	}
	w.until(func() bool { return len(w.host.Processes()) == 0 })
	if took := time.Since(began); took > time.Second {
		t.Errorf("the run ended after %v", took)
	}
	if n := w.count("job WHERE attempts = 0 AND unfinished = 0"); n != 60 {
		t.Errorf("%d jobs as they were, want 60", n)
	}
}

// Only a build with a tag of its own can be told to kill itself.
func TestPluginHasNoKillPoints(t *testing.T) {
	program, err := os.ReadFile(binary())
	if err != nil || bytes.Contains(program, []byte("STASH_PLEX_SYNC_KILL")) || !bytes.Contains(program, []byte("STASH_PLEX_SYNC_DIR")) {
		t.Errorf("the program names the variables of kill points, or not even the others (%v)", err)
	}
}

// The line that the README gives for cron works against a Stash with a login.
func TestScheduledLineOfTheReadmeWorks(t *testing.T) {
	w := newWorld(t, 1)
	w.stash.RequireLogin("the-api-key", 3600)
	text, err := os.ReadFile("../../README.md")
	w.must(err)
	m := regexp.MustCompile(`(?m)^\*/5 .*-H "ApiKey: YOUR_KEY".*--data '([^']+)' http://127\.0\.0\.1:9999/graphql$`).FindSubmatch(text)
	if m == nil {
		t.Fatal("the README has no such line")
	}
	release := w.busy()
	defer release()
	for key, want := range map[string]int{"the-api-key": 200, "wrong": 401} {
		req, err := http.NewRequest(http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/graphql", w.stash.Port()), bytes.NewReader(m[1]))
		w.must(err)
		req.Header.Set("ApiKey", key)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		w.must(err)
		var answer bytes.Buffer
		answer.ReadFrom(res.Body)
		res.Body.Close()
		if res.StatusCode != want || strings.Contains(answer.String(), "errors") {
			t.Errorf("key %q: %d %s", key, res.StatusCode, answer.String())
		}
	}
	jobs := w.stash.Jobs()
	if len(jobs) != 2 || jobs[1].Description != "Running plugin task: Stash Plex Sync: process queue" {
		t.Errorf("queue = %+v", jobs)
	}
}

func TestRunKeepsItsLoginWithTheAPIKey(t *testing.T) {
	w := newWorld(t, 1)
	w.stash.RequireLogin("the-api-key-0123", 3600)
	w.hostOf(pluginDir)
	w.occupied()
	w.bulk("New", 1)
	if out := w.process(); out["synced"] != 1.0 {
		t.Errorf("result = %v", out)
	}
	for _, l := range w.host.Lines() {
		if strings.Contains(l.Text, "the-api-key-0123") {
			t.Errorf("the key is in the log: %s", l.Text)
		}
	}
}

func TestDamagedQueueIsRepairedByTheNextRun(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.bulk("One", 1, 2, 3)
	w.process()
	w.must(os.WriteFile(w.database(), bytes.Repeat([]byte("damage"), 4000), 0o600))
	os.Remove(w.database() + "-wal")
	os.Remove(w.database() + "-shm")
	w.bulk("Two", 2) // the hook cannot write the queue
	if len(w.logged("left in the inbox")) != 1 {
		t.Error("the hook did not say where it left the scene")
	}
	out := w.process()
	if len(w.logged("the queue was damaged")) != 1 {
		t.Errorf("the damage is not reported: %v", out)
	}
	w.wantTitle(2, "Two")
	kept, err := filepath.Glob(w.database() + ".damaged-*")
	if err != nil || len(kept) == 0 {
		t.Error("the damaged file was not kept")
	}
}

func TestQueueOfANewerBuildIsLeftAlone(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("One", 1)
	w.sql(`PRAGMA user_version = 99`)
	w.bulk("Two", 1)
	if len(w.logged("install the newer")) == 0 || len(w.logged("left in the inbox")) == 0 {
		t.Error("the hook does not say what to do")
	}
	if _, err := w.host.Operation(w.context(), map[string]any{"mode": "process"}); err == nil || !strings.Contains(err.Error(), "install the newer") {
		t.Errorf("error = %v", err)
	}
	w.ownVersion()
	w.process()
	w.wantTitle(1, "Two")
}

func TestQueueOfADevelopmentBuildIsLeftAlone(t *testing.T) {
	w := newWorld(t, 1)
	w.occupied()
	w.bulk("One", 1)
	w.sql(`PRAGMA application_id = 0`)
	w.sql(`ALTER TABLE scene_version RENAME TO seen`)
	w.bulk("Two", 1)
	if len(w.logged("was made by a development build: move the folder")) == 0 || len(w.logged("left in the inbox")) == 0 {
		t.Error("the hook does not say what to do")
	}
	want := w.database() + " was made by a development build: move the folder " + w.folder() + " away"
	if _, err := w.host.Operation(w.context(), map[string]any{"mode": "process"}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want %q", err, want)
	}
	w.sql(fmt.Sprintf(`PRAGMA application_id = %d`, 0x53505379))
	w.sql(`ALTER TABLE seen RENAME TO scene_version`)
	w.process()
	w.wantTitle(1, "Two")
}
