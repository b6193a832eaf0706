package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
)

// logBuffer is a standard error that goroutines may share.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	bug  string // the first write panics with it
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bug := l.bug; bug != "" {
		l.bug = ""
		panic(bug)
	}
	return l.text.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestPanicBecomesTheOutputsError(t *testing.T) {
	log := &logBuffer{bug: "oops"}
	var out common.PluginOutput
	err := NewRunner("1.2.3", log).Run(common.PluginInput{Args: common.ArgsMap{"hookContext": "garbage"}}, &out)
	if err != nil || out.Error == nil || !strings.Contains(*out.Error, "oops") || !strings.Contains(*out.Error, "1.2.3") {
		t.Errorf("Run = %v, output %+v; want the panic and the version in output.Error", err, out)
	}
	if got := log.String(); !strings.HasPrefix(got, "\x01e\x02") || !strings.Contains(got, "oops") || strings.Count(got, "\n") != 1 {
		t.Errorf("log = %q, want one line at error level", got)
	}
}

func TestResultContainsNoSecret(t *testing.T) {
	log := stashlog.New(&logBuffer{}, nil)
	for _, secret := range []string{"hunter2hunter2", "hunter2&hunter2", `hunter2"\<hunter2>`} {
		log.AddSecret(secret)
		for _, logged := range []bool{false, true} {
			result, err := shown(map[string]any{"list": []string{"it is " + secret}}, logged, log)
			text, encodeErr := json.Marshal(result)
			if err != nil || encodeErr != nil || strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "***") {
				t.Errorf("%s, for the log %v: %s, %v, %v", secret, logged, text, err, encodeErr)
			}
		}
	}
}

// Stash drops a Go error of Run.
func TestFailureIsInTheOutputAndNeverAGoError(t *testing.T) {
	t.Setenv("STASH_PLEX_SYNC_DIR", "") // no folder, so nothing can work
	for _, args := range []common.ArgsMap{
		nil,
		{"mode": "nonsense"},
		{"mode": 7},
		{"mode": "process"},
		{"mode": "status"},
		{"mode": "sync-scene"},
		{"hookContext": map[string]any{"id": 1.0, "type": "Scene.Update.Post"}},
	} {
		var out common.PluginOutput
		if err := NewRunner("1", &logBuffer{}).Run(common.PluginInput{Args: args}, &out); err != nil || out.Error == nil || *out.Error == "" {
			t.Errorf("%v: Run = %v, output %+v; want a text in output.Error", args, err, out)
		}
	}
}

// servers starts a Stash and a Plex with one library, and returns the id of the library and how to reach Stash.
func servers(t *testing.T) (stash *stashtest.Server, plex *plextest.Server, section string, conn common.StashServerConnection) {
	t.Helper()
	stash, err := stashtest.New()
	if err != nil {
		t.Fatal(err)
	}
	plex = plextest.New("token-123")
	for _, start := range []func() error{stash.Start, plex.Start} {
		if err := start(); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(stash.Stop)
	t.Cleanup(plex.Stop)
	return stash, plex, plex.AddSection("Videos", "movie"), common.StashServerConnection{Scheme: "http", Host: "127.0.0.1", Port: stash.Port(), Dir: t.TempDir()}
}

// Stash may kill the process as soon as Run has answered: what is logged later is lost, or half a line.
func TestNothingIsLoggedAfterRunHasReturned(t *testing.T) {
	stash, plex, section, conn := servers(t)
	stash.Add(stashtest.Scene{ID: 1, Title: "New", Files: []stashtest.File{{Path: "/data/a.mp4", Size: 1}}})
	plex.AddItem(section, "/data/a.mp4", 1)
	stash.SetSettings(ID, map[string]any{"plexUrl": plex.URL(), "plexToken": "token-123", "debugLog": true})
	stash.Hold("Scanning...") // busy, with another job after it: a person's edit is pushed at once, no run waits
	stash.Hold("Generating...")
	input := common.PluginInput{ServerConnection: conn}
	logs := make(map[string]*logBuffer)
	texts := make(map[string]string)
	for _, c := range []struct {
		name string
		args common.ArgsMap
	}{
		{"a hook", common.ArgsMap{"hookContext": map[string]any{
			"id": 1.0, "type": "Scene.Update.Post", "input": map[string]any{"id": "1"}, "inputFields": []any{"id"},
		}}},
		{"a process", common.ArgsMap{"mode": "process"}},
		{"a hook of garbage", common.ArgsMap{"hookContext": "garbage"}},
		{"a status", common.ArgsMap{"mode": "status"}},
	} {
		var out common.PluginOutput
		log := &logBuffer{}
		input.Args = c.args
		if err := NewRunner("1", log).Run(input, &out); err != nil || out.Error != nil {
			t.Fatalf("%s: Run = %v, output %+v", c.name, err, out)
		}
		logs[c.name], texts[c.name] = log, log.String()
	}
	if !strings.Contains(texts["a process"], "took=") || texts["a hook"] == "" {
		t.Errorf("too little was logged to prove anything: %q", texts)
	}
	<-time.After(1200 * time.Millisecond) // longer than the tick of parent.Watch
	for name, log := range logs {
		if late := log.String()[len(texts[name]):]; late != "" {
			t.Errorf("%s: logged after its end: %q", name, late)
		}
	}
}

func TestCancelledRunIsNoFailure(t *testing.T) {
	r := NewRunner("1", &logBuffer{})
	r.Cancel()
	var out common.PluginOutput
	input := common.PluginInput{
		ServerConnection: common.StashServerConnection{Scheme: "http", Host: "127.0.0.1", Port: 1, Dir: t.TempDir()},
		Args:             common.ArgsMap{"mode": "process"},
	}
	err := r.Run(input, &out)
	if text := fmt.Sprintf("%s", out.Output); err != nil || out.Error != nil || !strings.Contains(text, `"stopped_class":"cancelled"`) {
		t.Errorf("Run = %v, output %s, %v; want the report of a run that was stopped", err, text, out.Error)
	}
}
