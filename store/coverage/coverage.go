// Package coverage keeps the scenes that are left out on purpose, and counts how many scenes are in Plex, and in which
// state the others are. Package store writes the table in the transactions of completions.
package coverage

import (
	"context"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	leaveOut = `INSERT INTO left_out (scene_id, why) VALUES (?, ?) ON CONFLICT (scene_id) DO UPDATE SET why = excluded.why WHERE why <> excluded.why`
	takeIn   = `DELETE FROM left_out WHERE scene_id = ?`
)

// LeaveOut stores why a scene is left out on purpose, by the code of the reason; "" says that it is not.
func LeaveOut(ctx context.Context, tx *sqlitefile.Tx, scene int, why string) error {
	query, args := leaveOut, []any{scene, why}
	if why == "" {
		query, args = takeIn, args[:1]
	}
	_, err := tx.ExecContext(ctx, query, args...)
	return err
}
