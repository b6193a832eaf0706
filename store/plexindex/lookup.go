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
)

// ByPath returns the files with this path, compared without case if fold.
func (x *Index) ByPath(ctx context.Context, server, path string, fold bool) ([]PlexFile, error) {
	form := pathform.Normal
	if fold {
		form = pathform.Fold
	}
	path = form(path)
	same := func(f *PlexFile) bool { return form(f.Path) == path }
	return x.files(ctx, same, filesByPath, hash(server), hash(pathform.Fold(path)))
}

// ByNameAndSize returns the files with the basename of path, without case, and this size.
func (x *Index) ByNameAndSize(ctx context.Context, server, path string, size int64) ([]PlexFile, error) {
	base := pathform.FoldBase(path)
	same := func(f *PlexFile) bool { return pathform.FoldBase(f.Path) == base }
	return x.files(ctx, same, filesByNameAndSize, hash(server), hash(base), size)
}

// ByName returns the files with the basename of path, without case, wherever they are.
func (x *Index) ByName(ctx context.Context, server, path string) ([]PlexFile, error) {
	base := pathform.FoldBase(path)
	same := func(f *PlexFile) bool { return pathform.FoldBase(f.Path) == base }
	return x.files(ctx, same, filesByName, hash(server), hash(base))
}

// ByFolders returns the files with the basename of path that lie in folders of the same name: two of them
// counted from the file, or one if the duration is the same within a second. Case does not matter. A
// duration of 0 is unknown and is never the same.
func (x *Index) ByFolders(ctx context.Context, server, path string, duration int64) ([]PlexFile, error) {
	tail := foldedTail(path)
	if tail[0] == "" {
		return nil, nil
	}
	same := func(f *PlexFile) bool {
		folded := pathform.Fold(f.Path)
		return tail[1] != "" && strings.HasSuffix(folded, tail[1]) || strings.HasSuffix(folded, tail[0]) && sameDuration(duration, f.Duration)
	}
	return x.files(ctx, same, filesByName, hash(server), hash(pathform.FoldBase(path)))
}

const durationSlack = 1000 // ms

// sameDuration reports whether two durations are known and the same within a second.
func sameDuration(a, b int64) bool {
	return a > 0 && b > 0 && max(a-b, b-a) <= durationSlack
}

// SameFolders reports whether ByFolders would return the file if case mattered.
func SameFolders(path string, duration int64, f PlexFile) bool {
	a, b := pathform.Normal(path), pathform.Normal(f.Path)
	if pathform.Base(a) != pathform.Base(b) {
		return false
	}
	n := pathform.TrailingFolders(a, b, false)
	return n > 1 || n == 1 && sameDuration(duration, f.Duration)
}

// foldedTail returns the end of a path with one folder, and with two; "" if it has not so many.
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

// The look-ups of files.
const (
	selectFiles        = `SELECT section, rating_key, path, size, duration, added_at FROM plex_file WHERE server = ? AND `
	filesByPath        = selectFiles + `path_hash = ?`
	filesByName        = selectFiles + `base_hash = ?`
	filesByNameAndSize = selectFiles + `base_hash = ? AND size = ?`
)

// filesAtMost is how many files a look-up returns: beyond it nobody can tell them apart.
const filesAtMost = 200

// files returns those of the files that a query finds that fit, the newest first.
func (x *Index) files(ctx context.Context, fits func(*PlexFile) bool, query string, args ...any) ([]PlexFile, error) {
	look, err := x.lookUp(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("look up a file: %w", err)
	}
	rows, err := look.QueryContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("look up a file: %w", err)
	}
	defer rows.Close()
	var files []PlexFile
	for rows.Next() {
		var f PlexFile
		if err := rows.Scan(&f.Section, &f.RatingKey, &f.Path, &f.Size, &f.Duration, &f.AddedAt); err != nil {
			return nil, fmt.Errorf("look up a file: %w", err)
		}
		if !fits(&f) {
			continue
		}
		if files = append(files, f); len(files) == 2*filesAtMost { // a library may have one name for all of its files
			files = newestFirst(files)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up a file: %w", err)
	}
	return newestFirst(files), nil
}

// newestFirst returns the newest files first, and no more than a look-up returns. Of items that were added in one second, as
// the episodes of one file are, the one with the higher rating key is newer, in whatever order they were read.
func newestFirst(files []PlexFile) []PlexFile {
	slices.SortStableFunc(files, func(a, b PlexFile) int {
		return cmp.Or(cmp.Compare(b.AddedAt, a.AddedAt), cmp.Compare(len(b.RatingKey), len(a.RatingKey)), cmp.Compare(b.RatingKey, a.RatingKey))
	})
	return files[:min(len(files), filesAtMost)]
}

// lookUp prepares a look-up, which is asked for every scene, once.
func (x *Index) lookUp(ctx context.Context, query string) (*sql.Stmt, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if look := x.lookUps[query]; look != nil {
		return look, nil
	}
	look, err := x.db.PrepareContext(ctx, query)
	if err == nil {
		x.lookUps[query] = look
	}
	return look, err
}

// hash is what a text is looked up by.
func hash(text string) int64 {
	h := fnv.New64a()
	h.Write([]byte(text)) // a hash never fails
	return int64(h.Sum64())
}

// New returns those of the files that the index does not hold as they are. Plex learns the duration of a file
// only some time after it has found it.
func (x *Index) New(ctx context.Context, server string, files []PlexFile) ([]PlexFile, error) {
	look, err := x.lookUp(ctx, `SELECT 1 FROM plex_file WHERE server = ? AND rating_key = ? AND path = ? AND size = ? AND duration = ?`)
	if err != nil {
		return nil, fmt.Errorf("look for new files: %w", err)
	}
	var found []PlexFile
	for _, f := range files {
		var one int
		err := look.QueryRowContext(ctx, hash(server), f.RatingKey, f.Path, f.Size, f.Duration).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			found = append(found, f)
		} else if err != nil {
			return nil, fmt.Errorf("look for new files: %w", err)
		}
	}
	return found, nil
}
