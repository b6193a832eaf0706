package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A HookRecord is what one hook has to tell.
type HookRecord struct {
	Own    Request   // the hook's own scene
	Others []Request // the other scenes of its event
	First  bool      // the own scene is the first of the event's list
	Event  string    // hash of the event; "" if it has only the own scene
	Gone   bool      // the scenes were destroyed

	Fanout *FanoutRecord `json:",omitempty"` // instead of all this: the hook is of something that scenes mention
}

// Empty reports whether a hook has nothing to tell.
func (h HookRecord) Empty() bool {
	if h.Fanout != nil {
		return h.Fanout.Own <= 0
	}
	return h.Own.SceneID <= 0
}

// String names what a hook tells of.
func (h HookRecord) String() string {
	if h.Fanout != nil {
		return fmt.Sprintf("%s %d", h.Fanout.Kind, h.Fanout.Own)
	}
	return fmt.Sprintf("scene %d", h.Own.SceneID)
}

// event names the event that the hook is one of, and tells whether it is the first of it.
func (h HookRecord) event() (hash string, first bool) {
	if h.Fanout != nil {
		return h.Fanout.Event, h.Fanout.First
	}
	return h.Event, h.First
}

// alone is the record without the others of its event.
func (h HookRecord) alone() HookRecord {
	h.Others, h.Event = nil, ""
	if h.Fanout != nil {
		h.Fanout = &FanoutRecord{Kind: h.Fanout.Kind, Own: h.Fanout.Own, First: h.Fanout.First}
	}
	return h
}

// How long a run mark counts.
const (
	askingCounts = 3 * time.Second
	askedCounts  = 30 * time.Second
)

// A Mark is what the run mark says to somebody who has recorded work.
type Mark struct {
	Ask  bool // nobody else does: ask Stash for a run, then call Asked
	Busy bool // a run was asked for, and Stash was busy with a job that is not ours

	value string // of the mark that was set, which names its setter
}

// What the run mark holds.
const (
	marking    = "asking " // and a random text
	marked     = "asked"
	markedBusy = "asked, busy"
)

// RecordHook stores in one transaction what a hook tells: its own scene always, the other scenes of its
// event unless another hook of the same event has told them already. If work was recorded and no fresh
// mark says that somebody asks for a run, it sets the mark and says so: the caller then asks Stash for a
// run, and calls Asked.
func (s *Store) RecordHook(ctx context.Context, now time.Time, h HookRecord) (mark Mark, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if err := recordHook(ctx, tx, now, h); err != nil || h.Gone {
			return err
		}
		mark, err = setMark(ctx, tx, now)
		return err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("record the hook of %v: %w", h, err)
	}
	return mark, nil
}

func recordHook(ctx context.Context, tx *sqlitefile.Tx, now time.Time, h HookRecord) error {
	if h.Fanout != nil {
		return recordFanout(ctx, tx, now, *h.Fanout)
	}
	requests := []Request{h.Own}
	all, recorded, err := speaksForAll(ctx, tx, now, h.Event, h.First)
	if err != nil {
		return err
	}
	switch {
	case all:
		requests = append(requests, h.Others...)
	case recorded && !h.Gone: // its own scene, too; another look at it would change nothing
		return nil
	}
	if h.Gone {
		scenes := make([]int, len(requests))
		for i, r := range requests {
			scenes[i] = r.SceneID
		}
		return forget(ctx, tx, scenes)
	}
	if _, err := enqueue(ctx, tx, now, requests); err != nil {
		return err
	}
	return enqueuedByHook(ctx, tx, requests)
}

// speaksForAll reports whether a hook records everything that its event names, not its own alone: it is the first of
// the event, or no other hook has recorded the event lately. It notes that one has now. An event without a name has no
// other hooks. recorded says that another hook of the same event has just recorded everything: Stash runs the hooks of
// a bulk change after it has stored all of it, and the first hook again if the same change is made twice.
func speaksForAll(ctx context.Context, tx *sqlitefile.Tx, now time.Time, event string, first bool) (all, recorded bool, err error) {
	if event == "" {
		return first, false, nil
	}
	_, at, err := metaOf(ctx, tx, eventPrefix+event)
	if err != nil {
		return false, false, err
	}
	if age := now.Sub(at).Abs(); !first && age < eventsKept {
		return false, age < eventsLast, nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE key > ? AND key < ? AND (at < ? OR at > ?)`,
		eventPrefix, eventPrefix+"~", now.Add(-eventsKept).UnixMilli(), now.Add(eventsKept).UnixMilli()); err != nil {
		return false, false, err
	}
	return true, false, setMeta(ctx, tx, now, eventPrefix+event, "")
}

// enqueuedByHook notes that the scenes' present versions are asked for, whichever they are.
func enqueuedByHook(ctx context.Context, tx *sqlitefile.Tx, requests []Request) error {
	for _, r := range requests {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO scene_version (scene_id) VALUES (?)`, r.SceneID); err != nil {
			return err
		}
	}
	return nil
}

// setMark reports whether the caller is the one to ask for a run, and marks that it does.
func setMark(ctx context.Context, tx *sqlitefile.Tx, now time.Time) (Mark, error) {
	value, at, err := metaOf(ctx, tx, keyMark)
	if err != nil {
		return Mark{}, err
	}
	counts := askedCounts
	if strings.HasPrefix(value, marking) {
		counts = askingCounts
	}
	// A hook looks at its clock before it waits for the file, so a mark may be younger than now, by as much as
	// the others take.
	if age := now.Sub(at); value != "" && age > -askedCounts && age < counts {
		return Mark{Busy: value == markedBusy}, nil
	}
	mark := Mark{Ask: true, value: marking + rand.Text()}
	return mark, setMeta(ctx, tx, now, keyMark, mark.value)
}

// Ask sets the run mark like RecordHook, for somebody who has recorded nothing.
func (s *Store) Ask(ctx context.Context, now time.Time) (mark Mark, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		mark, err = setMark(ctx, tx, now)
		return err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("set the run mark: %w", err)
	}
	return mark, nil
}

// Asked tells how the asking ended that set the mark: with a run under way the mark counts for 30 s, else it
// is cleared so that the next hook asks again. Another's mark stays. busy says that Stash works on a job that
// is not ours.
func (s *Store) Asked(ctx context.Context, now time.Time, mark Mark, ok, busy bool) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		value, _, err := metaOf(ctx, tx, keyMark)
		if err != nil || value != mark.value { // a run has cleared it meanwhile: it sees the job
			return err
		}
		switch {
		case ok && busy:
			return setMeta(ctx, tx, now, keyMark, markedBusy)
		case ok:
			return setMeta(ctx, tx, now, keyMark, marked)
		}
		return deleteMeta(ctx, tx, keyMark)
	})
	if err != nil {
		return fmt.Errorf("update the run mark: %w", err)
	}
	return nil
}

// ClearMark takes the run mark away: a run has the lock and will see every job recorded before this.
func (s *Store) ClearMark(ctx context.Context) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error { return deleteMeta(ctx, tx, keyMark) })
	if err != nil {
		return fmt.Errorf("clear the run mark: %w", err)
	}
	return nil
}

// LastLook reports whether a job is due that this run may still take, and in the same transaction
// clears the run mark if none is: whoever records a job after this asks for a run of its own.
func (s *Store) LastLook(ctx context.Context, now time.Time, floor int64) (due bool, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		jobs, err := pick(ctx, tx, now, ClaimOptions{Floor: floor})
		if err != nil {
			return err
		}
		if due = len(jobs) > 0; due {
			return nil
		}
		return deleteMeta(ctx, tx, keyMark)
	})
	if err != nil {
		return false, fmt.Errorf("look for due jobs: %w", err)
	}
	return due, nil
}
