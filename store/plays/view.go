package plays

import (
	"context"
	"fmt"
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

// Counts sums up all plays. Those that are past count as matched if their item is linked to a scene now.
func (b Book) Counts(ctx context.Context) (list []Count, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (c Count, err error) {
			var first, last int64
			err = row.Scan(&c.Account, &c.Section, &c.State, &c.Matched, &c.N, &first, &last)
			c.First, c.Last = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC()
			return c, err
		}, `SELECT account_id, section, state, CASE WHEN state IN ('past', 'new') AND scene_id = 0
				THEN EXISTS (SELECT 1 FROM link l WHERE l.server = play.server AND l.rating_key = play.rating_key) ELSE scene_id <> 0 END AS matched,
				COUNT(*), MIN(viewed_at), MAX(viewed_at)
			FROM play WHERE server = ? GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`, b.Server)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot count the plays: %w", err)
	}
	return list, nil
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

// Import makes past plays of accounts new, up to a number of them, and returns how many.
func (b Book) Import(ctx context.Context, accounts []int, limit int) (n int, err error) {
	err = b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE play SET state = 'new', due_at = 0 WHERE (server, history_key, viewed_at, account_id) IN (
			SELECT server, history_key, viewed_at, account_id FROM play
			WHERE server = ? AND state = 'past' AND rating_key <> '' AND account_id IN (SELECT value FROM json_each(?)) LIMIT ?)`,
			b.Server, sqlitefile.JSONList(accounts), limit)
		if err != nil {
			return err
		}
		changed, err := res.RowsAffected()
		n = int(changed)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cannot import the plays: %w", err)
	}
	return n, nil
}

// WrittenSince returns plays that were written at or after a time and not undone, the first written first.
func (b Book) WrittenSince(ctx context.Context, since time.Time, limit int) (list []Play, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, scan, `SELECT `+columns+` FROM play
			WHERE server = ? AND state = 'written' AND written_at >= ? ORDER BY written_at LIMIT ?`, b.Server, since.UnixMilli(), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list the plays that were written: %w", err)
	}
	return list, nil
}
