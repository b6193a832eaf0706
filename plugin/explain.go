package plugin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// ExplainReport says why a scene is, or is not, in Plex.
type ExplainReport struct {
	SceneID    int                `json:"scene_id"`
	State      string             `json:"state"` // synced, queued, waiting, dead, skipped, unknown
	Text       string             `json:"text"`
	Job        *JobReport         `json:"job"`
	DeadLetter *status.DeadLetter `json:"dead_letter"`
	Links      []LinkReport       `json:"links"`
	Attempts   []AttemptReport    `json:"attempts"`

	elsewhere bool // it was pushed to a server that is no longer used
	compared  bool // with its item, since its last attempt: an attempt that finds nothing to change is not logged
}

// JobReport is a scene's job.
type JobReport struct {
	Reason        string      `json:"reason"`
	Priority      int         `json:"priority"`
	EnqueuedAt    *time.Time  `json:"enqueued_at"`
	DueAt         *time.Time  `json:"due_at"`
	Attempts      int         `json:"attempts"`
	Misses        int         `json:"misses"`
	Unfinished    int         `json:"unfinished"`
	FirstFailedAt *time.Time  `json:"first_failed_at"`
	Class         string      `json:"last_error_class"`
	Error         string      `json:"last_error"`
	Why           *desk.Reason `json:"last_reason"`
}

// LinkReport is one Plex item that shows the scene.
type LinkReport struct {
	RatingKey string     `json:"rating_key"`
	Section   string     `json:"section"`
	Path      string     `json:"path"`
	Rule      string     `json:"rule"`
	PushedAt  *time.Time `json:"pushed_at"`
	Restored  bool       `json:"restored,omitempty"` // the item is back in its state before the first push
}

// AttemptReport is one entry of the scene's attempt log.
type AttemptReport struct {
	At      *time.Time  `json:"at"`
	Outcome string      `json:"outcome"`
	Class   string      `json:"class"`
	Error   string      `json:"error"`
	Reason  *desk.Reason `json:"reason"`
}

// explain logs and returns why a scene is, or is not, in Plex.
func (s *session) explain(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := sceneArg(args)
	if err != nil {
		return nil, err
	}
	if err := s.openToLog(ctx); err != nil {
		return nil, err
	}
	r, err := s.explanation(ctx, scene)
	if err != nil {
		return nil, err
	}
	s.z.Info().Int("scene", scene).Msg(r.Text)
	return r, nil
}

// explanation says why a scene is, or is not, in Plex.
func (s *session) explanation(ctx context.Context, scene int) (ExplainReport, error) {
	r, err := s.explained(ctx, scene)
	if err != nil {
		return r, err
	}
	breaker, err := s.db.Breaker(ctx)
	if err != nil {
		return r, err
	}
	stopped, _, err := s.db.Meta(ctx, store.KeyStopped)
	if err != nil {
		return r, err
	}
	r.conclude(facts{now: time.Now(), missing: s.missing(ctx, scene), paused: s.paused(), breaker: breaker, stopped: stopped})
	return r, nil
}

// missing reports whether Stash answers that it has no such scene.
func (s *session) missing(ctx context.Context, scene int) bool {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	result, err := s.stash.Scenes(ctx, []int{scene})
	return err == nil && len(result.Missing) > 0
}

// explained collects what the queue stores about a scene and the current Plex server.
func (s *session) explained(ctx context.Context, scene int) (ExplainReport, error) {
	r := ExplainReport{SceneID: scene, Links: []LinkReport{}, Attempts: []AttemptReport{}}
	links, err := s.db.Links(ctx, scene)
	if err != nil {
		return r, err
	}
	server, _, err := s.db.Meta(ctx, store.KeyServer)
	if err != nil {
		return r, err
	}
	for _, l := range links {
		if server != "" && l.Server != server {
			r.elsewhere = true
			continue
		}
		r.Links = append(r.Links, LinkReport{l.RatingKey, l.Section, text.Private(l.Path), l.Rule, status.RFC3339(l.PushedAt), l.Restored})
	}
	attempts, err := s.db.Attempts(ctx, scene)
	if err != nil {
		return r, err
	}
	r.compared = len(attempts) > 0 && slices.ContainsFunc(links, func(l store.Link) bool {
		return (server == "" || l.Server == server) && l.PushedAt.After(attempts[0].At)
	})
	for _, a := range attempts {
		r.Attempts = append(r.Attempts, AttemptReport{status.RFC3339(a.At), a.Outcome, a.Class, a.Error, desk.ReasonOf(a.Class, a.Reason, a.Error)})
	}
	job, err := s.db.Job(ctx, scene)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return r, err
	}
	if err == nil {
		r.Job = &JobReport{
			job.Reason, job.Priority, status.RFC3339(job.EnqueuedAt), status.RFC3339(job.DueAt), job.Attempts, job.Misses, job.Unfinished,
			status.RFC3339(job.FirstFailedAt), job.ErrorClass, job.Error, desk.ReasonOf(job.ErrorClass, job.Detail, job.Error),
		}
	}
	letters, err := s.db.DeadLetters(ctx, store.Narrow{SceneID: scene}, 1)
	if err != nil {
		return r, err
	}
	if len(letters) > 0 {
		d := status.DeadLetterOf(letters[0])
		r.DeadLetter = &d
	}
	return r, nil
}

// facts are the inputs of an explanation besides the report itself.
type facts struct {
	now     time.Time
	missing bool          // Stash has no such scene
	paused  string        // why nothing may be pushed
	breaker store.Breaker // whether Plex is paused
	stopped string        // why the last run ended early
}

// conclude sets State and Text from the report and the facts.
func (r *ExplainReport) conclude(f facts) {
	switch {
	case r.DeadLetter != nil:
		r.State, r.Text = "dead", r.dead()
	case r.Job != nil && r.waits(f.now):
		r.State, r.Text = "waiting", r.waiting(f)
	case r.Job != nil:
		r.State, r.Text = "queued", r.queued(f)
	case f.missing && len(r.Attempts) > 0:
		r.State, r.Text = "unknown", fmt.Sprintf("Stash no longer has scene %d: nothing is pushed", r.SceneID)
	case f.missing:
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
	case !f.missing:
	case r.State != "unknown":
		r.Text = text.Join(r.Text, fmt.Sprintf("but Stash no longer has scene %d", r.SceneID))
	case len(r.Links) > 0:
		r.Text = fmt.Sprintf("Stash no longer has scene %d; Plex item %s still shows it", r.SceneID, r.Links[0].RatingKey)
	}
}

// lastOutcome returns the outcome of the scene's last attempt; "" if there is none that still counts.
func (r *ExplainReport) lastOutcome() string {
	if len(r.Attempts) == 0 || r.compared {
		return ""
	}
	return r.Attempts[0].Outcome
}

// restored reports whether all of the scene's items are restored and none was pushed since.
func (r *ExplainReport) restored() bool {
	if len(r.Links) == 0 {
		return r.lastOutcome() == "restored"
	}
	return !slices.ContainsFunc(r.Links, func(l LinkReport) bool { return !l.Restored })
}

// waits reports whether the job is not due yet. A due time further ahead than the longest wait means that the clock was
// set back since.
func (r *ExplainReport) waits(now time.Time) bool {
	return r.Job.DueAt.After(now) && !r.Job.DueAt.After(now.Add(store.LongestWait))
}

func (r *ExplainReport) dead() string {
	comesBack := "it is retried when it is edited, or by \"Retry dead letters\""
	if retry.Class(r.DeadLetter.Class).AwaitsFile() {
		comesBack = "it is retried when Plex has found its file, when it is edited, or by \"Retry dead letters\""
	}
	return text.Join(fmt.Sprintf("dead letter (%s): %s", r.DeadLetter.Class, r.DeadLetter.Error), comesBack)
}

func (r *ExplainReport) waiting(f facts) string {
	why := r.Job.Error
	switch {
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

func (r *ExplainReport) queued(f facts) string {
	return text.Join(fmt.Sprintf("queued (%s): the next run of %q pushes it", r.Job.Reason, taskName), f.held())
}

// held says what keeps runs from pushing: a pause of a person, a paused Plex, or why the last run stopped; "" if nothing
// does.
func (f facts) held() string {
	switch {
	case f.paused != "":
		return "but pushing is " + f.paused
	case f.breaker.State == store.BreakerOpen:
	case f.stopped != "":
		return "but the last run stopped: " + f.stopped
	default:
		return ""
	}
	return "but " + status.PausedUntil(f.breaker.ProbeAt, f.breaker.LastError)
}

func (r *ExplainReport) synced() string {
	l := r.Links[0]
	in := fmt.Sprintf("in Plex as item %s (%s), matched by %s, last compared at %s", l.RatingKey, l.Path, l.Rule, l.PushedAt.Local().Format(time.DateTime))
	if more := len(r.Links) - 1; more > 0 {
		in += "; and as " + text.Count(more, "more item", "more items")
	}
	return in
}

func (r *ExplainReport) unknown() string {
	const how = "a scene is pushed for the first time by an edit, by sync-scene or by \"Sync all scenes\""
	if len(r.Attempts) > 0 && r.Attempts[0].Error != "" {
		return text.Join("not in Plex, and no longer queued", "last attempt: "+r.Attempts[0].Error, how)
	}
	if r.elsewhere {
		return "not on this Plex server: it was pushed to a different one; for this server, " + how
	}
	return "never pushed: " + how
}
