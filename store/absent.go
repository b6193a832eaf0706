package store

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	absentKept = 90 * 24 * time.Hour // how long an item that left Plex is remembered
	absentPage = 1000
)

const keysOfChosen = `server = ? AND rating_key > ? AND section NOT IN (SELECT value FROM json_each(?)) ORDER BY rating_key LIMIT ?`

// LookForAbsent notes which items the index does not hold any more, and since when, and forgets those that
// had been away for 90 days the last time it looked already: a clock that jumps ahead for a while forgets
// nothing. held tells which of the given rating keys the index holds; of what is in the sections unchosen it does not
// know, so that nothing of them is forgotten.
func (s *Store) LookForAbsent(ctx context.Context, now time.Time, server string, unchosen []string, held func(keys []string) (map[string]bool, error)) error {
	_, last, err := s.Meta(ctx, KeyLastAbsent)
	if err != nil {
		return err
	}
	after := ""
	for {
		keys, err := s.itemKeys(ctx, keysOfChosen, server, after, sqlitefile.JSONList(unchosen), absentPage)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		after = keys[len(keys)-1]
		there, err := held(keys)
		if err != nil {
			return err
		}
		if err := s.noteAbsent(ctx, now, server, keys, there); err != nil {
			return fmt.Errorf("look for items that left Plex: %w", err)
		}
	}
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, section := range unchosen {
			if _, err := tx.ExecContext(ctx, `UPDATE item SET absent_since = NULL WHERE server = ? AND section = ? AND absent_since IS NOT NULL`,
				server, section); err != nil {
				return err
			}
		}
		if !last.IsZero() && last.Before(now) {
			if _, err := tx.ExecContext(ctx, `DELETE FROM item WHERE server = ? AND absent_since < ?`,
				server, last.Add(-absentKept).UnixMilli()); err != nil {
				return err
			}
		}
		return setMeta(ctx, tx, now, KeyLastAbsent, "")
	})
	if err != nil {
		return fmt.Errorf("forget items that left Plex: %w", err)
	}
	return nil
}

// noteAbsent notes for a page of items whether they are there. A time in the future was a wrong clock's.
func (s *Store) noteAbsent(ctx context.Context, now time.Time, server string, keys []string, there map[string]bool) error {
	return s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for _, k := range keys {
			query := `UPDATE item SET absent_since = ?1 WHERE server = ?2 AND rating_key = ?3 AND (absent_since IS NULL OR absent_since > ?1)`
			if there[k] {
				query = `UPDATE item SET absent_since = NULL WHERE ?1 AND server = ?2 AND rating_key = ?3 AND absent_since IS NOT NULL`
			}
			if _, err := tx.ExecContext(ctx, query, now.UnixMilli(), server, k); err != nil {
				return err
			}
		}
		return nil
	})
}
