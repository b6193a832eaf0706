package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// PreviewReport is what a push would change in Plex.
type PreviewReport struct {
	engine.PreviewCounts
	Scenes  []engine.ScenePreview `json:"scenes"`
	Others  []engine.SceneProblem `json:"others"`
	Report  int64                 `json:"report,omitempty"` // id of the stored report of a task
	Stopped string                `json:"stopped"`
}

// preview logs and returns what a push of one scene, or of all, would change. The task for all scenes stores it, too. It
// writes nothing else except the index of Plex's files if that has never been read: without it no scene can be found.
func (s *session) preview(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := optionalScene(args)
	if err != nil {
		return nil, err
	}
	if isTask(args) && scene == 0 {
		return s.previewAll(ctx, args)
	}
	from, continues, err := continued[engine.PreviewPosition](args, scene)
	if err != nil {
		return nil, err
	}
	p, err := s.previewFrom(ctx, from, false, func(ctx context.Context, e *engine.Engine) (engine.Preview, error) {
		if continues {
			return e.ContinuePreview(ctx, from, nil)
		}
		return e.Preview(ctx, scene)
	})
	if err != nil {
		return nil, err
	}
	return s.logPreview(p), nil
}

// previewFrom calls do with an engine, and before that reads the index of Plex's files if it has never been read. It
// says why the preview stopped in the result.
func (s *session) previewFrom(ctx context.Context, from engine.PreviewPosition, yields bool, do func(ctx context.Context, e *engine.Engine) (engine.Preview, error)) (p engine.Preview, err error) {
	e, err := s.ready(ctx)
	unread := false
	if err == nil {
		e.Yields = yields
		unread, err = e.NeverRead(ctx)
	}
	if unread {
		err = s.locked(ctx, "Preview changes", 0, func(ctx context.Context) error {
			sum, err := e.RefreshIndex(ctx)
			p.Stopped, p.Class = sum.Stopped, sum.Class
			if sum.Yielded {
				p.Next = &from
			}
			return err
		})
		if errors.Is(err, sqlitefile.ErrHeld) {
			err = nil
		}
	}
	if err == nil && p.Stopped == "" {
		p, err = do(ctx, e)
	}
	if why, class, known := s.whyNot(ctx, err); known {
		p.Stopped, p.Class, err = why, class, nil
	}
	return p, err
}

// leave asks Stash to continue a task behind the jobs that wait, and says why the task ends.
func (s *session) leave(ctx context.Context, task, description string, args map[string]any, position any) string {
	const why = "other Stash jobs are waiting"
	if err := s.askToContinue(ctx, task, description, args, position); err != nil {
		s.z.Debug().Err(err).Msg("could not ask Stash to continue the task")
		return fmt.Sprintf("%s: start %q again when they have ended", why, task)
	}
	return fmt.Sprintf("%s: %q continues behind them", why, task)
}

// previewed is how many scenes of each kind a preview logs: those that would change, and those that would not be pushed.
const previewed = 12

// logPreview logs the first scenes, a line each, then the sums, and returns the report.
func (s *session) logPreview(p engine.Preview) PreviewReport {
	for _, scene := range p.Scenes {
		for _, item := range scene.Items {
			findings.MarkPrivate(item.Changes)
		}
	}
	for _, scene := range p.Scenes[:min(len(p.Scenes), previewed)] {
		for _, item := range scene.Items {
			named(s.z.Info(), scene.SceneID, scene.Title).Msg("would change " + findings.Line(item.Changes))
		}
	}
	lines := 0
	for _, other := range p.Others {
		if lines++; lines > previewed || other.Kind == engine.Bare {
			break
		}
		named(s.z.Info(), other.SceneID, other.Title).Msg("would not be pushed: " + other.Reason)
	}
	s.event(p.Class).Msg(findings.PreviewLine(p.PreviewCounts, p.Others, p.Stopped))
	return PreviewReport{PreviewCounts: p.PreviewCounts, Scenes: orEmpty(p.Scenes), Others: orEmpty(p.Others), Stopped: p.Stopped}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
