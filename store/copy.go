package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	copyPrefix = "queue.copy-"
	copyEvery  = 24 * time.Hour
	copiesKept = 2
)

// CopyDaily makes a copy of queue.db if the last one is a day old, and keeps two. It reports whether it
// made one.
func (s *Store) CopyDaily(ctx context.Context, now time.Time) (bool, error) {
	_, last, err := s.Meta(ctx, KeyLastCopy)
	if err != nil {
		return false, err
	}
	if age := now.Sub(last); age >= 0 && age < copyEvery {
		return false, nil
	}
	name := filepath.Join(s.dir, fmt.Sprintf("%s%015d.db", copyPrefix, now.UnixMilli()))
	tmp := name + ".new"
	removeAll(tmp)
	if _, err := s.read.ExecContext(ctx, `VACUUM INTO ?`, tmp); err != nil {
		removeAll(tmp)
		return false, fmt.Errorf("copy the database: %w", s.mark(err))
	}
	if err := errors.Join(os.Chmod(tmp, 0o600), os.Rename(tmp, name)); err != nil {
		return false, fmt.Errorf("copy the database: %w", err)
	}
	copies := copiesOf(s.dir)
	for len(copies) > copiesKept {
		removeAll(copies[0])
		copies = copies[1:]
	}
	return true, s.SetMeta(ctx, now, KeyLastCopy, name)
}

// copiesOf returns the daily copies, oldest first.
func copiesOf(dir string) []string {
	names, err := filepath.Glob(filepath.Join(escapeGlob(dir), copyPrefix+"*.db"))
	if err != nil {
		return nil
	}
	slices.Sort(names)
	return names
}

func latestCopy(dir string) string {
	copies := copiesOf(dir)
	if len(copies) == 0 {
		return ""
	}
	return copies[len(copies)-1]
}

// escapeGlob makes a folder's name match itself only.
func escapeGlob(dir string) string {
	var b []rune
	for _, r := range dir {
		switch r {
		case '*', '?', '[':
			b = append(b, '[', r, ']')
		default:
			b = append(b, r)
		}
	}
	return string(b)
}
