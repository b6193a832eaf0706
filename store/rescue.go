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

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A Recovery tells what became of a damaged queue.db.
type Recovery struct {
	Damage  string         // what the check found
	Aside   string         // where the damaged file is now
	Rescued map[string]int // rows saved, by table
	Copied  map[string]int // rows taken from the latest daily copy because they could not be saved
}

// Suspect reports whether some process met signs of damage since the last recovery, or a recovery was cut off.
func Suspect(dir string) bool {
	return sqlitefile.Suspect(filepath.Join(dir, queueFile))
}

// Recover checks a suspect queue.db and, only if the check fails, moves it aside with its log, makes a new
// one and saves into it what can still be read, row by row; what is known of Plex items and their links is
// completed from the latest daily copy. It returns nil if the file is sound. If it is cut off, the next
// call goes on. The caller holds the run's lock and has no Store open on dir.
func Recover(ctx context.Context, dir string, now time.Time) (*Recovery, error) {
	path := filepath.Join(dir, queueFile)
	note, err := sqlitefile.SetAside(ctx, path, now, func(ctx context.Context, db *sql.DB) error {
		_, err := schemaVersion(ctx, db)
		return explain(path, err)
	})
	if err != nil {
		return nil, err
	}
	if note.Latest() == "" {
		return nil, sqlitefile.ClearNotes(path)
	}
	r, err := salvageInto(ctx, dir, now, note)
	if err != nil {
		return nil, fmt.Errorf("recover the damaged database (the next run continues): %w", err)
	}
	return r, sqlitefile.ClearNotes(path)
}

// rescued are the tables that are saved, the most precious first.
var rescued = []string{
	"item", "link", "dead_letter", "job", "link_ref", "awaited_file", "fanout", "scene_version", "meta", "outage", "attempt_log",
}

// salvageInto makes a new queue.db and saves into it what can be read of those that were moved aside.
func salvageInto(ctx context.Context, dir string, now time.Time, note sqlitefile.Salvage) (r *Recovery, err error) {
	s, err := Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r = &Recovery{
		Damage: OneLine(note.Damage), Aside: filepath.Join(dir, note.Latest()),
		Rescued: make(map[string]int), Copied: make(map[string]int),
	}
	broken := make(map[string]bool)
	for _, name := range slices.Backward(note.Asides) {
		if err := s.rescue(ctx, filepath.Join(dir, name), rescued, r.Rescued, broken); err != nil {
			return nil, err
		}
	}
	if err := s.fillFromCopy(ctx, sqlitefile.LatestCopy(filepath.Join(dir, queueFile)), r.Copied, broken); err != nil {
		return nil, err
	}
	// A hook that had the old file open may have written to it until now.
	if err := s.rescue(ctx, r.Aside, []string{"job"}, r.Rescued, broken); err != nil {
		return nil, err
	}
	return r, s.inTx(ctx, func(tx *sqlitefile.Tx) error { return resetSaved(ctx, tx, now, broken) })
}

// fillFromCopy takes from a copy what was lost of the tables that are not short-lived. What was read whole is
// newer than the copy, which would bring ended rows back.
func (s *Store) fillFromCopy(ctx context.Context, from string, copied map[string]int, broken map[string]bool) error {
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

// resetSaved makes sense of what was saved.
func resetSaved(ctx context.Context, tx *sqlitefile.Tx, now time.Time, broken map[string]bool) error {
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
	if !sqlitefile.Exists(from) {
		return lost()
	}
	db, err := sqlitefile.Open(sqlitefile.DSN(from, "ro", "deferred"))
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
			if n, whole, err = sqlitefile.CopyRows(ctx, db, table, order, s.inTx); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			saved[strings.Fields(table)[0]] += n
		}
		broken[table] = broken[table] || !whole
	}
	return nil
}
