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

// Suffixes of the notes about a database.
const (
	suspectSuffix = ".suspect" // a process found signs of damage
	salvageSuffix = ".salvage" // a damaged database moves aside, and its rows are not all saved
)

// Suspect reports whether a process found signs of damage since the last recovery, or a recovery did not finish.
func Suspect(path string) bool { return Exists(path+suspectSuffix) || Exists(path+salvageSuffix) }

// MarkSuspect notes that a database may be damaged, and why.
func MarkSuspect(path, why string) error {
	return os.WriteFile(path+suspectSuffix, []byte(why+"\n"), 0o600)
}

// SetAside checks a database and, if it is damaged, moves it aside with its log. It finishes an earlier move first. It
// returns what waits to be saved. readSchema returns an error if it cannot read the schema or does not know it.
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
		return note, fmt.Errorf("cannot check the database: %w", err)
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

// A Salvage names the damaged databases that moved aside and still have rows to save.
type Salvage struct {
	Damage string   `json:"damage"`
	Asides []string `json:"asides"` // file names, the newest last: the new database may be damaged too before all is saved
}

// Latest returns the name of the newest damaged database, or "".
func (n Salvage) Latest() string {
	if len(n.Asides) == 0 {
		return ""
	}
	return n.Asides[len(n.Asides)-1]
}

// readSalvage reads the note. An incomplete note is ignored: nothing moves before the note is complete.
func readSalvage(path string) (Salvage, error) {
	var n Salvage
	text, err := os.ReadFile(path + salvageSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return n, fmt.Errorf("cannot look for an interrupted recovery: %w", err)
	}
	if json.Unmarshal(text, &n) != nil {
		return Salvage{}, nil
	}
	return n, nil
}

// write stores the note. It precedes the move.
func (n Salvage) write(path string) error {
	text, err := json.Marshal(n)
	if err == nil {
		err = WriteAtomically(filepath.Dir(path), filepath.Base(path)+salvageSuffix, text)
	}
	if err != nil {
		return fmt.Errorf("cannot record the recovery: %w", err)
	}
	return nil
}

// asideName returns an unused name for a damaged database.
func asideName(path string, now time.Time) string {
	for ms := now.UnixMilli(); ; ms++ {
		name := fmt.Sprintf("%s.damaged-%d", filepath.Base(path), ms)
		if !Exists(filepath.Join(filepath.Dir(path), name)) {
			return name
		}
	}
}

// moveAside moves a damaged database and its log aside. The database moves first: a process that comes in between waits
// for the setup lock before it creates a new one, and then finds no log.
func moveAside(path, name string) error {
	dir := filepath.Dir(path)
	unlock, locked := lockPlace(dir, (*flock.Flock).Lock)
	if !locked {
		return errors.New("the damaged database stays in place because the data folder cannot be locked")
	}
	defer unlock()
	aside := filepath.Join(dir, name)
	if !Exists(aside) {
		if err := renameOpen(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot move the damaged database aside: %w", Explain(path, err))
		}
	}
	if Exists(path) { // a new database, which owns the log
		return nil
	}
	return clearPlace(path)
}

// How long and how often renameOpen tries.
const (
	inUsePatience = 5 * time.Second
	inUseRetry    = 50 * time.Millisecond
)

// renameOpen renames a file that other processes may have open. Windows refuses that, but hooks open it only briefly.
func renameOpen(from, to string) error {
	for until := time.Now().Add(inUsePatience); ; time.Sleep(inUseRetry) {
		err := os.Rename(from, to)
		if !isInUse(err) || time.Now().After(until) {
			return err
		}
	}
}

// ClearNotes removes the notes about a database. The note of the recovery goes last.
func ClearNotes(path string) error {
	for _, suffix := range [...]string{suspectSuffix, salvageSuffix} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove the note of damage: %w", err)
		}
	}
	return nil
}

// checkFile returns the damage of a database, or "". With an error its state is unknown.
func checkFile(ctx context.Context, path string, readSchema func(context.Context, *sql.DB) error) (damage string, err error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err == nil && IsEmpty(fi):
		return ErrEmpty.Error(), nil
	}
	db, err := Open(DSN(path, "rw", "deferred")) // a read-only connection skips the CHECKs of the tables
	if err != nil {
		return "", err
	}
	if err = readSchema(ctx, db); err == nil {
		damage, err = Check(ctx, db)
	} else if IsDamage(err) {
		damage = err.Error()
	}
	closeErr := CloseUntouched(path, db.Close)
	if damage != "" { // closing may fail because of it
		return damage, nil
	}
	return "", Explain(path, errors.Join(err, closeErr))
}

// Check returns the damage of an open database, or "". It reads every page and every entry of every index. SQLite's
// quick_check takes a third of the time, but does not compare an index with its table: a job that its index lacks would
// never run.
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
