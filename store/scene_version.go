package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// SceneVersion is a scene's version as a listing or a push read it.
type SceneVersion struct {
	SceneID   int
	UpdatedAt string // as Stash stores it
	Paths     int64  // HashPaths of the scene's files
}

// HashPaths returns a hash of a scene's file paths that does not depend on their order.
func HashPaths(paths []string) int64 {
	h := fnv.New64a()
	for _, p := range slices.Sorted(slices.Values(paths)) {
		h.Write([]byte(p)) // a hash never fails
		h.Write([]byte{0}) // a hash never fails
	}
	return int64(h.Sum64())
}

func putSceneVersion(ctx context.Context, tx *sqlitefile.Tx, v SceneVersion) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO scene_version (scene_id, updated_at, paths) VALUES (?, ?, ?)`,
		v.SceneID, v.UpdatedAt, v.Paths)
	return err
}

// A Page is one page of a listing of Stash's scenes.
type Page struct {
	Scenes []SceneVersion
	Adopt  bool              // store the versions only: the very first listing enqueues nothing
	Facts  map[string]string // meta to store with the page, by key; "" deletes
}

// CatchUp compares a page with the stored versions and enqueues differing scenes in the same transaction, at low
// priority. For a scene that was restored, or that a hook enqueued without its version, it stores only the version. It
// returns the number of enqueued scenes.
func (s *Store) CatchUp(ctx context.Context, now time.Time, page Page) (int, error) {
	enqueued := 0
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		var requests []Request
		for _, v := range page.Scenes {
			reason, changed, err := compareSceneVersion(ctx, tx, v, page.Adopt)
			if err != nil {
				return err
			}
			if reason != "" {
				requests = append(requests, Request{SceneID: v.SceneID, Reason: reason, Priority: InBulk, Quiet: true})
			}
			if changed {
				if err := putSceneVersion(ctx, tx, v); err != nil {
					return err
				}
			}
		}
		var err error
		if enqueued, err = enqueue(ctx, tx, now, requests); err != nil {
			return err
		}
		return setFacts(ctx, tx, now, page.Facts)
	})
	if err != nil {
		return 0, fmt.Errorf("cannot compare the versions of %d scenes: %w", len(page.Scenes), err)
	}
	return enqueued, nil
}

func compareSceneVersion(ctx context.Context, tx *sqlitefile.Tx, v SceneVersion, adopt bool) (reason string, changed bool, err error) {
	var updated sql.NullString
	var paths sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT updated_at, paths FROM scene_version WHERE scene_id = ?`, v.SceneID).Scan(&updated, &paths)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if adopt {
			return "", true, nil
		}
		return "new in Stash", true, nil
	case err != nil:
		return "", false, err
	case !updated.Valid:
		return "", true, nil
	case updated.String != v.UpdatedAt:
		return "changed in Stash", true, nil
	case paths.Int64 != v.Paths:
		return "moved in Stash", true, nil
	}
	return "", false, nil
}

// EnqueueSceneVersions enqueues all scenes of a listing and stores their versions.
func (s *Store) EnqueueSceneVersions(ctx context.Context, now time.Time, scenes []SceneVersion, reason string) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		requests := make([]Request, len(scenes))
		for i, v := range scenes {
			requests[i] = Request{SceneID: v.SceneID, Reason: reason, Priority: InBulk}
			if err := putSceneVersion(ctx, tx, v); err != nil {
				return err
			}
		}
		_, err := enqueue(ctx, tx, now, requests)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot enqueue %d scenes: %w", len(scenes), err)
	}
	return nil
}

func setFacts(ctx context.Context, tx *sqlitefile.Tx, now time.Time, facts map[string]string) error {
	for key, value := range facts {
		var err error
		if value == "" {
			err = deleteMeta(ctx, tx, key)
		} else {
			err = setMeta(ctx, tx, now, key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// LinkedBetween returns the scenes in (after, upTo] that have links or a chosen item, in ascending order.
func (s *Store) LinkedBetween(ctx context.Context, after, upTo int) ([]int, error) {
	ids, err := sqlitefile.Collect(ctx, s.read, sqlitefile.Single[int], `SELECT scene_id FROM link WHERE scene_id > ?1 AND scene_id <= ?2
		UNION SELECT scene_id FROM manual_link WHERE scene_id > ?1 AND scene_id <= ?2 ORDER BY scene_id`, after, upTo)
	if err != nil {
		return nil, fmt.Errorf("cannot read linked scenes: %w", s.fileError(err))
	}
	return ids, nil
}

// CountLinked returns how many scenes have links.
func (s *Store) CountLinked(ctx context.Context) (int, error) {
	var n int
	if err := s.read.QueryRowContext(ctx, `SELECT COUNT(DISTINCT scene_id) FROM link`).Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot count links: %w", s.fileError(err))
	}
	return n, nil
}

// Forget deletes jobs, dead letters and links of scenes that are gone from Stash. Their Plex items stay, and scenes that
// have a file in one of them are due.
func (s *Store) Forget(ctx context.Context, now time.Time, scenes []int) error {
	return s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		_, err := forget(ctx, tx, now, scenes)
		return err
	})
}
