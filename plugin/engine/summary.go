package engine

import (
	"fmt"
	"strings"
)

// String returns what a run did, in one line; "" if it did nothing.
func (s Summary) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		text string
	}{
		{s.Synced, "synced"},
		{s.Unchanged, "unchanged"},
		{s.Retrying, "to be retried"},
		{s.Waiting, "waiting for Plex to scan"},
		{s.Gone, "gone"},
		{s.Skipped, "skipped"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	switch {
	case s.Dead == 1:
		parts = append(parts, "1 dead letter")
	case s.Dead > 1:
		parts = append(parts, fmt.Sprintf("%d dead letters", s.Dead))
	}
	return strings.Join(parts, ", ")
}
