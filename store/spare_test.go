package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/inboxes"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// temporaryFiles gives a test a folder of its own for temporary files.
func temporaryFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, dir)
	}
	return dir
}

// block puts a file where a folder should be, so that not even root can use the folder, and returns a function that removes
// the file.
func block(t *testing.T, path string) (unblock func()) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

func TestEditIsLeftElsewhereWhileTheDataFolderCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		name    string
		blocked func(dir string) []string // besides the data folder
		where   func(dir, tmp string) string
	}{
		{"beside it", func(string) []string { return nil }, func(dir, _ string) string { return dir + "-inbox" }},
		{"among temporary files", func(dir string) []string { return []string{dir + "-inbox"} }, func(_, tmp string) string { return tmp }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmp, dir := temporaryFiles(t), filepath.Join(t.TempDir(), "data")
			unblock := block(t, dir)
			for _, path := range c.blocked(dir) {
				block(t, path)
			}
			inbox, err := Leave(dir, t0, own(5))
			if rel, relErr := filepath.Rel(c.where(dir, tmp), inbox); err != nil || relErr != nil || !filepath.IsLocal(rel) {
				t.Fatalf("Leave = %q, %v; want a place in %s", inbox, err, c.where(dir, tmp))
			}
			if !sqlitefile.IsOwn(filepath.Dir(inbox)) {
				t.Errorf("%s is open to other users", inbox)
			}
			unblock()
			s := openIn(t, dir)
			if n, err := s.TakeInbox(t.Context(), t0); n != 1 || err != nil {
				t.Errorf("TakeInbox = %d, %v; want 1", n, err)
			}
			jobOf(t, s, 5)
			if sqlitefile.Exists(filepath.Dir(inbox)) {
				t.Errorf("%s is still there", filepath.Dir(inbox))
			}
			for _, path := range c.blocked(dir) {
				if !sqlitefile.Exists(path) {
					t.Errorf("%s, which the test created, was removed", path)
				}
			}
		})
	}
}

func TestNoFolderIsLeftWhereNoInboxCanBeUsed(t *testing.T) {
	tmp, parent := temporaryFiles(t), t.TempDir()
	dir := filepath.Join(parent, "data")
	for _, path := range []string{dir, inboxes.Spares(dir)[0].Dir, inboxes.Spares(dir)[1].Dir} {
		block(t, path)
	}
	if inbox, err := Leave(dir, t0, own(5)); err == nil {
		t.Errorf("Leave = %q, want an error", inbox)
	}
	for _, d := range []string{tmp, parent} {
		if err := filepath.WalkDir(d, func(path string, e os.DirEntry, err error) error {
			if err == nil && path != d && e.IsDir() {
				t.Errorf("%s still exists", path)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
}

func TestSpareInboxOfAnotherUserIsIgnored(t *testing.T) {
	notOnWindows(t, "Windows reports no owners")
	temporaryFiles(t)
	dir := filepath.Join(t.TempDir(), "data")
	foreign := inboxes.Spares(dir)[1].Dir
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	leave(t, foreign, t0, own(5))
	if os.Geteuid() == 0 {
		if err := os.Chown(foreign, 1000, 1000); err != nil {
			t.Fatal(err)
		}
	} else if err := os.Chmod(foreign, 0o777); err != nil { // has the same effect as another owner
		t.Fatal(err)
	}
	s := openIn(t, dir)
	if n, err := s.TakeInbox(t.Context(), t0.Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("TakeInbox = %d, %v; want nothing from another user's folder", n, err)
	}
}

func TestTakeInboxRemovesTheMarkThatARunWasRequested(t *testing.T) {
	temporaryFiles(t)
	s := openStore(t)
	leave(t, s.Dir(), t0, own(5))
	if inbox, now := inboxes.Of(s.Dir()), time.Now(); !inboxes.Ask(inbox, now) || inboxes.Ask(inbox, now) {
		t.Fatal("want exactly one of two hooks to ask for a run")
	}
	if n, err := s.TakeInbox(t.Context(), t0); n != 1 || err != nil {
		t.Fatalf("TakeInbox = %d, %v", n, err)
	}
	if !inboxes.Ask(inboxes.Of(s.Dir()), time.Now()) {
		t.Error("an edit that is left after TakeInbox does not ask for a run")
	}
}
