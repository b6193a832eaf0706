package stashtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// execute runs a validated operation on the model: every field, although one before it fails. A field that fails is null; if
// it must not be, there is no data at all.
func (s *Server) execute(r *http.Request, op *ast.OperationDefinition, vars map[string]any) (data map[string]any, errs gqlerror.List) {
	data = make(map[string]any)
	required := false
	for _, f := range fieldsOf(op.SelectionSet) {
		value, err := s.root(r, f, f.ArgumentMap(vars))
		if err == nil {
			value, err = project(f, value, vars)
		}
		if err != nil {
			errs = append(errs, gqlerror.WrapPath(ast.Path{ast.PathName(f.Alias)}, err))
			required = required || f.Definition.Type.NonNull
			value = nil
		}
		data[f.Alias] = value
	}
	if required {
		return nil, errs
	}
	return data, errs
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

// project returns the fields that a query selects. A field that the model does not have is an error, not null.
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
			if sub.Name == "__typename" {
				e, ok = sub.ObjectDefinition.Name, true
			}
			if !ok {
				return nil, fmt.Errorf("stashtest does not support %s.%s", f.Name, sub.Name)
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
func (s *Server) root(r *http.Request, f *ast.Field, args map[string]any) (any, error) {
	switch f.Name {
	case "__typename":
		return f.ObjectDefinition.Name, nil
	case "version":
		return map[string]any{"version": "v0.30.1", "hash": "abcdef", "build_time": ""}, nil
	case "configuration":
		return s.configuration(), nil
	case "plugins":
		return s.listPlugins(), nil
	case "configurePlugin", "setPluginsEnabled", "stopJob", "stopAllJobs":
		return s.change(f.Name, args), nil
	case "sceneAddPlay", "sceneDeletePlay", "sceneResetPlayCount", "sceneSaveActivity", "sceneResetActivity":
		return s.activityOf(f.Name, args)
	case "findScene":
		return s.findScene(s.base(r), args)
	case "findScenes":
		return s.findScenes(s.base(r), args)
	case "findTags":
		return s.findTags(args)
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
		return operate(r.Context(), fmt.Sprint(args["plugin_id"]), plain(operationArgs))
	}
	return nil, fmt.Errorf("stashtest does not support %s", f.Name)
}

// plain converts json.Number to the types that Stash passes to a plugin.
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
		"interface": func(map[string]any) any {
			s.mu.Lock()
			defer s.mu.Unlock()
			return map[string]any{"language": s.language}
		},
		"ui": func(map[string]any) any {
			s.mu.Lock()
			defer s.mu.Unlock()
			return maps.Clone(s.ui)
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

func (s *Server) findScene(base string, args map[string]any) (any, error) {
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
	return s.row(scene, base), nil
}

// findScenes behaves like Stash: ids ignore every filter, one unknown id fails the complete query, and an empty list of
// ids means all scenes.
func (s *Server) findScenes(base string, args map[string]any) (any, error) {
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
			rows = append(rows, s.row(s.scenes[id], base))
		}
		return map[string]any{"count": len(rows), "scenes": rows}, nil
	}
	filter, _ := args["scene_filter"].(map[string]any)
	if depth(filter) > filterDepth {
		return nil, errors.New("findScenes: error querying aggregate fields: parser stack overflow")
	}
	given, _ := args["filter"].(map[string]any)
	find := maps.Clone(given)
	words, err := searched(find["q"])
	if err != nil {
		return nil, err
	}
	delete(find, "q")
	var found []*Scene
	for _, id := range slices.Sorted(maps.Keys(s.scenes)) {
		var ok bool
		meets := func(name string, c map[string]any) (bool, error) { return s.meets(s.scenes[id], name, c) }
		if ok, err = fits(filter, meets); err != nil {
			return nil, err
		}
		if ok && words(s.scenes[id]) {
			found = append(found, s.scenes[id])
		}
	}
	if find["sort"] == "updated_at" {
		slices.SortStableFunc(found, func(a, b *Scene) int { return cmp.Compare(stamp(a), stamp(b)) })
	}
	count := len(found)
	if found, err = page(found, find, "id", "updated_at"); err != nil {
		return nil, err
	}
	rows := make([]map[string]any, len(found))
	for i, scene := range found {
		rows[i] = s.row(scene, base)
	}
	return map[string]any{"count": count, "scenes": rows}, nil
}
