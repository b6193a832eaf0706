package push

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/tally"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	noticesAtMost = 20 // how many lines about waiting scenes a run logs; Stash's log page has thirty
	titlesAtMost  = 3  // how many titles a line about several scenes names
)

// notice logs a scene that is not in Plex yet, unless its last look had the same result.
func (pl *Pipeline) notice(level zerolog.Level, p *Push, e *store.Completion, counter string, n int) {
	known := pl.Quiet || e.Error == p.Job.Error
	if !known {
		pl.once.noticed++
	}
	switch {
	case !known && pl.once.noticed <= noticesAtMost:
		logOf(pl.Log.WithLevel(level), p).Msg(retry.Waiting(retry.Class(e.Class), e.Error))
		return
	case !known && pl.once.noticed == noticesAtMost+1:
		pl.Log.Info().Msg("more scenes are not in Plex yet: run \"Queue status\" for a list")
	}
	logOf(pl.Log.Debug(), p).Int(counter, n).Str("wait", e.Wait.String()).Msg(e.Error)
}

// level returns the level of a line about a scene that is not in Plex.
func (pl *Pipeline) level(level zerolog.Level) zerolog.Level {
	if pl.Quiet {
		return zerolog.DebugLevel
	}
	return level
}

// skips are the scenes of a run that are skipped for one reason.
type skips struct {
	n      int
	titles []string
	first  *Push
	reason string // of the first
}

// skip counts a scene that is skipped or gone. LogSkipped logs it, unless it only has no data.
func (pl *Pipeline) skip(p *Push, e *store.Completion) {
	logOf(pl.Log.Debug(), p).Msg("skipped: " + e.Error)
	what := tally.Gone
	switch {
	case p.bare:
		what = tally.Bare
	case retry.Class(e.Class).Skips():
		what = tally.Skipped
	}
	if again := !pl.Tally.Count(p.Job.SceneID, what); again || p.bare {
		return
	}
	shared := retry.SharedReason(p.Failure())
	s := pl.once.skipped[shared]
	if s == nil {
		s = &skips{first: p, reason: e.Error}
		if pl.once.skipped == nil {
			pl.once.skipped = make(map[string]*skips)
		}
		pl.once.skipped[shared] = s
	}
	if s.n++; len(s.titles) < titlesAtMost {
		s.titles = append(s.titles, p.quoted())
	}
}

// quoted returns the title of a scene in quotes, or else its id.
func (p *Push) quoted() string {
	if title := p.Title(); title != "" {
		return `"` + title + `"`
	}
	return fmt.Sprintf("scene %d", p.Job.SceneID)
}

// LogSkipped logs the scenes that were skipped since the last call, a line for each reason.
func (pl *Pipeline) LogSkipped() {
	for _, shared := range slices.Sorted(maps.Keys(pl.once.skipped)) {
		s := pl.once.skipped[shared]
		if s.n == 1 {
			logOf(pl.Log.Info(), s.first).Msg("skipped: " + s.reason)
			continue
		}
		titles := strings.Join(s.titles, ", ")
		if more := s.n - len(s.titles); more > 0 {
			titles += fmt.Sprintf(" and %d more", more)
		}
		pl.Log.Info().Msg(fmt.Sprintf("skipped %d scenes (%s): %s", s.n, titles, shared))
	}
	pl.once.skipped = nil
}
