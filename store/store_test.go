package store

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

var t0 = time.UnixMilli(1_700_000_000_000)

func openStore(t *testing.T) *Store {
	t.Helper()
	return openIn(t, filepath.Join(t.TempDir(), "data"))
}

func openIn(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func fiveSeconds(Job) time.Duration { return 5 * time.Second }

func enqueueScenes(t *testing.T, s *Store, now time.Time, priority int, ids ...int) {
	t.Helper()
	var requests []Request
	for _, id := range ids {
		requests = append(requests, Request{SceneID: id, Reason: "test", Priority: priority})
	}
	if err := s.Enqueue(t.Context(), now, requests); err != nil {
		t.Fatal(err)
	}
}

func claim(t *testing.T, s *Store, now time.Time, opts ClaimOptions) []Job {
	t.Helper()
	if opts.Wait == nil {
		opts.Wait = fiveSeconds
	}
	jobs, _, err := s.Claim(t.Context(), now, opts)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func endOne(t *testing.T, s *Store, now time.Time, e Completion) bool {
	t.Helper()
	applied, err := s.Complete(t.Context(), now, []Completion{e})
	if err != nil {
		t.Fatal(err)
	}
	return applied[0]
}

func jobOf(t *testing.T, s *Store, id int) Job {
	t.Helper()
	j, err := s.Job(t.Context(), id)
	if err != nil {
		t.Fatalf("job of scene %d: %v", id, err)
	}
	return j
}

func ids(jobs []Job) []int {
	var list []int
	for _, j := range jobs {
		list = append(list, j.SceneID)
	}
	return list
}

func TestOpenRefusesForeignFolders(t *testing.T) {
	notOnWindows(t, "not everybody may make links there")
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"symlink": link, "file": file} {
		if s, err := Open(t.Context(), dir); err == nil {
			s.Close()
			t.Errorf("Open of a %s succeeded", name)
		}
	}
}

func TestOpenKeepsEverythingPrivate(t *testing.T) {
	notOnWindows(t, "a file has the rights of its folder there")
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 1)
	for name, want := range map[string]os.FileMode{"": 0o700, "queue.db": 0o600, "queue.db-wal": 0o600, "queue.db-shm": 0o600} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm() != want {
			t.Errorf("mode of %q = %o, want %o", name, fi.Mode().Perm(), want)
		}
	}
}

func TestNewerDatabaseIsRefusedUntouched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 7)
	if _, err := s.write.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, queueFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), dir)
	newer, ok := errors.AsType[*NewerError](err)
	if !ok || newer.Version != 99 {
		t.Fatalf("Open = %v, want a NewerError of version 99", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, queueFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the newer file was changed")
	}
}

func TestRequestCoalesces(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	j := claim(t, s, t0, ClaimOptions{})[0]
	endOne(t, s, t0, Completion{Job: j, Outcome: Retry, Wait: time.Minute, Class: "temporary", Error: "slow"})
	if got := jobOf(t, s, 1); got.Attempts != 1 || got.ErrorClass != "temporary" || !got.FirstFailedAt.Equal(t0) {
		t.Fatalf("after a retry: %+v", got)
	}
	later := t0.Add(time.Second)
	enqueueScenes(t, s, later, ByPerson, 1)
	got := jobOf(t, s, 1)
	want := Job{SceneID: 1, Reason: "test", Priority: ByPerson, EnqueuedAt: later, DueAt: later}
	if got != want {
		t.Errorf("coalesced job = %+v, want %+v", got, want)
	}
	enqueueScenes(t, s, later, InBulk, 1)
	if got := jobOf(t, s, 1).Priority; got != ByPerson {
		t.Errorf("a request in bulk lowered the priority to %d", got)
	}
}

func TestEditDuringPushIsNotLost(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, ByPerson, 1)
	j := claim(t, s, t0, ClaimOptions{})[0]
	enqueueScenes(t, s, t0.Add(time.Second), ByPerson, 1) // the edit
	for _, outcome := range []Outcome{Done, Drop, Retry, Miss, Snooze, Release, ToDeadLetter} {
		if endOne(t, s, t0.Add(2*time.Second), Completion{Job: j, Outcome: outcome, Class: "x", Error: "x"}) {
			t.Errorf("%s ended a claim that the edit had reset", outcome)
		}
	}
	got := jobOf(t, s, 1)
	if got.Claim != 0 || got.Attempts != 0 || !got.DueAt.Equal(t0.Add(time.Second)) {
		t.Errorf("job after the edit = %+v, want it due now and unclaimed", got)
	}
}

func TestLateCompletionDoesNotCompleteTheNextClaim(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	first := claim(t, s, t0, ClaimOptions{})[0]
	second := claim(t, s, t0.Add(6*time.Second), ClaimOptions{})[0]
	if first.Claim == second.Claim {
		t.Fatal("a claim number was used twice")
	}
	if endOne(t, s, t0.Add(7*time.Second), Completion{Job: first, Outcome: Done}) {
		t.Error("the first worker ended the second's claim")
	}
	if !endOne(t, s, t0.Add(8*time.Second), Completion{Job: second, Outcome: Done}) {
		t.Error("the second worker could not end its claim")
	}
}

func TestClaimWaitsUntilDue(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	j := claim(t, s, t0, ClaimOptions{})[0]
	endOne(t, s, t0, Completion{Job: j, Outcome: Retry, Wait: 10 * time.Second, Class: "temporary", Error: "e"})
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {9999 * time.Millisecond, 0}, {10 * time.Second, 1}} {
		if got := claim(t, s, t0.Add(c.after), ClaimOptions{}); len(got) != c.want {
			t.Errorf("%v after the failure %d jobs were claimed, want %d", c.after, len(got), c.want)
		}
	}
}

func TestDueTimeFarAheadCountsAsPast(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	back := t0.Add(-24 * time.Hour) // the clock was moved back
	if got := claim(t, s, back, ClaimOptions{}); len(got) != 1 {
		t.Fatalf("after the clock moved back %d jobs are due, want 1", len(got))
	}
	c, err := s.Counts(t.Context(), back.Add(-time.Hour))
	if err != nil || c.Due.N != 1 {
		t.Errorf("counts = %+v, %v; want one job due", c, err)
	}
}

func TestClaimTakesTheHighestPriorityInOrder(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2)
	enqueueScenes(t, s, t0.Add(time.Second), ByPerson, 9)
	now := t0.Add(time.Minute)
	if got := ids(claim(t, s, now, ClaimOptions{})); len(got) != 1 || got[0] != 9 {
		t.Errorf("first claim = %v, want the person's edit alone", got)
	}
	if got := ids(claim(t, s, now, ClaimOptions{Below: InBulk})); len(got) != 0 {
		t.Errorf("claim below InBulk = %v, want none", got)
	}
	if got := ids(claim(t, s, now, ClaimOptions{})); len(got) != 2 {
		t.Errorf("second claim = %v, want both others", got)
	}
}

func TestClaimIsBounded(t *testing.T) {
	s := openStore(t)
	var all []int
	for i := range 120 {
		all = append(all, i+1)
	}
	enqueueScenes(t, s, t0, InBulk, all...)
	if got := len(claim(t, s, t0, ClaimOptions{})); got != BatchSize {
		t.Errorf("claimed %d jobs, want %d", got, BatchSize)
	}
}

func TestIncompleteClaimIsRetriedAloneAndThenDeadLettered(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2)
	if got := claim(t, s, t0, ClaimOptions{}); len(got) != 2 {
		t.Fatalf("claimed %d, want 2", len(got))
	}
	now := t0
	for _, want := range []int{2, 3, 4} { // the process died each time
		now = now.Add(time.Minute)
		for range 2 {
			got := claim(t, s, now, ClaimOptions{})
			if len(got) != 1 || got[0].Unfinished != want {
				t.Fatalf("claim = %+v, want one job alone with unfinished %d", got, want)
			}
		}
	}
	now = now.Add(time.Minute)
	jobs, crashed, err := s.Claim(t.Context(), now, ClaimOptions{Wait: fiveSeconds})
	if err != nil || len(jobs) != 0 || len(crashed) != 2 {
		t.Fatalf("Claim = %v, %v, %v; want both jobs dead-lettered", jobs, crashed, err)
	}
	letters, err := s.DeadLetters(t.Context(), Narrow{Class: ClassCrashed}, 10)
	if err != nil || len(letters) != 2 {
		t.Fatalf("dead letters = %v, %v; want 2 crashed", letters, err)
	}
}

func TestCompletionResetsTheCountOfIncompleteClaims(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	claim(t, s, t0, ClaimOptions{})
	now := t0.Add(time.Minute)
	j := claim(t, s, now, ClaimOptions{})[0]
	if j.Unfinished != 2 {
		t.Fatalf("unfinished = %d, want 2", j.Unfinished)
	}
	endOne(t, s, now, Completion{Job: j, Outcome: Retry, Wait: time.Second, Class: "temporary", Error: "e"})
	if got := jobOf(t, s, 1); got.Unfinished != 0 || got.Attempts != 1 {
		t.Errorf("job = %+v, want unfinished 0 and one attempt charged", got)
	}
}

func TestReleasedJobIsUnchangedButNotTakenAgainByThisRun(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	floor, err := s.ClaimFloor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := t0.Add(time.Second)
	j := claim(t, s, now, ClaimOptions{Floor: floor})[0]
	if !endOne(t, s, now, Completion{Job: j, Outcome: Release}) {
		t.Fatal("the release had no effect")
	}
	got := jobOf(t, s, 1)
	if !got.DueAt.Equal(t0) || got.Attempts != 0 || got.Unfinished != 0 {
		t.Errorf("released job = %+v, want it due as before and uncharged", got)
	}
	if again := claim(t, s, now, ClaimOptions{Floor: floor}); len(again) != 0 {
		t.Error("the same run took the job again")
	}
	enqueueScenes(t, s, now, InBulk, 1) // an edit releases it
	if again := claim(t, s, now, ClaimOptions{Floor: floor}); len(again) != 1 {
		t.Error("an edit did not make the job available to the same run")
	}
}

func TestTrialTakesTheDueJobWithTheFewestAttempts(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2, 3)
	for _, j := range claim(t, s, t0, ClaimOptions{}) {
		e := Completion{Job: j, Outcome: Retry, Wait: time.Second, Class: "temporary", Error: "e"}
		switch j.SceneID {
		case 2:
			e.Wait = time.Minute // fewest attempts with 3, but not due
		case 3:
			e.Outcome = Snooze
		}
		endOne(t, s, t0, e)
	}
	got := ids(claim(t, s, t0.Add(2*time.Second), ClaimOptions{Trial: true}))
	if len(got) != 1 || got[0] != 3 {
		t.Errorf("trial = %v, want only scene 3", got)
	}
	got = ids(claim(t, s, t0.Add(3*time.Second), ClaimOptions{Trial: true}))
	if len(got) != 1 || got[0] != 1 {
		t.Errorf("second trial = %v, want only scene 1", got)
	}
}

func TestClaimDoesNotTouchWaitingJobs(t *testing.T) {
	s := openStore(t)
	var all []int
	for i := range 100_000 {
		all = append(all, i+10)
	}
	enqueueScenes(t, s, t0.Add(LongestWait-time.Second), InBulk, all...)
	enqueueScenes(t, s, t0, InBulk, 1)
	if got := ids(claim(t, s, t0, ClaimOptions{})); len(got) != 1 || got[0] != 1 {
		t.Errorf("claimed %v, want the due one", got)
	}
	var touched int
	if err := s.read.QueryRow(`SELECT COUNT(*) FROM job WHERE scene_id >= 10 AND (claim <> 0 OR unfinished <> 0 OR due_at <> ?)`,
		t0.Add(LongestWait-time.Second).UnixMilli()).Scan(&touched); err != nil || touched != 0 {
		t.Errorf("%d waiting jobs were touched, %v", touched, err)
	}
	for _, query := range []string{
		`SELECT * FROM job WHERE priority = 1 AND due_at BETWEEN 0 AND 5 AND claim < 9 ORDER BY due_at LIMIT 1`,
		`SELECT * FROM job WHERE priority = 1 AND due_at BETWEEN 0 AND 5 AND claim < 9 AND unfinished = 0 ORDER BY due_at LIMIT 50`,
		`SELECT * FROM job WHERE attempts = 1 AND due_at BETWEEN 0 AND 5 AND claim < 9 ORDER BY due_at LIMIT 1`,
		`SELECT MIN(due_at) FROM job WHERE priority = 1 AND due_at > 5`,
		`SELECT MIN(attempts) FROM job WHERE attempts > 0`,
		`SELECT scene_id, size, path FROM awaited_file WHERE base = 'x'`,
	} {
		var id, parent, unused int
		var plan string
		if err := s.read.QueryRow(`EXPLAIN QUERY PLAN `+query).Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(plan, "SEARCH") || strings.Contains(plan, "TEMP") {
			t.Errorf("%s\nhas the plan %s", query, plan)
		}
	}
}

func TestBatchExcludesIncompleteClaims(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	claim(t, s, t0, ClaimOptions{}) // and the process dies
	enqueueScenes(t, s, t0.Add(time.Second), InBulk, 2, 3)
	now := t0.Add(time.Minute)
	if got := ids(claim(t, s, now, ClaimOptions{})); len(got) != 2 || got[0] != 2 {
		t.Errorf("claimed %v, want the two with completed claims", got)
	}
	if got := ids(claim(t, s, now, ClaimOptions{})); len(got) != 1 || got[0] != 1 {
		t.Errorf("claimed %v, want only the other one", got)
	}
}

// notOnWindows skips a test on Windows.
func notOnWindows(t *testing.T, why string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip(why)
	}
}
