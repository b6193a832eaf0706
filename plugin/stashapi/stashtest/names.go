package stashtest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
)

// Name adds or renames a performer, studio, tag or group, and returns its id. The updated_at of its scenes does not change.
func (s *Server) Name(kind string, id int, name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named[kind] == nil {
		s.named[kind] = make(map[int]string)
	}
	if id == 0 {
		for id = len(s.named[kind]) + 1; s.named[kind][id] != ""; id++ {
		}
	}
	s.named[kind][id] = name
	return id
}

// Disambiguate sets the disambiguation of a performer.
func (s *Server) Disambiguate(performer int, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disambiguations[performer] = text
}

// Names returns the names of performers, studios, tags or groups, without the removed ones.
func (s *Server) Names(kind string, ids ...int) (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if name, there := s.named[kind][id]; there {
			names = append(names, name)
		}
	}
	return names
}

// SetParents puts a tag below others.
func (s *Server) SetParents(tag int, parents ...int) { s.SetParentsOf("tag", tag, parents...) }

// SetParentsOf puts a tag, studio or group below others. A studio has at most one.
func (s *Server) SetParentsOf(kind string, id int, parents ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parents[kind] == nil {
		s.parents[kind] = make(map[int][]int)
	}
	s.parents[kind][id] = parents
}

// DropNamed removes performers, studios, tags or groups, also from their scenes, whose updated_at does not change. No hook
// fires.
func (s *Server) DropNamed(kind string, ids ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replace(kind, ids, nil)
}

// MergeTags merges tags into another, also in their scenes, whose updated_at does not change. The other tag gets their
// parents and children. No hook fires.
func (s *Server) MergeTags(dest int, sources ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	above := slices.Clone(s.parents["tag"][dest])
	for _, id := range sources {
		above = append(above, s.parents["tag"][id]...)
	}
	s.replace("tag", sources, []int{dest})
	if len(above) > 0 {
		above = swap(above, sources, nil)
		s.parents["tag"][dest] = slices.DeleteFunc(above, func(id int) bool { return id == dest })
	}
}

// replace replaces named objects by others wherever they are used. The caller holds the lock.
func (s *Server) replace(kind string, old, now []int) {
	for _, scene := range s.scenes {
		scene.setIDs(kind, swap(scene.ids(kind), old, now))
	}
	for id, above := range s.parents[kind] {
		s.parents[kind][id] = swap(above, old, now)
	}
	for _, id := range old {
		delete(s.named[kind], id)
		delete(s.parents[kind], id)
	}
}

// swap returns ids without the old ones, and with the new ones if there was an old one.
func swap(ids, old, now []int) []int {
	var out []int
	for _, id := range ids {
		next := []int{id}
		if slices.Contains(old, id) {
			next = now
		}
		for _, id := range next {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// ids returns the ids of a kind in a scene.
func (scene *Scene) ids(kind string) []int {
	switch kind {
	case "performer":
		return scene.Performers
	case "tag":
		return scene.Tags
	case "group":
		return scene.Groups
	case "studio":
		if scene.Studio != 0 {
			return []int{scene.Studio}
		}
		return nil
	}
	panic(fmt.Sprintf("stashtest: scenes mention no %s", kind))
}

func (scene *Scene) setIDs(kind string, ids []int) {
	switch kind {
	case "performer":
		scene.Performers = ids
	case "tag":
		scene.Tags = ids
	case "group":
		scene.Groups = ids
	case "studio":
		scene.Studio = 0
		if len(ids) > 0 {
			scene.Studio = ids[0]
		}
	}
}

// below returns the objects at most that many levels below; -1 means any number. The caller holds the lock.
func (s *Server) below(kind string, roots []int, levels int) []int {
	var found []int
	for level := 0; len(roots) > 0 && (levels < 0 || level < levels); level++ {
		var next []int
		for id, above := range s.parents[kind] {
			if !slices.Contains(found, id) && slices.ContainsFunc(above, func(p int) bool { return slices.Contains(roots, p) }) {
				next = append(next, id)
			}
		}
		found, roots = append(found, next...), next
	}
	return found
}

func (s *Server) names(kind string, ids []int) []map[string]any {
	list := []map[string]any{}
	for _, id := range slices.Sorted(slices.Values(ids)) {
		if name, ok := s.named[kind][id]; ok {
			row := map[string]any{"id": strconv.Itoa(id), "name": name}
			if kind == "performer" {
				row["disambiguation"] = s.disambiguations[id]
			}
			list = append(list, row)
		}
	}
	return list
}

// findTags lists tags in the order of their names, or of their ids if asked to.
func (s *Server) findTags(args map[string]any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ids, _ := args["ids"].([]any); len(ids) > 0 {
		return nil, errors.New("stashtest finds tags by a filter: it does not know ids")
	}
	filter, _ := args["tag_filter"].(map[string]any)
	var found []int
	for _, id := range slices.Sorted(maps.Keys(s.named["tag"])) {
		ok, err := fits(filter, func(name string, c map[string]any) (bool, error) { return s.tagMeets(id, name, c) })
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, id)
		}
	}
	if find, _ := args["filter"].(map[string]any); find["sort"] != "id" {
		slices.SortStableFunc(found, func(a, b int) int { return cmp.Compare(lower(s.named["tag"][a]), lower(s.named["tag"][b])) })
	}
	count := len(found)
	found, err := page(found, args["filter"], "name", "id")
	if err != nil {
		return nil, err
	}
	rows := []map[string]any{}
	for _, id := range found {
		rows = append(rows, s.names("tag", []int{id})...)
	}
	return map[string]any{"count": count, "tags": rows}, nil
}

// tagMeets reports whether a tag meets one criterion. Depth 0 means children only, 1 grandchildren too, and so on.
func (s *Server) tagMeets(id int, name string, criterion map[string]any) (bool, error) {
	modifier, value := criterion["modifier"], fmt.Sprint(criterion["value"])
	switch {
	case name == "name" && modifier == "EQUALS": // LIKE
		return like(s.named["tag"][id], value), nil
	case name == "name" && modifier == "MATCHES_REGEX": // a pattern of Go, case-sensitive
		re, err := regexp.Compile(value)
		return err == nil && re.MatchString(s.named["tag"][id]), err
	case name == "parents":
		return s.includes("tag", criterion, func(roots []int, depth int) bool {
			if depth >= 0 {
				depth++
			}
			return slices.Contains(s.below("tag", roots, depth), id)
		})
	}
	return false, fmt.Errorf("stashtest does not support the filter %s of tags with %v", name, modifier)
}
