package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// PreviewReport is what a push would write.
type PreviewReport struct {
	WouldChange int                   `json:"would_change"`
	Unchanged   int                   `json:"unchanged"`
	NotFound    int                   `json:"not_found"`
	Skipped     int                   `json:"skipped"`
	Failed      int                   `json:"failed"`
	ByField     map[string]int        `json:"by_field"`
	Scenes      []engine.ScenePreview `json:"scenes"`
	Others      []engine.SceneProblem `json:"others"`
	Stopped     string                `json:"stopped"`
}

// preview works out what a push of a scene, or of all, would write. Nothing is written, but the index of Plex's
// files if it has never been read: nothing could be found without it.
func (s *session) preview(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := optionalScene(args)
	if err != nil {
		return nil, err
	}
	var p engine.Preview
	e, err := s.ready(ctx)
	unread := false
	if err == nil {
		unread, err = e.NeverRead(ctx)
	}
	if unread {
		err = s.locked(ctx, "Preview changes", 0, func(ctx context.Context) error {
			sum, err := e.RefreshIndex(ctx)
			p.Stopped, p.Class = sum.Stopped, sum.Class
			return err
		})
		if errors.Is(err, sqlitefile.ErrHeld) {
			err = nil
		}
	}
	if err == nil && p.Stopped == "" {
		p, err = e.Preview(ctx, scene)
	}
	if text, class, told := s.whyNot(ctx, err); told {
		p.Stopped, p.Class, err = text, class, nil
	}
	if err != nil {
		return nil, err
	}
	return s.logPreview(p), nil
}

// optionalScene reads args.scene_id; 0 if it is not given.
func optionalScene(args common.ArgsMap) (int, error) {
	if v := args["scene_id"]; v == nil || v == "" {
		return 0, nil
	}
	return sceneArg(args)
}

// logPreview writes the first scenes and the sums to the log, the sums last.
func (s *session) logPreview(p engine.Preview) PreviewReport {
	for _, scene := range p.Scenes {
		for _, item := range scene.Items {
			for i, c := range item.Changes {
				item.Changes[i].From, item.Changes[i].To = text.Private(c.From), text.Private(c.To)
			}
		}
	}
	for _, scene := range p.Scenes[:min(len(p.Scenes), logged)] {
		for _, item := range scene.Items {
			for _, c := range item.Changes {
				s.z.Info().Int("scene", scene.SceneID).Str("item", item.RatingKey).Str("field", c.Field).Str("from", text.OneLine(c.From, text.Limit)).Str("to", text.OneLine(c.To, text.Limit)).Msg("would " + c.Action)
			}
		}
	}
	var fields []string
	for _, f := range slices.Sorted(maps.Keys(p.ByField)) {
		fields = append(fields, fmt.Sprintf("%s of %d", f, p.ByField[f]))
	}
	line := fmt.Sprintf("%d scenes would change, %d would not, %d are not found in Plex, %d are left out", p.WouldChange, p.Unchanged, p.NotFound, p.Skipped)
	if p.Failed > 0 {
		line += fmt.Sprintf(", %d could not be looked at", p.Failed)
	}
	if len(fields) > 0 {
		line += ": " + strings.Join(fields, ", ")
	}
	if p.Stopped != "" {
		line = p.Stopped + " (so far " + line + ")"
	}
	s.event(p.Class).Msg(line + "; nothing was written")
	return PreviewReport{
		WouldChange: p.WouldChange, Unchanged: p.Unchanged, NotFound: p.NotFound, Skipped: p.Skipped, Failed: p.Failed,
		ByField: p.ByField, Scenes: orEmpty(p.Scenes), Others: orEmpty(p.Others), Stopped: p.Stopped,
	}
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// RestoreReport is what a restore did.
type RestoreReport struct {
	Restored  int                  `json:"restored"`
	Unchanged int                  `json:"unchanged"`
	Gone      int                  `json:"gone"`
	Failed    int                  `json:"failed"`
	Kept      []engine.KeptFields  `json:"kept"`
	KeptMore  bool                 `json:"kept_more,omitempty"`
	Problems  []engine.ItemProblem `json:"problems"`
	Stopped   string               `json:"stopped"`
}

// restore puts back what Plex held before the first push of a scene, or of all.
func (s *session) restore(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := optionalScene(args)
	if err != nil {
		return nil, err
	}
	var r engine.Restoration
	err = s.locked(ctx, "Restore Plex metadata", lockPatience, func(ctx context.Context) error {
		e, err := s.ready(ctx)
		if err != nil {
			return err
		}
		r, err = e.Restore(ctx, scene)
		return err
	})
	held := errors.Is(err, sqlitefile.ErrHeld)
	if held {
		r.Stopped, err = s.whoWorks(ctx)+"; nothing was restored: start it again when that has ended", nil
	} else {
		s.followUp(ctx, 0)
	}
	if text, class, told := s.whyNot(ctx, err); told {
		r.Stopped, r.Class, err = text, class, nil
	}
	if err != nil {
		return nil, err
	}
	s.logRestore(r, held)
	return RestoreReport{
		Restored: r.Restored, Unchanged: r.Unchanged, Gone: r.Gone, Failed: r.Failed,
		Kept: orEmpty(r.Kept), KeptMore: r.KeptMore, Problems: orEmpty(r.Problems), Stopped: r.Stopped,
	}, nil
}

func (s *session) logRestore(r engine.Restoration, held bool) {
	for _, k := range r.Kept[:min(len(r.Kept), logged/2)] {
		s.z.Info().Int("scene", k.SceneID).Str("item", k.RatingKey).Str("fields", strings.Join(k.Fields, ", ")).Msg("left as it is: edited in Plex since the push, or Plex does not offer any more what it showed before")
	}
	for _, p := range r.Problems[:min(len(r.Problems), logged/2)] {
		s.z.Warn().Int("scene", p.SceneID).Str("item", p.RatingKey).Msg("not restored: " + p.Reason)
	}
	switch {
	case held:
		s.z.Warn().Msg(r.Stopped)
	case r.Stopped != "":
		s.event(r.Class).Msg(r.Stopped + "; start the restore again to go on (so far " + r.String() + ")")
	default:
		s.z.Info().Msg(r.String())
	}
}
