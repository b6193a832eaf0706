//go:build unix

package sqlitefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// as replaces the current user and the owners of files.
func as(t *testing.T, user int, owner func(fs.FileInfo) int) {
	t.Helper()
	formerUser, formerOwner := thisUser, ownerOf
	t.Cleanup(func() { thisUser, ownerOf = formerUser, formerOwner })
	thisUser, ownerOf = func() int { return user }, owner
}

// withoutModes makes every change of a mode do nothing and return err.
func withoutModes(t *testing.T, err error) {
	t.Helper()
	former := chmod
	t.Cleanup(func() { chmod = former })
	chmod = func(string, fs.FileMode) error { return err }
}

func TestFolderIsUsedWhereFilesCannotBeProtected(t *testing.T) {
	const user, other = 1000, 99
	everything := func(owner int) func(fs.FileInfo) int { return func(fs.FileInfo) int { return owner } }
	folders := func(owner int) func(fs.FileInfo) int {
		return func(fi fs.FileInfo) int {
			if fi.IsDir() {
				return owner
			}
			return user
		}
	}
	works, refused := error(nil), syscall.EPERM
	for _, c := range []struct {
		name    string
		user    int
		owner   func(fs.FileInfo) int
		mode    fs.FileMode
		noModes bool
		chmod   error
		err     string // "": the folder is used
		risk    string // "": there is none
	}{
		{"a local disk", user, everything(user), 0o755, false, nil, "", ""},
		{"a share where everything has one owner, to root", 0, everything(other), 0o700, false, nil, "", "a different user"},
		{"a share where everything has one owner", user, everything(other), 0o700, false, nil, "", "a different user"},
		{"such a share that is open to all and keeps its modes", 0, everything(other), 0o777, true, refused, "", "read and replace"},
		{"such a share that ignores modes", user, everything(other), 0o777, true, works, "", "read and replace"},
		{"a file system without modes, readable by others", user, everything(user), 0o755, true, refused, "", "can read the queue"},
		{"another user's folder on a local disk", user, folders(other), 0o700, false, nil, "belongs to another user", ""},
		{"another user's folder on a local disk, to root", 0, folders(other), 0o700, false, nil, "", "a different user"},
		{"a local folder that stays open to writers", user, everything(user), 0o777, true, refused, "can be written by other users", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, c.mode)); err != nil {
				t.Fatal(err)
			}
			as(t, c.user, c.owner)
			if c.noModes {
				withoutModes(t, c.chmod)
			}
			err := PrepareDir(dir)
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("PrepareDir = %v, want %q", err, c.err)
			}
			if risk := Risk(dir); err == nil && ((risk == "") != (c.risk == "") || !strings.Contains(risk, c.risk)) {
				t.Errorf("Risk = %q, want %q", risk, c.risk)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("the folder contains %v, %v; want nothing", left, err)
			}
		})
	}
}

func TestFolderOfAnotherUserIsUsedByRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a folder to another user")
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, 1000, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := PrepareDir(dir); err != nil {
		t.Errorf("PrepareDir = %v, want the folder to be used", err)
	}
}

func TestSymbolicLinkToAFolderIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Symlink(t.TempDir(), dir); err != nil {
		t.Fatal(err)
	}
	if err := PrepareDir(dir); err == nil || !strings.Contains(err.Error(), "symbolic link") {
		t.Errorf("PrepareDir = %v, want a symbolic link to be refused", err)
	}
}

func TestCloseSaysWhetherAFileIsProtected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if !Close(path) {
		t.Error("a file that does not exist can be read by others")
	}
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	withoutModes(t, nil)
	if Close(path) {
		t.Error("a mode that did not change protects")
	}
	chmod = os.Chmod
	closed := Close(path)
	if fi, err := os.Stat(path); err != nil || !closed || fi.Mode().Perm() != 0o600 {
		t.Errorf("protected %v: %v", closed, err)
	}
}
