package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A recorder is a connection to the queue that remembers every statement.
type recorder struct {
	base driver.Driver
	dsn  string

	mu         sync.Mutex
	statements map[string]bool
	prepared   int // statements in all
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

// recordedStore opens a queue whose statements are remembered.
func recordedStore(t *testing.T) (*Store, *recorder) {
	t.Helper()
	s := openStore(t)
	path := filepath.Join(s.dir, queueFile)
	r := &recorder{base: s.write.Driver(), dsn: dsn(path, "rw", "immediate"), statements: make(map[string]bool)}
	s.write.Close()
	s.read.Close()
	s.write = sql.OpenDB(r)
	s.write.SetMaxOpenConns(1)
	s.read = sql.OpenDB(&recorder{base: r.base, dsn: dsn(path, "rw", "deferred"), statements: r.statements})
	return s, r
}

// syncScenes takes scenes from their hook to the end of their push.
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
		ends := make([]Ending, len(jobs))
		for i, j := range jobs {
			key := fmt.Sprint(j.SceneID)
			item := Item{Server: "S", RatingKey: key, Section: "1", Owner: j.SceneID, Sent: map[string]Value{"title": {"T"}}}
			ends[i] = Ending{
				Job: j, Outcome: Done, Note: "synced", Items: []Item{item}, Refs: []Ref{{"tag", 1}}, Seen: &Seen{SceneID: j.SceneID, UpdatedAt: "u"},
				Links: []Link{{Server: "S", SceneID: j.SceneID, RatingKey: key, Section: "1", Path: "/p", Rule: "path", PushedAt: now, UpdatedAt: "u"}},
			}
		}
		must(s.PutItems(ctx, ends[0].Items))
		_, err = s.End(ctx, now, ends)
		must(err)
	}
	_, err = s.LastLook(ctx, now, 0)
	must(err)
}

// What a hook, a claim and an ending cost does not grow with what was synced before: none of their
// statements walks through a table.
func TestFinishedSyncsCostNothing(t *testing.T) {
	s, r := recordedStore(t)
	syncScenes(t, s, t0, 1, 2, 3)
	enqueueScenes(t, s, t0, ByPerson, 1, 2, 3)
	endOne(t, s, t0, Ending{Job: claim(t, s, t0, ClaimOptions{Trial: true})[0], Outcome: Release})
	for i, e := range []Ending{{Outcome: Retry}, {Outcome: Miss, Wanted: []Wanted{{Path: "/a.mp4", Size: 1}}}, {Outcome: Bury}} {
		e.Job = claim(t, s, t0, ClaimOptions{Only: i + 1})[0]
		endOne(t, s, t0, e)
	}
	record(t, s, t0, HookRecord{Own: Request{SceneID: 1}, Gone: true})
	statements := make([]string, 0, len(r.statements))
	for text := range r.statements {
		statements = append(statements, text)
	}
	if len(statements) < 20 {
		t.Fatalf("only %d statements were seen", len(statements))
	}
	slices.Sort(statements)
	for _, text := range statements {
		for _, step := range plan(t, s, text) {
			if strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" {
				t.Errorf("%s\nin %s", step, text)
			}
		}
	}
}

// plan is how SQLite carries out a statement.
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
	return steps
}

// Stash's user waits for every hook: it is one transaction, so that the disk is waited for once, on one
// connection, with a handful of statements; the hook that asks for a run has a second transaction.
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
		"of a tag":        {record: HookRecord{Fanout: &FanoutRecord{Kind: "tag", Own: 1}}, begun: 1, prepared: 2},
		"that asks":       {record: HookRecord{Own: Request{SceneID: 5}}, asks: true, begun: 2, prepared: 9},
		"of what is gone": {record: HookRecord{Own: Request{SceneID: 6}, Gone: true}, begun: 1, prepared: 6},
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

// What a hook allocates does not grow with the queue.
func TestHookAllocatesTheSameAtAnyQueue(t *testing.T) {
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
