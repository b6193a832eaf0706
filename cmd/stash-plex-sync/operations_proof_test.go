package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// What every operation keeps to, whatever the state of the queue and of both servers.
const (
	answerWithin = 20 * time.Second
	answerAtMost = 1 << 20 // bytes
)

// reading holds the operations that change nothing, each with usual arguments.
var reading = map[string]map[string]any{
	"account":      nil,
	"accounts":     nil,
	"activity":     {"limit": 200},
	"candidates":   {"scene_id": 11, "text": "clip"},
	"copy-report":  {"check": true},
	"dead-letters": {"limit": 200, "sort": "attempts"},
	"jobs":         {"limit": 200, "class": "not_found"},
	"libraries":    nil,
	"overview":     nil,
	"pictures":     {"scene_id": 1},
	"plays":        {"state": "new", "limit": 200},
	"report":       {"kind": "preview", "limit": 200},
	"reports":      nil,
	"run":          nil,
	"scene":        {"scene_id": 1},
	"servers":      nil,
	"settings":     nil,
}

// acting holds the operations that change something, each with usual arguments.
var acting = map[string]map[string]any{
	"accept-server":  {"server": "0123456789abcdef0123456789abcdef01234567"},
	"adopt-settings": nil,
	"choose-server":  {"machine_id": "0123456789abcdef0123456789abcdef01234567", "address": "http://127.0.0.1:32400"},
	"pin-poll":       {"handle": "A"},
	"pin-start":      nil,
	"sign-out":       nil,
	"forget":         {"scene_id": 1},
	"link":           {"scene_id": 11, "path": "/data/videos/1/clip1.mp4"},
	"pause":          {"minutes": 1},
	"postpone":       {"minutes": 1, "list": "jobs"},
	"remove":         {"list": "jobs", "class": "not_found"},
	"resume":         nil,
	"retry":          {"list": "dead-letters"},
	"sync-scenes":    {"scene_ids": []int{1, 2}},
	"wake":           nil,
}

func TestProofKnowsEveryOperation(t *testing.T) {
	known := slices.Sorted(maps.Keys(reading))
	known = slices.Sorted(slices.Values(append(known, slices.Collect(maps.Keys(acting))...)))
	if all := slices.Sorted(maps.Keys(ops.All())); !slices.Equal(known, all) {
		t.Errorf("the proof knows %v, the program has %v", known, all)
	}
}

// ask calls an operation. It fails the test if the answer takes too long, is too large, or is an error that no sentence
// explains.
func (w *world) ask(mode string, args map[string]any) (answer map[string]any, problem string) {
	w.Helper()
	args = maps.Clone(args)
	if args == nil {
		args = make(map[string]any)
	}
	args["mode"] = mode
	ctx, cancel := context.WithTimeout(w.Context(), 2*answerWithin)
	defer cancel()
	began := time.Now()
	out, err := w.host.Operation(ctx, args)
	if took := time.Since(began); took > answerWithin {
		w.Errorf("%v took %v", args, took)
	}
	if err != nil {
		problem = err.Error()
	}
	text, jsonErr := json.Marshal(out)
	w.must(jsonErr)
	answer, _ = out.(map[string]any)
	switch {
	case len(text) > answerAtMost:
		w.Errorf("the answer to %v has %d bytes", args, len(text))
	case err == nil && answer == nil:
		w.Errorf("%v answered %s", args, text)
	case strings.Contains(problem, "a bug in"), strings.Contains(problem, "panic"), strings.Contains(problem, "SQL logic"):
		w.Errorf("%v: %s", args, problem)
	}
	return answer, problem
}

// readAll calls every reading operation. None fails unless mayFail allows it, and none changes the queue: version tells,
// unless a run changes the queue meanwhile, or it cannot be read.
func (w *world) readAll(mayFail, watched bool) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?mode=ro&_pragma=busy_timeout(10000)")
	w.must(err)
	db.SetMaxOpenConns(1) // data_version is about one connection
	defer db.Close()
	version := func() (n int) {
		if watched {
			w.must(db.QueryRow(`PRAGMA data_version`).Scan(&n))
		}
		return n
	}
	for _, mode := range slices.Sorted(maps.Keys(reading)) {
		before := version()
		if _, problem := w.ask(mode, reading[mode]); problem != "" && !mayFail {
			w.Errorf("%s: %s", mode, problem)
		}
		if after := version(); after != before {
			w.Errorf("%s has changed the queue", mode)
		}
	}
}

// actAll calls every acting operation. In some states they refuse.
func (w *world) actAll() {
	w.Helper()
	for _, mode := range slices.Sorted(maps.Keys(acting)) {
		w.ask(mode, acting[mode])
	}
}

// withEverything is a world in which scenes are pushed, left out, missing, waiting and dead.
func withEverything(t *testing.T) *world {
	w := newWorld(t, 12)
	w.occupied()
	w.plex.Remove(w.keys[11])
	w.stash.Change(12, func(s *stashtest.Scene) { s.Files = nil })
	w.plex.Inject(plextest.Fault{Method: "PUT", Match: func(r plextest.Request) bool {
		return strings.Contains(r.Query+"&", "id="+w.keys[10]+"&")
	}, Status: http.StatusBadRequest})
	w.bulk("New", 1, 2, 3, 9, 10, 11, 12)
	w.process()
	w.plex.Heal()
	w.bulk("Newer", 4, 5)
	return w
}

// A state is one in which operations have to answer.
type state struct {
	name       string
	mayFail    bool
	unreadable bool
	state      func(w *world)
}

func TestOperationsAnswerInEveryState(t *testing.T) {
	states := []state{
		{"everything works", false, false, func(*world) {}},
		{"10,000 jobs", false, false, func(w *world) { w.manyRows(10_000) }},
		{"Plex is away", false, false, func(w *world) { w.plex.Stop() }},
		{"Stash refuses every query", true, false, func(w *world) { w.stash.Inject(stashtest.Fault{Status: http.StatusInternalServerError}) }},
		{"nothing is configured", true, false, func(w *world) { w.stash.SetSettings("stash-plex-sync", map[string]any{}) }},
		{"the queue is damaged", true, true, func(w *world) {
			noise := make([]byte, 64<<10)
			for i := range noise {
				noise[i] = byte(rand.IntN(256))
			}
			w.fillQueue(noise)
		}},
		{"the queue is empty", true, true, func(w *world) { w.fillQueue(nil) }},
		{"the queue is of a newer version", true, true, func(w *world) { w.sql(`PRAGMA user_version = 1000`) }},
		{"the queue is of the first version", false, false, func(w *world) {
			for _, undo := range undoMigrations(w) {
				w.sql(undo)
			}
		}},
	}
	for _, s := range states {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.answered(t)
		})
	}
}

// While Plex takes requests and never answers, each operation uses up its time.
func TestTortureOperationsAnswerWhilePlexHangs(t *testing.T) {
	torture(t)
	state{"Plex hangs", false, false, func(w *world) { w.plex.Inject(plextest.Fault{Hang: true}) }}.answered(t)
}

// answered calls all operations in a state: those that read, those that act, and those that read once more.
func (s state) answered(t *testing.T) {
	t.Helper()
	w := withEverything(t)
	s.state(w)
	if strings.Contains(s.name, "version") || s.name == "nothing is configured" {
		w.ask("status", nil) // the first process of this build migrates the queue
	}
	w.readAll(s.mayFail, !s.unreadable)
	w.actAll()
	w.readAll(s.mayFail, !s.unreadable)
}

// undoMigrations returns the statements that turn the queue into one of the first version.
func undoMigrations(w *world) []string {
	w.Helper()
	return []string{
		`DROP TABLE link_file`, `DROP TABLE day`, `DROP TABLE left_out`, `DROP TABLE manual_link`,
		`DROP TABLE play`, `DROP TABLE play_account`, `DROP TABLE resume_seen`, `DROP TABLE stash_write`,
		`ALTER TABLE job DROP COLUMN last_reason`, `ALTER TABLE dead_letter DROP COLUMN last_reason`,
		`ALTER TABLE attempt_log DROP COLUMN reason`, `ALTER TABLE attempt_log DROP COLUMN fields`,
		`ALTER TABLE attempt_log DROP COLUMN took_ms`, `PRAGMA user_version = 1`,
	}
}

// manyRows gives the queue so many jobs, dead letters and links.
func (w *world) manyRows(n int) {
	w.Helper()
	const numbers = `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?1)`
	for _, q := range []string{
		`INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, due_at, first_failed_at, last_error_class, last_error) ` + numbers + `
			SELECT 10000000 + i, 'Scene.Update', i % 2, i, i % 5, ?2 + (i * 7919) % 500000, 1, CASE WHEN i % 3 THEN 'not_found' ELSE 'temporary' END,
				'Plex has no item for /data/videos/some folder/a long name ' || i || '.mp4' FROM c`,
		`INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, class, error, died_at) ` + numbers + `
			SELECT 30000000 + i, 'Scene.Update', 1, i, 5, 0, 0, CASE WHEN i % 3 THEN 'not_found' ELSE 'rejected' END, 'Plex refused it ' || i, ?2 - i FROM c`,
		`INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at) ` + numbers + `
			SELECT (SELECT value FROM meta WHERE key = 'server'), 50000000 + i, 'k' || i, '1', '/data/videos/' || i || '.mp4', 'path', ?2, '2024-01-01T00:00:00Z' FROM c`,
	} {
		w.sql(q, n, time.Now().UnixMilli())
	}
}

// With a million of each row every answer keeps to the same limits.
func TestTortureOperationsAnswerWithAMillionRows(t *testing.T) {
	torture(t)
	w := withEverything(t)
	w.manyRows(1_000_000)
	w.readAll(false, true)
	w.actAll()
	w.readAll(false, true)
}

func TestOperationsAnswerBesideARun(t *testing.T) {
	w := withEverything(t)
	w.plex.Forget()
	answer := w.holdWrite(0)
	ended := make(chan map[string]any, 1)
	go func() { ended <- w.process() }()
	w.until(func() bool { return w.plex.Count("PUT", "") > 0 })
	before := w.plex.Count("PUT", "")
	w.readAll(false, false)
	if after := w.plex.Count("PUT", ""); after != before {
		t.Errorf("operations that read have sent %d writes to Plex", after-before)
	}
	answer()
	if out := <-ended; out["synced"] != 2.0 {
		t.Errorf("the run beside them = %v, want both scenes", out)
	}
}

// nasty are values that no argument expects: the first of each kind, and all of them under torture. The address is one
// that records who calls.
func nasty(address string) []any {
	some := []any{
		address,
		map[string]any{"plexUrl": address, "05plexUrl": address, "plexToken": ""},
		-1, "'; DROP TABLE job; --", "\x00\x01\x02p\x02\n",
		[]any{address, map[string]any{"a": nil}},
	}
	if os.Getenv("TORTURE") == "" {
		return some
	}
	return append(some,
		address+"/?X-Plex-Token=x", "http://user:pass@"+strings.TrimPrefix(address, "http://"), 0, 1.5, 1e300, "-1", "99999999999999999999", true, []any{},
		strings.Repeat("x", 100_000), "../../etc/passwd", "%00", "{}", "null", "[1,2", "1,2,3,4", "\xff", "ß", slices.Repeat([]any{1}, 5000),
	)
}

// Any web page may call an operation of a Stash without a login. Whatever it sends, no operation breaks, no secret gets
// out, and the token does not travel to an address of the caller's.
func TestHostileCallersGetNothing(t *testing.T) { hostileCallers(t) }

func TestTortureHostileCallersGetNothing(t *testing.T) {
	torture(t)
	hostileCallers(t)
}

func hostileCallers(t *testing.T) {
	w := withEverything(t)
	var mu sync.Mutex
	var heard []string
	trap := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		mu.Lock()
		heard = append(heard, string(dump))
		mu.Unlock()
		http.Error(rw, token, http.StatusUnauthorized)
	}))
	defer trap.Close()
	for _, mode := range slices.Sorted(maps.Keys(ops.All())) {
		names := append(slices.Clone(ops.All()[mode].Args), "unknown", "plexUrl", "url", "address")
		for _, name := range names {
			for _, value := range nasty(trap.URL) {
				args := maps.Clone(reading[mode])
				if args == nil {
					args = maps.Clone(acting[mode])
				}
				if args == nil {
					args = make(map[string]any)
				}
				args[name] = value
				answer, problem := w.ask(mode, args)
				text := fmt.Sprint(answer, problem)
				if secret, form := betrayed(text, []string{token}); secret != "" {
					t.Errorf("%s with %s = %.80v tells the token as %s", mode, name, value, form)
				}
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, request := range heard {
		if secret, _ := betrayed(request, []string{token}); secret != "" {
			t.Errorf("the token was sent to an address of the caller's:\n%s", request)
		}
	}
}
