package plugin

import (
	"context"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/reach"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// logged is how many lines a restore logs about items at most: Stash's log page shows the newest thirty.
const logged = 20

// The results of operations. Fields may be added, not renamed. Times are RFC 3339 or null; counts stop at
// sqlitefile.CountLimit, and then say capped.

// ProcessReport is what a run did.
type ProcessReport struct {
	Synced    int              `json:"synced"`
	Unchanged int              `json:"unchanged"`
	Retrying  int              `json:"retrying"`
	Waiting   int              `json:"waiting"`
	Dead      int              `json:"dead"`
	Gone      int              `json:"gone"`
	Skipped   int              `json:"skipped"`
	Remaining status.Remaining `json:"remaining"`
	NextDueAt *time.Time       `json:"next_due_at"`
	Breaker   string           `json:"breaker"`
	Stopped   string           `json:"stopped"`
	Class     retry.Class      `json:"stopped_class,omitempty"`
	Reason    *desk.Reason     `json:"reason,omitempty"` // of Stopped; nil if it is empty
	Queued    bool             `json:"queued,omitempty"` // sync-scene: the scene was not looked at, and a later run pushes it
}

func processReport(sum engine.Summary, c store.Counts, b store.Breaker) ProcessReport {
	return ProcessReport{
		Synced: sum.Synced, Unchanged: sum.Unchanged, Retrying: sum.Retrying, Waiting: sum.Waiting,
		Dead: sum.Dead, Gone: sum.Gone, Skipped: sum.Skipped,
		Remaining: status.RemainingOf(c), NextDueAt: desk.When(c.NextDue), Breaker: string(b.State), Stopped: sum.Stopped, Class: sum.Class,
		Reason: desk.ReasonOf(string(sum.Class), sum.Reason, sum.Stopped),
	}
}

func (s *session) status(ctx context.Context, args common.ArgsMap) (any, error) {
	if err := s.openToLog(ctx); err != nil {
		return nil, err
	}
	r, err := s.readStatus(ctx)
	if err != nil {
		return nil, err
	}
	index, err := s.openIndex(ctx)
	if err != nil {
		return nil, err
	}
	if r.Plex.Sections, err = status.Sections(ctx, index, r.Plex.Server); err != nil {
		return nil, err
	}
	s.logUnpushed(ctx, &r)
	s.z.Info().Msg(r.Line()) // last: Stash shows the newest line first
	if isTask(args) {
		r.DropReasons()
	}
	return r, nil
}

// readStatus reads the state of the queue and of Plex. If Plex did not answer last time, it names the other addresses of the
// sign-in.
func (s *session) readStatus(ctx context.Context) (status.Report, error) {
	r, err := status.Read(ctx, s.db, s.Version)
	if err != nil {
		return r, err
	}
	m, err := reach.Read(ctx, s.db)
	if yes, known := m.Reachable(); known && !yes {
		r.Plex.Others = append(r.Plex.Others, s.where.Others...)
	}
	return r, err
}
