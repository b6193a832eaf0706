// Package status reports the state of the queue and of Plex, in JSON and in words. Fields may be added, not renamed. Times
// are RFC 3339 or null; counts stop at sqlitefile.CountLimit, and then say capped.
package status

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/history"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// Listed is how many entries a list in a result holds at most.
const Listed = 50

// Report is the state of the queue and of Plex.
type Report struct {
	Version     string       `json:"version"`
	Database    string       `json:"database"`
	Queue       Queue        `json:"queue"`
	DeadLetters Dead         `json:"dead_letters"`
	Breaker     Breaker      `json:"breaker"`
	Plex        Plex         `json:"plex"`
	Links       int          `json:"links"`
	LinksCapped bool         `json:"links_capped,omitempty"`
	Outages     []Outage     `json:"outages"`
	CatchUp     CatchUp      `json:"catch_up"`
	Stopped     string       `json:"stopped"` // why the last run ended early; "" if it did not
	Reason      *desk.Reason `json:"stopped_reason"`
	Paused      *pause.State `json:"paused"` // null if no person has paused pushing
}

// Queue counts the pending jobs and lists those that failed, the latest first.
type Queue struct {
	Remaining
	NextDueAt *time.Time  `json:"next_due_at"`
	Items     []FailedJob `json:"items"`
}

// Dead lists the dead letters.
type Dead struct {
	Count   int            `json:"count"`
	Capped  bool           `json:"capped,omitempty"`
	ByClass map[string]int `json:"by_class"`
	Expired int            `json:"expired"`
	Items   []DeadLetter   `json:"items"`
}

// Remaining is what is left in the queue.
type Remaining struct {
	Due     int  `json:"due"`
	Waiting int  `json:"waiting"`
	Capped  bool `json:"capped,omitempty"`
}

// FailedJob is a job that is tried again.
type FailedJob struct {
	SceneID  int          `json:"scene_id"`
	Title    string       `json:"title"` // "" if Stash was not asked, or does not have the scene
	Class    string       `json:"class"`
	Error    string       `json:"error"`
	Attempts int          `json:"attempts"`
	Misses   int          `json:"misses"`
	DueAt    *time.Time   `json:"due_at"`
	Reason   *desk.Reason `json:"reason,omitempty"` // nil in the log of a task
}

// DeadLetter is a job that is no longer retried.
type DeadLetter struct {
	SceneID    int             `json:"scene_id"`
	Title      string          `json:"title,omitempty"`
	Class      string          `json:"class"`
	Error      string          `json:"error"`
	Attempts   int             `json:"attempts"`
	Misses     int             `json:"misses"`
	DiedAt     *time.Time      `json:"died_at"`
	Candidates json.RawMessage `json:"candidates"`
	Reason     *desk.Reason    `json:"reason,omitempty"` // nil in the log of a task
}

// Breaker is the breaker's row.
type Breaker struct {
	State     string     `json:"state"`
	Failures  int        `json:"consecutive_failures"`
	OpenedAt  *time.Time `json:"opened_at"`
	ProbeAt   *time.Time `json:"probe_at"`
	LastError string     `json:"last_error"`
}

// Plex is what is known of the server.
type Plex struct {
	Server   string    `json:"server"`
	Others   []string  `json:"others"` // if it did not answer last time: further addresses that the sign-in knows
	Sections []Section `json:"sections"`
}

// Section is one library in the index.
type Section struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Files     int        `json:"files"`
	Capped    bool       `json:"capped,omitempty"`
	IndexedAt *time.Time `json:"indexed_at"`
}

// Outage is a time during which Plex did not answer.
type Outage struct {
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Cause     string     `json:"cause"`
}

// CatchUp is how far the catch-up with Stash's changes has come.
type CatchUp struct {
	Watermark  string     `json:"watermark"`
	LastFullAt *time.Time `json:"last_full_at"`
}

// DropReasons removes what would make the report too long for Stash's log: reasons repeat the sentences.
func (r *Report) DropReasons() {
	r.Reason = nil
	for i := range r.Queue.Items {
		r.Queue.Items[i].Reason = nil
	}
	for i := range r.DeadLetters.Items {
		r.DeadLetters.Items[i].Reason = nil
	}
}

// Read reads the report from the queue. What the index holds is not part of it: Sections reads that.
func Read(ctx context.Context, db *store.Store, version string) (Report, error) {
	now := time.Now()
	r := Report{Version: version, Database: db.Dir(), Outages: []Outage{}, Paused: pause.Read(db.Dir(), now)}
	c, err := db.Counts(ctx, now)
	if err != nil {
		return r, err
	}
	b, err := db.Breaker(ctx)
	if err != nil {
		return r, err
	}
	letters, err := db.DeadLetters(ctx, store.Narrow{}, Listed)
	if err != nil {
		return r, err
	}
	jobs, err := db.FailedJobs(ctx, Listed)
	if err != nil {
		return r, err
	}
	outages, err := db.Outages(ctx)
	if err != nil {
		return r, err
	}
	r.Queue = Queue{RemainingOf(c), desk.When(c.NextDue), []FailedJob{}}
	for _, j := range jobs {
		r.Queue.Items = append(r.Queue.Items, failedJob(j))
	}
	r.DeadLetters = Dead{Count: c.Dead.N, Capped: c.Dead.Capped, ByClass: c.DeadByClass, Expired: c.ExpiredDead, Items: []DeadLetter{}}
	for _, d := range letters {
		r.DeadLetters.Items = append(r.DeadLetters.Items, DeadLetterOf(d))
	}
	r.Breaker, r.Outages = BreakerOf(b), OutagesOf(outages)
	r.Links, r.LinksCapped = c.Links.N, c.Links.Capped
	if r.Plex.Server, _, err = db.Meta(ctx, store.KeyServer); err != nil {
		return r, err
	}
	var code string
	if r.Stopped, code, err = Stopped(ctx, db); err != nil {
		return r, err
	}
	r.Reason = desk.ReasonOf("", code, r.Stopped)
	r.Plex.Sections, r.Plex.Others = []Section{}, []string{}
	if r.CatchUp.Watermark, _, err = db.Meta(ctx, store.KeyWatermark); err != nil {
		return r, err
	}
	_, full, err := db.Meta(ctx, store.KeyLastListing)
	r.CatchUp.LastFullAt = desk.When(full)
	return r, err
}

// BreakerOf returns what a report says about the breaker's row.
func BreakerOf(b store.Breaker) Breaker {
	return Breaker{string(b.State), b.Failures, desk.When(b.OpenedAt), desk.When(b.ProbeAt), b.LastError}
}

// OutagesOf returns what a report says about outages.
func OutagesOf(outages []history.Outage) []Outage {
	list := []Outage{}
	for _, o := range outages {
		list = append(list, Outage{desk.When(o.StartedAt), desk.When(o.EndedAt), o.Cause})
	}
	return list
}

// Stopped returns why the last run stopped: the sentence and the JSON of its code, both "" if it did not.
func Stopped(ctx context.Context, db *store.Store) (why, code string, err error) {
	if why, _, err = db.Meta(ctx, store.KeyStopped); err == nil {
		code, _, err = db.Meta(ctx, store.KeyStoppedReason)
	}
	return why, code, err
}

// DeadLetterOf returns what a report says about a dead letter.
func DeadLetterOf(d store.DeadLetter) DeadLetter {
	return DeadLetter{
		SceneID: d.Job.SceneID, Class: d.Job.ErrorClass, Error: d.Job.Error, Attempts: d.Job.Attempts, Misses: d.Job.Misses,
		DiedAt: desk.When(d.DiedAt), Candidates: d.Candidates, Reason: desk.ReasonOf(d.Job.ErrorClass, d.Job.Detail, d.Job.Error),
	}
}

// Sections returns the libraries of a server in the index, with the number of their files: at most Listed of them.
func Sections(ctx context.Context, index *plexindex.Index, server string) ([]Section, error) {
	readings, err := index.States(ctx, server)
	if err != nil {
		return nil, err
	}
	list := []Section{}
	for _, r := range readings[:min(len(readings), Listed)] {
		files, err := index.CountFiles(ctx, server, r.Section)
		if err != nil {
			return nil, err
		}
		list = append(list, Section{r.Section, r.Title, files.N, files.Capped, desk.When(r.CompleteAt)})
	}
	return list, nil
}

func failedJob(j store.Job) FailedJob {
	return FailedJob{
		SceneID: j.SceneID, Class: j.ErrorClass, Error: j.Error, Attempts: j.Attempts, Misses: j.Misses, DueAt: desk.When(j.DueAt),
		Reason: desk.ReasonOf(j.ErrorClass, j.Detail, j.Error),
	}
}

// RemainingOf returns what is left according to the counts of the queue.
func RemainingOf(c store.Counts) Remaining {
	return Remaining{Due: c.Due.N, Waiting: c.Waiting.N, Capped: c.Due.Capped || c.Waiting.Capped}
}
