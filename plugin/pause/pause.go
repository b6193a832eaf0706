// Package pause keeps whether a person has paused all pushing. The state is a file of its own beside the queue, so it
// survives damage of the queue and updates of the plugin.
package pause

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// File is the name of the file in the data folder.
const File = "pause.json"

// sizeAtMost bounds what is read of the file, in bytes.
const sizeAtMost = 4096

// A State is a pause.
type State struct {
	At    *time.Time `json:"at"` // when it began; nil if the file cannot be read
	By    string     `json:"by"`
	Until *time.Time `json:"until"` // when it ends; nil: when a person resumes
}

// New returns the pause that begins now. It ends after a time, or when a person resumes if that is 0.
func New(now time.Time, by string, last time.Duration) State {
	at := now.UTC().Truncate(time.Second)
	s := State{At: &at, By: by}
	if last > 0 {
		until := at.Add(last)
		s.Until = &until
	}
	return s
}

// Read returns the pause of a data folder; nil if nothing is paused. A file that cannot be read, or is damaged, is a pause
// until a person resumes: to push what a person has stopped is worse than to wait.
func Read(dir string, now time.Time) *State {
	path := filepath.Join(dir, File)
	info, err := os.Lstat(path)
	if err != nil { // there is none; or the folder cannot be searched, and then the queue in it cannot be used either
		return nil
	}
	var s State
	if !info.Mode().IsRegular() || info.Size() > sizeAtMost {
		return &State{}
	}
	switch content, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist): // removed in between
		return nil
	case err != nil, json.Unmarshal(content, &s) != nil, s.At == nil:
		return &State{}
	case s.Until != nil && !now.Before(*s.Until):
		return nil
	}
	return &s
}

// Write stores a pause, which then holds for every process.
func Write(dir string, s State) error {
	content, err := json.Marshal(s)
	if err == nil {
		err = sqlitefile.WriteAtomically(dir, File, content)
	}
	if err != nil {
		return fmt.Errorf("cannot pause: %w", sqlitefile.Explain(filepath.Join(dir, File), err))
	}
	return nil
}

// Remove ends the pause, if there is one. It also removes a damaged file.
func Remove(dir string) error {
	path := filepath.Join(dir, File)
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("cannot resume: %w", sqlitefile.Explain(path, err))
	}
	return nil
}

// String says in one sentence that pushing is paused, and what ends that.
func (s *State) String() string {
	if s.At == nil {
		return "paused, because " + File + " in the data folder cannot be read; nothing is pushed until you resume"
	}
	since := fmt.Sprintf("paused by %s since %s", s.By, s.At.Local().Format(time.DateTime))
	if s.Until == nil {
		return since + "; nothing is pushed until you resume"
	}
	return since + "; nothing is pushed until " + s.Until.Local().Format(time.DateTime) + " or until you resume"
}
