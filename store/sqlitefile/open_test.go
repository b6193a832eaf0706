package sqlitefile

import (
	"database/sql"
	"path/filepath"
	"testing"
)

func TestConnectingDoesNotCreateADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "queue.db")
	for _, mode := range []string{"ro", "rw"} {
		db, err := sql.Open("sqlite", DSN(path, mode, "deferred"))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(); err == nil {
			t.Errorf("mode %s connects to a file that is not there", mode)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
