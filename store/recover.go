package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Recovery tells what became of a damaged queue.db.
type Recovery struct {
	Damage  string         // what the check found
	Aside   string         // where the damaged file is now
	Rescued map[string]int // rows saved, by table
	Copied  map[string]int // rows taken from the latest daily copy because they could not be saved
}

// Suspect reports whether some process met signs of damage since the last recovery.
func Suspect(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, suspectFile))
	return err == nil
}

// Recover checks a suspect queue.db and, only if the check fails, moves it aside with its log, makes a new
// one and saves into it what can still be read, row by row; what is known of Plex items and their links is
// completed from the latest daily copy. It returns nil if the file is sound. The caller holds the drain's
// lock and has no Store open on dir.
func Recover(ctx context.Context, dir string, now time.Time) (*Recovery, error) {
	path := filepath.Join(dir, queueFile)
	damage := quickCheck(ctx, path)
	if damage == "" {
		return nil, removeSuspect(dir)
	}
	aside := fmt.Sprintf("%s.damaged-%d", path, now.UnixMilli())
	for _, suffix := range []string{"-wal", "-shm", ""} { // the file itself last: without it a hook makes a new one
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("move the damaged database aside: %w", err)
		}
	}
	s, err := Open(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("make a new database: %w", err)
	}
	r := &Recovery{Damage: damage, Aside: aside}
	if r.Rescued, err = s.rescue(ctx, aside, rescued); err != nil {
		return r, errors.Join(err, s.Close())
	}
	if backup := latestCopy(dir); backup != "" {
		if r.Copied, err = s.rescue(ctx, backup, []string{"item", "link", "link_ref", "dead_letter"}); err != nil {
			return r, errors.Join(err, s.Close())
		}
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		return setFacts(ctx, tx, now, map[string]string{
			KeyRefill: "after damage", KeyLastListing: "", KeyListing: "", KeyWatermark: "", keyMark: "",
		})
	})
	return r, errors.Join(err, s.Close(), removeSuspect(dir))
}

// rescued are the tables that are saved, the most precious first.
var rescued = []string{"item", "link", "dead_letter", "job", "link_ref", "wanted", "seen", "meta", "outage", "attempt_log"}

func removeSuspect(dir string) error {
	if err := os.Remove(filepath.Join(dir, suspectFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the note of damage: %w", err)
	}
	return nil
}

// quickCheck returns what is wrong with the file, or "".
func quickCheck(ctx context.Context, path string) string {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	db, err := sql.Open("sqlite", dsn(path, "ro"))
	if err != nil {
		return err.Error()
	}
	defer db.Close() // nothing was written
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return OneLine(err.Error())
	}
	if verdict == "ok" {
		return ""
	}
	return OneLine(verdict)
}

// rescue copies what can be read of the tables from another file, keeping rows that are there already.
func (s *Store) rescue(ctx context.Context, from string, tables []string) (map[string]int, error) {
	db, err := sql.Open("sqlite", dsn(from, "ro"))
	if err != nil {
		return nil, nil // a file that cannot be opened holds nothing to save
	}
	defer db.Close() // nothing was written
	saved := make(map[string]int)
	for _, table := range tables {
		for _, order := range []string{"ASC", "DESC"} { // from both ends up to the damage
			n, err := s.rescueTable(ctx, db, table, order)
			saved[table] += n
			if err != nil {
				return saved, fmt.Errorf("save %s: %w", table, err)
			}
		}
	}
	return saved, nil
}

// rescueTable copies rows until the table ends or a row cannot be read. Only a failure to write is an error.
func (s *Store) rescueTable(ctx context.Context, from *sql.DB, table, order string) (int, error) {
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+table+` ORDER BY 1 `+order) // reading ends at the damage
	if err != nil {
		return 0, nil // nothing of it can be read
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, nil // nothing of it can be read
	}
	insert := `INSERT OR IGNORE INTO ` + table + ` (` + joinColumns(columns) + `) VALUES (` + placeholders(len(columns)) + `)`
	saved := 0
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				return nil // the damage begins here
			}
			res, err := tx.ExecContext(ctx, insert, values...)
			if err != nil {
				continue // a row that breaks the schema's rules is part of the damage
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			saved += int(n)
		}
		return nil
	})
	return saved, err
}

func joinColumns(columns []string) string {
	text := ""
	for i, c := range columns {
		if i > 0 {
			text += ", "
		}
		text += `"` + c + `"`
	}
	return text
}
