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

// PreviewCounts count the scenes of a preview, and in ByField the items in which each field would change.
type PreviewCounts struct {
	WouldChange int            `json:"would_change"`
	Unchanged   int            `json:"unchanged"`
	NotFound    int            `json:"not_found"`
	Ambiguous   int            `json:"ambiguous"`
	Unread      int            `json:"unread"`
	Skipped     int            `json:"skipped"`
	Bare        int            `json:"bare"` // of the skipped scenes: without data in Stash
	Failed      int            `json:"failed"`
	ByField     map[string]int `json:"by_field"`
}

// PreviewReport is what a push would change in Plex.
type PreviewReport struct {
	PreviewCounts
	Scenes  []engine.ScenePreview `json:"scenes"`
	Others  []engine.SceneProblem `json:"others"`
	Report  int64                 `json:"report,omitempty"` // id of the stored report of a task
	Stopped string                `json:"stopped"`
}

// previewCounts returns the counts of a preview as the operations name them.
func previewCounts(p engine.PreviewCounts) PreviewCounts {
	return PreviewCounts{
		WouldChange: p.WouldChange, Unchanged: p.Unchanged, NotFound: p.NotFound, Ambiguous: p.Ambiguous, Unread: p.Unread,
		Skipped: p.Skipped, Bare: p.Bare, Failed: p.Failed, ByField: p.ByField,
	}
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
			markPrivate(item.Changes)
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
	return PreviewReport{PreviewCounts: previewCounts(p.PreviewCounts), Scenes: orEmpty(p.Scenes), Others: orEmpty(p.Others), Stopped: p.Stopped}
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
