package engine

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/findings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A Preview reports what a push would write. Nothing is written. Each scene is counted once.
type Preview struct {
	PreviewCounts
	Scenes  []ScenePreview // the first scenes that would change
	Others  []SceneProblem // the first scenes that would not be pushed, and why; those without data last
	Stopped string         // why it ended early
	Class   retry.Class    // of what stopped it

	// Next is where ContinuePreview continues after other Stash jobs; nil if the preview did not yield.
	Next *PreviewPosition
}

// A PreviewPosition is how far a preview has come that made room for other Stash jobs.
type PreviewPosition struct {
	After  int // scene id: the scenes up to this one are counted
	Counts PreviewCounts
}

// What a preview says about scenes and items.
type (
	PreviewCounts = findings.PreviewCounts
	ScenePreview  = findings.Scene
	ItemPreview   = findings.Item
	SceneProblem  = findings.Problem
	Kind          = findings.Kind
)

// The kinds of problems, as named in Preview.
const (
	NotFound  = findings.NotFound
	Ambiguous = findings.Ambiguous
	Unread    = findings.Unread
	Skipped   = findings.Skipped
	Bare      = findings.Bare
	Failed    = findings.Failed
)

// Preview computes what a push of a scene, or of all scenes if it is 0, would write, with the same stages as a run. It
// writes neither to Plex nor to the queue, does not change the breaker, and does not update the index.
func (e *Engine) Preview(ctx context.Context, scene int) (Preview, error) {
	return e.preview(ctx, scene, PreviewPosition{}, nil)
}

// A PreviewPage gets the scenes of a part that would change or not be pushed, and the position after it. An error ends the
// run.
type PreviewPage func(ctx context.Context, scenes []ScenePreview, others []SceneProblem, at PreviewPosition) error

// ContinuePreview continues a preview of all scenes from a position, that of a preview that made room for other Stash
// jobs or the zero value. It returns the counts from the beginning. page may be nil.
func (e *Engine) ContinuePreview(ctx context.Context, from PreviewPosition, page PreviewPage) (Preview, error) {
	return e.preview(ctx, 0, from, page)
}

func (e *Engine) preview(ctx context.Context, scene int, from PreviewPosition, page PreviewPage) (Preview, error) {
	r := previewRun{run: e.newRun(Options{}, true), after: from.After, page: page}
	r.yield.ask, r.yield.leaves = e.callerAsks(), leavesReport
	if scene != 0 {
		r.yield.ask = nil
	}
	r.result.PreviewCounts = from.Counts
	if r.result.ByField == nil {
		r.result.ByField = make(map[string]int)
	}
	err := r.reach(ctx)
	switch {
	case err != nil:
	case scene != 0:
		err = r.batch(ctx, []int{scene})
	default:
		err = r.all(ctx)
	}
	stop, err := r.gate.Why(ctx, err)
	r.result.Stopped, r.result.Class = stop.Text, stop.Class
	r.result.Others = append(r.result.Others, r.bare[:min(len(r.bare), findings.ShownAtMost-len(r.result.Others))]...)
	if r.yield.yielded(stop, err) {
		r.result.Next = &PreviewPosition{r.after, r.result.PreviewCounts}
	}
	return r.result, err
}

// Inspect computes what a push of one scene would write, as Preview does. The push may have failed for itself: its Failure
// says why the scene would not be pushed. The error says why nothing could be computed, for example because Plex does not
// answer.
func (e *Engine) Inspect(ctx context.Context, scene int) (*push.Push, error) {
	r := e.newRun(Options{}, true)
	r.yield.ask = nil
	if err := r.reach(ctx); err != nil {
		return nil, err
	}
	pushes, err := r.pushes.DryRun(ctx, []int{scene})
	return pushes[0], err
}

// previewRun is a read-only run.
type previewRun struct {
	*run
	after  int // the last scene counted
	result Preview
	bare   []SceneProblem // the first scenes without data

	page   PreviewPage // nil: no rows are wanted
	scenes []ScenePreview
	others []SceneProblem
}

func (r *previewRun) all(ctx context.Context) error {
	for total := 0; ; {
		page, err := r.Stash.AllScenes(ctx, r.after, catchup.PageSize)
		if err != nil {
			return err
		}
		c := &r.result.PreviewCounts
		total = max(total, page.Count+c.Total())
		ids := make([]int, len(page.Scenes))
		for i, s := range page.Scenes {
			ids[i] = s.ID
		}
		for some := range slices.Chunk(ids, store.BatchSize) {
			if err := r.batch(ctx, some); err != nil {
				return cmp.Or(r.handOver(ctx), err)
			}
			if err := r.handOver(ctx); err != nil {
				return err
			}
			r.Progress(float64(c.Total()) / float64(max(total, 1)))
			if err := r.gate.MakeRoom(ctx); err != nil {
				return err
			}
		}
		if len(ids) < catchup.PageSize {
			return nil
		}
	}
}

// handOver hands over the rows that were found since the last time.
func (r *previewRun) handOver(ctx context.Context) error {
	if r.page == nil {
		return nil
	}
	scenes, others := r.scenes, r.others
	r.scenes, r.others = nil, nil
	return r.page(ctx, scenes, others, PreviewPosition{r.after, r.result.PreviewCounts})
}

// batch takes scenes through the stages before the first write.
func (r *previewRun) batch(ctx context.Context, ids []int) error {
	pushes, err := r.pushes.DryRun(ctx, ids)
	if err != nil {
		return err
	}
	for _, p := range pushes {
		if why := r.yield.leaving; why != nil && errors.Is(p.Failure(), why) {
			return why
		}
		r.add(ctx, p)
		r.after = p.Job.SceneID
	}
	return nil
}

// add counts one scene.
func (r *previewRun) add(ctx context.Context, one *push.Push) {
	p := &r.result
	if err := one.Failure(); err != nil {
		v := gate.Judge(ctx, err)
		kind := p.problem(one, v)
		list := &p.Others
		if kind == Bare {
			list = &r.bare
		}
		problem := SceneProblem{SceneID: one.Job.SceneID, Title: one.Title(), Class: v.Class, Reason: err.Error(), Because: retry.ReasonOf(err), Kind: kind}
		if len(*list) < findings.ShownAtMost {
			*list = append(*list, problem)
		}
		if r.page != nil {
			r.others = append(r.others, problem)
		}
		return
	}
	scene := ScenePreview{SceneID: one.Job.SceneID, Title: one.Title()}
	for _, t := range one.Targets {
		if t.Plan.Empty() && len(t.Plan.Changes) == 0 { // pictures are not part of the plan
			continue
		}
		item := findings.ItemOf(t.Hit.RatingKey, &t.Plan)
		scene.Items = append(scene.Items, item)
		for _, f := range push.ChangedFields(item.Changes) {
			p.ByField[f]++
		}
	}
	if len(scene.Items) == 0 {
		p.Unchanged++
		return
	}
	p.WouldChange++
	if len(p.Scenes) < findings.ShownAtMost {
		p.Scenes = append(p.Scenes, scene)
	}
	if r.page != nil {
		r.scenes = append(r.scenes, scene)
	}
}

// problem counts a scene that would not be pushed.
func (p *Preview) problem(one *push.Push, v retry.Verdict) Kind {
	switch {
	case v.Unmatched() && one.Match.Found == match.Ambiguous:
		p.Ambiguous++
		return Ambiguous
	case v.Unmatched() && one.Match.Found == match.Unknown:
		p.Unread++
		return Unread
	case v.Unmatched():
		p.NotFound++
		return NotFound
	case v.Class.Drops() && one.Bare():
		p.Skipped++
		p.Bare++
		return Bare
	case v.Class.Drops():
		p.Skipped++
		return Skipped
	}
	p.Failed++
	return Failed
}
