package engine

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// A timeColumn holds times of our own clock.
type timeColumn struct{ file, table, column string }

func (c timeColumn) String() string { return c.table + "." + c.column }

var (
	tableLine  = regexp.MustCompile(`^CREATE TABLE (\w+) \(`)
	columnLine = regexp.MustCompile(`^\s+(\w+)\s+INTEGER\b.*?(?:-- (.*))?$`)
	timeName   = regexp.MustCompile(`(^|_)(at|since|until)$`)
)

// timeColumns finds them by the schema's own words, so that a new one is not forgotten.
func timeColumns(t *testing.T) []timeColumn {
	t.Helper()
	migrations, err := filepath.Glob("../../store/migrations/*.sql")
	if err != nil || len(migrations) == 0 {
		t.Fatal("no migrations: ", err)
	}
	var list []timeColumn
	for _, name := range append(migrations, "../../store/plexindex/index_schema.sql") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file := "queue.db"
		if strings.HasSuffix(name, "index_schema.sql") {
			file = "index.db"
		}
		table := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line[:len(line)-1]) + ""
			if m := tableLine.FindStringSubmatch(line); m != nil {
				table = m[1]
			}
			m := columnLine.FindStringSubmatch("  " + line)
			switch {
			case m == nil:
			case strings.Contains(m[2], "unix ms"):
				list = append(list, timeColumn{file, table, m[1]})
			case timeName.MatchString(m[1]) && !strings.Contains(m[2], "unix s, Plex's clock"):
				t.Errorf("%s.%s looks like a time and does not say of what clock and unit", table, m[1])
			}
		}
	}
	return list
}

// jumps are how far a clock is off.
func jumps() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{10 * time.Minute, -10 * time.Minute, time.Hour, -time.Hour, day, -day, 365 * day, -365 * day}
}

// clockWorld is a lab in which something waits in every way there is.
type clockWorld struct {
	*lab
	dir string
}

// The scenes of a clockWorld.
const (
	hooklessScene = iota + 1 // changes after the jump, without a hook
	editedScene              // is edited after the jump
	failedScene              // waits after two attempts
	missingScene             // waits for a file that Plex gets after the jump
	deadScene
	crashedScene    // was claimed by a process that died
	absentScene     // its item has left Plex
	mentioningScene // mentions a tag that was renamed
	inboxScene      // its hook could not write the queue
	clockScenes     = inboxScene
)

func inClockWorld(t *testing.T, stash *stashtest.Server, f func(w *clockWorld)) {
	t.Helper()
	inClockWorldOf(t, stash, time.UTC, 0, f)
}

// inClockWorldOf is inClockWorld with a zone and an offset for Stash's clock.
func inClockWorldOf(t *testing.T, stash *stashtest.Server, zone *time.Location, off time.Duration, f func(w *clockWorld)) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	synctest.Test(t, func(t *testing.T) {
		empty(stash)
		stash.SetZone(zone)
		stash.SetClock(func() time.Time { return time.Now().Add(off) })
		pass(400 * 24 * time.Hour) // so that there is a year before
		w := &clockWorld{lab: newLab(t, stash, dir), dir: dir}
		w.fill()
		f(w)
		if t.Failed() {
			t.Log(strings.ReplaceAll(w.log.String(), "\x01", " "))
		}
	})
}

// stuckItem lets writes of one item fail.
func (w *clockWorld) stuckItem(id, status int) {
	key := w.keys[id]
	w.plex.Inject(plextest.Fault{Method: "PUT", Status: status, Match: func(r plextest.Request) bool {
		return strings.Contains(r.Query, "id="+key)
	}})
}

// fill lets everything wait.
func (w *clockWorld) fill() {
	w.Helper()
	tag := w.stash.Name("tag", 1, "Before")
	for id := 1; id <= clockScenes; id++ {
		w.add()
	}
	w.stash.Change(mentioningScene, func(s *stashtest.Scene) { s.Tags = []int{tag} })
	w.plex.Remove(w.keys[missingScene])
	for id := 1; id <= clockScenes; id++ {
		if id != missingScene {
			w.edit("Old", id)
		}
	}
	w.run()
	pass(catchup.Every)
	w.run() // an edit in the second of the last read is checked again
	w.plex.Remove(w.keys[absentScene])
	pass(plexindex.RereadAfter + time.Hour)
	w.stuckItem(failedScene, 500)
	w.stuckItem(deadScene, 400)
	w.edit("New", failedScene, deadScene, missingScene)
	for range 2 {
		w.run()
		pass(time.Minute)
	}
	w.edit("New", crashedScene)
	jobs, _, err := w.Store.Claim(w.Context(), time.Now(), store.ClaimOptions{Only: crashedScene, Wait: func(store.Job) time.Duration { return 80 * time.Second }})
	if err != nil || len(jobs) != 1 {
		w.Fatalf("claimed %+v, %v", jobs, err)
	}
	w.stash.Name("tag", tag, "After")
	_, err = w.Store.RecordHook(w.Context(), time.Now(), store.HookRecord{Fanout: &store.FanoutRecord{Kind: "tag", Own: tag, First: true, Event: "event"}})
	w.must(err)
	w.stash.Change(inboxScene, titled("New"))
	w.must(store.LeaveInInbox(w.dir, time.Now(), store.HookRecord{Own: store.Request{SceneID: inboxScene, Reason: "inbox"}}))
	if _, err := w.Store.CopyDaily(w.Context(), time.Now()); err != nil {
		w.Fatal(err)
	}
}

// breakerIs brings the breaker into a state: half-open as by a process that died while it probed.
func (w *clockWorld) breakerIs(state store.BreakerState) {
	w.Helper()
	now := retry.ToMillis(time.Now())
	_, _, err := w.Store.UpdateBreaker(w.Context(), now, func(b store.Breaker) store.Breaker {
		switch state {
		case store.BreakerClosed:
			return b
		case store.BreakerHalfOpen:
			return store.Breaker{State: state, Failures: 6, OpenedAt: now, ProbeAt: now, HalfOpenAt: now, LastError: "e"}
		}
		return store.Breaker{State: state, Failures: 7, FailedProbes: 3, OpenedAt: now, ProbeAt: now.Add(retry.LongestPause), LastError: "e"}
	})
	w.must(err)
}

// jump moves our clock by d against the times that are stored in columns, which is all that a clock's jump is.
func (w *clockWorld) jump(d time.Duration, columns ...timeColumn) {
	w.Helper()
	for _, c := range columns {
		db, err := sql.Open("sqlite", filepath.Join(w.dir, c.file))
		w.must(err)
		_, err = db.ExecContext(w.Context(), fmt.Sprintf("UPDATE %s SET %s = %s - ? WHERE %s > 0", c.table, c.column, c.column, c.column), d.Milliseconds())
		w.must(errors.Join(err, db.Close()))
	}
}

// afterwards lets happen what happens after a jump, with a Plex that does what it should.
func (w *clockWorld) afterwards() {
	w.Helper()
	w.plex.Heal()
	w.keys[missingScene] = w.plex.AddItem(w.section, path(missingScene), size(missingScene))
	w.stash.Change(hooklessScene, titled("New"))
	w.stash.Change(editedScene, titled("New"))
	asks := false
	for range 2 {
		mark, err := w.Store.RecordHook(w.Context(), time.Now(), store.HookRecord{Own: store.Request{SceneID: editedScene, Reason: "edit"}})
		w.must(err)
		asks = asks || mark.Ask
		pass(33 * time.Second) // a mark counts no longer
	}
	if !asks {
		w.Errorf("no hook asks for a run")
	}
}

// wantArrived checks that nothing waits any more, after the longest wait at most.
func (w *clockWorld) wantArrived() {
	w.Helper()
	w.run()
	pass(store.LongestWait + time.Second)
	w.run()
	for _, id := range []int{hooklessScene, editedScene, failedScene, missingScene, crashedScene, inboxScene} {
		w.wantTitle(id, "New")
	}
	if tags := w.plex.Item(w.keys[mentioningScene]).Tags["genre"]; fmt.Sprint(tags) != "[After]" {
		w.Errorf("the tags of scene %d are %v", mentioningScene, tags)
	}
	if left := w.queued(); len(left) > 0 {
		w.Errorf("%v are queued still", left)
	}
	if b, err := w.Store.Breaker(w.Context()); err != nil || b.State != store.BreakerClosed {
		w.Errorf("breaker = %+v, %v", b, err)
	}
	w.wantKept()
}

// wantKept checks that what is kept for long is there still.
func (w *clockWorld) wantKept() {
	w.Helper()
	if letters, err := w.Store.DeadLetters(w.Context(), store.Narrow{SceneID: deadScene}, 1); err != nil || len(letters) != 1 {
		w.Errorf("dead letters = %v, %v", letters, err)
	}
	if items, err := w.Store.Items(w.Context(), w.plex.Machine(), []string{w.keys[absentScene]}); err != nil || len(items) != 1 {
		w.Errorf("the memory of the item that left Plex = %v, %v", items, err)
	}
}
