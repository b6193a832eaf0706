package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// CopyRows copies rows of a damaged database in a transaction that inTx runs. table is a table's name, and may continue
// with a WHERE clause. CopyRows stops at the first row that it cannot read, and skips rows that violate the schema; complete
// reports whether neither happened.
func CopyRows(ctx context.Context, from *sql.DB, table, order string,
	inTx func(context.Context, func(*Tx) error) error,
) (saved int, complete bool, err error) {
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+table+` ORDER BY 1 `+order)
	if err != nil {
		return 0, false, unlessUnreadable(ctx, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, false, err
	}
	insert := `INSERT INTO ` + strings.Fields(table)[0] + ` (` + joinColumns(columns) + `) VALUES (` + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + `) ON CONFLICT DO NOTHING`
	complete = true
	err = inTx(ctx, func(tx *Tx) error {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(targets...); err != nil {
				return err
			}
			res, err := tx.ExecContext(ctx, insert, values...)
			if hasCode(err, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH) {
				complete = false
				continue
			}
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			saved += int(n)
		}
		if err := rows.Err(); err != nil {
			complete = false
			return unlessUnreadable(ctx, err)
		}
		return ctx.Err()
	})
	if err != nil {
		return 0, false, err
	}
	return saved, complete, nil
}

// unlessUnreadable returns nil for an error that damage or another version of the schema causes. After any other error
// the next attempt may succeed.
func unlessUnreadable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if IsDamage(err) || hasCode(err, sqlite3.SQLITE_ERROR) || ok && e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ {
		return nil
	}
	return err
}

func joinColumns(columns []string) string {
	text := ""
	for i, c := range columns {
		if i > 0 {
			text += ", "
		}
		text += `"` + c + `"`
	}
	return text
}
