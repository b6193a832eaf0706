package killpoints_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	_ "modernc.org/sqlite" // registers the driver

	"github.com/stash-plex-sync/stash-plex-sync/store/internal/killpoints"
)

func TestEveryStatementIsBetweenTwoPoints(t *testing.T) {
	points := filepath.Join(t.TempDir(), "points")
	t.Setenv("STASH_PLEX_SYNC_KILLPOINTS", points)
	db, err := sql.Open(killpoints.Wrap("sqlite"), ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := errors.Join(create(db), fill(db)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(points)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(` ~[0-9a-f]{4}`).ReplaceAllString(string(text), "")
	want := ""
	for _, one := range [][]string{
		{"create", "open", "BEGIN", "CREATE TABLE t (a)", "COMMIT"},
		{"fill", "BEGIN", "INSERT INTO t VALUES", "SELECT a FROM t", "SELECT COUNT(*) FROM t", "ROLLBACK"},
	} {
		for _, what := range one[1:] {
			point := "internal/killpoints_test.TestEveryStatementIsBetweenTwoPoints>internal/killpoints_test." + one[0] + " " + what
			want += point + ":before\n" + point + ":after\n"
		}
	}
	if got != want {
		t.Errorf("reached\n%s\nwant\n%s", got, want)
	}
}

func create(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	_, err = tx.Exec(`CREATE TABLE t (a)`)
	return errors.Join(err, tx.Commit())
}

func fill(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	insert, insertErr := tx.Prepare(`INSERT INTO t VALUES (?)`)
	read, readErr := tx.Prepare(`SELECT a FROM t`)
	if err := errors.Join(insertErr, readErr); err != nil {
		return err
	}
	_, err = insert.Exec(1)
	var a, n int
	return errors.Join(err, read.QueryRow().Scan(&a), tx.QueryRow(`SELECT COUNT(*) FROM t`).Scan(&n), tx.Rollback())
}
