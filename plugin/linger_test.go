package plugin

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
)

// unscanned starts a Stash with scenes that Plex does not have yet, and a Plex without files.
func unscanned(t *testing.T, scenes int) (*stashtest.Server, common.StashServerConnection) {
	t.Helper()
	stash, plex, _, conn := servers(t)
	for id := 1; id <= scenes; id++ {
		stash.Add(stashtest.Scene{ID: id, Title: "New", Files: []stashtest.File{{Path: "/data/a.mp4", Size: 1}}})
	}
	stash.SetSettings(ID, map[string]any{"plexUrl": plex.URL(), "plexToken": "token-123"})
	return stash, conn
}

func TestOperationReturnsOnceNothingIsDue(t *testing.T) {
	const scenes = 120
	for _, mode := range []string{"sync-all", "sync-recent", "process"} {
		_, conn := unscanned(t, scenes)
		began := time.Now()
		var report ProcessReport
		for _, mode := range []string{"sync-all", mode} { // what the first one leaves waits for the second
			var out common.PluginOutput
			input := common.PluginInput{ServerConnection: conn, Args: common.ArgsMap{"mode": mode}}
			if err := NewRunner("1", &logBuffer{}).Run(input, &out); err != nil || out.Error != nil {
				t.Fatalf("%s: Run = %v, output %+v", mode, err, out)
			}
			if err := json.Unmarshal(out.Output.(json.RawMessage), &report); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: the operation took %v, want it to return with jobs waiting", mode, took)
		}
		if report.Remaining != (status.Remaining{Waiting: scenes}) || report.NextDueAt == nil || report.NextDueAt.Before(began) || time.Until(*report.NextDueAt) > time.Minute {
			t.Errorf("%s: %+v, next %v; want every scene to wait for a time that is near", mode, report.Remaining, report.NextDueAt)
		}
	}
}

func TestTaskWaitsForJobsThatAreDueSoon(t *testing.T) {
	for _, mode := range []string{"sync-all", "sync-recent", "process"} {
		stash, conn := unscanned(t, 1)
		r := NewRunner("1", &logBuffer{})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if mode == "process" { // there has to be a job
				operation := common.PluginInput{ServerConnection: conn, Args: common.ArgsMap{"mode": "sync-all"}}
				NewRunner("1", &logBuffer{}).Run(operation, &common.PluginOutput{})
			}
			r.Run(common.PluginInput{ServerConnection: conn, Args: common.ArgsMap{"mode": mode, asTask: "yes"}}, &common.PluginOutput{})
		}()
		deadline, looks := time.After(20*time.Second), 0
		for waiting := true; waiting && looks < 2; { // a run that waits looks at Stash's queue every two seconds
			select {
			case <-ended:
				t.Errorf("%s: the task ended with a job waiting", mode)
				waiting = false
			case <-deadline:
				t.Fatalf("%s: the task neither waits nor ends", mode)
			case <-time.After(50 * time.Millisecond):
			}
			looks = 0
			for _, q := range stash.Queries() {
				if q.Operation == "JobQueue" {
					looks++
				}
			}
		}
		r.Cancel()
		<-ended
	}
}
