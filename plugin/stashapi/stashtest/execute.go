package stashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// execute carries out a validated operation over the model.
func (s *Server) execute(ctx context.Context, op *ast.OperationDefinition, vars map[string]any) (map[string]any, error) {
	data := make(map[string]any)
	for _, f := range fieldsOf(op.SelectionSet) {
		value, err := s.root(ctx, f, f.ArgumentMap(vars))
		if err != nil {
			return nil, err
		}
		if data[f.Alias], err = project(f, value, vars); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// fieldsOf flattens fragments.
func fieldsOf(set ast.SelectionSet) []*ast.Field {
	var list []*ast.Field
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			list = append(list, sel)
		case *ast.FragmentSpread:
			list = append(list, fieldsOf(sel.Definition.SelectionSet)...)
		case *ast.InlineFragment:
			list = append(list, fieldsOf(sel.SelectionSet)...)
		}
	}
	return list
}

// project keeps what a query selects. What the model does not hold is an error, not null.
func project(f *ast.Field, value any, vars map[string]any) (any, error) {
	switch v := value.(type) {
	case []map[string]any:
		list := make([]any, len(v))
		for i, e := range v {
			var err error
			if list[i], err = project(f, e, vars); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if v == nil || len(f.SelectionSet) == 0 {
			return value, nil
		}
		out := make(map[string]any)
		for _, sub := range fieldsOf(f.SelectionSet) {
			e, ok := v[sub.Name]
			if !ok {
				return nil, fmt.Errorf("stashtest does not know %s.%s", f.Name, sub.Name)
			}
			if call, ok := e.(func(map[string]any) any); ok {
				e = call(sub.ArgumentMap(vars))
			}
			var err error
			if out[sub.Alias], err = project(sub, e, vars); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return value, nil
}

// root answers a field of Query or Mutation.
func (s *Server) root(ctx context.Context, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "version":
		return map[string]any{"version": "v0.30.1", "hash": "abcdef", "build_time": ""}, nil
	case "configuration":
		return s.configuration(), nil
	case "findScene":
		return s.findScene(args)
	case "findScenes":
		return s.findScenes(args)
	case "findJob":
		input, _ := args["input"].(map[string]any)
		return s.queue.find(fmt.Sprint(input["id"])), nil
	case "jobQueue":
		jobs := s.queue.list()
		if len(jobs) == 0 {
			return nil, nil
		}
		return jobs, nil
	case "runPluginTask":
		name, _ := args["task_name"].(string)
		description, _ := args["description"].(string)
		taskArgs, _ := args["args_map"].(map[string]any)
		return s.queue.add(fmt.Sprint(args["plugin_id"]), name, description, plain(taskArgs)), nil
	case "runPluginOperation":
		s.mu.Lock()
		operate := s.operate
		s.mu.Unlock()
		if operate == nil {
			return nil, errors.New("stashtest runs no plugins without a Host")
		}
		operationArgs, _ := args["args"].(map[string]any)
		return operate(ctx, fmt.Sprint(args["plugin_id"]), plain(operationArgs))
	}
	return nil, fmt.Errorf("stashtest does not know %s", f.Name)
}

// plain turns json.Number into the types that Stash hands to a plugin.
func plain(m map[string]any) map[string]any {
	out := maps.Clone(m)
	for k, v := range out {
		if n, ok := v.(json.Number); ok {
			out[k], _ = n.Float64()
		}
	}
	return out
}

func (s *Server) configuration() map[string]any {
	return map[string]any{
		"general": func(map[string]any) any {
			s.mu.Lock()
			defer s.mu.Unlock()
			return map[string]any{"apiKey": s.apiKey}
		},
		"plugins": func(args map[string]any) any {
			s.mu.Lock()
			defer s.mu.Unlock()
			include, _ := args["include"].([]any)
			out := make(map[string]any)
			for id, set := range s.settings {
				if include == nil || slices.Contains(include, any(id)) {
					out[id] = set
				}
			}
			return out
		},
	}
}

func (s *Server) findScene(args map[string]any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := strconv.Atoi(fmt.Sprint(args["id"]))
	if err != nil {
		return nil, err
	}
	if s.broken[id] {
		return nil, fmt.Errorf("reading scene %d: no such file or directory", id)
	}
	scene := s.scenes[id]
	if scene == nil {
		return nil, nil
	}
	return s.row(scene), nil
}

// findScenes has Stash's traits: ids ignore every filter, one unknown id fails the whole query, and an
// empty list of ids means all scenes.
func (s *Server) findScenes(args map[string]any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ids, ok := args["ids"].([]any); ok && len(ids) > 0 {
		rows := []map[string]any{}
		for _, v := range ids {
			id, err := strconv.Atoi(fmt.Sprint(v))
			if err != nil {
				return nil, err
			}
			if s.scenes[id] == nil {
				return nil, fmt.Errorf("scene with id %d not found", id)
			}
			if s.broken[id] {
				return nil, fmt.Errorf("reading scene %d: no such file or directory", id)
			}
			rows = append(rows, s.row(s.scenes[id]))
		}
		return map[string]any{"count": len(rows), "scenes": rows}, nil
	}
	filter, _ := args["scene_filter"].(map[string]any)
	var found []*Scene
	var err error
	for _, id := range slices.Sorted(maps.Keys(s.scenes)) {
		var ok bool
		if ok, err = s.fits(s.scenes[id], filter); err != nil {
			return nil, err
		}
		if ok {
			found = append(found, s.scenes[id])
		}
	}
	count := len(found)
	if found, err = page(found, args["filter"]); err != nil {
		return nil, err
	}
	rows := make([]map[string]any, len(found))
	for i, scene := range found {
		rows[i] = s.row(scene)
	}
	return map[string]any{"count": count, "scenes": rows}, nil
}

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
		return s.stamp(scene) > value, nil
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
