package store

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// asDevelopmentBuild makes a queue look like one of a build before the first release.
func asDevelopmentBuild(t *testing.T, s *Store) {
	t.Helper()
	for _, q := range []string{`PRAGMA application_id = 0`, `ALTER TABLE scene_version RENAME TO seen`} {
		if _, err := s.write.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}

// isDevelopment reports whether an error is the one for a queue of a development build.
func isDevelopment(err error, dir string) bool {
	f, ok := errors.AsType[*sqlitefile.Error](err)
	return ok && !errors.Is(err, ErrCorrupt) &&
		f.Error() == filepath.Join(dir, queueFile)+" was made by a development build: move the folder "+dir+" away"
}

func TestQueueAndCopiesHaveTheApplicationID(t *testing.T) {
	s := openStore(t)
	if _, err := s.CopyDaily(t.Context(), t0); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(s.Dir(), queueFile), sqlitefile.LatestCopy(s.path())} {
		f, err := OpenFile(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var id int
		if err := f.read.QueryRow(`PRAGMA application_id`).Scan(&id); err != nil || id != applicationID {
			t.Errorf("application_id of %s = %#x, %v; want %#x", path, id, err, applicationID)
		}
		f.Close()
	}
}

// wantClosed wants that this process has no file in dir open. On Windows the removal of the folder proves that.
func wantClosed(t *testing.T, dir string) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && filepath.Dir(path) == dir {
			t.Errorf("%s is still open", path)
		}
	}
}

func TestQueueOfADevelopmentBuildIsRefusedUntouched(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 7)
	asDevelopmentBuild(t, s)
	if err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	enqueueScenes(t, s, t0, InBulk, 8)
	dir := filepath.Join(t.TempDir(), "data")
	putFiles(t, s.Dir(), dir, queueFile, queueFile+"-wal")
	before := databaseIn(t, dir)
	for range 2 {
		if _, err := Open(t.Context(), dir); !isDevelopment(err, dir) || Suspect(dir) {
			t.Errorf("Open = %v, suspect %v; want the error for a development build", err, Suspect(dir))
		}
	}
	if _, err := OpenFile(t.Context(), filepath.Join(dir, queueFile)); !isDevelopment(err, dir) {
		t.Errorf("OpenFile = %v", err)
	}
	wantClosed(t, dir)
	suspect(t, dir)
	if r, err := Recover(t.Context(), dir, t0); r != nil || !isDevelopment(err, dir) {
		t.Errorf("Recover = %+v, %v", r, err)
	}
	if err := os.Remove(filepath.Join(dir, queueFile+".suspect")); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(before, databaseIn(t, dir)) {
		t.Error("the file or its log was changed")
	}
}

func TestDamagedQueueOfADevelopmentBuildIsRefusedUntouched(t *testing.T) {
	dir := damagedQueue(t, 3)
	s := openIn(t, dir)
	asDevelopmentBuild(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	suspect(t, dir)
	before := databaseIn(t, dir)
	if r, err := Recover(t.Context(), dir, t0); r != nil || !isDevelopment(err, dir) {
		t.Errorf("Recover = %+v, %v", r, err)
	}
	if before[queueFile] != databaseIn(t, dir)[queueFile] {
		t.Error("the damaged file was changed")
	}
}

// damageHeader overwrites some bytes of the header of a closed database.
func damageHeader(t *testing.T, path string, at int64, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte(text), at)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// The tables are still readable, so the queue with a damaged header counts as ours.
func TestQueueWithADamagedHeaderIsSalvaged(t *testing.T) {
	const version, id = 60, 68 // offsets in the header
	for name, harm := range map[string]func(path string){
		"no application id":      func(path string) { damageHeader(t, path, id, "\x00\x00\x00\x00") },
		"another application id": func(path string) { damageHeader(t, path, id, "\xa5\xa5\xa5\xa5") },
		"a negative version":     func(path string) { damageHeader(t, path, version, "\xa5\xa5\xa5\xa5") },
		"both":                   func(path string) { damageHeader(t, path, version, strings.Repeat("\xa5", 12)) },
		"both, newer":            func(path string) { damageHeader(t, path, version, strings.Repeat("\x25", 12)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s := openIn(t, dir)
			enqueueScenes(t, s, t0, InBulk, 1, 2, 3)
			if err := errors.Join(s.Checkpoint(t.Context()), s.Close()); err != nil {
				t.Fatal(err)
			}
			harm(filepath.Join(dir, queueFile))
			if _, err := Open(t.Context(), dir); !errors.Is(err, ErrCorrupt) || !Suspect(dir) {
				t.Fatalf("Open = %v, suspect %v; want ErrCorrupt and a note", err, Suspect(dir))
			}
			s, r := recovered(t, dir)
			if n := jobsIn(t, s); n != 3 || r.Rescued["job"] != 3 {
				t.Errorf("%d of 3 jobs were saved: %+v", n, r)
			}
		})
	}
}

func TestCopyOfADevelopmentBuildIsNotUsed(t *testing.T) {
	for _, old := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "data")
		s := openIn(t, dir)
		if err := s.PutItems(t.Context(), []Item{{Server: "S", RatingKey: "1", Owner: 1}}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CopyDaily(t.Context(), t0); err != nil {
			t.Fatal(err)
		}
		if old {
			c := &Store{dir: dir}
			var err error
			if c.write, err = sqlitefile.Open(sqlitefile.DSN(sqlitefile.LatestCopy(filepath.Join(dir, queueFile)), "rw", "immediate")); err != nil {
				t.Fatal(err)
			}
			asDevelopmentBuild(t, c)
			c.write.Close()
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		damageHeader(t, filepath.Join(dir, queueFile), 0, strings.Repeat("\xa5", 200))
		if _, r := recovered(t, dir); (r.Copied["item"] == 0) != old {
			t.Errorf("of a development build %v: %d items were taken from the copy", old, r.Copied["item"])
		}
	}
}

func TestDatabaseWithoutTablesCountsAsNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sqlitefile.Open(sqlitefile.DSN(filepath.Join(dir, queueFile), "rwc", "immediate"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA journal_mode = WAL`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 1)
	jobOf(t, s, 1)
}
