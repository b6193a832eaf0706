package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// unpushedLines is how many scenes that are not in Plex a task logs. Stash's log page shows the newest thirty lines.
const unpushedLines = 25

// listUnpushed logs the scenes that are not in Plex.
func (s *session) listUnpushed(ctx context.Context) error {
	r, err := status.Read(ctx, s.db, s.Version)
	if err != nil {
		return err
	}
	s.logUnpushed(ctx, &r)
	return nil
}

// logUnpushed adds titles to a report and logs the scenes that are not in Plex: first those that wait, then those that
// failed, then the dead letters. Within each group the first of the report comes last, because Stash shows the newest
// line first.
func (s *session) logUnpushed(ctx context.Context, r *status.Report) {
	waiting, letters := r.Queue.Items, r.DeadLetters.Items
	var ids []int
	for _, j := range waiting {
		ids = append(ids, j.SceneID)
	}
	for _, d := range letters {
		ids = append(ids, d.SceneID)
	}
	titles := s.titles(ctx, ids)
	for i := range waiting {
		waiting[i].Title = titles[waiting[i].SceneID]
	}
	for i := range letters {
		letters[i].Title = titles[letters[i].SceneID]
	}
	jobs := min(len(waiting), max(unpushedLines-len(letters), unpushedLines/2))
	dead := min(len(letters), unpushedLines-jobs)
	if jobs < len(waiting) || len(waiting) == status.Listed || dead < r.DeadLetters.Count {
		s.z.Info().Msg(fmt.Sprintf("only %d of the scenes that are not in Plex are listed: the plugin's page lists all of them", jobs+dead))
	}
	shown := slices.Clone(waiting[:jobs])
	slices.SortStableFunc(shown, func(a, b status.FailedJob) int { return min(b.Attempts, 1) - min(a.Attempts, 1) }) // what failed comes last
	for _, j := range slices.Backward(shown) {
		event, kind := s.z.Info(), "waits: "
		if j.Attempts > 0 {
			event, kind = s.z.Warn(), "failed "+text.Times(j.Attempts)+": "
		}
		named(event, j.SceneID, j.Title).Msg(kind + retry.Waiting(retry.Class(j.Class), j.Error))
	}
	for _, d := range slices.Backward(letters[:dead]) {
		named(s.z.Error(), d.SceneID, d.Title).Msg(retry.DeadLetter(retry.Class(d.Class), d.Error))
	}
}

// titles returns the titles of scenes by id, or the names of their files. Scenes that Stash does not return are missing.
func (s *session) titles(ctx context.Context, ids []int) map[int]string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	titles := make(map[int]string)
	result, err := s.stash.Scenes(ctx, ids)
	if err != nil {
		s.z.Debug().Err(err).Msg("cannot read the titles of the scenes")
	}
	for i := range result.Found {
		if scene := &result.Found[i]; scene.Name() != "" {
			titles[scene.ID] = text.Private(text.OneLine(scene.Name(), text.ValueLimit))
		}
	}
	return titles
}

// named adds a scene to a log event.
func named(event *zerolog.Event, scene int, title string) *zerolog.Event {
	event = event.Int("scene", scene)
	if title == "" {
		return event
	}
	return event.Str("title", title)
}
