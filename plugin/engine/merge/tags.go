package merge

import (
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// tags merges a list of tags. Ours are only those that we added: wanted by Stash and absent in Plex before
// our write. Only those are ever taken away.
func (f *fieldMerge) tags() {
	mem := &f.plan.Base
	kind := plexapi.TagKind(f.plex)
	if f.partlyWritten() {
		mem.Confirmed[f.plex] = f.held
	}
	// What is neither in Plex nor wanted any more is not ours: a person may add it tomorrow.
	owned := slices.Concat(both(mem.Owned[f.plex], f.held), both(Without(mem.Owned[f.plex], f.held), f.want))
	f.own(owned)

	add := Without(f.want, f.held)
	remove := both(f.held, Without(owned, f.want)) // in Plex's spelling
	// What stands in Plex for a name of ours stays as long as any such name is wanted: which is whose is not known.
	if form := mem.Normalized[f.plex]; len(both(form.Sent, f.want)) > 0 {
		if len(Without(form.Held, f.held)) == 0 {
			add = Without(add, form.Sent)
		}
		remove = Without(remove, form.Held)
	}
	if len(add) == 0 && len(remove) == 0 {
		f.equalTags()
		return
	}
	if f.rejected() || f.kept() {
		return
	}
	f.remember()
	f.own(slices.Concat(owned, add))
	mem.Sent[f.plex] = f.want
	if len(remove) > 0 {
		f.plan.First.Remove[kind] = remove
		f.plan.removed[f.plex] = remove
		f.plan.Changes = append(f.plan.Changes, Change{Field: SettingName(f.plex), Action: "remove", From: strings.Join(remove, ", ")})
	}
	if len(add) > 0 { // the whole list: right whether Plex appends or replaces
		f.plan.Edit.Tags[kind] = slices.Concat(Without(f.held, remove), add)
		f.plan.added[f.plex] = add
		f.plan.Changes = append(f.plan.Changes, Change{Field: SettingName(f.plex), Action: "add", To: strings.Join(add, ", ")})
	}
	f.lockTags()
}

// partlyWritten reports whether our last write of the list explains what Plex holds, even one that stopped
// half way: nothing came but what was sent, and nothing went but what was ours and to go.
func (f *fieldMerge) partlyWritten() bool {
	mem := &f.in.Base
	sent, wrote := mem.Sent[f.plex]
	was, read := mem.Confirmed[f.plex]
	if !read {
		was = mem.Original[f.plex].Value
	}
	came, gone := Without(f.held, was), Without(was, f.held)
	unexplained := len(Without(came, sent)) + len(both(gone, sent)) + len(Without(gone, mem.Owned[f.plex]))
	return wrote && len(came)+len(gone) > 0 && unexplained == 0
}

// equalTags is a list that needs no tag written.
func (f *fieldMerge) equalTags() {
	mem := &f.plan.Base
	_, wrote := mem.Sent[f.plex]
	switch {
	case len(f.want) > 0:
		f.agree()
	case wrote && f.lockAsBefore(mem.Original[f.plex]): // the tags are gone already, the lock is still ours
		f.plan.restored[f.plex] = true
	case wrote:
		f.release()
	}
}

func (f *fieldMerge) own(names []string) {
	if len(names) == 0 {
		delete(f.plan.Base.Owned, f.plex)
		return
	}
	f.plan.Base.Owned[f.plex] = distinctNames(names)
}

// lockTags locks the list, or gives its lock back if Stash has nothing for it any more.
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

// An Outcome is what a read-back says of a plan that was written.
type Outcome struct {
	Base   store.Item // to be stored with the job's ending
	Failed []string   // Plex's names of fields that did not move at all
	Forms  []string   // Plex's names of fields that it keeps in a form of its own

	DateStays bool // it was cleared and is there still: it is left and no longer ours
}

// AfterReadBack compares what Plex holds after the writes with what was sent. A value that moved but
// differs is Plex's own form, noted for exactly this value; one that did not move is a failure. So is a
// list that still holds what was to go, or in which nothing came.
func AfterReadBack(p Plan, held plexapi.Item) Outcome {
	o := Outcome{Base: CopyItem(p.Base)}
	for plex, target := range p.targets {
		o.scalar(&p, plex, target, current(&held, plex))
	}
	touched := make(map[string]bool)
	for plex := range p.added {
		touched[plex] = true
	}
	for plex := range p.removed {
		touched[plex] = true
	}
	for plex := range p.restored { // a lock alone was given back
		if _, written := p.targets[plex]; !written && !touched[plex] {
			o.forget(plex)
		}
	}
	for plex := range touched {
		o.tags(&p, plex, current(&held, plex))
	}
	slices.Sort(o.Failed)
	slices.Sort(o.Forms)
	o.keepDate(&p, &held)
	return o
}

// keepDate gives up a date that was to be cleared and stays although all else moved, its lock included:
// whether Plex clears dates at all is not documented.
func (o *Outcome) keepDate(p *Plan, held *plexapi.Item) {
	const date = string(plexapi.Date)
	target, written := p.targets[date]
	cleared := written && len(target) == 0
	if cleared && slices.Equal(o.Failed, []string{date}) && !(held.Locked[date] && slices.Contains(p.Edit.Unlock, date)) {
		o.Failed, o.DateStays = nil, true
		o.forget(date)
	}
}

func (o *Outcome) scalar(p *Plan, plex string, target, now store.Value) {
	was := current(&p.before, plex)
	switch {
	case !Same(plex, now, target) && Same(plex, now, was):
		o.Failed = append(o.Failed, plex)
		return
	case p.restored[plex]:
		o.forget(plex)
		return
	case !Same(plex, now, target):
		o.Base.Normalized[plex] = store.Normalized{Sent: target, Held: now}
		o.Forms = append(o.Forms, plex)
	default:
		delete(o.Base.Normalized, plex)
	}
	o.Base.Confirmed[plex] = now
}

func (o *Outcome) tags(p *Plan, plex string, now store.Value) {
	want := p.desired.Values[plex]
	missing, left := Without(p.added[plex], now), both(now, p.removed[plex])
	// What came although nobody sent it is Plex's form of what is missing.
	came := Without(Without(now, current(&p.before, plex)), want)
	nothingCame := len(missing) > 0 && len(missing) == len(p.added[plex]) && len(came) == 0
	if len(left) > 0 || nothingCame {
		o.Failed = append(o.Failed, plex)
		return
	}
	if len(missing) == 0 {
		came = nil
	}
	o.tagForm(plex, both(Without(want, now), slices.Concat(o.Base.Normalized[plex].Sent, missing)), came, now)
	owned := slices.Concat(both(o.Base.Owned[plex], now), came)
	if len(owned) == 0 {
		delete(o.Base.Owned, plex)
	} else {
		o.Base.Owned[plex] = distinctNames(owned)
	}
	if p.restored[plex] {
		o.forget(plex)
		return
	}
	o.Base.Confirmed[plex] = now
}

// tagForm notes which names Plex keeps as others, and which those are.
func (o *Outcome) tagForm(plex string, sent, came, now []string) {
	if len(sent) == 0 {
		delete(o.Base.Normalized, plex)
		return
	}
	held := distinctNames(slices.Concat(both(o.Base.Normalized[plex].Held, now), came))
	o.Base.Normalized[plex] = store.Normalized{Sent: sent, Held: held}
	o.Forms = append(o.Forms, plex)
}

func (o *Outcome) forget(plex string) {
	for _, m := range []map[string]store.Value{o.Base.Sent, o.Base.Confirmed, o.Base.Rejected} {
		delete(m, plex)
	}
	delete(o.Base.Normalized, plex)
}

// LeftOut notes that Plex refused the field's value when it was sent alone. If for good it is not sent again
// until it changes in Stash. What Plex holds instead is ours as before: what was read back last, and of a list
// what has come although something else of it was refused.
func LeftOut(p Plan, memory store.Item, plex string, held *plexapi.Item, forGood bool) store.Item {
	memory = CopyItem(memory)
	if forGood {
		memory.Rejected[plex] = p.desired.Values[plex]
	}
	delete(memory.Sent, plex)
	if back, read := memory.Confirmed[plex]; read {
		memory.Sent[plex] = back
	}
	if IsTags(plex) {
		memory.Owned[plex] = Without(memory.Owned[plex], Without(p.added[plex], current(held, plex)))
	}
	return memory
}
