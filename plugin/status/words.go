package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Line returns the report in one line: the sums, each with what to do about it, and whether Plex answers.
func (r Report) Line() string {
	line := text.Count(r.Links, "item", "items") + " in Plex"
	if r.Queue.Due+r.Queue.Waiting+r.DeadLetters.Count == 0 {
		return line + ", nothing is pending. " + r.plexOrOthers()
	}
	if r.Queue.Due > 0 {
		line += ", " + text.Count(r.Queue.Due, "scene", "scenes") + " to push"
		if r.Breaker.State == string(store.BreakerClosed) && r.Paused == nil {
			line += " (run \"Process queue\")"
		}
	}
	if r.Queue.Waiting > 0 {
		line += ", " + text.Count(r.Queue.Waiting, "scene waits", "scenes wait") + " for a later edit or task"
	}
	if r.DeadLetters.Count > 0 {
		line += ", " + text.Count(r.DeadLetters.Count, "dead letter", "dead letters") + " (when the cause is gone, run \"Retry dead letters\")"
	}
	return line + ". " + r.plexOrOthers()
}

// othersShown is how many further addresses the line names.
const othersShown = 3

// plexOrOthers says how it is with Plex, and where else it may answer.
func (r Report) plexOrOthers() string {
	others := r.Plex.Others
	if r.Paused != nil || len(others) == 0 {
		return r.plex()
	}
	return text.Join(r.plex(), "if the address of Plex has changed, choose the server again, or set \"Plex address\" (plexUrl) to another one of its addresses: "+
		strings.Join(others[:min(len(others), othersShown)], ", "))
}

// plex says whether a person has paused pushing, or whether Plex answers.
func (r Report) plex() string {
	switch {
	case r.Paused != nil:
		return "Pushing is " + r.Paused.String()
	case r.Breaker.State != string(store.BreakerClosed) && r.Breaker.ProbeAt != nil:
		return PausedUntil(*r.Breaker.ProbeAt, r.Breaker.LastError)
	case r.Breaker.State != string(store.BreakerClosed):
		return "a run is trying whether Plex answers again"
	case r.Stopped != "":
		return "The last run stopped: " + r.Stopped
	case r.Breaker.Failures > 0:
		return "The last request to Plex failed: " + r.Breaker.LastError
	case r.Plex.Server == "":
		return "Plex has not been used yet: run \"Check connection\""
	}
	return "Plex answered last time"
}

// PausedUntil says that Plex is paused and what tries it again.
func PausedUntil(at time.Time, cause string) string {
	return fmt.Sprintf("Plex is paused: run \"Process queue\" to try it now; edits and scheduled runs try it after %s; the cause: %s", at.Local().Format(time.TimeOnly), cause)
}

// Text is the report for a terminal.
func (r Report) Text() string {
	all := fmt.Sprintf("Stash Plex Sync %s, %s\n%s\n", r.Version, r.Database, r.Line())
	for _, d := range r.DeadLetters.Items {
		all += fmt.Sprintf("  dead letter: scene %d (%s): %s\n", d.SceneID, d.Class, d.Error)
	}
	for _, j := range r.Queue.Items {
		all += fmt.Sprintf("  waiting: scene %d (%s, %s, %s): %s\n", j.SceneID, j.Class,
			text.Count(j.Attempts, "attempt", "attempts"), text.Count(j.Misses, "look", "looks"), j.Error)
	}
	for _, o := range r.Outages {
		end := "not over yet"
		if o.EndedAt != nil {
			end = "until " + o.EndedAt.Local().Format(time.DateTime)
		}
		all += fmt.Sprintf("  outage: %s %s: %s\n", o.StartedAt.Local().Format(time.DateTime), end, o.Cause)
	}
	return all
}
