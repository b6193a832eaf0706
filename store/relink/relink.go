// Package relink finds the pushed scenes whose file Plex now shows as another item, or with another size: what Plex
// showed of them is lost. New files of Plex are noted page by page; whether a scene is lost is decided after all
// libraries were read, so that the order of the pages does not matter.
package relink

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Pause is how long a scene is left alone after a push, so that an item that Plex adds and removes again and again
// does not push it at each reading. A time further ahead was written by a clock that was wrong, and counts as past.
const Pause = 10 * time.Minute

// A Queue runs a function in a transaction of queue.db.
type Queue interface {
	InTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error
}

// A File is a file of a Plex item.
type File struct {
	RatingKey string
	Path      string // Plex's path
	Size      int64  // bytes; 0: unknown
}

// A Scene is a pushed scene that may be lost.
type Scene struct {
	ID       int
	Paths    []string // of the file, as the scene's links name it; none if no link names it any more
	Keys     []string // of the items that the scene has links to
	Size     int64    // of the file when the scene was last pushed; 0: unknown
	PushedAt time.Time

	Lost bool      // to be pushed again
	Next time.Time // when to look again, if it is not known yet; else zero

	hash int64
}

// hashPath returns the hash of a path, normalised and without case.
func hashPath(path string) int64 {
	h := fnv.New64a()
	h.Write([]byte(pathform.Fold(path))) // a hash never fails
	return int64(h.Sum64())
}

const (
	putFile  = `INSERT INTO link_file (path_hash, scene_id, size) VALUES (?, ?, ?) ON CONFLICT (path_hash, scene_id) DO UPDATE SET size = excluded.size WHERE size <> excluded.size`
	dropRest = `DELETE FROM link_file WHERE scene_id = ? AND path_hash NOT IN (SELECT value FROM json_each(?))`
)

// Put replaces the files that the links of a scene name. It writes only what has changed.
func Put(ctx context.Context, tx *sqlitefile.Tx, scene int, files []File) error {
	hashes := make([]int64, len(files))
	for i, f := range files {
		hashes[i] = hashPath(f.Path)
		if _, err := tx.ExecContext(ctx, putFile, hashes[i], scene, f.Size); err != nil {
			return err
		}
	}
	list, err := json.Marshal(hashes)
	if err == nil {
		_, err = tx.ExecContext(ctx, dropRest, scene, string(list))
	}
	return err
}

// noteFiles marks the scenes with one of the files ([hash, rating key, size]) that have no link to its item, or were
// pushed when it had another size.
const noteFiles = `UPDATE link_file SET look_at = ?1 WHERE look_at IS NULL AND (path_hash, scene_id) IN (
	SELECT f.path_hash, f.scene_id FROM json_each(?2) CROSS JOIN link_file AS f ON f.path_hash = value ->> 0
	WHERE f.size > 0 AND value ->> 2 > 0 AND f.size <> value ->> 2
	OR NOT EXISTS (SELECT 1 FROM link WHERE server = ?3 AND scene_id = f.scene_id AND rating_key = value ->> 1))`

// Note notes the scenes that new files of Plex concern: each is due for a look. An item to which a scene has a link is
// not new to it, so that a file index that is rebuilt notes nothing. Noting twice is harmless.
func Note(ctx context.Context, q Queue, now time.Time, server string, files []File) error {
	list := make([][3]any, len(files))
	for i, f := range files {
		list[i] = [3]any{hashPath(f.Path), f.RatingKey, f.Size}
	}
	text, err := json.Marshal(list)
	if err == nil {
		err = q.InTx(ctx, func(tx *sqlitefile.Tx) error {
			_, err := tx.ExecContext(ctx, noteFiles, now.UnixMilli(), string(text), server)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("cannot look for scenes of %d new files: %w", len(files), err)
	}
	return nil
}

const dueFiles = `SELECT path_hash, scene_id, size FROM link_file WHERE look_at BETWEEN ? AND ? ORDER BY look_at LIMIT ?`

// Due returns up to limit scenes that are due for a look, with their links on a server.
func Due(ctx context.Context, q Queue, now time.Time, server string, limit int) (scenes []Scene, err error) {
	err = q.InTx(ctx, func(tx *sqlitefile.Tx) error {
		scenes = nil
		for _, span := range [][2]int64{{0, now.UnixMilli()}, {now.Add(Pause).UnixMilli() + 1, 1<<63 - 1}} {
			some, err := due(ctx, tx, span, limit-len(scenes))
			if err != nil {
				return err
			}
			scenes = append(scenes, some...)
		}
		for i := range scenes {
			if err := addLinks(ctx, tx, server, &scenes[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot find scenes with new items in Plex: %w", err)
	}
	return scenes, nil
}

func due(ctx context.Context, tx *sqlitefile.Tx, span [2]int64, limit int) ([]Scene, error) {
	return sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (s Scene, err error) {
		err = row.Scan(&s.hash, &s.ID, &s.Size)
		return s, err
	}, dueFiles, span[0], span[1], limit)
}

const linksOf = `SELECT rating_key, path, pushed_at FROM link WHERE server = ? AND scene_id = ?`

// addLinks adds the links of a scene on a server.
func addLinks(ctx context.Context, tx *sqlitefile.Tx, server string, s *Scene) error {
	rows, err := tx.QueryContext(ctx, linksOf, server, s.ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, path string
		var pushed int64
		if err := rows.Scan(&key, &path, &pushed); err != nil {
			return err
		}
		s.Keys = append(s.Keys, key)
		if hashPath(path) == s.hash && !slices.Contains(s.Paths, path) {
			s.Paths = append(s.Paths, path)
		}
		if at := time.UnixMilli(pushed); pushed != 0 && at.After(s.PushedAt) {
			s.PushedAt = at
		}
	}
	return rows.Err()
}

const (
	working = `SELECT EXISTS (SELECT 1 FROM job WHERE scene_id = ? AND unfinished > 0)`
	lookAt  = `UPDATE link_file SET look_at = ? WHERE path_hash = ? AND scene_id = ?`
	// A bulk job, unless the scene has a job or a dead letter, or was restored.
	addJob = `INSERT INTO job (scene_id, reason, priority, enqueued_at, due_at) SELECT ?1, 'Plex has a new item for its file', 1, ?2, ?2
		WHERE NOT EXISTS (SELECT 1 FROM job WHERE scene_id = ?1) AND NOT EXISTS (SELECT 1 FROM dead_letter WHERE scene_id = ?1)
		AND EXISTS (SELECT 1 FROM link WHERE scene_id = ?1 AND restored = 0)`
)

// Complete stores the results of a look in one transaction, and returns how many jobs it added: one for each lost scene,
// except those that were restored, are queued, or have a dead letter. A job that is claimed may have chosen its items
// before the new one was known, so its scene is looked at again later.
func Complete(ctx context.Context, q Queue, now time.Time, scenes []Scene) (n int, err error) {
	err = q.InTx(ctx, func(tx *sqlitefile.Tx) error {
		n = 0
		for _, s := range scenes {
			next, added, err := complete(ctx, tx, now, &s)
			if err != nil {
				return fmt.Errorf("scene %d: %w", s.ID, err)
			}
			n += added
			if _, err := tx.ExecContext(ctx, lookAt, milliOrNull(next), s.hash, s.ID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot enqueue scenes with new items in Plex: %w", err)
	}
	return n, nil
}

// complete adds a job for a lost scene, and returns when to look at it again.
func complete(ctx context.Context, tx *sqlitefile.Tx, now time.Time, s *Scene) (next time.Time, added int, err error) {
	if !s.Lost {
		return s.Next, 0, nil
	}
	var works bool
	if err := tx.QueryRowContext(ctx, working, s.ID).Scan(&works); err != nil {
		return next, 0, err
	}
	if works {
		return now.Add(Pause), 0, nil
	}
	res, err := tx.ExecContext(ctx, addJob, s.ID, now.UnixMilli())
	if err != nil {
		return next, 0, err
	}
	rows, err := res.RowsAffected()
	return next, int(rows), err
}

func milliOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

const (
	anyLink      = `SELECT EXISTS (SELECT 1 FROM link)`
	markRestored = `UPDATE link INDEXED BY link_key SET restored = 1 WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?))`
)

// HasLinks reports whether any scene has a link.
func HasLinks(ctx context.Context, q Queue) (yes bool, err error) {
	err = q.InTx(ctx, func(tx *sqlitefile.Tx) error { return tx.QueryRowContext(ctx, anyLink).Scan(&yes) })
	if err != nil {
		return false, fmt.Errorf("cannot look for a link: %w", err)
	}
	return yes, nil
}

// MarkRestored marks links to items that are not in Plex any more as restored, so that a new item is not pushed.
func MarkRestored(ctx context.Context, tx *sqlitefile.Tx, server string, keys []string) error {
	_, err := tx.ExecContext(ctx, markRestored, server, sqlitefile.JSONList(keys))
	return err
}

// KeyFilled is the key of table meta that says up to which scene Fill has added the files.
const KeyFilled = "link_files"

const (
	filled     = "all"
	filledTo   = `SELECT value FROM meta WHERE key = ?`
	setFilled  = `INSERT OR REPLACE INTO meta (key, value, at) VALUES (?, ?, ?)`
	linksAfter = `SELECT scene_id, path FROM link WHERE scene_id >= ? AND path <> '' ORDER BY scene_id LIMIT ?`
	addFile    = `INSERT OR IGNORE INTO link_file (path_hash, scene_id, size) VALUES (?, ?, 0)`
)

// Fill adds the files of up to limit links that a build without this table has written, or that a recovery has saved,
// and reports whether there are more.
func Fill(ctx context.Context, q Queue, now time.Time, limit int) (more bool, err error) {
	err = q.InTx(ctx, func(tx *sqlitefile.Tx) error {
		var to string
		if err := tx.QueryRowContext(ctx, filledTo, KeyFilled).Scan(&to); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if more = to != filled; !more {
			return nil
		}
		after, _ := strconv.Atoi(to) // "" and nonsense: from the beginning
		n, last, err := fillAfter(ctx, tx, after, limit)
		if err != nil {
			return err
		}
		if last == after { // all of these links are of one scene, which would come again
			last++
		}
		value := strconv.Itoa(last)
		if more = n == limit; !more {
			value = filled
		}
		_, err = tx.ExecContext(ctx, setFilled, KeyFilled, value, now.UnixMilli())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("cannot note the files of links: %w", err)
	}
	return more, nil
}

// fillAfter adds the files of links, from a scene on. It returns their number and the last scene.
func fillAfter(ctx context.Context, tx *sqlitefile.Tx, after, limit int) (n, last int, err error) {
	rows, err := tx.QueryContext(ctx, linksAfter, after, limit)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		if err := rows.Scan(&last, &path); err != nil {
			return 0, 0, err
		}
		if _, err := tx.ExecContext(ctx, addFile, hashPath(path), last); err != nil {
			return 0, 0, err
		}
		n++
	}
	return n, last, rows.Err()
}
