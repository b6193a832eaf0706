package stashtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// page cuts a page out of scenes in the order of their ids. Pages hold 25 unless told otherwise, none for 0
// and all for -1.
func page(found []*Scene, find any) ([]*Scene, error) {
	perPage := 25
	filter, _ := find.(map[string]any)
	for name, v := range filter {
		switch {
		case v == nil:
		case name == "per_page":
			perPage = int(number(v))
		case name == "page" && number(v) == 1, name == "sort" && v == "id", name == "direction" && v == "ASC":
		default:
			return nil, fmt.Errorf("stashtest lists by ascending id, and pages with a filter: it does not know %s %v", name, v)
		}
	}
	if perPage < 0 {
		return found, nil
	}
	return found[:min(perPage, len(found))], nil
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

// fits reports whether a scene passes a filter. Criteria side by side all count; a filter may hold one
// more in AND, in OR, which is the other branch, or in NOT.
func (s *Server) fits(scene *Scene, filter map[string]any) (bool, error) {
	own, some := true, false
	for name, c := range filter {
		if c == nil || name == "AND" || name == "OR" || name == "NOT" {
			continue
		}
		ok, err := s.meets(scene, name, c)
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
		other, err := s.fits(scene, sub)
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
func (s *Server) meets(scene *Scene, name string, c any) (bool, error) {
	criterion, _ := c.(map[string]any)
	modifier, value := criterion["modifier"], fmt.Sprint(criterion["value"])
	switch {
	case name == "id" && modifier == "GREATER_THAN":
		return int64(scene.ID) > number(criterion["value"]), nil
	case name == "updated_at" && modifier == "GREATER_THAN": // text, in whatever zone
		return stamp(scene) > value, nil
	case name == "path" && modifier == "EQUALS": // LIKE, with its wildcards
		return slices.ContainsFunc(scene.Files, func(f File) bool { return like(f.Path, value) }), nil
	}
	return false, fmt.Errorf("stashtest does not know the filter %s with %v", name, modifier)
}

// like compares as SQLite's LIKE does: % is any text, _ any character, and ASCII letters have no case.
func like(text, pattern string) bool {
	p := []rune(lower(pattern))
	// fits[j] says whether the text so far fits the first j characters of the pattern.
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
