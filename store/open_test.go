package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// databaseIn returns the content of the database and its log. It skips the index of the log, which is rebuilt on demand.
func databaseIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]string)
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), queueFile) || strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// putFiles copies files from one folder to another.
func putFiles(t *testing.T, from, to string, names ...string) {
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
	putFiles(t, s.Dir(), dir, queueFile, queueFile+"-wal")
	before := databaseIn(t, dir)
	for range 2 {
		_, err := Open(t.Context(), dir)
		if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Version != 99 {
			t.Fatalf("Open = %v, want a NewerError of version 99", err)
		}
	}
	if !maps.Equal(before, databaseIn(t, dir)) {
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
	before := databaseIn(t, dir)
	if _, err := Open(t.Context(), dir); err == nil {
		t.Fatal("a newer file was opened")
	}
	if !maps.Equal(before, databaseIn(t, dir)) {
		t.Error("the newer file was changed")
	}
}

func TestFileOpensInAnyJournalMode(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	if _, err := s.CopyDaily(t.Context(), t0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{sqlitefile.LatestCopy(s.path()), filepath.Join(s.Dir(), queueFile)} {
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

func TestLogOfAnEarlierDatabaseIsNotReplayed(t *testing.T) {
	s := openStore(t)
	for i := range 300 {
		record(t, s, t0, own(i+1))
	}
	dir := filepath.Join(t.TempDir(), "data")
	putFiles(t, s.Dir(), dir, queueFile+"-wal", queueFile+"-shm") // the database file was removed by hand
	fresh := openIn(t, dir)
	if n := jobsIn(t, fresh); n != 0 {
		t.Errorf("the new database holds %d jobs of the one before", n)
	}
	record(t, fresh, t0, own(1))
	var verdict string
	if err := fresh.read.QueryRow(`PRAGMA integrity_check(1)`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity of the new database: %s, %v", verdict, err)
	}
}

// A long read must not block a hook.
func TestReaderDoesNotBlockWriters(t *testing.T) {
	s := openStore(t)
	tx, err := s.read.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer sqlitefile.Rollback(tx) // nothing was written
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM job`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.Enqueue(ctx, t0, []Request{{SceneID: 1, Reason: "edit"}}); err != nil {
		t.Error(err)
	}
}
