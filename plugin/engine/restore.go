package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A Restoration is what a restore did to Plex items.
type Restoration struct {
	Restored  int // items that are as they were before the first push, but for what a person edited since
	Unchanged int // items that were so already
	Gone      int // items that Plex does not hold any more
	Failed    int // items that are not, or not whole; another restore tries again

	Kept     []KeptFields // the first items with fields that stay: edited since the push, or a picture not on offer any more
	KeptMore bool         // there are more of them
	Problems []ItemProblem
	Stopped  string      // why it ended early
	Class    retry.Class // of what stopped it
}

// KeptFields are fields of an item that do not hold what was pushed any more.
type KeptFields struct {
	SceneID   int      `json:"scene_id"`
	RatingKey string   `json:"rating_key"`
	Fields    []string `json:"fields"`
}

// ItemProblem is why an item could not be restored.
type ItemProblem struct {
	SceneID   int    `json:"scene_id"`
	RatingKey string `json:"rating_key"`
	Reason    string `json:"reason"`
}

// Restore puts back what Plex held before the first push of a scene, or of all if it is 0: values, tags, locks
// and pictures, each only where Plex still holds what was pushed. What was restored is not pushed again until
// somebody asks for it, and what waits to be pushed of it is taken out of the queue. Doing it twice changes
// nothing. The caller holds the lock.
func (e *Engine) Restore(ctx context.Context, scene int) (Restoration, error) {
	d := &drain{Engine: e, opts: Options{ByPerson: true}, started: time.Now()}
	var r Restoration
	err := d.reach(ctx)
	switch {
	case err != nil:
	case scene != 0:
		var keys []string
		if keys, err = e.Store.ItemsOwnedBy(ctx, d.server, scene); err == nil {
			err = d.restorePage(ctx, &r, keys)
		}
	default:
		err = d.restoreAll(ctx, &r)
	}
	r.Stopped, r.Class, err = stopped(ctx, err)
	return r, err
}

func (d *drain) restoreAll(ctx context.Context, r *Restoration) error {
	total, err := d.Store.CountItems(ctx, d.server)
	if err != nil {
		return err
	}
	for after, seen := "", 0; ; {
		keys, err := d.Store.ItemsAfter(ctx, d.server, after, store.BatchSize)
		if err != nil || len(keys) == 0 {
			return err
		}
		after = keys[len(keys)-1]
		if err := d.restorePage(ctx, r, keys); err != nil {
			return err
		}
		seen += len(keys)
		d.Progress(float64(seen) / float64(max(total, 1)))
	}
}

// restorePage restores some items: one reading, the writes, one reading back, one transaction.
func (d *drain) restorePage(ctx context.Context, r *Restoration, keys []string) error {
	for some := range slices.Chunk(keys, store.BatchSize) {
		known, err := d.Store.Items(ctx, d.server, some)
		if err != nil {
			return err
		}
		held, failed, err := d.readItems(ctx, store.Job{}, some)
		if err != nil {
			return err
		}
		var list []*restoring
		for _, key := range slices.Sorted(maps.Keys(known)) {
			item := known[key]
			now, there := held[key]
			switch {
			case failed[key] != nil:
				r.problem(item, failed[key])
			case !there, !sameFiles(item, &now): // or Plex gave its key to something else
				r.Gone++
			default:
				list = append(list, d.planRestore(item, now))
			}
		}
		if err := d.restoreItems(ctx, r, list); err != nil {
			return err
		}
	}
	return nil
}

// restoring is one item on its way back.
type restoring struct {
	work   *work
	target *target
	kept   []string // settings' names of the fields that a person edited since

	pictures bool // were given back
}

// planRestore is the merge with a Stash that has nothing to show: it gives back what is ours.
func (d *drain) planRestore(item store.Item, held plexapi.Item) *restoring {
	nothing := merge.Desired{Values: make(map[string]store.Value)}
	for _, m := range []map[string]store.Value{item.Sent, item.ReadBack} {
		for plex := range m {
			nothing.Values[plex] = nil
		}
	}
	for plex := range item.Owned {
		nothing.Values[plex] = nil
	}
	plan := merge.Merge(merge.MergeInput{Desired: nothing, Memory: item, Current: held})
	t := &target{hit: match.Hit{RatingKey: item.RatingKey, Section: sectionOf(&held, match.Hit{Section: item.Section})}, held: held, plan: plan, stored: item, memory: plan.Memory}
	return &restoring{
		work: &work{job: store.Job{SceneID: item.Owner}, targets: []*target{t}}, target: t,
		kept: merge.KeptFields(item, held),
	}
}

// restoreImages selects again what was selected before our first upload, wherever ours is selected still, and
// gives the lock back. It returns the pictures that a person has chosen since.
func (d *drain) restoreImages(ctx context.Context, t *target) (wrote bool, kept []string, err error) {
	for _, kind := range []plexapi.ImageKind{plexapi.Poster, plexapi.Background} {
		lock := kind.Lock()
		known, before := t.stored.Images[lock], t.stored.Before[lock]
		if known.SHA1 == "" && known.Sending == "" {
			continue
		}
		list, err := d.Plex.Pictures(ctx, kind, t.hit.RatingKey)
		selected, ours, offered := "", false, false
		for _, one := range list {
			offered = offered || one.Key == merge.First(before.Value)
			if one.Selected {
				selected, ours = one.Key, one.IsUpload(known.SHA1) || one.IsUpload(known.Sending)
			}
		}
		switch {
		case err != nil:
			return wrote, kept, err
		case selected == merge.First(before.Value): // already, or again
		case !ours:
			kept = append(kept, merge.SettingName(lock))
			continue
		case !offered: // Plex has nothing to go back to: its agent may choose again
			kept = append(kept, merge.SettingName(lock))
		default:
			wrote = true
			if err := d.unsettle(ctx, t, lock); err != nil {
				return wrote, kept, err
			}
			if err := d.timed(ctx, func() error { return d.Plex.Select(ctx, kind, t.hit.RatingKey, before.Value[0]) }); err != nil {
				return wrote, kept, err
			}
			p := picture{t: t, kind: kind}
			if _, selected, err := d.pictures(ctx, &p); err != nil || selected != before.Value[0] {
				return wrote, kept, cmp.Or(err, retry.Unmoved("Plex accepted the choice of the former picture and did not make it"))
			}
		}
		if t.held.Locked[lock] && !before.Locked {
			wrote = true
			if err := d.timed(ctx, func() error {
				return d.Plex.Edit(ctx, t.hit.Section, t.held.ItemType(), t.hit.RatingKey, plexapi.Edit{Unlock: []string{lock}})
			}); err != nil {
				return wrote, kept, err
			}
		}
	}
	return wrote, slices.Clip(kept), nil
}

// unsettle stores, ahead of giving a picture back, that Plex may not show our upload any more. Should the restore
// not come to its end, the next push sends the cover again.
func (d *drain) unsettle(ctx context.Context, t *target, lock string) error {
	image := t.stored.Images[lock]
	if image.Sending == "" {
		image.Sending = image.SHA1
	}
	image.Version = ""
	for _, it := range []*store.Item{&t.stored, &t.memory, &t.plan.Memory} {
		it.Images = merge.With(it.Images, lock, image)
	}
	return d.Store.PutItems(ctx, []store.Item{t.stored})
}

// restoreItems writes the plans, reads back what came of them and stores it.
func (d *drain) restoreItems(ctx context.Context, r *Restoration, list []*restoring) error {
	var wrote []string
	for _, one := range list {
		err := ctx.Err()
		if err == nil && !one.target.plan.Empty() {
			one.target.wrote = true
			wrote = append(wrote, one.target.hit.RatingKey)
			one.target.setFaults(tryApartFrom - 1) // a field that Plex refuses is not to cost the others
			err = d.writeItem(ctx, one.work, one.target)
		}
		if err == nil {
			var kept []string
			one.pictures, kept, err = d.restoreImages(ctx, one.target)
			one.kept = append(one.kept, kept...)
		}
		if err != nil && (retry.Judge(ctx, err).Stop || retry.Judge(ctx, err).Class == retry.ClassServerDown) {
			return err
		}
		one.work.err = err
	}
	held, failed, err := d.readItems(ctx, store.Job{}, wrote)
	if err != nil {
		return err
	}
	end := store.Restored{Server: d.server, Began: d.started}
	for _, one := range list {
		if one.work.err == nil {
			one.work.err = d.check(one.work, held, failed)
		}
		if one.work.err == nil && len(one.target.refused) > 0 {
			one.work.err = errors.New("Plex refuses to take back " + merge.SettingName(one.target.refused[0].field))
		}
		r.count(one, &end)
	}
	return d.Store.EndRestore(context.WithoutCancel(ctx), time.Now(), end)
}

// count tells how an item came out, and what is to be stored of it.
func (r *Restoration) count(one *restoring, end *store.Restored) {
	item := one.target.memory
	if len(one.kept) > 0 {
		if len(r.Kept) < shownAtMost {
			r.Kept = append(r.Kept, KeptFields{item.Owner, item.RatingKey, one.kept})
		} else {
			r.KeptMore = true
		}
	}
	switch {
	case one.work.err != nil:
		r.problem(item, one.work.err)
		end.Items = append(end.Items, item)
		return
	case one.target.wrote, one.pictures:
		r.Restored++
	default:
		r.Unchanged++
	}
	end.Whole = append(end.Whole, item.RatingKey)
	if item.Owner != 0 {
		end.Scenes = append(end.Scenes, item.Owner)
	}
}

func (r *Restoration) problem(item store.Item, err error) {
	r.Failed++
	if len(r.Problems) < shownAtMost {
		r.Problems = append(r.Problems, ItemProblem{item.Owner, item.RatingKey, text.OneLine(err.Error(), text.Limit)})
	}
}

// String is what a restore did, in one line.
func (r Restoration) String() string {
	parts := []string{fmt.Sprintf("%d items are as they were before the first push, %d were so already", r.Restored, r.Unchanged)}
	if r.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d could not be restored", r.Failed))
	}
	if r.Gone > 0 {
		parts = append(parts, fmt.Sprintf("%d are not in Plex any more", r.Gone))
	}
	if len(r.Kept) > 0 {
		parts = append(parts, "fields that were edited in Plex since, or that it cannot give back, were left as they are")
	}
	return strings.Join(parts, "; ") + ". Restored scenes are pushed again only when they are edited in Stash, or by \"Sync all scenes\""
}
