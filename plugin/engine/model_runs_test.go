package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// runOf is a run that a step interrupts.
func (st step) runOf() *plannedRun {
	r := &plannedRun{what: event(st.b % 12), at: 1 + st.d%26, scene: st.c}
	if r.what >= events {
		r.what = nothing
	}
	return r
}

// processQueue is one run of the task.
func (w *world) processQueue(r *plannedRun) {
	r.pushes = true
	w.process(r, func(ctx context.Context, e *Engine) error {
		_, err := e.Run(ctx, Options{ByPerson: r.person})
		return err
	})
}

func (w *world) stepRun(st step) {
	r, only := st.runOf(), 0
	opts := Options{ByPerson: st.a%5 == 1, Linger: st.a%5 == 2}
	if s := w.scene(st.c); s != nil && st.a%5 > 2 {
		only, opts.Only = s.is.ID, s.is.ID
		if st.a%5 == 4 {
			opts.ByPerson, opts.Listing = true, true
			w.must(w.db.Enqueue(context.Background(), time.Now(), []store.Request{{SceneID: only, Reason: "sync-scene", Priority: store.ByPerson}}))
			w.ask(s, byHook)
		}
	}
	r.person, r.pushes = opts.ByPerson, true
	w.process(r, func(ctx context.Context, e *Engine) error {
		_, err := e.Run(ctx, opts)
		return err
	})
}

func (w *world) stepSyncAll(st step) {
	r := st.runOf()
	r.person, r.pushes = true, true
	w.process(r, func(ctx context.Context, e *Engine) error {
		if _, err := e.EnqueueAll(ctx); err != nil {
			return w.stashOnly(ctx, err)
		}
		for _, s := range w.scenes {
			w.ask(s, byHook)
		}
		_, err := e.Run(ctx, Options{ByPerson: true})
		return err
	})
}

// stashOnly passes every error but one of Stash, or of the end of the run.
func (w *world) stashOnly(ctx context.Context, err error) error {
	if from := retry.OriginOf(err); from == retry.FromPlex || from == retry.FromStash || ctx.Err() != nil {
		return nil
	}
	return err
}

func (w *world) stepSyncRecent(st step) {
	r := st.runOf()
	r.person, r.pushes = true, true
	since := time.Now().Add(-time.Duration(1+st.a) * time.Hour)
	w.process(r, func(ctx context.Context, e *Engine) error {
		if _, err := e.EnqueueSince(ctx, since); err != nil {
			return w.stashOnly(ctx, err)
		}
		for _, s := range w.scenes {
			if at, err := time.Parse(time.RFC3339, w.stash.Updated(s.is.ID)); err == nil && !at.Before(since) {
				w.ask(s, byHook)
			}
		}
		_, err := e.Run(ctx, Options{ByPerson: true})
		return err
	})
}

// stepRestore restores one scene, or all.
func (w *world) stepRestore(st step) {
	r, scene := st.runOf(), 0
	for _, s := range w.scenes {
		s.excuse()
	}
	if s := w.scene(st.c); s != nil && st.a%3 == 0 {
		scene = s.is.ID
	}
	var did findings.Restoration
	w.process(r, func(ctx context.Context, e *Engine) (err error) {
		did, err = e.Restore(ctx, scene)
		return err
	})
	if scene == 0 && r.returned && !r.happened && !r.dead && did.Stopped == "" && did.Failed == 0 && did.Gone <= w.countGone() {
		w.restored("after a restore")
	}
}

// countGone counts the items that were pushed and that Plex has no more. If it denies others, the restore says so,
// and another one finds them.
func (w *world) countGone() (n int) {
	rows, err := w.sql.Query(`SELECT rating_key FROM item`)
	if err != nil {
		w.fail("%v", err)
		return 0
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		w.must(rows.Scan(&key))
		if w.items[key] == nil {
			n++
		}
	}
	w.must(rows.Err())
	return n
}

func (w *world) stepDead(st step) {
	ctx := context.Background()
	switch st.a % 4 {
	case 0, 1:
		_, err := w.db.Revive(ctx, time.Now(), store.Narrow{})
		w.must(err)
	case 2:
		for _, s := range w.scenes {
			if letters, err := w.db.DeadLetters(ctx, store.Narrow{SceneID: s.is.ID}, 1); err != nil || len(letters) > 0 {
				w.must(err)
				s.excuse()
			}
		}
		_, err := w.db.ClearDead(ctx, store.Narrow{})
		w.must(err)
	case 3:
		changes, err := w.db.HasFanout(ctx)
		w.must(err)
		jobs := w.jobs()
		for _, s := range w.scenes {
			if _, queued := jobs[s.is.ID]; queued || changes {
				s.excuse()
			}
		}
		_, err = w.db.ClearQueue(ctx)
		w.must(err)
	}
}

func (w *world) stepRebuild(st step) {
	w.process(st.runOf(), func(ctx context.Context, e *Engine) error {
		_, err := e.RebuildIndex(ctx)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
}

// checkPlexRequest looks whether a request may be sent: no run asks an open breaker's Plex for anything,
// one alone probes, and nothing is written to an item that is no scene's.
func (w *world) checkPlexRequest(r *plannedRun, req *http.Request) {
	if req.Method != http.MethodGet {
		key := itemOf(req.URL)
		i := w.items[key]
		if !r.restores() && !slices.Contains(r.gone, key) && (i == nil || w.owner(i) == nil) {
			w.fail("%s %s changes an item of no scene", req.Method, req.URL.RequestURI())
		}
	}
	if !r.pushes {
		return
	}
	b, err := w.db.Breaker(context.Background())
	w.must(err)
	switch b.State {
	case store.BreakerOpen:
		w.fail("%s %s although the breaker is open", req.Method, req.URL.Path)
	case store.BreakerHalfOpen:
		if w.prober == r {
			return
		}
		// A process that died during its probe blocks others for at most a minute.
		if !r.person && b.HalfOpenAt.Before(b.ProbeAt) && b.HalfOpenAt.Sub(w.probed) < retry.HalfOpenLimit {
			w.fail("a probe %v too early, %v after the last", b.ProbeAt.Sub(b.HalfOpenAt), b.HalfOpenAt.Sub(w.probed))
		}
		if !r.person && b.HalfOpenAt.Equal(w.probed) {
			w.fail("two runs probe at once")
		}
		w.prober, w.probed = r, b.HalfOpenAt
	}
}

func (r *plannedRun) restores() bool { return !r.pushes }

// itemOf is the rating key that a write names.
func itemOf(u *url.URL) string {
	q := u.Query()
	if key := q.Get("id") + q.Get("key"); key != "" {
		return key
	}
	parts := strings.Split(u.Path, "/")
	return parts[min(3, len(parts)-1)]
}

// heard counts refused connections in a row.
func (w *world) heard(err error) {
	if !errors.Is(err, syscall.ECONNREFUSED) {
		w.refused = 0
		return
	}
	if w.refused++; w.refused > 3*retry.TripAfter {
		b, err := w.db.Breaker(context.Background())
		w.must(err)
		if b.State == store.BreakerClosed {
			w.fail("%d refused connections in a row, and the breaker is closed", w.refused)
		}
	}
}

// checkStashRequest looks whether the scenes that are read for a push were due.
func (w *world) checkStashRequest(r *plannedRun, req *http.Request) {
	var q struct {
		Variables struct {
			ID  string
			IDs []string
		}
	}
	if !strings.HasSuffix(req.URL.Path, "/graphql") || json.Unmarshal(body(req), &q) != nil {
		return
	}
	ids := q.Variables.IDs
	if q.Variables.ID != "" {
		ids = append(ids, q.Variables.ID)
	}
	if len(ids) == 0 || len(r.due) == 0 {
		return
	}
	jobs := w.jobs()
	for _, text := range ids {
		id, _ := strconv.Atoi(text)
		was, j := r.due[id], jobs[id]
		waits := was.SceneID != 0 && was.DueAt.After(time.Now()) && was.EnqueuedAt.Equal(j.EnqueuedAt) && was.Misses == j.Misses
		if waits && j.Claim >= r.floor && j.Unfinished > 0 && !w.ended(id, r) {
			w.fail("scene %d is taken %v before it is due: %+v", id, time.Until(was.DueAt), j)
		}
	}
}

// ended reports whether a claim of the scene has ended in a run already: it may have been woken before.
func (w *world) ended(id int, r *plannedRun) (yes bool) {
	w.must(w.sql.QueryRow(`SELECT EXISTS (SELECT 1 FROM attempt_log WHERE scene_id = ? AND at >= ?)`, id, r.began.UnixMilli()).Scan(&yes))
	return yes
}

// jobs are all jobs.
func (w *world) jobs() map[int]store.Job {
	rows, err := w.sql.Query(`SELECT scene_id, enqueued_at, attempts, misses, unfinished, due_at, claim FROM job`)
	if err != nil {
		w.fail("%v", err)
		return nil
	}
	defer rows.Close()
	jobs := make(map[int]store.Job)
	for rows.Next() {
		var j store.Job
		var enqueued, due int64
		w.must(rows.Scan(&j.SceneID, &enqueued, &j.Attempts, &j.Misses, &j.Unfinished, &due, &j.Claim))
		j.EnqueuedAt, j.DueAt = time.UnixMilli(enqueued), time.UnixMilli(due)
		jobs[j.SceneID] = j
	}
	w.must(rows.Err())
	return jobs
}

// checkRun looks at the claims of a run that is over. One that ended has ended all of them; those of one that
// died come back by themselves, and not at once.
func (w *world) checkRun(r *plannedRun) {
	for id, j := range w.jobs() {
		if j.Claim < r.floor || j.Unfinished == 0 {
			continue
		}
		if !r.dead {
			w.fail("the run is over, and the claim of scene %d is not: %+v", id, j)
			continue
		}
		woken := j.Misses == 0 && (r.due[id].Misses > 0 || w.ended(id, r)) // its file has appeared: it is due at once
		if wait := j.DueAt.Sub(r.began); wait < halfBackoff(j) && !woken {
			w.fail("scene %d is due again %v after a run began that died: %+v", id, wait, j)
		}
	}
	w.arrived()
}

// halfBackoff returns the shortest wait after one more failure of a job, computed independently.
func halfBackoff(j store.Job) time.Duration {
	if j.Misses > j.Attempts {
		return min(15*time.Second<<min(j.Misses, 8), 300*time.Second)
	}
	return min(2500*time.Millisecond<<min(j.Attempts, 8), 40*time.Second)
}

// checkTables looks at what must be true of the tables at any time.
func (w *world) checkTables() {
	var both, twice, attempts, misses, unfinished, deadAttempts, deadMisses, bugs int
	err := w.sql.QueryRow(`SELECT
		(SELECT COUNT(*) FROM job JOIN dead_letter USING (scene_id)),
		(SELECT COUNT(*) FROM (SELECT 1 FROM job WHERE claim <> 0 GROUP BY claim HAVING COUNT(*) > 1)),
		(SELECT COALESCE(MAX(attempts), 0) FROM job), (SELECT COALESCE(MAX(misses), 0) FROM job),
		(SELECT COALESCE(MAX(unfinished), 0) FROM job),
		(SELECT COALESCE(MAX(attempts), 0) FROM dead_letter), (SELECT COALESCE(MAX(misses), 0) FROM dead_letter),
		(SELECT COUNT(*) FROM attempt_log WHERE class = 'panic')`).
		Scan(&both, &twice, &attempts, &misses, &unfinished, &deadAttempts, &deadMisses, &bugs)
	most := w.config.MaxRetries
	switch {
	case err != nil:
		w.fail("%v", err)
	case both > 0:
		w.fail("%d scenes have a job and a dead letter", both)
	case twice > 0:
		w.fail("two jobs have the same claim")
	case attempts > most, misses > 12, unfinished > 4, deadAttempts > most+1, deadMisses > 13:
		w.fail("attempts %d, misses %d, unfinished %d, of dead letters %d and %d: too many", attempts, misses, unfinished, deadAttempts, deadMisses)
	case bugs > 0:
		w.fail("a bug was caught")
	case !w.faulty && attempts+deadAttempts > 0:
		w.fail("an attempt was charged although nothing has failed")
	}
	w.checkWaits()
	w.checkCharges()
}

// checkCharges looks whether each job was charged an attempt for each failure since it was asked for, and for
// nothing else.
func (w *world) checkCharges() {
	rows, err := w.sql.Query(`SELECT scene_id, attempts, (SELECT COUNT(*) FROM attempt_log l
		WHERE l.scene_id = j.scene_id AND l.outcome = 'retry' AND l.at >= j.enqueued_at) FROM job j`)
	if err != nil {
		w.fail("%v", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id, attempts, failures int
		w.must(rows.Scan(&id, &attempts, &failures))
		if attempts > failures || attempts < failures && !w.meanwhile[id] {
			w.fail("scene %d was charged %d attempts for %d failures", id, attempts, failures)
		}
	}
	w.must(rows.Err())
}

// checkWaits looks whether each job that failed waits for half its backoff at least.
func (w *world) checkWaits() {
	rows, err := w.sql.Query(`SELECT j.scene_id, j.attempts, j.misses, j.due_at - l.at, l.outcome FROM job j
		JOIN attempt_log l ON l.id = (SELECT MAX(id) FROM attempt_log WHERE scene_id = j.scene_id)
		WHERE j.claim = 0 AND (l.outcome = 'retry' AND j.attempts > 0 AND j.misses = 0 OR l.outcome = 'miss' AND j.misses > 0)`)
	if err != nil {
		w.fail("%v", err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id, attempts, misses int
		var wait int64
		var outcome string
		w.must(rows.Scan(&id, &attempts, &misses, &wait, &outcome))
		least := min(2500*time.Millisecond<<max(attempts-1, 0), 40*time.Second)
		if outcome == "miss" {
			least = min(15*time.Second<<max(misses-1, 0), 300*time.Second)
		}
		if time.Duration(wait)*time.Millisecond < least {
			w.fail("scene %d waits %d ms after attempt %d, miss %d: less than %v", id, wait, attempts, misses, least)
		}
	}
	w.must(rows.Err())
}

// checkDead looks whether each dead letter has died of what it may.
func (w *world) checkDead() map[int]string {
	letters, err := w.db.DeadLetters(context.Background(), store.Narrow{}, 100)
	w.must(err)
	died := make(map[int]string)
	for _, d := range letters {
		id, class := d.Job.SceneID, d.Job.ErrorClass
		died[id] = class
		legal := map[string]bool{
			string(retry.ClassTemporary): d.Job.Attempts == w.config.MaxRetries+1,
			string(retry.ClassNotFound):  d.Job.Misses == 13,
			store.ClassCrashed:           w.kills >= 4,
		}
		if !legal[class] {
			w.fail("scene %d is given up: %+v", id, d.Job)
		}
	}
	return died
}

// checkFile looks whether the database is sound.
func (w *world) checkFile() {
	for _, pragma := range []string{"integrity_check", "foreign_key_check"} {
		var found []string
		rows, err := w.sql.Query("PRAGMA " + pragma)
		if err != nil {
			w.fail("%v", err)
			return
		}
		for rows.Next() {
			var text string
			w.must(rows.Scan(&text))
			found = append(found, text)
		}
		w.must(errors.Join(rows.Err(), rows.Close()))
		if !slices.Equal(found, []string{"ok"}) && len(found) > 0 {
			w.fail("%s: %s", pragma, fmt.Sprint(found))
		}
	}
}
