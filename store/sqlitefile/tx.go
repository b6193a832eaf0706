package sqlitefile

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// A Transaction prepares each statement once, because most of them run for every scene of a batch: to read
// one costs SQLite more than to carry it out. They end with it.
type Transaction struct {
	*sql.Tx
	prepared map[string]*sql.Stmt
}

func Begin(ctx context.Context, db *sql.DB) (*Transaction, error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &Transaction{tx, make(map[string]*sql.Stmt)}, nil
}

// InTx runs f in one transaction.
func InTx(ctx context.Context, db *sql.DB, f func(tx *Transaction) error) error {
	tx, err := Begin(ctx, db)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, Rollback(tx.Tx))
	}
	return tx.Commit()
}

// JsonList returns a list for json_each(?), which takes any number of values.
func JsonList(values []string) string {
	text, err := json.Marshal(append([]string{}, values...)) // never null: json_each would make a row of it
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}

func Rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

func (tx *Transaction) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt := tx.prepared[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := tx.PrepareContext(ctx, query)
	if err == nil {
		tx.prepared[query] = stmt
	}
	return stmt, err
}

// ExecContext carries out a statement.
func (tx *Transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

// QueryContext carries out a query.
func (tx *Transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// QueryRowContext carries out a query of which one row is read.
func (tx *Transaction) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return tx.Tx.QueryRowContext(ctx, query, args...) // which fails likewise
	}
	return stmt.QueryRowContext(ctx, args...)
}
