package store

import (
	"context"
	"crypto/rand"
	"database/sql"
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

// left is what a file of the inbox holds: one of the two.
type left struct {
	Hook   *HookRecord   `json:"hook,omitempty"`
	Fanout *FanoutRecord `json:"fanout,omitempty"`
}

// LeaveInInbox stores what a hook tells as a file, for a hook that cannot write queue.db. It needs no
// open Store. The next drain takes it in.
func LeaveInInbox(dir string, now time.Time, h HookRecord) error {
	return leaveInInbox(dir, now, h.Event, h.First, func(all bool) left {
		if !all {
			h.Others, h.Event = nil, ""
		}
		return left{Hook: &h}
	})
}

// LeaveFanoutInInbox does the same with what RecordFanout could not record.
func LeaveFanoutInInbox(dir string, now time.Time, f FanoutRecord) error {
	return leaveInInbox(dir, now, f.Event, f.First, func(all bool) left {
		if !all {
			f.Others, f.Event = nil, ""
		}
		return left{Fanout: &f}
	})
}

func leaveInInbox(dir string, now time.Time, event string, first bool, what func(all bool) left) error {
	inbox := filepath.Join(dir, inboxDir)
	err := checkDir(dir)
	if err == nil {
		err = os.MkdirAll(inbox, 0o700)
	}
	if err != nil {
		return fmt.Errorf("make the inbox: %w", err)
	}
	all := first || !toldInInbox(inbox, now, event)
	if !all {
		event = ""
	}
	text, err := json.Marshal(what(all))
	if err == nil {
		err = writeDurably(inbox, fmt.Sprintf("%015d-%s-%s.json", now.UnixMilli(), rand.Text(), inboxName(event)), text)
	}
	if err != nil {
		return fmt.Errorf("write to the inbox: %w", err)
	}
	return nil
}

// inboxName makes of the hash of an event what a file may be called.
func inboxName(event string) string {
	if event == "" || strings.ContainsFunc(event, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		return "alone"
	}
	return event
}

// toldInInbox reports whether a file of the last minutes tells of everything that the event names: else N
// hooks of a bulk edit would write N² ids.
func toldInInbox(inbox string, now time.Time, event string) bool {
	name := inboxName(event)
	if name == "alone" {
		return false
	}
	entries, err := os.ReadDir(inbox)
	if err != nil {
		return false
	}
	for _, e := range entries {
		var ms int64
		if !strings.HasSuffix(e.Name(), "-"+name+".json") {
			continue
		}
		if _, err := fmt.Sscanf(e.Name(), "%d-", &ms); err != nil {
			continue
		}
		if age := now.Sub(time.UnixMilli(ms)); age >= 0 && age < eventsKept {
			return true
		}
	}
	return false
}

// TakeInbox records what hooks left in the inbox, in order, and returns how many files that were. It sets no
// run mark: the drain that calls it is the run. A file is removed only after its jobs are stored; one that
// makes no sense is renamed and named in the error, which does not keep the others from being taken.
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
		text, err := os.ReadFile(path)
		if err != nil { // it may be readable the next time
			problems = append(problems, fmt.Errorf("read the inbox: %w", err))
			continue
		}
		l, err := parseLeft(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("read %s: %w", path, err), os.Rename(path, path+".unreadable"))
			continue
		}
		if err := s.takeLeft(ctx, now, l); err != nil {
			return taken, errors.Join(append(problems, fmt.Errorf("take in %s: %w", path, err))...)
		}
		if err := os.Remove(path); err != nil {
			return taken, errors.Join(append(problems, fmt.Errorf("empty the inbox: %w", err))...)
		}
		taken++
	}
	return taken, errors.Join(problems...)
}

// takeLeft records a file of the inbox. Its own event is no reason to leave out the others: they may be in
// no other file.
func (s *Store) takeLeft(ctx context.Context, now time.Time, l left) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if l.Fanout != nil {
			l.Fanout.First = true
			return recordFanout(ctx, tx, now, *l.Fanout)
		}
		l.Hook.First = true
		return recordHook(ctx, tx, now, *l.Hook)
	})
}

func parseLeft(text []byte) (left, error) {
	var l left
	if err := json.Unmarshal(text, &l); err != nil {
		return l, err
	}
	switch {
	case l.Hook != nil && l.Hook.Own.SceneID > 0:
	case l.Fanout != nil && l.Fanout.Own > 0 && slices.Contains([]string{"performer", "studio", "tag", "group"}, l.Fanout.Kind):
	default:
		return l, errors.New("it names no scene, and nothing that scenes mention")
	}
	return l, nil
}
