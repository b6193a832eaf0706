package plugin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/explain"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

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
func (s *session) explanation(ctx context.Context, scene int) (explain.Report, error) {
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
	r.Conclude(explain.Facts{Now: time.Now(), Missing: s.missing(ctx, scene), Paused: s.paused(), Breaker: breaker, Stopped: stopped})
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
func (s *session) explained(ctx context.Context, scene int) (explain.Report, error) {
	r := explain.Report{SceneID: scene, Links: []explain.Link{}, Attempts: []explain.Attempt{}}
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
			r.Elsewhere = true
			continue
		}
		r.Links = append(r.Links, explain.Link{
			RatingKey: l.RatingKey, Section: l.Section, Path: text.Private(l.Path), Rule: l.Rule, PushedAt: desk.When(l.PushedAt), Restored: l.Restored,
		})
	}
	attempts, err := s.db.Attempts(ctx, scene)
	if err != nil {
		return r, err
	}
	r.Compared = len(attempts) > 0 && slices.ContainsFunc(links, func(l store.Link) bool {
		return (server == "" || l.Server == server) && l.PushedAt.After(attempts[0].At)
	})
	for _, a := range attempts {
		r.Attempts = append(r.Attempts, explain.Attempt{
			At: desk.When(a.At), Outcome: a.Outcome, Class: a.Class, Error: a.Error, Reason: desk.ReasonOf(a.Class, a.Reason, a.Error),
		})
	}
	job, err := s.db.Job(ctx, scene)
	if err != nil && !errors.Is(err, store.ErrNone) {
		return r, err
	}
	if err == nil {
		r.Job = &explain.Job{
			Reason: job.Reason, Priority: job.Priority, EnqueuedAt: desk.When(job.EnqueuedAt), DueAt: desk.When(job.DueAt),
			Attempts: job.Attempts, Misses: job.Misses, Unfinished: job.Unfinished, FirstFailedAt: desk.When(job.FirstFailedAt),
			Class: job.ErrorClass, Error: job.Error, Why: desk.ReasonOf(job.ErrorClass, job.Detail, job.Error),
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
