package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/inboxes"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// LeaveInInbox stores what a hook reports in a file, for a hook that cannot write to queue.db. It needs no open Store.
// The next run imports the file.
func LeaveInInbox(dir string, now time.Time, h HookRecord) error {
	if err := sqlitefile.PrepareDir(dir); err != nil {
		return err
	}
	inbox := inboxes.Of(dir)
	if err := os.MkdirAll(inbox, 0o700); err != nil {
		return fmt.Errorf("cannot create the inbox: %w", sqlitefile.Explain(inbox, err))
	}
	event, first := h.event()
	if !first && isInInbox(inbox, now, event) {
		h, event = h.alone(), ""
	}
	text, err := json.Marshal(h)
	if err == nil {
		err = sqlitefile.WriteAtomically(inbox, fmt.Sprintf("%015d-%s-%s.json", now.UnixMilli(), rand.Text(), inboxName(event)), text)
	}
	if err != nil {
		return fmt.Errorf("cannot write to the inbox: %w", sqlitefile.Explain(inbox, err))
	}
	return nil
}

// Leave does what LeaveInInbox does, or uses a spare inbox if that fails. It returns the inbox. The error is that of the
// data folder.
func Leave(dir string, now time.Time, h HookRecord) (inbox string, err error) {
	return inboxes.Leave(dir, func(dir string) error { return LeaveInInbox(dir, now, h) })
}

// inboxName returns the part of a file name that stands for an event.
func inboxName(event string) string {
	if event == "" || strings.ContainsFunc(event, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		return "alone"
	}
	return event
}

// isInInbox reports whether a recent file already holds all objects of the event. Without it, N hooks of a bulk edit
// would write N² ids.
func isInInbox(inbox string, now time.Time, event string) bool {
	name := inboxName(event)
	if name == "alone" {
		return false
	}
	files, err := fs.Glob(os.DirFS(inbox), "*-"+name+".json")
	if err != nil {
		return false
	}
	for _, file := range files {
		var ms int64
		if _, err := fmt.Sscanf(file, "%d-", &ms); err != nil {
			continue
		}
		if age := now.Sub(time.UnixMilli(ms)); age >= 0 && age < eventsKept {
			return true
		}
	}
	return false
}

// TakeInbox records the hooks in the inbox and in the spare inboxes, each in order, and returns the number of files. It
// sets no run mark, because a run calls it. A file is removed only after its jobs are stored. An invalid file is renamed
// and named in the error, but does not block the others.
func (s *Store) TakeInbox(ctx context.Context, now time.Time) (int, error) {
	taken := 0
	var problems []error
	for _, inbox := range inboxes.All(s.dir) {
		n, err := s.takeInbox(ctx, now, inbox)
		taken += n
		problems = append(problems, err)
	}
	inboxes.DiscardSpares(s.dir)
	return taken, errors.Join(problems...)
}

func (s *Store) takeInbox(ctx context.Context, now time.Time, inbox string) (int, error) {
	inboxes.ClearReported(inbox)
	inboxes.ClearAsked(inbox) // before the inbox is listed: a hook that leaves a file later asks for another run
	entries, err := os.ReadDir(inbox)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read the inbox: %w", err)
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
		if err != nil { // the next run may be able to read it
			problems = append(problems, fmt.Errorf("cannot read the inbox: %w", err))
			continue
		}
		l, err := parseHook(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("cannot read %s: %w", path, err), os.Rename(path, path+".unreadable"))
			continue
		}
		if err := s.importHook(ctx, now, l); err != nil {
			return taken, errors.Join(append(problems, fmt.Errorf("cannot take in %s: %w", path, err))...)
		}
		if err := os.Remove(path); err != nil {
			return taken, errors.Join(append(problems, fmt.Errorf("cannot empty the inbox: %w", err))...)
		}
		taken++
	}
	return taken, errors.Join(problems...)
}

// importHook records a file of the inbox with all objects of its event, because no other file may hold them.
func (s *Store) importHook(ctx context.Context, now time.Time, h HookRecord) error {
	h.First = true
	if h.Fanout != nil {
		h.Fanout.First = true
	}
	return s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		_, err := recordHook(ctx, tx, now, h)
		return err
	})
}

// parseHook reads a file of the inbox. From a damaged file it keeps what the queue can store: a file that cannot be
// stored would block those after it in every run.
func parseHook(text []byte) (HookRecord, error) {
	var h HookRecord
	if err := json.Unmarshal(text, &h); err != nil {
		return h, err
	}
	if h.Empty() || h.Fanout != nil && !slices.Contains([]string{"performer", "studio", "tag", "group"}, h.Fanout.Kind) {
		return h, errors.New("it names no scene, performer, studio, tag or group")
	}
	h.Others = slices.DeleteFunc(h.Others, func(r Request) bool { return r.SceneID <= 0 })
	h.Own.Priority = knownPriority(h.Own.Priority)
	for i := range h.Others {
		h.Others[i].Priority = knownPriority(h.Others[i].Priority)
	}
	if h.Fanout != nil {
		h.Fanout.Others = slices.DeleteFunc(h.Fanout.Others, func(id int) bool { return id <= 0 })
	}
	return h, nil
}

// knownPriority returns a priority that the queue can store.
func knownPriority(p int) int {
	if p == ByPerson {
		return p
	}
	return InBulk
}
