package push

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A Restore is one Plex item that is restored to its state before the first push.
type Restore struct {
	Item    store.Item // to be stored
	Gone    bool       // the item is no longer in Plex, or its key belongs to another item
	Changed bool       // Plex accepted a change
	Kept    []string   // settings' names of kept fields: edited since the push, or a picture that is no longer offered
	Left    bool       // not restored or not read back, because the run must yield; so are all after it

	target *Target
	err    error
}

// Fail ends the restore of the item with err unless it has ended already. Nothing else sets its error.
func (r *Restore) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Failure returns why the item is not restored, or not completely; nil if it is.
func (r *Restore) Failure() error {
	if r.err == nil && r.target != nil {
		return r.target.Failure()
	}
	return r.err
}

// Planned returns what the restore writes; ok is false if the item was not read, so that Item has not changed. The plan of
// a ReadOnly pipeline includes pictures.
func (r *Restore) Planned() (plan merge.Plan, ok bool) {
	if r.target == nil {
		return merge.Plan{}, false
	}
	return r.target.Plan, true
}

// Attempts returns 0: a restore has no job.
func (r *Restore) Attempts() int { return 0 }

// SceneID returns the id of the scene that owns the item.
func (r *Restore) SceneID() int { return r.Item.Owner }

// Restore restores items to their state before the first push: values, tags, locks and pictures, each only where Plex
// still holds what was pushed. The caller stores the result. If the pipeline is ReadOnly, nothing changes, and the result
// is what a restore would do. An error ends the restore of all items. If the run must
// yield, the remaining items are left.
func (pl *Pipeline) Restore(ctx context.Context, known map[string]store.Item) ([]*Restore, error) {
	reading := newReading()
	list := make([]*Restore, 0, len(known))
	for _, key := range slices.Sorted(maps.Keys(known)) {
		r := &Restore{Item: known[key]}
		list = append(list, r)
		reading.add(key, r)
	}
	if err := pl.readRestores(ctx, reading, list); err != nil {
		return nil, err
	}
	var there []*Restore
	for _, r := range list {
		held, ok := reading.held[r.Item.RatingKey]
		switch {
		case r.Left, r.Failure() != nil:
		case !ok, !SameFiles(r.Item, &held):
			r.Gone = true
		default:
			if r.plan(held); r.Failure() == nil {
				there = append(there, r)
			}
		}
	}
	for i, r := range there {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if i > 0 && pl.Gate.MakeRoom(ctx) != nil {
			for _, rest := range there[i:] {
				rest.Left = true
			}
			there = there[:i]
			break
		}
		if err := pl.Gate.Do(ctx, gate.Of(r), func(ctx context.Context) error { return pl.writeRestore(ctx, r) }); err != nil {
			return nil, err
		}
	}
	return list, pl.verifyRestores(ctx, there)
}

// plan merges the item with an empty scene, which restores everything that is ours. It fails the restore if a value
// cannot be read.
func (r *Restore) plan(held plexapi.Item) {
	item := r.Item
	nothing := merge.Desired{Values: make(map[string]store.Value)}
	for _, m := range []map[string]store.Value{item.Sent, item.Confirmed} {
		for plex := range m {
			nothing.Values[plex] = nil
		}
	}
	for plex := range item.Owned {
		nothing.Values[plex] = nil
	}
	if err := unreadable(&held, comparedFields(nothing.Values, &item, held.ItemType())...); err != nil {
		r.Fail(err)
		return
	}
	plan := merge.Merge(merge.MergeInput{Desired: nothing, Base: item, Current: held})
	r.target = &Target{
		push: &Push{Job: store.Job{SceneID: item.Owner}}, Hit: match.Hit{RatingKey: item.RatingKey, Section: sectionOf(&held, item.Section)},
		Current: held, Plan: plan, stored: item, Base: plan.Base, Stage: Planned,
	}
	r.Kept = merge.KeptFields(item, held)
}

// writeRestore writes the plan of one item and restores its pictures. If Plex refuses a field, the others are still
// restored.
func (pl *Pipeline) writeRestore(ctx context.Context, r *Restore) error {
	t := r.target
	switch {
	case t.Plan.Empty():
	case pl.ReadOnly:
		r.Changed = true
	default:
		t.Stage = Written
		t.setFaults(tryApartFrom - 1)
		if err := pl.writeItem(ctx, t); err != nil {
			return err
		}
		if err := pl.wrote(ctx, t); err != nil {
			return err
		}
	}
	for _, kind := range []plexapi.ImageKind{plexapi.Poster, plexapi.Background} {
		if err := pl.restorePicture(ctx, r, &picture{Target: t, kind: kind}); err != nil {
			return err
		}
	}
	if t.changed() || r.Changed {
		return pl.Gate.Answered(ctx)
	}
	return nil
}

// restorePicture selects the picture from before our first upload if ours is still selected, and restores the lock.
func (pl *Pipeline) restorePicture(ctx context.Context, r *Restore, p *picture) error {
	known, before := p.stored.Images[p.lock()], p.stored.Original[p.lock()]
	if known.SHA1 == "" && known.Sending == "" {
		return nil
	}
	list, err := pl.Plex.Pictures(ctx, p.kind, p.key())
	if err != nil {
		return err
	}
	selected, ours, offered := "", false, false
	for _, one := range list {
		offered = offered || one.Key == merge.First(before.Value)
		if one.Selected {
			selected, ours = one.Key, one.IsUpload(known.SHA1) || one.IsUpload(known.Sending)
		}
	}
	switch {
	case selected == merge.First(before.Value): // it needs no change
	case !ours:
		r.Kept = append(r.Kept, merge.SettingName(p.lock()))
		return nil
	case !offered: // there is no picture to return to: unlock, so that Plex's agent may choose
		r.Kept = append(r.Kept, merge.SettingName(p.lock()))
	default:
		r.Changed = true
		p.Plan.Changes = append(p.Plan.Changes, merge.Change{Field: merge.SettingName(p.lock()), Action: "set", From: selected, To: before.Value[0]})
		if err := pl.selectBefore(ctx, p, before.Value[0]); err != nil {
			return err
		}
	}
	if !p.Current.Locked[p.lock()] || before.Locked {
		return nil
	}
	if r.Changed = true; pl.ReadOnly {
		p.Plan.Edit.Unlock = append(p.Plan.Edit.Unlock, p.lock())
		return nil
	}
	return pl.timed(ctx, func() error {
		return pl.Plex.Edit(ctx, p.Hit.Section, p.Current.ItemType(), p.key(), plexapi.Edit{Unlock: []string{p.lock()}})
	})
}

// selectBefore makes Plex show the picture that it showed before our first upload.
func (pl *Pipeline) selectBefore(ctx context.Context, p *picture, before string) error {
	if pl.ReadOnly {
		return nil
	}
	if err := pl.forgetConfirmed(ctx, p); err != nil {
		return err
	}
	if err := pl.timed(ctx, func() error { return pl.Plex.Select(ctx, p.kind, p.key(), before) }); err != nil {
		return err
	}
	if _, selected, err := pl.offered(ctx, p); err != nil || selected != before {
		return cmp.Or(err, retry.Unmoved(notChanged(p), "Plex returned success for the selection of the previous picture but does not show it"))
	}
	return nil
}

// forgetConfirmed stores, before a picture is restored, that Plex may no longer show our upload. If the restore does
// not finish, the next push sends the cover again.
func (pl *Pipeline) forgetConfirmed(ctx context.Context, p *picture) error {
	image := p.stored.Images[p.lock()]
	if image.Sending == "" {
		image.Sending = image.SHA1
	}
	image.Version = ""
	for _, it := range []*store.Item{&p.stored, &p.Base, &p.Plan.Base} {
		it.Images = merge.With(it.Images, p.lock(), image)
	}
	return pl.Store.PutItems(ctx, []store.Item{p.stored})
}

// readRestores reads the items of restores. If the run must yield, some are left.
func (pl *Pipeline) readRestores(ctx context.Context, reading *reading, list []*Restore) error {
	if err := pl.read(ctx, reading); err != nil {
		return err
	}
	if why := pl.Gate.MakeRoom(ctx); why != nil {
		for _, r := range list {
			r.Left = errors.Is(r.Failure(), why)
		}
	}
	return nil
}

// verifyRestores reads back the written items.
func (pl *Pipeline) verifyRestores(ctx context.Context, list []*Restore) error {
	reading := newReading()
	for _, r := range list {
		if r.target.changed() {
			reading.add(r.target.key(), r)
		}
	}
	if err := pl.readRestores(ctx, reading, list); err != nil {
		return err
	}
	for _, r := range list {
		t := r.target
		if r.Failure() == nil {
			pl.verifyTargets([]*Target{t}, reading.held)
		}
		if r.Failure() == nil && len(t.refused) > 0 {
			r.Fail(errors.New("Plex refuses to restore " + merge.SettingName(t.refused[0].field)))
		}
		r.Changed = r.Changed || t.changed()
		r.Item = t.Base
	}
	return nil
}
