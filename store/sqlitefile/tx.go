package sqlitefile

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// A Tx is a transaction that prepares each statement once. Most statements run for every scene of a batch, and SQLite
// takes longer to parse one than to run it.
type Tx struct {
	*sql.Tx
	prepared map[string]*sql.Stmt
	changed  bool
}

// Changed reports whether ExecContext has changed a row.
func (tx *Tx) Changed() bool { return tx.changed }

// A RowQuerier is a database or a transaction, for queries that return at most one row.
type RowQuerier interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

// Begin begins a transaction.
func Begin(ctx context.Context, db *sql.DB) (*Tx, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &Tx{Tx: tx, prepared: make(map[string]*sql.Stmt)}, nil
}

// InTx runs f in a transaction, which it rolls back if f returns an error.
func InTx(ctx context.Context, db *sql.DB, f func(tx *Tx) error) error {
	tx, err := Begin(ctx, db)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, Rollback(tx.Tx))
	}
	return tx.Commit()
}

// JSONList returns a parameter for json_each(?), which takes any number of values.
func JSONList[T string | int](values []T) string {
	text, err := json.Marshal(append([]T{}, values...)) // not null, which json_each returns as a row
	if err != nil {
		panic(err) // strings and numbers can always be encoded
	}
	return string(text)
}

// Rollback rolls a transaction back unless it has ended.
func Rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

func (tx *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := tx.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := tx.PrepareContext(ctx, query)
	if err == nil {
		tx.prepared[query] = stmt
	}
	return stmt, err
}

// ExecContext runs a statement.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	if err == nil && !tx.changed {
		n, _ := res.RowsAffected() // SQLite always knows it
		tx.changed = n > 0
	}
	return res, err
}

// QueryContext runs a query.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext runs a query that returns at most one row.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return tx.Tx.QueryRowContext(ctx, query, args...) // which fails in the same way
	}
	return stmt.QueryRowContext(ctx, args...)
}
