package stashtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stashapp/stash/pkg/models"
)

// page returns the first page of a list in ascending order, which a filter may reverse. A page has 25 elements by
// default, none for 0 and all for -1.
func page[T any](found []T, find any, sorts ...string) ([]T, error) {
	perPage := 25
	filter, _ := find.(map[string]any)
	for name, v := range filter {
		switch {
		case v == nil:
		case name == "per_page":
			perPage = int(number(v))
		case name == "page" && number(v) == 1, name == "direction" && v == "ASC":
		case name == "direction" && v == "DESC":
			slices.Reverse(found)
		case name == "sort" && slices.Contains(sorts, fmt.Sprint(v)):
		default:
			return nil, fmt.Errorf("stashtest lists in the order of %q, and pages with a filter: it does not support %s %v", sorts, name, v)
		}
	}
	if perPage < 0 {
		return found, nil
	}
	return found[:min(perPage, len(found))], nil
}

// searched returns which scenes Stash's search finds: each of the words is in the title, the details or a path, without
// regard to the case of ASCII letters. Stash also supports words that must be absent, and alternatives.
func searched(q any) (func(*Scene) bool, error) {
	text, _ := q.(string)
	specs := models.ParseSearchString(text)
	if len(specs.MustNot)+len(specs.AnySets) > 0 {
		return nil, fmt.Errorf("stashtest searches only for words that must be there, not for %q", text)
	}
	return func(s *Scene) bool {
		for _, word := range specs.MustHave {
			in := func(text string) bool { return like(text, "%"+word+"%") }
			if !in(s.Title) && !in(s.Details) && !slices.ContainsFunc(s.Files, func(f File) bool { return in(f.Path) }) {
				return false
			}
		}
		return true
	}, nil
}

func number(v any) int64 {
	switch v := v.(type) {
	case json.Number:
		n, _ := v.Int64()
		return n
	case int64:
		return v
	case int:
		return int64(v)
	case float64:
		return int64(v)
	}
	return 0
}

// filterDepth is how deep conditions may be nested: Stash 0.30.1 makes an SQL expression of them that SQLite
// parses with 25 and refuses with 28.
const filterDepth = 25

// depth returns how deep the conditions of a filter are nested.
func depth(filter map[string]any) int {
	if filter == nil {
		return 0
	}
	deepest := 0
	for _, name := range []string{"AND", "OR", "NOT"} {
		sub, _ := filter[name].(map[string]any)
		deepest = max(deepest, depth(sub))
	}
	return deepest + 1
}

// fits reports whether an object passes a filter; meets reports whether it meets one criterion. All criteria of a filter
// must be met; it may have another filter in AND, in OR, which is an alternative, or in NOT.
func fits(filter map[string]any, meets func(name string, criterion map[string]any) (bool, error)) (bool, error) {
	own, some := true, false
	for name, c := range filter {
		if c == nil || name == "AND" || name == "OR" || name == "NOT" {
			continue
		}
		criterion, _ := c.(map[string]any)
		ok, err := meets(name, criterion)
		if err != nil {
			return false, err
		}
		own, some = own && ok, true
	}
	for _, name := range []string{"AND", "OR", "NOT"} {
		sub, _ := filter[name].(map[string]any)
		if sub == nil {
			continue
		}
		other, err := fits(sub, meets)
		switch {
		case err != nil:
			return false, err
		case name == "OR":
			return some && own || other, nil
		default:
			return own && other == (name == "AND"), nil
		}
	}
	return own, nil
}

// meets reports whether a scene meets one criterion.
func (s *Server) meets(scene *Scene, name string, criterion map[string]any) (bool, error) {
	modifier, value := criterion["modifier"], fmt.Sprint(criterion["value"])
	switch {
	case name == "id" && modifier == "GREATER_THAN":
		return int64(scene.ID) > number(criterion["value"]), nil
	case name == "updated_at" && modifier == "GREATER_THAN": // as text, in any time zone
		return stamp(scene) > value, nil
	case name == "path" && modifier == "EQUALS": // LIKE, with its wildcards
		return slices.ContainsFunc(scene.Files, func(f File) bool { return like(f.Path, value) }), nil
	case name == "performers", name == "studios", name == "tags", name == "groups":
		kind := strings.TrimSuffix(name, "s")
		return s.includes(kind, criterion, func(roots []int, depth int) bool {
			wanted := append(s.below(kind, roots, depth), roots...)
			return slices.ContainsFunc(scene.ids(kind), func(id int) bool { return slices.Contains(wanted, id) })
		})
	}
	return false, fmt.Errorf("stashtest does not support the filter %s with %v", name, modifier)
}

// includes calls one with the ids and the depth of a criterion. A criterion without ids restricts nothing, as in Stash.
func (s *Server) includes(kind string, criterion map[string]any, one func(roots []int, depth int) bool) (bool, error) {
	excludes, _ := criterion["excludes"].([]any)
	if criterion["modifier"] != "INCLUDES" || len(excludes) > 0 {
		return false, fmt.Errorf("stashtest supports a filter by %s only with INCLUDES, not %v", kind, criterion)
	}
	values, _ := criterion["value"].([]any)
	if len(values) == 0 {
		return true, nil
	}
	var roots []int
	for _, v := range values {
		id, err := strconv.Atoi(fmt.Sprint(v))
		if err != nil {
			return false, err
		}
		roots = append(roots, id)
	}
	return one(roots, int(number(criterion["depth"]))), nil
}

// like compares as SQLite's LIKE does: % matches any text, _ any character, and the case of ASCII letters is ignored.
func like(text, pattern string) bool {
	p := []rune(lower(pattern))
	// fits[j] is whether the text so far matches the first j characters of the pattern.
	fits := make([]bool, len(p)+1)
	fits[0] = true
	for j, c := range p {
		fits[j+1] = fits[j] && c == '%'
	}
	for _, r := range lower(text) {
		before := fits[0]
		fits[0] = false
		for j, c := range p {
			now := before && (c == '_' || c == r)
			if c == '%' {
				now = fits[j] || fits[j+1]
			}
			before, fits[j+1] = fits[j+1], now
		}
	}
	return fits[len(p)]
}

func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
