package plextest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// listParameters are the parameters of a listing that are not filters.
func listParameters() []string {
	return []string{"type", "sort", "excludeElements", "excludeFields", "includeCollections"}
}

// filter returns the items of a section that match the type and the filters of a listing, and false if Plex refuses one
// of them. It supports two fields, mediaSize and lastViewedAt, with the operators of an integer. A key ends with its
// operator without the last "=": "mediaSize>>" means "greater than". A comma means "or".
func (s *Server) filter(sec *section, q url.Values) ([]*Item, bool) {
	items := slices.Clone(sec.ofType(q.Get("type")))
	for key, values := range q {
		if slices.Contains(listParameters(), key) {
			continue
		}
		field := strings.TrimRight(key, "!<>")
		holds := map[string]func(have, want int64) bool{
			"":   func(have, want int64) bool { return have == want },
			"!":  func(have, want int64) bool { return have != want },
			">>": func(have, want int64) bool { return have > want },
			"<<": func(have, want int64) bool { return have < want },
		}[key[len(field):]]
		have := map[string]func(*Item) []int64{"mediaSize": (*Item).mediaSizes, "lastViewedAt": s.lastViewed}[field]
		if have == nil || holds == nil || field == "mediaSize" && s.options.SizeFilter == "refused" {
			return nil, false
		}
		if field == "mediaSize" && s.options.SizeFilter == "ignored" {
			continue
		}
		wanted, ok := numbers(values)
		if !ok {
			return nil, false
		}
		if sec.bulk > 0 && (key != "lastViewedAt>>" || slices.Min(wanted) < bulkViewed) {
			panic("plextest: a library with a bulk cannot be filtered")
		}
		items = slices.DeleteFunc(items, func(it *Item) bool {
			return !slices.ContainsFunc(have(it), func(have int64) bool {
				return slices.ContainsFunc(wanted, func(want int64) bool { return holds(have, want) })
			})
		})
	}
	return items, true
}

// numbers reads the values of a filter.
func numbers(values []string) ([]int64, bool) {
	var list []int64
	for text := range strings.SplitSeq(strings.Join(values, ","), ",") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, false
		}
		list = append(list, n)
	}
	return list, true
}

// lastViewed returns when the account of the request last watched an item, if it has.
func (s *Server) lastViewed(it *Item) []int64 {
	if last := it.Views[s.viewer].Last; last != 0 {
		return []int64{last}
	}
	return nil
}

// mediaSizes returns the sizes of an item's versions. It is unknown whether Plex adds up the parts of a version, but with
// the sum a filter finds fewer items.
func (it *Item) mediaSizes() []int64 {
	sums := make(map[int]int64)
	for _, f := range it.Files {
		sums[f.Version] += f.Size
	}
	var list []int64
	for _, sum := range sums {
		list = append(list, sum)
	}
	return list
}
