package plexindex

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// ByPath returns the files with this path. With fold, case does not matter.
func (x *Index) ByPath(ctx context.Context, server, path string, fold bool) ([]File, error) {
	form := pathform.Normal
	if fold {
		form = pathform.Fold
	}
	path = form(path)
	same := func(f *File) bool { return form(f.Path) == path }
	return x.files(ctx, same, filesByPath, hash(server), hash(pathform.Fold(path)))
}

// ByNameAndSize returns the files that have the base name of path, regardless of case, and this size.
func (x *Index) ByNameAndSize(ctx context.Context, server, path string, size int64) ([]File, error) {
	base := pathform.FoldBase(path)
	same := func(f *File) bool { return pathform.FoldBase(f.Path) == base }
	return x.files(ctx, same, filesByNameAndSize, hash(server), hash(base), size)
}

// ByName returns the files that have the base name of path, regardless of case, in any folder.
func (x *Index) ByName(ctx context.Context, server, path string) ([]File, error) {
	base := pathform.FoldBase(path)
	same := func(f *File) bool { return pathform.FoldBase(f.Path) == base }
	return x.files(ctx, same, filesByName, hash(server), hash(base))
}

// ByFolders returns the files that have the base name of path and whose two innermost folders have the same names, or
// the innermost one if the durations are equal within a second. Case does not matter. A duration of 0 is unknown and
// equals no other.
func (x *Index) ByFolders(ctx context.Context, server, path string, duration int64) ([]File, error) {
	tail := foldedTail(path)
	if tail[0] == "" {
		return nil, nil
	}
	same := func(f *File) bool {
		folded := pathform.Fold(f.Path)
		return tail[1] != "" && strings.HasSuffix(folded, tail[1]) || strings.HasSuffix(folded, tail[0]) && sameDuration(duration, f.Duration)
	}
	return x.files(ctx, same, filesByName, hash(server), hash(pathform.FoldBase(path)))
}

const durationSlack = 1000 // ms

// sameDuration reports whether two durations are known and equal within a second.
func sameDuration(a, b int64) bool {
	return a > 0 && b > 0 && max(a-b, b-a) <= durationSlack
}

// SameFolders reports whether ByFolders would return a file if case mattered.
func SameFolders(path string, duration int64, f File) bool {
	a, b := pathform.Normal(path), pathform.Normal(f.Path)
	if pathform.Base(a) != pathform.Base(b) {
		return false
	}
	n := pathform.TrailingFolders(a, b, false)
	return n > 1 || n == 1 && sameDuration(duration, f.Duration)
}

// foldedTail returns the ends of a path that begin with its innermost folder and with the one above it; "" if the path
// has fewer folders.
func foldedTail(path string) (tail [2]string) {
	end := "/" + pathform.FoldBase(path)
	for i, name := range pathform.Folders(pathform.Fold(path)) {
		if i == len(tail) {
			break
		}
		end = "/" + name + end
		tail[i] = end
	}
	return tail
}

// Queries for files.
const (
	selectFiles        = `SELECT section, rating_key, path, size, duration, added_at FROM plex_file WHERE server = ? AND `
	filesByPath        = selectFiles + `path_hash = ?`
	filesByName        = selectFiles + `base_hash = ?`
	filesByNameAndSize = selectFiles + `base_hash = ? AND size = ?`
	filesOfItems       = `SELECT section, rating_key, path, size, duration, added_at FROM plex_file
		WHERE rating_key IN (SELECT value FROM json_each(?)) AND server = ? ORDER BY rating_key, rowid`
)

// OfItems returns the files of items, those of one item in Plex's order.
func (x *Index) OfItems(ctx context.Context, server string, keys []string) ([]File, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	files, err := sqlitefile.Collect(ctx, x.db, scanFile, filesOfItems, sqlitefile.JSONList(keys), hash(server))
	if err != nil {
		return nil, fmt.Errorf("cannot look up the files of items: %w", err)
	}
	return files, nil
}

func scanFile(row sqlitefile.Row) (f File, err error) {
	err = row.Scan(&f.Section, &f.RatingKey, &f.Path, &f.Size, &f.Duration, &f.AddedAt)
	return f, err
}

// filesAtMost bounds how many files a look-up returns. No rule can choose between more.
const filesAtMost = 200

// files returns the files of a query that fit, newest first.
func (x *Index) files(ctx context.Context, fits func(*File) bool, query string, args ...any) ([]File, error) {
	look, err := x.prepared(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("cannot look up a file: %w", err)
	}
	rows, err := look.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("cannot look up a file: %w", err)
	}
	defer rows.Close()
	var files []File
	for rows.Next() {
		f, err := scanFile(rows)
		if err != nil {
			return nil, fmt.Errorf("cannot look up a file: %w", err)
		}
		if !fits(&f) {
			continue
		}
		if files = append(files, f); len(files) == 2*filesAtMost { // all files of a library may have one name
			files = newestFirst(files)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot look up a file: %w", err)
	}
	return newestFirst(files), nil
}

// A Place is where a walk through the index continues. The zero value is the beginning.
type Place struct {
	Key string `json:"key"` // rating key of the last file
	Row int64  `json:"row"` // of the last file
}

// filesAfter takes the index of the rating keys, with the rows in ascending order behind each key.
const filesAfter = `SELECT section, rating_key, path, size, duration, added_at, rowid FROM plex_file
	WHERE rating_key >= ?1 AND (rating_key > ?1 OR rowid > ?2) AND server = ?3 ORDER BY rating_key, rowid LIMIT ?4`

// Walk returns up to limit files after a place, in the order of their rating keys, and the place after them. At the end
// there are fewer. A file that is listed again while a walk is between two files of its item may come twice.
func (x *Index) Walk(ctx context.Context, server string, from Place, limit int) ([]File, Place, error) {
	look, err := x.prepared(ctx, filesAfter)
	if err != nil {
		return nil, from, fmt.Errorf("cannot walk through the index: %w", err)
	}
	rows, err := look.QueryContext(ctx, from.Key, from.Row, hash(server), limit)
	if err != nil {
		return nil, from, fmt.Errorf("cannot walk through the index: %w", err)
	}
	defer rows.Close()
	var files []File
	for rows.Next() {
		var f File
		if err := rows.Scan(&f.Section, &f.RatingKey, &f.Path, &f.Size, &f.Duration, &f.AddedAt, &from.Row); err != nil {
			return nil, from, fmt.Errorf("cannot walk through the index: %w", err)
		}
		from.Key = f.RatingKey
		files = append(files, f)
	}
	if err := rows.Err(); err != nil {
		return nil, from, fmt.Errorf("cannot walk through the index: %w", err)
	}
	return files, from, nil
}

// newestFirst sorts files, newest first, and cuts them to filesAtMost. Of items added in the same second, such as the
// episodes of one file, the one with the higher rating key is newer.
func newestFirst(files []File) []File {
	slices.SortStableFunc(files, func(a, b File) int {
		return cmp.Or(cmp.Compare(b.AddedAt, a.AddedAt), cmp.Compare(len(b.RatingKey), len(a.RatingKey)), cmp.Compare(b.RatingKey, a.RatingKey))
	})
	return files[:min(len(files), filesAtMost)]
}

// prepared prepares each query once, because look-ups run for every scene.
func (x *Index) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if look := x.statements[query]; look != nil {
		return look, nil
	}
	look, err := x.db.PrepareContext(ctx, query)
	if err == nil {
		x.statements[query] = look
	}
	return look, err
}

// hash returns the hash by which a text is indexed.
func hash(text string) int64 {
	h := fnv.New64a()
	h.Write([]byte(text)) // a hash never fails
	return int64(h.Sum64())
}

// New returns the files that the index does not hold, or holds with another size or duration. Plex learns the duration
// of a file some time after it finds the file.
func (x *Index) New(ctx context.Context, server string, files []File) ([]File, error) {
	look, err := x.prepared(ctx, `SELECT 1 FROM plex_file WHERE server = ? AND rating_key = ? AND path = ? AND size = ? AND duration = ?`)
	if err != nil {
		return nil, fmt.Errorf("cannot look for new files: %w", err)
	}
	var found []File
	for _, f := range files {
		var one int
		err := look.QueryRowContext(ctx, hash(server), f.RatingKey, f.Path, f.Size, f.Duration).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			found = append(found, f)
		} else if err != nil {
			return nil, fmt.Errorf("cannot look for new files: %w", err)
		}
	}
	return found, nil
}
