package merge

import (
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// tags merges a list of tags. Only tags that we added are ours: desired by Stash and absent in Plex before our write.
// Only those are ever removed.
func (f *fieldMerge) tags() {
	base := &f.plan.Base
	kind := plexapi.TagKind(f.plex)
	if f.partlyWritten() {
		base.Confirmed[f.plex] = f.held
	}
	// A tag that is neither in Plex nor desired is no longer ours: a person may add it later.
	owned := slices.Concat(both(base.Owned[f.plex], f.held), both(Without(base.Owned[f.plex], f.held), f.want))
	own(&f.plan.Base, f.plex, owned)

	add := Without(f.want, f.held)
	remove := both(f.held, Without(owned, f.want)) // in Plex's spelling
	// Plex's forms of our normalized names stay while any of these names is desired: which form belongs to which name
	// is unknown.
	if form := base.Normalized[f.plex]; len(both(form.Sent, f.want)) > 0 {
		if len(Without(form.Held, f.held)) == 0 {
			add = Without(add, form.Sent)
		}
		remove = Without(remove, form.Held)
	}
	before, after := f.respelt(owned)
	remove, add = append(remove, before...), append(add, after...)
	if len(add) == 0 && len(remove) == 0 {
		f.equalTags()
		return
	}
	if f.rejected() || f.kept() {
		return
	}
	f.remember()
	own(&f.plan.Base, f.plex, slices.Concat(owned, add))
	base.Sent[f.plex] = f.want
	if len(remove) > 0 {
		f.plan.First.Remove[kind] = remove
		f.plan.removed[f.plex] = remove
		f.plan.Changes = append(f.plan.Changes, Change{Field: SettingName(f.plex), Action: "remove", From: strings.Join(remove, ", ")})
	}
	if len(add) > 0 { // the complete list: correct whether Plex appends or replaces
		f.plan.Edit.Tags[kind] = slices.Concat(Without(f.held, remove), add)
		f.plan.added[f.plex] = add
		f.plan.Changes = append(f.plan.Changes, Change{Field: SettingName(f.plex), Action: "add", To: strings.Join(add, ", ")})
	}
	f.lockTags()
}

// respelt returns our tags whose spelling Stash has changed since Plex took it exactly, and their new spellings. If Plex
// then shows another spelling than the one that was sent, that is its own form.
func (f *fieldMerge) respelt(owned []string) (before, after []string) {
	for _, name := range both(f.want, owned) {
		for _, held := range both(f.held, []string{name}) {
			if held != name && slices.Contains(f.in.Base.Sent[f.plex], held) {
				before, after = append(before, held), append(after, name)
			}
		}
	}
	return before, after
}

// partlyWritten reports whether our last write, even if interrupted, explains the list in Plex: all added tags were
// sent, and all missing tags were ours and to be removed.
func (f *fieldMerge) partlyWritten() bool {
	base := &f.in.Base
	sent, wrote := base.Sent[f.plex]
	was, read := base.Confirmed[f.plex]
	if !read {
		was = base.Original[f.plex].Value
	}
	came, gone := Without(f.held, was), Without(was, f.held)
	unexplained := len(Without(came, sent)) + len(both(gone, sent)) + len(Without(gone, base.Owned[f.plex]))
	return wrote && len(came)+len(gone) > 0 && unexplained == 0
}

// equalTags handles a list that needs no tag written.
func (f *fieldMerge) equalTags() {
	base := &f.plan.Base
	_, wrote := base.Sent[f.plex]
	switch {
	case len(f.want) > 0:
		f.agree()
	case wrote && f.lockAsBefore(base.Original[f.plex]): // the tags are gone, but the lock is still ours
		f.plan.restored[f.plex] = true
	case wrote:
		release(&f.plan.Base, f.plex)
	}
}

// own records the tags of a list that are ours.
func own(base *store.Item, plex string, names []string) {
	if len(names) == 0 {
		delete(base.Owned, plex)
		return
	}
	base.Owned[plex] = distinctNames(names)
}

// lockTags locks the list, or restores its lock if Stash has no tags left.
func (f *fieldMerge) lockTags() {
	if len(f.want) == 0 {
		f.plan.restored[f.plex] = true
		f.lockAsBefore(f.plan.Base.Original[f.plex])
		return
	}
	if !f.in.Current.Locked[f.plex] || len(f.plan.added[f.plex]) > 0 {
		f.plan.Edit.Lock = append(f.plan.Edit.Lock, f.plex)
	}
}

// An Outcome is the result of the read-back of a written plan.
type Outcome struct {
	Base   store.Item // to be stored with the completion
	Failed []string   // Plex's names of fields that did not change
	Forms  []string   // Plex's names of fields that it normalizes

	DateStays bool // Plex did not clear the date: it is no longer ours
}

// AfterReadBack compares what Plex holds after the writes with what was sent. A value that changed but differs is
// recorded as normalized; a value that did not change is a failure, as is a list that still holds a removed tag or
// gained none.
func AfterReadBack(p Plan, held plexapi.Item) Outcome {
	o := Outcome{Base: CopyItem(p.Base)}
	for plex, target := range p.targets {
		o.scalar(&p, plex, target, Current(&held, plex))
	}
	touched := make(map[string]bool)
	for plex := range p.added {
		touched[plex] = true
	}
	for plex := range p.removed {
		touched[plex] = true
	}
	for plex := range p.restored { // only a lock was restored
		if _, written := p.targets[plex]; !written && !touched[plex] {
			release(&o.Base, plex)
		}
	}
	for plex := range touched {
		o.tags(&p, plex, Current(&held, plex))
	}
	slices.Sort(o.Failed)
	slices.Sort(o.Forms)
	o.keepDate(&p, &held)
	return o
}

// keepDate releases a date that Plex did not clear although everything else changed, including its lock: whether Plex
// clears dates at all is not documented.
func (o *Outcome) keepDate(p *Plan, held *plexapi.Item) {
	const date = string(plexapi.Date)
	target, written := p.targets[date]
	cleared := written && len(target) == 0
	if cleared && slices.Equal(o.Failed, []string{date}) && !(held.Locked[date] && slices.Contains(p.Edit.Unlock, date)) {
		o.Failed, o.DateStays = nil, true
		release(&o.Base, date)
	}
}

func (o *Outcome) scalar(p *Plan, plex string, target, now store.Value) {
	was := Current(&p.before, plex)
	switch {
	case !Same(plex, now, target) && Same(plex, now, was):
		o.Failed = append(o.Failed, plex)
		return
	case p.restored[plex]:
		release(&o.Base, plex)
		return
	case !Same(plex, now, target):
		o.Base.Normalized[plex] = store.Normalized{Sent: target, Held: now}
		o.Forms = append(o.Forms, plex)
	default:
		delete(o.Base.Normalized, plex)
	}
	o.Base.Confirmed[plex] = now
}

// AcceptForm records that Plex shows the value that was sent in the same form as an earlier value, such as a rating
// rounded to the same stars. It reports false if Plex never changed a value of ours to what it shows now.
func AcceptForm(p Plan, base *store.Item, plex string, held *plexapi.Item) bool {
	target, written := p.targets[plex]
	now := Current(held, plex)
	if known, ok := p.Base.Normalized[plex]; !written || !ok || !Same(plex, known.Held, now) {
		return false
	}
	base.Normalized[plex], base.Confirmed[plex] = store.Normalized{Sent: target, Held: now}, now
	return true
}

func (o *Outcome) tags(p *Plan, plex string, now store.Value) {
	want := p.desired.Values[plex]
	missing, left := Without(p.added[plex], now), both(now, Without(p.removed[plex], p.added[plex]))
	// Added tags that were not sent are Plex's forms of the missing ones.
	came := Without(Without(now, Current(&p.before, plex)), want)
	nothingCame := len(missing) > 0 && len(missing) == len(p.added[plex]) && len(came) == 0
	if len(left) > 0 || nothingCame {
		o.Failed = append(o.Failed, plex)
		return
	}
	if len(missing) == 0 {
		came = nil
	}
	o.tagForm(plex, both(Without(want, now), slices.Concat(o.Base.Normalized[plex].Sent, missing)), came, now)
	own(&o.Base, plex, slices.Concat(both(o.Base.Owned[plex], now), came))
	if p.restored[plex] {
		release(&o.Base, plex)
		return
	}
	o.Base.Confirmed[plex] = now
}

// tagForm records the names that Plex normalizes and their forms.
func (o *Outcome) tagForm(plex string, sent, came, now []string) {
	if len(sent) == 0 {
		delete(o.Base.Normalized, plex)
		return
	}
	held := distinctNames(slices.Concat(both(o.Base.Normalized[plex].Held, now), came))
	o.Base.Normalized[plex] = store.Normalized{Sent: sent, Held: held}
	o.Forms = append(o.Forms, plex)
}

// Unsent records that names of a list were not sent: that Plex does not show them says nothing about its forms.
func Unsent(base store.Item, plex string, names []string) store.Item {
	form, ok := base.Normalized[plex]
	if !ok || len(names) == 0 {
		return base
	}
	base = CopyItem(base)
	if form.Sent = Without(form.Sent, names); len(form.Sent) == 0 {
		delete(base.Normalized, plex)
	} else {
		base.Normalized[plex] = form
	}
	return base
}

// LeftOut records that Plex refused the field's value in an edit of this field alone. If forGood is true, the value is
// not sent again until it changes in Stash. The last confirmed value in Plex stays ours, and so do tags that were added
// although another part of the list was refused.
func LeftOut(p Plan, base store.Item, plex string, held *plexapi.Item, forGood bool) store.Item {
	base = CopyItem(base)
	if forGood {
		base.Rejected[plex] = p.desired.Values[plex]
	}
	delete(base.Sent, plex)
	if back, read := base.Confirmed[plex]; read {
		base.Sent[plex] = back
	}
	if IsTags(plex) {
		base.Owned[plex] = Without(base.Owned[plex], Without(p.added[plex], Current(held, plex)))
	}
	return base
}
