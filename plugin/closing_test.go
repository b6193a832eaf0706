package plugin

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func TestRunEndsWithOneLineAndTheSameAsJSON(t *testing.T) {
	now := time.Date(2026, 11, 24, 4, 20, 25, 600e6, time.UTC)
	for _, c := range []struct {
		name   string
		sum    engine.Summary
		counts store.Counts
		line   string
		json   string
	}{
		{
			"nothing",
			engine.Summary{},
			store.Counts{},
			"nothing to do",
			`{"synced":0,"unchanged":0,"retrying":0,"waiting":0,"dead":0,"gone":0,"skipped":0,"remaining":{"due":0,"waiting":0},"next_due_at":null,"breaker":"closed","stopped":""}`,
		},
		{
			"of everything",
			engine.Summary{Synced: 42, Unchanged: 3, Retrying: 4, Waiting: 2, Dead: 1, Gone: 5, Skipped: 6, Bare: 4},
			store.Counts{Waiting: sqlitefile.Count{N: 6}, NextDue: now.Add(31 * time.Second)},
			"42 synced, 3 unchanged, 4 to be retried, 2 waiting for Plex, 5 gone, 4 without data in Stash, 2 skipped, 1 dead letter; " +
				"6 scenes wait for a later edit or task (\"Queue status\" lists what waits)",
			`{"synced":42,"unchanged":3,"retrying":4,"waiting":2,"dead":1,"gone":5,"skipped":6,"remaining":{"due":0,"waiting":6},"next_due_at":"2026-11-24T04:20:56Z","breaker":"closed","stopped":""}`,
		},
		{
			"one waits",
			engine.Summary{Waiting: 1},
			store.Counts{Waiting: sqlitefile.Count{N: 1}, NextDue: now},
			"1 waiting for Plex; 1 scene waits for a later edit or task (\"Queue status\" lists what waits)",
			`{"synced":0,"unchanged":0,"retrying":0,"waiting":1,"dead":0,"gone":0,"skipped":0,"remaining":{"due":0,"waiting":1},"next_due_at":"2026-11-24T04:20:25Z","breaker":"closed","stopped":""}`,
		},
		{
			"ended early",
			engine.Summary{Synced: 1, Dead: 2, Stopped: "Plex is away", Class: retry.ClassServerDown},
			store.Counts{Due: sqlitefile.Count{N: 10_000, Capped: true}},
			"Plex is away (1 synced, 2 dead letters; more than 10000 scenes to push)",
			`{"synced":1,"unchanged":0,"retrying":0,"waiting":0,"dead":2,"gone":0,"skipped":0,"remaining":{"due":10000,"waiting":0,"capped":true},"next_due_at":null,"breaker":"closed","stopped":"Plex is away","stopped_class":"server_down","reason":{"code":"server_down","params":{},"text":"Plex is away","remedy":""}}`,
		},
		{
			"misconfigured",
			engine.Summary{Stopped: "Is it Plex's token?", Class: retry.ClassMisconfigured, Reason: `{"code":"paths_unknown","params":{"setting":"plexToken"}}`},
			store.Counts{Due: sqlitefile.Count{N: 1}},
			`Is it Plex's token? (1 scene to push; afterwards run "Process queue")`,
			`{"synced":0,"unchanged":0,"retrying":0,"waiting":0,"dead":0,"gone":0,"skipped":0,"remaining":{"due":1,"waiting":0},"next_due_at":null,"breaker":"closed","stopped":"Is it Plex's token?","stopped_class":"misconfigured","reason":{"code":"paths_unknown","params":{"setting":"plexToken"},"text":"Is it Plex's token?","remedy":""}}`,
		},
		{
			"ended before anything was done",
			engine.Summary{Stopped: "the run was stopped", Class: retry.ClassCancelled},
			store.Counts{},
			"the run was stopped",
			`{"synced":0,"unchanged":0,"retrying":0,"waiting":0,"dead":0,"gone":0,"skipped":0,"remaining":{"due":0,"waiting":0},"next_due_at":null,"breaker":"closed","stopped":"the run was stopped","stopped_class":"cancelled","reason":{"code":"cancelled","params":{},"text":"the run was stopped","remedy":"start the task again to continue; nothing queued was lost"}}`,
		},
	} {
		if got := closingLine(c.sum, c.counts, false); got != c.line {
			t.Errorf("%s: line %q, want %q", c.name, got, c.line)
		}
		text, err := json.Marshal(processReport(c.sum, c.counts, store.Breaker{State: store.BreakerClosed}))
		if err != nil || string(text) != c.json {
			t.Errorf("%s: JSON %s, %v\nwant %s", c.name, text, err, c.json)
		}
	}
}

func TestRunThatWaitsSaysSo(t *testing.T) {
	counts := store.Counts{Waiting: sqlitefile.Count{N: 2}, NextDue: time.Now()}
	const want = "so far: 1 synced, 2 waiting for Plex; 2 scenes wait: this task tries again for up to five minutes, or until another task is started"
	if got := closingLine(engine.Summary{Synced: 1, Waiting: 2}, counts, true); got != want {
		t.Errorf("line %q, want %q", got, want)
	}
}
