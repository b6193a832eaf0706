package settings

import (
	"maps"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// guarding contains the settings that exclude scenes, fields or libraries. If one of them is invalid, pushes must stop,
// because without it everything would be pushed.
var guarding = []string{"excludeTags", "fields", "onlyOrganized", "plexLibraries"}

// names reads a list of names, which may contain commas.
func (p *parser) names(name string) []string {
	whole := p.text(name)
	names := slices.DeleteFunc(p.list(name, text.SplitNames), func(n string) bool {
		inner, _ := text.Unquote(n)
		return strings.TrimSpace(inner) == ""
	})
	if whole != "" && len(names) == 0 {
		p.problem(name, whole, "this contains no name; leave it empty, or enter names separated by commas")
	}
	return names
}

// plays reads whose plays are imported: nobody's, the owner's ("on"), or those of named accounts.
func (p *parser) plays(name string) []string {
	list := p.names(name)
	switch {
	case off(p.raw[name]):
		return nil
	case len(list) == 1 && slices.Contains([]string{"on", "true", "yes"}, strings.ToLower(list[0])):
		return []string{"on"}
	}
	for i, one := range list {
		list[i], _ = text.Unquote(one)
	}
	return list
}

// misspelt finds unknown keys that look like a guarding setting that is not set. They come from editing Stash's
// configuration by hand.
func (p *parser) misspelt(stored map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(stored)) {
		if slices.Contains(p.known, Unnumbered(key)) || off(stored[key]) {
			continue
		}
		for _, name := range guarding {
			reported := slices.ContainsFunc(p.problems, func(one Problem) bool { return one.Setting == name })
			if p.text(name) == "" && alike(Unnumbered(key), name) && !reported {
				p.problem(name, "", "Stash's configuration contains "+text.OneLine(key, text.ValueLimit)+" instead of "+name+": correct it there")
				break
			}
		}
	}
}

// off reports whether a value turns a setting off, or is empty.
func off(value any) bool {
	return slices.Contains([]string{"", "false", "no", "off", "0", "[]", "map[]"}, strings.ToLower(TextOf(value)))
}

// alike reports whether a key differs from a setting's key only in case, separators, British spelling, plural, or one
// letter.
func alike(key, name string) bool {
	a, b := skeleton(key), skeleton(name)
	return a == b || len(b) > 6 && oneEdit(a, b)
}

func skeleton(key string) string {
	key = strings.Map(func(r rune) rune {
		if strings.ContainsRune("_- .", r) {
			return -1
		}
		return r
	}, strings.ToLower(key))
	key = strings.TrimSuffix(strings.ReplaceAll(key, "ise", "ize"), "s")
	return strings.ReplaceAll(key, "librarie", "library")
}

// oneEdit reports whether two texts become equal if one letter is added, removed or replaced.
func oneEdit(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i < len(a) && a[i+1:] == b[i+1:]
	}
	return len(a)+1 == len(b) && a[i:] == b[i+1:]
}
