package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// listed is how many entries a list in a result holds at most.
const listed = 50

// logged is how many lines a report takes at most in Stash's log, whose page keeps the newest thirty.
const logged = 20

// The results of operations. Fields may be added, not renamed. Times are RFC 3339 or null; counts stop at
// sqlitefile.CountLimit, and then say capped.

// ProcessReport is what a run did.
type ProcessReport struct {
	Synced    int         `json:"synced"`
	Unchanged int         `json:"unchanged"`
	Retrying  int         `json:"retrying"`
	Waiting   int         `json:"waiting"`
	Dead      int         `json:"dead"`
	Gone      int         `json:"gone"`
	Skipped   int         `json:"skipped"`
	Remaining Remaining   `json:"remaining"`
	NextDueAt *time.Time  `json:"next_due_at"`
	Breaker   string      `json:"breaker"`
	Stopped   string      `json:"stopped"`
	Class     retry.Class `json:"stopped_class,omitempty"`
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
}

// QueueReport counts the pending jobs.
type QueueReport struct {
	Remaining
	NextDueAt *time.Time `json:"next_due_at"`
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
	Class      string          `json:"class"`
	Error      string          `json:"error"`
	Attempts   int             `json:"attempts"`
	Misses     int             `json:"misses"`
	DiedAt     *time.Time      `json:"died_at"`
	Candidates json.RawMessage `json:"candidates"`
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

func (s *session) status(ctx context.Context, _ common.ArgsMap) (any, error) {
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
	for _, d := range r.DeadLetters.Items[:min(len(r.DeadLetters.Items), logged)] {
		s.z.Info().Int("scene", d.SceneID).Str("class", d.Class).Msg("dead letter: " + d.Error)
	}
	s.z.Info().Msg(r.Line()) // last: Stash shows the newest line first
	return r, nil
}

// Status reads the report from the queue. What the index holds is not part of it.
func Status(ctx context.Context, db *store.Store, version string) (StatusReport, error) {
	now := time.Now()
	r := StatusReport{Version: version, Database: db.Dir(), Outages: []OutageReport{}}
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
	outages, err := db.Outages(ctx)
	if err != nil {
		return r, err
	}
	r.Queue = QueueReport{remaining(c), rfc3339(c.NextDue)}
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
	r.Plex.Sections = []SectionReport{}
	if r.CatchUp.Watermark, _, err = db.Meta(ctx, store.KeyWatermark); err != nil {
		return r, err
	}
	_, full, err := db.Meta(ctx, store.KeyLastListing)
	r.CatchUp.LastFullAt = rfc3339(full)
	return r, err
}

func deadLetter(d store.DeadLetter) DeadLetter {
	return DeadLetter{
		SceneID: d.Job.SceneID, Class: d.Job.ErrorClass, Error: d.Job.Error, Attempts: d.Job.Attempts, Misses: d.Job.Misses,
		DiedAt: rfc3339(d.DiedAt), Candidates: d.Candidates,
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

// Line returns the report in one line: the sums, whether Plex is paused, and what to do next.
func (r StatusReport) Line() string {
	line := fmt.Sprintf("%d due, %d waiting, %s, %s", r.Queue.Due, r.Queue.Waiting,
		text.Count(r.DeadLetters.Count, "dead letter", "dead letters"), text.Count(r.Links, "linked Plex item", "linked Plex items"))
	paused := r.Breaker.State != string(store.BreakerClosed)
	switch {
	case !paused:
		line += "; Plex is not paused"
	case r.Breaker.ProbeAt != nil:
		line = text.Join(line, fmt.Sprintf("Plex is paused: %s", r.Breaker.LastError),
			fmt.Sprintf("the first run from %s tries it again, and \"Process queue\" tries it now", r.Breaker.ProbeAt.Local().Format(time.TimeOnly)))
	default:
		line += "; Plex is being tried"
	}
	switch {
	case r.Queue.Due > 0 && !paused:
		line = text.Join(line, `run "Process queue" to push what is due`)
	case r.Queue.Waiting > 0 && r.Queue.NextDueAt != nil && !paused:
		line = text.Join(line, "the first edit, task or scheduled run from "+r.Queue.NextDueAt.Local().Format(time.TimeOnly)+" retries what waits")
	}
	if r.DeadLetters.Count > 0 {
		return text.Join(line, `when the cause of the dead letters is gone, run "Retry dead letters"`)
	}
	if r.Queue.Due+r.Queue.Waiting == 0 && !paused {
		return line + ". Nothing is pending"
	}
	return line
}

// Text is the report for a terminal.
func (r StatusReport) Text() string {
	all := fmt.Sprintf("Stash Plex Sync %s, %s\n%s\n", r.Version, r.Database, r.Line())
	for _, d := range r.DeadLetters.Items {
		all += fmt.Sprintf("  dead letter: scene %d (%s): %s\n", d.SceneID, d.Class, d.Error)
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
