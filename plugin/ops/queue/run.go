package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/progress"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/reach"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// RunReport is the run in progress.
type RunReport struct {
	What       string     `json:"what"`
	AskedBy    string     `json:"asked_by"`
	Since      *time.Time `json:"since"`
	Step       string     `json:"step"`
	Done       int        `json:"done"`
	Total      int        `json:"total"`
	SceneID    int        `json:"scene_id"`
	Title      string     `json:"title"`
	WaitsFor   string     `json:"waits_for"`
	WaitsUntil *time.Time `json:"waits_until"`
	Text       string     `json:"text"`
}

// aPerson is the asked_by of a run that a person started.
const aPerson = "person"

// Pulse is what every view of the page needs to know, and what it asks often.
type Pulse struct {
	Version string     `json:"version"`
	Run     *RunReport `json:"run"`
	desk.Revisions
	Configured bool           `json:"configured"` // false: neither the settings nor a sign-in say where Plex is
	Problem    string         `json:"problem"`    // a setting that must be corrected before anything is pushed; "" if there is none
	Stopped    *desk.Reason   `json:"stopped"`
	Paused     *pause.State   `json:"paused"`
	Queue      QueueState     `json:"queue"`
	Breaker    status.Breaker `json:"breaker"`
	Reachable  *bool          `json:"reachable"` // whether Plex answered the last request; null if there was none
	LastError  string         `json:"last_error"`
	Name       string         `json:"name"` // of Plex; "" if it is unknown
	Server     string         `json:"server"`
}

// showRun answers the run in progress and the state of the queue, without counting scenes.
func showRun(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	o := Overview{Paused: pause.Read(d.Store.Dir(), d.Now()), Run: runNow(ctx, d)}
	if err := o.readMeta(ctx, d); err != nil { // first: what changes meanwhile is seen at the next look
		return nil, err
	}
	if err := o.readQueue(ctx, d); err != nil {
		return nil, err
	}
	m, err := reach.Read(ctx, d.Store)
	if err != nil {
		return nil, err
	}
	p := Pulse{
		Version: d.Version, Run: o.Run, Revisions: o.Revisions, Configured: !unset(d), Stopped: o.Stopped, Paused: o.Paused, Queue: o.Queue,
		Breaker: o.Breaker, LastError: m.Failure, Name: m.Name,
	}
	if yes, known := m.Reachable(); known {
		p.Reachable = &yes
	}
	if problems := settings.ProblemsOf(d.SettingsErr); len(problems) > 0 {
		p.Problem = problems[0].String()
	}
	p.Server, _, err = d.Store.Meta(ctx, store.KeyServer)
	return p, err
}

// unset reports whether nobody has said where Plex is.
func unset(d *desk.Desk) bool {
	address := func(p settings.Problem) bool { return p.Setting == "plexUrl" && p.Unset() } // other problems are no lack of a sign-in
	return d.Settings.PlexToken == "" && slices.ContainsFunc(settings.ProblemsOf(d.SettingsErr), address)
}

// runNow returns the run in progress; nil if there is none. It asks Stash for the title of the current scene.
func runNow(ctx context.Context, d *desk.Desk) *RunReport {
	now, err := progress.Read(d.Store.Dir())
	if err != nil {
		d.Log.Debug().Err(err).Msg("cannot read the run in progress")
	}
	if now == nil {
		return nil
	}
	r := RunReport{
		What: text.OneLine(now.What, text.ValueLimit), AskedBy: cmp.Or(text.OneLine(now.AskedBy, text.ValueLimit), aPerson), Since: desk.When(now.Since),
		Step: now.Name, Done: now.Done, Total: now.Total, SceneID: now.Scene, WaitsFor: now.WaitsFor, WaitsUntil: desk.When(now.Until),
	}
	if r.SceneID != 0 {
		r.Title = d.Titles(ctx, []int{r.SceneID})[r.SceneID]
	}
	r.Text = fmt.Sprintf("%s has been running since %s: %s", r.What, now.Since.Local().Format(time.TimeOnly), stepText(now.Step))
	return &r
}

// stepText says what a run does.
func stepText(s doing.Step) string {
	until := s.Until.Local().Format(time.TimeOnly)
	switch s.WaitsFor {
	case doing.ForJob:
		return "it waits for the next scene, which is due at " + until
	case doing.ForPlex:
		return "Plex does not answer; it tries again at " + until
	case doing.ForProbe:
		return "Plex is paused; it tries Plex again at " + until
	}
	of := fmt.Sprint(s.Done)
	if s.Total > 0 {
		of = fmt.Sprintf("%d of %d", s.Done, s.Total)
	}
	switch s.Name {
	case doing.Listing:
		return "it lists Stash's scenes, " + of
	case doing.Reading:
		return "it reads Plex's files, " + of
	case doing.Restoring:
		return of + " items are restored"
	case doing.Pushing:
		return of + " scenes are done"
	}
	return "it begins"
}
