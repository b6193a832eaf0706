package stashtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// execute carries out a validated operation over the model.
func (s *Server) execute(op *ast.OperationDefinition, vars map[string]any) (map[string]any, error) {
	data := make(map[string]any)
	for _, f := range fieldsOf(op.SelectionSet) {
		value, err := s.root(f, f.ArgumentMap(vars))
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
func (s *Server) root(f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "version":
		return map[string]any{"version": "v0.30.1", "hash": "abcdef", "build_time": ""}, nil
	case "configuration":
		return s.configuration(), nil
	case "findScene":
		return s.findScene(args)
	case "findScenes":
		return s.findScenes(args)
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
		"general": map[string]any{"apiKey": s.apiKey},
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
// empty list of ids means all scenes; pages hold 25 unless told otherwise, none for 0 and all for -1.
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
	for _, id := range slices.Sorted(maps.Keys(s.scenes)) {
		ok, err := s.fits(s.scenes[id], filter)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, s.scenes[id])
		}
	}
	count := len(found)
	find, _ := args["filter"].(map[string]any)
	if sort := find["sort"]; sort != nil && sort != "id" {
		return nil, fmt.Errorf("stashtest sorts by id only, not by %v", sort)
	}
	perPage := 25
	if v, ok := find["per_page"]; ok {
		perPage = int(number(v))
	}
	if perPage >= 0 {
		found = found[:min(perPage, len(found))]
	}
	rows := make([]map[string]any, len(found))
	for i, scene := range found {
		rows[i] = s.row(scene)
	}
	return map[string]any{"count": count, "scenes": rows}, nil
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

// fits reports whether a scene passes a filter: criteria side by side all count, OR is the other branch.
func (s *Server) fits(scene *Scene, filter map[string]any) (bool, error) {
	ok := true
	var or map[string]any
	for name, c := range filter {
		criterion, _ := c.(map[string]any)
		if criterion == nil {
			continue
		}
		modifier := criterion["modifier"]
		value := fmt.Sprint(criterion["value"])
		switch {
		case name == "OR":
			or = criterion
		case name == "id" && modifier == "GREATER_THAN":
			ok = ok && int64(scene.ID) > number(criterion["value"])
		case name == "updated_at" && modifier == "GREATER_THAN": // text, in whatever zone
			ok = ok && s.stamp(scene) > value
		case name == "path" && modifier == "EQUALS":
			ok = ok && slices.ContainsFunc(scene.Files, func(f File) bool { return strings.EqualFold(f.Path, value) })
		default:
			return false, fmt.Errorf("stashtest does not know the filter %s with %v", name, modifier)
		}
	}
	if ok && len(filter) > 0 && (or == nil || len(filter) > 1) || or == nil {
		return ok, nil
	}
	return s.fits(scene, or)
}
