package engine

import (
	"context"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/catchup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// shownAtMost is how many scenes a preview or a restore shows one by one.
const shownAtMost = 50

// A Preview reports what a push would write. Nothing is written. Each scene is counted once.
type Preview struct {
	WouldChange, Unchanged, NotFound, Skipped, Failed int
	Ambiguous                                         int // several items fit
	Unread                                            int // an unread library may have the item
	Bare                                              int // of Skipped: scenes without data

	ByField map[string]int // in how many items each field would change
	Scenes  []ScenePreview // the first scenes that would change
	Others  []SceneProblem // the first scenes that would not be pushed, and why; those without data last
	Stopped string         // why it ended early
	Class   retry.Class    // of what stopped it
}

// ScenePreview is what would be written for one scene.
type ScenePreview struct {
	SceneID int           `json:"scene_id"`
	Title   string        `json:"title"` // private
	Items   []ItemPreview `json:"items"`
}

// ItemPreview is what would be written to one item.
type ItemPreview struct {
	RatingKey string         `json:"rating_key"`
	Changes   []merge.Change `json:"changes"`
	Lock      []string       `json:"lock,omitempty"`   // fields that would be locked, by their names in the settings
	Unlock    []string       `json:"unlock,omitempty"` // and unlocked
}

// SceneProblem is why a scene would not be pushed.
type SceneProblem struct {
	SceneID int         `json:"scene_id"`
	Title   string      `json:"title"` // private
	Class   retry.Class `json:"class"`
	Reason  string      `json:"reason"`
	Kind    Kind        `json:"-"`
}

// A Kind is how a scene that would not be pushed is counted.
type Kind int

// The kinds, as named in Preview.
const (
	NotFound Kind = 1 + iota
	Ambiguous
	Unread
	Skipped
	Bare
	Failed
)

// Preview computes what a push of a scene, or of all scenes if it is 0, would write, with the same stages as a run. It
// writes neither to Plex nor to the queue, does not change the breaker, and does not update the index.
func (e *Engine) Preview(ctx context.Context, scene int) (Preview, error) {
	r := previewRun{run: e.newRun(Options{}, true)}
	r.result.ByField = make(map[string]int)
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
	r.result.Others = append(r.result.Others, r.bare[:min(len(r.bare), shownAtMost-len(r.result.Others))]...)
	return r.result, err
}

// previewRun is a read-only run.
type previewRun struct {
	*run
	result Preview
	bare   []SceneProblem // the first scenes without data
}

func (r *previewRun) all(ctx context.Context) error {
	total, seen := 0, 0
	for after := 0; ; {
		page, err := r.Stash.AllScenes(ctx, after, catchup.PageSize)
		if err != nil {
			return err
		}
		total = max(total, page.Count)
		ids := make([]int, len(page.Scenes))
		for i, s := range page.Scenes {
			ids[i], after = s.ID, s.ID
		}
		for some := range slices.Chunk(ids, store.BatchSize) {
			if err := r.batch(ctx, some); err != nil {
				return err
			}
			seen += len(some)
			r.Progress(float64(seen) / float64(max(total, 1)))
		}
		if len(ids) < catchup.PageSize {
			return nil
		}
	}
}

// batch takes scenes through the stages before the first write.
func (r *previewRun) batch(ctx context.Context, ids []int) error {
	pushes, err := r.pushes.DryRun(ctx, ids)
	if err != nil {
		return err
	}
	for _, p := range pushes {
		r.add(ctx, p)
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
		if len(*list) < shownAtMost {
			*list = append(*list, SceneProblem{one.Job.SceneID, one.Title(), v.Class, err.Error(), kind})
		}
		return
	}
	scene := ScenePreview{SceneID: one.Job.SceneID, Title: one.Title()}
	for _, t := range one.Targets {
		if t.Plan.Empty() && len(t.Plan.Changes) == 0 { // pictures are not part of the plan
			continue
		}
		item := ItemPreview{RatingKey: t.Hit.RatingKey, Changes: t.Plan.Changes, Lock: settingNames(t.Plan.Edit.Lock), Unlock: settingNames(t.Plan.Edit.Unlock)}
		if item.Changes == nil {
			item.Changes = []merge.Change{}
		}
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
	if len(p.Scenes) < shownAtMost {
		p.Scenes = append(p.Scenes, scene)
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

// settingNames returns the settings' names of Plex's fields, each once.
func settingNames(plex []string) []string {
	var names []string
	for _, f := range plex {
		if name := merge.SettingName(f); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
