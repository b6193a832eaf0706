package sqlitefile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

func TestOneRunAtATime(t *testing.T) {
	dir := t.TempDir()
	first, err := Acquire(t.Context(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(t.Context(), dir, 0); !errors.Is(err, ErrHeld) {
		t.Fatalf("second Acquire = %v, want ErrHeld", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(t.Context(), dir, 0)
	if err != nil {
		t.Fatalf("Acquire after the release: %v", err)
	}
	if err := second.Release(); err != nil {
		t.Error(err)
	}
}

func TestLockThatCannotBeOpenedIsNotUnsupported(t *testing.T) {
	notOnWindows(t, "not every user may create links there")
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "nowhere", "lock"), filepath.Join(dir, runLock)); err != nil {
		t.Fatal(err)
	}
	if l, err := Acquire(t.Context(), dir, 0); err == nil || isNoLocks(err) || errors.Is(err, ErrHeld) {
		t.Errorf("Acquire = %v, %v; want the error from opening", l, err)
	}
}

func isNoLocks(err error) bool { return strings.Contains(err.Error(), "cannot lock files") }

func TestRunWithoutFileLocksIsRefusedInOneSentence(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, refused := range []error{syscall.ENOLCK, syscall.ENOTSUP, syscall.ENOSYS} {
		l, err := acquire(t.Context(), dir, runLock, time.Second, func(*flock.Flock) (bool, error) { return false, refused })
		want := dir + " is on a file system that cannot lock files: put Stash's config folder, or the folder that STASH_PLEX_SYNC_DIR names, on a local disk"
		if f, ok := errors.AsType[*Error](err); l != nil || !ok || f.Error() != want || !errors.Is(err, refused) || !isNoLocks(err) {
			t.Errorf("Acquire = %v, %v; want %q", l, err, want)
		}
	}
}

func TestLockIsNotCreatedInAForeignFolder(t *testing.T) {
	notOnWindows(t, "not every user may create links there")
	real, link := t.TempDir(), filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if l, err := Acquire(t.Context(), link, 0); err == nil || Exists(filepath.Join(real, runLock)) {
		t.Errorf("Acquire = %v, %v; the lock exists: %v", l, err, Exists(filepath.Join(real, runLock)))
	}
}

// notOnWindows skips a test on Windows.
func notOnWindows(t *testing.T, why string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip(why)
	}
}
