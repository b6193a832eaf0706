package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// The files of migrations are applied in the order of their numbers. None is ever changed: each change of the schema
// is a new file with the next number. It only adds tables, columns and indexes, and names the columns that it writes,
// because a process of the previous build may be running. A hook migrates too, so a migration takes less than 1 s
// with 1,000,000 rows, or leaves the rest to runs, which do it in steps.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is "SPSy" as a big-endian number. Migration 0001 writes it into the header of queue.db.
const applicationID = 0x53505379

// errDevelopment is the error for a database that has tables but is not of a released version.
var errDevelopment = errors.New("made by a development build")

// A NewerError means that a newer build has written the database. The file is untouched.
type NewerError struct {
	Version, Known int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the queue database has version %d, but this build supports versions up to %d: install the newer stash-plex-sync again; nothing was changed",
		e.Version, e.Known)
}

// migrate brings the schema to the newest version in one transaction, which reads the version again
// because another process may have migrated first. Nothing is written before the version is known. It returns
// errDevelopment for a database that is not ours.
func migrate(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql") // in order of their numbers
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return fmt.Errorf("cannot read the schema's version: %w", err)
	}
	if version > len(names) {
		return &NewerError{Version: version, Known: len(names)}
	}
	if _, err := db.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return fmt.Errorf("cannot turn on the write-ahead log: %w", err)
	}
	if version == len(names) {
		return nil
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("cannot migrate: %w", err)
	}
	if err := applyFrom(ctx, tx, names); err != nil {
		return errors.Join(err, sqlitefile.Rollback(tx))
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("cannot migrate: %w", err)
	}
	return nil
}

// checkSchema returns an error if the schema of a database is not the newest that this build knows.
func checkSchema(ctx context.Context, db *sql.DB) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	switch {
	case err != nil:
		return err
	case version > len(names):
		return &NewerError{Version: version, Known: len(names)}
	case version < len(names):
		return errors.New("it is not a queue of this plugin, or no run has opened it since the last update")
	}
	return nil
}

// schemaVersion returns the version of the schema, 0 if there is none. It returns errDevelopment if the database is
// not ours, and an error of damage if it is ours by its tables but not by its header.
func schemaVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	var id, tables, own int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return 0, err
	}
	if id == applicationID && version >= 0 { // do not read the tables: those of a newer build may be unreadable to this one
		return version, nil
	}
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(*) FILTER (WHERE name = 'scene_version') FROM sqlite_master
		WHERE type = 'table'`).Scan(&tables, &own); err != nil {
		return 0, err
	}
	switch {
	case own > 0: // no development build had this table
		return 0, fmt.Errorf("%w: its header is damaged", sqlitefile.ErrUnsound)
	case tables > 0:
		return 0, errDevelopment
	}
	return version, nil
}

func applyFrom(ctx context.Context, tx *sql.Tx, names []string) error {
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("cannot read the schema's version: %w", err)
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
			return fmt.Errorf("cannot migrate with %s: %w", name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(names))); err != nil {
		return fmt.Errorf("cannot record the schema's version: %w", err)
	}
	return nil
}
