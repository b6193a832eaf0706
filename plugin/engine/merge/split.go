package merge

import (
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// LineLimit is how long the line of a request may be, in bytes: proxies refuse longer ones.
const LineLimit = 8000

// Singles splits an edit into one for each field, the field's locks with it.
func Singles(e plexapi.Edit) []plexapi.Edit {
	var list []plexapi.Edit
	for _, name := range e.Fields() {
		list = append(list, only(e, func(f string) bool { return f == name }))
	}
	return list
}

// Groups splits an edit into its scalars and one for each kind of tags: what to try when Plex refuses it.
func Groups(e plexapi.Edit) []plexapi.Edit {
	var list []plexapi.Edit
	if scalars := only(e, func(f string) bool { return !IsTags(f) }); !scalars.Empty() {
		list = append(list, scalars)
	}
	for _, name := range e.Fields() {
		if IsTags(name) {
			list = append(list, only(e, func(f string) bool { return f == name }))
		}
	}
	return list
}

// Split packs an edit into as few requests as fit the limit. A list of tags to be taken away is cut, since
// removals add up. Any other field that does not fit goes alone and whole: whether the rest of a list
// replaces its beginning is not known.
func Split(e plexapi.Edit, length func(plexapi.Edit) int, limit int) []plexapi.Edit {
	if e.Empty() {
		return nil
	}
	if length(e) <= limit {
		return []plexapi.Edit{e}
	}
	fits := func(e plexapi.Edit) bool { return length(e) <= limit }
	var list []plexapi.Edit
	var have plexapi.Edit
	for _, field := range Singles(e) {
		for _, one := range cutRemovals(field, fits) {
			both := join(have, one)
			if !have.Empty() && !fits(both) {
				list = append(list, have)
				both = one
			}
			have = both
		}
	}
	return append(list, have)
}

// cutRemovals cuts an edit that does nothing but take away tags of one kind into some that fit.
func cutRemovals(e plexapi.Edit, fits func(plexapi.Edit) bool) []plexapi.Edit {
	kind, names, ok := removalOnly(e)
	if !ok {
		return []plexapi.Edit{e}
	}
	var list []plexapi.Edit
	begin := 0
	for i := range names {
		if i > begin && !fits(removal(kind, names[begin:i+1])) {
			list = append(list, removal(kind, names[begin:i]))
			begin = i
		}
	}
	return append(list, removal(kind, names[begin:]))
}

// removalOnly returns what an edit takes away, if that is all it does and of one kind only.
func removalOnly(e plexapi.Edit) (kind plexapi.TagKind, names []string, ok bool) {
	if len(e.Set)+len(e.Tags)+len(e.Lock)+len(e.Unlock) > 0 || len(e.Remove) != 1 {
		return "", nil, false
	}
	kind = slices.Collect(maps.Keys(e.Remove))[0]
	return kind, e.Remove[kind], true
}

func removal(kind plexapi.TagKind, names []string) plexapi.Edit {
	return plexapi.Edit{Remove: map[plexapi.TagKind][]string{kind: names}}
}

// Apart splits an edit that Plex does not take as it is: into groups, then fields, and a list of tags to be
// taken away into halves if the edit is too long. It returns nil if there is nothing left to split.
func Apart(e plexapi.Edit, tooLong bool) []plexapi.Edit {
	for _, parts := range [][]plexapi.Edit{Groups(e), Singles(e)} {
		if len(parts) > 1 {
			return parts
		}
	}
	kind, names, ok := removalOnly(e)
	if !tooLong || !ok || len(names) < 2 {
		return nil
	}
	return []plexapi.Edit{removal(kind, names[:len(names)/2]), removal(kind, names[len(names)/2:])}
}

// Halve cuts the text of an edit of one field to half its length, for a server that refuses the address as
// too long. It reports whether there was anything to cut.
func Halve(e plexapi.Edit) (plexapi.Edit, bool) {
	const short = 100
	cut := false
	if len(e.Fields()) > 1 {
		return e, false
	}
	e.Set = maps.Clone(e.Set)
	for f, text := range e.Set {
		if runes := []rune(text); len(runes) > short {
			e.Set[f] = string(runes[:len(runes)/2])
			cut = true
		}
	}
	return e, cut
}

// only keeps the fields of an edit that f chooses.
func only(e plexapi.Edit, f func(name string) bool) plexapi.Edit {
	var out plexapi.Edit
	for name, text := range e.Set {
		if f(string(name)) {
			out.Set = With(out.Set, name, text)
		}
	}
	for kind, tags := range e.Tags {
		if f(string(kind)) {
			out.Tags = With(out.Tags, kind, tags)
		}
	}
	for kind, tags := range e.Remove {
		if f(string(kind)) {
			out.Remove = With(out.Remove, kind, tags)
		}
	}
	not := func(name string) bool { return !f(name) }
	out.Lock = slices.DeleteFunc(slices.Clone(e.Lock), not)
	out.Unlock = slices.DeleteFunc(slices.Clone(e.Unlock), not)
	return out
}

func With[K comparable, V any](m map[K]V, k K, v V) map[K]V {
	if m == nil {
		m = make(map[K]V)
	}
	m[k] = v
	return m
}

func join(a, b plexapi.Edit) plexapi.Edit {
	out := plexapi.Edit{
		Set: maps.Clone(a.Set), Tags: maps.Clone(a.Tags), Remove: maps.Clone(a.Remove),
		Lock: slices.Concat(a.Lock, b.Lock), Unlock: slices.Concat(a.Unlock, b.Unlock),
	}
	for k, v := range b.Set {
		out.Set = With(out.Set, k, v)
	}
	for k, v := range b.Tags {
		out.Tags = With(out.Tags, k, v)
	}
	for k, v := range b.Remove {
		out.Remove = With(out.Remove, k, slices.Concat(out.Remove[k], v))
	}
	return out
}
