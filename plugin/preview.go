package plugin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// PreviewReport is what a push would change in Plex.
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

// preview logs and returns what a push of one scene, or of all, would change. It writes nothing except the index of
// Plex's files if that has never been read: without it no scene can be found.
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
	if why, class, known := s.whyNot(ctx, err); known {
		p.Stopped, p.Class, err = why, class, nil
	}
	if err != nil {
		return nil, err
	}
	return s.logPreview(ctx, p), nil
}

// previewed is how many scenes a preview logs field by field.
const previewed = 10

// logPreview logs the changes of the first scenes, then the sums, and returns the report.
func (s *session) logPreview(ctx context.Context, p engine.Preview) PreviewReport {
	for _, scene := range p.Scenes {
		for _, item := range scene.Items {
			for i, c := range item.Changes {
				item.Changes[i].From, item.Changes[i].To = text.Private(c.From), text.Private(c.To)
			}
		}
	}
	first := p.Scenes[:min(len(p.Scenes), previewed)]
	titles := s.titles(ctx, first)
	for _, scene := range first {
		for _, item := range scene.Items {
			for _, c := range item.Changes {
				s.z.Info().Int("scene", scene.SceneID).Str("title", titles[scene.SceneID]).Str("item", item.RatingKey).Str("field", c.Field).Str("from", text.OneLine(c.From, text.Limit)).Str("to", text.OneLine(c.To, text.Limit)).Msg("would " + c.Action)
			}
		}
	}
	s.event(p.Class).Msg(previewLine(p))
	return PreviewReport{
		WouldChange: p.WouldChange, Unchanged: p.Unchanged, NotFound: p.NotFound, Skipped: p.Skipped, Failed: p.Failed,
		ByField: p.ByField, Scenes: orEmpty(p.Scenes), Others: orEmpty(p.Others), Stopped: p.Stopped,
	}
}

// titles returns the titles of scenes by id, the file's name where there is none. It is empty if Stash does not answer.
func (s *session) titles(ctx context.Context, scenes []engine.ScenePreview) map[int]string {
	ids := make([]int, len(scenes))
	for i, scene := range scenes {
		ids[i] = scene.SceneID
	}
	titles := make(map[int]string)
	result, err := s.stash.Scenes(ctx, ids)
	if err != nil {
		s.z.Debug().Err(err).Msg("cannot read the titles of the scenes")
	}
	for _, scene := range result.Found {
		title := scene.Title
		if title == "" && len(scene.Files) > 0 {
			title = filepath.Base(scene.Files[0].Path)
		}
		titles[scene.ID] = text.Private(text.OneLine(title, text.ValueLimit))
	}
	return titles
}

// previewLine is the last line of a preview: the sums, and what to do next.
func previewLine(p engine.Preview) string {
	line := fmt.Sprintf("%s would change, %d would not, %s not found in Plex, %s skipped",
		text.Count(p.WouldChange, "scene", "scenes"), p.Unchanged, text.Count(p.NotFound, "is", "are"), text.Count(p.Skipped, "is", "are"))
	if p.Failed > 0 {
		line += fmt.Sprintf(", %d could not be compared", p.Failed)
	}
	var fields []string
	for _, f := range slices.Sorted(maps.Keys(p.ByField)) {
		fields = append(fields, fmt.Sprintf("%s %d", f, p.ByField[f]))
	}
	if len(fields) > 0 {
		line += " (items by field: " + strings.Join(fields, ", ") + ")"
	}
	if p.Stopped != "" {
		return text.Join(p.Stopped, "the preview is incomplete: "+line, "nothing was written")
	}
	if p.WouldChange > 0 {
		return "Preview, nothing was written: " + line + ". Next: \"Sync all scenes\" pushes these changes"
	}
	return "Preview, nothing was written: " + line
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

// restore returns the Plex items of one scene, or of all, to their state before the first push.
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
		r.Stopped, err = s.whoWorks(ctx)+"; nothing was restored. Start \"Restore Plex metadata\" again when it has ended", nil
	} else {
		s.followUp(ctx, 0)
	}
	if why, class, known := s.whyNot(ctx, err); known {
		r.Stopped, r.Class, err = why, class, nil
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
		s.z.Info().Int("scene", k.SceneID).Str("item", k.RatingKey).Str("fields", strings.Join(k.Fields, ", ")).Msg("fields not restored: edited in Plex since the push, or Plex no longer has the picture it showed before")
	}
	for _, p := range r.Problems[:min(len(r.Problems), logged/2)] {
		s.z.Warn().Int("scene", p.SceneID).Str("item", p.RatingKey).Msg("not restored: " + p.Reason)
	}
	switch {
	case held:
		s.z.Warn().Msg(r.Stopped)
	case r.Stopped != "":
		s.event(r.Class).Msg(text.Join(r.Stopped, "start \"Restore Plex metadata\" again to continue", "so far: "+r.String()))
	default:
		s.z.Info().Msg(r.String())
	}
}
