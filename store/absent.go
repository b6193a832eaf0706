package store

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	absentKept = 90 * 24 * time.Hour // how long the base of an item that left Plex is kept
	absentPage = 1000
)

const keysOfChosen = `server = ? AND rating_key > ? AND section NOT IN (SELECT value FROM json_each(?)) ORDER BY rating_key LIMIT ?`

// LookForAbsent notes which items have left the index, and since when. It deletes items that had already been absent
// for 90 days at its previous call, so that a clock that temporarily jumps ahead deletes nothing. held returns which of
// the given rating keys the index holds. It does not know the items of the unchosen sections, so none of them is deleted.
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
			return fmt.Errorf("cannot look for items that left Plex: %w", err)
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
		return fmt.Errorf("cannot forget items that left Plex: %w", err)
	}
	return nil
}

// noteAbsent notes for a page of items whether Plex has them. A time in the future comes from a wrong clock.
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
