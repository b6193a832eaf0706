package plugin

import (
	"context"
	"errors"

	"github.com/rs/zerolog"
	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	view "github.com/stash-plex-sync/stash-plex-sync/plugin/ops/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/watched"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// pull imports what was watched since the last pull.
func (s *session) pull(ctx context.Context, args common.ArgsMap) (any, error) {
	return s.watched().Pull(ctx, desk.Args{"now": args["now"]})
}

// importPlays imports the complete history of Plex, or only counts it.
func (s *session) importPlays(ctx context.Context, args common.ArgsMap) (any, error) {
	if !isTask(args) {
		return nil, watched.OnlyTask()
	}
	from, _, err := continued[plays.Position](args, 0)
	if err != nil {
		return nil, err
	}
	return s.watched().Import(ctx, desk.Args{"dry_run": args["dry_run"]}, from)
}

// undoPlays takes away from Stash what was imported.
func (s *session) undoPlays(ctx context.Context, args common.ArgsMap) (any, error) {
	return s.watched().Undo(ctx, desk.Args{"since": args["since"]}, isTask(args))
}

func (s *session) watched() watched.Host {
	return watched.Host{
		Log: func(stop gate.Stop) *zerolog.Event { return s.event(stop.Class) },
		Do:  s.withPlays,
		Leave: func(ctx context.Context, task string, args map[string]any, position any) string {
			return s.leave(ctx, task, engine.PlaysDescription, args, position)
		},
		Counts: func(ctx context.Context) ([]view.Count, error) { return view.Counts(ctx, s.desk(nil)) },
	}
}

// withPlays does work on plays with the run lock.
func (s *session) withPlays(ctx context.Context, who string, task, pauses bool, work watched.Work) (stop gate.Stop, yielded bool, err error) {
	if err := s.openToLog(ctx); err != nil {
		return stop, false, err
	}
	if why := s.paused(); why != "" && pauses {
		return gate.Stop{Text: why, Reason: reason.PushingPaused()}, false, nil
	}
	patience := lockPatience
	if !task {
		patience = 0
	}
	err = s.locked(ctx, who, patience, func(ctx context.Context) error {
		e, err := s.ready(ctx)
		if err != nil {
			return err
		}
		if e.Yields = task; pauses {
			e.Paused = s.paused
		}
		stop, yielded, err = work(ctx, e.Store, e.Config.Plays, e.Plays)
		return err
	})
	if errors.Is(err, sqlitefile.ErrHeld) {
		return gate.Stop{Text: s.whoWorks(ctx) + "; try again when it has ended", Reason: reason.RunAtWork()}, false, nil
	}
	s.followUp(ctx, 0)
	if why, class, known := s.whyNot(ctx, err); known {
		return gate.Stop{Text: why, Class: class, Reason: whyByCode(ctx, err)}, false, nil
	}
	return stop, yielded, err
}
