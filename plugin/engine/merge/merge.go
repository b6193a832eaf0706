// Package merge compares what Stash wants, what was sent before and what Plex holds, and works out what to write.
// It reads no file, asks no server and changes nothing but its results.
package merge

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// MergeInput is the three sides of a merge: what Stash wants, what we last sent and read back, and what
// Plex holds now.
type MergeInput struct {
	Desired       Desired
	Base          store.Item
	Current       plexapi.Item
	KeepPlexEdits bool
}

// A Change is one difference as a person sees it.
type Change struct {
	Field  string `json:"field"`  // the settings' name
	Action string `json:"action"` // set, clear, add or remove
	From   string `json:"from"`
	To     string `json:"to"`
}

// A RateChange sets a rating, or takes it away if To is nil.
type RateChange struct{ To *float64 }

// A Plan is what has to be written to one item so that Plex shows what Stash holds, as far as it is ours.
// An empty plan writes nothing.
type Plan struct {
	Changes  []Change
	First    plexapi.Edit // tags that go
	Edit     plexapi.Edit // everything else, locks included
	Rate     *RateChange
	Base     store.Item // to be stored before anything is sent
	Problems []Problem

	desired  Desired
	before   plexapi.Item           // what Plex held when the plan was made
	targets  map[string]store.Value // what each written scalar is to become
	restored map[string]bool        // fields that are given back
	along    []string               // equal fields, to be locked if the item is written anyway
	removed  map[string][]string    // tags that go, by field
	added    map[string][]string    // tags that come, by field
}

// Empty reports whether nothing has to be written.
func (p *Plan) Empty() bool { return p.First.Empty() && p.Edit.Empty() && p.Rate == nil }

// Merge compares the three sides field by field. It reads and changes nothing else.
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
		f := fieldMerge{plan: &p, in: &in, plex: plex, want: in.Desired.Values[plex], held: current(&in.Current, plex)}
		if refused, ok := in.Base.Rejected[plex]; ok && !Same(plex, refused, f.want) {
			delete(p.Base.Rejected, plex) // should it come back, it may be tried again
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
	mem := &f.plan.Base
	sent, wrote := mem.Sent[f.plex]
	ours := wrote && f.isOurs(sent)
	if ours && Same(f.plex, f.held, sent) && (f.locked() || !Same(f.plex, f.held, mem.Original[f.plex].Value)) {
		mem.Confirmed[f.plex] = f.held // written, even if we died before we read it back
	}
	if len(f.want) == 0 {
		if ours || wrote && f.neverCame() {
			f.restore()
		} else {
			f.release()
		}
		return
	}
	switch {
	case f.reached():
		f.agree()
	case f.rejected(), f.kept():
	default:
		f.write(f.want)
		mem.Sent[f.plex] = f.want
	}
}

// isOurs reports whether Plex holds what we sent, in its own form or ours.
func (f *fieldMerge) isOurs(sent store.Value) bool {
	mem := &f.in.Base
	if Same(f.plex, f.held, sent) {
		return true
	}
	if back, ok := mem.Confirmed[f.plex]; ok && Same(f.plex, f.held, back) {
		return true
	}
	form, ok := mem.Normalized[f.plex]
	return ok && Same(f.plex, form.Sent, sent) && Same(f.plex, form.Held, f.held)
}

// neverCame reports whether no write of ours was ever seen to change the value: its lock may have come all the
// same.
func (f *fieldMerge) neverCame() bool {
	mem := &f.plan.Base
	_, read := mem.Confirmed[f.plex]
	return !read && Same(f.plex, f.held, mem.Original[f.plex].Value)
}

// reached reports whether Plex shows what Stash wants, in its own form of exactly that value, or as a date
// of which Stash holds a part.
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

// rejected reports whether Plex has refused exactly this value when it was sent alone.
func (f *fieldMerge) rejected() bool {
	refused, ok := f.in.Base.Rejected[f.plex]
	if !ok || !Same(f.plex, refused, f.want) {
		return false
	}
	f.plan.Problems = append(f.plan.Problems, Problem{SettingName(f.plex), "Plex refused this value: it is left out until it changes in Stash"})
	return true
}

// agree notes that Plex shows what Stash wants: from here on Stash leads, whoever wrote it.
func (f *fieldMerge) agree() {
	f.plan.along = append(f.plan.along, f.plex)
	mem := &f.plan.Base
	if _, sent := mem.Sent[f.plex]; !sent {
		return
	}
	mem.Sent[f.plex] = f.want
	if _, read := mem.Confirmed[f.plex]; read || f.locked() { // else it may be an agent's
		mem.Confirmed[f.plex] = f.held
	}
}

// kept reports whether the value in Plex is a person's and the user wants such values kept: it was locked
// before our first write, or it is neither what we read back nor what was there before. As long as nothing
// proves a write of ours an unlocked value is an agent's: Plex locks what a person edits.
func (f *fieldMerge) kept() bool {
	if !f.in.KeepPlexEdits {
		return false
	}
	mem := &f.plan.Base
	before, known := mem.Original[f.plex]
	if !known {
		return f.in.Current.Locked[f.plex]
	}
	if before.Locked {
		return true
	}
	back, read := mem.Confirmed[f.plex]
	return (read || f.locked()) && !Same(f.plex, f.held, before.Value) && !(read && Same(f.plex, f.held, back))
}

// locked reports whether Plex holds the field as one that agents leave alone. Ratings are a person's or ours.
func (f *fieldMerge) locked() bool {
	return kindOf(f.plex) == ratingKind || f.in.Current.Locked[f.plex]
}

// remember stores what Plex holds of the field before our first write of it.
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

// restore puts back what was there before our first write, value and lock. A title is never cleared.
func (f *fieldMerge) restore() {
	before := f.plan.Base.Original[f.plex]
	moves := !Same(f.plex, f.held, before.Value) && (len(before.Value) > 0 || f.plex != string(plexapi.Title))
	if moves {
		f.set(before.Value)
	}
	if !f.lockAsBefore(before) && !moves { // it is given back already
		f.release()
		return
	}
	f.plan.restored[f.plex] = true
}

// lockAsBefore gives the lock back and reports whether that needs a request.
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

// release forgets that the field's value was ever ours.
func (f *fieldMerge) release() {
	mem := &f.plan.Base
	delete(mem.Sent, f.plex)
	delete(mem.Confirmed, f.plex)
	delete(mem.Normalized, f.plex)
	delete(mem.Rejected, f.plex)
}

// lockAlong locks fields that show what Stash wants already, since the item is written anyway: an agent
// would put its own value there at the next refresh.
func (p *Plan) lockAlong() {
	for _, plex := range p.along {
		if kindOf(plex) == ratingKind || p.before.Locked[plex] {
			continue
		}
		held := current(&p.before, plex)
		if _, ok := p.Base.Original[plex]; !ok {
			p.Base.Original[plex] = store.Held{Value: slices.Clone(held)}
		}
		p.Base.Sent[plex] = p.desired.Values[plex]
		if !IsTags(plex) && !Same(plex, held, p.desired.Values[plex]) { // Plex's form: else it would not be known as ours
			p.Base.Confirmed[plex] = held
		}
		p.Edit.Lock = append(p.Edit.Lock, plex)
	}
}

// CopyItem returns a copy whose maps are its own and not nil.
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
