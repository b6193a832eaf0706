package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// RestoreReport is what a restore did.
type RestoreReport struct {
	Restored  int                    `json:"restored"`
	Unchanged int                    `json:"unchanged"`
	Gone      int                    `json:"gone"`
	Failed    int                    `json:"failed"`
	Dropped   int                    `json:"dropped"` // waiting edits that were removed from the queue
	Kept      []findings.KeptFields  `json:"kept"`
	KeptMore  bool                   `json:"kept_more,omitempty"`
	Problems  []findings.ItemProblem `json:"problems"`
	Report    int64                  `json:"report,omitempty"` // id of the stored report of a dry run
	Stopped   string                 `json:"stopped"`
}

const restoreTask = "Restore Plex metadata"

// restore returns the Plex items of one scene, or of all, to their state before the first push.
func (s *session) restore(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := optionalScene(args)
	if err != nil {
		return nil, err
	}
	dry, err := dryRun(args, scene)
	if err != nil {
		return nil, err
	}
	if dry {
		return s.dryRestore(ctx, scene, args)
	}
	if err := s.confirmed(ctx, args, scene); err != nil {
		s.outcome(ctx, args, strings.Replace(err.Error(), "args.confirm names a", "refused: this is a", 1))
		return nil, err
	}
	var r findings.Restoration
	from, continues, err := continued[findings.RestorePosition](args, scene)
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
		more := map[string]any{"mode": "restore"}
		if id := dryRunOf(args); id != nil {
			more[reportArg] = id
		}
		r.Stopped = s.leave(ctx, restoreTask, engine.RestoreDescription, more, r.Next)
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
		s.outcome(ctx, args, err.Error())
		return nil, err
	}
	s.outcome(ctx, args, s.logRestore(r, held))
	return restoreReport(r), nil
}

func restoreReport(r findings.Restoration) RestoreReport {
	return RestoreReport{
		Restored: r.Restored, Unchanged: r.Unchanged, Gone: r.Gone, Failed: r.Failed, Dropped: r.Dropped,
		Kept: orEmpty(r.Kept), KeptMore: r.KeptMore, Problems: orEmpty(r.Problems), Stopped: r.Stopped,
	}
}

// logRestore logs what a restore did, and returns the last line.
func (s *session) logRestore(r findings.Restoration, held bool) (line string) {
	for _, k := range r.Kept[:min(len(r.Kept), logged/2)] {
		s.z.Info().Int("scene", k.SceneID).Str("item", k.RatingKey).Str("fields", strings.Join(k.Fields, ", ")).Msg("fields not restored: edited in Plex since the push, or Plex no longer has the picture it showed before")
	}
	for _, p := range r.Problems[:min(len(r.Problems), logged/2)] {
		s.z.Warn().Int("scene", p.SceneID).Str("item", p.RatingKey).Msg("not restored: " + p.Reason)
	}
	event := s.z.Info()
	switch {
	case held:
		event, line = s.z.Warn(), r.Stopped
	case r.Next != nil:
		line = text.Join(r.Stopped, "so far: "+r.String())
	case r.Stopped != "":
		event, line = s.event(r.Class), text.Join(r.Stopped, "start \"Restore Plex metadata\" again to continue", "so far: "+r.String())
	default:
		line = r.String()
	}
	event.Msg(line)
	return line
}

// dryRun reads args.dry_run. Anything but true or false is refused, since the alternative restores.
func dryRun(args common.ArgsMap, scene int) (bool, error) {
	given, dry := args["dry_run"], false
	if given != nil {
		var ok bool
		if dry, ok = given.(bool); !ok {
			return false, errors.New("args.dry_run must be true or false; nothing was restored")
		}
	}
	switch {
	case dry && args[confirmArg] != nil:
		return false, fmt.Errorf("args.dry_run and args.%s exclude each other; nothing was restored", confirmArg)
	case dry && scene == 0 && !isTask(args):
		return false, fmt.Errorf("a dry run for all scenes takes long, so it is only a task: start %q with args.dry_run, or add args.scene_id", restoreTask)
	}
	return dry, nil
}

// dryRestore stores and returns what a restore would do.
func (s *session) dryRestore(ctx context.Context, scene int, args common.ArgsMap) (any, error) {
	var r findings.Restoration
	var total findings.RestoreCounts
	id, refused, err := s.store(ctx, report.Restore, scene, args, func(w *report.Writer) (string, error) {
		from := findings.RestorePosition{Began: time.Now()}
		begun, err := w.Resume(&from, &total)
		if err == nil && !begun {
			err = w.Put(ctx, time.Now(), report.Page{Counts: total, Position: from})
		}
		if err != nil {
			return "", err
		}
		before := total
		e, err := s.ready(ctx)
		if err == nil {
			e.Yields = isTask(args) && scene == 0
			r, err = e.DryRestore(ctx, scene, from, func(ctx context.Context, found []findings.Restore, r *findings.Restoration, at findings.RestorePosition) error {
				total = before.Plus(findings.RestoreCounts{Restored: r.Restored, Unchanged: r.Unchanged, Gone: r.Gone, Failed: r.Failed, Dropped: r.Dropped})
				return w.Put(ctx, time.Now(), report.Page{Findings: findings.OfRestore(found), Counts: total, Position: at})
			})
		}
		if r.Next != nil {
			r.Stopped = s.leave(ctx, restoreTask, engine.RestoreDescription, map[string]any{"mode": "restore", "dry_run": true}, w.ID)
		}
		if why, class, known := s.whyNot(ctx, err); known {
			r.Stopped, r.Class, err = why, class, nil
		}
		return r.Stopped, err
	})
	if err != nil {
		return nil, err
	}
	if refused != "" {
		r.Stopped = refused
	} else {
		r.Restored, r.Unchanged, r.Gone, r.Failed, r.Dropped = total.Restored, total.Unchanged, total.Gone, total.Failed, total.Dropped
		s.event(r.Class).Msg(total.Line(r.Stopped))
	}
	answer := restoreReport(r)
	answer.Report = id
	return answer, nil
}

const (
	confirmArg = "confirm" // the dry run that a person has seen
	reportArg  = "report"  // the dry run that was confirmed, for a restore that continues
)

// dryRunOf returns the id of the dry run that was confirmed; nil if there is none.
func dryRunOf(args common.ArgsMap) any {
	if id := args[confirmArg]; id != nil && id != "" {
		return id
	}
	return args[reportArg]
}

// outcome stores what a restore did, or why it was refused, with the dry run that was confirmed. What cannot be stored is
// in the log.
func (s *session) outcome(ctx context.Context, args common.ArgsMap, line string) {
	id := dryRunOf(args)
	if id == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	db, err := s.reports(ctx)
	if err == nil {
		err = db.SetOutcome(ctx, id, s.log.Hide(text.Plain(line)))
	}
	if err != nil {
		s.z.Debug().Err(err).Msg("the outcome of the restore was not stored")
	}
}

// confirmed checks args.confirm. Without it every restore is confirmed.
func (s *session) confirmed(ctx context.Context, args common.ArgsMap, scene int) error {
	given := args[confirmArg]
	if given == nil || given == "" {
		return nil
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	db, err := s.reports(ctx)
	if err != nil {
		return err
	}
	return db.Confirm(ctx, time.Now(), given, scene)
}
