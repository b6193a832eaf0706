package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

// Fields are the fields that are pushed, by their names in the settings.
type Fields map[string]bool

// field is one row of the table of what is pushed where.
type field struct {
	name string // in the settings
	plex string // as Plex names the field and its lock
	off  bool   // unless named
}

const ratingField = "userRating"

// fieldTable lists what can be pushed, in the order in which it is shown.
func fieldTable() []field {
	return []field{
		{"title", string(plexapi.Title), false},
		{"details", string(plexapi.Summary), false},
		{"date", string(plexapi.Date), false},
		{"studio", string(plexapi.Studio), false},
		{"performers", string(plexapi.Actor), false},
		{"tags", string(plexapi.Genre), false},
		{"director", string(plexapi.Director), false},
		{"groups", string(plexapi.Collection), false},
		{"rating", ratingField, false},
		{"poster", plexapi.Poster.Lock(), false},
		{"background", plexapi.Background.Lock(), true},
		{"collection", string(plexapi.Collection), true},
	}
}

// FieldNames returns every name that the setting "fields" knows.
func FieldNames() []string {
	var names []string
	for _, f := range fieldTable() {
		names = append(names, f.name)
	}
	return names
}

// ParseFields reads the setting "fields": empty means all that are not off unless named; plain names mean
// exactly those; +name adds to and -name takes from that. Unknown names are an error that lists them all;
// the known ones count all the same.
func ParseFields(spec string) (Fields, error) {
	chosen := make(Fields)
	var plus, minus, plain, unknown []string
	for _, part := range strings.Split(spec, ",") {
		name := strings.ToLower(strings.TrimSpace(part))
		list := &plain
		switch {
		case strings.HasPrefix(name, "+"):
			name, list = strings.TrimSpace(name[1:]), &plus
		case strings.HasPrefix(name, "-"):
			name, list = strings.TrimSpace(name[1:]), &minus
		}
		switch {
		case name == "":
		case !slices.Contains(FieldNames(), name):
			unknown = append(unknown, name)
		default:
			*list = append(*list, name)
		}
	}
	for _, f := range fieldTable() {
		named := slices.Contains(plain, f.name)
		if len(plain) == 0 {
			named = !f.off
		}
		if (named || slices.Contains(plus, f.name)) && !slices.Contains(minus, f.name) {
			chosen[f.name] = true
		}
	}
	if len(unknown) > 0 {
		return chosen, fmt.Errorf("known are %s, and not %s", strings.Join(FieldNames(), ", "), strings.Join(unknown, ", "))
	}
	return chosen, nil
}

// fieldName returns the settings' name of a Plex field.
func fieldName(plex string) string {
	for _, f := range fieldTable() {
		if f.plex == plex {
			return f.name
		}
	}
	return plex
}

// isTags reports whether a Plex field is a list of tags.
func isTags(plex string) bool {
	switch plexapi.TagKind(plex) {
	case plexapi.Actor, plexapi.Genre, plexapi.Director, plexapi.Collection:
		return true
	}
	return false
}

// lacks reports whether items of a type do not have a field. What an episode lacks belongs to its show.
func lacks(t plexapi.ItemType, plex string) bool {
	return t == plexapi.Episode && slices.Contains([]string{string(plexapi.Studio), string(plexapi.Genre), string(plexapi.Actor)}, plex)
}
