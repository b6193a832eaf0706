package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// narrowed reads which dead letters the arguments select.
func narrowed(args common.ArgsMap) (store.Narrow, error) {
	scene, err := optionalScene(args)
	return store.Narrow{SceneID: scene, Class: args.String("class")}, err
}

// RetryReport is what retry-dead did.
type RetryReport struct {
	Revived int          `json:"revived"`
	Stopped string       `json:"stopped,omitempty"` // why it did nothing
	Reason  *desk.Reason `json:"reason,omitempty"`  // of Stopped
}

// retryDead queues dead letters again and makes sure that a run follows.
func (s *session) retryDead(ctx context.Context, args common.ArgsMap) (any, error) {
	n, err := narrowed(args)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if why := s.paused(); why != "" {
		s.z.Info().Msg(why)
		return RetryReport{Stopped: why, Reason: desk.ReasonOf("", reason.PushingPaused().JSON(), why)}, nil
	}
	revived, err := s.db.Revive(ctx, time.Now(), n)
	if err != nil {
		return nil, err
	}
	if revived == 0 {
		s.z.Info().Msg("no dead letters: nothing to retry")
		return RetryReport{}, nil
	}
	s.z.Info().Msg(text.Count(revived, "dead letter is", "dead letters are") + " queued again")
	if _, _, err := askForRun(ctx, s.stash, byHook); err != nil {
		s.z.Warn().Err(err).Msgf("Stash refused to start the task %q: start it yourself", taskName)
	}
	return RetryReport{Revived: revived}, nil
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
	s.z.Info().Msg("removed " + text.Count(removed, "dead letter", "dead letters") + ". Removed scenes are pushed again only if you edit them in Stash or run \"Sync all scenes\"")
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
	s.z.Info().Msg("removed " + text.Count(removed, "scene", "scenes") + " from the queue. Removed scenes are pushed again only if you edit them in Stash or run \"Sync all scenes\"")
	return map[string]int{"removed": removed}, nil
}

// rebuildIndex clears the index of Plex's files and reads it again. Links are kept.
func (s *session) rebuildIndex(ctx context.Context, args common.ArgsMap) (any, error) {
	var sum engine.Summary
	err := s.locked(ctx, "Rebuild Plex index", lockPatience, func(ctx context.Context) error {
		e, err := s.ready(ctx)
		if err != nil {
			return err
		}
		e.Yields = isTask(args)
		sum, err = e.RebuildIndex(ctx)
		return err
	})
	if errors.Is(err, sqlitefile.ErrHeld) {
		sum.Stopped, err = s.whoWorks(ctx)+"; nothing was read. Start \"Rebuild Plex index\" again when it has ended", nil
	} else {
		s.followUp(ctx, 0)
	}
	if why, class, known := s.whyNot(ctx, err); known {
		sum.Stopped, sum.Class, err = why, class, nil
	}
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // report what was read even if the run was cancelled
	list := []status.Section{}
	if s.index != nil {
		server, _, err := s.db.Meta(ctx, store.KeyServer)
		if err != nil {
			return nil, err
		}
		if list, err = status.Sections(ctx, s.index, server); err != nil {
			return nil, err
		}
	}
	if sum.Stopped != "" {
		s.event(sum.Class).Msg(sum.Stopped)
	} else {
		for _, l := range list {
			s.z.Info().Msg(fmt.Sprintf("read %s of library %q", text.Count(l.Files, "file", "files"), l.Title))
		}
		s.z.Info().Msg("the index of Plex's files is complete: " + text.Count(len(list), "library", "libraries"))
	}
	return map[string]any{"sections": list, "stopped": sum.Stopped}, nil
}
