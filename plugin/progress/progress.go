// Package progress shows other processes what the run in progress does, in a small file of the data folder. A lock beside
// the file says whether its writer is alive, because the kernel releases it when a process is killed. Readers never touch
// the run lock.
package progress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
)

const (
	file     = "run.json"
	lockFile = "working.lock"

	every     = 500 * time.Millisecond // how often the file is written at most
	patience  = 200 * time.Millisecond // how long a run tries to get the lock from a reader
	lockRetry = 5 * time.Millisecond
)

// A Run is the run in progress.
type Run struct {
	What    string    `json:"what"`     // the task or the hook
	AskedBy string    `json:"asked_by"` // "" if a person started it
	Since   time.Time `json:"since"`
	doing.Step
}

// A Writer shows one run. A nil Writer shows nothing.
type Writer struct {
	dir  string
	lock *flock.Flock

	mu    sync.Mutex
	run   Run
	wrote time.Time
	later *time.Timer // writes what was reported since; nil if everything is written
	ended bool
}

// Begin begins to show a run. The caller holds the run lock of the data folder. It returns nil if the lock of the file
// cannot be had: the run then continues without being shown.
func Begin(ctx context.Context, dir string, run Run) *Writer {
	os.Remove(filepath.Join(dir, file)) // a killed run has left it; readers that still find it see no writer
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if ok, err := lock.TryLockContext(ctx, lockRetry); err != nil || !ok {
		lock.Close() // it is not held
		return nil
	}
	w := &Writer{dir: dir, lock: lock, run: run}
	w.write()
	return w
}

// Report shows a step. The file is written at once, or half a second after it was written last.
func (w *Writer) Report(s doing.Step) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.run.Step = s
	switch wait := every - time.Since(w.wrote); {
	case w.ended, w.later != nil:
	case wait > 0:
		w.later = time.AfterFunc(wait, w.writeLater)
	default:
		w.write()
	}
}

func (w *Writer) writeLater() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later = nil
	if !w.ended {
		w.write()
	}
}

// write replaces the file. It need not survive a loss of power, which ends the run too.
func (w *Writer) write() {
	w.wrote = time.Now()
	content, err := json.Marshal(w.run)
	if err != nil {
		return // never: all its fields have a JSON form
	}
	path := filepath.Join(w.dir, file)
	if os.WriteFile(path+".new", content, 0o600) == nil {
		os.Rename(path+".new", path) // if it fails, others see an older step
	}
}

// End stops showing the run. The caller still holds the run lock.
func (w *Writer) End() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	if w.later != nil {
		w.later.Stop()
	}
	os.Remove(filepath.Join(w.dir, file)) // without the lock it counts as left over
	w.lock.Close()                        // at exit the kernel releases it
}

// Read returns the run in progress of a data folder; nil if there is none. What a killed run has left is none.
func Read(dir string) (*Run, error) {
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	free, err := lock.TryRLock()
	lock.Close() // at once: a run that begins wants it
	if err != nil || free {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) { // the run has just ended
		return nil, nil
	}
	var run Run
	if err == nil {
		err = json.Unmarshal(content, &run)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what the run in progress does: %w", err)
	}
	return &run, nil
}
