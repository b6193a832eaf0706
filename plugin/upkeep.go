package plugin

import (
	"context"
	"errors"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// narrowed reads which dead letters are meant.
func narrowed(args common.ArgsMap) (store.Narrow, error) {
	n := store.Narrow{Class: args.String("class")}
	if v := args["scene_id"]; v != nil && v != "" {
		var err error
		if n.SceneID, err = sceneArg(args); err != nil {
			return n, err
		}
	}
	return n, nil
}

// retryDead makes jobs of dead letters again and sees to it that a run follows.
func (s *session) retryDead(ctx context.Context, args common.ArgsMap) (any, error) {
	n, err := narrowed(args)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	revived, err := s.db.Revive(ctx, time.Now(), n)
	if err != nil {
		return nil, err
	}
	s.z.Info().Int("revived", revived).Msg("dead letters are queued again")
	if revived > 0 {
		if _, err := askForRun(ctx, s.conn); err != nil {
			s.z.Warn().Err(err).Msgf("Stash did not take a run of %q: start it by hand", taskName)
		}
	}
	return map[string]int{"revived": revived}, nil
}

// clearDead removes dead letters for good.
func (s *session) clearDead(ctx context.Context, args common.ArgsMap) (any, error) {
	n, err := narrowed(args)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	removed, err := s.db.ClearDead(ctx, n)
	if err != nil {
		return nil, err
	}
	s.z.Info().Int("removed", removed).Msg("removed dead letters; their scenes are pushed again when they are edited")
	return map[string]int{"removed": removed}, nil
}

// clearQueue removes all jobs.
func (s *session) clearQueue(ctx context.Context, _ common.ArgsMap) (any, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	removed, err := s.db.ClearQueue(ctx)
	if err != nil {
		return nil, err
	}
	s.z.Info().Int("removed", removed).Msg("emptied the queue; its scenes are pushed again when they are edited, or by \"Sync all scenes\"")
	return map[string]int{"removed": removed}, nil
}

// rebuildIndex forgets what is known of Plex's files and reads it anew. Links are kept.
func (s *session) rebuildIndex(ctx context.Context, _ common.ArgsMap) (any, error) {
	var sum engine.Summary
	err := s.locked(ctx, "Rebuild Plex index", lockPatience, func(ctx context.Context) error {
		if err := s.readSettings(ctx); err != nil {
			return err
		}
		e, err := s.engine(ctx)
		if err != nil {
			return err
		}
		sum, err = e.RebuildIndex(ctx)
		return err
	})
	if errors.Is(err, sqlitefile.ErrHeld) {
		sum.Stopped, err = s.whoWorks(ctx)+"; nothing was read anew: start it again when that has ended", nil
	} else {
		s.followUp(ctx, 0)
	}
	if text, class, told := s.whyNot(ctx, err); told {
		sum.Stopped, sum.Class, err = text, class, nil
	}
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // what was read is told all the same
	list := []SectionReport{}
	if s.index != nil {
		server, _, err := s.db.Meta(ctx, store.KeyServer)
		if err != nil {
			return nil, err
		}
		if list, err = sections(ctx, s.index, server); err != nil {
			return nil, err
		}
	}
	if sum.Stopped != "" {
		s.event(sum.Class).Msg(sum.Stopped)
	} else {
		for _, l := range list {
			s.z.Info().Str("library", l.Title).Int("files", l.Files).Msg("read")
		}
	}
	return map[string]any{"sections": list, "stopped": sum.Stopped}, nil
}
