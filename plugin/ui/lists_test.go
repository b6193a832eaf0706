package ui_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ui/uitest"
	_ "github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile" // the driver
)

const (
	queuePage    = "/plugins/stash-plex-sync/queue"
	activityPage = "/plugins/stash-plex-sync/activity"
)

// A lab is a world with a queue that tests fill.
type lab struct{ *uitest.World }

// newLab starts a world with n scenes. A job of Stash keeps its queue busy, so nothing is pushed until release is called.
func newLab(t *testing.T, n int) (w lab, release func()) {
	w = lab{uitest.NewWorld(t, n)}
	w.Op("process", nil)
	return w, w.Stash.Hold("Scanning...")
}

func (w lab) database() string { return filepath.Join(w.Dir, stashtest.PluginID, "queue.db") }

func (w lab) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// sql changes the queue, as something beside the page does.
func (w lab) sql(query string, args ...any) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	_, err = db.Exec(query, args...)
	w.must(err)
	_, err = db.Exec(`UPDATE meta SET value = value + 1 WHERE key = 'revision'`)
	w.must(err)
}

// count returns how many rows a table, or what follows FROM, has.
func (w lab) count(from string) (n int) {
	w.Helper()
	db, err := sql.Open("sqlite", "file:"+w.database()+"?mode=ro&_pragma=busy_timeout(10000)")
	w.must(err)
	defer db.Close()
	w.must(db.QueryRow(`SELECT COUNT(*) FROM ` + from).Scan(&n))
	return n
}

// until waits until a table has so many rows.
func (w lab) until(from string, want int) {
	w.Helper()
	for end := time.Now().Add(15 * time.Second); w.count(from) != want; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("%s has %d rows, want %d", from, w.count(from), want)
		}
	}
}

// jobs queues the scenes first to last: every third one is due, the others wait for a file or after failures.
func (w lab) jobs(first, last int) {
	w.Helper()
	w.sql(`WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		INSERT INTO job (scene_id, reason, priority, enqueued_at, attempts, misses, due_at, first_failed_at, last_error_class, last_error, last_reason)
		SELECT i, 'Scene.Update', 1, ?3 - i * 1000, iif(i % 3 = 2, 2, 0), iif(i % 3 = 1, 4, 0), iif(i % 3 = 0, ?3 - 1000 - i, ?3 + 300000 + i), ?3 - 5000,
			CASE i % 3 WHEN 1 THEN 'not_found' WHEN 2 THEN 'temporary' END,
			CASE i % 3 WHEN 1 THEN 'no item in Plex has the file ' || '/data/videos/' || (i % 7) || '/clip' || i || '.mp4 yet' WHEN 2 THEN 'cannot edit item ' || i || ': Plex answered 500 Internal Server Error' END,
			CASE i % 3 WHEN 1 THEN '{"code":"not_in_plex","params":{"path":"/data/videos/clip.mp4"}}' WHEN 2 THEN '{"code":"plex_error","params":{"status":"500"}}' ELSE '' END
		FROM n`, first, last, time.Now().UnixMilli())
}

// dead makes the scenes first to last dead letters.
func (w lab) dead(first, last int, class, text, reason string) {
	w.Helper()
	w.sql(`WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
		INSERT INTO dead_letter (scene_id, reason, priority, enqueued_at, attempts, misses, unfinished, first_failed_at, class, error, last_reason, died_at)
		SELECT i, 'Scene.Update', 1, ?3 - 90000000, iif(?4 = 'temporary', 6, 0), iif(?4 = 'not_found', 13, 0), 0, ?3 - 80000000, ?4, ?5, ?6, ?3 - i * 60000 FROM n`,
		first, last, time.Now().UnixMilli(), class, text, reason)
}

// ambiguous makes a scene fit two items of Plex, and pushes it, so that it becomes a dead letter with both.
func (w lab) ambiguous(id int) {
	w.Helper()
	w.Plex.Remove(w.Keys[id])
	for _, side := range []string{"left", "right"} {
		w.Plex.AddItem(w.Section, fmt.Sprintf("/mnt/%s/clip%d.mp4", side, id), int64(1000+id))
	}
	w.Host.BulkUpdate(w.Context(), []int{id}, func(s *stashtest.Scene) { s.Title = "Which one is it?" })
	w.Op("rebuild-index", nil)
	w.Op("process", nil)
	w.until("dead_letter", 1)
}

// wantOps checks which operations the page has called since Forget, in any order.
func (w lab) wantOps(want ...string) {
	w.Helper()
	got := w.Ops()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		w.Errorf("operations %v, want %v", got, want)
	}
}

// offline makes Plex refuse each request.
func (w lab) offline() { w.Plex.Inject(plextest.Fault{Status: http.StatusServiceUnavailable}) }
