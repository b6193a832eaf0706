package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A Link connects a scene with the Plex item that shows it.
type Link struct {
	Server    string
	SceneID   int
	RatingKey string
	Section   string
	Path      string // Plex's path of the file that matched
	Size      int64  // of that file; stored with the link, but not read back
	Rule      string
	PushedAt  time.Time // zero: unknown
	UpdatedAt string    // the scene's, as Stash stores it
	Restored  bool
}

// A Ref is an object that a pushed scene mentions.
type Ref struct {
	Kind string // performer, studio, tag, group
	ID   int
}

// base is the JSON column of an item.
type base struct {
	Original   map[string]Held       `json:"original,omitempty"`
	Owned      map[string][]string   `json:"owned,omitempty"`
	Sent       map[string]Value      `json:"sent,omitempty"`
	Confirmed  map[string]Value      `json:"confirmed,omitempty"`
	Normalized map[string]Normalized `json:"normalized,omitempty"`
	Rejected   map[string]Value      `json:"rejected,omitempty"`
	Images     map[string]Image      `json:"images,omitempty"`
	Paths      []string              `json:"paths,omitempty"`
	Faults     int                   `json:"faults,omitempty"`
}

// keep adds the stored original values, which win.
func (m *base) keep(old map[string]Held) {
	if len(old) > 0 {
		before := make(map[string]Held, len(m.Original)+len(old))
		maps.Copy(before, m.Original)
		maps.Copy(before, old)
		m.Original = before
	}
}

// PutItems stores, before the first request, what is about to be owned and sent. Original values that are already
// stored are kept.
func (s *Store) PutItems(ctx context.Context, items []Item) error {
	err := s.inTx(ctx, func(tx *sqlitefile.Tx) error {
		for i := range items {
			if err := putItem(ctx, tx, &items[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot store %d items: %w", len(items), err)
	}
	return nil
}

func putItem(ctx context.Context, tx *sqlitefile.Tx, it *Item) error {
	m := base{it.Original, it.Owned, it.Sent, it.Confirmed, it.Normalized, it.Rejected, it.Images, it.Paths, it.Faults}
	var stored string
	err := tx.QueryRowContext(ctx, `SELECT base FROM item WHERE server = ? AND rating_key = ?`, it.Server, it.RatingKey).Scan(&stored)
	switch {
	case err == nil && it.Fresh:
	case err == nil:
		var old struct {
			Original map[string]Held `json:"original"`
		}
		if err := json.Unmarshal([]byte(stored), &old); err != nil {
			return fmt.Errorf("%w: the base of item %s: %w", sqlitefile.ErrUnsound, it.RatingKey, err)
		}
		m.keep(old.Original)
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO item (server, rating_key, section, owner, base) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (server, rating_key) DO UPDATE
		SET section = excluded.section, owner = excluded.owner, base = excluded.base, absent_since = NULL`,
		it.Server, it.RatingKey, it.Section, it.Owner, string(text))
	return err
}

const itemsByKey = `SELECT rating_key, section, owner, base FROM item
	WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?))`

// Items returns the given items with their bases, by rating key. Unknown items are absent.
func (s *Store) Items(ctx context.Context, server string, keys []string) (map[string]Item, error) {
	items := make(map[string]Item, len(keys))
	if len(keys) == 0 {
		return items, nil
	}
	rows, err := s.read.QueryContext(ctx, itemsByKey, server, sqlitefile.JSONList(keys))
	if err != nil {
		return nil, fmt.Errorf("cannot read items: %w", s.fileError(err))
	}
	defer rows.Close()
	for rows.Next() {
		it := Item{Server: server}
		var text string
		if err := rows.Scan(&it.RatingKey, &it.Section, &it.Owner, &text); err != nil {
			return nil, fmt.Errorf("cannot read items: %w", s.fileError(err))
		}
		var m base
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return nil, s.fileError(fmt.Errorf("%w: the base of item %s: %w", sqlitefile.ErrUnsound, it.RatingKey, err))
		}
		it.Original, it.Owned, it.Sent, it.Confirmed, it.Normalized, it.Rejected = m.Original, m.Owned, m.Sent, m.Confirmed, m.Normalized, m.Rejected
		it.Images, it.Paths, it.Faults = m.Images, m.Paths, m.Faults
		items[it.RatingKey] = it
	}
	return items, s.fileError(rows.Err())
}

// OwnsItem reports whether a scene owns an item, with or without a link.
func (s *Store) OwnsItem(ctx context.Context, sceneID int) (bool, error) {
	var yes bool
	err := s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM item WHERE owner = ? AND owner <> 0)`, sceneID).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("cannot look for items of scene %d: %w", sceneID, s.fileError(err))
	}
	return yes, nil
}

// Owners returns the owner of each of the given items that has one.
func (s *Store) Owners(ctx context.Context, server string, keys []string) (map[string]int, error) {
	items, err := s.Items(ctx, server, keys)
	if err != nil {
		return nil, err
	}
	owners := make(map[string]int, len(items))
	for key, it := range items {
		if it.Owner != 0 {
			owners[key] = it.Owner
		}
	}
	return owners, nil
}

const linkColumns = `server, scene_id, rating_key, section, path, rule, pushed_at, updated_at, restored`

// Links returns the links of a scene on all servers.
func (s *Store) Links(ctx context.Context, sceneID int) ([]Link, error) {
	return s.links(ctx, `WHERE scene_id = ? ORDER BY pushed_at DESC LIMIT 50`, sceneID)
}

func (s *Store) links(ctx context.Context, where string, args ...any) ([]Link, error) {
	links, err := sqlitefile.Collect(ctx, s.read, func(row sqlitefile.Row) (l Link, err error) {
		var pushed int64
		err = row.Scan(&l.Server, &l.SceneID, &l.RatingKey, &l.Section, &l.Path, &l.Rule, &pushed, &l.UpdatedAt, &l.Restored)
		if pushed != 0 {
			l.PushedAt = time.UnixMilli(pushed)
		}
		return l, err
	}, `SELECT `+linkColumns+` FROM link `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot read links: %w", s.fileError(err))
	}
	return links, nil
}

const deleteOtherLinks = `DELETE FROM link WHERE server = ? AND scene_id = ? AND rating_key NOT IN (SELECT value FROM json_each(?))`

// completeLinks replaces the links and references of a pushed scene. An item shows one scene, so links of other scenes
// to it are deleted.
func completeLinks(ctx context.Context, tx *sqlitefile.Tx, e *Completion) error {
	if len(e.Links) == 0 {
		return nil
	}
	id := e.Job.SceneID
	keys, files := make([]string, len(e.Links)), make([]relink.File, len(e.Links))
	for i, l := range e.Links {
		keys[i], files[i] = l.RatingKey, relink.File{Path: l.Path, Size: l.Size}
	}
	if _, err := tx.ExecContext(ctx, deleteOtherLinks, e.Links[0].Server, id, sqlitefile.JSONList(keys)); err != nil {
		return err
	}
	for _, l := range e.Links { // without INDEXED BY, SQLite scans all links of the server
		if _, err := tx.ExecContext(ctx, `DELETE FROM link INDEXED BY link_key WHERE server = ? AND rating_key = ? AND scene_id <> ?`, l.Server, l.RatingKey, id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO link (`+linkColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (server, scene_id, rating_key) DO UPDATE
			SET section = excluded.section, path = excluded.path, rule = excluded.rule, pushed_at = excluded.pushed_at,
			    updated_at = excluded.updated_at, restored = excluded.restored`,
			l.Server, id, l.RatingKey, l.Section, l.Path, l.Rule, l.PushedAt.UnixMilli(), l.UpdatedAt, l.Restored); err != nil {
			return err
		}
	}
	if first := e.Links[0]; first.Rule == chosen.Rule {
		if err := chosen.Refresh(ctx, tx, first.Server, id, first.Path, keys); err != nil {
			return err
		}
	}
	if err := relink.Put(ctx, tx, id, files); err != nil {
		return err
	}
	return completeRefs(ctx, tx, id, e.Refs)
}

// completeRefs stores the changes in what a scene mentions.
func completeRefs(ctx context.Context, tx *sqlitefile.Tx, id int, refs []Ref) error {
	gone, err := refsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, r := range refs {
		if gone[r] {
			delete(gone, r)
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO link_ref (kind, ref_id, scene_id) VALUES (?, ?, ?)`, r.Kind, r.ID, id); err != nil {
			return err
		}
	}
	for r := range gone {
		if _, err := tx.ExecContext(ctx, `DELETE FROM link_ref WHERE kind = ? AND ref_id = ? AND scene_id = ?`, r.Kind, r.ID, id); err != nil {
			return err
		}
	}
	return nil
}

func refsOf(ctx context.Context, tx *sqlitefile.Tx, id int) (map[Ref]bool, error) {
	refs := make(map[Ref]bool)
	_, err := sqlitefile.Collect(ctx, tx, func(row sqlitefile.Row) (r Ref, err error) {
		err = row.Scan(&r.Kind, &r.ID)
		refs[r] = true
		return r, err
	}, `SELECT kind, ref_id FROM link_ref WHERE scene_id = ?`, id)
	return refs, err
}

// forget deletes everything about the scenes except the items, which hold the original values of Plex. It returns how
// many scenes are due because one of these had an item with their file, or a chosen one that fits them.
func forget(ctx context.Context, tx *sqlitefile.Tx, now time.Time, scenes []int) (woken int, err error) {
	waiting, err := sqlitefile.Collect(ctx, tx, sqlitefile.Single[int], heirs, sqlitefile.JSONList(scenes))
	if err != nil {
		return 0, fmt.Errorf("cannot look for scenes in the same items: %w", err)
	}
	for _, table := range [...]string{"job", "dead_letter", "awaited_file", "link", "link_file", "link_ref", "scene_version", "left_out", "manual_link"} {
		for _, id := range scenes {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE scene_id = ?`, id); err != nil {
				return 0, fmt.Errorf("cannot forget scenes from %s: %w", table, err)
			}
		}
	}
	for _, id := range waiting {
		n, err := wake(ctx, tx, now, id, "the scene that owned its item is gone")
		if err != nil {
			return woken, err
		}
		woken += n
	}
	return woken, nil
}

// OneLine returns a text without control characters, cut to 300 runes.
func OneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) }), " ")
	if runes := []rune(text); len(runes) > 300 {
		return string(runes[:299]) + "…"
	}
	return text
}
