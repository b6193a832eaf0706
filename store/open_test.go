package store

import (
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// filesIn returns the names of a folder's files and what they hold.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// copyFiles copies files of a folder to another as they are at this moment.
func copyFiles(t *testing.T, from, to string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewerDatabaseKeepsItsLog(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 7)
	if err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	enqueueScenes(t, s, t0, InBulk, 8)
	dir := filepath.Join(t.TempDir(), "data")
	copyFiles(t, s.Dir(), dir, queueFile, queueFile+"-wal")
	before := filesIn(t, dir)
	for range 2 {
		_, err := Open(t.Context(), dir)
		if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Version != 99 {
			t.Fatalf("Open = %v, want a NewerError of version 99", err)
		}
	}
	after := filesIn(t, dir)
	delete(after, queueFile+"-shm")
	if !maps.Equal(before, after) {
		t.Error("the newer file or its log was changed")
	}
}

func TestNewerDatabaseKeepsItsKindOfJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, queueFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`CREATE TABLE new (a)`, `PRAGMA user_version = 99`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := filesIn(t, dir)
	if _, err := Open(t.Context(), dir); err == nil {
		t.Fatal("a newer file was opened")
	}
	if !maps.Equal(before, filesIn(t, dir)) {
		t.Error("the newer file was changed")
	}
}

func TestFileOpensInWhateverModeItIs(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	if _, err := s.CopyDaily(t.Context(), t0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{latestCopy(s.Dir()), filepath.Join(s.Dir(), queueFile)} {
		f, err := OpenFile(t.Context(), path)
		if err != nil {
			t.Fatalf("OpenFile: %v", err)
		}
		jobOf(t, f, 1)
		if err := f.Enqueue(t.Context(), t0, []Request{{SceneID: 2}}); err == nil {
			t.Errorf("%s was written to", path)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
