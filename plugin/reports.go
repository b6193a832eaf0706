package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gaps"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
)

// gapsTask is the task of the yml that compares Stash with Plex.
const gapsTask = "Compare Stash and Plex"

// reports opens the file of stored reports.
func (s *session) reports(ctx context.Context) (db *report.DB, err error) {
	if s.stored == nil {
		if err := s.findDir(); err != nil {
			return nil, err
		}
		if s.stored, err = report.Open(ctx, s.dir); err != nil {
			s.stored = nil
		}
	}
	return s.stored, err
}

// store calls work with a report of a kind, begun or continued as args say, and returns the id of the report. If it cannot
// begin or be continued, refused says why and work is not called.
func (s *session) store(ctx context.Context, kind string, scene int, args common.ArgsMap, work func(w *report.Writer) (stopped string, err error)) (id int64, refused string, err error) {
	from, _, err := continued[int64](args, scene)
	if err != nil {
		return 0, "", err
	}
	if err := s.open(ctx); err != nil {
		return 0, "", err
	}
	db, err := s.reports(ctx)
	if err != nil {
		return 0, "", err
	}
	id, err = db.Run(ctx, time.Now, report.Task{Kind: kind, SceneID: scene, Continue: from, Hide: s.log.Hide}, work)
	if errors.Is(err, report.ErrRunning) || errors.Is(err, report.ErrOver) {
		s.z.Warn().Msg(err.Error())
		return 0, err.Error(), nil
	}
	return id, "", err
}

// previewAll previews all scenes and stores what it finds.
func (s *session) previewAll(ctx context.Context, args common.ArgsMap) (any, error) {
	var p engine.Preview
	id, refused, err := s.store(ctx, report.Preview, 0, args, func(w *report.Writer) (string, error) {
		page := s.previewPage(w)
		from, counts := engine.PreviewPosition{}, any(nil)
		begun, err := w.Resume(&from, &counts)
		if err == nil && !begun {
			err = page(ctx, nil, nil, from)
		}
		if err != nil {
			return "", err
		}
		found, err := s.previewFrom(ctx, from, true, func(ctx context.Context, e *engine.Engine) (engine.Preview, error) {
			return e.ContinuePreview(ctx, from, page)
		})
		if err != nil {
			return "", err
		}
		if found.Total() == 0 { // it stopped before the first scene of this part
			found.PreviewCounts = from.Counts
		}
		if p = found; p.Next != nil {
			p.Stopped = s.leave(ctx, "Preview changes", engine.PreviewDescription, map[string]any{"mode": "preview"}, w.ID)
		}
		return p.Stopped, nil
	})
	if err != nil {
		return nil, err
	}
	if refused != "" {
		return PreviewReport{Stopped: refused}, nil
	}
	r := s.logPreview(p)
	r.Report = id
	return r, nil
}

// previewPage stores the rows of a preview.
func (s *session) previewPage(w *report.Writer) engine.PreviewPage {
	return func(ctx context.Context, scenes []engine.ScenePreview, others []engine.SceneProblem, at engine.PreviewPosition) error {
		counts := at.Counts
		if counts.ByField == nil {
			counts.ByField = map[string]int{}
		}
		return w.Put(ctx, time.Now(), report.Page{Findings: findings.OfPreview(scenes, others), Counts: counts, Position: at})
	}
}

// gaps compares all scenes with all files of Plex and stores what it finds.
func (s *session) gaps(ctx context.Context, args common.ArgsMap) (any, error) {
	if !isTask(args) {
		return nil, fmt.Errorf("mode \"gaps\" takes long, so it is only a task: start %q, then read the operation \"report\"", gapsTask)
	}
	var r GapsReport
	var err error
	r.Report, r.Stopped, err = s.store(ctx, report.Gaps, 0, args, func(w *report.Writer) (string, error) {
		e, err := s.ready(ctx)
		if err == nil {
			e.Yields = true
			c := gaps.Comparison{
				Store: s.db, Index: s.index, Stash: s.stash, Config: e.Config.Config, Libraries: e.Config.Libraries,
				Report: w, Now: time.Now, Room: e.Room(), Progress: s.log.Progress,
			}
			r.Counts, r.Stopped, err = c.Run(ctx)
		}
		_, yields := engine.Yielded(err)
		why, class, known := s.whyNot(ctx, err)
		switch {
		case yields:
			r.Stopped, err = s.leave(ctx, gapsTask, engine.GapsDescription, map[string]any{"mode": "gaps"}, w.ID), nil
		case known:
			r.Stopped, err = why, nil
		}
		if err == nil {
			s.event(class).Msg(r.Line(r.Stopped))
		}
		return r.Stopped, err
	})
	return r, err
}

// GapsReport is what a comparison of Stash and Plex found.
type GapsReport struct {
	gaps.Counts
	Report  int64  `json:"report"` // id of the stored report
	Stopped string `json:"stopped"`
}
