package plugin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// finish logs the last line of a run, and returns the same as a report.
func (s *session) finish(ctx context.Context, sum engine.Summary, began time.Time) (r ProcessReport, err error) {
	if err := s.open(ctx); err != nil { // the run may have stopped before it opened the queue
		return r, err
	}
	now := time.Now()
	counts, err := s.db.Counts(ctx, now)
	if err != nil {
		return r, err
	}
	breaker, err := s.db.Breaker(ctx)
	if err != nil {
		return r, err
	}
	if err := s.noteStop(ctx, sum); err != nil {
		return r, err
	}
	if err := s.warnOfDead(ctx, now, counts); err != nil {
		return r, err
	}
	line := closingLine(sum, counts, false)
	s.event(sum.Class).Str("took", now.Sub(began).Round(time.Millisecond).String()).Msg(line)
	return processReport(sum, counts, breaker), nil
}

// noteStop stores why the last run stopped, for status and explain; "" if it did not. A run that could not begin, or
// was cancelled, changes nothing.
func (s *session) noteStop(ctx context.Context, sum engine.Summary) error {
	var why, code string
	switch {
	case sum.Class.NeedsPerson(), sum.Class.Passes():
		why, code = s.log.Hide(sum.Stopped), s.log.Hide(sum.Reason)
	case sum.Stopped != "":
		return nil
	}
	before, codeBefore, err := status.Stopped(ctx, s.db)
	if err != nil || before == why && codeBefore == code {
		return err
	}
	return s.db.SetStopped(ctx, time.Now(), why, code)
}

// event starts a log line at the level of what stopped a run.
func (s *session) event(class retry.Class) *zerolog.Event {
	switch {
	case class.NeedsPerson():
		return s.z.Error()
	case class.Passes():
		return s.z.Warn()
	}
	return s.z.Info()
}

// closingLine says what a run did, why it stopped early, and what is left. If the run waits, it says that too.
func closingLine(sum engine.Summary, counts store.Counts, waits bool) string {
	var parts []string
	if done := sum.String(); done != "" {
		if waits {
			done = "so far: " + done
		}
		parts = append(parts, done)
	}
	if counts.Due.N > 0 {
		parts = append(parts, scenes(counts.Due)+" to push")
	}
	if !counts.NextDue.IsZero() {
		waiting := text.Count(counts.Waiting.N, "scene waits", "scenes wait")
		if counts.Waiting.Capped {
			waiting = "more than " + waiting
		}
		switch {
		case waits:
			waiting += ": this task tries again for up to five minutes, or until another task is started"
		case sum.Stopped != "": // the line is long already
			waiting += " for a later edit or task"
		default:
			waiting += " for a later edit or task (\"Queue status\" lists what waits)"
		}
		parts = append(parts, waiting)
	}
	if sum.Class.NeedsPerson() && counts.Due.N > 0 {
		parts = append(parts, fmt.Sprintf("afterwards run %q", taskName))
	}
	line := strings.Join(parts, "; ")
	switch {
	case sum.Stopped != "" && line != "":
		return sum.Stopped + " (" + line + ")"
	case sum.Stopped != "":
		return sum.Stopped
	case line == "":
		return "nothing to do"
	}
	return line
}

func scenes(c sqlitefile.Count) string {
	count := text.Count(c.N, "scene", "scenes")
	if c.Capped {
		return "more than " + count
	}
	return count
}
