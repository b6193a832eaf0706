package plays

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A Count sums up the plays of one account in one library and state.
type Count struct {
	Account     int
	Section     string
	State       State
	Matched     bool // they have a scene
	N           int
	First, Last time.Time // when they were viewed
}

// Counts sums up all plays. Those without a scene count as matched if their item is linked to one now. The rows are summed up
// as they are read: SQLite would sort them in memory.
func (b Book) Counts(ctx context.Context) (list []Count, err error) {
	type group struct {
		account int
		section string
		state   State
		matched bool
	}
	sums := make(map[group]Count)
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT account_id, section, state, scene_id <> 0 OR state IN ('past', 'new', 'undone') AND
				EXISTS (SELECT 1 FROM link l WHERE l.server = play.server AND l.rating_key = play.rating_key), viewed_at
			FROM play WHERE server = ?`, b.Server)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var g group
			var viewed int64
			if err := rows.Scan(&g.account, &g.section, &g.state, &g.matched, &viewed); err != nil {
				return err
			}
			c, at := sums[g], time.Unix(viewed, 0).UTC()
			if c.N == 0 {
				c = Count{g.account, g.section, g.state, g.matched, 0, at, at}
			}
			if c.N++; at.Before(c.First) {
				c.First = at
			}
			if at.After(c.Last) {
				c.Last = at
			}
			sums[g] = c
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot count the plays: %w", err)
	}
	return slices.SortedFunc(maps.Values(sums), func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Section, b.Section), cmp.Compare(a.State, b.State), matchedLast(a, b))
	}), nil
}

func matchedLast(a, b Count) int {
	if a.Matched == b.Matched {
		return 0
	} else if b.Matched {
		return -1
	}
	return 1
}

// A Position is where a list of plays goes on; the zero value is its beginning.
type Position struct {
	ViewedAt int64  // unix s
	Key      string // of the history
	Account  int
}

// PositionOf returns the position after a play.
func PositionOf(p Play) Position { return Position{p.ViewedAt.Unix(), p.HistoryKey, p.Account} }

// List returns the plays in a state, the last viewed first, after a position.
func (b Book) List(ctx context.Context, state State, after Position, limit int) (list []Play, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, scan, `SELECT `+columns+` FROM play
			WHERE server = ?1 AND state = ?2 AND (?3 = 0 OR (viewed_at, history_key, account_id) < (?3, ?4, ?5))
			ORDER BY viewed_at DESC, history_key DESC, account_id DESC LIMIT ?6`, b.Server, state, after.ViewedAt, after.Key, after.Account, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the plays: %w", err)
	}
	return list, nil
}

// OfScene returns the plays of a scene, the last viewed first.
func (b Book) OfScene(ctx context.Context, scene, limit int) (list []Play, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, scan, `SELECT `+columns+` FROM play WHERE scene_id = ? AND server = ? ORDER BY viewed_at DESC LIMIT ?`,
			scene, b.Server, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the plays of scene %d: %w", scene, err)
	}
	return list, nil
}

// Import makes plays of accounts new that are past or were undone, up to a number of them, and returns how many.
func (b Book) Import(ctx context.Context, accounts []int, limit int) (n int, err error) {
	for _, state := range [...]State{Past, Undone} {
		some, err := b.change(ctx, `UPDATE play SET state = 'new', due_at = 0, reason = '', attempts = 0 WHERE (server, history_key, viewed_at, account_id) IN (
			SELECT server, history_key, viewed_at, account_id FROM play INDEXED BY play_state
			WHERE server = ? AND state = ? AND rating_key <> '' AND account_id IN (SELECT value FROM json_each(?)) LIMIT ?)`,
			b.Server, state, sqlitefile.JSONList(accounts), limit-n)
		if err != nil {
			return 0, err
		}
		n += some
	}
	return n, nil
}

// EndImport makes the plays past again that an import has made new and that were not written.
func (b Book) EndImport(ctx context.Context) error {
	_, err := b.change(ctx, `UPDATE play INDEXED BY play_state SET state = 'past' WHERE server = ? AND state = 'new'
		AND viewed_at <= COALESCE((SELECT since FROM play_account a WHERE a.server = play.server AND a.account_id = play.account_id), viewed_at)`, b.Server)
	return err
}

func (b Book) change(ctx context.Context, query string, args ...any) (n int, err error) {
	err = b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		changed, err := res.RowsAffected()
		n = int(changed)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot change which plays are imported: %w", err)
	}
	return n, nil
}

// WrittenSince returns plays that Stash was asked to add at or after a time, and that were not undone, the first first.
func (b Book) WrittenSince(ctx context.Context, since time.Time, limit int) (list []Play, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, scan, `SELECT `+columns+` FROM play INDEXED BY play_written
			WHERE server = ? AND state IN ('writing', 'written', 'undoing') AND written_at >= ? ORDER BY written_at LIMIT ?`, b.Server, since.UnixMilli(), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the plays that were written: %w", err)
	}
	return list, nil
}

// Paths returns the files in Plex by which items are linked to scenes: of each item, by the id of the scene.
func (b Book) Paths(ctx context.Context, keys []string) (paths map[string]map[int]string, err error) {
	paths = make(map[string]map[int]string)
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT rating_key, scene_id, path FROM link INDEXED BY link_key WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?))`,
			b.Server, sqlitefile.JSONList(keys))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key, path string
			var scene int
			if err := rows.Scan(&key, &scene, &path); err != nil {
				return err
			}
			if paths[key] == nil {
				paths[key] = make(map[int]string)
			}
			paths[key][scene] = path
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the files of %d items: %w", len(keys), err)
	}
	return paths, nil
}
