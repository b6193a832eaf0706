package lists_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// change changes rows in one transaction and returns how many.
func change(t *testing.T, s *store.Store, f func(tx *sqlitefile.Tx) (int, error)) (n int) {
	t.Helper()
	err := s.InTx(t.Context(), func(tx *sqlitefile.Tx) (err error) {
		n, err = f(tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// all returns the scenes of a list.
func all(t *testing.T, s *store.Store, f lists.Filter) []int {
	t.Helper()
	f.Now = t0
	return walk(t, s, f, 1000, func() {})
}

func TestRetryMakesJobsDueWithoutTheirFailures(t *testing.T) {
	s := openStore(t)
	run(t, s, row{1, 0, 3, "temporary", t0.UnixMilli() + 60_000}.insert(lists.Jobs),
		row{2, 1, 3, "temporary", t0.UnixMilli() - 60_000}.insert(lists.Jobs),
		row{3, 1, 3, "temporary", t0.UnixMilli() + 7_000_000}.insert(lists.Jobs),
		row{4, 1, 3, "temporary", t0.UnixMilli() + 60_000}.insert(lists.Jobs))
	n := change(t, s, func(tx *sqlitefile.Tx) (int, error) { return lists.Retry(t.Context(), tx, t0, []int{1, 2, 3, 99}) })
	if n != 3 {
		t.Errorf("%d jobs, want 3", n)
	}
	for id, due := range map[int]time.Time{1: t0, 2: t0.Add(-time.Minute), 3: t0} {
		j, err := s.Job(t.Context(), id)
		if err != nil || !j.DueAt.Equal(due) || j.Attempts+j.Misses+j.Unfinished != 0 || j.Error != "" || j.ErrorClass != "" || j.Reason != "edited" {
			t.Errorf("job %d = %+v, %v", id, j, err)
		}
	}
	if j, err := s.Job(t.Context(), 4); err != nil || j.Attempts != 3 {
		t.Errorf("another job = %+v, %v", j, err)
	}
}

func TestPostponeNeverMakesAJobSooner(t *testing.T) {
	s := openStore(t)
	for id, wait := range []int64{0: -60_000, 1: 0, 2: 60_000, 3: 300_000, 4: 400_000, 5: 7_000_000} {
		run(t, s, row{id + 1, 0, 3, "temporary", t0.UnixMilli() + wait}.insert(lists.Jobs))
	}
	n := change(t, s, func(tx *sqlitefile.Tx) (int, error) {
		return lists.Postpone(t.Context(), tx, t0, 5*time.Minute, []int{1, 2, 3, 4, 5, 6, 7})
	})
	if n != 4 {
		t.Errorf("%d jobs, want 4", n)
	}
	for id := 1; id <= 6; id++ {
		want := t0.Add(5 * time.Minute)
		if id == 5 {
			want = t0.Add(400 * time.Second)
		}
		if j, err := s.Job(t.Context(), id); err != nil || !j.DueAt.Equal(want) || j.Attempts != 3 {
			t.Errorf("job %d = %+v, %v; want it due %v", id, j, err, want)
		}
	}
	if _, err := lists.Postpone(t.Context(), nil, t0, lists.LongestWait+1, nil); err == nil {
		t.Error("a wait counts as past and is accepted")
	}
}

// A claim in force is void after each change, so that its completion neither ends the job nor brings it back.
func TestChangeVoidsTheClaim(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(tx *sqlitefile.Tx) (int, error)
		left bool
	}{
		{"retry", func(tx *sqlitefile.Tx) (int, error) { return lists.Retry(t.Context(), tx, t0, []int{1}) }, true},
		{"postpone", func(tx *sqlitefile.Tx) (int, error) {
			return lists.Postpone(t.Context(), tx, t0, time.Minute, []int{1})
		}, true},
		{"remove", func(tx *sqlitefile.Tx) (int, error) {
			return lists.Remove(t.Context(), tx, lists.Jobs, []int{1})
		}, false},
	} {
		for _, outcome := range []store.Outcome{store.Done, store.Retry, store.Miss, store.Snooze, store.Release, store.ToDeadLetter} {
			s := openStore(t)
			if err := s.Enqueue(t.Context(), t0, []store.Request{{SceneID: 1, Reason: "edited"}}); err != nil {
				t.Fatal(err)
			}
			jobs, _, err := s.Claim(t.Context(), t0, store.ClaimOptions{Wait: func(store.Job) time.Duration { return time.Second }})
			if err != nil || len(jobs) != 1 {
				t.Fatal(jobs, err)
			}
			if n := change(t, s, c.do); n != 1 {
				t.Errorf("%s changed %d jobs", c.name, n)
			}
			before, had := s.Job(t.Context(), 1)
			applied, err := s.Complete(t.Context(), t0.Add(time.Second), []store.Completion{{
				Job: jobs[0], Outcome: outcome, Class: "x", Error: "x", AwaitedFiles: []store.AwaitedFile{{Path: "/a.mp4", Size: 1}},
			}})
			if err != nil || applied[0] {
				t.Errorf("%s, %s: applied %v, %v", c.name, outcome, applied, err)
			}
			after, has := s.Job(t.Context(), 1)
			if before != after || (had == nil) != c.left || (has == nil) != c.left || before.Unfinished != 0 {
				t.Errorf("%s, %s: %+v, %v became %+v, %v", c.name, outcome, before, had, after, has)
			}
			if dead := all(t, s, lists.Filter{Kind: lists.DeadLetters}); len(dead) > 0 {
				t.Errorf("%s, %s: dead letters %v", c.name, outcome, dead)
			}
		}
	}
}

// Rows go with the files that they wait for. Those of other scenes stay, also of one that was pushed and has no row.
func TestRemoveTakesTheAwaitedFiles(t *testing.T) {
	for _, kind := range []lists.Kind{lists.Jobs, lists.DeadLetters} {
		s := openStore(t)
		for id := 1; id <= 3; id++ {
			run(t, s, row{id, 0, 0, "not_found", 1}.insert(kind))
		}
		run(t, s, `INSERT INTO awaited_file (base, size, path, scene_id) VALUES ('a', 1, '/a', 1), ('b', 1, '/b', 2), ('c', 1, '/c', 3), ('d', 1, '/d', 4)`)
		if n := change(t, s, func(tx *sqlitefile.Tx) (int, error) {
			return lists.Remove(t.Context(), tx, kind, []int{1, 2, 4})
		}); n != 2 {
			t.Errorf("%d rows, want 2", n)
		}
		view(t, s, func(tx *sqlitefile.Tx) error {
			files, err := sqlitefile.Collect(t.Context(), tx, sqlitefile.Single[int], `SELECT scene_id FROM awaited_file ORDER BY 1`)
			if !slices.Equal(files, []int{3, 4}) || !slices.Equal(all(t, s, lists.Filter{Kind: kind}), []int{3}) {
				t.Errorf("%s: the files of %v are left", kind, files)
			}
			n, countErr := lists.InQueue(t.Context(), tx, kind, []int{1, 3, 4})
			if n != 1 || countErr != nil {
				t.Errorf("%d in the queue, %v", n, countErr)
			}
			return err
		})
	}
}

func TestReviveMakesJobsOfDeadLetters(t *testing.T) {
	s := openStore(t)
	for id := 1; id <= 3; id++ {
		run(t, s, row{id, 0, 5, "rejected", 1}.insert(lists.DeadLetters))
	}
	run(t, s, `INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at, restored) VALUES ('S', 1, '7', '1', '/p', 'path', 1, '', 1)`)
	if n := change(t, s, func(tx *sqlitefile.Tx) (int, error) { return lists.Revive(t.Context(), tx, t0, []int{1, 3, 9}) }); n != 2 {
		t.Errorf("%d dead letters, want 2", n)
	}
	if jobs, dead := all(t, s, lists.Filter{Kind: lists.Jobs, State: lists.Due}), all(t, s, lists.Filter{Kind: lists.DeadLetters}); !slices.Equal(jobs, []int{1, 3}) || !slices.Equal(dead, []int{2}) {
		t.Errorf("jobs %v, dead letters %v", jobs, dead)
	}
	if links, err := s.Links(t.Context(), 1); err != nil || len(links) != 1 || links[0].Restored {
		t.Errorf("%+v, %v: a person wants the scene in Plex again", links, err)
	}
}

// The indexes are in the daily copies. A recovered queue has all rows, and gets its indexes from the next run.
func TestPreparedQueueIsCopiedAndRecovered(t *testing.T) {
	s := openStore(t)
	prepare(t, s)
	prepare(t, s)
	for id := 1; id <= 300; id++ {
		run(t, s, row{id, 1, id % 3, "not_found", t0.UnixMilli() + 1000}.insert(lists.Jobs), row{1000 + id, 1, 1, "rejected", int64(id)}.insert(lists.DeadLetters))
	}
	if made, err := s.CopyDaily(t.Context(), t0); err != nil || !made {
		t.Fatalf("copied: %v, %v", made, err)
	}
	path := filepath.Join(s.Dir(), "queue.db")
	copied, err := store.OpenFile(t.Context(), sqlitefile.LatestCopy(path))
	if err != nil {
		t.Fatal(err)
	}
	if n := indexes(t, copied); n != 2 {
		t.Errorf("the copy has %d of the indexes", n)
	}
	copied.Close()
	root := 0
	view(t, s, func(tx *sqlitefile.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT rootpage FROM sqlite_schema WHERE name = 'job_class'`).Scan(&root)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), int64(root-1)*4096); err != nil {
		t.Fatal(err)
	}
	file.Close()
	r, err := store.Recover(t.Context(), s.Dir(), t0)
	if err != nil || r == nil || r.Rescued["job"] != 300 || r.Rescued["dead_letter"] != 300 {
		t.Fatalf("recovered %+v, %v", r, err)
	}
	again, err := store.Open(t.Context(), s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	prepare(t, again)
	if n := indexes(t, again); n != 2 {
		t.Errorf("the recovered queue has %d of the indexes", n)
	}
	if n := len(all(t, again, lists.Filter{Kind: lists.Jobs, Class: "not_found", State: lists.Waiting})); n != 300 {
		t.Errorf("%d jobs after the recovery", n)
	}
}

func indexes(t *testing.T, s *store.Store) (n int) {
	t.Helper()
	view(t, s, func(tx *sqlitefile.Tx) error {
		return tx.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM sqlite_schema WHERE name IN ('job_class', 'dead_letter_list')`).Scan(&n)
	})
	return n
}
