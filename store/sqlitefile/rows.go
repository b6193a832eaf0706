package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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
	complete = true
	err = inTx(ctx, func(tx *Tx) error {
		insert, err := insertInto(ctx, tx, strings.Fields(table)[0], columns)
		if err != nil || insert == "" {
			complete = false
			return err
		}
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

// insertInto returns a statement that inserts these columns into a table, "" if the table does not have them. If only
// the names differ, they are damaged: both files have the same schema.
func insertInto(ctx context.Context, tx *Tx, table string, columns []string) (string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT * FROM `+table+` LIMIT 0`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	known, err := rows.Columns()
	if err != nil {
		return "", err
	}
	if len(columns) == len(known) {
		columns = known
	}
	if slices.ContainsFunc(columns, func(c string) bool { return !slices.Contains(known, c) }) {
		return "", rows.Err()
	}
	return `INSERT INTO ` + table + ` (` + joinColumns(columns) + `) VALUES (` +
		strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + `) ON CONFLICT DO NOTHING`, rows.Err()
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
