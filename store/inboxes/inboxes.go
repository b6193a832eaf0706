// Package inboxes finds the folders in which hooks leave edits that the queue cannot store: the inbox in the data folder,
// and spare inboxes for when that folder cannot be used.
package inboxes

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// Of returns the inbox in a folder.
func Of(dir string) string { return filepath.Join(dir, "inbox") }

// A Spare is a folder whose inbox is used while the data folder cannot be used.
type Spare struct {
	Dir    string
	shared bool // the folder around it may be open to every user
}

// Spares returns the folders in the order in which they are tried: one beside the data folder, and one in the directory
// for temporary files.
func Spares(dir string) []Spare {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	sum := fnv.New64a()
	sum.Write([]byte(dir)) // a hash never fails
	temporary := fmt.Sprintf("stash-plex-sync-inbox-%d-%016x", os.Getuid(), sum.Sum64())
	return []Spare{{dir + "-inbox", false}, {filepath.Join(os.TempDir(), temporary), true}}
}

// usable returns an error if another user may have written to the folder. Another user may have created a folder of this
// name among the temporary files, so there even root trusts only its own.
func (s Spare) usable() error {
	if s.shared && !sqlitefile.IsOwn(s.Dir) {
		return fmt.Errorf("the folder %s belongs to another user", s.Dir)
	}
	return sqlitefile.CheckDir(s.Dir)
}

func (s Spare) leave(write func(dir string) error) error {
	if err := os.Mkdir(s.Dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot create a spare inbox: %w", err)
	}
	if err := s.usable(); err != nil {
		return err
	}
	err := write(s.Dir)
	if err != nil {
		s.discard()
	}
	return err
}

// discard removes an empty spare inbox. It keeps a folder that contains something or that belongs
// to another user.
func (s Spare) discard() {
	if s.usable() != nil {
		return
	}
	os.Remove(Of(s.Dir)) // fails if it is not empty
	os.Remove(s.Dir)     // fails if it is not empty
}

// Leave calls write with the data folder, or with spare folders if that fails, and returns the inbox of the folder that
// write could use. The error is that of the data folder.
func Leave(dir string, write func(dir string) error) (inbox string, err error) {
	if err = write(dir); err == nil {
		return Of(dir), nil
	}
	for _, spare := range Spares(dir) {
		for range 2 { // a run may just have removed the empty folder
			if spare.leave(write) == nil {
				return Of(spare.Dir), nil
			}
		}
	}
	return "", err
}

// All returns the inbox of the data folder and the spare ones that exist.
func All(dir string) []string {
	list := []string{Of(dir)}
	for _, spare := range Spares(dir) {
		if sqlitefile.Exists(spare.Dir) && spare.usable() == nil {
			list = append(list, Of(spare.Dir))
		}
	}
	return list
}

// DiscardSpares removes the spare folders that are empty.
func DiscardSpares(dir string) {
	for _, spare := range Spares(dir) {
		spare.discard()
	}
}
