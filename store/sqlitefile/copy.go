package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// copiesKept is how many copies of a database stay.
const copiesKept = 2

// copyPrefix returns the beginning of the paths of all copies of a database, such as queue.copy- for queue.db.
func copyPrefix(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".copy-" }

// Copy copies an open database to a new file beside it, removes all but the two newest copies, and returns the path of
// the copy.
func Copy(ctx context.Context, db *sql.DB, path string) (string, error) {
	for _, unfinished := range copyFiles(path, "*.db.new*") { // their process was killed
		os.Remove(unfinished) // the next copy tries again
	}
	name := copyPrefix(path) + fmt.Sprintf("%09d.db", nextCopy(path))
	tmp := name + ".new"
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, tmp); err != nil {
		Remove(tmp)
		return "", err
	}
	chmod(tmp, 0o600) // some file systems refuse, and PrepareDir has protected the folder as far as possible
	err := syncFile(tmp)
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		Remove(tmp)
		return "", err
	}
	syncDir(filepath.Dir(path))
	copies := copiesOf(path)
	for len(copies) > copiesKept {
		Remove(copies[0])
		copies = copies[1:]
	}
	return name, nil
}

// nextCopy returns the number of the next copy. Times instead of numbers would let a copy from a time when the clock
// was ahead count as the latest for years.
func nextCopy(path string) int {
	latest := strings.TrimPrefix(filepath.Base(LatestCopy(path)), filepath.Base(copyPrefix(path)))
	n, _ := strconv.Atoi(strings.TrimSuffix(latest, ".db")) // copiesOf finds only numbers; without a copy n is 0
	return n + 1
}

// syncFile makes a file survive a loss of power. VACUUM INTO does not.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// copiesOf returns the finished copies of a database, oldest first.
func copiesOf(path string) []string { return copyFiles(path, strings.Repeat("[0-9]", 9)+".db") }

// copyFiles returns the sorted paths of copies with a name that ends in a pattern.
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

// LatestCopy returns the path of the newest copy of a database, or "".
func LatestCopy(path string) string {
	copies := copiesOf(path)
	if len(copies) == 0 {
		return ""
	}
	return copies[len(copies)-1]
}
