// Package doing describes what a run does at a time, for others to see.
package doing

import "time"

// A Step is what a run does at a time.
type Step struct {
	Name     string    `json:"step"`      // Listing, Reading, Pushing or Restoring; "" before the first
	Done     int       `json:"done"`      // scenes; when Reading or Restoring, Plex's items
	Total    int       `json:"total"`     // 0 if it is unknown
	Scene    int       `json:"scene"`     // the current one; 0 if there is none
	WaitsFor string    `json:"waits_for"` // ForJob, ForPlex or ForProbe; "" if the run works
	Until    time.Time `json:"until,omitzero"`
}

// The names of steps.
const (
	Listing   = "listing" // Stash's scenes
	Reading   = "reading" // Plex's files
	Pushing   = "pushing"
	Restoring = "restoring"
)

// What a run waits for.
const (
	ForJob   = "job"   // the next one that is due
	ForPlex  = "plex"  // the end of a short outage
	ForProbe = "probe" // the time when a paused Plex is tried again
)

// A Reporter reports the steps of one run. It is used by one goroutine.
type Reporter struct {
	Show func(Step) // called often; nil: nobody looks

	own Step
}

// Works reports how far the run's own work has come.
func (r *Reporter) Works(name string, done, total int) {
	r.own.Name, r.own.Done, r.own.Total = name, done, total
	r.show(r.own)
}

// Begins reports the scene that the run works on.
func (r *Reporter) Begins(scene int) {
	r.own.Scene = scene
	r.show(r.own)
}

// Prepares reports work that the run's own work needs. Afterwards Works or Begins reports the own work again.
func (r *Reporter) Prepares(name string, done, total int) {
	r.show(Step{Name: name, Done: done, Total: total})
}

// Waits reports that the run waits between two scenes.
func (r *Reporter) Waits(what string, until time.Time) {
	r.own.Scene = 0
	step := r.own
	step.WaitsFor, step.Until = what, until
	r.show(step)
}

func (r *Reporter) show(s Step) {
	if r.Show != nil {
		r.Show(s)
	}
}
