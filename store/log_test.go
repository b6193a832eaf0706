package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// die copies a queue to a new folder as a process leaves it that exits without closing it: database and log, without the
// shared memory of open connections.
func die(t *testing.T, s *Store) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{queueFile, queueFile + "-wal"} {
		text, err := os.ReadFile(filepath.Join(s.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	return dir
}

// Hooks do not close the queue. A hook that is the only process to open it first reads the complete log, and thousands of
// hooks may come before the next run.
func TestLogStaysShortUnderHooksAlone(t *testing.T) {
	s := openStore(t)
	const hooks, most = 60, 2 * 100 * 4120 // bytes: a hundred pages, and as many again
	for id := 1; id <= hooks; id++ {
		s = openIn(t, die(t, s))
		record(t, s, t0, HookRecord{Own: Request{SceneID: id, Reason: "edited", Priority: InBulk}})
		if fi, err := os.Stat(filepath.Join(s.dir, queueFile+"-wal")); err != nil || fi.Size() > most {
			t.Fatalf("after %d hooks the log has %d bytes, want at most %d; %v", id, fi.Size(), most, err)
		}
	}
	var n int
	if err := s.read.QueryRow(`SELECT COUNT(*) FROM job`).Scan(&n); err != nil || n != hooks {
		t.Errorf("%d jobs, want %d; %v", n, hooks, err)
	}
}
