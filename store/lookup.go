package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ByPath returns the files with this path, compared without case if fold.
func (x *Index) ByPath(ctx context.Context, server, path string, fold bool) ([]PlexFile, error) {
	if fold {
		return x.files(ctx, filesByFolded, server, FoldPath(path))
	}
	return x.files(ctx, filesByNormal, server, NormalPath(path))
}

// ByNameAndSize returns the files with the basename of path, without case, and this size.
func (x *Index) ByNameAndSize(ctx context.Context, server, path string, size int64) ([]PlexFile, error) {
	return x.files(ctx, filesByNameAndSize, server, FoldBase(path), size)
}

// ByName returns the files with the basename of path, without case, wherever they are.
func (x *Index) ByName(ctx context.Context, server, path string) ([]PlexFile, error) {
	return x.files(ctx, filesByName, server, FoldBase(path))
}

// ByFolders returns the files with the basename of path that lie in folders of the same name: two of them
// counted from the file, or one if the duration is the same within a second. Case does not matter. A
// duration of 0 is unknown and is never the same.
func (x *Index) ByFolders(ctx context.Context, server, path string, duration int64) ([]PlexFile, error) {
	tail := foldedTail(path)
	if tail[0] == "" {
		return nil, nil
	}
	return x.files(ctx, filesByFolders, server, FoldBase(path), tail[1], tail[0], duration, durationSlack)
}

// SameFolders reports whether ByFolders would return the file if case mattered.
func SameFolders(path string, duration int64, f PlexFile) bool {
	a, b := NormalPath(path), NormalPath(f.Path)
	if a[strings.LastIndexByte(a, '/')+1:] != b[strings.LastIndexByte(b, '/')+1:] {
		return false
	}
	n := TrailingFolders(a, b, false)
	return n > 1 || n == 1 && duration > 0 && f.Duration > 0 && max(duration-f.Duration, f.Duration-duration) <= durationSlack
}

// foldedTail returns the end of a path with one folder, and with two; "" if it has not so many.
func foldedTail(path string) (tail [2]string) {
	end := "/" + FoldBase(path)
	for i, name := range Folders(FoldPath(path)) {
		if i == len(tail) {
			break
		}
		end = "/" + name + end
		tail[i] = end
	}
	return tail
}

// The look-ups of files, the newest first. Beyond 200 nobody can tell files apart.
const (
	selectFiles        = `SELECT section, rating_key, path, size, duration, added_at FROM plex_file WHERE server = ? AND `
	newestFirst        = ` ORDER BY added_at DESC LIMIT 200`
	filesByNormal      = selectFiles + `normal = ?` + newestFirst
	filesByFolded      = selectFiles + `folded = ?` + newestFirst
	filesByName        = selectFiles + `base = ?` + newestFirst
	filesByNameAndSize = selectFiles + `base = ? AND size = ?` + newestFirst
	// All that is asked of a file is asked here: among the newest files of a common name the right one may be missing.
	filesByFolders = selectFiles + `base = ? AND (
		substr(folded, -length(?3)) = ?3 AND ?3 <> ''
		OR substr(folded, -length(?4)) = ?4 AND ?5 > 0 AND duration > 0 AND abs(duration - ?5) <= ?6)` + newestFirst

	durationSlack = 1000 // ms
)

func (x *Index) files(ctx context.Context, query string, args ...any) ([]PlexFile, error) {
	rows, err := x.db.QueryContext(ctx, query, args...)
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
		files = append(files, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up a file: %w", err)
	}
	return files, nil
}

// New returns those of the files that the index does not hold as they are. Plex learns the duration of a file
// only some time after it has found it.
func (x *Index) New(ctx context.Context, server string, files []PlexFile) ([]FoundFile, error) {
	look, err := x.db.PrepareContext(ctx, `SELECT 1 FROM plex_file WHERE server = ? AND rating_key = ? AND path = ? AND size = ? AND duration = ?`)
	if err != nil {
		return nil, fmt.Errorf("look for new files: %w", err)
	}
	defer look.Close()
	var found []FoundFile
	for _, f := range files {
		var one int
		err := look.QueryRowContext(ctx, server, f.RatingKey, f.Path, f.Size, f.Duration).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			found = append(found, FoundFile{RatingKey: f.RatingKey, Path: f.Path, Size: f.Size})
		} else if err != nil {
			return nil, fmt.Errorf("look for new files: %w", err)
		}
	}
	return found, nil
}
