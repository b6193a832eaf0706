package store

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// AwaitedFile is a file of a scene that Plex did not have when the scene was pushed, or only in another scene's item.
type AwaitedFile struct {
	Path  string // Stash's path
	Size  int64  // bytes
	Rival int    // the scene that has that item: its end wakes this one, too; 0: none
}

// A FoundFile is a file that has newly appeared in Plex.
type FoundFile struct {
	Path string // Plex's path
	Size int64  // bytes
}

// setAwaitedFiles replaces the scene's awaited files with those of the completion: none for an outcome such as Retry,
// because a new file must not wake a job that waits for something else, such as a less busy Plex.
func setAwaitedFiles(ctx context.Context, tx *sqlitefile.Tx, e *Completion) error {
	if e.Outcome == Release || e.Outcome == Snooze { // as before
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM awaited_file WHERE scene_id = ?`, e.Job.SceneID); err != nil {
		return err
	}
	for _, w := range e.AwaitedFiles {
		bases := []string{pathform.FoldBase(w.Path)}
		if w.Rival != 0 {
			bases = append(bases, "/"+fmt.Sprint(w.Rival)) // no base name contains a slash
		}
		for _, base := range bases {
			if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO awaited_file (base, size, path, scene_id) VALUES (?, ?, ?, ?)`,
				base, w.Size, pathform.Normal(w.Path), e.Job.SceneID); err != nil {
				return err
			}
		}
	}
	return nil
}

// heirs finds the scenes that await the end of one of these scenes, because it has an item with their file.
const heirs = `SELECT scene_id FROM awaited_file
	WHERE base IN (SELECT '/' || value FROM json_each(?1)) AND scene_id NOT IN (SELECT value FROM json_each(?1))`

// Wake makes the jobs and dead letters that wait for one of the files due now with their misses at zero, and enqueues
// scenes that were pushed without it. It returns the number of scenes. A file matches if its base name is equal and
// either its size or the name of its folder is equal. Waking twice is harmless.
func (s *Store) Wake(ctx context.Context, now time.Time, files []FoundFile) (int, error) {
	woken := 0
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		scenes := make(map[int]bool)
		for _, f := range files {
			if err := addAwaiting(ctx, tx, f, scenes); err != nil {
				return err
			}
		}
		for id := range scenes {
			n, err := wake(ctx, tx, now, id, "its file appeared in Plex")
			if err != nil {
				return err
			}
			woken += n
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot wake jobs for %d new files: %w", len(files), err)
	}
	return woken, nil
}

// addAwaiting adds the scenes that wait for a file.
func addAwaiting(ctx context.Context, tx *sqlitefile.Tx, f FoundFile, scenes map[int]bool) error {
	rows, err := tx.QueryContext(ctx, `SELECT scene_id, size, path FROM awaited_file WHERE base = ?`, pathform.FoldBase(f.Path))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		var size int64
		var path string
		if err := rows.Scan(&id, &size, &path); err != nil {
			return err
		}
		if size == f.Size || pathform.TrailingFolders(path, f.Path, true) >= 1 {
			scenes[id] = true
		}
	}
	return rows.Err()
}

// wake makes one scene's job due, revives its dead letter if the file was missing, or adds a job if the scene has
// neither.
func wake(ctx context.Context, tx *sqlitefile.Tx, now time.Time, id int, reason string) (int, error) {
	res, err := tx.ExecContext(ctx, `UPDATE job SET due_at = ?, misses = 0 WHERE scene_id = ? AND misses > 0`, now.UnixMilli(), id)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil || n > 0 {
		return int(n), err
	}
	var busy bool // the job runs or waits for another reason, or the dead letter has another reason
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE scene_id = ?1)
		OR EXISTS (SELECT 1 FROM dead_letter WHERE scene_id = ?1 AND misses = 0)`, id).Scan(&busy)
	if err != nil || busy {
		return 0, err
	}
	return enqueue(ctx, tx, now, []Request{{SceneID: id, Reason: reason, Priority: InBulk, Quiet: true}})
}
