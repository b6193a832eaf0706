// Package explain concludes from what is stored about a scene why it is, or is not, in Plex. Fields may be added, not
// renamed.
package explain

import (
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Report says why a scene is, or is not, in Plex.
type Report struct {
	SceneID    int                `json:"scene_id"`
	State      string             `json:"state"` // synced, queued, waiting, dead, skipped, unknown
	Text       string             `json:"text"`
	Job        *Job               `json:"job"`
	DeadLetter *status.DeadLetter `json:"dead_letter"`
	Links      []Link             `json:"links"`
	Attempts   []Attempt          `json:"attempts"`

	Elsewhere bool `json:"-"` // it was pushed to a server that is no longer used
	Compared  bool `json:"-"` // with its item, since its last attempt: an attempt that finds nothing to change is not logged
}

// Job is a scene's job.
type Job struct {
	Reason        string       `json:"reason"`
	Priority      int          `json:"priority"`
	EnqueuedAt    *time.Time   `json:"enqueued_at"`
	DueAt         *time.Time   `json:"due_at"`
	Attempts      int          `json:"attempts"`
	Misses        int          `json:"misses"`
	Unfinished    int          `json:"unfinished"`
	FirstFailedAt *time.Time   `json:"first_failed_at"`
	Class         string       `json:"last_error_class"`
	Error         string       `json:"last_error"`
	Why           *desk.Reason `json:"last_reason"`
}

// Link is one Plex item that shows the scene.
type Link struct {
	RatingKey string     `json:"rating_key"`
	Section   string     `json:"section"`
	Path      string     `json:"path"`
	Rule      string     `json:"rule"`
	PushedAt  *time.Time `json:"pushed_at"`
	Restored  bool       `json:"restored,omitempty"` // the item is back in its state before the first push
}

// Attempt is one entry of the scene's attempt log.
type Attempt struct {
	At      *time.Time   `json:"at"`
	Outcome string       `json:"outcome"`
	Class   string       `json:"class"`
	Error   string       `json:"error"`
	Reason  *desk.Reason `json:"reason"`
}

// Facts are the inputs of an explanation besides the report itself.
type Facts struct {
	Now     time.Time
	Missing bool          // Stash has no such scene
	Paused  string        // why nothing may be pushed
	Breaker store.Breaker // whether Plex is paused
	Stopped string        // why the last run ended early
}

// Conclude sets State and Text from the rest of the report and the facts.
func (r *Report) Conclude(f Facts) {
	switch {
	case r.DeadLetter != nil:
		r.State, r.Text = "dead", r.dead()
	case r.Job != nil && r.waits(f.Now):
		r.State, r.Text = "waiting", r.waiting(f)
	case r.Job != nil:
		r.State, r.Text = "queued", r.queued(f)
	case f.Missing && len(r.Attempts) > 0:
		r.State, r.Text = "unknown", fmt.Sprintf("Stash no longer has scene %d: nothing is pushed", r.SceneID)
	case f.Missing:
		r.State, r.Text = "unknown", fmt.Sprintf("Stash has no scene %d", r.SceneID)
	case retry.Class(r.lastOutcome()).Drops(): // whatever was pushed before
		r.State, r.Text = "skipped", text.Join("skipped: "+r.Attempts[0].Error, "it is checked again when it is edited, and by \"Sync all scenes\"")
	case r.restored():
		r.State, r.Text = "skipped", "restored: its Plex item is back in its state before the first push; it is pushed again when it is edited, or by \"Sync all scenes\""
	case len(r.Links) > 0:
		r.State, r.Text = "synced", r.synced()
	default:
		r.State, r.Text = "unknown", r.unknown()
	}
	switch {
	case !f.Missing:
	case r.State != "unknown":
		r.Text = text.Join(r.Text, fmt.Sprintf("but Stash no longer has scene %d", r.SceneID))
	case len(r.Links) > 0:
		r.Text = fmt.Sprintf("Stash no longer has scene %d; Plex item %s still shows it", r.SceneID, r.Links[0].RatingKey)
	}
}

// lastOutcome returns the outcome of the scene's last attempt; "" if there is none that still counts.
func (r *Report) lastOutcome() string {
	if len(r.Attempts) == 0 || r.Compared {
		return ""
	}
	return r.Attempts[0].Outcome
}

// restored reports whether all of the scene's items are restored and none was pushed since.
func (r *Report) restored() bool {
	if len(r.Links) == 0 {
		return r.lastOutcome() == "restored"
	}
	return !slices.ContainsFunc(r.Links, func(l Link) bool { return !l.Restored })
}

// waits reports whether the job is not due yet. A due time further ahead than the longest wait means that the clock was
// set back since.
func (r *Report) waits(now time.Time) bool {
	return r.Job.DueAt.After(now) && !r.Job.DueAt.After(now.Add(store.LongestWait))
}

func (r *Report) dead() string {
	comesBack := "it is retried when it is edited, or by \"Retry dead letters\""
	if retry.Class(r.DeadLetter.Class).AwaitsFile() {
		comesBack = "it is retried when Plex has found its file, when it is edited, or by \"Retry dead letters\""
	}
	return text.Join(fmt.Sprintf("dead letter (%s): %s", r.DeadLetter.Class, r.DeadLetter.Error), comesBack)
}

func (r *Report) waiting(f Facts) string {
	why := r.Job.Error
	switch {
	case why == "" && r.Job.Unfinished == 0:
		why = "a person has postponed it"
	case why == "":
		why = "a run is pushing it, or ended while pushing it"
	case retry.Class(r.Job.Class).AwaitsFile():
		why += " (looked for " + text.Times(r.Job.Misses) + ")"
	case r.Job.Attempts > 0:
		why += " (failed " + text.Times(r.Job.Attempts) + ")"
	}
	next := fmt.Sprintf("edits, tasks and scheduled runs retry it after %s", r.Job.DueAt.Local().Format(time.TimeOnly))
	return text.Join("waits: "+why, next, f.held())
}

func (r *Report) queued(f Facts) string {
	return text.Join(fmt.Sprintf("queued (%s): the next run of \"Process queue\" pushes it", r.Job.Reason), f.held())
}

// held says what keeps runs from pushing: a pause of a person, a paused Plex, or why the last run stopped; "" if nothing
// does.
func (f Facts) held() string {
	switch {
	case f.Paused != "":
		return "but pushing is " + f.Paused
	case f.Breaker.State == store.BreakerOpen:
	case f.Stopped != "":
		return "but the last run stopped: " + f.Stopped
	default:
		return ""
	}
	return "but " + status.PausedUntil(f.Breaker.ProbeAt, f.Breaker.LastError)
}

func (r *Report) synced() string {
	l := r.Links[0]
	if l.PushedAt == nil { // a restore knew the item, and then a person removed the job that would have pushed it again
		return fmt.Sprintf("Plex item %s belongs to it, but was not pushed since it was restored: it is pushed when the scene is edited, or by \"Sync all scenes\"", l.RatingKey)
	}
	in := fmt.Sprintf("in Plex as item %s (%s), matched by %s, last compared at %s", l.RatingKey, l.Path, l.Rule, l.PushedAt.Local().Format(time.DateTime))
	if more := len(r.Links) - 1; more > 0 {
		in += "; and as " + text.Count(more, "more item", "more items")
	}
	return in
}

func (r *Report) unknown() string {
	const how = "a scene is pushed for the first time by an edit, by sync-scene or by \"Sync all scenes\""
	if len(r.Attempts) > 0 && r.Attempts[0].Error != "" {
		return text.Join("not in Plex, and no longer queued", "last attempt: "+r.Attempts[0].Error, how)
	}
	if r.Elsewhere {
		return "not on this Plex server: it was pushed to a different one; for this server, " + how
	}
	return "never pushed: " + how
}
