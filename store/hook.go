package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A HookRecord is what one hook reports.
type HookRecord struct {
	Own    Request   // the hook's own scene
	Others []Request // the other scenes of its event
	First  bool      // the own scene is the first of the event's list
	Event  string    // hash of the event; "" if it has only the own scene
	Gone   bool      // the scenes were destroyed

	Fanout *FanoutRecord `json:",omitempty"` // instead of the fields above, if scenes mention the changed object
}

// Empty reports whether a hook has nothing to report.
func (h HookRecord) Empty() bool {
	if h.Fanout != nil {
		return h.Fanout.Own <= 0
	}
	return h.Own.SceneID <= 0
}

// String names the object of a hook.
func (h HookRecord) String() string {
	if h.Fanout != nil {
		return fmt.Sprintf("%s %d", h.Fanout.Kind, h.Fanout.Own)
	}
	return fmt.Sprintf("scene %d", h.Own.SceneID)
}

// event returns the event that the hook belongs to, and whether the hook is its first.
func (h HookRecord) event() (hash string, first bool) {
	if h.Fanout != nil {
		return h.Fanout.Event, h.Fanout.First
	}
	return h.Event, h.First
}

// alone returns the record without the other objects of its event.
func (h HookRecord) alone() HookRecord {
	h.Others, h.Event = nil, ""
	if h.Fanout != nil {
		h.Fanout = &FanoutRecord{Kind: h.Fanout.Kind, Own: h.Fanout.Own, First: h.Fanout.First}
	}
	return h
}

// How long a run mark is valid.
const (
	askingCounts = 3 * time.Second
	askedCounts  = 30 * time.Second
)

// A Mark is what the run mark means to a process that has recorded work.
type Mark struct {
	Ask  bool // no other process does: ask Stash for a run, then call Asked
	Busy bool // a run was requested while Stash was busy with a job of its own

	value string // of the mark that was set; identifies the process that set it
}

// Values of the run mark.
const (
	marking    = "asking " // followed by a random text
	marked     = "asked"
	markedBusy = "asked, busy"
)

// RecordHook stores what a hook reports in one transaction: always its own scene, and the other scenes of its event
// unless another hook of the same event has already recorded them. If work was recorded and no valid mark exists, it
// sets the mark and returns Ask: the caller then asks Stash for a run and calls Asked.
func (s *Store) RecordHook(ctx context.Context, now time.Time, h HookRecord) (mark Mark, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		work, err := recordHook(ctx, tx, now, h)
		if err != nil || !work {
			return err
		}
		mark, err = setMark(ctx, tx, now)
		return err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("cannot record the hook of %v: %w", h, err)
	}
	return mark, nil
}

// recordHook reports whether there is work for a run.
func recordHook(ctx context.Context, tx *sqlitefile.Tx, now time.Time, h HookRecord) (work bool, err error) {
	if h.Fanout != nil {
		return true, recordFanout(ctx, tx, now, *h.Fanout)
	}
	requests := []Request{h.Own}
	all, recorded, err := speaksForAll(ctx, tx, now, h.Event, h.First)
	if err != nil {
		return false, err
	}
	switch {
	case all:
		requests = append(requests, h.Others...)
	case recorded && !h.Gone: // its own scene, too; another look at it would change nothing
		return true, nil
	}
	if h.Gone {
		scenes := make([]int, len(requests))
		for i, r := range requests {
			scenes[i] = r.SceneID
		}
		woken, err := forget(ctx, tx, now, scenes)
		return woken > 0, err
	}
	if _, err := enqueue(ctx, tx, now, requests); err != nil {
		return false, err
	}
	return true, enqueuedByHook(ctx, tx, requests)
}

// speaksForAll reports whether a hook records all objects of its event, not only its own: it is the first hook of the
// event, or no other hook has recorded the event recently. It notes that the event is now recorded. An event without a
// name has no other hooks. recorded reports that another hook of the event has just recorded all of it: Stash runs the
// hooks of a bulk edit after it has stored the whole edit.
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

// enqueuedByHook notes that the current versions of the scenes are enqueued. The hook does not know them.
func enqueuedByHook(ctx context.Context, tx *sqlitefile.Tx, requests []Request) error {
	for _, r := range requests {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO scene_version (scene_id) VALUES (?)`, r.SceneID); err != nil {
			return err
		}
	}
	return nil
}

// setMark sets the run mark if the caller has to ask for a run.
func setMark(ctx context.Context, tx *sqlitefile.Tx, now time.Time) (Mark, error) {
	value, at, err := metaOf(ctx, tx, keyMark)
	if err != nil {
		return Mark{}, err
	}
	counts := askedCounts
	if strings.HasPrefix(value, marking) {
		counts = askingCounts
	}
	// A hook reads its clock before it waits for the database, so a mark of another hook may be later than now.
	if age := now.Sub(at); value != "" && age > -askedCounts && age < counts {
		return Mark{Busy: value == markedBusy}, nil
	}
	mark := Mark{Ask: true, value: marking + rand.Text()}
	return mark, setMeta(ctx, tx, now, keyMark, mark.value)
}

// Ask sets the run mark like RecordHook, for a process that has recorded nothing.
func (s *Store) Ask(ctx context.Context, now time.Time) (mark Mark, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		mark, err = setMark(ctx, tx, now)
		return err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("cannot set the run mark: %w", err)
	}
	return mark, nil
}

// Asked records the result of asking Stash for a run. If Stash accepted, the mark is valid for 30 s. Otherwise Asked
// clears it, so that the next hook asks again. It does not change the mark of another process. busy means that Stash
// works on a job of its own.
func (s *Store) Asked(ctx context.Context, now time.Time, mark Mark, ok, busy bool) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		value, _, err := metaOf(ctx, tx, keyMark)
		if err != nil || value != mark.value { // a run has cleared the mark and sees the job
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
		return fmt.Errorf("cannot update the run mark: %w", err)
	}
	return nil
}

// ClearMark removes the run mark: a run holds the lock and sees every job recorded before this call.
func (s *Store) ClearMark(ctx context.Context) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error { return deleteMeta(ctx, tx, keyMark) })
	if err != nil {
		return fmt.Errorf("cannot clear the run mark: %w", err)
	}
	return nil
}

// LastLook reports whether a job is due that this run may still take. If none is, it clears the run mark in the same
// transaction, so that a hook that records a job later asks for a new run.
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
		return false, fmt.Errorf("cannot look for due jobs: %w", err)
	}
	return due, nil
}
