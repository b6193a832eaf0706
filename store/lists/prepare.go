package lists

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// indexes are what the lists need besides the indexes of the schema. Jobs that have not failed are not in them, so they
// cost hooks nothing.
var indexes = []struct{ name, on string }{
	{"job_class", "job (last_error_class, attempts, due_at) WHERE last_error_class IS NOT NULL"},
	{"dead_letter_list", "dead_letter (class, attempts, died_at)"},
}

// A Store runs functions in transactions of queue.db.
type Store interface {
	View(ctx context.Context, f func(tx *sqlitefile.Tx) error) error
	InTx(ctx context.Context, f func(tx *sqlitefile.Tx) error) error
}

// Prepare creates the indexes that filtered and sorted lists need, if they are missing: without them the lists are
// complete but slow. For a million rows that takes more than a second each, too long for a migration, which a hook may
// have to do. So runs call Prepare.
func Prepare(ctx context.Context, s Store) error {
	for _, index := range indexes {
		var exists bool
		err := s.View(ctx, func(tx *sqlitefile.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?)`, index.name).Scan(&exists)
		})
		if err == nil && !exists {
			err = s.InTx(ctx, func(tx *sqlitefile.Tx) error {
				_, err := tx.ExecContext(ctx, `CREATE INDEX IF NOT EXISTS `+index.name+` ON `+index.on)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("cannot create the index %s: %w", index.name, err)
		}
	}
	return nil
}
