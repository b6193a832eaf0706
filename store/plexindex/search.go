package plexindex

import (
	"context"
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// SearchedAtMost is how many files a search looks at: those that were found or changed last.
const SearchedAtMost = 1_000_000

// newestFiles are the files that a search looks at.
const newestFiles = `(SELECT server, section, rating_key, path, size, duration, added_at FROM plex_file ORDER BY rowid DESC LIMIT ?1) WHERE server = ?2`

const (
	selectNewest = `SELECT section, rating_key, path, size, duration, added_at FROM ` + newestFiles
	withText     = selectNewest + ` AND path LIKE ?3 ESCAPE '\' LIMIT ?4`
	withSize     = selectNewest + ` AND (size > 0 AND size = ?3 OR duration > 0 AND abs(duration - ?4) <= ?5)
		ORDER BY size > 0 AND size = ?3 DESC, abs(duration - ?4) LIMIT ?6`
	beyondNewest = `SELECT EXISTS (SELECT 1 FROM plex_file LIMIT 1 OFFSET ?)`
)

// WithText returns up to limit files whose path contains a text. Case matters only outside of ASCII. complete is false if
// the index has more than SearchedAtMost files, so that others may contain it too.
func (x *Index) WithText(ctx context.Context, server, text string, limit int) (files []File, complete bool, err error) {
	pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
	return x.search(ctx, SearchedAtMost, withText, hash(server), pattern, limit)
}

// WithSize returns up to limit files with this size, and then those with a similar duration in ms, the nearest first. A
// size or duration of 0 is unknown. complete is as for WithText.
func (x *Index) WithSize(ctx context.Context, server string, size, duration int64, limit int) (files []File, complete bool, err error) {
	if duration <= 0 {
		duration = -2 * durationSlack
	}
	return x.search(ctx, SearchedAtMost, withSize, hash(server), size, duration, durationSlack, limit)
}

// search returns the files of a query, and whether it looked at all: it looks at atMost.
func (x *Index) search(ctx context.Context, atMost int, query string, args ...any) (files []File, complete bool, err error) {
	var more bool
	err = x.db.QueryRowContext(ctx, beyondNewest, atMost).Scan(&more)
	if err == nil {
		files, err = sqlitefile.Collect(ctx, x.db, scanFile, query, append([]any{atMost}, args...)...)
	}
	if err != nil {
		return nil, false, fmt.Errorf("cannot search the index: %w", err)
	}
	return files, !more, nil
}
