package engine

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// shownAtMost is how many scenes a preview or a restore shows one by one.
const shownAtMost = 50

// A Preview is what a push of scenes would write, and nothing is written for it.
type Preview struct {
	WouldChange, Unchanged, NotFound, Skipped, Failed int

	ByField map[string]int // in how many items each field would change
	Scenes  []ScenePreview // the first that would change
	Others  []SceneProblem // the first of which nothing can be shown, and why
	Stopped string         // why it ended early
	Class   retry.Class    // of what stopped it
}

// ScenePreview is what would be written for one scene.
type ScenePreview struct {
	SceneID int           `json:"scene_id"`
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
	Class   retry.Class `json:"class"`
	Reason  string      `json:"reason"`
}

// Preview works out what a push of a scene, or of all scenes if it is 0, would write, on the way on which a
// drain works it out. It writes nothing, neither to Plex nor to the queue, tells the breaker nothing, and
// takes the index of Plex's files as it is.
func (e *Engine) Preview(ctx context.Context, scene int) (Preview, error) {
	d := &drain{Engine: e, dry: true, indexFresh: true, started: time.Now()}
	p := Preview{ByField: make(map[string]int)}
	err := d.reach(ctx)
	switch {
	case err != nil:
	case scene != 0:
		err = d.previewBatch(ctx, &p, []int{scene})
	default:
		err = d.previewAll(ctx, &p)
	}
	p.Stopped, p.Class, err = stopped(ctx, err)
	return p, err
}

// reach asks Plex who it is and chooses its libraries, whatever the breaker says: a person asked for it.
func (d *drain) reach(ctx context.Context) error {
	identity, sections, err := d.Plex.Probe(ctx)
	if err != nil {
		return err
	}
	return d.adopt(ctx, identity, sections)
}

// stopped turns an error into why an operation ended early, as far as it is not the queue's own.
func stopped(ctx context.Context, err error) (text string, class retry.Class, rest error) {
	if err == nil {
		return "", "", nil
	}
	if ctx.Err() != nil {
		return stoppedText, retry.ClassCancelled, nil
	}
	if stop, ok := asStop(err); ok {
		return stop.text, stop.class, nil
	}
	v := retry.Judge(ctx, err)
	if !retry.FromServer(err) {
		return "", "", err
	}
	return err.Error(), v.Class, nil
}

func (d *drain) previewAll(ctx context.Context, p *Preview) error {
	total, seen := 0, 0
	for after := 0; ; {
		page, err := d.Stash.AllScenes(ctx, after, pageSize)
		if err != nil {
			return err
		}
		total = max(total, page.Count)
		ids := make([]int, len(page.Scenes))
		for i, s := range page.Scenes {
			ids[i], after = s.ID, s.ID
		}
		for some := range slices.Chunk(ids, store.BatchSize) {
			if err := d.previewBatch(ctx, p, some); err != nil {
				return err
			}
			seen += len(some)
			d.Progress(float64(seen) / float64(max(total, 1)))
		}
		if len(ids) < pageSize {
			return nil
		}
	}
}

// previewBatch goes the way of a batch up to its first write.
func (d *drain) previewBatch(ctx context.Context, p *Preview, ids []int) error {
	works := make([]*work, len(ids))
	for i, id := range ids {
		works[i] = &work{job: store.Job{SceneID: id}}
	}
	for _, step := range []func(context.Context, []*work) error{d.readScenes, d.findItems, d.planWrites, d.previewImages} {
		if len(alive(works)) == 0 {
			break
		}
		if err := step(ctx, alive(works)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, w := range works {
		p.add(ctx, w)
	}
	return nil
}

// add counts one scene.
func (p *Preview) add(ctx context.Context, w *work) {
	if w.err != nil {
		class := retry.Judge(ctx, w.err).Class
		switch class {
		case retry.ClassNotFound, retry.ClassRejected, retry.ClassUnready:
			p.NotFound++
		case retry.ClassSkipped, retry.ClassGone:
			p.Skipped++
		default:
			p.Failed++
		}
		if len(p.Others) < shownAtMost {
			p.Others = append(p.Others, SceneProblem{w.job.SceneID, class, w.err.Error()})
		}
		return
	}
	scene := ScenePreview{SceneID: w.job.SceneID}
	for _, t := range w.targets {
		if t.plan.Empty() && len(t.plan.Changes) == 0 { // a picture is no part of the plan
			continue
		}
		item := ItemPreview{RatingKey: t.hit.RatingKey, Changes: t.plan.Changes, Lock: settingNames(t.plan.Edit.Lock), Unlock: settingNames(t.plan.Edit.Unlock)}
		if item.Changes == nil {
			item.Changes = []merge.Change{}
		}
		scene.Items = append(scene.Items, item)
		for _, f := range changedFields(item.Changes) {
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

// settingNames are the settings' names of Plex's fields, each once.
func settingNames(plex []string) []string {
	var names []string
	for _, f := range plex {
		if name := merge.SettingName(f); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
