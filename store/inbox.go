package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const inboxDir = "inbox"

// LeaveInInbox stores what a hook tells as a file, for a hook that cannot write queue.db. It needs no
// open Store. The next drain takes it in.
func LeaveInInbox(dir string, now time.Time, h HookRecord) error {
	if err := checkDir(dir); err != nil {
		return err
	}
	inbox := filepath.Join(dir, inboxDir)
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		return fmt.Errorf("make the inbox: %w", err)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	tmp, err := os.CreateTemp(inbox, ".new-*")
	if err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone once it was renamed
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	name := fmt.Sprintf("%d-%d-%s.json", now.UnixMilli(), os.Getpid(), filepath.Base(tmp.Name())[len(".new-"):])
	if err := os.Rename(tmp.Name(), filepath.Join(inbox, name)); err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	return nil
}

// TakeInbox records what hooks left in the inbox, in order, and returns how many files that were. A file
// is removed only after its jobs are stored; one that cannot be read is renamed and named in the error,
// which does not keep the others from being taken.
func (s *Store) TakeInbox(ctx context.Context, now time.Time) (int, error) {
	inbox := filepath.Join(s.dir, inboxDir)
	entries, err := os.ReadDir(inbox)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the inbox: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	taken := 0
	var problems []error
	for _, name := range names {
		path := filepath.Join(inbox, name)
		h, err := readInbox(path)
		if err != nil {
			problems = append(problems, err, os.Rename(path, path+".unreadable"))
			continue
		}
		h.First = true // its own event is no reason to leave out the others: they may be in no other file
		if _, err := s.RecordHook(ctx, now, h); err != nil {
			return taken, err
		}
		if err := os.Remove(path); err != nil {
			return taken, fmt.Errorf("empty the inbox: %w", err)
		}
		taken++
	}
	return taken, errors.Join(problems...)
}

func readInbox(path string) (HookRecord, error) {
	var h HookRecord
	text, err := os.ReadFile(path)
	if err != nil {
		return h, fmt.Errorf("read the inbox: %w", err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("read %s: %w", path, err)
	}
	if h.Empty() {
		return h, fmt.Errorf("read %s: it names nothing", path)
	}
	return h, nil
}
