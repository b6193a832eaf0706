package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	copyPrefix = "queue.copy-"
	copyEvery  = 24 * time.Hour
	copiesKept = 2
)

// CopyDaily makes a copy of queue.db if the last one is a day old, and keeps two. It reports whether it
// made one. The file is checked before: damage that nobody has met must not get into the copies.
func (s *Store) CopyDaily(ctx context.Context, now time.Time) (bool, error) {
	_, last, err := s.Meta(ctx, KeyLastCopy)
	if err != nil {
		return false, err
	}
	if age := now.Sub(last); age >= 0 && age < copyEvery {
		return false, nil
	}
	damage, err := check(ctx, s.read)
	if err == nil && damage != "" {
		err = fmt.Errorf("%w: %s", errUnsound, damage)
	}
	if err != nil {
		return false, fmt.Errorf("check the database: %w", s.mark(err))
	}
	for _, unfinished := range copyFiles(s.dir, "*.db.new*") { // its process was killed
		os.Remove(unfinished) // what stays is removed by the next copy
	}
	number, err := nextCopy(s.dir)
	if err != nil {
		return false, err
	}
	name := filepath.Join(s.dir, fmt.Sprintf("%s%09d.db", copyPrefix, number))
	tmp := name + ".new"
	if _, err := s.read.ExecContext(ctx, `VACUUM INTO ?`, tmp); err != nil {
		removeAll(tmp)
		return false, fmt.Errorf("copy the database: %w", s.mark(err))
	}
	if err := errors.Join(os.Chmod(tmp, 0o600), syncFile(tmp), os.Rename(tmp, name)); err != nil {
		return false, fmt.Errorf("copy the database: %w", err)
	}
	syncDir(s.dir)
	copies := copiesOf(s.dir)
	for len(copies) > copiesKept {
		removeAll(copies[0])
		copies = copies[1:]
	}
	return true, s.SetMeta(ctx, now, KeyLastCopy, name)
}

// nextCopy returns the number of the next copy. The clock would not do: a copy made while it was ahead
// would count as the latest for years.
func nextCopy(dir string) (int, error) {
	latest := latestCopy(dir)
	if latest == "" {
		return 1, nil
	}
	var n int
	if _, err := fmt.Sscanf(filepath.Base(latest), copyPrefix+"%d.db", &n); err != nil {
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
func copiesOf(dir string) []string { return copyFiles(dir, strings.Repeat("[0-9]", 9)+".db") }

// copyFiles returns the files of copies that match a pattern, sorted.
func copyFiles(dir, pattern string) []string {
	names, err := fs.Glob(os.DirFS(dir), copyPrefix+pattern)
	if err != nil {
		return nil
	}
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
	}
	return names
}

func latestCopy(dir string) string {
	copies := copiesOf(dir)
	if len(copies) == 0 {
		return ""
	}
	return copies[len(copies)-1]
}
