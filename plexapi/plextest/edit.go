package plextest

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	tagArg    = regexp.MustCompile(`^(actor|genre|director|collection)\[(\d+)\]\.tag\.tag$`)
	removeArg = regexp.MustCompile(`^(actor|genre|director|collection)\[\]\.tag\.tag-$`)
	lockArg   = regexp.MustCompile(`^(\w+)\.locked$`)
	valueArg  = regexp.MustCompile(`^(\w+)\.value$`)
)

// change is one parsed edit.
type change struct {
	values map[string]string
	add    map[string][]string
	remove map[string][]string
	locks  map[string]bool
}

// edit performs an edit, or refuses all of it.
func (s *Server) edit(w http.ResponseWriter, r *http.Request, items []*Item) int {
	c, status := s.parse(r.URL.Query())
	if status != 0 {
		return page(w, status)
	}
	if slices.ContainsFunc(items, func(it *Item) bool { return s.isEpisode(it) }) && c.touches("studio", "genre", "actor") {
		return page(w, http.StatusBadRequest)
	}
	if title, set := c.values["title"]; set && strings.TrimSpace(title) == "" {
		s.careless++
	}
	for _, it := range items {
		s.apply(it, c)
		if sec := s.section(it.Section); sec != nil {
			sec.changed++
		}
	}
	return empty(w)
}

// isEpisode reports whether an item is an episode. This server refuses edits of fields that belong to the show; the
// behaviour of Plex is unknown.
func (s *Server) isEpisode(it *Item) bool {
	sec := s.section(it.Section)
	return sec != nil && sec.kind == "show"
}

// touches reports whether the edit changes one of the fields.
func (c change) touches(fields ...string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		_, value := c.values[f]
		_, lock := c.locks[f]
		return value || lock || len(c.add[f])+len(c.remove[f]) > 0
	})
}

// parse reads an edit. A status other than 0 means that the edit is refused.
func (s *Server) parse(q url.Values) (change, int) {
	c := change{values: map[string]string{}, add: map[string][]string{}, remove: map[string][]string{}, locks: map[string]bool{}}
	index := map[string]map[int]string{}
	for key, list := range q {
		value := list[0]
		if m := tagArg.FindStringSubmatch(key); m != nil {
			if index[m[1]] == nil {
				index[m[1]] = map[int]string{}
			}
			index[m[1]][mustInt(m[2])] = value
			continue
		}
		if m := removeArg.FindStringSubmatch(key); m != nil {
			for name := range strings.SplitSeq(value, ",") {
				decoded, err := url.PathUnescape(name)
				if err != nil {
					return c, http.StatusBadRequest
				}
				c.remove[m[1]] = append(c.remove[m[1]], decoded)
			}
			continue
		}
		if m := lockArg.FindStringSubmatch(key); m != nil && knownField(m[1]) && (value == "0" || value == "1") {
			c.locks[m[1]] = value == "1"
			continue
		}
		if m := valueArg.FindStringSubmatch(key); m != nil && knownField(m[1]) && !slices.Contains(append(tagKinds(), "thumb", "art"), m[1]) {
			if m[1] == "originallyAvailableAt" && !validDate(value) {
				return c, http.StatusInternalServerError
			}
			c.values[m[1]] = value
			continue
		}
		if key != "type" && key != "id" {
			return c, http.StatusBadRequest
		}
	}
	for kind, byIndex := range index {
		for _, i := range slices.Sorted(maps.Keys(byIndex)) {
			c.add[kind] = append(c.add[kind], byIndex[i])
		}
	}
	return c, s.refusal(c)
}

// refusal returns the status with which the options refuse one of the edit's fields, or 0.
func (s *Server) refusal(c change) int {
	for field, status := range s.options.Refuse {
		_, value := c.values[field]
		if value || len(c.add[field]) > 0 || len(c.remove[field]) > 0 {
			return status
		}
	}
	return 0
}

func knownField(name string) bool {
	switch name {
	case "title", "titleSort", "summary", "studio", "originallyAvailableAt", "contentRating", "thumb", "art":
		return true
	}
	return slices.Contains(tagKinds(), name)
}

func (s *Server) apply(it *Item, c change) {
	for name, value := range c.values {
		if s.options.Stuck[name] {
			continue
		}
		value = s.keep(name, value)
		switch name {
		case "title":
			it.Title = value
		case "summary":
			it.Summary = value
		case "studio":
			it.Studio = value
		case "originallyAvailableAt":
			it.Date = value
		case "contentRating":
			it.ContentRating = value
		}
	}
	for _, kind := range tagKinds() {
		if s.options.Stuck[kind] {
			continue
		}
		it.Tags[kind] = slices.DeleteFunc(it.Tags[kind], func(t string) bool {
			return slices.ContainsFunc(c.remove[kind], func(r string) bool { return s.sameTag(t, r) }) && !slices.Contains(c.add[kind], t)
		})
		if len(c.add[kind]) > 0 && s.options.Replace {
			it.Tags[kind] = nil
		}
		for _, t := range c.add[kind] {
			t = s.keep(kind, t)
			if !slices.ContainsFunc(it.Tags[kind], func(have string) bool { return s.sameTag(have, t) }) {
				it.Tags[kind] = append(it.Tags[kind], t)
			}
		}
		if len(it.Tags[kind]) == 0 {
			delete(it.Tags, kind)
		}
	}
	maps.Copy(it.Locked, c.locks)
	it.Updated = s.clock().Unix()
}

// keep returns the form in which the server stores a value. It is always trimmed.
func (s *Server) keep(field, value string) string {
	value = strings.TrimSpace(value)
	if s.options.Keep != nil {
		value = s.options.Keep(field, value)
	}
	return value
}

func (s *Server) sameTag(a, b string) bool {
	return a == b || s.options.FoldTags && strings.EqualFold(a, b)
}
