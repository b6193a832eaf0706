package plugin

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func (c *crowd) dataDir() string { return filepath.Join(c.conn.Dir, ID) }

// call calls an operation, or a task, and returns its answer, or its error.
func (c *crowd) call(args common.ArgsMap) (answer map[string]any, failure string) {
	c.Helper()
	var out common.PluginOutput
	if err := NewRunner("1", &logBuffer{}).Run(common.PluginInput{ServerConnection: c.conn, Args: args}, &out); err != nil {
		c.Fatal(err)
	}
	if out.Error != nil {
		return nil, *out.Error
	}
	text, err := json.Marshal(out.Output)
	if err != nil || json.Unmarshal(text, &answer) != nil && !isTask(args) { // that of a task may be too long for the log
		c.Fatalf("%s, %v", text, err)
	}
	if len(text) > 1<<20 {
		c.Errorf("%v: an answer of %d bytes", args, len(text))
	}
	return answer, ""
}

func (c *crowd) must(args common.ArgsMap) map[string]any {
	c.Helper()
	answer, failure := c.call(args)
	if failure != "" {
		c.Fatalf("%v: %s", args, failure)
	}
	return answer
}

// latest returns the newest report of a kind with all of its rows, without its id and times.
func (c *crowd) latest(kind string) map[string]any {
	c.Helper()
	whole := c.must(common.ArgsMap{"mode": "report", "kind": kind, "limit": 2.0})
	rows := whole["rows"].([]any)
	for next := whole["next"]; next != 0.0; {
		page := c.must(common.ArgsMap{"mode": "report", "id": whole["id"], "limit": 2.0, "cursor": next})
		rows, next = append(rows, page["rows"].([]any)...), page["next"]
	}
	whole["rows"] = rows
	for _, name := range []string{"id", "started_at", "updated_at", "finished_at", "next"} {
		delete(whole, name)
	}
	return whole
}

func (c *crowd) latestID(kind string) int64 {
	c.Helper()
	return int64(c.must(common.ArgsMap{"mode": "report", "kind": kind})["id"].(float64))
}

// task runs a task to its end, without another job in Stash's queue.
func (c *crowd) task(args common.ArgsMap) map[string]any {
	c.Helper()
	all := common.ArgsMap{asTask: "yes"}
	maps.Copy(all, args)
	return c.must(all)
}

// mixed adds scenes of which some are not in Plex, and files of Plex without a scene, to a crowd.
func (c *crowd) mixed(section string) {
	for id := 101; id <= 103; id++ {
		c.stash.Add(stashtest.Scene{ID: id, Title: fmt.Sprint("Only in Stash ", id), Files: []stashtest.File{{Path: fmt.Sprintf("/data/none%d.mp4", id), Size: int64(id)}}})
	}
	for i := range 3 {
		c.plex.AddItem(section, fmt.Sprintf("/plex/only%d.mp4", i), int64(i))
	}
}

// kinds are the tasks that store a report.
func kinds() map[string]struct {
	args              common.ArgsMap
	task, description string
} {
	return map[string]struct {
		args              common.ArgsMap
		task, description string
	}{
		report.Preview: {common.ArgsMap{"mode": "preview"}, "Preview changes", engine.PreviewDescription},
		report.Restore: {common.ArgsMap{"mode": "restore", "dry_run": true}, restoreTask, engine.RestoreDescription},
		report.Gaps:    {common.ArgsMap{"mode": "gaps"}, gapsTask, engine.GapsDescription},
	}
}

// A task that makes room for other jobs after each part stores the same report as one that does not.
func TestReportInPartsIsTheSame(t *testing.T) {
	const scenes = 3
	c := newCrowd(t, scenes)
	c.mixed("1")
	c.must(common.ArgsMap{"mode": "sync-all"})
	for id := 1; id <= scenes; id++ {
		c.stash.Change(id, func(s *stashtest.Scene) { s.Title = "Newer" })
	}
	whole := make(map[string]map[string]any)
	for kind, k := range kinds() {
		c.task(k.args)
		if whole[kind] = c.latest(kind); whole[kind]["state"] != report.Done || len(whole[kind]["rows"].([]any)) < scenes {
			t.Errorf("%s: %v", kind, whole[kind])
		}
	}
	c.stash.Hold("our own task")
	c.stash.Hold("Scanning...")
	for kind, k := range kinds() {
		parts, _ := c.toTheEnd(k.args, k.task, k.description)
		if parts < 2 {
			t.Errorf("%s in %d parts", kind, parts)
		}
		if got := c.latest(kind); !reflect.DeepEqual(got, whole[kind]) {
			t.Errorf("%s in %d parts:\n%v\nwant:\n%v", kind, parts, got, whole[kind])
		}
	}
}

// A task that is stopped in the middle leaves a readable report, and continues it with the same result.
func TestStoppedTaskLeavesAReportAndContinuesIt(t *testing.T) {
	c := newCrowd(t, 120)
	c.must(common.ArgsMap{"mode": "sync-all"})
	for kind, k := range kinds() {
		c.task(k.args)
		whole := c.latest(kind)
		slow := func() {
			c.stash.Inject(stashtest.Fault{Delay: 30 * time.Millisecond})
			c.plex.Inject(plextest.Fault{Delay: 30 * time.Millisecond})
		}
		slow()
		args := common.ArgsMap{asTask: "yes"}
		maps.Copy(args, k.args)
		r := NewRunner("1", &logBuffer{})
		done := make(chan common.PluginOutput)
		go func() {
			var out common.PluginOutput
			if err := r.Run(common.PluginInput{ServerConnection: c.conn, Args: args}, &out); err != nil {
				t.Error(err)
			}
			done <- out
		}()
		begun := time.Now()
		for state := ""; state != report.Running && time.Since(begun) < 10*time.Second; { // its first page is stored with its head
			state, _ = c.latest(kind)["state"].(string)
		}
		r.Cancel()
		if out := <-done; out.Error != nil {
			t.Errorf("%s: %s", kind, *out.Error)
		}
		c.stash.Heal()
		c.plex.Heal()
		if got := c.latest(kind); got["state"] != report.Stopped || !strings.Contains(got["stopped"].(string), "cancelled") {
			t.Errorf("%s: a stopped task left %v", kind, got)
		}
		args[continueArg] = fmt.Sprint(c.latestID(kind))
		c.must(args)
		if got := c.latest(kind); !reflect.DeepEqual(got, whole) {
			t.Errorf("%s, continued:\n%.600v\nwant:\n%.600v", kind, got, whole)
		}
		if answer := c.must(args); !strings.Contains(answer["stopped"].(string), "nothing was continued") {
			t.Errorf("%s: a finished report was continued: %v", kind, answer)
		}
	}
}

func TestSecondTaskOfAKindDoesNothing(t *testing.T) {
	c := newCrowd(t, 2)
	c.must(common.ArgsMap{"mode": "sync-all"})
	db, err := report.Open(t.Context(), c.dataDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for kind, k := range kinds() {
		w, err := db.Start(t.Context(), time.Now(), kind, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		c.plex.Forget()
		answer := c.task(k.args)
		if n := len(c.plex.Requests()); n != 0 || !strings.Contains(answer["stopped"].(string), "running already; nothing was started") {
			t.Errorf("%s: %d requests, %v", kind, n, answer)
		}
		if got := c.latest(kind); got["state"] != report.Running {
			t.Errorf("%s: %v", kind, got)
		}
		w.Close()
		if got := c.latest(kind); got["state"] != report.Stopped {
			t.Errorf("%s, killed: %v", kind, got)
		}
	}
}

func TestComparisonAsksPlexNothing(t *testing.T) {
	c := newCrowd(t, 4)
	c.mixed("1")
	c.must(common.ArgsMap{"mode": "sync-all"})
	c.plex.Forget()
	answer := c.task(common.ArgsMap{"mode": "gaps"})
	if n := len(c.plex.Requests()); n != 0 {
		t.Errorf("%d requests to Plex", n)
	}
	if answer["in_plex"] != 4.0 || answer["not_in_plex"] != 3.0 || answer["not_in_stash"] != 3.0 || answer["stopped"] != "" {
		t.Errorf("the answer is %v", answer)
	}
	some := c.must(common.ArgsMap{"mode": "report", "kind": "gaps", "rows": "not_in_stash"})
	rows := some["rows"].([]any)
	first, _ := rows[0].(map[string]any)
	if len(rows) != 3 || some["next"] != 0.0 || first["title"] != "only0.mp4" || !strings.Contains(fmt.Sprint(first["details"]), "path:/plex/only0.mp4") {
		t.Errorf("the rows are %v", some)
	}
	if _, failure := c.call(common.ArgsMap{"mode": "gaps"}); !strings.Contains(failure, "it is only a task") {
		t.Errorf("as an operation: %s", failure)
	}
}

// dataVersion changes when another connection writes to the queue. It is read with one connection.
func (c *crowd) dataVersion() func() int {
	c.Helper()
	db, err := sql.Open("sqlite", filepath.Join(c.dataDir(), "queue.db"))
	if err != nil {
		c.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	c.Cleanup(func() { db.Close() })
	return func() (version int) {
		c.Helper()
		if err := db.QueryRow("PRAGMA data_version").Scan(&version); err != nil {
			c.Fatal(err)
		}
		return version
	}
}

// A dry run writes nothing, and says what the restore then does.
func TestDryRunPredictsTheRestore(t *testing.T) {
	const scenes = 8
	c := newCrowd(t, scenes)
	for id := 1; id <= scenes; id++ {
		c.stash.Change(id, func(s *stashtest.Scene) {
			s.Details, s.Cover = "Text", []byte(fmt.Sprintf("\x89PNG\r\n\x1a\ncover %d", id))
		})
	}
	c.must(common.ArgsMap{"mode": "sync-all"})
	c.plex.Edit(c.keys[1], func(i *plextest.Item) { i.Title = "Edited in Plex" })
	c.plex.Remove(c.keys[2])
	db, err := store.Open(t.Context(), c.dataDir())
	if err == nil {
		err = errors.Join(db.Enqueue(t.Context(), time.Now().Add(-time.Minute), []store.Request{{SceneID: 4, Reason: "waits"}}), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	c.plex.Edit(c.keys[4], func(i *plextest.Item) { i.Title, i.Summary = "clip5", "" })
	version := c.dataVersion()
	before := version()
	c.plex.Forget()
	answer := c.task(common.ArgsMap{"mode": "restore", "dry_run": true})
	for _, r := range c.plex.Requests() {
		if r.Method != "GET" {
			t.Errorf("the dry run sent %s %s", r.Method, r.Path)
		}
	}
	if after := version(); after != before {
		t.Error("the dry run wrote to the queue")
	}
	dry := c.latest(report.Restore)
	id := int64(answer["report"].(float64))
	restored := c.must(common.ArgsMap{"mode": "restore", "confirm": float64(id)})
	for _, name := range []string{"restored", "unchanged", "gone", "failed", "dropped"} {
		if answer[name] != restored[name] || dry["counts"].(map[string]any)[name] != restored[name] {
			t.Errorf("%s: predicted %v and stored %v, then %v", name, answer[name], dry["counts"], restored[name])
		}
	}
	if restored["dropped"] != 1.0 {
		t.Errorf("the restore dropped %v", restored["dropped"])
	}
	if !reflect.DeepEqual(answer["kept"], restored["kept"]) || len(restored["kept"].([]any)) != 1 {
		t.Errorf("kept: predicted %v, then %v", answer["kept"], restored["kept"])
	}
	foretold := 0
	for _, row := range dry["rows"].([]any) {
		row := row.(map[string]any)
		details := row["details"].(map[string]any)
		key, _ := details["rating_key"].(string)
		for _, change := range details["changes"].([]any) {
			change := change.(map[string]any)
			if change["field"] == "title" {
				foretold++
				if got := c.plex.Item(key).Title; got != change["to"] {
					t.Errorf("item %s has the title %q, foretold was %v", key, got, change)
				}
			}
		}
	}
	if foretold < scenes-3 || restored["restored"].(float64) < scenes-3 {
		t.Errorf("%d titles were foretold: %v, %v", foretold, restored, dry)
	}
	if again := c.task(common.ArgsMap{"mode": "restore", "dry_run": true}); again["restored"] != 0.0 {
		t.Errorf("after the restore there is something left to restore: %v", again)
	}
}

func TestRestoreConfirmsAFreshDryRun(t *testing.T) {
	c := newCrowd(t, 2)
	c.must(common.ArgsMap{"mode": "sync-all"})
	one := c.must(common.ArgsMap{"mode": "restore", "dry_run": true, "scene_id": 1.0})["report"]
	db, err := report.Open(t.Context(), c.dataDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	stored := func(kind string, ended time.Duration, stopped string) float64 {
		t.Helper()
		at := time.Now().Add(-ended)
		w, err := db.Start(t.Context(), at, kind, 0, 0)
		if err == nil {
			err = w.Finish(t.Context(), at, stopped)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return float64(w.ID)
	}
	for _, bad := range []struct {
		args    common.ArgsMap
		confirm func() float64
		why     string
	}{
		{common.ArgsMap{}, func() float64 { return stored(report.Restore, 11*time.Minute, "") }, "ended more than 10 minutes ago"},
		{common.ArgsMap{}, func() float64 { return stored(report.Restore, -time.Hour, "") }, "ended more than 10 minutes ago"},
		{common.ArgsMap{}, func() float64 { return stored(report.Restore, 0, "cancelled") }, "is not finished"},
		{common.ArgsMap{}, func() float64 { return stored(report.Preview, 0, "") }, "names no dry run"},
		{common.ArgsMap{"scene_id": 1.0}, func() float64 { return stored(report.Restore, 0, "") }, "about other scenes"},
		{common.ArgsMap{}, func() float64 { return 5 }, "names no dry run"},
		{common.ArgsMap{"confirm": true}, nil, "names no dry run"},
		{common.ArgsMap{"confirm": "x"}, nil, "names no dry run"},
		{common.ArgsMap{"confirm": 1.0, "dry_run": true}, nil, "exclude each other"},
		{common.ArgsMap{"dry_run": "true"}, nil, "true or false"},
		{common.ArgsMap{"dry_run": 1.0}, nil, "true or false"},
		{common.ArgsMap{"dry_run": true}, nil, "is only a task"},
	} {
		bad.args["mode"] = "restore"
		if bad.confirm != nil {
			bad.args["confirm"] = bad.confirm()
		}
		if _, failure := c.call(bad.args); !strings.Contains(failure, bad.why) {
			t.Errorf("%v: %q, want %q", bad.args, failure, bad.why)
		}
		if head := c.must(common.ArgsMap{"mode": "reports"})["items"].([]any)[0].(map[string]any); bad.confirm != nil && head["kind"] == report.Restore && bad.args["confirm"] == head["id"] &&
			!strings.Contains(fmt.Sprint(head["outcome"]), bad.why) {
			t.Errorf("%v: the outcome is %q, want %q", bad.args, head["outcome"], bad.why)
		}
	}
	c.wantTitles(func(int) string { return "New" })
	if one == nil {
		t.Fatal("the dry run of a scene has no report")
	}
	one = c.must(common.ArgsMap{"mode": "restore", "dry_run": true, "scene_id": 1.0})["report"]
	if answer := c.must(common.ArgsMap{"mode": "restore", "scene_id": 1.0, "confirm": one}); answer["restored"] != 1.0 {
		t.Errorf("the confirmed restore: %v", answer)
	}
	if outcome, want := c.latest(report.Restore)["outcome"], "restored 1 item to the state"; !strings.Contains(fmt.Sprint(outcome), want) {
		t.Errorf("the outcome of the confirmed restore is %q, want %q", outcome, want)
	}
	c.wantTitles(func(id int) string { return map[int]string{1: "clip1", 2: "New"}[id] })
}

func TestTaskWhoseReportsAreDeletedSaysSo(t *testing.T) {
	c := newCrowd(t, 2)
	c.must(common.ArgsMap{"mode": "sync-all"})
	c.task(common.ArgsMap{"mode": "gaps"})
	c.stash.Inject(stashtest.Fault{Operation: "FileScenes", Delay: 300 * time.Millisecond})
	db, err := report.Open(t.Context(), c.dataDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	go func() { // while the task waits for Stash
		for begun := time.Now(); time.Since(begun) < 10*time.Second; {
			if r, _, err := db.Latest(t.Context(), time.Now(), report.Gaps); err == nil && r.State == report.Running {
				break
			}
		}
		os.Remove(filepath.Join(c.dataDir(), "report.db"))
	}()
	if _, failure := c.call(common.ArgsMap{"mode": "gaps", asTask: "yes"}); failure != report.ErrLost.Error() {
		t.Errorf("the failure is %q", failure)
	}
	if answer := c.must(common.ArgsMap{"mode": "reports"}); len(answer["items"].([]any)) != 0 {
		t.Errorf("the reports are %v", answer)
	}
	c.stash.Heal()
	if answer := c.task(common.ArgsMap{"mode": "gaps"}); answer["in_plex"] != 2.0 {
		t.Errorf("the answer is %v", answer)
	}
}

// Whatever the rows hold, an answer stays below 1 MB, which call checks.
func TestReportsOfHugeValuesAreReadInShortAnswers(t *testing.T) {
	c := newCrowd(t, 0)
	huge := strings.Repeat("<&\x01\u2028\"", 700)
	for id := 1; id <= 300; id++ {
		c.stash.Add(stashtest.Scene{ID: id, Title: huge, Details: huge, Files: []stashtest.File{{Path: fmt.Sprintf("/data/%d/%s.mp4", id, huge[:3000]), Size: int64(id)}}})
	}
	c.stash.Add(stashtest.Scene{ID: 400, Title: "In Plex", Files: []stashtest.File{{Path: "/data/clip.mp4", Size: 7}}})
	c.plex.AddItem("1", "/data/clip.mp4", 7)
	c.task(common.ArgsMap{"mode": "preview"})
	c.task(common.ArgsMap{"mode": "gaps"})
	for _, kind := range []string{report.Preview, report.Gaps} {
		first := c.must(common.ArgsMap{"mode": "report", "kind": kind, "limit": 200.0})
		n := len(first["rows"].([]any))
		for next := first["next"]; next != 0.0; {
			page := c.must(common.ArgsMap{"mode": "report", "id": first["id"], "limit": 200.0, "cursor": next})
			n, next = n+len(page["rows"].([]any)), page["next"]
		}
		if n < 300 || n > 301 {
			t.Errorf("%s: %d rows", kind, n)
		}
	}
}

func TestReportRefusesBadArguments(t *testing.T) {
	c := newCrowd(t, 0)
	if none := c.must(common.ArgsMap{"mode": "report", "kind": "gaps"}); none["state"] != "none" || none["id"] != 0.0 || len(none["rows"].([]any)) != 0 {
		t.Errorf("without a report the answer is %v", none)
	}
	for _, bad := range []struct {
		args common.ArgsMap
		why  string
	}{
		{common.ArgsMap{}, "give either args.id or args.kind"},
		{common.ArgsMap{"id": 1.0, "kind": "gaps"}, "give either"},
		{common.ArgsMap{"kind": "all"}, "valid values"},
		{common.ArgsMap{"id": 7.0}, "there is no such report"},
		{common.ArgsMap{"id": -7.0}, "must be an integer"},
		{common.ArgsMap{"kind": "gaps", "limit": 201.0}, "from 1 to 200"},
		{common.ArgsMap{"kind": "gaps", "cursor": "x"}, "must be an integer"},
		{common.ArgsMap{"kind": "gaps", "rows": 5.0}, "must be a text"},
		{common.ArgsMap{"kind": "gaps", "page": 5.0}, "unknown argument"},
	} {
		bad.args["mode"] = "report"
		if _, failure := c.call(bad.args); !strings.Contains(failure, bad.why) {
			t.Errorf("%v: %q, want %q", bad.args, failure, bad.why)
		}
	}
}
