package plugin

import (
	"context"
	"errors"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// paused says why nothing may be pushed; "" if it may. The data folder is known.
func (s *session) paused() string {
	if p := pause.Read(s.dir, time.Now()); p != nil {
		return p.String()
	}
	return ""
}

// runPaused ends a run at once if a person has paused pushing. It takes the lock for a moment, because that repairs a
// damaged queue, and clears the run mark, because the run that it stands for does nothing.
func (s *session) runPaused(ctx context.Context, who string, began time.Time) (ended bool, report any, err error) {
	if err := s.findDir(); err != nil {
		return true, nil, err
	}
	why := s.paused()
	if why == "" {
		return false, nil, nil
	}
	if err := s.locked(ctx, who, 0, s.clearMark); err != nil && !errors.Is(err, sqlitefile.ErrHeld) {
		return true, nil, err
	}
	report, err = s.finish(context.WithoutCancel(ctx), engine.Summary{Stopped: why, Reason: reason.PushingPaused().JSON()}, began)
	return true, report, err
}
