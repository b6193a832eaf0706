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

	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A Recovery describes the recovery of a damaged queue.db.
type Recovery struct {
	Damage  string         // result of the check
	Aside   string         // new path of the damaged file
	Rescued map[string]int // rows saved, by table
	Copied  map[string]int // rows taken from the latest daily copy, by table
}

// Suspect reports whether a process found signs of damage since the last recovery, or a recovery did not finish.
func Suspect(dir string) bool {
	return sqlitefile.Suspect(filepath.Join(dir, queueFile))
}

// Recover checks a suspect queue.db. Only if the check fails, it moves the file aside with its log, creates a new one
// and copies into it every row that it can still read. Lost rows of items, links and dead letters come from the latest
// daily copy. Recover returns nil if the file is undamaged. The next call continues an interrupted one. The caller holds
// the run lock and has no Store open on dir.
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
		return nil, fmt.Errorf("cannot recover the damaged database (the next run continues): %w", err)
	}
	return r, sqlitefile.ClearNotes(path)
}

// rescued lists the tables to save, the most important first.
var rescued = []string{
	"item", "link", "manual_link", "dead_letter", "job", "link_ref", "awaited_file", "fanout", "scene_version", "meta", "outage", "attempt_log", "link_file", "left_out", "day",
	"play", "play_account", "resume_seen", "stash_write",
}

// salvageInto creates a new queue.db and copies into it the readable rows of the files that were moved aside.
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
	if err := s.fillFromCopy(ctx, sqlitefile.LatestCopy(s.path()), r.Copied, broken); err != nil {
		return nil, err
	}
	// A hook that still had the old file open may have written to it.
	if err := s.rescue(ctx, r.Aside, []string{"job"}, r.Rescued, broken); err != nil {
		return nil, err
	}
	return r, s.inTx(ctx, func(tx *sqlitefile.Tx) error { return resetSaved(ctx, tx, now, broken) })
}

// fillFromCopy copies rows of the long-lived tables that were not read completely. A complete table is newer than the
// copy, which would bring deleted rows back.
func (s *Store) fillFromCopy(ctx context.Context, from string, copied map[string]int, broken map[string]bool) error {
	var lost []string
	for _, table := range [...]string{"item", "link", "manual_link", "link_ref", "dead_letter", "play", "play_account", "stash_write", metaForGood} {
		if broken[strings.Fields(table)[0]] {
			lost = append(lost, table)
		}
	}
	if from == "" || len(lost) == 0 {
		return nil
	}
	return s.rescue(ctx, from, lost, copied, make(map[string]bool))
}

// metaForGood selects the values that stay valid: the client identifier, the server, the learned prefixes, and the
// excluded tags.
const metaForGood = `meta WHERE key IN ('` + KeyClient + `', '` + KeyServer + `', '` + KeyPrefixes + `', '` + KeyExcludedTags + `')`

// resetSaved makes the saved rows consistent.
func resetSaved(ctx context.Context, tx *sqlitefile.Tx, now time.Time, broken map[string]bool) error {
	texts := []string{
		`UPDATE job SET claim = 0`, // the claim numbers may restart
		`DELETE FROM dead_letter WHERE scene_id IN (SELECT scene_id FROM job)`,
	}
	if broken["job"] { // a stored version counts as enqueued, but jobs were lost
		texts = append(texts, `DELETE FROM scene_version`)
	}
	for _, text := range texts {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return setFacts(ctx, tx, now, map[string]string{
		KeyRefill: "after damage", KeyLastListing: "", KeyListing: "", KeyWatermark: "", keyMark: "", relink.KeyFilled: "",
	})
}

// rescue copies the readable rows of tables from another queue.db and keeps existing rows. It adds the saved rows of
// each table to saved, and the tables that it could not read completely to broken.
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
		complete := false
		for _, order := range [...]string{"ASC", "DESC"} { // from both ends up to the damage
			if complete {
				break
			}
			var n int
			if n, complete, err = sqlitefile.CopyRows(ctx, db, table, order, s.inTx); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
			saved[strings.Fields(table)[0]] += n
		}
		broken[table] = broken[table] || !complete
	}
	return nil
}
