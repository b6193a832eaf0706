package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	keyWarned  = "warned_of_dead" // at: when a run last warned of dead letters
	warnedOnce = 24 * time.Hour
)

// warnOfDead warns once a day while there are dead letters: nothing else would mention them again.
func (s *session) warnOfDead(ctx context.Context, now time.Time, counts store.Counts) error {
	if counts.Dead.N == 0 {
		return nil
	}
	_, at, err := s.db.Meta(ctx, keyWarned)
	if age := now.Sub(at); err != nil || age >= 0 && age < warnedOnce {
		return err
	}
	s.z.Warn().Msg(deadLine(counts))
	return s.db.SetMeta(ctx, now, keyWarned, "")
}

// deadLine says how many dead letters there are, by class, and what to do about them.
func deadLine(counts store.Counts) string {
	line := text.Count(counts.Dead.N, "scene needs a look", "scenes need a look")
	if counts.Dead.Capped {
		line = "more than " + line
	}
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(counts.DeadByClass)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts.DeadByClass[class], class))
	}
	return line + " (" + strings.Join(parts, ", ") + "): \"Queue status\" lists them; when the cause is gone, run \"Retry dead letters\""
}
