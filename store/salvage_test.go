package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
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

// damagedQueue makes a queue with jobs of scenes 1 to n whose log of attempts is damaged.
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

func TestRecoveryThatWasCutOffGoesOn(t *testing.T) {
	const name = queueFile + ".damaged-1"
	steps := []struct {
		name string
		do   func(dir string) error
	}{
		{"noted", func(dir string) error { return salvage{"damage", []string{name}}.write(dir) }},
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
			_, err := salvageInto(t.Context(), dir, t0, salvage{"damage", []string{name}})
			return err
		}},
	}
	for last := range steps {
		t.Run(steps[last].name, func(t *testing.T) {
			dir := damagedQueue(t, 3)
			late := openIn(t, dir) // what is only in the log is not lost either
			record(t, late, t0, own(4))
			for _, step := range steps[:last+1] {
				if err := step.do(dir); err != nil {
					t.Fatal(err)
				}
			}
			if !Suspect(dir) {
				t.Error("nobody is told that there is more to save")
			}
			s, r := recovered(t, dir)
			for _, id := range []int{1, 2, 3, 4} {
				jobOf(t, s, id)
			}
			if filepath.Base(r.Aside) != name || !exists(r.Aside) || r.Damage != "damage" {
				t.Errorf("recovery = %+v", r)
			}
		})
	}
}

func TestStoppedRecoveryLosesNothing(t *testing.T) {
	dir := damagedQueue(t, 500)
	suspect(t, dir)
	tries := 0
	for wait := 5 * time.Millisecond; ; wait *= 2 {
		stopped, cancel := context.WithTimeout(t.Context(), wait)
		r, err := Recover(stopped, dir, t0)
		cancel()
		if tries++; err == nil {
			if r == nil {
				t.Fatal("the file counts as sound")
			}
			break
		}
		if !Suspect(dir) {
			t.Fatalf("nobody is told to go on after %v", err)
		}
	}
	if n := jobsIn(t, openIn(t, dir)); n != 500 || tries < 2 {
		t.Errorf("%d of 500 jobs left after %d tries", n, tries)
	}
}

func TestDamageOfTheNewFileIsSavedFromToo(t *testing.T) {
	dir := damagedQueue(t, 3)
	if err := (salvage{"damage", []string{queueFile + ".damaged-1"}}).write(dir); err != nil {
		t.Fatal(err)
	}
	if err := moveAside(dir, queueFile+".damaged-1"); err != nil {
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
	var told sync.Map
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
					continue // it goes into the inbox
				}
				if _, err := h.RecordHook(t.Context(), t0, own(i)); err == nil {
					told.Store(i, true)
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
	told.Range(func(id, _ any) bool {
		if _, err := s.Job(t.Context(), id.(int)); err != nil {
			lost++
		}
		return true
	})
	if lost > hooks { // each may have slept with the old file open until all was over
		t.Errorf("lost %d jobs that were told", lost)
	}
}
