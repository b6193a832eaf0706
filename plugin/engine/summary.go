package engine

import (
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// stop notes what stopped the run.
func (s *Summary) stop(why gate.Stop) {
	s.Stopped, s.Class, s.Reason = why.Text, why.Class, why.Reason.JSON()
}

// String returns what a run did, in one line; "" if it did nothing. The numbers add up to the scenes of the run.
func (s Summary) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{
		{s.Synced, "synced"},
		{s.Unchanged, "unchanged"},
		{s.Retrying, "to be retried"},
		{s.Waiting, "waiting for Plex"},
		{s.Gone, "gone"},
		{s.Bare, "without data in Stash"},
		{s.Skipped - s.Bare, "skipped"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if s.Dead > 0 {
		parts = append(parts, text.Count(s.Dead, "dead letter", "dead letters"))
	}
	return strings.Join(parts, ", ")
}
