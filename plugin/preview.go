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
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// PreviewReport is what a push would change in Plex.
type PreviewReport struct {
	WouldChange int                   `json:"would_change"`
	Unchanged   int                   `json:"unchanged"`
	NotFound    int                   `json:"not_found"`
	Ambiguous   int                   `json:"ambiguous"`
	Unread      int                   `json:"unread"`
	Skipped     int                   `json:"skipped"`
	Bare        int                   `json:"bare"` // of the skipped scenes: without data in Stash
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
	from, continues, err := continued[engine.PreviewPosition](args, scene)
	if err != nil {
		return nil, err
	}
	var p engine.Preview
	e, err := s.ready(ctx)
	unread := false
	if err == nil {
		e.Yields = isTask(args) && scene == 0
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
	switch {
	case err != nil || p.Stopped != "":
	case continues:
		p, err = e.ContinuePreview(ctx, from, nil)
	default:
		p, err = e.Preview(ctx, scene)
	}
	if p.Next != nil {
		p.Stopped = s.leave(ctx, "Preview changes", engine.PreviewDescription, "preview", p.Next)
	}
	if why, class, known := s.whyNot(ctx, err); known {
		p.Stopped, p.Class, err = why, class, nil
	}
	if err != nil {
		return nil, err
	}
	return s.logPreview(p), nil
}

// leave asks Stash to continue a task behind the jobs that wait, and says why the task ends.
func (s *session) leave(ctx context.Context, task, description, mode string, position any) string {
	const why = "other Stash jobs are waiting"
	if err := s.askToContinue(ctx, task, description, mode, position); err != nil {
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
			for i, c := range item.Changes {
				item.Changes[i].From, item.Changes[i].To = text.Private(c.From), text.Private(c.To)
			}
		}
	}
	for _, scene := range p.Scenes[:min(len(p.Scenes), previewed)] {
		for _, item := range scene.Items {
			named(s.z.Info(), scene.SceneID, scene.Title).Msg("would change " + changes(item.Changes))
		}
	}
	lines := 0
	for _, other := range p.Others {
		if lines++; lines > previewed || other.Kind == engine.Bare {
			break
		}
		named(s.z.Info(), other.SceneID, other.Title).Msg("would not be pushed: " + other.Reason)
	}
	s.event(p.Class).Msg(previewLine(p))
	return PreviewReport{
		WouldChange: p.WouldChange, Unchanged: p.Unchanged, NotFound: p.NotFound, Ambiguous: p.Ambiguous, Unread: p.Unread,
		Skipped: p.Skipped, Bare: p.Bare, Failed: p.Failed,
		ByField: p.ByField, Scenes: orEmpty(p.Scenes), Others: orEmpty(p.Others), Stopped: p.Stopped,
	}
}

// changes names the changes of one item in one line. A picture has no value that says anything.
func changes(list []merge.Change) string {
	parts := make([]string, len(list))
	for i, c := range list {
		switch {
		case strings.Contains(text.Plain(c.To), "upload://"):
			parts[i] = c.Field
		case c.Action == "add":
			parts[i] = c.Field + " +" + quoted(c.To)
		case c.Action == "remove":
			parts[i] = c.Field + " -" + quoted(c.From)
		default:
			parts[i] = c.Field + " " + quoted(c.From) + " → " + quoted(c.To)
		}
	}
	return strings.Join(parts, "; ")
}

// quoted returns a private text in quotes, cut to one line; an empty one in words.
func quoted(private string) string {
	if private = text.OneLine(text.Plain(private), text.ValueLimit); private == "" {
		return "empty"
	}
	return `"` + text.Private(private) + `"`
}

// previewLine is the last line of a preview: the sums, and what to do next.
func previewLine(p engine.Preview) string {
	parts := []string{fmt.Sprintf("%d of %s would change", p.WouldChange, text.Count(p.Total(), "scene", "scenes"))}
	for _, c := range []struct {
		n                int
		singular, plural string
		kind             engine.Kind
	}{
		{p.Unchanged, "matches already", "match already", 0},
		{p.Bare, "has no data in Stash", "have no data in Stash", engine.Bare},
		{p.Skipped - p.Bare, "is skipped", "are skipped", engine.Skipped},
		{p.NotFound, "is not in Plex", "are not in Plex", engine.NotFound},
		{p.Ambiguous, "fits several items in Plex", "fit several items in Plex", engine.Ambiguous},
		{p.Unread, "may be in a library that was not read", "may be in libraries that were not read", engine.Unread},
		{p.Failed, "could not be compared", "could not be compared", engine.Failed},
	} {
		if c.n > 0 {
			parts = append(parts, text.Count(c.n, c.singular, c.plural)+titlesOf(p.Others, c.kind))
		}
	}
	line := strings.Join(parts, ", ")
	var fields []string
	for _, f := range slices.Sorted(maps.Keys(p.ByField)) {
		fields = append(fields, fmt.Sprintf("%s %d", f, p.ByField[f]))
	}
	if len(fields) > 0 {
		line += "; items by field: " + strings.Join(fields, ", ")
	}
	if p.Stopped != "" {
		return text.Join(p.Stopped, "the preview is incomplete: "+line, "nothing was written")
	}
	if p.WouldChange > 0 {
		return "Preview, nothing was written: " + line + ". Next: \"Sync all scenes\" pushes these changes"
	}
	return "Preview, nothing was written: " + line
}

// titlesOf returns the first titles of scenes of a kind, in parentheses; "" for scenes without data, of which there may
// be many, and if there are none.
func titlesOf(list []engine.SceneProblem, kind engine.Kind) string {
	var titles []string
	for _, p := range list {
		if p.Kind == kind && kind != engine.Bare && p.Title != "" && len(titles) < 3 {
			titles = append(titles, `"`+p.Title+`"`)
		}
	}
	if len(titles) == 0 {
		return ""
	}
	return " (" + strings.Join(titles, ", ") + ")"
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
	Dropped   int                  `json:"dropped"` // waiting edits that were removed from the queue
	Kept      []engine.KeptFields  `json:"kept"`
	KeptMore  bool                 `json:"kept_more,omitempty"`
	Problems  []engine.ItemProblem `json:"problems"`
	Stopped   string               `json:"stopped"`
}

const restoreTask = "Restore Plex metadata"

// restore returns the Plex items of one scene, or of all, to their state before the first push.
func (s *session) restore(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := optionalScene(args)
	if err != nil {
		return nil, err
	}
	var r engine.Restoration
	from, continues, err := continued[engine.RestorePosition](args, scene)
	if err != nil {
		return nil, err
	}
	err = s.locked(ctx, restoreTask, lockPatience, func(ctx context.Context) error {
		e, err := s.ready(ctx)
		if err != nil {
			return err
		}
		e.Yields = isTask(args)
		if continues {
			r, err = e.ContinueRestore(ctx, from)
		} else {
			r, err = e.Restore(ctx, scene)
		}
		return err
	})
	if r.Next != nil {
		r.Stopped = s.leave(ctx, restoreTask, engine.RestoreDescription, "restore", r.Next)
	}
	held := errors.Is(err, sqlitefile.ErrHeld)
	if held {
		r.Stopped, err = s.whoWorks(ctx)+"; nothing was restored. Start \""+restoreTask+"\" again when it has ended", nil
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
		Restored: r.Restored, Unchanged: r.Unchanged, Gone: r.Gone, Failed: r.Failed, Dropped: r.Dropped,
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
	case r.Next != nil:
		s.z.Info().Msg(text.Join(r.Stopped, "so far: "+r.String()))
	case r.Stopped != "":
		s.event(r.Class).Msg(text.Join(r.Stopped, "start \"Restore Plex metadata\" again to continue", "so far: "+r.String()))
	default:
		s.z.Info().Msg(r.String())
	}
}
