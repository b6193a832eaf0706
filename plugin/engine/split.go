package engine

import (
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// lineLimit is how long the line of a request may be, in bytes: proxies refuse longer ones.
const lineLimit = 8000

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
	if scalars := only(e, func(f string) bool { return !isTags(f) }); !scalars.Empty() {
		list = append(list, scalars)
	}
	for _, name := range e.Fields() {
		if isTags(name) {
			list = append(list, only(e, func(f string) bool { return f == name }))
		}
	}
	return list
}

// Split packs an edit into as few requests as fit the limit. A field that does not fit goes alone and
// whole: whether the rest of a list replaces its beginning is not known.
func Split(e plexapi.Edit, length func(plexapi.Edit) int, limit int) []plexapi.Edit {
	if e.Empty() {
		return nil
	}
	if length(e) <= limit {
		return []plexapi.Edit{e}
	}
	var list []plexapi.Edit
	var have plexapi.Edit
	for _, one := range Singles(e) {
		both := join(have, one)
		if !have.Empty() && length(both) > limit {
			list = append(list, have)
			both = one
		}
		have = both
	}
	return append(list, have)
}

// Halve cuts the texts of an edit to half their length, for a server that refuses its address as too long.
// It reports whether there was anything to cut.
func Halve(e plexapi.Edit) (plexapi.Edit, bool) {
	const short = 100
	cut := false
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
			out.Set = with(out.Set, name, text)
		}
	}
	for kind, tags := range e.Tags {
		if f(string(kind)) {
			out.Tags = with(out.Tags, kind, tags)
		}
	}
	for kind, tags := range e.Remove {
		if f(string(kind)) {
			out.Remove = with(out.Remove, kind, tags)
		}
	}
	not := func(name string) bool { return !f(name) }
	out.Lock = slices.DeleteFunc(slices.Clone(e.Lock), not)
	out.Unlock = slices.DeleteFunc(slices.Clone(e.Unlock), not)
	return out
}

func with[K comparable, V any](m map[K]V, k K, v V) map[K]V {
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
		out.Set = with(out.Set, k, v)
	}
	for k, v := range b.Tags {
		out.Tags = with(out.Tags, k, v)
	}
	for k, v := range b.Remove {
		out.Remove = with(out.Remove, k, v)
	}
	return out
}
