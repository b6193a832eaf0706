package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// damageTable overwrites the root page of a table of a closed database.
func damageTable(t *testing.T, dir, table string) {
	t.Helper()
	s := openIn(t, dir)
	var root, size int
	err := errors.Join(
		s.read.QueryRow(`SELECT rootpage FROM sqlite_master WHERE name = ?`, table).Scan(&root),
		s.read.QueryRow(`PRAGMA page_size`).Scan(&size),
		s.Checkpoint(t.Context()), s.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, queueFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := (root - 1) * size; i < root*size; i++ {
		text[i] = 0xa5
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// recovered recovers a damaged database and opens it.
func recovered(t *testing.T, dir string) (*Store, *Recovery) {
	t.Helper()
	r, err := Recover(t.Context(), dir, t0)
	if err != nil || r == nil || Suspect(dir) {
		t.Fatalf("Recover = %+v, %v; suspect %v", r, err, Suspect(dir))
	}
	return openIn(t, dir), r
}

// damagedQueue creates a queue with jobs of scenes 1 to n and a damaged attempt log.
func damagedQueue(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	var all []int
	for i := range n {
		all = append(all, i+1)
	}
	enqueueScenes(t, s, t0, InBulk, all...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damageTable(t, dir, "attempt_log")
	return dir
}

// noteSalvage leaves the note of a recovery that was interrupted after it chose a name for the damaged file.
func noteSalvage(dir, name string) error {
	return os.WriteFile(filepath.Join(dir, queueFile+".salvage"), []byte(`{"damage":"damage","asides":["`+name+`"]}`), 0o600)
}

func TestInterruptedRecoveryContinues(t *testing.T) {
	notOnWindows(t, "a file that is open is not moved there")
	const name = queueFile + ".damaged-1"
	steps := []struct {
		name string
		do   func(dir string) error
	}{
		{"noted", func(dir string) error {
			return noteSalvage(dir, name)
		}},
		{"the file moved", func(dir string) error {
			return os.Rename(filepath.Join(dir, queueFile), filepath.Join(dir, name))
		}},
		{"a hook came", func(dir string) error {
			s, err := Open(t.Context(), dir)
			if err != nil {
				return err
			}
			_, err = s.RecordHook(t.Context(), t0, own(9))
			return errors.Join(err, s.Close())
		}},
		{"saved", func(dir string) error {
			_, err := salvageInto(t.Context(), dir, t0, sqlitefile.Salvage{Damage: "damage", Asides: []string{name}})
			return err
		}},
	}
	for last := range steps {
		t.Run(steps[last].name, func(t *testing.T) {
			dir := damagedQueue(t, 3)
			late := openIn(t, dir) // rows that are only in the log are saved too
			record(t, late, t0, own(4))
			for _, step := range steps[:last+1] {
				if err := step.do(dir); err != nil {
					t.Fatal(err)
				}
			}
			if !Suspect(dir) {
				t.Error("no note says that more is to be saved")
			}
			s, r := recovered(t, dir)
			for _, id := range []int{1, 2, 3, 4} {
				jobOf(t, s, id)
			}
			if filepath.Base(r.Aside) != name || !sqlitefile.Exists(r.Aside) || r.Damage != "damage" {
				t.Errorf("recovery = %+v", r)
			}
		})
	}
}

func TestCancelledRecoveryLosesNothing(t *testing.T) {
	dir := damagedQueue(t, 500)
	suspect(t, dir)
	attempts := 0
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		stopped, cancel := context.WithTimeout(t.Context(), wait)
		r, err := Recover(stopped, dir, t0)
		cancel()
		if attempts++; err == nil {
			if r == nil {
				t.Fatal("the file counts as undamaged")
			}
			break
		}
		if !Suspect(dir) {
			t.Fatalf("no note says to continue after %v", err)
		}
	}
	if n := jobsIn(t, openIn(t, dir)); n != 500 || attempts < 2 {
		t.Errorf("%d of 500 jobs left after %d attempts", n, attempts)
	}
}

func TestRecoveryReadsBothDamagedFiles(t *testing.T) {
	dir := damagedQueue(t, 3)
	if err := noteSalvage(dir, queueFile+".damaged-1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, queueFile), filepath.Join(dir, queueFile+".damaged-1")); err != nil {
		t.Fatal(err)
	}
	s := openIn(t, dir)
	record(t, s, t0, own(9))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damageTable(t, dir, "attempt_log")
	s, _ = recovered(t, dir)
	for _, id := range []int{1, 2, 3, 9} {
		jobOf(t, s, id)
	}
}

func TestHooksDuringARecoveryLoseNothing(t *testing.T) {
	const hooks = 3
	dir := damagedQueue(t, 300)
	stop := make(chan bool)
	var wg sync.WaitGroup
	var recorded sync.Map
	for w := range hooks {
		wg.Go(func() {
			for i := 1000 * (w + 1); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				h, err := Open(t.Context(), dir)
				if err != nil {
					continue // the hook would use the inbox
				}
				if _, err := h.RecordHook(t.Context(), t0, own(i)); err == nil {
					recorded.Store(i, true)
				}
				h.Close()
			}
		})
	}
	_, err := Recover(t.Context(), dir, t0)
	close(stop)
	wg.Wait()
	s := openIn(t, dir)
	var verdict string
	if checkErr := s.read.QueryRow(`PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || checkErr != nil || verdict != "ok" {
		t.Errorf("Recover: %v; integrity %q, %v", err, verdict, checkErr)
	}
	lost := 0
	recorded.Range(func(id, _ any) bool {
		if _, err := s.Job(t.Context(), id.(int)); err != nil {
			lost++
		}
		return true
	})
	if lost > hooks { // each may have had the old file open until the end
		t.Errorf("lost %d recorded jobs", lost)
	}
}

func TestLostJobsAreEnqueuedAgain(t *testing.T) {
	const scenes, edits = 300, 100
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	var seen []SceneVersion
	for i := range scenes {
		seen = append(seen, SceneVersion{SceneID: i + 1, UpdatedAt: "a", Paths: 1})
	}
	look := func(s *Store, adopt bool) int {
		t.Helper()
		n, err := s.CatchUp(t.Context(), t0, Page{Scenes: seen, Adopt: adopt})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	look(s, true)
	for i := range edits {
		record(t, s, t0, own(i+1))
		seen[i].UpdatedAt = "b"
	}
	look(s, false) // stores their versions
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damageTable(t, dir, "job")
	s, _ = recovered(t, dir)
	look(s, false)
	if n := jobsIn(t, s); n < edits {
		t.Errorf("%d jobs after the next complete listing, want the %d edits that were lost", n, edits)
	}
}

func TestCompleteJobsKeepSceneVersions(t *testing.T) {
	dir := damagedQueue(t, 1)
	s := openIn(t, dir)
	page := Page{Scenes: []SceneVersion{{SceneID: 5, UpdatedAt: "a", Paths: 1}}, Adopt: true}
	if _, err := s.CatchUp(t.Context(), t0, page); err != nil {
		t.Fatal(err)
	}
	s.Close() // Windows does not move an open file
	s, _ = recovered(t, dir)
	page.Adopt = false
	if n, err := s.CatchUp(t.Context(), t0, page); err != nil || n != 0 {
		t.Errorf("the listing after the recovery enqueued %d, %v; want nothing that has not changed", n, err)
	}
}

func TestSavedJobsCanBeClaimed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	for range 9 {
		enqueueScenes(t, s, t0, InBulk, 1)
		endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Done})
	}
	enqueueScenes(t, s, t0, InBulk, 1)
	endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Release})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damageTable(t, dir, "meta")
	s, _ = recovered(t, dir)
	floor, err := s.ClaimFloor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if jobs := claim(t, s, t0, ClaimOptions{Floor: floor}); len(jobs) != 1 {
		t.Errorf("a run claims %d jobs, want the one that was saved", len(jobs))
	}
}

func TestCopyRestoresOnlyLostRows(t *testing.T) {
	for _, damaged := range []string{"attempt_log", "meta", "dead_letter", "item"} {
		t.Run(damaged, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s := openIn(t, dir)
			id, err := s.ClientID(t.Context(), t0)
			if err != nil {
				t.Fatal(err)
			}
			enqueueScenes(t, s, t0, InBulk, 1, 2, 3)
			for _, j := range claim(t, s, t0, ClaimOptions{}) {
				endOne(t, s, t0, Completion{Job: j, Outcome: ToDeadLetter, Class: "rejected", Error: "e"})
			}
			_, copyErr := s.CopyDaily(t.Context(), t0)
			_, clearErr := s.ClearDead(t.Context(), Narrow{SceneID: 2}) // requested by a user
			enqueueScenes(t, s, t0, ByPerson, 1)                        // and an edit
			if err := errors.Join(copyErr, clearErr, s.Close()); err != nil {
				t.Fatal(err)
			}
			damageTable(t, dir, damaged)
			s, r := recovered(t, dir)
			letters, err := s.DeadLetters(t.Context(), Narrow{}, 10)
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if damaged == "dead_letter" { // one too many is better than none
				want = 2
			}
			if len(letters) != want {
				t.Errorf("%d dead letters, want %d (%+v)", len(letters), want, r)
			}
			if got, err := s.ClientID(t.Context(), t0); err != nil || got != id {
				t.Errorf("client identifier = %q, %v; want it kept", got, err)
			}
			if meta, _, err := s.Meta(t.Context(), KeyLastCopy); err != nil || (meta == "") != (damaged == "meta") {
				t.Errorf("last copy = %q, %v", meta, err)
			}
		})
	}
}

func TestRecoverySavesFanouts(t *testing.T) {
	dir := damagedQueue(t, 1)
	s := openIn(t, dir)
	changed(t, s, t0, FanoutRecord{Kind: "tag", Own: 3})
	s.Close() // Windows does not move an open file
	if _, r := recovered(t, dir); r.Rescued["fanout"] != 1 {
		t.Errorf("recovery = %+v, want one change saved", r)
	}
}

func TestInvalidItemIsDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	items := []Item{{Server: "S", RatingKey: "1", Owner: 1}, {Server: "S", RatingKey: "2", Owner: 2}}
	_, copyErr := s.CopyDaily(t.Context(), t0)
	if err := errors.Join(copyErr, s.PutItems(t.Context(), items)); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`PRAGMA ignore_check_constraints = 1`, `UPDATE item SET base = '{' WHERE rating_key = '1'`, `PRAGMA ignore_check_constraints = 0`} {
		if _, err := s.write.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Items(t.Context(), "S", []string{"1"}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Items = %v, want ErrCorrupt", err)
	}
	if err := s.PutItems(t.Context(), items); !errors.Is(err, ErrCorrupt) || !Suspect(dir) {
		t.Errorf("PutItems = %v, suspect %v; want ErrCorrupt and a note", err, Suspect(dir))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, r := recovered(t, dir)
	if known, err := s.Items(t.Context(), "S", []string{"1", "2"}); err != nil || len(known) != 1 || known["2"].Owner != 2 {
		t.Errorf("after the recovery %+v: items %+v, %v; want the valid one", r, known, err)
	}
}

func TestDamagedColumnNameLosesNoRows(t *testing.T) {
	dir := damagedQueue(t, 3)
	s := openIn(t, dir)
	for _, q := range []string{
		`PRAGMA writable_schema = 1`,
		`UPDATE sqlite_schema SET sql = replace(sql, 'enqueued_at', 'enquXued_at') WHERE name = 'job'`,
	} {
		if _, err := s.write.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, r := recovered(t, dir)
	if c, err := s.Counts(t.Context(), t0.Add(time.Hour)); err != nil || c.Due.N != 3 {
		t.Errorf("after the recovery %+v: %+v, %v; want 3 jobs", r, c, err)
	}
}
