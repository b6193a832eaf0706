// Package chosen keeps which of Plex's files a person has chosen for a scene. The file counts, not its item: Plex gives
// a file another rating key when a library is created again.
package chosen

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Rule is the rule of links to items that a person has chosen.
const Rule = "manual"

// A Choice is a file that a person has chosen for a scene.
type Choice struct {
	Server    string // machine identifier
	SceneID   int
	Path      string // Plex's, in normal form
	Size      int64  // bytes
	RatingKey string // of the item that last held the file
	At        time.Time
}

// A Queue is an open queue.db.
type Queue interface {
	View(ctx context.Context, f func(tx *sqlitefile.Tx) error) error
}

const (
	columns  = `server, scene_id, file_path, size, rating_key, chosen_at`
	ofScenes = `SELECT ` + columns + ` FROM manual_link WHERE server = ? AND scene_id IN (SELECT value FROM json_each(?))`
	// Without INDEXED BY, SQLite reads all choices on the server.
	byFiles = `SELECT ` + columns + ` FROM manual_link INDEXED BY manual_link_file WHERE server = ? AND file_path IN (SELECT value FROM json_each(?))`
	put     = `INSERT INTO manual_link (` + columns + `) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (server, scene_id) DO UPDATE
		SET file_path = excluded.file_path, size = excluded.size, rating_key = excluded.rating_key, chosen_at = excluded.chosen_at`
	forget  = `DELETE FROM manual_link WHERE server = ? AND scene_id = ?`
	refresh = `UPDATE manual_link SET rating_key = ? WHERE server = ? AND scene_id = ? AND file_path = ?
		AND rating_key NOT IN (SELECT value FROM json_each(?))`
	waiting = `SELECT DISTINCT scene_id FROM awaited_file WHERE base = '/' || ?1 AND scene_id <> ?1`
)

// Choices are the choices on one server.
type Choices struct {
	Queue  Queue
	Server string // machine identifier
}

// OfScenes returns the choices for some scenes, by scene.
func (c Choices) OfScenes(ctx context.Context, scenes []int) (choices map[int]Choice, err error) {
	err = c.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		choices, err = choicesOf(ctx, tx, c.Server, scenes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the chosen items: %w", err)
	}
	return choices, nil
}

func choicesOf(ctx context.Context, tx *sqlitefile.Tx, server string, scenes []int) (map[int]Choice, error) {
	list, err := sqlitefile.Collect(ctx, tx, scan, ofScenes, server, sqlitefile.JSONList(scenes))
	choices := make(map[int]Choice, len(list))
	for _, c := range list {
		choices[c.SceneID] = c
	}
	return choices, err
}

// ByFiles returns the scenes for which one of these files was chosen, by the file's path in normal form. The paths are
// Plex's, in any form.
func (c Choices) ByFiles(ctx context.Context, paths []string) (scenes map[string]int, err error) {
	err = c.Queue.View(ctx, func(tx *sqlitefile.Tx) error {
		scenes, err = choosersOf(ctx, tx, c.Server, paths)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read for whom items were chosen: %w", err)
	}
	return scenes, nil
}

func choosersOf(ctx context.Context, tx *sqlitefile.Tx, server string, paths []string) (map[string]int, error) {
	normal := make([]string, len(paths))
	for i, p := range paths {
		normal[i] = pathform.Normal(p)
	}
	list, err := sqlitefile.Collect(ctx, tx, scan, byFiles, server, sqlitefile.JSONList(normal))
	scenes := make(map[string]int, len(list))
	for _, c := range list {
		scenes[c.Path] = c.SceneID
	}
	return scenes, err
}

func scan(row sqlitefile.Row) (c Choice, err error) {
	var at int64
	err = row.Scan(&c.Server, &c.SceneID, &c.Path, &c.Size, &c.RatingKey, &at)
	c.At = time.UnixMilli(at)
	return c, err
}

// A TakenError says that an item was chosen for another scene.
type TakenError struct{ Scene int }

func (e *TakenError) Error() string {
	return fmt.Sprintf("scene %d has chosen this item already; forget that first", e.Scene)
}

// A Change says what the change of a choice concerns.
type Change struct {
	Before  *Choice // the choice that ends; nil if there was none
	Waiting []int   // scenes that wait because the scene has their item, or one that fits them
}

// Choose stores a choice, in place of an earlier one for the same scene. files are the paths of all files of the item: if
// one of them was chosen for another scene, the error is a *TakenError.
func Choose(ctx context.Context, tx *sqlitefile.Tx, c Choice, files []string) (Change, error) {
	choosers, err := choosersOf(ctx, tx, c.Server, append(files, c.Path))
	if err != nil {
		return Change{}, fmt.Errorf("cannot read for whom items were chosen: %w", err)
	}
	for _, other := range choosers {
		if other != c.SceneID {
			return Change{}, &TakenError{other}
		}
	}
	return change(ctx, tx, c.Server, c.SceneID, put, c.Server, c.SceneID, pathform.Normal(c.Path), c.Size, c.RatingKey, c.At.UnixMilli())
}

// Forget ends the choice for a scene. Without one it changes nothing.
func Forget(ctx context.Context, tx *sqlitefile.Tx, server string, scene int) (Change, error) {
	return change(ctx, tx, server, scene, forget, server, scene)
}

func change(ctx context.Context, tx *sqlitefile.Tx, server string, scene int, query string, args ...any) (c Change, err error) {
	choices, err := choicesOf(ctx, tx, server, []int{scene})
	if before, ok := choices[scene]; ok {
		c.Before = &before
	}
	if err == nil {
		c.Waiting, err = sqlitefile.Collect(ctx, tx, sqlitefile.Single[int], waiting, scene)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return c, fmt.Errorf("cannot change the item chosen for scene %d: %w", scene, err)
	}
	return c, nil
}

// Refresh notes that these items hold the chosen file of a scene, unless one of them is noted already.
func Refresh(ctx context.Context, tx *sqlitefile.Tx, server string, scene int, path string, keys []string) error {
	_, err := tx.ExecContext(ctx, refresh, keys[0], server, scene, pathform.Normal(path), sqlitefile.JSONList(keys))
	return err
}
