//go:build killpoints

package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// What a process has left behind when it is killed are its statements, its requests and a few files. So this
// build has a point before and after each statement, each begin and end of a transaction and each opening of a
// file, in whatever function it is.
const (
	// pointsVariable names a file to which each point is added, a line each, that a process reaches.
	pointsVariable = "STASH_PLEX_SYNC_KILLPOINTS"
	// killVariable is "name#n": the process that adds this name for the nth time kills itself.
	killVariable = "STASH_PLEX_SYNC_KILL"
)

func openDB(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(pointed{c}), nil
}

type pointed struct{ driver.Connector }

func (p pointed) Connect(ctx context.Context) (driver.Conn, error) {
	return between("open", func() (driver.Conn, error) {
		c, err := p.Connector.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return conn{c.(sqliteConn)}, nil
	})
}

// sqliteConn is all that database/sql looks for in a connection of SQLite's.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type conn struct{ sqliteConn }

func (c conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return between("BEGIN", func() (driver.Tx, error) {
		t, err := c.sqliteConn.BeginTx(ctx, opts)
		if err != nil {
			return nil, err
		}
		return tx{t}, nil
	})
}

func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt{s, query}, nil
}

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return between(words(query), func() (driver.Result, error) { return c.sqliteConn.ExecContext(ctx, query, args) })
}

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return between(words(query), func() (driver.Rows, error) { return c.sqliteConn.QueryContext(ctx, query, args) })
}

type stmt struct {
	driver.Stmt
	query string
}

func (s stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return between(words(s.query), func() (driver.Result, error) { return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) })
}

func (s stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return between(words(s.query), func() (driver.Rows, error) { return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) })
}

type tx struct{ driver.Tx }

func (t tx) Commit() error {
	_, err := between("COMMIT", func() (struct{}, error) { return struct{}{}, t.Tx.Commit() })
	return err
}

func (t tx) Rollback() error {
	_, err := between("ROLLBACK", func() (struct{}, error) { return struct{}{}, t.Tx.Rollback() })
	return err
}

// between runs f between two points.
func between[T any](what string, f func() (T, error)) (T, error) {
	name := where() + " " + what
	reach(name + ":before")
	v, err := f()
	reach(name + ":after")
	return v, err
}

// words are the beginning of a statement, and a few digits that tell it from others that begin so.
func words(query string) string {
	list := strings.Fields(query)
	h := fnv.New32a()
	h.Write([]byte(query)) // a hash never fails
	return fmt.Sprintf("%s ~%04x", strings.Join(list[:min(len(list), 4)], " "), h.Sum32()&0xffff)
}

// where names the functions of this package that are at work, from the outermost to the innermost.
func where() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	var names []string
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		name, own := strings.CutPrefix(f.Function, "github.com/stash-plex-sync/stash-plex-sync/store.")
		if !own || path.Base(f.File) == "killpoints.go" || path.Base(f.File) == "tx.go" {
			continue
		}
		name = strings.TrimPrefix(strings.NewReplacer("(*Store).", "", "(*Index).", "Index.").Replace(name), ".")
		name, _, _ = strings.Cut(name, ".func")
		if name != "inTx" && name != "Index.inTx" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Reverse(names)
	return strings.Join(names, ">")
}

// reach adds a point to the file, and kills the process if it is its turn.
func reach(name string) {
	file := os.Getenv(pointsVariable)
	if file == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(name + "\n")
		f.Close() // written
	}
	if err != nil {
		panic(err)
	}
	wanted, turn, _ := strings.Cut(os.Getenv(killVariable), "#")
	if wanted != name {
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if line == name+"\n" {
			n++
		}
	}
	if fmt.Sprint(n) == turn {
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {} // until the kernel is done with it
	}
}
