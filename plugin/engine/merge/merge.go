// Package merge compares the desired values from Stash, the base of the last push and the current values in Plex, and
// computes what to write. Its functions are pure.
package merge

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// MergeInput holds the three sides of a merge: the desired values, the base of the last push, and Plex's current
// values.
type MergeInput struct {
	Desired       Desired
	Base          store.Item
	Current       plexapi.Item
	KeepPlexEdits bool
}

// A Change is one difference, as shown to a person.
type Change struct {
	Field  string `json:"field"`  // the settings' name
	Action string `json:"action"` // set, clear, add or remove
	From   string `json:"from"`
	To     string `json:"to"`
}

// A RateChange sets a rating, or removes it if To is nil.
type RateChange struct{ To *float64 }

// A Plan holds what to write to one item so that Plex shows the desired values. An empty plan writes nothing.
type Plan struct {
	Changes  []Change
	First    plexapi.Edit // removal of tags
	Edit     plexapi.Edit // everything else, locks included
	Rate     *RateChange
	Base     store.Item // to be stored before anything is sent
	Problems []Problem
	Kept     []string // Plex's names of fields that a person edited in Plex and that stay

	desired  Desired
	before   plexapi.Item           // the item in Plex when the plan was made
	targets  map[string]store.Value // new values of the written scalars
	restored map[string]bool        // fields that are restored
	along    []string               // equal fields, locked if the item is written anyway
	removed  map[string][]string    // removed tags, by field
	added    map[string][]string    // added tags, by field
}

// Empty reports whether nothing has to be written.
func (p *Plan) Empty() bool { return p.First.Empty() && p.Edit.Empty() && p.Rate == nil }

// Fields returns Plex's names of the fields that the plan writes.
func (p *Plan) Fields() []string {
	names := slices.Concat(p.First.Fields(), p.Edit.Fields())
	if p.Rate != nil {
		names = append(names, RatingField)
	}
	return names
}

// Merge compares the three sides field by field.
func Merge(in MergeInput) Plan {
	p := Plan{
		Base: CopyItem(in.Base), desired: in.Desired, before: in.Current,
		targets: make(map[string]store.Value), restored: make(map[string]bool),
		removed: make(map[string][]string), added: make(map[string][]string),
		Edit:  plexapi.Edit{Set: make(map[plexapi.Field]string), Tags: make(map[plexapi.TagKind][]string)},
		First: plexapi.Edit{Remove: make(map[plexapi.TagKind][]string)},
	}
	for _, plex := range slices.Sorted(maps.Keys(in.Desired.Values)) {
		if Lacks(in.Current.ItemType(), plex) {
			continue
		}
		f := fieldMerge{plan: &p, in: &in, plex: plex, want: in.Desired.Values[plex], held: Current(&in.Current, plex)}
		if refused, ok := in.Base.Rejected[plex]; ok && !Same(plex, refused, f.want) {
			delete(p.Base.Rejected, plex) // if it returns later, it may be retried
		}
		if IsTags(plex) {
			f.tags()
		} else {
			f.scalar()
		}
	}
	if !p.Empty() {
		p.lockAlong()
	}
	return p
}

// fieldMerge is the merge of one field.
type fieldMerge struct {
	plan *Plan
	in   *MergeInput
	plex string
	want store.Value // by Stash
	held store.Value // by Plex
}

func (f *fieldMerge) scalar() {
	base := &f.plan.Base
	sent, wrote := base.Sent[f.plex]
	ours := wrote && f.isOurs(sent)
	if ours && Same(f.plex, f.held, sent) && (f.locked() || !Same(f.plex, f.held, base.Original[f.plex].Value)) {
		base.Confirmed[f.plex] = f.held // our write succeeded, even if the process died before the read-back
	}
	if len(f.want) == 0 {
		if ours || wrote && f.neverCame() {
			f.restore()
		} else {
			release(&f.plan.Base, f.plex)
		}
		return
	}
	switch {
	case f.reached():
		f.agree()
	case f.rejected(), f.kept():
	default:
		f.write(f.want)
		base.Sent[f.plex] = f.want
	}
}

// isOurs reports whether Plex holds what we sent, possibly normalized.
func (f *fieldMerge) isOurs(sent store.Value) bool {
	base := &f.in.Base
	if Same(f.plex, f.held, sent) {
		return true
	}
	if back, ok := base.Confirmed[f.plex]; ok && Same(f.plex, f.held, back) {
		return true
	}
	form, ok := base.Normalized[f.plex]
	return ok && Same(f.plex, form.Sent, sent) && Same(f.plex, form.Held, f.held)
}

// neverCame reports whether no read-back has shown a value of ours. The lock may still be ours.
func (f *fieldMerge) neverCame() bool {
	base := &f.plan.Base
	_, read := base.Confirmed[f.plex]
	return !read && Same(f.plex, f.held, base.Original[f.plex].Value)
}

// reached reports whether Plex shows the desired value, its normalized form, or a date that begins with a partial date
// of Stash.
func (f *fieldMerge) reached() bool {
	if Same(f.plex, f.held, f.want) {
		return true
	}
	if part := f.in.Desired.DateText; kindOf(f.plex) == dateKind && len(part) < len("2006-01-02") && strings.HasPrefix(First(f.held), part+"-") {
		return true
	}
	form, ok := f.in.Base.Normalized[f.plex]
	return ok && Same(f.plex, form.Sent, f.want) && Same(f.plex, form.Held, f.held)
}

// rejected reports whether Plex has refused exactly this value in an edit of this field alone.
func (f *fieldMerge) rejected() bool {
	refused, ok := f.in.Base.Rejected[f.plex]
	if !ok || !Same(f.plex, refused, f.want) {
		return false
	}
	f.plan.Problems = append(f.plan.Problems, Problem{SettingName(f.plex), "Plex refused this value: it is left out until it changes in Stash"})
	return true
}

// agree records that Plex shows the desired value. From now on it counts as ours, even if others wrote it.
func (f *fieldMerge) agree() {
	f.plan.along = append(f.plan.along, f.plex)
	base := &f.plan.Base
	if _, sent := base.Sent[f.plex]; !sent {
		return
	}
	base.Sent[f.plex] = f.want
	if _, read := base.Confirmed[f.plex]; read || f.locked() { // otherwise an agent may have written it
		base.Confirmed[f.plex] = f.held
	}
}

// kept reports whether a person edited the value in Plex and the user wants to keep such values: it was locked before
// our first write, or is neither confirmed nor original. Without a confirmed write of ours an unlocked value counts as
// an agent's, since Plex locks what a person edits.
func (f *fieldMerge) kept() bool {
	if !f.in.KeepPlexEdits || !f.edited() {
		return false
	}
	f.plan.Kept = append(f.plan.Kept, f.plex)
	return true
}

func (f *fieldMerge) edited() bool {
	base := &f.plan.Base
	before, known := base.Original[f.plex]
	if !known {
		return f.in.Current.Locked[f.plex]
	}
	if before.Locked {
		return true
	}
	back, read := base.Confirmed[f.plex]
	return (read || f.locked()) && !Same(f.plex, f.held, before.Value) && !(read && Same(f.plex, f.held, back))
}

// locked reports whether agents leave the field alone. No agent writes ratings.
func (f *fieldMerge) locked() bool {
	return kindOf(f.plex) == ratingKind || f.in.Current.Locked[f.plex]
}

// remember stores the original value of the field before our first write.
func (f *fieldMerge) remember() {
	if _, ok := f.plan.Base.Original[f.plex]; !ok {
		f.plan.Base.Original[f.plex] = store.Held{Value: slices.Clone(f.held), Locked: f.in.Current.Locked[f.plex]}
	}
}

// write sets the field to a value and locks it.
func (f *fieldMerge) write(value store.Value) {
	f.remember()
	f.set(value)
	if kindOf(f.plex) != ratingKind {
		f.plan.Edit.Lock = append(f.plan.Edit.Lock, f.plex)
	}
}

func (f *fieldMerge) set(value store.Value) {
	p := f.plan
	p.targets[f.plex] = value
	action := "set"
	if len(value) == 0 {
		action = "clear"
	}
	p.Changes = append(p.Changes, Change{Field: SettingName(f.plex), Action: action, From: First(f.held), To: First(value)})
	if kindOf(f.plex) != ratingKind {
		p.Edit.Set[plexapi.Field(f.plex)] = First(value)
		return
	}
	p.Rate = &RateChange{}
	if number, err := strconv.ParseFloat(First(value), 64); err == nil {
		p.Rate.To = &number
	}
}

// restore puts back the original value and lock. A title is never cleared.
func (f *fieldMerge) restore() {
	before := f.plan.Base.Original[f.plex]
	moves := !Same(f.plex, f.held, before.Value) && (len(before.Value) > 0 || f.plex != string(plexapi.Title))
	if moves {
		f.set(before.Value)
	}
	if !f.lockAsBefore(before) && !moves { // nothing to restore
		release(&f.plan.Base, f.plex)
		return
	}
	f.plan.restored[f.plex] = true
}

// lockAsBefore restores the lock and reports whether that needs a request.
func (f *fieldMerge) lockAsBefore(before store.Held) bool {
	locked := f.in.Current.Locked[f.plex]
	switch {
	case kindOf(f.plex) == ratingKind || locked == before.Locked:
		return false
	case locked:
		f.plan.Edit.Unlock = append(f.plan.Edit.Unlock, f.plex)
	default:
		f.plan.Edit.Lock = append(f.plan.Edit.Lock, f.plex)
	}
	return true
}

// release removes a field from a base: its value is no longer ours.
func release(base *store.Item, plex string) {
	delete(base.Sent, plex)
	delete(base.Confirmed, plex)
	delete(base.Normalized, plex)
	delete(base.Rejected, plex)
}

// lockAlong locks fields that already show the desired value, since the item is written anyway. Otherwise an agent
// would replace the value at the next refresh.
func (p *Plan) lockAlong() {
	for _, plex := range p.along {
		if kindOf(plex) == ratingKind || p.before.Locked[plex] {
			continue
		}
		held := Current(&p.before, plex)
		if _, ok := p.Base.Original[plex]; !ok {
			p.Base.Original[plex] = store.Held{Value: slices.Clone(held)}
		}
		p.Base.Sent[plex] = p.desired.Values[plex]
		if !IsTags(plex) && !Same(plex, held, p.desired.Values[plex]) { // normalized by Plex: otherwise it would not count as ours
			p.Base.Confirmed[plex] = held
		}
		p.Edit.Lock = append(p.Edit.Lock, plex)
	}
}

// CopyItem returns a copy with its own maps, none of them nil.
func CopyItem(it store.Item) store.Item {
	it.Original = Cloned(it.Original)
	it.Owned = Cloned(it.Owned)
	it.Sent = Cloned(it.Sent)
	it.Confirmed = Cloned(it.Confirmed)
	it.Normalized = Cloned(it.Normalized)
	it.Rejected = Cloned(it.Rejected)
	it.Images = Cloned(it.Images)
	return it
}

func Cloned[V any](m map[string]V) map[string]V {
	if m == nil {
		return make(map[string]V)
	}
	return maps.Clone(m)
}
