package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Keys of table meta, which holds single values.
const (
	KeyServer         = "server"         // machine identifier of the Plex server that the data belongs to
	KeyWatermark      = "watermark"      // RFC 3339, in Stash's own offset: scenes changed before this have been compared
	KeyListing        = "listing"        // last scene id of an unfinished complete listing
	KeyChanges        = "changes"        // the same for an unfinished listing of changed scenes
	KeyUnqueued       = "unqueued"       // where a sync that yielded continues to queue scenes
	KeyLastListing    = "last_listing"   // at: when a complete listing last finished
	KeyLastCatchUp    = "last_catch_up"  // at: when the catch-up last ran
	KeyRefill         = "refill"         // set after a recovery: the next complete listing enqueues unknown scenes
	KeyPrefixes       = "prefixes"       // JSON: learned path prefixes
	KeyExcludedTags   = "excluded_tags"  // JSON: the tags found for excludeTags
	KeyLastAbsent     = "last_absent"    // at: when items that left Plex were last looked for
	KeyLastCompare    = "last_compare"   // at: when a run with nothing due last compared Plex's libraries with the index
	KeyLastCopy       = "last_copy"      // at: when the daily copy was made
	KeyRisk           = "risk"           // the last logged warning about a data folder that cannot be protected
	KeyStopped        = "stopped"        // why the last run ended early; empty if it did not
	KeyStoppedReason  = "stopped_reason" // JSON: the code and the parameters behind it
	KeyRevision       = "revision"       // grows with each transaction that changes rows; starts again after a recovery
	KeyClient         = "client"         // Plex client identifier
	keyMark           = "run_mark"       // the run mark
	keyHolder         = "holder"         // who holds the run lock
	keyExpiry         = "expiry"         // how many dead letters have expired; at: when they were last checked
	eventPrefix       = "event:"         // hash of a hook's event
	eventsKept        = 10 * time.Minute // how long an event is kept
	eventsLast        = time.Minute      // how long Stash may take to run the hooks of an event
	deadLettersKept   = 30 * 24 * time.Hour
	deadLetterRegular = 24 * time.Hour
)

// Meta returns the value of a key and when it was stored, or "" and the zero time.
func (s *Store) Meta(ctx context.Context, key string) (string, time.Time, error) {
	value, at, err := metaOf(ctx, s.read, key)
	return value, at, s.fileError(err)
}

func metaOf(ctx context.Context, q sqlitefile.RowQuerier, key string) (string, time.Time, error) {
	var value string
	var at int64
	err := q.QueryRowContext(ctx, `SELECT value, at FROM meta WHERE key = ?`, key).Scan(&value, &at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", time.Time{}, nil
	case err != nil:
		return "", time.Time{}, fmt.Errorf("cannot read %s: %w", key, err)
	}
	return value, time.UnixMilli(at), nil
}

// SetMeta stores the value of a key.
func (s *Store) SetMeta(ctx context.Context, now time.Time, key, value string) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error { return setMeta(ctx, tx, now, key, value) })
	if err != nil {
		return fmt.Errorf("cannot store %s: %w", key, err)
	}
	return nil
}

func setMeta(ctx context.Context, tx *sqlitefile.Tx, now time.Time, key, value string) error {
	_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO meta (key, value, at) VALUES (?, ?, ?)`, key, value, now.UnixMilli())
	return err
}

func deleteMeta(ctx context.Context, tx *sqlitefile.Tx, key string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM meta WHERE key = ?`, key)
	return err
}

// ClientID returns the identifier by which Plex knows this program. The first call creates it, and it never changes.
func (s *Store) ClientID(ctx context.Context, now time.Time) (string, error) {
	id, _, err := s.Meta(ctx, KeyClient)
	if err != nil || id != "" {
		return id, err
	}
	err = s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		if id, _, err = metaOf(ctx, tx, KeyClient); err != nil || id != "" {
			return err
		}
		id = "stash-plex-sync-" + rand.Text()
		return setMeta(ctx, tx, now, KeyClient, id)
	})
	if err != nil {
		return "", fmt.Errorf("cannot create the client identifier: %w", err)
	}
	return id, nil
}

// SetStopped stores why the last run stopped: a sentence and the JSON of its code, both "" if it did not.
func (s *Store) SetStopped(ctx context.Context, now time.Time, why, reason string) error {
	return s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		return errors.Join(setMeta(ctx, tx, now, KeyStopped, why), setMeta(ctx, tx, now, KeyStoppedReason, reason))
	})
}

// SetHolder notes who holds the run lock, for processes that wait for it.
func (s *Store) SetHolder(ctx context.Context, now time.Time, who string) error {
	return s.SetMeta(ctx, now, keyHolder, who)
}

// Holder returns who last held the run lock, and since when.
func (s *Store) Holder(ctx context.Context) (string, time.Time, error) {
	return s.Meta(ctx, keyHolder)
}
