package store

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

const (
	suspectFile = "queue.db.suspect" // somebody met signs of damage
	salvageFile = "queue.db.salvage" // a damaged file was moved aside and is not saved yet
)

// A Recovery tells what became of a damaged queue.db.
type Recovery struct {
	Damage  string         // what the check found
	Aside   string         // where the damaged file is now
	Rescued map[string]int // rows saved, by table
	Copied  map[string]int // rows taken from the latest daily copy because they could not be saved
}

// Suspect reports whether some process met signs of damage since the last recovery, or a recovery was cut off.
func Suspect(dir string) bool {
	return exists(filepath.Join(dir, suspectFile)) || exists(filepath.Join(dir, salvageFile))
}

// Recover checks a suspect queue.db and, only if the check fails, moves it aside with its log, makes a new
// one and saves into it what can still be read, row by row; what is known of Plex items and their links is
// completed from the latest daily copy. It returns nil if the file is sound. If it is cut off, the next
// call goes on. The caller holds the drain's lock and has no Store open on dir.
func Recover(ctx context.Context, dir string, now time.Time) (*Recovery, error) {
	note, err := readSalvage(dir)
	if err != nil {
		return nil, err
	}
	if note.latest() != "" {
		if err := moveAside(dir, note.latest()); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(dir, queueFile)
	damage, err := checkFile(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("check the database: %w", err)
	}
	if damage != "" {
		note.Damage = damage
		note.Asides = append(note.Asides, asideName(dir, now))
		if err := note.write(dir); err != nil {
			return nil, err
		}
		if err := moveAside(dir, note.latest()); err != nil {
			return nil, err
		}
	}
	if note.latest() == "" {
		return nil, removeNotes(dir)
	}
	r, err := salvageInto(ctx, dir, now, note)
	if err != nil {
		return nil, fmt.Errorf("save what the damaged database holds (the next run goes on with it): %w", err)
	}
	return r, removeNotes(dir)
}

// salvage is the note that a damaged file is on its way aside or waits there to be saved.
type salvage struct {
	Damage string   `json:"damage"`
	Asides []string `json:"asides"` // names; the new file may be damaged before all is saved, so the newest is last
}

func (n salvage) latest() string {
	if len(n.Asides) == 0 {
		return ""
	}
	return n.Asides[len(n.Asides)-1]
}

// readSalvage reads the note. One that is not whole was never finished: nothing has been moved yet.
func readSalvage(dir string) (salvage, error) {
	var n salvage
	text, err := os.ReadFile(filepath.Join(dir, salvageFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return n, fmt.Errorf("look for a recovery that was cut off: %w", err)
	}
	if json.Unmarshal(text, &n) != nil {
		return salvage{}, nil
	}
	return n, nil
}

// write stores the note, before anything is moved.
func (n salvage) write(dir string) error {
	text, err := json.Marshal(n)
	if err == nil {
		err = writeAtomically(dir, salvageFile, text)
	}
	if err != nil {
		return fmt.Errorf("note the recovery: %w", err)
	}
	return nil
}

// asideName returns a name for the damaged file that no other has.
func asideName(dir string, now time.Time) string {
	for ms := now.UnixMilli(); ; ms++ {
		name := fmt.Sprintf("%s.damaged-%d", queueFile, ms)
		if !exists(filepath.Join(dir, name)) {
			return name
		}
	}
}

// moveAside moves the damaged file and its log aside. The file goes first: a hook that comes then waits to
// make a new one, and meets no log.
func moveAside(dir, name string) error {
	unlock, locked := lockPlace(dir, (*flock.Flock).Lock)
	if !locked {
		return errors.New("the data folder cannot be locked: the damaged database stays where it is")
	}
	defer unlock()
	path, aside := filepath.Join(dir, queueFile), filepath.Join(dir, name)
	if !exists(aside) {
		if err := renameOpen(path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("move the damaged database aside: %w", trouble(path, err))
		}
	}
	if exists(path) { // a new one: the log is its own
		return nil
	}
	return clearPlace(dir)
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

// removeNotes ends the suspicion. The note of the recovery goes last.
func removeNotes(dir string) error {
	for _, name := range [...]string{suspectFile, salvageFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clear the note of damage: %w", err)
		}
	}
	return nil
}

// checkFile returns what is wrong with the file, or "". An error says nothing about the file.
func checkFile(ctx context.Context, path string) (damage string, err error) {
	fi, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err == nil && fi.Size() == 0:
		return errEmpty.Error(), nil
	}
	db, err := openDB(dsn(path, "rw", "deferred")) // one that may only read skips the CHECKs of the tables
	if err != nil {
		return "", err
	}
	if _, err = schemaVersion(ctx, db); err == nil {
		damage, err = check(ctx, db)
	} else if isDamage(err) {
		damage = OneLine(err.Error())
	}
	closeErr := closeUntouched(path, db.Close)
	if damage != "" { // and it may not even be closed
		return damage, nil
	}
	return "", trouble(path, errors.Join(err, closeErr))
}

// check looks at every page and at every entry of every index. SQLite's quick_check, which takes a third of
// that time, does not compare an index with its table: a job that is missing in its index is never claimed.
func check(ctx context.Context, db *sql.DB) (damage string, err error) {
	var verdict string
	err = db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict)
	switch {
	case isDamage(err):
		return OneLine(err.Error()), nil
	case err != nil:
		return "", err
	case verdict != "ok":
		return OneLine(verdict), nil
	}
	return "", nil
}
