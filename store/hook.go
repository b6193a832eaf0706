package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A HookRecord is what one hook has to tell.
type HookRecord struct {
	Own    Request   // the hook's own scene
	Others []Request // the other scenes of its event
	First  bool      // the own scene is the first of the event's list
	Event  string    // hash of the event; "" if it has only the own scene
	Gone   bool      // the scenes were destroyed
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
}

// What the run mark holds.
const (
	marking    = "asking"
	marked     = "asked"
	markedBusy = "asked, busy"
)

// RecordHook stores in one transaction what a hook tells: its own scene always, the other scenes of its
// event unless another hook of the same event has told them already. If work was recorded and no fresh
// mark says that somebody asks for a run, it sets the mark and says so: the caller then asks Stash for a
// run, and calls Asked.
func (s *Store) RecordHook(ctx context.Context, now time.Time, h HookRecord) (mark Mark, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		requests, err := tell(ctx, tx, now, h)
		if err != nil {
			return err
		}
		if h.Gone {
			scenes := make([]int, len(requests))
			for i, r := range requests {
				scenes[i] = r.SceneID
			}
			return forget(ctx, tx, scenes)
		}
		if err := enqueue(ctx, tx, now, requests); err != nil {
			return err
		}
		if err := enqueuedByHook(ctx, tx, requests); err != nil {
			return err
		}
		mark, err = setMark(ctx, tx, now)
		return err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("record the hook of scene %d: %w", h.Own.SceneID, err)
	}
	return mark, nil
}

// tell returns the scenes that this hook has to record.
func tell(ctx context.Context, tx *sql.Tx, now time.Time, h HookRecord) ([]Request, error) {
	requests := []Request{h.Own}
	if h.Event == "" {
		return requests, nil
	}
	_, at, err := metaOf(ctx, tx, eventPrefix+h.Event)
	if err != nil {
		return nil, err
	}
	if age := now.Sub(at); !h.First && age >= 0 && age < eventsKept {
		return requests, nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE key > ? AND key < ? AND (at < ? OR at > ?)`,
		eventPrefix, eventPrefix+"~", now.Add(-eventsKept).UnixMilli(), now.Add(eventsKept).UnixMilli()); err != nil {
		return nil, err
	}
	return append(requests, h.Others...), setMeta(ctx, tx, now, eventPrefix+h.Event, "")
}

// enqueuedByHook notes that the scenes' present versions are asked for, whichever they are.
func enqueuedByHook(ctx context.Context, tx *sql.Tx, requests []Request) error {
	put, err := tx.PrepareContext(ctx, `INSERT OR REPLACE INTO seen (scene_id) VALUES (?)`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, r := range requests {
		if _, err := put.ExecContext(ctx, r.SceneID); err != nil {
			return err
		}
	}
	return nil
}

// setMark reports whether the caller is the one to ask for a run, and marks that it does.
func setMark(ctx context.Context, tx *sql.Tx, now time.Time) (Mark, error) {
	value, at, err := metaOf(ctx, tx, keyMark)
	if err != nil {
		return Mark{}, err
	}
	counts := askedCounts
	if value == marking {
		counts = askingCounts
	}
	// A hook looks at its clock before it waits for the file, so a mark may be a little younger than now.
	if age := now.Sub(at); value != "" && age > -counts && age < counts {
		return Mark{Busy: value == markedBusy}, nil
	}
	return Mark{Ask: true}, setMeta(ctx, tx, now, keyMark, marking)
}

// Ask sets the run mark like RecordHook, for somebody who has recorded nothing.
func (s *Store) Ask(ctx context.Context, now time.Time) (mark Mark, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		mark, err = setMark(ctx, tx, now)
		return err
	})
	if err != nil {
		return Mark{}, fmt.Errorf("set the run mark: %w", err)
	}
	return mark, nil
}

// Asked tells how asking ended: with a run under way the mark counts for 30 s, else it is cleared so that
// the next hook asks again. busy says that Stash works on a job that is not ours.
func (s *Store) Asked(ctx context.Context, now time.Time, ok, busy bool) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		value, _, err := metaOf(ctx, tx, keyMark)
		if err != nil || value != marking { // a drain has cleared it meanwhile: it sees the job
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

// ClearMark takes the run mark away: a drain has the lock and will see every job recorded before this.
func (s *Store) ClearMark(ctx context.Context) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error { return deleteMeta(ctx, tx, keyMark) })
	if err != nil {
		return fmt.Errorf("clear the run mark: %w", err)
	}
	return nil
}

// LastLook reports whether a job is due that this drain may still take, and in the same transaction
// clears the run mark if none is: whoever records a job after this asks for a run of its own.
func (s *Store) LastLook(ctx context.Context, now time.Time, floor int64) (due bool, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
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
