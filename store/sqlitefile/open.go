// Package sqlitefile opens, copies, checks and recovers the SQLite files of the data folder, and locks that folder for
// one run. It knows no schema.
package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"

	_ "modernc.org/sqlite" // registers the driver
)

// driverName is the driver of both databases. A build with the tag killpoints wraps it.
var driverName = "sqlite"

func OpenDB(dsn string) (*sql.DB, error) { return sql.Open(driverName, dsn) }

// Dsn names the pragmas of every connection, and its mode: ro, rw (the file must be there) or rwc.
// busy_timeout comes first, because the others may already have to wait; 30 s outlast any transaction of
// ours. The mode of the journal is not among them: it is kept in the file, which may be a newer build's.
func Dsn(path, mode, txlock string) string {
	q := url.Values{"mode": {mode}, "_txlock": {txlock}, "_pragma": {"busy_timeout(30000)", "synchronous(FULL)", "foreign_keys(1)"}}
	return uri(path, q)
}

// CacheDSN names the pragmas of every connection to a database that can be made again: it is written without waiting
// for the disk.
func CacheDSN(path string) string {
	return uri(path, url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(OFF)", "cache_size(-16000)"}})
}

func uri(path string, q url.Values) string {
	return "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?" + q.Encode()
}

// logAtMost is how many pages of the log are left for the next process to read.
const logAtMost = 100

// ShortenLog writes a long log back into the database file as far as that needs no waiting: the next write
// then begins it anew. Who opens a queue that nobody else has open reads the whole log, and hooks, which never
// close it, would let it grow until the next run. SQLite's own checkpoint after a commit does not help: that
// it was made is forgotten once its process has ended.
func ShortenLog(ctx context.Context, db *sql.DB) {
	var busy, pages, written int
	err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &pages, &written)
	if err != nil || pages <= logAtMost || pages == written {
		return // whatever is wrong is met again by who reads or writes
	}
	db.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // likewise
}

// CloseUntouched closes a database that is none of ours to write. The last connection would write the log
// back into the file, unless it may only read: so one that may only read is the last.
func CloseUntouched(path string, closeAll func() error) error {
	reader, err := OpenDB(Dsn(path, "ro", "deferred"))
	if err != nil {
		return errors.Join(err, closeAll())
	}
	var version int
	readErr := reader.QueryRow("PRAGMA user_version").Scan(&version) // until then it is not connected
	err = closeAll()
	if readErr != nil { // it was told already why
		reader.Close()
		return err
	}
	return errors.Join(err, reader.Close())
}
