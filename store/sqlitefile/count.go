package sqlitefile

import (
	"context"
	"database/sql"
)

// CountLimit bounds the counts shown to users, so that counting stays cheap.
const CountLimit = 10_000

// A Count is a number that stops at CountLimit.
type Count struct {
	N      int
	Capped bool
}

// CountRows counts the rows of a query.
func CountRows(ctx context.Context, tx RowQuerier, query string, args ...any) (Count, error) {
	var n int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (`+query+` LIMIT ?)`, append(args, CountLimit+1)...).Scan(&n)
	return Count{N: min(n, CountLimit), Capped: n > CountLimit}, err
}

// A Row is what a query returns one or several of.
type Row interface{ Scan(to ...any) error }

// Single scans a row of one column, for Collect.
func Single[T any](row Row) (value T, err error) {
	err = row.Scan(&value)
	return value, err
}

// Collect returns the rows of a query, each as scan reads it.
func Collect[T any](ctx context.Context, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, scan func(Row) (T, error), query string, args ...any,
) (list []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}
