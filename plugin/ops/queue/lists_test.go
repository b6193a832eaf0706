package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/queue"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

var t0 = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// A listDesk is a desk with a queue of its own.
type listDesk struct {
	*testing.T
	*desk.Desk
	stash *stashtest.Server
	asked int
	now   func() time.Time
}

func newListDesk(t *testing.T) *listDesk {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	d := &listDesk{T: t, now: func() time.Time { return t0 }}
	if d.stash, err = stashtest.New(); err != nil {
		t.Fatal(err)
	}
	client, err := stashapi.New(stashtest.Connection(), stashapi.Options{Transport: d.stash.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	d.Desk = &desk.Desk{Now: func() time.Time { return d.now() }, Log: zerolog.Nop(), Store: db, Stash: client, Ask: func(context.Context) (bool, error) {
		d.asked++
		return true, nil
	}}
	d.Settings.MaxRetries = 5
	return d
}

// sql runs a statement on the queue.
func (d *listDesk) sql(statement string, args ...any) {
	d.Helper()
	err := d.Store.InTx(d.Context(), func(tx *sqlitefile.Tx) error {
		_, err := tx.ExecContext(d.Context(), statement, args...)
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
}

// jobs adds jobs for the scenes from one to another, which are due a wait after t0.
func (d *listDesk) jobs(from, to int, wait time.Duration, class string) {
	d.Helper()
	d.sql(`WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, misses, due_at, first_failed_at, last_error_class, last_error, last_reason)
		SELECT i, 'edited', 1, ?3, i % 3, 0, ?4, ?3, NULLIF(?5, ''), IIF(?5 = '', NULL, 'it failed'), '{"code":"no_file"}' FROM n`,
		from, to, t0.Add(-time.Hour).UnixMilli(), t0.Add(wait).UnixMilli(), class)
}

// dead adds dead letters.
func (d *listDesk) dead(from, to int, class, candidates string) {
	d.Helper()
	d.sql(`WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, candidates, died_at)
		SELECT i, 'edited', 0, ?3, 6, 0, 0, ?4, ?6, ?5, ?3 + i FROM n`,
		from, to, t0.Add(-time.Hour).UnixMilli(), class, candidates, strings.Repeat("e", text.Limit))
}

// call calls an operation and returns its answer as a page gets it.
func (d *listDesk) call(mode string, args desk.Args) (map[string]any, error) {
	return d.callIn(d.Context(), mode, args)
}

func (d *listDesk) callIn(ctx context.Context, mode string, args desk.Args) (map[string]any, error) {
	d.Helper()
	answer, err := queue.Operations()[mode].Call(ctx, d.Desk, args)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		d.Fatal(err)
	}
	if len(encoded) > 1<<20 {
		d.Errorf("%s answers with %d bytes", mode, len(encoded))
	}
	var m map[string]any
	if err := json.Unmarshal(encoded, &m); err != nil {
		d.Fatal(err)
	}
	return m, nil
}

// want calls an operation and compares some fields of its answer.
func (d *listDesk) want(mode string, args desk.Args, want map[string]any) map[string]any {
	d.Helper()
	got, err := d.call(mode, args)
	if err != nil {
		d.Fatalf("%s %v: %v", mode, args, err)
	}
	for name, value := range want {
		if n, ok := value.(int); ok {
			value = float64(n)
		}
		if !reflect.DeepEqual(got[name], value) {
			d.Errorf("%s %v: %s is %v, want %v", mode, args, name, got[name], value)
		}
	}
	return got
}

// refuses calls an operation that must fail with a text.
func (d *listDesk) refuses(mode string, args desk.Args, why string) {
	d.Helper()
	if got, err := d.call(mode, args); err == nil || !strings.Contains(err.Error(), why) {
		d.Errorf("%s %v: %v, %v; want an error with %q", mode, args, got, err, why)
	}
}

// scenes returns the scenes of an answer.
func scenes(answer map[string]any) string {
	var ids []string
	for _, item := range answer["items"].([]any) {
		ids = append(ids, fmt.Sprint(item.(map[string]any)["scene_id"]))
	}
	return strings.Join(ids, " ")
}

func TestJobsAreShownWithTheirState(t *testing.T) {
	d := newListDesk(t)
	d.stash.Add(stashtest.Scene{ID: 1, Title: "One"})
	d.jobs(1, 1, time.Minute, "not_found")
	d.jobs(2, 2, -time.Minute, "")
	d.jobs(3, 3, time.Hour, "temporary")
	d.dead(4, 5, "rejected", "[]")
	r := d.want("jobs", desk.Args{}, map[string]any{"next": "", "max_attempts": 6, "max_misses": 13, "counts": map[string]any{
		"matching": 3., "due": 2., "waiting": 1., "dead_letters": 2., "capped": false, "search_capped": false,
	}})
	want := map[string]any{
		"scene_id": 1., "title": text.Private("One"), "trigger": "edited", "priority": 1., "attempts": 1., "misses": 0., "class": "not_found", "state": "waiting",
		"due_at": "2026-11-29T12:01:00Z", "enqueued_at": "2026-11-29T11:00:00Z", "first_failed_at": "2026-11-29T11:00:00Z",
		"reason": map[string]any{"code": "no_file", "params": map[string]any{}, "text": "it failed", "remedy": "nothing; it is pushed once it has a file in Stash"},
	}
	if got := r["items"].([]any)[1]; scenes(r) != "2 1 3" || !reflect.DeepEqual(got, want) {
		t.Errorf("scenes %s; %v, want %v", scenes(r), got, want)
	}
	for _, c := range []struct {
		args desk.Args
		want string
	}{
		{desk.Args{"state": "due"}, "2 3"},
		{desk.Args{"state": "waiting"}, "1"},
		{desk.Args{"state": "all", "class": "temporary"}, "3"},
		{desk.Args{"sort": "attempts"}, "2 1 3"},
		{desk.Args{"text": "3"}, "3"},
		{desk.Args{"text": "one"}, "1"},
		{desk.Args{"text": "one", "state": "due"}, ""},
		{desk.Args{"text": "nowhere"}, ""},
	} {
		if got, err := d.call("jobs", c.args); err != nil || scenes(got) != c.want {
			t.Errorf("%v: %v, %v; want %s", c.args, got, err, c.want)
		}
	}
	first := d.want("dead-letters", desk.Args{"limit": 1}, nil)
	second := d.want("dead-letters", desk.Args{"limit": 1, "cursor": first["next"]}, map[string]any{"next": ""})
	if scenes(first)+scenes(second) != "54" {
		t.Errorf("dead letters %s and %s", scenes(first), scenes(second))
	}
}

// Without Stash there are no titles, and nothing is found by a text.
func TestListsAnswerWithoutStash(t *testing.T) {
	d := newListDesk(t)
	d.stash.Inject(stashtest.Fault{Status: 500})
	d.jobs(1, 1, time.Minute, "")
	d.Settings.MaxRetries = 0
	d.want("jobs", desk.Args{"text": "1"}, map[string]any{"max_attempts": 0, "max_misses": 0})
	d.refuses("jobs", desk.Args{"text": "one"}, "cannot search scenes: Stash answered 500")
}

func TestSlowListNamesTheRemedy(t *testing.T) {
	d := newListDesk(t)
	defer queue.SetReadLimit(queue.SetReadLimit(time.Nanosecond))
	d.refuses("jobs", nil, `within 1ns: run "Process queue" once`)
}

func TestSearchSaysThatItIsCapped(t *testing.T) {
	d := newListDesk(t)
	for id := 1; id <= 1001; id++ {
		d.stash.Add(stashtest.Scene{ID: id, Title: "Clip", Updated: t0.Add(time.Duration(id) * time.Second)})
	}
	d.jobs(1, 1, 0, "")
	d.jobs(2, 2, 0, "")
	r := d.want("jobs", desk.Args{"text": "clip"}, nil)
	if counts := r["counts"].(map[string]any); scenes(r) != "2" || counts["search_capped"] != true || counts["matching"] != 1. {
		t.Errorf("%s, %v", scenes(r), counts)
	}
}

// A full page with long texts stays below 1 MB, which call checks, and says what it leaves out.
func TestPageOfLongRowsIsLimited(t *testing.T) {
	d := newListDesk(t)
	one := fmt.Sprintf(`{"path":"%s"}`, strings.Repeat("p", 600))
	d.dead(1, 250, "rejected", "["+strings.Repeat(one+",", 49)+one+"]")
	r := d.want("dead-letters", desk.Args{"limit": 200}, nil)
	first := r["items"].([]any)[0].(map[string]any)
	if n := len(first["candidates"].([]any)); n != 3 || first["candidates_left"] != 47. {
		t.Errorf("%d candidates, %v left", n, first["candidates_left"])
	}
}

func TestBadArgumentsOfListsAreRefused(t *testing.T) {
	d := newListDesk(t)
	for _, c := range []struct {
		mode string
		args desk.Args
		why  string
	}{
		{"jobs", desk.Args{"state": "dead"}, `args.state is "dead"; valid values: all, due, waiting`},
		{"jobs", desk.Args{"sort": "died"}, `valid values: due, attempts`},
		{"jobs", desk.Args{"limit": 201.}, `from 1 to 200`},
		{"jobs", desk.Args{"cursor": "x"}, `args.cursor is "x"; it must be what "next"`},
		{"jobs", desk.Args{"cursor": "dead-letters/time/0/1/1"}, `args.cursor is`},
		{"jobs", desk.Args{"text": 5.}, `args.text is 5; it must be a text`},
		{"dead-letters", desk.Args{"state": "due"}, `unknown argument "state"`},
		{"retry", desk.Args{}, `neither args.scene_ids nor args.list`},
		{"retry", desk.Args{"class": "x"}, `neither args.scene_ids nor args.list`},
		{"retry", desk.Args{"scene_ids": []any{}}, `names no scene`},
		{"retry", desk.Args{"scene_ids": []any{1., "x"}}, `contains "x"`},
		{"retry", desk.Args{"scene_ids": make([]any, 1001)}, `at most 1000`},
		{"retry", desk.Args{"scene_ids": []any{1.}, "class": "x"}, `args.class is for a whole list`},
		{"retry", desk.Args{"list": "all"}, `valid values: jobs, dead-letters`},
		{"retry", desk.Args{"list": "dead-letters", "state": "due"}, `args.state is for jobs`},
		{"retry", desk.Args{"list": "jobs", "cursor": "x"}, `args.cursor is "x"`},
		{"postpone", desk.Args{"scene_ids": []any{1.}}, `args.minutes is missing`},
		{"postpone", desk.Args{"scene_ids": []any{1.}, "minutes": 11.}, `from 1 to 10`},
		{"postpone", desk.Args{"list": "dead-letters", "minutes": 1.}, `valid values: jobs`},
		{"remove", desk.Args{"scene_ids": []any{1.}, "confirm": "x"}, `args.confirm is for a whole list`},
		{"remove", desk.Args{"list": "jobs", "confirm": "x"}, `args.confirm is for another list`},
	} {
		d.refuses(c.mode, c.args, c.why)
	}
}

func TestChangesOfScenesCountWhatIsMissing(t *testing.T) {
	d := newListDesk(t)
	d.jobs(1, 3, time.Minute, "temporary")
	d.dead(4, 6, "rejected", "[]")
	some := []any{1., 2., 4., 5., 99.}
	d.want("postpone", desk.Args{"scene_ids": some, "minutes": 5.}, map[string]any{"changed": 2, "missing": 3, "run_follows": false})
	d.want("jobs", desk.Args{"state": "waiting", "limit": 1}, map[string]any{"next": fmt.Sprintf("jobs/time/0/%d/3", t0.Add(time.Minute).UnixMilli())})
	d.want("retry", desk.Args{"scene_ids": some, "list": "dead-letters"}, map[string]any{"changed": 2, "missing": 3, "run_follows": true})
	d.want("retry", desk.Args{"scene_ids": some}, map[string]any{"changed": 4, "missing": 1, "next": "", "run_follows": true})
	if r := d.want("jobs", desk.Args{"state": "due"}, nil); scenes(r) != "1 2 4 5" || d.asked != 2 {
		t.Errorf("due: %s; asked %d times", scenes(r), d.asked)
	}
	d.want("retry", desk.Args{"scene_ids": []any{77.}}, map[string]any{"changed": 0, "missing": 1, "run_follows": false})
	d.want("remove", desk.Args{"scene_ids": some, "list": "dead-letters"}, map[string]any{"changed": 0, "missing": 5})
	d.want("remove", desk.Args{"scene_ids": append(some, 6.)}, map[string]any{"changed": 5, "missing": 1})
	if r := d.want("jobs", desk.Args{}, nil); scenes(r) != "3" || d.asked != 2 {
		t.Errorf("left: %s; asked %d times", scenes(r), d.asked)
	}
	d.Ask = func(context.Context) (bool, error) { return false, errors.New("no") }
	d.want("retry", desk.Args{"scene_ids": []any{3.}}, map[string]any{"changed": 1, "run_follows": false})
}

// A call that is cut off after a transaction has changed whole chunks. The same call changes the rest.
func TestCutOffChangeIsContinued(t *testing.T) {
	const n = 2*lists.ChunkSize + 10
	for _, c := range []struct {
		mode string
		args desk.Args
		left string // which jobs there are then
	}{
		{"retry", desk.Args{"list": "jobs", "state": "waiting"}, "due"},
		{"retry", desk.Args{"list": "jobs", "class": "temporary"}, "due"},
		{"postpone", desk.Args{"list": "jobs", "minutes": 5.}, "waiting"},
		{"retry", desk.Args{"list": "dead-letters"}, "due"},
		{"remove", desk.Args{"list": "jobs", "class": "temporary"}, "none"},
		{"remove", desk.Args{"list": "dead-letters"}, "none"},
	} {
		d := newListDesk(t)
		if c.args["list"] == "jobs" {
			d.jobs(1, n, time.Minute, "temporary")
		} else {
			d.dead(1, n, "rejected", "[]")
		}
		if c.mode == "remove" {
			r := d.want("remove", c.args, map[string]any{"would_remove": sqlitefile.CountLimit, "capped": true})
			c.args["confirm"] = r["confirm"]
		}
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		d.now = func() time.Time {
			if calls++; calls == 2 { // after the first transaction
				cancel()
			}
			return t0
		}
		_, err := d.callIn(ctx, c.mode, c.args)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), fmt.Sprintf("only %d rows were changed", lists.ChunkSize)) {
			t.Errorf("%s %v: %v", c.mode, c.args, err)
		}
		d.want(c.mode, c.args, map[string]any{"changed": n - lists.ChunkSize, "next": ""})
		d.want(c.mode, c.args, map[string]any{"changed": 0, "next": ""})
		counts := map[string]any{"matching": 0., "due": 0., "waiting": 0., "dead_letters": 0., "capped": false, "search_capped": false}
		if c.left != "none" {
			counts[c.left], counts["matching"], counts["capped"] = float64(sqlitefile.CountLimit), float64(sqlitefile.CountLimit), true
		}
		d.want("jobs", nil, map[string]any{"counts": counts})
	}
}

// A call stops in time; its answer says where another call goes on. Each row is changed once.
func TestLongChangeGoesOnInAnotherCall(t *testing.T) {
	const n = 2*lists.ChunkSize + 10
	d := newListDesk(t)
	d.jobs(1, n, -time.Minute, "")
	passed := time.Duration(0)
	d.now = func() time.Time { passed += 6 * time.Second; return t0.Add(passed) }
	changed, cursor := 0., ""
	for range 3 {
		r := d.want("retry", desk.Args{"list": "jobs", "cursor": cursor}, nil)
		changed += r["changed"].(float64)
		if cursor = r["next"].(string); cursor == "" {
			break
		}
		if r["changed"] != 2.*lists.ChunkSize || r["run_follows"] != true {
			t.Errorf("the first call: %v", r)
		}
	}
	if changed != n || cursor != "" {
		t.Errorf("%v changed, next is %q", changed, cursor)
	}
}

// A whole list is removed only with a fresh confirmation of the same list.
func TestRemovalOfAListIsConfirmed(t *testing.T) {
	d := newListDesk(t)
	d.jobs(1, 20, time.Minute, "temporary")
	d.jobs(21, 25, time.Minute, "not_found")
	list := desk.Args{"list": "jobs", "class": "temporary"}
	confirm := d.want("remove", list, map[string]any{"would_remove": 20, "capped": false})["confirm"]
	with := func(more desk.Args) desk.Args {
		args := desk.Args{"list": "jobs", "class": "temporary", "confirm": confirm}
		maps.Copy(args, more)
		return args
	}
	for _, more := range []desk.Args{{"class": ""}, {"class": "not_found"}, {"state": "due"}, {"list": "dead-letters"}, {"confirm": "0" + confirm.(string)}} {
		d.refuses("remove", with(more), "args.confirm is for another list")
	}
	for _, age := range []time.Duration{-time.Second, 10*time.Minute + time.Second} {
		d.now = func() time.Time { return t0.Add(age) }
		d.refuses("remove", with(nil), "args.confirm is older than 10 minutes")
	}
	d.now = func() time.Time { return t0.Add(10 * time.Minute) }
	d.jobs(31, 41, time.Minute, "temporary")
	d.refuses("remove", with(nil), "the list has grown from 20 to 31")
	d.sql(`DELETE FROM job WHERE scene_id = 31`)
	d.want("remove", with(nil), map[string]any{"changed": 30, "missing": 0, "next": ""})
	if r := d.want("jobs", desk.Args{}, nil); scenes(r) != "21 22 23 24 25" {
		t.Errorf("left: %s", scenes(r))
	}
}

// A hook of another process waits for a transaction or two of a long change, on a busy machine for some more, but never
// for most of them, as it did before the change rested after each.
func TestHookDoesNotWaitForALongChange(t *testing.T) {
	d := newListDesk(t)
	d.jobs(1, 20*lists.ChunkSize, time.Minute, "temporary")
	other, err := store.Open(t.Context(), d.Store.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var chunks atomic.Int64 // Now is called after each
	d.now = func() time.Time { chunks.Add(1); return t0 }
	ended := make(chan error)
	go func() {
		_, err := queue.Operations()["retry"].Call(t.Context(), d.Desk, desk.Args{"list": "jobs", "state": "waiting"})
		ended <- err
	}()
	longest := int64(0)
	for id := 1_000_000; ; id++ {
		before := chunks.Load()
		if _, err := other.RecordHook(t.Context(), t0, store.HookRecord{Own: store.Request{SceneID: id, Reason: "edited"}}); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, chunks.Load()-before)
		select {
		case err := <-ended:
			if err != nil || longest >= 10 || chunks.Load() < 20 {
				t.Errorf("a hook waited for %d of %d transactions: %v", longest, chunks.Load(), err)
			}
			return
		default:
		}
	}
}
