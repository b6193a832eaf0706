package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
)

// noted notes a new item with the file of syncScenes and returns how many scenes are due for a look, after the links'
// files were filled in.
func noted(t *testing.T, s *Store) int {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = relink.Fill(t.Context(), s, t0, 100); err != nil {
			t.Fatal(err)
		}
	}
	err := relink.Note(t.Context(), s, t0, "S", []relink.File{{RatingKey: "99", Path: "/p", Size: 1}})
	scenes, dueErr := relink.Due(t.Context(), s, t0, "S", 10)
	if err := errors.Join(err, dueErr); err != nil {
		t.Fatal(err)
	}
	return len(scenes)
}

func TestRecoveryKeepsWhatLinksName(t *testing.T) {
	for _, damaged := range []string{"attempt_log", "link_file"} {
		t.Run(damaged, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s := openIn(t, dir)
			syncScenes(t, s, t0, 1, 2)
			if n := noted(t, s); n != 2 {
				t.Fatalf("%d scenes are due for a look", n)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damageTable(t, dir, damaged)
			s, _ = recovered(t, dir)
			due, err := relink.Due(t.Context(), s, t0, "S", 10)
			if err != nil || (len(due) == 2) != (damaged == "attempt_log") {
				t.Errorf("due for a look: %+v, %v", due, err)
			}
			if n := noted(t, s); n != 2 {
				t.Errorf("%d scenes are due for a look, want both", n)
			}
		})
	}
}

// A build that has only the first migration has pushed the scenes.
func TestQueueOfTheFirstVersionLearnsWhatItsLinksName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := openIn(t, dir)
	syncScenes(t, s, t0, 1, 2)
	downgrade(t, s, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := noted(t, openIn(t, dir)); n != 2 {
		t.Errorf("%d scenes are due for a look, want both", n)
	}
}

// added holds what undoes each migration after the first.
var added = []string{
	`DROP TABLE link_file`,
	`DROP TABLE day; DROP TABLE left_out; DROP TABLE manual_link; ALTER TABLE job DROP COLUMN last_reason;
		ALTER TABLE dead_letter DROP COLUMN last_reason; ALTER TABLE attempt_log DROP COLUMN reason;
		ALTER TABLE attempt_log DROP COLUMN fields; ALTER TABLE attempt_log DROP COLUMN took_ms`,
	`DROP TABLE play; DROP TABLE play_account; DROP TABLE resume_seen; DROP TABLE stash_write`,
}

// downgrade turns a queue into one of an earlier version.
func downgrade(t *testing.T, s *Store, version int) {
	t.Helper()
	for _, undo := range slices.Backward(added[version-1:]) {
		if _, err := s.write.Exec(undo); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.write.Exec(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		t.Fatal(err)
	}
}
