package sqlitefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// chmod stands for os.Chmod. Tests replace it.
var chmod = os.Chmod

// PrepareDir creates the data folder if it does not exist and removes the access of other users. It refuses what CheckDir
// refuses.
func PrepareDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("cannot create the data folder: %w", Explain(dir, err))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot create the data folder: %w", Explain(dir, err))
	}
	return CheckDir(dir)
}

// CheckDir removes the access of other users to a folder. It refuses a symbolic link, and a folder through which another
// user could replace a database. Root may use a folder of any user. A file system that assigns owners or modes itself,
// like many network shares, cannot protect any folder. There CheckDir accepts the folder, and Risk describes the risk.
func CheckDir(dir string) error {
	fi, err := os.Lstat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("cannot check the data folder: %w", Explain(dir, err))
	case fi.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("the data folder %s is a symbolic link: replace it with a real folder, or set STASH_PLEX_SYNC_DIR to another folder", dir)
	case !fi.IsDir():
		return fmt.Errorf("the data folder %s is a file: move the file elsewhere", dir)
	}
	var failed error
	if !isClosed(fi) {
		failed = chmod(dir, 0o700)
		if fi, err = os.Lstat(dir); err != nil {
			return fmt.Errorf("cannot check the data folder: %w", Explain(dir, err))
		}
	}
	if isTrusted(fi) && !isWritable(fi) {
		return nil
	}
	secures, err := securesFiles(dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot write to the data folder: %w", Explain(dir, err))
	case err == nil && !secures:
		return nil
	case !isTrusted(fi):
		return fmt.Errorf("the data folder %s belongs to another user: make the user that Stash runs as its owner, or set STASH_PLEX_SYNC_DIR to another folder", dir)
	}
	return &Error{
		Path: dir, Problem: "can be written by other users, who could replace the queue",
		Remedy: "allow only the user that Stash runs as to write there, or set STASH_PLEX_SYNC_DIR to another folder", Err: failed,
	}
}

// securesFiles reports whether a new file in dir belongs to the user who creates it and has the requested mode.
func securesFiles(dir string) (bool, error) {
	f, err := os.CreateTemp(dir, ".new-*") // with mode 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name()) // a leftover does no harm
	fi, err := f.Stat()
	return err == nil && isOwn(fi) && isClosed(fi), errors.Join(err, f.Close())
}

// IsOwn reports whether a folder belongs to the current user, also if that is root, and others cannot write to it.
func IsOwn(dir string) bool {
	fi, err := os.Lstat(dir)
	return err == nil && fi.IsDir() && isOwn(fi) && !isWritable(fi)
}

// Risk returns a message about what other users can do because the data folder could not be protected, or "".
func Risk(dir string) string {
	fi, err := os.Lstat(dir)
	if err != nil {
		return ""
	}
	const remedy = "if other people use this machine, set STASH_PLEX_SYNC_DIR to a folder on a local disk"
	switch {
	case isWritable(fi):
		return fmt.Sprintf("the data folder %s cannot be protected from other users on this file system: they can read and replace the queue; %s", dir, remedy)
	case !isClosed(fi):
		return fmt.Sprintf("the data folder %s cannot be protected from other users on this file system: they can read the queue; %s", dir, remedy)
	case !isOwn(fi):
		return fmt.Sprintf("the data folder %s belongs to a different user than the one that Stash runs as: that user can read and replace the queue; %s", dir, remedy)
	}
	return ""
}

// Close removes the access of other users to a file, and reports whether they have none. A file system that assigns modes
// itself, like many network shares, cannot take it away.
func Close(path string) bool {
	fi, err := os.Lstat(path)
	if err == nil && !isClosed(fi) && fi.Mode().IsRegular() && chmod(path, 0o600) == nil {
		fi, err = os.Lstat(path)
	}
	return err != nil || isClosed(fi)
}
