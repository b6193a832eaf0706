// Package plays keeps what was watched in Plex and what of it was written to Stash: the tables play, play_account,
// resume_seen and stash_write. A row of Plex's history is one play. It is noted before it is written, and never removed,
// so it is written once however often it is read.
package plays

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A State is what became of a play.
type State string

// The states.
const (
	Past    State = "past"    // older than the import, or of an account that is not imported: noted only
	New     State = "new"     // to be written, or waits until its item is linked to a scene
	Writing State = "writing" // Stash was asked to add it, and the answer is not known
	Written State = "written"
	Undoing State = "undoing" // written, and Stash was asked to delete it
	Skipped State = "skipped" // not to be written; the reason says why
	Dead    State = "dead"    // Stash refused it too often
	Undone  State = "undone"  // written, and removed again
)

// A Play is a row of Plex's history.
type Play struct {
	HistoryKey string
	ViewedAt   time.Time // full seconds
	Account    int
	RatingKey  string // "" if Plex no longer has the item
	Section    string
	Title      string

	SceneID   int // 0: none is known
	State     State
	Reason    string // JSON of the code and its parameters; "" if there is none
	Had       int    // how many plays at this second Stash had before it was asked to add or delete one
	Attempts  int
	DueAt     time.Time
	Class     string
	Error     string
	WrittenAt time.Time // when Stash was asked to add it
}

// A Queue is an open queue.db.
type Queue interface {
	View(ctx context.Context, f func(tx *sqlitefile.Tx) error) error
	InTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error
}

// A Book holds the plays of one server.
type Book struct {
	Queue  Queue
	Server string // machine identifier
}

const columns = `history_key, viewed_at, account_id, rating_key, section, title, scene_id, state, reason, had, attempts, due_at, class, last_error, written_at`

func scan(row sqlitefile.Row) (p Play, err error) {
	var viewed, due, written int64
	err = row.Scan(&p.HistoryKey, &viewed, &p.Account, &p.RatingKey, &p.Section, &p.Title, &p.SceneID, &p.State, &p.Reason,
		&p.Had, &p.Attempts, &due, &p.Class, &p.Error, &written)
	p.ViewedAt, p.DueAt = time.Unix(viewed, 0).UTC(), time.UnixMilli(due)
	if written != 0 {
		p.WrittenAt = time.UnixMilli(written)
	}
	return p, err
}

// Accounts returns since when the plays of each account are imported.
func (b Book) Accounts(ctx context.Context) (map[int]time.Time, error) {
	since := make(map[int]time.Time)
	err := b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT account_id, since FROM play_account WHERE server = ?`, b.Server)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var account int
			var at int64
			if err := rows.Scan(&account, &at); err != nil {
				return err
			}
			since[account] = time.Unix(at, 0).UTC()
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read whose plays are imported: %w", err)
	}
	return since, nil
}

// Begin makes these the accounts whose plays are imported. Those of a new one count if they are viewed after a time. An
// account that was begun before keeps its time; one that is left out begins again when
// it is chosen again, and its plays that were not written are past.
func (b Book) Begin(ctx context.Context, accounts []int, since time.Time) error {
	err := b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, query := range [...]string{
			`DELETE FROM play_account WHERE server = ? AND account_id NOT IN (SELECT value FROM json_each(?))`,
			`UPDATE play INDEXED BY play_state SET state = 'past' WHERE server = ? AND state = 'new' AND account_id NOT IN (SELECT value FROM json_each(?))`,
		} {
			if _, err := tx.ExecContext(ctx, query, b.Server, sqlitefile.JSONList(accounts)); err != nil {
				return err
			}
		}
		for _, account := range accounts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO play_account (server, account_id, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
				b.Server, account, since.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot store whose plays are imported: %w", err)
	}
	return nil
}

// End ends the import for all accounts of all servers. It writes nothing if there is none.
func End(ctx context.Context, q Queue) error {
	var begun bool
	err := q.View(ctx, func(tx *sqlitefile.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM play_account)`).Scan(&begun)
	})
	if err == nil && begun {
		err = q.InTx(ctx, func(tx *sqlitefile.Tx) error {
			if _, err := tx.ExecContext(ctx, `DELETE FROM play_account`); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, `UPDATE play SET state = 'past' WHERE state = 'new'`)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("cannot store that no plays are imported: %w", err)
	}
	return nil
}

// Servers returns the servers of which plays are imported, or plays or resume points were written.
func Servers(ctx context.Context, q Queue) (list []string, err error) {
	err = q.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (server string, err error) {
			err = row.Scan(&server)
			return server, err
		}, `SELECT server FROM play_account UNION SELECT server FROM play WHERE state IN ('writing', 'written', 'undoing') UNION SELECT server FROM stash_write WHERE undone_at = 0`)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read of which servers plays are imported: %w", err)
	}
	return list, nil
}

// note adds a row. Plex may give an item another key, which counts as long as nothing was written.
const note = `INSERT INTO play (server, history_key, viewed_at, account_id, rating_key, section, title, state, reason, noted_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET rating_key = excluded.rating_key, section = excluded.section, scene_id = 0
	WHERE state IN ('past', 'new') AND excluded.rating_key <> '' AND rating_key <> excluded.rating_key`

// Note stores rows of the history that are not stored yet. Those of the accounts in since that were viewed later get their
// own state, or are new; all others are past. It returns how many rows are new.
func (b Book) Note(ctx context.Context, now time.Time, rows []Play, since map[int]time.Time) (added int, err error) {
	err = b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		added = 0
		for _, p := range rows {
			state := Past
			from, chosen := since[p.Account]
			switch {
			case !chosen || !p.ViewedAt.After(from):
			case p.State != "":
				state = p.State
			default:
				state = New
			}
			res, err := tx.ExecContext(ctx, note, b.Server, p.HistoryKey, p.ViewedAt.Unix(), p.Account, p.RatingKey, p.Section, p.Title, state, p.Reason, now.UnixMilli())
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			if state == New {
				added += int(n)
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("cannot note %d plays: %w", len(rows), err)
	}
	return added, nil
}

// match gives plays the scene that their item shows: the only one that is linked to it, or the one that owns it.
const match = `UPDATE play INDEXED BY play_unmatched SET scene_id = COALESCE(
		(SELECT i.owner FROM item i JOIN link l ON l.server = i.server AND l.rating_key = i.rating_key AND l.scene_id = i.owner
		 WHERE i.server = play.server AND i.rating_key = play.rating_key),
		(SELECT MIN(l.scene_id) FROM link l WHERE l.server = play.server AND l.rating_key = play.rating_key HAVING COUNT(*) = 1), 0)
	WHERE server = ?1 AND state IN ('new', 'writing') AND scene_id = 0
	AND EXISTS (SELECT 1 FROM link l WHERE l.server = play.server AND l.rating_key = play.rating_key)`

// Match finds the scenes of plays whose items are linked by now. A play of an item that several scenes share, and
// none owns, keeps waiting.
func (b Book) Match(ctx context.Context) error {
	err := b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		_, err := tx.ExecContext(ctx, match, b.Server)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot find the scenes of the plays: %w", err)
	}
	return nil
}

// clockBack is longer than a play ever waits: one that is due later than that was postponed before the clock was set back.
const clockBack = 6 * time.Hour

// Work returns plays that have a scene and are to be written, or of which it is not known whether they were, the oldest
// first.
func (b Book) Work(ctx context.Context, now time.Time, limit int) (list []Play, err error) {
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err = sqlitefile.Collect(ctx, tx, scan, `SELECT `+columns+` FROM play INDEXED BY play_work
			WHERE server = ?1 AND state IN ('new', 'writing') AND scene_id <> 0 AND (due_at <= ?2 OR due_at > ?3)
			ORDER BY viewed_at LIMIT ?4`, b.Server, now.UnixMilli(), now.Add(clockBack).UnixMilli(), limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the plays to be written: %w", err)
	}
	return list, nil
}

// Near returns the plays of scenes that were written, or are being written, by scene, within a time of one of the given
// plays.
func (b Book) Near(ctx context.Context, of []Play, within time.Duration) (near map[int][]Play, err error) {
	near = make(map[int][]Play)
	if len(of) == 0 {
		return near, nil
	}
	scenes := make(map[int]bool)
	first, last := of[0].ViewedAt, of[0].ViewedAt
	for _, p := range of {
		scenes[p.SceneID] = true
		if p.ViewedAt.Before(first) {
			first = p.ViewedAt
		}
		if p.ViewedAt.After(last) {
			last = p.ViewedAt
		}
	}
	err = b.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		list, err := sqlitefile.Collect(ctx, tx, scan, `SELECT `+columns+` FROM play INDEXED BY play_scene
			WHERE scene_id IN (SELECT value FROM json_each(?)) AND viewed_at BETWEEN ? AND ? AND server = ? AND state IN ('writing', 'written')`,
			sqlitefile.JSONList(slices.Collect(maps.Keys(scenes))), first.Add(-within).Unix(), last.Add(within).Unix(), b.Server)
		for _, p := range list {
			near[p.SceneID] = append(near[p.SceneID], p)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the plays of %d scenes: %w", len(scenes), err)
	}
	return near, nil
}

// Put stores what became of plays: their scene, state, reason, retry columns and when they were written.
func (b Book) Put(ctx context.Context, list []Play) error {
	err := b.Queue.InTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, p := range list {
			written := int64(0)
			if !p.WrittenAt.IsZero() {
				written = p.WrittenAt.UnixMilli()
			}
			if _, err := tx.ExecContext(ctx, `UPDATE play SET scene_id = ?, state = ?, reason = ?, had = ?, attempts = ?, due_at = ?, class = ?, last_error = ?, written_at = ?
				WHERE server = ? AND history_key = ? AND viewed_at = ? AND account_id = ?`,
				p.SceneID, p.State, p.Reason, p.Had, p.Attempts, p.DueAt.UnixMilli(), p.Class, p.Error, written,
				b.Server, p.HistoryKey, p.ViewedAt.Unix(), p.Account); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot store %d plays: %w", len(list), err)
	}
	return nil
}
