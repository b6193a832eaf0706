package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const copiesKept = 2

// copyPrefix begins the paths of all copies of a database: queue.copy- for queue.db.
func copyPrefix(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".copy-" }

// CopyFile makes a copy of an open database beside its file, and keeps two. It returns the copy's path.
func CopyFile(ctx context.Context, db *sql.DB, path string) (string, error) {
	for _, unfinished := range copyFiles(path, "*.db.new*") { // its process was killed
		os.Remove(unfinished) // what stays is removed by the next copy
	}
	number, err := nextCopy(path)
	if err != nil {
		return "", err
	}
	name := copyPrefix(path) + fmt.Sprintf("%09d.db", number)
	tmp := name + ".new"
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, tmp); err != nil {
		RemoveAll(tmp)
		return "", err
	}
	if err := errors.Join(os.Chmod(tmp, 0o600), syncFile(tmp), os.Rename(tmp, name)); err != nil {
		return "", err
	}
	syncDir(filepath.Dir(path))
	copies := copiesOf(path)
	for len(copies) > copiesKept {
		RemoveAll(copies[0])
		copies = copies[1:]
	}
	return name, nil
}

// nextCopy returns the number of the next copy. The clock would not do: a copy made while it was ahead
// would count as the latest for years.
func nextCopy(path string) (int, error) {
	latest := LatestCopy(path)
	if latest == "" {
		return 1, nil
	}
	var n int
	if _, err := fmt.Sscanf(strings.TrimPrefix(latest, copyPrefix(path)), "%d.db", &n); err != nil {
		return 0, fmt.Errorf("%s is no copy of this program's: move it away: %w", latest, err)
	}
	return n + 1, nil
}

// syncFile makes a file that SQLite wrote without care for a loss of power last.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// copiesOf returns the daily copies, oldest first.
func copiesOf(path string) []string { return copyFiles(path, strings.Repeat("[0-9]", 9)+".db") }

// copyFiles returns the files of copies that match a pattern, sorted.
func copyFiles(path, pattern string) []string {
	dir, prefix := filepath.Split(copyPrefix(path))
	names, err := fs.Glob(os.DirFS(dir), prefix+pattern)
	if err != nil {
		return nil
	}
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	return names
}

func LatestCopy(path string) string {
	copies := copiesOf(path)
	if len(copies) == 0 {
		return ""
	}
	return copies[len(copies)-1]
}
