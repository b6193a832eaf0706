package sqlitefile

import "context"

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
