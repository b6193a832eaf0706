package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

func TestRecoverDoesNotChangeAnUndamagedDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 1)
	if err := os.WriteFile(filepath.Join(dir, queueFile+".suspect"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Recover(t.Context(), dir, t0)
	if r != nil || err != nil || Suspect(dir) {
		t.Fatalf("Recover = %+v, %v; still suspect: %v", r, err, Suspect(dir))
	}
	jobOf(t, s, 1)
}

// damage overwrites pages of the file, or its header.
func damage(t *testing.T, dir string, header bool) {
	t.Helper()
	path := filepath.Join(dir, queueFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	from, to := len(text)*3/4, len(text)*7/8 // past the schema and the roots of the tables
	if header {
		from, to = 0, 200
	}
	for i := from; i < to; i++ {
		text[i] = 0xa5
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedDatabaseIsMovedAsideAndSalvaged(t *testing.T) {
	for _, header := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "data")
		s := openIn(t, dir)
		var items []Item
		for i := range 500 {
			items = append(items, Item{Server: "S", RatingKey: string(rune('a'+i%26)) + time.Duration(i).String(), Owner: i + 1})
			enqueueScenes(t, s, t0, InBulk, i+1)
		}
		if err := s.PutItems(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		if header { // the file is unreadable, but yesterday's copy is not
			if made, err := s.CopyDaily(t.Context(), t0); err != nil || !made {
				t.Fatalf("CopyDaily = %v, %v", made, err)
			}
		}
		if err := s.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		damage(t, dir, header)

		damaged, err := Open(t.Context(), dir)
		if err == nil { // the damage may appear only when the pages are read
			_, err = damaged.Counts(t.Context(), t0)
			if err == nil {
				_, err = damaged.Items(t.Context(), "S", []string{"x"})
			}
			damaged.Close()
		}
		if header && (!errors.Is(err, ErrCorrupt) || !Suspect(dir)) {
			t.Fatalf("damaged header: %v, suspect %v; want ErrCorrupt and a note for the next run", err, Suspect(dir))
		}
		r, err := Recover(t.Context(), dir, t0)
		if err != nil || r == nil {
			t.Fatalf("Recover = %+v, %v", r, err)
		}
		if _, err := os.Stat(r.Aside); err != nil {
			t.Errorf("the damaged file was not kept: %v", err)
		}
		fresh := openIn(t, dir)
		if refill, _, err := fresh.Meta(t.Context(), KeyRefill); err != nil || refill == "" {
			t.Errorf("refill = %q, %v; want the complete listing to refill the queue", refill, err)
		}
		saved := r.Rescued["item"] + r.Copied["item"]
		if header && saved != 500 || !header && saved < 100 {
			t.Errorf("header %v: saved %d of 500 items (%+v)", header, saved, r)
		}
		if Suspect(dir) {
			t.Error("still suspect after the recovery")
		}
	}
}

// SQLite would treat it as a new database and remove its log.
func TestEmptyFileIsDamaged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, queueFile), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrCorrupt) || !Suspect(dir) {
		t.Fatalf("Open = %v, suspect %v; want ErrCorrupt and a note", err, Suspect(dir))
	}
	s, _ = recovered(t, dir)
	if refill, _, err := s.Meta(t.Context(), KeyRefill); err != nil || refill == "" {
		t.Errorf("refill = %q, %v; want the complete listing to refill the queue", refill, err)
	}
}

// copiesIn returns the names of all copies of a queue, including unfinished ones.
func copiesIn(t *testing.T, s *Store) []string {
	t.Helper()
	entries, err := os.ReadDir(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "queue.copy-") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestTwoDailyCopiesAreKept(t *testing.T) {
	s := openStore(t)
	made := 0
	for hour := range 100 {
		ok, err := s.CopyDaily(t.Context(), t0.Add(time.Duration(hour)*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			made++
		}
	}
	if made != 5 || len(copiesIn(t, s)) != 2 {
		t.Errorf("made %d copies in 100 hours and kept %d, want 5 and 2", made, len(copiesIn(t, s)))
	}
}

func TestLatestCopyHasTheHighestNumber(t *testing.T) {
	s := openStore(t)
	year := 365 * 24 * time.Hour
	for i, at := range []time.Duration{10 * year, 10*year + 25*time.Hour, 0} { // the clock was ahead
		enqueueScenes(t, s, t0, InBulk, i+1)
		if made, err := s.CopyDaily(t.Context(), t0.Add(at)); err != nil || !made {
			t.Fatalf("CopyDaily = %v, %v", made, err)
		}
	}
	latest, err := OpenFile(t.Context(), sqlitefile.LatestCopy(s.path()))
	if err != nil {
		t.Fatal(err)
	}
	defer latest.Close()
	if n := jobsIn(t, latest); n != 3 || len(copiesIn(t, s)) != 2 {
		t.Errorf("the latest of %d copies holds %d jobs, want 3", len(copiesIn(t, s)), n)
	}
}

func TestCopiesAreFoundInAFolderNamedLikeAPattern(t *testing.T) {
	s := openIn(t, filepath.Join(t.TempDir(), "[data]"))
	if _, err := s.CopyDaily(t.Context(), t0); err != nil {
		t.Fatal(err)
	}
	if got, want := sqlitefile.LatestCopy(s.path()), filepath.Join(s.Dir(), "queue.copy-000000001.db"); got != want {
		t.Errorf("the latest copy = %q, want %q", got, want)
	}
	if got := copiesIn(t, s); len(got) != 1 {
		t.Errorf("copies = %q, want one", got)
	}
}

func TestUnfinishedCopyIsRemoved(t *testing.T) {
	s := openStore(t)
	for _, name := range []string{"000000007.db.new", "000000007.db.new-journal"} {
		if err := os.WriteFile(filepath.Join(s.Dir(), "queue.copy-"+name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.CopyDaily(t.Context(), t0); err != nil {
		t.Fatal(err)
	}
	if names := copiesIn(t, s); len(names) != 1 {
		t.Errorf("the folder holds %v, want one copy", names)
	}
}

func TestBreakerRowAndOutages(t *testing.T) {
	s := openStore(t)
	at := t0.Add(time.Minute)
	open := Breaker{State: BreakerOpen, Failures: 5, OpenedAt: t0, ProbeAt: at, LastError: "refused"}
	step := func(now time.Time, to Breaker) {
		t.Helper()
		if _, got, err := s.UpdateBreaker(t.Context(), now, func(Breaker) Breaker { return to }); err != nil || got != to {
			t.Fatalf("UpdateBreaker = %+v, %v", got, err)
		}
		if got, err := s.Breaker(t.Context()); err != nil || got != to {
			t.Fatalf("Breaker = %+v, %v; want %+v", got, err, to)
		}
	}
	step(t0, open)
	half := open
	half.State, half.HalfOpenAt = BreakerHalfOpen, at
	step(at, half)
	step(at, open)
	step(at.Add(time.Second), Breaker{State: BreakerClosed})
	list, err := s.Outages(t.Context())
	if err != nil || len(list) != 1 || !list[0].StartedAt.Equal(t0) || !list[0].EndedAt.Equal(at.Add(time.Second)) || list[0].Cause != "refused" {
		t.Errorf("outages = %+v, %v; want one, from opening to closing", list, err)
	}
	broken := Breaker{State: BreakerOpen}
	if _, _, err := s.UpdateBreaker(t.Context(), at, func(Breaker) Breaker { return broken }); err == nil {
		t.Error("an open breaker without the time of its opening was stored")
	}
}

// suspect leaves the note of a process that has found damage.
func suspect(t *testing.T, dir string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, queueFile+".suspect"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFailedCheckMovesNoFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	suspect(t, dir)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Recover(stopped, dir, t0); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("Recover of a stopped run = %+v, %v", r, err)
	}
	path := filepath.Join(dir, queueFile)
	if err := errors.Join(os.Rename(path, path+"-away"), os.Mkdir(path, 0o700)); err != nil { // makes it impossible to open
		t.Fatal(err)
	}
	if r, err := Recover(t.Context(), dir, t0); r != nil || err == nil {
		t.Errorf("Recover of a file that cannot be opened = %+v, %v", r, err)
	}
	if err := errors.Join(os.Remove(path), os.Rename(path+"-away", path)); err != nil {
		t.Fatal(err)
	}
	if !Suspect(dir) {
		t.Error("a check that failed took the suspicion away")
	}
	jobOf(t, openIn(t, dir), 1)
}

// stale restores the root page of an index from an earlier file of the closed database.
func stale(t *testing.T, dir, index string, earlier []byte) {
	t.Helper()
	s := openIn(t, dir)
	var root, size int
	err := errors.Join(
		s.read.QueryRow(`SELECT rootpage FROM sqlite_master WHERE name = ?`, index).Scan(&root),
		s.read.QueryRow(`PRAGMA page_size`).Scan(&size), s.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, queueFile), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(earlier[(root-1)*size:root*size], int64(root-1)*int64(size))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// A page that the disk never wrote, although it reported success, is a valid page.
func TestCheckFindsAJobMissingFromTheIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	enqueueScenes(t, s, t0, InBulk, 1, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	earlier, err := os.ReadFile(filepath.Join(dir, queueFile))
	if err != nil {
		t.Fatal(err)
	}
	s = openIn(t, dir)
	if _, err := s.write.Exec(`UPDATE job SET scene_id = 3 WHERE scene_id = 2`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	stale(t, dir, "job_due", earlier)
	s = openIn(t, dir)
	if made, err := s.CopyDaily(t.Context(), t0); made || !errors.Is(err, ErrCorrupt) || !Suspect(dir) {
		t.Errorf("CopyDaily = %v, %v; suspect %v; want no copy and ErrCorrupt", made, err, Suspect(dir))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = recovered(t, dir)
	if jobs := claim(t, s, t0, ClaimOptions{}); len(jobs) != 2 {
		t.Errorf("after the recovery %d jobs are claimed, want the one that was missing, too", len(jobs))
	}
}

func TestDamagedValueIsNotedForTheNextRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	damageTable(t, dir, "meta")
	s := openIn(t, dir)
	if _, _, err := s.Meta(t.Context(), KeyServer); !errors.Is(err, ErrCorrupt) || !Suspect(dir) {
		t.Errorf("Meta = %v, suspect %v; want ErrCorrupt and a note", err, Suspect(dir))
	}
}
