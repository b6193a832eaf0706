package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A NewerError says that a database was written by a newer build than this one. The file is untouched.
type NewerError struct {
	Version, Known int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the queue database has version %d and this build knows only up to %d: install the newer stash-plex-sync again; nothing was changed",
		e.Version, e.Known)
}

// migrate brings the schema to the newest version in one transaction, which reads the version again
// because another process may have migrated first. Nothing is written before the version is known.
func migrate(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql") // in order of their numbers
	if err != nil {
		return err
	}
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version > len(names) {
		return &NewerError{Version: version, Known: len(names)}
	}
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return fmt.Errorf("keep a log: %w", err)
	}
	if version == len(names) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if err := applyFrom(ctx, tx, names); err != nil {
		return errors.Join(err, rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func applyFrom(ctx context.Context, tx *sql.Tx, names []string) error {
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version > len(names) {
		return &NewerError{Version: version, Known: len(names)}
	}
	for _, name := range names[version:] {
		script, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(script)); err != nil {
			return fmt.Errorf("migrate with %s: %w", name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(names))); err != nil {
		return fmt.Errorf("record the schema's version: %w", err)
	}
	return nil
}
