package plays

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A Point is the resume point of a Plex item.
type Point struct {
	RatingKey    string
	Offset       time.Duration // 0: none
	LastViewedAt time.Time     // full seconds
}

// Points returns the resume points of items as they were last read, by rating key.
func (b Book) Points(ctx context.Context, keys []string) (map[string]Point, error) {
	points := make(map[string]Point)
	err := b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err := sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (p Point, err error) {
			var offset, viewed int64
			err = row.Scan(&p.RatingKey, &offset, &viewed)
			p.Offset, p.LastViewedAt = time.Duration(offset)*time.Millisecond, time.Unix(viewed, 0).UTC()
			return p, err
		}, `SELECT rating_key, view_offset, last_viewed_at FROM resume_seen WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?))`,
			b.Server, sqlitefile.JSONList(keys))
		for _, p := range list {
			points[p.RatingKey] = p
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the resume points of %d items: %w", len(keys), err)
	}
	return points, nil
}

// PutPoints stores resume points as they were read.
func (b Book) PutPoints(ctx context.Context, points []Point) error {
	err := b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, p := range points {
			if _, err := tx.ExecContext(ctx, `INSERT INTO resume_seen (server, rating_key, view_offset, last_viewed_at) VALUES (?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET view_offset = excluded.view_offset, last_viewed_at = excluded.last_viewed_at
				WHERE view_offset <> excluded.view_offset OR last_viewed_at <> excluded.last_viewed_at`,
				b.Server, p.RatingKey, p.Offset.Milliseconds(), p.LastViewedAt.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot store the resume points of %d items: %w", len(points), err)
	}
	return nil
}

// Scenes returns the scene that each item shows: the only one that is linked to it, or the one that owns it. Items
// without one are absent.
func (b Book) Scenes(ctx context.Context, keys []string) (map[string]int, error) {
	scenes := make(map[string]int)
	err := b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT l.rating_key, MIN(l.scene_id), COUNT(*), MAX(CASE WHEN l.scene_id = i.owner THEN i.owner ELSE 0 END)
			FROM link l LEFT JOIN item i ON i.server = l.server AND i.rating_key = l.rating_key
			WHERE l.server = ? AND l.rating_key IN (SELECT value FROM json_each(?)) GROUP BY l.rating_key`, b.Server, sqlitefile.JSONList(keys))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			var only, count, owner int
			if err := rows.Scan(&key, &only, &count, &owner); err != nil {
				return err
			}
			switch {
			case owner != 0:
				scenes[key] = owner
			case count == 1:
				scenes[key] = only
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot find the scenes of %d items: %w", len(keys), err)
	}
	return scenes, nil
}

// A Write is a resume point that was written to a scene in Stash. A write that is not done was sent, and its answer is not
// known.
type Write struct {
	ID        int64
	SceneID   int
	RatingKey string
	Old, New  float64 // seconds
	At        time.Time
	Done      bool
}

const writeColumns = `id, scene_id, rating_key, old, new, at, done`

func scanWrite(row sqlitefile.Row) (w Write, err error) {
	var at int64
	err = row.Scan(&w.ID, &w.SceneID, &w.RatingKey, &w.Old, &w.New, &at, &w.Done)
	w.At = time.UnixMilli(at)
	return w, err
}

// LastWrites returns the last write to each of some scenes that was not undone.
func (b Book) LastWrites(ctx context.Context, scenes []int) (map[int]Write, error) {
	last := make(map[int]Write)
	err := b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err := sqlitefile.Collect(ctx, tx, scanWrite, `SELECT `+writeColumns+` FROM stash_write
			WHERE scene_id IN (SELECT value FROM json_each(?)) AND server = ? AND undone_at = 0 ORDER BY id`, sqlitefile.JSONList(scenes), b.Server)
		for _, w := range list {
			last[w.SceneID] = w
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the resume points of %d scenes: %w", len(scenes), err)
	}
	return last, nil
}

// PutWrite notes a write before it is sent, and returns its id.
func (b Book) PutWrite(ctx context.Context, w Write) (id int64, err error) {
	err = b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO stash_write (server, scene_id, rating_key, what, old, new, at) VALUES (?, ?, ?, 'resume', ?, ?, ?)`,
			b.Server, w.SceneID, w.RatingKey, w.Old, w.New, w.At.UnixMilli())
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot note a resume point: %w", err)
	}
	return id, nil
}

// Confirm notes that Stash has confirmed a write.
func (b Book) Confirm(ctx context.Context, id int64) error {
	return b.mark(ctx, `UPDATE stash_write SET done = 1 WHERE id = ?`, id)
}

// Drop removes a write that was never made.
func (b Book) Drop(ctx context.Context, id int64) error {
	return b.mark(ctx, `DELETE FROM stash_write WHERE id = ?`, id)
}

// Undo notes that a write was undone, or that Stash no longer held it.
func (b Book) Undo(ctx context.Context, id int64, at time.Time) error {
	return b.mark(ctx, `UPDATE stash_write SET undone_at = ? WHERE id = ?`, at.UnixMilli(), id)
}

func (b Book) mark(ctx context.Context, query string, args ...any) error {
	err := b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot note what became of a resume point: %w", err)
	}
	return nil
}

// Standing returns writes since a time that were not undone, the newest first and before an id (0: from the newest).
func (b Book) Standing(ctx context.Context, since time.Time, before int64, limit int) (list []Write, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, scanWrite, `SELECT `+writeColumns+` FROM stash_write
			WHERE server = ?1 AND undone_at = 0 AND (?2 = 0 OR id < ?2) AND at >= ?3 ORDER BY id DESC LIMIT ?4`, b.Server, before, since.UnixMilli(), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the resume points that were written: %w", err)
	}
	return list, nil
}
