package plays

import (
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// A Summary counts what a pull did.
type Summary struct {
	Noted   int    `json:"noted"`   // new plays that were found
	Written int    `json:"written"` // plays that Stash got
	Skipped int    `json:"skipped"` // plays that Stash has already, or whose item is gone
	Refused int    `json:"refused"` // plays that Stash refused
	Resumed int    `json:"resumed"` // resume points that Stash got
	Idle    string `json:"idle"`    // why nothing was read, in one sentence; "" if something was
}

// String says what a pull did; "" if it did nothing.
func (s Summary) String() string {
	return listed([]part{
		{s.Written, "play was added to Stash", "plays were added to Stash"},
		{s.Resumed, "resume point was set", "resume points were set"},
		{s.Skipped, "play was skipped", "plays were skipped"},
		{s.Refused, "play was refused by Stash", "plays were refused by Stash"},
	})
}

// An Undone counts what an undo took away.
type Undone struct {
	Plays   int `json:"plays"`
	Resumes int `json:"resumes"`
	Gone    int `json:"gone"` // plays and resume points that Stash no longer held
}

// String says what an undo did.
func (u Undone) String() string {
	line := fmt.Sprintf("removed %s from Stash and put back %s", text.Count(u.Plays, "play", "plays"), text.Count(u.Resumes, "resume point", "resume points"))
	if u.Gone > 0 {
		line += fmt.Sprintf("; %d more had changed or gone in Stash and stay", u.Gone)
	}
	return line
}

type part struct {
	n         int
	one, many string
}

func listed(parts []part) string {
	var words []string
	for _, p := range parts {
		if p.n > 0 {
			words = append(words, text.Count(p.n, p.one, p.many))
		}
	}
	return strings.Join(words, ", ")
}
