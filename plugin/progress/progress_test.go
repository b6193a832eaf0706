package progress

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofrs/flock"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
)

var since = time.Date(2026, 11, 29, 14, 5, 0, 0, time.UTC)

// want checks what a reader sees; nil is no run.
func want(t *testing.T, dir string, run *Run) {
	t.Helper()
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if (got == nil) != (run == nil) || got != nil && *got != *run {
		t.Errorf("%+v, want %+v", got, run)
	}
}

func TestOthersSeeTheRunUntilItEnds(t *testing.T) {
	dir := t.TempDir()
	want(t, dir, nil)
	run := Run{What: "Process queue", AskedBy: "hook", Since: since}
	w := Begin(t.Context(), dir, run)
	want(t, dir, &run)
	if info, err := os.Stat(filepath.Join(dir, file)); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	w.End()
	want(t, dir, nil)
	w.Report(doing.Step{Name: "late"})
	want(t, dir, nil)
	next := Run{What: "Sync all scenes", Since: since}
	w = Begin(t.Context(), dir, next)
	want(t, dir, &next)
	w.End()
}

func TestFileIsWrittenTwiceASecondAndShowsTheLastStep(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		run := Run{What: "Process queue", Since: since}
		w := Begin(t.Context(), dir, run)
		defer w.End()
		path, written := filepath.Join(dir, file), 0
		var before os.FileInfo
		for i := range 99 { // not quite one second
			w.Report(doing.Step{Name: "pushing", Done: i})
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if before == nil || !os.SameFile(before, info) {
				before, written = info, written+1
			}
		}
		if written > 3 {
			t.Errorf("written %d times in a second", written)
		}
		w.Report(doing.Step{Name: "waiting", WaitsFor: "job", Until: since})
		time.Sleep(every)
		synctest.Wait()
		run.Step = doing.Step{Name: "waiting", WaitsFor: "job", Until: since}
		want(t, dir, &run)
	})
}

func TestNilWriterShowsNothing(t *testing.T) {
	var w *Writer
	w.Report(doing.Step{})
	w.End()
}

func TestRunBeginsDespiteReaders(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte("{}"), 0o600); err != nil { // a killed run has left it
		t.Fatal(err)
	}
	over := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				if _, err := Read(dir); err != nil {
					t.Error(err)
				}
			}
		})
	}
	run := Run{What: "Process queue", Since: since}
	for range 20 {
		w := Begin(t.Context(), dir, run)
		want(t, dir, &run)
		w.End()
	}
	close(over)
	readers.Wait()
}

func TestRunWaitsForAReader(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		reader := flock.New(filepath.Join(dir, lockFile))
		if ok, err := reader.TryRLock(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		time.AfterFunc(patience/2, func() { reader.Close() })
		run := Run{What: "Process queue", Since: since}
		w := Begin(t.Context(), dir, run)
		want(t, dir, &run)
		w.End()
	})
}

// A run that cannot have the lock goes on, and is not shown.
func TestRunThatIsNotShownGoesOn(t *testing.T) {
	dir := t.TempDir()
	first := Begin(t.Context(), dir, Run{What: "first"})
	defer first.End()
	began := time.Now()
	if w := Begin(t.Context(), dir, Run{What: "second"}); w != nil || time.Since(began) > 10*patience {
		t.Errorf("%+v after %v", w, time.Since(began))
	}
	if w := Begin(t.Context(), filepath.Join(dir, "none"), Run{}); w != nil {
		t.Errorf("without a data folder: %+v", w)
	}
}

// dirVariable names the data folder in which the test, started as a process of its own, shows a run.
const dirVariable = "PROGRESS_TEST_DIR"

func TestKilledRunIsNotShown(t *testing.T) {
	if dir := os.Getenv(dirVariable); dir != "" {
		Begin(t.Context(), dir, Run{What: "killed", Since: since})
		time.Sleep(time.Minute) // until it is killed
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledRunIsNotShown$")
	cmd.Env = append(os.Environ(), dirVariable+"="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; {
		if run, err := Read(dir); err == nil && run != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the run is not shown")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // it says that it was killed
	if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
		t.Fatalf("the killed run has left nothing: %v", err)
	}
	want(t, dir, nil)
	w := Begin(t.Context(), dir, Run{What: "next", Since: since})
	want(t, dir, &Run{What: "next", Since: since})
	w.End()
}
