package sqlitefile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Source: pocket-id/pocket-id#876. A container may have no folder for temporary files.
func TestSortsNeedNoTemporaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for name, dsn := range map[string]string{"queue": DSN(path, "rwc", "immediate"), "index": CacheDSN(path, 1000)} {
		db, err := Open(dsn)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := db.Query(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
			SELECT i, hex(randomblob(250)) AS t FROM n ORDER BY t`)
		if err != nil || !rows.Next() { // sorted, and not yet read to the end
			t.Fatal(err)
		}
		files, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasSuffix(to, " (deleted)") {
				t.Errorf("the %s sorts in %s", name, to)
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Error(err)
		}
		db.Close()
	}
}
