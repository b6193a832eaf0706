package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A recorder is a connection to the queue that records every statement.
type recorder struct {
	base driver.Driver
	dsn  string

	mu         sync.Mutex
	statements map[string]bool
	prepared   int // number of statements
	begun      int // transactions
}

func (r *recorder) Driver() driver.Driver { return r.base }

func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.base.Open(r.dsn)
	return recorded{c, r}, err
}

type recorded struct {
	driver.Conn
	to *recorder
}

func (c recorded) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.to.mu.Lock()
	c.to.statements[query] = true
	c.to.prepared++
	c.to.mu.Unlock()
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
}

func (c recorded) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.to.mu.Lock()
	c.to.begun++
	c.to.mu.Unlock()
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
}

// recordedStore opens a queue that records its statements.
func recordedStore(t *testing.T) (*Store, *recorder) {
	t.Helper()
	s := openStore(t)
	path := filepath.Join(s.dir, queueFile)
	r := &recorder{base: s.write.Driver(), dsn: sqlitefile.DSN(path, "rw", "immediate"), statements: make(map[string]bool)}
	s.write.Close()
	s.read.Close()
	s.write = sql.OpenDB(r)
	s.write.SetMaxOpenConns(1)
	s.read = sql.OpenDB(&recorder{base: r.base, dsn: sqlitefile.DSN(path, "rw", "deferred"), statements: r.statements})
	return s, r
}

// syncScenes runs scenes from their hook to the end of their push.
func syncScenes(t testing.TB, s *Store, now time.Time, scenes ...int) {
	t.Helper()
	h := HookRecord{Own: Request{SceneID: scenes[0], Reason: "edited", Priority: InBulk}, First: true, Event: fmt.Sprint(now.UnixMilli())}
	for _, id := range scenes[1:] {
		h.Others = append(h.Others, Request{SceneID: id, Reason: "edited", Priority: InBulk})
	}
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mark, err := s.RecordHook(ctx, now, h)
	must(err)
	must(s.Asked(ctx, now, mark, true, false))
	must(s.ClearMark(ctx))
	for left := len(scenes); left > 0; {
		due, err := s.HasDue(ctx, now, ClaimOptions{})
		must(err)
		jobs, _, err := s.Claim(ctx, now, ClaimOptions{Wait: fiveSeconds})
		must(err)
		if !due || len(jobs) == 0 {
			t.Fatalf("%d jobs are left and none is due", left)
		}
		left -= len(jobs)
		ends := make([]Completion, len(jobs))
		for i, j := range jobs {
			key := fmt.Sprint(j.SceneID)
			item := Item{Server: "S", RatingKey: key, Section: "1", Owner: j.SceneID, Sent: map[string]Value{"title": {"T"}}}
			ends[i] = Completion{
				Job: j, Outcome: Done, Note: "synced", Items: []Item{item}, Refs: []Ref{{"tag", 1}}, SceneVersion: &SceneVersion{SceneID: j.SceneID, UpdatedAt: "u"},
				Links: []Link{{Server: "S", SceneID: j.SceneID, RatingKey: key, Section: "1", Path: "/p", Rule: "path", PushedAt: now, UpdatedAt: "u"}},
			}
		}
		must(s.PutItems(ctx, ends[0].Items))
		_, err = s.Complete(ctx, now, ends)
		must(err)
	}
	_, err = s.LastLook(ctx, now, 0)
	must(err)
}

// The cost of a hook, a claim and a completion does not grow with finished syncs: none of their statements scans a
// table.
func TestFinishedSyncsDoNotSlowQueries(t *testing.T) {
	s, r := recordedStore(t)
	syncScenes(t, s, t0, 1, 2, 3)
	enqueueScenes(t, s, t0, ByPerson, 1, 2, 3)
	endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{Trial: true})[0], Outcome: Release})
	for i, e := range []Completion{{Outcome: Retry}, {Outcome: Miss, AwaitedFiles: []AwaitedFile{{Path: "/a.mp4", Size: 1}}}, {Outcome: ToDeadLetter}} {
		e.Job = claim(t, s, t0, ClaimOptions{Only: i + 1})[0]
		endOne(t, s, t0, e)
	}
	record(t, s, t0, HookRecord{Own: Request{SceneID: 1}, Gone: true})
	if len(r.statements) < 20 {
		t.Fatalf("only %d statements were seen", len(r.statements))
	}
	for _, text := range slices.Sorted(maps.Keys(r.statements)) {
		for _, step := range plan(t, s, text) {
			if walks(step) {
				t.Errorf("%s\nin %s", step, text)
			}
		}
	}
}

// No query of a run, a report or a hook scans a table, except for limited counts and single rows from the end of an
// index.
func TestNoQueryScansATable(t *testing.T) {
	s, r := recordedStore(t)
	ctx := t.Context()
	if err := lists.Prepare(ctx, s); err != nil { // more indexes must not lead SQLite astray
		t.Fatal(err)
	}
	clear(r.statements)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	syncScenes(t, s, t0, 1, 2)
	fanout := HookRecord{Own: Request{}, Fanout: &FanoutRecord{Kind: "tag", Own: 1}}
	must(s.RecordHook(ctx, t0, fanout))
	must(s.HasFanout(ctx))
	_, _, err := s.ExpandFanout(ctx, t0, 100)
	must(nil, err)
	must(s.CatchUp(ctx, t0, Page{Scenes: []SceneVersion{{SceneID: 1, UpdatedAt: "v"}}, Facts: map[string]string{"a": "b", "c": ""}}))
	must(nil, s.EnqueueSceneVersions(ctx, t0, []SceneVersion{{SceneID: 2}}, "all"))
	must(s.Wake(ctx, t0, []FoundFile{{Path: "/a.mp4", Size: 1}}))
	_, _, err = s.Claim(ctx, t0, ClaimOptions{Wait: fiveSeconds})
	must(nil, err)
	must(s.Revive(ctx, t0, Narrow{SceneID: 3}))
	must(s.ClearDead(ctx, Narrow{SceneID: 3}))
	must(s.Counts(ctx, t0))
	must(s.CountDue(ctx, t0))
	must(s.NextDue(ctx, t0))
	must(s.DeadLetters(ctx, Narrow{}, 50))
	must(s.FailedJobs(ctx, 50))
	must(s.Outages(ctx))
	must(s.Links(ctx, 1))
	must(s.Attempts(ctx, 1))
	must(s.Items(ctx, "S", []string{"1", "2"}))
	must(s.OwnsItem(ctx, 1))
	must(s.ItemsAfter(ctx, "S", "", 50))
	must(s.ItemsOwnedBy(ctx, "S", 1))
	must(s.LinkedBetween(ctx, 1, 5))
	must(s.HasAwaitedFiles(ctx))
	must(nil, s.EnqueueWith(ctx, t0, func(tx *sqlitefile.Tx) ([]Request, error) {
		_, err := chosen.Choose(ctx, tx, chosen.Choice{Server: "S", SceneID: 2, Path: "/p", RatingKey: "2"}, []string{"/q"})
		return []Request{{SceneID: 2}}, errors.Join(err, chosen.Refresh(ctx, tx, "S", 2, "/p", []string{"3"}))
	}))
	must(chosen.Choices{Queue: s, Server: "S"}.OfScenes(ctx, []int{1, 2}))
	must(chosen.Choices{Queue: s, Server: "S"}.ByFiles(ctx, []string{"/p"}))
	must(nil, s.InTx(ctx, func(tx *sqlitefile.Tx) error {
		_, err := chosen.Forget(ctx, tx, "S", 2)
		return err
	}))
	must(relink.HasLinks(ctx, s))
	must(nil, relink.Note(ctx, s, t0, "S", []relink.File{{RatingKey: "9", Path: "/p", Size: 1}}))
	must(relink.Due(ctx, s, t0, "S", 10))
	must(relink.Complete(ctx, s, t0, []relink.Scene{{ID: 1, Lost: true}}))
	must(relink.Fill(ctx, s, t0, 10))
	must(s.ClaimFloor(ctx))
	must(s.Breaker(ctx))
	_, _, err = s.UpdateBreaker(ctx, t0, func(b Breaker) Breaker { b.Failures++; return b })
	must(nil, err)
	must(s.ExpireDead(ctx, t0))
	must(s.TakeInbox(ctx, t0))
	must(s.CompleteRestore(ctx, t0, Restored{Server: "S", Whole: []string{"1"}, Gone: []string{"2"}, Scenes: []int{1}, Items: []Item{{Server: "S", RatingKey: "1"}}}))
	must(nil, s.SetHolder(ctx, t0, "x"))
	must(nil, s.Forget(ctx, t0, []int{1}))
	must(s.Job(ctx, 2))
	if len(r.statements) < 50 {
		t.Fatalf("only %d statements were seen", len(r.statements))
	}
	for _, text := range slices.Sorted(maps.Keys(r.statements)) {
		if strings.Contains(text, "LIMIT ") || anyRow.MatchString(text) {
			continue
		}
		for _, step := range plan(t, s, text) {
			if walks(step) {
				t.Errorf("%s\nin %s", step, text)
			}
		}
	}
}

var anyRow = regexp.MustCompile(`^SELECT EXISTS \(SELECT 1 FROM \w+\)$`)

// walks reports whether a step of a plan reads all rows of a table, or all rows of one server or kind, which may be all.
// The list of json_each is not a table.
func walks(step string) bool {
	return strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" && step != "SCAN json_each VIRTUAL TABLE INDEX 1:" ||
		slices.ContainsFunc([]string{"(server=?)", "(priority=?)", "(kind=?)", "(class=?)"}, func(all string) bool { return strings.HasSuffix(step, all) })
}

// The completion of a push writes the changed rows, and one each of item, link, version, log, job, day and revision.
func TestSecondPushWritesOnlyChanges(t *testing.T) {
	s := openStore(t)
	push := func(refs ...Ref) int {
		t.Helper()
		enqueueScenes(t, s, t0, InBulk, 1)
		e := Completion{
			Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Done, Items: []Item{{Server: "S", RatingKey: "7"}}, Refs: refs, SceneVersion: &SceneVersion{SceneID: 1},
			Links: []Link{{Server: "S", SceneID: 1, RatingKey: "7"}},
		}
		var before, after int
		if err := s.write.QueryRow(`SELECT total_changes()`).Scan(&before); err != nil {
			t.Fatal(err)
		}
		endOne(t, s, t0, e)
		if err := s.write.QueryRow(`SELECT total_changes()`).Scan(&after); err != nil {
			t.Fatal(err)
		}
		return after - before
	}
	for i, c := range []struct {
		refs []Ref
		rows int
	}{
		{[]Ref{{"tag", 1}, {"tag", 2}, {"studio", 1}, {"tag", 1}}, 7 + 3 + 1}, // the file of its link
		{[]Ref{{"tag", 1}, {"tag", 2}, {"studio", 1}, {"tag", 1}}, 7},
		{[]Ref{{"tag", 2}, {"studio", 2}, {"studio", 1}}, 7 + 2},
		{nil, 7 + 3},
	} {
		if n := push(c.refs...); n != c.rows {
			t.Errorf("push %d wrote %d rows, want %d", i, n, c.rows)
		}
		var n int
		if err := s.read.QueryRow(`SELECT COUNT(*) FROM link_ref`).Scan(&n); err != nil || n != min(len(c.refs), 3) {
			t.Errorf("after push %d the scene mentions %d, want %d: %v", i, n, min(len(c.refs), 3), err)
		}
	}
}

// plan returns SQLite's plan of a statement.
func plan(t *testing.T, s *Store, text string) (steps []string) {
	t.Helper()
	rows, err := s.read.Query("EXPLAIN QUERY PLAN "+text, make([]any, 20)...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// The user waits for every hook. A hook is one transaction on one connection with a few statements, so that it waits for
// the disk once. The hook that asks for a run has a second transaction.
func TestHookIsOneTransaction(t *testing.T) {
	for name, c := range map[string]struct {
		record          HookRecord
		asks            bool
		begun, prepared int
	}{
		"of one scene": {record: HookRecord{Own: Request{SceneID: 1}}, begun: 1, prepared: 6},
		"of one of many scenes": {record: HookRecord{
			Own: Request{SceneID: 2}, Event: "an event", Others: []Request{{SceneID: 3}, {SceneID: 4}},
		}, begun: 1, prepared: 9},
		"of a tag":        {record: HookRecord{Fanout: &FanoutRecord{Kind: "tag", Own: 1}}, begun: 1, prepared: 3},
		"that asks":       {record: HookRecord{Own: Request{SceneID: 5}}, asks: true, begun: 2, prepared: 10},
		"of what is gone": {record: HookRecord{Own: Request{SceneID: 6}, Gone: true}, begun: 1, prepared: 10},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := recordedStore(t)
			if !c.asks {
				if _, err := s.Ask(t.Context(), t0); err != nil {
					t.Fatal(err)
				}
			}
			r.begun, r.prepared = 0, 0
			mark, err := s.RecordHook(t.Context(), t0, c.record)
			if err == nil && mark.Ask {
				err = s.Asked(t.Context(), t0, mark, true, false)
			}
			if err != nil || mark.Ask != c.asks {
				t.Fatalf("%+v, %v", mark, err)
			}
			if r.begun != c.begun || r.prepared > c.prepared {
				t.Errorf("%d transactions and %d statements, want %d and at most %d", r.begun, r.prepared, c.begun, c.prepared)
			}
			if n := s.write.Stats().OpenConnections + s.read.Stats().OpenConnections; n != 1 {
				t.Errorf("%d connections, want 1", n)
			}
		})
	}
}

func TestHookAllocationsDoNotDependOnTheQueue(t *testing.T) {
	var allocs [2]float64
	for i, queued := range [...]int{0, 10_000} {
		s := openStore(t)
		requests := make([]Request, queued)
		for j := range requests {
			requests[j] = Request{SceneID: 1000 + j, Reason: "waits", Priority: InBulk}
		}
		if err := s.Enqueue(t.Context(), t0, requests); err != nil {
			t.Fatal(err)
		}
		scene := 0
		allocs[i] = testing.AllocsPerRun(20, func() {
			scene++
			record(t, s, t0, HookRecord{Own: Request{SceneID: scene, Reason: "edited"}})
		})
	}
	if allocs[1] > 1.1*allocs[0] || allocs[0] > 200 {
		t.Errorf("%.0f allocations with nothing queued and %.0f with 10,000 scenes, want at most 200 and as many", allocs[0], allocs[1])
	}
}
