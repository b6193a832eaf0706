// Package sqlitefile opens, copies, checks and recovers the SQLite files of the data folder, and locks that folder for
// one run. It knows no schema.
package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver
)

// driverName is the driver of both databases. A build with the tag killpoints wraps it.
var driverName = "sqlite"

// Open opens the database that a DSN names. It connects with the first query.
func Open(dsn string) (*sql.DB, error) { return sql.Open(driverName, dsn) }

// DSN returns the DSN of a database whose transactions survive a loss of power. mode is ro, rw (the file must exist) or
// rwc. busy_timeout comes first because the other pragmas may have to wait; 30 s outlast every transaction. The journal
// mode is stored in the file, which may belong to a newer build, so a connection does not set it. Temporary data stays in
// memory, because a container may have no folder for it.
func DSN(path, mode, txlock string) string {
	q := url.Values{"mode": {mode}, "_txlock": {txlock}, "_pragma": {"busy_timeout(30000)", "synchronous(FULL)", "foreign_keys(1)", "temp_store(MEMORY)"}}
	return uri(path, q)
}

// CacheDSN returns the DSN of a database that can be rebuilt, with a cache of so many KiB. Its transactions do not wait for
// the disk.
func CacheDSN(path string, cache int) string {
	return uri(path, url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(OFF)", fmt.Sprintf("cache_size(-%d)", cache), "temp_store(MEMORY)"}})
}

func uri(path string, q url.Values) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// logAtMost is how many pages of the write-ahead log may stay for the next process to read.
const logAtMost = 100

// ShortenLog writes a long write-ahead log back into the database file as far as possible without waiting, so that
// the next write restarts the log. The first process to open a database reads its whole log, and processes that exit
// without closing the database would let the log grow. SQLite's own checkpoint after a commit does not help, because
// its result is lost when the process exits.
func ShortenLog(ctx context.Context, db *sql.DB) {
	var busy, pages, written int
	err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &pages, &written)
	if err != nil || pages <= logAtMost || pages == written {
		return // the next read or write reports an error
	}
	db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // the next read or write reports an error
}

// CloseUntouched closes a database without changing its file. The last connection to close writes the log back into
// the file unless it is read-only, so CloseUntouched opens a read-only one and closes that last.
func CloseUntouched(path string, closeAll func() error) error {
	reader, err := Open(DSN(path, "ro", "deferred"))
	if err != nil {
		return errors.Join(err, closeAll())
	}
	var version int
	readErr := reader.QueryRow("PRAGMA user_version").Scan(&version) // the first query connects
	err = closeAll()
	if readErr != nil { // the caller already knows why
		reader.Close()
		return err
	}
	return errors.Join(err, reader.Close())
}
