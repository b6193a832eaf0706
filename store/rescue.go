package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// rescued are the tables that are saved, the most precious first.
var rescued = []string{
	"item", "link", "dead_letter", "job", "link_ref", "awaited_file", "fanout", "scene_version", "meta", "outage", "attempt_log",
}

// salvageInto makes a new queue.db and saves into it what can be read of those that were moved aside.
func salvageInto(ctx context.Context, dir string, now time.Time, note salvage) (r *Recovery, err error) {
	s, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r = &Recovery{
		Damage: note.Damage, Aside: filepath.Join(dir, note.latest()),
		Rescued: make(map[string]int), Copied: make(map[string]int),
	}
	broken := make(map[string]bool)
	for _, name := range slices.Backward(note.Asides) {
		if err := s.rescue(ctx, filepath.Join(dir, name), rescued, r.Rescued, broken); err != nil {
			return nil, err
		}
	}
	if err := s.complete(ctx, latestCopy(dir), r.Copied, broken); err != nil {
		return nil, err
	}
	// A hook that had the old file open may have written to it until now.
	if err := s.rescue(ctx, r.Aside, []string{"job"}, r.Rescued, broken); err != nil {
		return nil, err
	}
	return r, s.inTx(ctx, func(tx *transaction) error { return settleSaved(ctx, tx, now, broken) })
}

// complete takes from a copy what was lost of the tables that are not short-lived. What was read whole is
// newer than the copy, which would bring ended rows back.
func (s *Store) complete(ctx context.Context, from string, copied map[string]int, broken map[string]bool) error {
	var lost []string
	for _, table := range [...]string{"item", "link", "link_ref", "dead_letter", metaForGood} {
		if broken[strings.Fields(table)[0]] {
			lost = append(lost, table)
		}
	}
	if from == "" || len(lost) == 0 {
		return nil
	}
	return s.rescue(ctx, from, lost, copied, make(map[string]bool))
}

// metaForGood are the facts that stay true: who we are to Plex, which Plex it is, and what was learned.
const metaForGood = `meta WHERE key IN ('` + keyClient + `', '` + KeyServer + `', '` + KeyPrefixes + `')`

// settleSaved makes sense of what was saved.
func settleSaved(ctx context.Context, tx *transaction, now time.Time, broken map[string]bool) error {
	texts := []string{
		`UPDATE job SET claim = 0`, // the numbers may begin anew
		`DELETE FROM dead_letter WHERE scene_id IN (SELECT scene_id FROM job)`,
	}
	if broken["job"] { // a stored version counts as enqueued, and which jobs there were is unknown
		texts = append(texts, `DELETE FROM scene_version`)
	}
	for _, text := range texts {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return setFacts(ctx, tx, now, map[string]string{
		KeyRefill: "after damage", KeyLastListing: "", KeyListing: "", KeyWatermark: "", keyMark: "",
	})
}

// rescue copies what can be read of the tables from another file of ours, keeping rows that are there already. It
// counts what it has saved of each, and notes those that it could not read whole.
func (s *Store) rescue(ctx context.Context, from string, tables []string, saved map[string]int, broken map[string]bool) error {
	lost := func() error {
		for _, table := range tables {
			broken[table] = true
		}
		return nil
	}
	if !exists(from) {
		return lost()
	}
	db, err := openDB(dsn(from, "ro", "deferred"))
	if err != nil {
		return err
	}
	defer db.Close() // nothing was written
	if _, err := schemaVersion(ctx, db); errors.Is(err, errDevelopment) {
		return lost()
	}
	for _, table := range tables {
		whole := false
		for _, order := range [...]string{"ASC", "DESC"} { // from both ends up to the damage
			if whole {
				break
			}
			var n int
			if n, whole, err = s.rescueTable(ctx, db, table, order); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			saved[strings.Fields(table)[0]] += n
		}
		broken[table] = broken[table] || !whole
	}
	return nil
}

// rescueTable copies rows until the table ends or one cannot be read because of the damage, and reports
// whether that was all of it. table may say which rows. A row that breaks the schema's rules is part of the damage.
func (s *Store) rescueTable(ctx context.Context, from *sql.DB, table, order string) (saved int, whole bool, err error) {
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+table+` ORDER BY 1 `+order)
	if err != nil {
		return 0, false, unlessUnreadable(ctx, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, false, err
	}
	insert := `INSERT INTO ` + strings.Fields(table)[0] + ` (` + joinColumns(columns) + `) VALUES (` + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + `) ON CONFLICT DO NOTHING`
	whole = true
	err = s.inTx(ctx, func(tx *transaction) error {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				return err
			}
			res, err := tx.ExecContext(ctx, insert, values...)
			if hasCode(err, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH) {
				whole = false
				continue
			}
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			saved += int(n)
		}
		if err := rows.Err(); err != nil {
			whole = false
			return unlessUnreadable(ctx, err)
		}
		return ctx.Err()
	})
	if err != nil {
		return 0, false, err
	}
	return saved, whole, nil
}

// unlessUnreadable returns nil for an error by which a damaged file, or one of another version, shows that
// a table cannot be read (further). Anything else may be read the next time.
func unlessUnreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if isDamage(err) || hasCode(err, sqlite3.SQLITE_ERROR) || ok && e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ {
		return nil
	}
	return err
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
