package lists

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// A key is the place of a row in the order of its list.
type key struct {
	attempts int64 // 0 if the list is not sorted by attempts
	at       int64 // Unix milliseconds
	scene    int
}

// compare returns the order of two rows.
func (f Filter) compare(a, b key) int {
	if c := cmp.Compare(b.attempts, a.attempts); c != 0 {
		return c
	}
	c := cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.scene, b.scene))
	if f.table().newest {
		return -c
	}
	return c
}

// A source is a part of a list that an index has in the order of time.
type source struct {
	where    string
	args     []any
	attempts int64 // of all of its rows; 0 if the list is not sorted by attempts
}

// keys returns the first rows after a place; nil is the beginning.
func (f Filter) keys(ctx context.Context, q Querier, after *key, limit int) ([]key, error) {
	if f.Scenes != nil {
		keys, err := f.ofScenes(ctx, q, after)
		return keys[:min(len(keys), limit)], err
	}
	groups, err := f.groups(ctx, q)
	if err != nil {
		return nil, err
	}
	var page []key
	for _, group := range groups {
		var found []key
		for _, s := range group {
			some, err := f.read(ctx, q, s, after, limit-len(page))
			if err != nil {
				return nil, err
			}
			found = append(found, some...)
		}
		slices.SortFunc(found, f.compare)
		if page = append(page, found...); len(page) >= limit {
			return page[:limit], nil
		}
	}
	return page, nil
}

// groups returns the sources of a list. All rows of a group precede those of the next one; the sources of one group
// have to be merged. There are few: one for each class and number of attempts.
func (f Filter) groups(ctx context.Context, q Querier) ([][]source, error) {
	dead := f.Kind == DeadLetters
	if f.Class == "" && !f.Attempts {
		if dead {
			return [][]source{{{where: `true`}}}, nil
		}
		return [][]source{{{where: `priority = 0`}, {where: `priority = 1`}}}, nil
	}
	classes := []string{f.Class}
	if dead && f.Class == "" {
		var err error
		if classes, err = distinct(ctx, q, "", `SELECT MIN(class) FROM dead_letter WHERE class > ?`); err != nil {
			return nil, err
		}
	}
	t := f.table()
	var all []source
	for _, class := range classes {
		where, args := t.class+` = ? AND `, []any{class}
		if class == "" {
			where, args = ``, nil
		}
		numbers, err := distinct(ctx, q, int64(math.MaxInt64), `SELECT MAX(attempts) FROM `+t.name+` WHERE `+where+`attempts < ?`, args...)
		if err != nil {
			return nil, err
		}
		for _, n := range numbers {
			s := source{where: where + `attempts = ?`, args: append(slices.Clip(args), n)}
			if f.Attempts {
				s.attempts = n
			}
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b source) int { return cmp.Compare(b.attempts, a.attempts) })
	var groups [][]source
	for i, s := range all {
		if i == 0 || s.attempts != all[i-1].attempts {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], s)
	}
	return groups, nil
}

// distinct returns the values of a column, each once. The query returns the value next to its last argument, so that
// only one row of each value is read.
func distinct[T any](ctx context.Context, q Querier, value T, query string, args ...any) ([]T, error) {
	var values []T
	for {
		var next sql.Null[T]
		if err := q.QueryRowContext(ctx, query, append(slices.Clip(args), value)...).Scan(&next); err != nil || !next.Valid {
			return values, err
		}
		value = next.V
		values = append(values, value)
	}
}

// read returns the first rows of a source after a place.
func (f Filter) read(ctx context.Context, q Querier, s source, after *key, limit int) (page []key, err error) {
	if after != nil && f.Attempts && s.attempts != after.attempts {
		if s.attempts > after.attempts {
			return nil, nil
		}
		after = nil
	}
	t := f.table()
	get := func(where, order string, args ...any) error {
		some, err := sqlitefile.Collect(ctx, q, func(row sqlitefile.Row) (key, error) {
			k := key{attempts: s.attempts}
			err := row.Scan(&k.scene, &k.at)
			return k, err
		}, `SELECT scene_id, `+t.at+` FROM `+t.name+` WHERE `+s.where+` AND `+where+` ORDER BY `+order+` LIMIT ?`,
			slices.Concat(s.args, args, []any{limit - len(page)})...)
		page = append(page, some...)
		return err
	}
	for _, r := range f.ranges() {
		least, most := r[0], r[1]
		if after != nil && (!t.newest && most < after.at || t.newest && least > after.at) {
			continue
		}
		if after != nil && least <= after.at && after.at <= most {
			// Rows of the same time get a query of their own: with (time, scene) > (?, ?), SQLite reads all of them.
			if err := get(t.at+` = ? AND scene_id `+t.next+` ?`, t.order, after.at, after.scene); err != nil {
				return nil, err
			}
			switch {
			case t.newest && after.at == least, !t.newest && after.at == most:
				continue
			case t.newest:
				most = after.at - 1
			default:
				least = after.at + 1
			}
		}
		if len(page) < limit {
			if err := get(t.at+` BETWEEN ? AND ?`, t.order, least, most); err != nil {
				return nil, err
			}
		}
	}
	return page, nil
}

// ofScenes returns the rows of the filter's scenes after a place.
func (f Filter) ofScenes(ctx context.Context, q Querier, after *key) ([]key, error) {
	t := f.table()
	query, args := `SELECT scene_id, attempts, `+t.at+` FROM `+t.name+` WHERE scene_id IN (SELECT value FROM json_each(?))`, []any{sqlitefile.JSONList(f.Scenes)}
	if f.Class != "" {
		query, args = query+` AND +`+t.class+` = ?`, append(args, f.Class) // the + keeps SQLite from reading the whole class
	}
	keys, err := sqlitefile.Collect(ctx, q, func(row sqlitefile.Row) (k key, err error) {
		err = row.Scan(&k.scene, &k.attempts, &k.at)
		if !f.Attempts {
			k.attempts = 0
		}
		return k, err
	}, query, args...)
	keys = slices.DeleteFunc(keys, func(k key) bool {
		selected := slices.ContainsFunc(f.ranges(), func(r [2]int64) bool { return r[0] <= k.at && k.at <= r[1] })
		return !selected || after != nil && f.compare(k, *after) <= 0
	})
	slices.SortFunc(keys, f.compare)
	return keys, err
}
