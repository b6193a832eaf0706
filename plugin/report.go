package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// listed is how many entries a list in a result holds at most.
const listed = 50

// logged is how many lines a restore logs about items at most: Stash's log page shows the newest thirty.
const logged = 20

// The results of operations. Fields may be added, not renamed. Times are RFC 3339 or null; counts stop at
// sqlitefile.CountLimit, and then say capped.

// ProcessReport is what a run did.
type ProcessReport struct {
	Synced    int          `json:"synced"`
	Unchanged int          `json:"unchanged"`
	Retrying  int          `json:"retrying"`
	Waiting   int          `json:"waiting"`
	Dead      int          `json:"dead"`
	Gone      int          `json:"gone"`
	Skipped   int          `json:"skipped"`
	Remaining Remaining    `json:"remaining"`
	NextDueAt *time.Time   `json:"next_due_at"`
	Breaker   string       `json:"breaker"`
	Stopped   string       `json:"stopped"`
	Class     retry.Class  `json:"stopped_class,omitempty"`
	Reason    *desk.Reason `json:"reason,omitempty"` // of Stopped; nil if it is empty
	Queued    bool         `json:"queued,omitempty"` // sync-scene: the scene was not looked at, and a later run pushes it
}

// Remaining is what is left in the queue.
type Remaining struct {
	Due     int  `json:"due"`
	Waiting int  `json:"waiting"`
	Capped  bool `json:"capped,omitempty"`
}

func processReport(sum engine.Summary, c store.Counts, b store.Breaker) ProcessReport {
	return ProcessReport{
		Synced: sum.Synced, Unchanged: sum.Unchanged, Retrying: sum.Retrying, Waiting: sum.Waiting,
		Dead: sum.Dead, Gone: sum.Gone, Skipped: sum.Skipped,
		Remaining: remaining(c), NextDueAt: rfc3339(c.NextDue), Breaker: string(b.State), Stopped: sum.Stopped, Class: sum.Class,
		Reason: desk.ReasonOf(string(sum.Class), sum.Reason, sum.Stopped),
	}
}

func remaining(c store.Counts) Remaining {
	return Remaining{Due: c.Due.N, Waiting: c.Waiting.N, Capped: c.Due.Capped || c.Waiting.Capped}
}

// rfc3339 returns t as JSON shows it: in UTC and full seconds, null if it is zero.
func rfc3339(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

// StatusReport is the state of the queue and of Plex.
type StatusReport struct {
	Version     string         `json:"version"`
	Database    string         `json:"database"`
	Queue       QueueReport    `json:"queue"`
	DeadLetters DeadReport     `json:"dead_letters"`
	Breaker     BreakerReport  `json:"breaker"`
	Plex        PlexReport     `json:"plex"`
	Links       int            `json:"links"`
	LinksCapped bool           `json:"links_capped,omitempty"`
	Outages     []OutageReport `json:"outages"`
	CatchUp     CatchUpReport  `json:"catch_up"`
	Stopped     string         `json:"stopped"` // why the last run ended early; "" if it did not
	Reason      *desk.Reason   `json:"stopped_reason"`
	Paused      *pause.State   `json:"paused"` // null if no person has paused pushing
}

// QueueReport counts the pending jobs and lists those that failed, the latest first.
type QueueReport struct {
	Remaining
	NextDueAt *time.Time  `json:"next_due_at"`
	Items     []FailedJob `json:"items"`
}

// DeadReport lists the dead letters.
type DeadReport struct {
	Count   int            `json:"count"`
	Capped  bool           `json:"capped,omitempty"`
	ByClass map[string]int `json:"by_class"`
	Expired int            `json:"expired"`
	Items   []DeadLetter   `json:"items"`
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

// BreakerReport is the breaker's row.
type BreakerReport struct {
	State     string     `json:"state"`
	Failures  int        `json:"consecutive_failures"`
	OpenedAt  *time.Time `json:"opened_at"`
	ProbeAt   *time.Time `json:"probe_at"`
	LastError string     `json:"last_error"`
}

// PlexReport is what is known of the server.
type PlexReport struct {
	Server   string          `json:"server"`
	Sections []SectionReport `json:"sections"`
}

// SectionReport is one library in the index.
type SectionReport struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Files     int        `json:"files"`
	Capped    bool       `json:"capped,omitempty"`
	IndexedAt *time.Time `json:"indexed_at"`
}

// OutageReport is a time during which Plex did not answer.
type OutageReport struct {
	StartedAt *time.Time `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at"`
	Cause     string     `json:"cause"`
}

// CatchUpReport is how far the catch-up with Stash's changes has come.
type CatchUpReport struct {
	Watermark  string     `json:"watermark"`
	LastFullAt *time.Time `json:"last_full_at"`
}

func (s *session) status(ctx context.Context, args common.ArgsMap) (any, error) {
	if err := s.openToLog(ctx); err != nil {
		return nil, err
	}
	r, err := Status(ctx, s.db, s.Version)
	if err != nil {
		return nil, err
	}
	if s.index, err = plexindex.Open(ctx, s.dir); err != nil {
		return nil, err
	}
	if r.Plex.Sections, err = sections(ctx, s.index, r.Plex.Server); err != nil {
		return nil, err
	}
	s.logUnpushed(ctx, &r)
	s.z.Info().Msg(r.Line()) // last: Stash shows the newest line first
	if isTask(args) {
		r.dropReasons()
	}
	return r, nil
}

// dropReasons removes what would make the report too long for Stash's log: reasons repeat the sentences.
func (r *StatusReport) dropReasons() {
	r.Reason = nil
	for i := range r.Queue.Items {
		r.Queue.Items[i].Reason = nil
	}
	for i := range r.DeadLetters.Items {
		r.DeadLetters.Items[i].Reason = nil
	}
}

// Status reads the report from the queue. What the index holds is not part of it.
func Status(ctx context.Context, db *store.Store, version string) (StatusReport, error) {
	now := time.Now()
	r := StatusReport{Version: version, Database: db.Dir(), Outages: []OutageReport{}, Paused: pause.Read(db.Dir(), now)}
	c, err := db.Counts(ctx, now)
	if err != nil {
		return r, err
	}
	b, err := db.Breaker(ctx)
	if err != nil {
		return r, err
	}
	letters, err := db.DeadLetters(ctx, store.Narrow{}, listed)
	if err != nil {
		return r, err
	}
	jobs, err := db.FailedJobs(ctx, listed)
	if err != nil {
		return r, err
	}
	outages, err := db.Outages(ctx)
	if err != nil {
		return r, err
	}
	r.Queue = QueueReport{remaining(c), rfc3339(c.NextDue), []FailedJob{}}
	for _, j := range jobs {
		r.Queue.Items = append(r.Queue.Items, failedJob(j))
	}
	r.DeadLetters = DeadReport{Count: c.Dead.N, Capped: c.Dead.Capped, ByClass: c.DeadByClass, Expired: c.ExpiredDead, Items: []DeadLetter{}}
	for _, d := range letters {
		r.DeadLetters.Items = append(r.DeadLetters.Items, deadLetter(d))
	}
	r.Breaker = BreakerReport{string(b.State), b.Failures, rfc3339(b.OpenedAt), rfc3339(b.ProbeAt), b.LastError}
	for _, o := range outages {
		r.Outages = append(r.Outages, OutageReport{rfc3339(o.StartedAt), rfc3339(o.EndedAt), o.Cause})
	}
	r.Links, r.LinksCapped = c.Links.N, c.Links.Capped
	if r.Plex.Server, _, err = db.Meta(ctx, store.KeyServer); err != nil {
		return r, err
	}
	var code string
	if r.Stopped, code, err = stopped(ctx, db); err != nil {
		return r, err
	}
	r.Reason = desk.ReasonOf("", code, r.Stopped)
	r.Plex.Sections = []SectionReport{}
	if r.CatchUp.Watermark, _, err = db.Meta(ctx, store.KeyWatermark); err != nil {
		return r, err
	}
	_, full, err := db.Meta(ctx, store.KeyLastListing)
	r.CatchUp.LastFullAt = rfc3339(full)
	return r, err
}

// stopped returns why the last run stopped: the sentence and the JSON of its code, both "" if it did not.
func stopped(ctx context.Context, db *store.Store) (why, code string, err error) {
	if why, _, err = db.Meta(ctx, store.KeyStopped); err == nil {
		code, _, err = db.Meta(ctx, store.KeyStoppedReason)
	}
	return why, code, err
}

func deadLetter(d store.DeadLetter) DeadLetter {
	return DeadLetter{
		SceneID: d.Job.SceneID, Class: d.Job.ErrorClass, Error: d.Job.Error, Attempts: d.Job.Attempts, Misses: d.Job.Misses,
		DiedAt: rfc3339(d.DiedAt), Candidates: d.Candidates, Reason: desk.ReasonOf(d.Job.ErrorClass, d.Job.Detail, d.Job.Error),
	}
}

func sections(ctx context.Context, index *plexindex.Index, server string) ([]SectionReport, error) {
	readings, err := index.States(ctx, server)
	if err != nil {
		return nil, err
	}
	list := []SectionReport{}
	for _, r := range readings[:min(len(readings), listed)] {
		files, err := index.CountFiles(ctx, server, r.Section)
		if err != nil {
			return nil, err
		}
		list = append(list, SectionReport{r.Section, r.Title, files.N, files.Capped, rfc3339(r.CompleteAt)})
	}
	return list, nil
}

// Line returns the report in one line: the sums, each with what to do about it, and whether Plex answers.
func (r StatusReport) Line() string {
	line := text.Count(r.Links, "item", "items") + " in Plex"
	if r.Queue.Due+r.Queue.Waiting+r.DeadLetters.Count == 0 {
		return line + ", nothing is pending. " + r.plex()
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
	return line + ". " + r.plex()
}

// plex says whether a person has paused pushing, or whether Plex answers.
func (r StatusReport) plex() string {
	switch {
	case r.Paused != nil:
		return "Pushing is " + r.Paused.String()
	case r.Breaker.State != string(store.BreakerClosed) && r.Breaker.ProbeAt != nil:
		return pausedUntil(*r.Breaker.ProbeAt, r.Breaker.LastError)
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

// pausedUntil says that Plex is paused and what tries it again.
func pausedUntil(at time.Time, cause string) string {
	return fmt.Sprintf("Plex is paused: run %q to try it now; edits and scheduled runs try it after %s; the cause: %s", taskName, at.Local().Format(time.TimeOnly), cause)
}

// Text is the report for a terminal.
func (r StatusReport) Text() string {
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
