package sqlitefile

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// What is appended to a database's path for the notes about it.
const (
	suspectSuffix = ".suspect" // somebody met signs of damage
	salvageSuffix = ".salvage" // a damaged file was moved aside and is not saved yet
)

// IsSuspect reports whether some process met signs of damage since the last recovery, or a recovery was cut off.
func IsSuspect(path string) bool { return Exists(path+suspectSuffix) || Exists(path+salvageSuffix) }

// LeaveDoubt leaves a note that a database may be damaged, and why.
func LeaveDoubt(path, why string) error {
	return os.WriteFile(path+suspectSuffix, []byte(why+"\n"), 0o600)
}

// SetAside checks a suspect database and moves it aside with its log if the check fails. It first finishes moves that
// were cut off. It returns what waits aside to be saved. readSchema returns an error if it cannot read the schema, or
// if the database is another program's.
func SetAside(ctx context.Context, path string, now time.Time, readSchema func(context.Context, *sql.DB) error) (Salvage, error) {
	note, err := readSalvage(path)
	if err != nil {
		return note, err
	}
	if note.Latest() != "" {
		if err := moveAside(path, note.Latest()); err != nil {
			return note, err
		}
	}
	damage, err := checkFile(ctx, path, readSchema)
	if err != nil {
		return note, fmt.Errorf("check the database: %w", err)
	}
	if damage == "" {
		return note, nil
	}
	note.Damage = damage
	note.Asides = append(note.Asides, asideName(path, now))
	if err := note.write(path); err != nil {
		return note, err
	}
	return note, moveAside(path, note.Latest())
}

// Salvage is the note that a damaged file is on its way aside or waits there to be saved.
type Salvage struct {
	Damage string   `json:"damage"`
	Asides []string `json:"asides"` // names; the new file may be damaged before all is saved, so the newest is last
}

func (n Salvage) Latest() string {
	if len(n.Asides) == 0 {
		return ""
	}
	return n.Asides[len(n.Asides)-1]
}

// readSalvage reads the note. One that is not whole was never finished: nothing has been moved yet.
func readSalvage(path string) (Salvage, error) {
	var n Salvage
	text, err := os.ReadFile(path + salvageSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return n, fmt.Errorf("look for a recovery that was cut off: %w", err)
	}
	if json.Unmarshal(text, &n) != nil {
		return Salvage{}, nil
	}
	return n, nil
}

// write stores the note, before anything is moved.
func (n Salvage) write(path string) error {
	text, err := json.Marshal(n)
	if err == nil {
		err = WriteAtomically(filepath.Dir(path), filepath.Base(path)+salvageSuffix, text)
	}
	if err != nil {
		return fmt.Errorf("note the recovery: %w", err)
	}
	return nil
}

// asideName returns a name for the damaged file that no other has.
func asideName(path string, now time.Time) string {
	for ms := now.UnixMilli(); ; ms++ {
		name := fmt.Sprintf("%s.damaged-%d", filepath.Base(path), ms)
		if !Exists(filepath.Join(filepath.Dir(path), name)) {
			return name
		}
	}
}

// moveAside moves the damaged file and its log aside. The file goes first: a hook that comes then waits to
// make a new one, and meets no log.
func moveAside(path, name string) error {
	dir := filepath.Dir(path)
	unlock, locked := lockPlace(dir, (*flock.Flock).Lock)
	if !locked {
		return errors.New("the data folder cannot be locked: the damaged database stays where it is")
	}
	defer unlock()
	aside := filepath.Join(dir, name)
	if !Exists(aside) {
		if err := renameOpen(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move the damaged database aside: %w", Trouble(path, err))
		}
	}
	if Exists(path) { // a new one: the log is its own
		return nil
	}
	return clearPlace(path)
}

// How long a file that is to be moved may be in use, and how often that is looked at.
const (
	inUsePatience = 5 * time.Second
	inUseRetry    = 50 * time.Millisecond
)

// renameOpen renames a file that others may have open. Windows refuses that; a hook has it open for moments only.
func renameOpen(from, to string) error {
	for until := time.Now().Add(inUsePatience); ; time.Sleep(inUseRetry) {
		err := os.Rename(from, to)
		if !isInUse(err) || time.Now().After(until) {
			return err
		}
	}
}

// RemoveNotes ends the suspicion. The note of the recovery goes last.
func RemoveNotes(path string) error {
	for _, suffix := range [...]string{suspectSuffix, salvageSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear the note of damage: %w", err)
		}
	}
	return nil
}

// checkFile returns what is wrong with the file, or "". An error says nothing about the file.
func checkFile(ctx context.Context, path string, readSchema func(context.Context, *sql.DB) error) (damage string, err error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err == nil && fi.Size() == 0:
		return ErrEmpty.Error(), nil
	}
	db, err := OpenDB(Dsn(path, "rw", "deferred")) // one that may only read skips the CHECKs of the tables
	if err != nil {
		return "", err
	}
	if err = readSchema(ctx, db); err == nil {
		damage, err = Check(ctx, db)
	} else if IsDamage(err) {
		damage = err.Error()
	}
	closeErr := CloseUntouched(path, db.Close)
	if damage != "" { // and it may not even be closed
		return damage, nil
	}
	return "", Trouble(path, errors.Join(err, closeErr))
}

// Check looks at every page and at every entry of every index. SQLite's quick_check, which takes a third of
// that time, does not compare an index with its table: a job that is missing in its index is never claimed.
func Check(ctx context.Context, db *sql.DB) (damage string, err error) {
	var verdict string
	err = db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict)
	switch {
	case IsDamage(err):
		return err.Error(), nil
	case err != nil:
		return "", err
	case verdict != "ok":
		return verdict, nil
	}
	return "", nil
}
