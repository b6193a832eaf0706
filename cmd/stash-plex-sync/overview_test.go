package main

import (
	"database/sql"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// Runs warn once a day while there are dead letters.
func TestRunsWarnOfDeadLettersOnceADay(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	const line = "scene needs a look (1 rejected)"
	warned := func(times int) {
		t.Helper()
		w.process()
		if n := len(w.logged(line)); n != times {
			t.Errorf("warned %d times, want %d", n, times)
		}
	}
	warned(0)
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 400})
	w.bulk("One", 1)
	warned(1)
	warned(1)
	w.sql(`UPDATE meta SET at = at - 24 * 3600000 WHERE key = 'warned_of_dead'`)
	warned(2)
	w.sql(`UPDATE meta SET at = at + 365 * 24 * 3600000 WHERE key = 'warned_of_dead'`) // by a clock that was ahead
	warned(3)
	w.op(map[string]any{"mode": "clear-dead"})
	w.sql(`UPDATE meta SET at = at - 24 * 3600000 WHERE key = 'warned_of_dead'`)
	warned(3)
}

// The name of a server is read once, and by each check.
func TestNameOfTheServerIsReadOnce(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	asked := func(times int, name string) {
		t.Helper()
		n := 0
		for _, r := range w.plex.Requests() {
			if r.Path == "/" {
				n++
			}
		}
		if plex := w.op(map[string]any{"mode": "overview"})["plex"].(map[string]any); n != times || plex["name"] != name {
			t.Errorf("the name was read %d times, want %d; plex: %v", n, times, plex)
		}
	}
	w.plex.Forget()
	w.plex.Inject(plextest.Fault{Prefix: "/", Status: 500, Match: func(r plextest.Request) bool { return r.Path == "/" }})
	w.bulk("One", 1)
	w.process()
	asked(1, "")
	w.bulk("Two", 1)
	w.process()
	asked(1, "")
	w.plex.Heal()
	w.op(map[string]any{"mode": "check"})
	asked(2, "Living room")
	w.bulk("Three", 1)
	w.process()
	asked(2, "Living room")
	w.plex.SetMachine("another-machine")
	w.bulk("Four", 1)
	w.process()
	w.bulk("Five", 1)
	w.process()
	asked(3, "Living room")
}

func TestOverviewShowsWhetherPlexAnswers(t *testing.T) {
	w := newWorld(t, 2)
	w.occupied()
	reachable := func(want any) map[string]any {
		t.Helper()
		plex := w.op(map[string]any{"mode": "overview"})["plex"].(map[string]any)
		if plex["reachable"] != want {
			t.Errorf("reachable: %v, want %v: %v", plex["reachable"], want, plex)
		}
		return plex
	}
	if plex := reachable(nil); plex["last_success_at"] != nil || plex["latency_ms"] != nil {
		t.Errorf("before the first request: %v", plex)
	}
	w.bulk("One", 1)
	w.process()
	if plex := reachable(true); plex["version"] == "" || plex["machine_id"] != w.plex.Machine() || plex["last_failure_at"] != nil {
		t.Errorf("after a run: %v", plex)
	}
	w.plex.Stop()
	w.bulk("Two", 1)
	w.process()
	if plex := reachable(false); plex["last_error"] == "" || plex["last_success_at"] == nil {
		t.Errorf("while Plex is off: %v", plex)
	}
}

// The overview changes nothing, whatever state the queue is in, and asks Plex nothing.
func TestOverviewOnlyReads(t *testing.T) {
	w := newWorld(t, 3)
	w.occupied()
	w.bulk("One", 1, 2)
	w.process()
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: 400})
	w.bulk("Two", 1)
	w.process()
	w.bulk("Three", 2)
	db, err := sql.Open("sqlite", w.database())
	w.must(err)
	defer db.Close()
	db.SetMaxOpenConns(1) // the version is that of one connection
	version := func() (n int) {
		t.Helper()
		w.must(db.QueryRow(`PRAGMA data_version`).Scan(&n))
		return n
	}
	before, requests := version(), len(w.plex.Requests())
	out := w.op(map[string]any{"mode": "overview"})
	if after := version(); after != before {
		t.Errorf("the queue changed: data_version %d after %d", after, before)
	}
	if n := len(w.plex.Requests()) - requests; n > 0 {
		t.Errorf("%d requests to Plex", n)
	}
	if out["sentence"] != "0 of 3 scenes are in Plex and up to date; 1 is to be pushed; 1 needs a look; 1 was never pushed" || len(out["days"].([]any)) != 30 {
		t.Errorf("overview: %v", out)
	}
}
