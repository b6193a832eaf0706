package store

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Restored is the result of a restore for a few items.
type Restored struct {
	Server string
	Began  time.Time // start of the restore: jobs enqueued later stay
	Whole  []string  // rating keys of completely restored items, whose bases are deleted
	Gone   []string  // rating keys of items that are not in Plex; a new item of their scenes is not pushed either
	Items  []Item    // items that are not, or only partly, restored
	Scenes []int     // whose items are completely restored
}

// CompleteRestore stores the result of a restore: it marks the links of the scenes, and deletes their jobs and dead
// letters. An edit since the start of the restore stays queued. A scene that was destroyed gets no new link, because it
// would count as missing from Stash. It returns how many jobs it deleted.
func (s *Store) CompleteRestore(ctx context.Context, now time.Time, r Restored) (dropped int, err error) {
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for i := range r.Items {
			if err := putItem(ctx, tx, &r.Items[i]); err != nil {
				return err
			}
		}
		for _, key := range r.Whole {
			for _, query := range [...]string{
				`UPDATE item SET base = '{}' WHERE server = ? AND rating_key = ?`,
				`INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at, restored)
				 SELECT server, owner, rating_key, section, '', '', 0, '', 1 FROM item
				 WHERE server = ? AND rating_key = ? AND owner <> 0
				 AND (EXISTS (SELECT 1 FROM scene_version WHERE scene_id = owner) OR EXISTS (SELECT 1 FROM job WHERE scene_id = owner))
				 ON CONFLICT DO UPDATE SET restored = 1`,
			} {
				if _, err := tx.ExecContext(ctx, query, r.Server, key); err != nil {
					return err
				}
			}
		}
		if err := relink.MarkRestored(ctx, tx, r.Server, r.Gone); err != nil {
			return err
		}
		for _, scene := range r.Scenes {
			n, err := completeRestored(ctx, tx, now, r.Began, scene)
			if err != nil {
				return err
			}
			dropped += n
		}
		return history.Trim(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("cannot store the restored items: %w", err)
	}
	return dropped, nil
}

// completeRestored returns how many jobs it deleted.
func completeRestored(ctx context.Context, tx *sqlitefile.Tx, now, began time.Time, scene int) (int, error) {
	res, err := tx.ExecContext(ctx, `DELETE FROM job WHERE scene_id = ? AND enqueued_at < ?`, scene, began.UnixMilli())
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, err
	}
	for _, query := range [...]string{
		`UPDATE link SET restored = 1 WHERE scene_id = ?`,
		`DELETE FROM dead_letter WHERE scene_id = ?`,
		`DELETE FROM left_out WHERE scene_id = ?`,
		`DELETE FROM awaited_file WHERE scene_id = ? AND NOT EXISTS (SELECT 1 FROM job WHERE scene_id = ?1)`,
	} {
		if _, err := tx.ExecContext(ctx, query, scene); err != nil {
			return 0, err
		}
	}
	return int(n), logAttempt(ctx, tx, now, &Completion{Job: Job{SceneID: scene}, Note: "restored"})
}

// CountRestorable returns how many jobs CompleteRestore would delete for these scenes. Scenes that own an item up to the
// given rating key were counted with that.
func (s *Store) CountRestorable(ctx context.Context, server, after string, began time.Time, scenes []int) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM job WHERE scene_id IN (SELECT value FROM json_each(?)) AND enqueued_at < ?
		AND NOT EXISTS (SELECT 1 FROM item WHERE server = ? AND owner = scene_id AND rating_key <= ?)`, sqlitefile.JSONList(scenes), began.UnixMilli(), server, after).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("cannot count the jobs of restored scenes: %w", s.fileError(err))
	}
	return n, nil
}

// ItemsAfter returns up to limit rating keys of items after the given one, in ascending order.
func (s *Store) ItemsAfter(ctx context.Context, server, after string, limit int) ([]string, error) {
	return s.itemKeys(ctx, `server = ? AND rating_key > ? ORDER BY rating_key LIMIT ?`, server, after, limit)
}

// ItemsOwnedBy returns the rating keys of the items that show a scene.
func (s *Store) ItemsOwnedBy(ctx context.Context, server string, scene int) ([]string, error) {
	return s.itemKeys(ctx, `server = ? AND owner = ? AND owner <> 0`, server, scene)
}

func (s *Store) itemKeys(ctx context.Context, where string, args ...any) ([]string, error) {
	keys, err := sqlitefile.Collect(ctx, s.read, sqlitefile.Single[string], `SELECT rating_key FROM item WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read items: %w", s.fileError(err))
	}
	return keys, nil
}

// CountItems returns the number of items of a server.
func (s *Store) CountItems(ctx context.Context, server string) (int, error) {
	var n int
	if err := s.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM item WHERE server = ?`, server).Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot count items: %w", s.fileError(err))
	}
	return n, nil
}
