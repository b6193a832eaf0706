package sqlitefile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// An Error says why a file of the data folder cannot be used and what to do about it.
type Error struct {
	Path    string
	Problem string
	Remedy  string
	Err     error
}

func (e *Error) Error() string { return e.Path + " " + e.Problem + ": " + e.Remedy }

// Unwrap returns the error of the system or of SQLite.
func (e *Error) Unwrap() error { return e.Err }

// Explain returns an *Error for an error that the user can fix, and any other error unchanged.
func Explain(path string, err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*Error](err); known {
		return err
	}
	e := &Error{Path: path, Err: err}
	switch {
	case hasCode(err, sqlite3.SQLITE_FULL), isFull(err):
		e.Problem, e.Remedy = "cannot grow because the disk or a quota is full", "free some space"
	case hasCode(err, sqlite3.SQLITE_READONLY), isReadOnly(err):
		e.Problem, e.Remedy = "is read-only for the user that Stash runs as", "make it and its folder writable for that user"
	case hasCode(err, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH), errors.Is(err, fs.ErrPermission):
		e.Problem, e.Remedy = "cannot be accessed by the user that Stash runs as", "make that user the owner of the folder and everything in it"
	case hasCode(err, sqlite3.SQLITE_BUSY):
		e.Problem, e.Remedy = "has been locked by another program for 30 seconds", "close that program, such as a backup or a database editor"
	case isInUse(err):
		e.Problem, e.Remedy = "is in use by another program", "close that program, such as a backup or a database editor"
	case hasCode(err, sqlite3.SQLITE_IOERR):
		e.Problem, e.Remedy = fmt.Sprintf("cannot be read or written because of a disk error (SQLite error %d)", codeOf(err)), "check whether the disk is full, disconnected or broken"
	default:
		return err
	}
	return e
}

func isOneOf(err error, list ...error) bool {
	return slices.ContainsFunc(list, func(one error) bool { return errors.Is(err, one) })
}

// codeOf returns SQLite's extended code of an error, 0 if it has none.
func codeOf(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// Damage that SQLite does not report.
var (
	ErrEmpty   = errors.New("the file is empty") // after a crash of the system
	ErrUnsound = errors.New("its content is invalid")
)

// IsEmpty reports whether SQLite takes a file for a new database: it does so with a single byte, too.
func IsEmpty(file fs.FileInfo) bool { return file.Size() <= 1 }

// IsDamage reports whether an error means that the file itself is damaged. No other error is a reason to replace it.
func IsDamage(err error) bool {
	return hasCode(err, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) || errors.Is(err, ErrEmpty) || errors.Is(err, ErrUnsound)
}

// IsBusy reports whether another connection kept the database locked for too long.
func IsBusy(err error) bool { return hasCode(err, sqlite3.SQLITE_BUSY) }

// hasCode reports whether an error is SQLite's and has one of these primary codes.
func hasCode(err error, codes ...int) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && slices.Contains(codes, e.Code()&0xff)
}
