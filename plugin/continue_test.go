package plugin

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// crowd is a Stash and a Plex that has the files of its scenes. Another job always waits in the queue of the Stash.
type crowd struct {
	*testing.T
	stash *stashtest.Server
	plex  *plextest.Server
	keys  []string
	conn  common.StashServerConnection
}

func newCrowd(t *testing.T, scenes int) *crowd {
	t.Helper()
	stash, plex, section, conn := servers(t)
	c := &crowd{t, stash, plex, nil, conn}
	for id := 1; id <= scenes; id++ {
		path := fmt.Sprintf("/data/clip%d.mp4", id)
		stash.Add(stashtest.Scene{ID: id, Title: "New", Files: []stashtest.File{{Path: path, Size: int64(id)}}})
		c.keys = append(c.keys, plex.AddItem(section, path, int64(id)))
	}
	stash.SetSettings(ID, map[string]any{"plexUrl": plex.URL(), "plexToken": "token-123"})
	return c
}

// start runs a task that began a minute ago, so that it yields at the first chance, and returns its log and the tasks
// that it asked Stash for.
func (c *crowd) start(args common.ArgsMap) (log string, asked []map[string]any) {
	c.Helper()
	c.stash.Forget()
	var lines logBuffer
	r := NewRunner("1", &lines)
	r.began = time.Now().Add(-time.Minute)
	all := common.ArgsMap{asTask: "yes"}
	maps.Copy(all, args)
	var out common.PluginOutput
	if err := r.Run(common.PluginInput{ServerConnection: c.conn, Args: all}, &out); err != nil || out.Error != nil {
		c.Fatalf("Run = %v, output %+v", err, out)
	}
	for _, q := range c.stash.Queries() {
		if q.Operation == "RunPluginTask" {
			asked = append(asked, q.Variables)
		}
	}
	return lines.String(), asked
}

// toTheEnd runs a task and the tasks that continue it, and returns their number and all of their log.
func (c *crowd) toTheEnd(args common.ArgsMap, task, description string) (parts int, log string) {
	c.Helper()
	for parts = 1; parts < 10; parts++ {
		lines, asked := c.start(args)
		log += lines
		if !strings.Contains(lines, "other Stash jobs are waiting") {
			return parts, log
		}
		if len(asked) == 0 && parts > 1 && task == taskName { // one run waits already, since nobody takes it here
			continue
		}
		if len(asked) != 1 {
			c.Fatalf("it asked for %v", asked)
		}
		next, ok := asked[0]["args"].(map[string]any)
		if !ok || asked[0]["task"] != task || asked[0]["description"] != description {
			c.Fatalf("it asked for %v", asked)
		}
		args = common.ArgsMap{}
		for key, value := range next {
			args[key] = value
		}
	}
	c.Fatalf("it does not end: %s", log)
	return 0, ""
}

func (c *crowd) wantTitles(title func(id int) string) {
	c.Helper()
	for i, key := range c.keys {
		if got := c.plex.Item(key).Title; got != title(i+1) {
			c.Errorf("Plex shows scene %d as %q, want %q", i+1, got, title(i+1))
		}
	}
}

func TestTasksThatMakeRoomAreContinued(t *testing.T) {
	const scenes = 6
	c := newCrowd(t, scenes)
	c.stash.Hold("our own task")
	c.stash.Hold("Scanning...")

	parts, log := c.toTheEnd(common.ArgsMap{"mode": "preview"}, "Preview changes", engine.PreviewDescription)
	if parts < 3 || !strings.Contains(log, "6 of 6 scenes would change") || !strings.Contains(log, `other Stash jobs are waiting: "Preview changes" continues behind them`) {
		t.Errorf("a preview in %d parts: %s", parts, log)
	}
	c.wantTitles(func(id int) string { return fmt.Sprintf("clip%d", id) })

	if _, log = c.toTheEnd(common.ArgsMap{"mode": "sync-all"}, taskName, taskLabel); !strings.Contains(log, "other Stash jobs are waiting; another run is queued behind them") {
		t.Errorf("a sync: %s", log)
	}
	c.wantTitles(func(int) string { return "New" })

	parts, log = c.toTheEnd(common.ArgsMap{"mode": "restore"}, restoreTask, engine.RestoreDescription)
	if parts < 3 || !strings.Contains(log, `other Stash jobs are waiting: "Restore Plex metadata" continues behind them; so far: restored`) {
		t.Errorf("a restore in %d parts: %s", parts, log)
	}
	c.wantTitles(func(id int) string { return fmt.Sprintf("clip%d", id) })
}

// An operation is not in Stash's queue, so nobody waits for its end.
func TestReportsOfOperationsDoNotMakeRoom(t *testing.T) {
	c := newCrowd(t, 6)
	c.stash.Hold("our own task")
	c.stash.Hold("Scanning...")
	if log, asked := c.start(common.ArgsMap{"mode": "preview", asTask: ""}); len(asked) != 0 || !strings.Contains(log, "6 scenes would change") {
		t.Errorf("it asked for %v: %s", asked, log)
	}
}

func TestTaskThatCannotBeContinuedSaysSo(t *testing.T) {
	c := newCrowd(t, 6)
	c.stash.Hold("our own task")
	c.stash.Hold("Scanning...")
	c.stash.Inject(stashtest.Fault{Operation: "RunPluginTask", Message: "the queue is full"})
	if log, _ := c.start(common.ArgsMap{"mode": "preview"}); !strings.Contains(log, `other Stash jobs are waiting: start "Preview changes" again when they have ended`) {
		t.Errorf("the log is %s", log)
	}
}

// Whoever may run plugin tasks may pass any position. One that cannot be meant restores nothing, and numbers of any size
// end a task at worst at once.
func TestAbsurdPositionsDoNoHarm(t *testing.T) {
	c := newCrowd(t, 2)
	if log, _ := c.start(common.ArgsMap{"mode": "sync-all"}); !strings.Contains(log, "2 synced") {
		t.Fatalf("the scenes are not synced: %s", log)
	}
	for _, args := range []common.ArgsMap{
		{continueArg: "{"},
		{continueArg: 1.0},
		{continueArg: map[string]any{"after": ""}},
		{continueArg: `{"after":5}`},
		{continueArg: "{}", "scene_id": 1.0},
	} {
		args["mode"] = "restore"
		var out common.PluginOutput
		if err := NewRunner("1", &logBuffer{}).Run(common.PluginInput{ServerConnection: c.conn, Args: args}, &out); err != nil || out.Error == nil || !strings.Contains(*out.Error, "args.continue") {
			t.Errorf("%v: Run = %v, output %+v", args, err, out)
		}
	}
	c.wantTitles(func(int) string { return "New" })
	for _, position := range []string{
		`{"After":-9223372036854775808,"Counts":{"WouldChange":-5,"ByField":{"a\nb":1}}}`,
		`{"After":9223372036854775807,"Counts":{"Unchanged":9223372036854775807,"Failed":9223372036854775807,"ByField":null}}`,
	} {
		var out common.PluginOutput
		log := &logBuffer{}
		if err := NewRunner("1", log).Run(common.PluginInput{ServerConnection: c.conn, Args: common.ArgsMap{"mode": "preview", continueArg: position}}, &out); err != nil || out.Error != nil {
			t.Errorf("%s: Run = %v, output %+v", position, err, out)
		}
		if strings.Contains(log.String(), "a\nb") {
			t.Errorf("%s: a line of the log is broken: %s", position, log)
		}
	}
}
