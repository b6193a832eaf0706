package plugin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

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
	Report    int64                `json:"report,omitempty"` // id of the stored report of a dry run
	Stopped   string               `json:"stopped"`
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
		r.Stopped = s.leave(ctx, restoreTask, engine.RestoreDescription, map[string]any{"mode": "restore"}, r.Next)
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
	return restoreReport(r), nil
}

func restoreReport(r engine.Restoration) RestoreReport {
	return RestoreReport{
		Restored: r.Restored, Unchanged: r.Unchanged, Gone: r.Gone, Failed: r.Failed, Dropped: r.Dropped,
		Kept: orEmpty(r.Kept), KeptMore: r.KeptMore, Problems: orEmpty(r.Problems), Stopped: r.Stopped,
	}
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

// restoreCounts are the counts of a stored dry run.
type restoreCounts struct {
	Restored  int `json:"restored"`
	Unchanged int `json:"unchanged"`
	Gone      int `json:"gone"`
	Failed    int `json:"failed"`
	Dropped   int `json:"dropped"`
}

// dryRestore stores and returns what a restore would do.
func (s *session) dryRestore(ctx context.Context, scene int, args common.ArgsMap) (any, error) {
	var r engine.Restoration
	var total restoreCounts
	id, refused, err := s.store(ctx, report.Restore, scene, args, func(w *report.Writer) (string, error) {
		from := engine.RestorePosition{Began: time.Now()}
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
			r, err = e.DryRestore(ctx, scene, from, func(ctx context.Context, rows []engine.RestoreRow, r *engine.Restoration, at engine.RestorePosition) error {
				total = restoreCounts{before.Restored + r.Restored, before.Unchanged + r.Unchanged, before.Gone + r.Gone, before.Failed + r.Failed, before.Dropped + r.Dropped}
				return w.Put(ctx, time.Now(), report.Page{Findings: restoreFindings(rows), Counts: total, Position: at})
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
		s.event(r.Class).Msg(dryLine(r))
	}
	answer := restoreReport(r)
	answer.Report = id
	return answer, nil
}

// restoreFindings returns the rows of a stored dry run. Items that need no change and keep nothing have none.
func restoreFindings(rows []engine.RestoreRow) (list []report.Finding) {
	for _, row := range rows {
		if row.Outcome == engine.WouldKeep && len(row.Kept) == 0 {
			continue
		}
		markPrivate(row.Item.Changes)
		kept := []keptField{}
		for _, field := range row.Kept {
			why := "edited in Plex since the push"
			if field == "poster" || field == "background" {
				why = "another picture was chosen in Plex, or Plex no longer has the picture that it showed before"
			}
			kept = append(kept, keptField{field, why})
		}
		details := map[string]any{"rating_key": row.Item.RatingKey, "changes": row.Item.Changes, "unlock": orEmpty(row.Item.Unlock), "kept": kept}
		if row.Reason != "" {
			details["reason"] = row.Reason
		}
		list = append(list, report.Finding{SceneID: row.SceneID, Kind: row.Outcome, Details: details})
	}
	return list
}

// keptField is a field that a restore leaves as it is, and why.
type keptField struct {
	Field string `json:"field"`
	Why   string `json:"why"`
}

// dryLine is the last line of a dry run.
func dryLine(r engine.Restoration) string {
	line := fmt.Sprintf("%s would be restored, %d need no change, %d are no longer in Plex, %d cannot be restored; %s would be removed from the queue",
		text.Count(r.Restored, "item", "items"), r.Unchanged, r.Gone, r.Failed, text.Count(r.Dropped, "waiting edit", "waiting edits"))
	if r.Stopped != "" {
		return text.Join(r.Stopped, "the dry run is incomplete: "+line, "nothing was written")
	}
	return "Dry run, nothing was written: " + line
}

const (
	confirmArg    = "confirm"        // the argument that names the dry run that a person has seen
	confirmWithin = 10 * time.Minute // how long after its end
)

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
	now := time.Now()
	var r report.Report
	known := false
	if id, err := strconv.ParseInt(plainNumber(given), 10, 64); err == nil {
		if r, known, err = db.ByID(ctx, now, id); err != nil {
			return err
		}
	}
	why := ""
	switch age := now.Sub(r.Finished); {
	case !known || r.Kind != report.Restore:
		why = "names no dry run of a restore"
	case r.State != report.Done:
		why = "names a dry run that is not finished"
	case r.SceneID != scene:
		why = "names a dry run about other scenes"
	case age < 0 || age > confirmWithin:
		why = fmt.Sprintf("names a dry run that ended more than %d minutes ago", int(confirmWithin.Minutes()))
	default:
		return nil
	}
	return fmt.Errorf("args.%s %s; nothing was restored: start a dry run, read its report, then confirm that", confirmArg, why)
}

// plainNumber returns a number of JSON, or a text, in decimal form.
func plainNumber(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	s, _ := v.(string)
	return s
}
