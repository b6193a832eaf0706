//go:build !killpoints

package store

import "database/sql"

// openDB opens a database. A build with the tag killpoints has another, which can end the process between any
// two statements.
func openDB(dsn string) (*sql.DB, error) { return sql.Open("sqlite", dsn) }
