package engine

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"modernc.org/sqlite"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// arena is what is slow to make and the same for all sequences.
type arena struct {
	stash *stashtest.Server
	dir   string // in memory, where the system has such a folder
	queue []byte // queue.db without a row
	world *world // whose processes may die at a commit
}

func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{}
	var err error
	if a.stash, err = stashtest.New(); err != nil {
		t.Fatal(err)
	}
	if a.dir, err = os.MkdirTemp("/dev/shm", "model-"); err != nil {
		a.dir = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(a.dir) })
	empty := filepath.Join(a.dir, "empty")
	db, err := store.Open(t.Context(), empty)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Checkpoint(t.Context()), db.Close()); err != nil {
		t.Fatal(err)
	}
	if a.queue, err = os.ReadFile(filepath.Join(empty, "queue.db")); err != nil {
		t.Fatal(err)
	}
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, dsn string) error {
		if strings.Contains(dsn, a.dir) {
			conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 { return a.world.commit() })
		}
		return nil
	})
	return a
}

// world is both servers, the database between them, and what must be true of them.
type world struct {
	arena    *arena
	dir      string
	stash    *stashtest.Server
	plex     *plextest.Server
	sections []string
	db       *store.Store
	index    *plexindex.Index
	sql      *sql.DB // only looks
	config   Config
	random   *rand.Rand
	log      *bytes.Buffer // nil: discarded
	run      *plannedRun   // the process that works; nil: none does
	aside    bool          // what commits now is another process
	truth
	err error // the first thing that is not as it must be
}

func (a *arena) newWorld(v variant) (*world, error) {
	w := &world{arena: a, stash: a.stash.Another(), plex: plextest.New("token-123"), random: rand.New(rand.NewPCG(1, 2)), truth: newTruth(v)}
	a.world = w
	var err error
	if w.dir, err = os.MkdirTemp(a.dir, "w"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "queue.db"), a.queue, 0o600); err != nil {
		return nil, err
	}
	v.configure(w.plex)
	w.config = Config{Config: push.Config{Fields: v.fields(), KeepPlexEdits: v.Keep, MaxRetries: v.retries()}}
	if err := w.open(); err != nil {
		return nil, err
	}
	w.sql, err = sql.Open("sqlite", "file:"+filepath.Join(w.dir, "queue.db")+"?mode=ro&_pragma=busy_timeout(1000)")
	return w, err
}

// open opens the database as a new process does.
func (w *world) open() (err error) {
	if w.db, err = store.Open(context.Background(), w.dir); err != nil {
		return err
	}
	w.index, err = plexindex.Open(context.Background(), w.dir)
	return err
}

func (w *world) close() {
	w.index.Close()
	w.db.Close()
}

// end takes the world away.
func (w *world) end() {
	w.close()
	w.sql.Close()
	os.RemoveAll(w.dir)
}

// fail notes the first thing that is not as it must be.
func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *world) must(err error) {
	if err != nil {
		w.fail("%v", err)
	}
}

// event is what happens in the middle of a run.
type event int

const (
	nothing   event = iota
	stopped_        // the run is asked to stop
	dies            // the process dies before a request or in a commit
	diesAfter       // the process dies after a request, before it sees the answer
	edited          // a person edits a scene
	unheard         // the same, and the hook is lost
	plexGoes        // Plex refuses connections from now on
	stashGoes       // so does Stash
	replaced        // Plex takes a scene's items for new ones
	events
)

// run is one process that works.
type plannedRun struct {
	at     int // the request or commit at which something happens
	what   event
	scene  int // what it happens to
	person bool
	pushes bool     // it is a run: it heeds the breaker
	gone   []string // rating keys of items that vanished meanwhile

	n        int // requests and commits so far
	happened bool
	dead     bool
	returned bool
	stop     context.CancelFunc
	began    time.Time
	floor    int64
	due      map[int]store.Job // the jobs at its beginning
}

// process lets a process of its own do f, unless it dies.
func (w *world) process(r *plannedRun, f func(ctx context.Context, e *Engine) error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var err error
	if r.floor, err = w.db.ClaimFloor(ctx); err != nil {
		w.fail("%v", err)
		return
	}
	r.stop, r.began, r.due = cancel, time.Now(), w.jobs()
	e := w.engine()
	w.run = r
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				w.fail("panic: %v\n%s", p, debug.Stack())
			}
		}()
		err = f(ctx, e)
		r.returned = true
	}()
	<-done
	w.run = nil
	switch {
	case r.dead:
		w.kills++
		w.close()
		w.must(w.open())
	case err != nil:
		w.fail("a run ended with %v", err)
	}
	w.checkRun(r)
}

func (w *world) engine() *Engine {
	stash, err := stashapi.New(stashtest.Connection(), stashapi.Options{Transport: wire{w, w.stash.Transport(), false}})
	w.must(err)
	plex, err := plexapi.New(plexapi.Config{
		URL: "http://plex.invalid:32400", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: wire{w, w.plex.Transport(), true},
	})
	w.must(err)
	e := &Engine{
		Store: w.db, Index: w.index, Stash: stash, Plex: plex, Config: w.config, Log: zerolog.Nop(),
		Random: w.random.Float64, Progress: func(float64) {},
	}
	if w.log != nil {
		log := stashlog.New(w.log, nil)
		log.Reveal(true)
		e.Log = log.Logger(true)
	}
	return e
}

// commit is asked by SQLite whether a transaction may be committed. After its death a process commits nothing.
func (w *world) commit() int32 {
	r := w.run
	if r == nil || w.aside {
		return 0
	}
	r.n++
	if r.what == dies && r.n >= r.at {
		r.dead = true
	}
	if r.dead {
		return 1
	}
	return 0
}

// wire is the way to one of the servers.
type wire struct {
	w    *world
	next http.RoundTripper
	plex bool
}

// RoundTrip implements http.RoundTripper. A process that dies here does nothing more: its goroutine ends.
func (l wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w, r := l.w, l.w.run
	if r.dead {
		runtime.Goexit()
	}
	r.n++
	now := r.n >= r.at && !r.happened
	if now {
		r.happened = true
		if w.happen(r); r.dead {
			runtime.Goexit()
		}
	}
	if l.plex {
		w.checkPlexRequest(r, req)
	} else {
		w.checkStashRequest(r, req)
	}
	res, err := l.next.RoundTrip(req)
	if l.plex && r.pushes {
		w.heard(err)
	}
	if now && r.what == diesAfter {
		r.dead = true
		runtime.Goexit()
	}
	return res, err
}

// happen lets happen what is to happen in the middle of a run.
func (w *world) happen(r *plannedRun) {
	w.aside = true
	defer func() { w.aside = false }()
	switch r.what {
	case stopped_:
		r.stop()
	case dies:
		r.dead = true
	case edited:
		w.edit(r, byHook)
	case unheard:
		time.Sleep(1100 * time.Millisecond) // Stash's times have a resolution of one second
		w.edit(r, lost)
	case replaced:
		if s := w.scene(r.scene); s != nil {
			for _, i := range w.itemsOf(s) {
				if !w.comesBack(s, i.file.Path) {
					s.asked = nil // what had arrived is lost
				}
				w.replace(i, r.scene)
				r.gone = append(r.gone, i.key)
			}
		}
	case plexGoes:
		w.faulty = true
		w.plex.Refuse(true)
	case stashGoes:
		w.faulty = true
		w.stash.Refuse(true)
	}
}

// body reads the body of a request and puts it back.
func body(req *http.Request) []byte {
	if req.Body == nil {
		return nil
	}
	text, err := io.ReadAll(req.Body)
	req.Body.Close()
	req.Body = io.NopCloser(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	return text
}
