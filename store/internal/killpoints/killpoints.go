// Package killpoints wraps a database driver so that a test can kill a process between any two statements. Only
// builds with the tag killpoints use it.
package killpoints

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"hash/fnv"
	"os"
	"runtime"
	"slices"
	"strings"
)

const (
	// pointsVariable names a file to which a process appends each point that it reaches, one a line.
	pointsVariable = "STASH_PLEX_SYNC_KILLPOINTS"
	// killVariable is "name#n": the process that appends this name for the nth time kills itself.
	killVariable = "STASH_PLEX_SYNC_KILL"
	// storePath begins the names of all functions of package store and of the packages in its folder.
	storePath = "github.com/stash-plex-sync/stash-plex-sync/store"
	ownPath   = storePath + "/internal/killpoints."
	// indexPath begins the names of functions of package plexindex, indexType those of methods of its index.
	indexPath = storePath + "/plexindex."
	indexType = indexPath + "(*Index)."
)

// Wrap registers a driver that adds a point before and after each connection, statement, and beginning and end
// of a transaction of the named driver. It returns the new driver's name.
func Wrap(name string) string {
	db, err := sql.Open(name, "")
	if err != nil {
		panic(err)
	}
	sql.Register(name+"-killpoints", wrapped{db.Driver()})
	db.Close() // it has no connection
	return name + "-killpoints"
}

type wrapped struct{ driver.Driver }

func (w wrapped) Open(dsn string) (driver.Conn, error) {
	c, err := between("open", func() (driver.Conn, error) { return w.Driver.Open(dsn) })
	if err != nil {
		return nil, err
	}
	return conn{c.(fullConn)}, nil
}

// fullConn lists the interfaces of a SQLite connection that database/sql looks for.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type conn struct{ fullConn }

func (c conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	t, err := between("BEGIN", func() (driver.Tx, error) { return c.fullConn.BeginTx(ctx, opts) })
	return tx{t}, err
}

func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt{s.(fullStmt), query}, nil
}

func (c conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return between(words(query), func() (driver.Result, error) { return c.fullConn.ExecContext(ctx, query, args) })
}

func (c conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return between(words(query), func() (driver.Rows, error) { return c.fullConn.QueryContext(ctx, query, args) })
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type stmt struct {
	fullStmt
	query string
}

func (s stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return between(words(s.query), func() (driver.Result, error) { return s.fullStmt.ExecContext(ctx, args) })
}

func (s stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return between(words(s.query), func() (driver.Rows, error) { return s.fullStmt.QueryContext(ctx, args) })
}

type tx struct{ driver.Tx }

func (t tx) Commit() error {
	_, err := between("COMMIT", func() (any, error) { return nil, t.Tx.Commit() })
	return err
}

func (t tx) Rollback() error {
	_, err := between("ROLLBACK", func() (any, error) { return nil, t.Tx.Rollback() })
	return err
}

// between calls f between two points.
func between[T any](what string, f func() (T, error)) (T, error) {
	name := callers() + " " + what
	reach(name + ":before")
	v, err := f()
	reach(name + ":after")
	return v, err
}

// words returns the first words of a statement and a hash that distinguishes it from others with the same words.
func words(query string) string {
	list := strings.Fields(query)
	h := fnv.New32a()
	h.Write([]byte(query)) // a hash never fails
	return fmt.Sprintf("%s ~%04x", strings.Join(list[:min(len(list), 4)], " "), h.Sum32()&0xffff)
}

// callers names the active functions of package store and of those in its folder, outermost first. Of package plexindex
// it names only methods of the index: its reader stores pages from goroutines that depend on timing.
func callers() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	short := strings.NewReplacer("(*", "", ")", "")
	var names []string
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		name, found := strings.CutPrefix(f.Function, storePath)
		timed := strings.HasPrefix(f.Function, indexPath) && !strings.HasPrefix(f.Function, indexType)
		if !found || timed || strings.HasPrefix(f.Function, ownPath) {
			continue
		}
		name, _, _ = strings.Cut(short.Replace(name[1:]), ".func")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Reverse(names)
	return strings.Join(names, ">")
}

// reach appends a point to the file, and kills the process if it is the point to do so.
func reach(point string) {
	file := os.Getenv(pointsVariable)
	if file == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	_, err = f.WriteString(point + "\n")
	f.Close() // WriteString reports a failure
	check(err)
	name, turn, _ := strings.Cut(os.Getenv(killVariable), "#")
	if name != point {
		return
	}
	text, err := os.ReadFile(file)
	check(err)
	n := 0
	for line := range strings.Lines(string(text)) {
		if line == point+"\n" {
			n++
		}
	}
	if fmt.Sprint(n) == turn {
		self, err := os.FindProcess(os.Getpid())
		check(err)
		check(self.Kill())
		select {} // until the kernel ends the process
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
