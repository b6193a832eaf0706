package inboxes

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// askedFile is the name of the file that marks that a hook has asked Stash for a run because of an inbox. It replaces the
// run mark, which is in the queue.
const askedFile = "asked"

// askedCounts is how long the mark is valid. A run that fails before it reads the inbox does not remove the mark.
const askedCounts = 30 * time.Second

// Ask reports whether the caller, who has left a file in an inbox, must ask Stash for a run. If so, it creates the mark. If
// the mark cannot be created, every caller must ask.
func Ask(inbox string, now time.Time) bool {
	mark := filepath.Join(inbox, askedFile)
	if fi, err := os.Stat(mark); err == nil {
		if age := now.Sub(fi.ModTime()); age.Abs() < askedCounts {
			return false
		}
		os.Remove(mark) // if it cannot be removed, creating it fails
	}
	f, err := os.OpenFile(mark, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return !errors.Is(err, fs.ErrExist) // another hook was faster
	}
	f.Close() // nothing was written
	return true
}

// reportedFile is the name of the file that marks that a hook has reported why edits wait in an inbox.
const reportedFile = "reported"

// MustReport reports whether a hook must report why its edit waits in an inbox, for a reason that lasts: only the first
// hook since a run has read the inbox, which calls ClearReported. If the mark cannot be created, every hook must.
func MustReport(inbox string) bool {
	f, err := os.OpenFile(filepath.Join(inbox, reportedFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return !errors.Is(err, fs.ErrExist)
	}
	f.Close() // nothing was written
	return true
}

// ClearReported removes the mark of MustReport.
func ClearReported(inbox string) {
	os.Remove(filepath.Join(inbox, reportedFile)) // if it cannot be removed, the log says less
}

// ClearAsked removes the mark. It is called before a run lists the inbox, and when Stash did not accept the run.
func ClearAsked(inbox string) {
	os.Remove(filepath.Join(inbox, askedFile)) // a mark that cannot be removed expires after half a minute
}
