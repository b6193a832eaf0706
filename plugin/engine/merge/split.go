package merge

import (
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// LineLimit is the maximum length of a request line in bytes: proxies refuse longer ones.
const LineLimit = 8000

// Singles splits an edit into one for each field, including its locks.
func Singles(e plexapi.Edit) []plexapi.Edit {
	var list []plexapi.Edit
	for _, name := range e.Fields() {
		list = append(list, only(e, name))
	}
	return list
}

// Split returns an edit unchanged if it fits the limit, and one edit for each field otherwise. It splits the removal of
// tags further until it fits. It never splits any other field: in Plex the rest of a list might replace its beginning.
// If a list is refused as too long, the engine finds that out.
func Split(e plexapi.Edit, length func(plexapi.Edit) int, limit int) []plexapi.Edit {
	fits := func(e plexapi.Edit) bool { return length(e) <= limit }
	if e.Empty() {
		return nil
	}
	if fits(e) {
		return []plexapi.Edit{e}
	}
	var list []plexapi.Edit
	for _, field := range Singles(e) {
		list = append(list, cutRemovals(field, fits)...)
	}
	return list
}

// cutRemovals splits an edit that only removes tags of one kind into edits that fit.
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

// removalOnly returns the tags that an edit removes, if it only removes tags of one kind.
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

// OneList returns the list of tags that an edit adds, if it is all of the edit apart from its locks.
func OneList(e plexapi.Edit) (kind plexapi.TagKind, ok bool) {
	if len(e.Set)+len(e.Remove) > 0 || len(e.Tags) != 1 {
		return "", false
	}
	kind = slices.Collect(maps.Keys(e.Tags))[0]
	others := slices.DeleteFunc(e.Fields(), func(f string) bool { return f == string(kind) })
	return kind, len(others) == 0
}

// Apart splits an edit that Plex does not accept: into its fields, and the removal of tags into halves if the edit is
// too long. It returns nil if there is nothing to split.
func Apart(e plexapi.Edit, tooLong bool) []plexapi.Edit {
	if parts := Singles(e); len(parts) > 1 {
		return parts
	}
	kind, names, ok := removalOnly(e)
	if !tooLong || !ok || len(names) < 2 {
		return nil
	}
	return []plexapi.Edit{removal(kind, names[:len(names)/2]), removal(kind, names[len(names)/2:])}
}

// Halve cuts the text of an edit of one field to half its length, for a server that refuses the URL as too long. It
// reports whether it cut anything.
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

// only returns the part of an edit that concerns one field.
func only(e plexapi.Edit, name string) plexapi.Edit {
	var out plexapi.Edit
	if text, ok := e.Set[plexapi.Field(name)]; ok {
		out.Set = With(out.Set, plexapi.Field(name), text)
	}
	if tags, ok := e.Tags[plexapi.TagKind(name)]; ok {
		out.Tags = With(out.Tags, plexapi.TagKind(name), tags)
	}
	if tags, ok := e.Remove[plexapi.TagKind(name)]; ok {
		out.Remove = With(out.Remove, plexapi.TagKind(name), tags)
	}
	other := func(field string) bool { return field != name }
	out.Lock = slices.DeleteFunc(slices.Clone(e.Lock), other)
	out.Unlock = slices.DeleteFunc(slices.Clone(e.Unlock), other)
	return out
}

func With[K comparable, V any](m map[K]V, k K, v V) map[K]V {
	if m == nil {
		m = make(map[K]V)
	}
	m[k] = v
	return m
}
