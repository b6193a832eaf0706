package merge

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
	Name string // in the settings
	Plex string // as Plex names the field and its lock
	Off  bool   // unless named
}

const RatingField = "userRating"

// FieldTable lists what can be pushed, in the order in which it is shown.
func FieldTable() []field {
	return []field{
		{"title", string(plexapi.Title), false},
		{"details", string(plexapi.Summary), false},
		{"date", string(plexapi.Date), false},
		{"studio", string(plexapi.Studio), false},
		{"performers", string(plexapi.Actor), false},
		{"tags", string(plexapi.Genre), false},
		{"director", string(plexapi.Director), false},
		{"groups", string(plexapi.Collection), false},
		{"rating", RatingField, false},
		{"poster", plexapi.Poster.Lock(), false},
		{"background", plexapi.Background.Lock(), true},
		{"collection", string(plexapi.Collection), true},
	}
}

// FieldNames returns every name that the setting "fields" knows.
func FieldNames() []string {
	var names []string
	for _, f := range FieldTable() {
		names = append(names, f.Name)
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
	for _, f := range FieldTable() {
		named := slices.Contains(plain, f.Name)
		if len(plain) == 0 {
			named = !f.Off
		}
		if (named || slices.Contains(plus, f.Name)) && !slices.Contains(minus, f.Name) {
			chosen[f.Name] = true
		}
	}
	if len(unknown) > 0 {
		return chosen, fmt.Errorf("known are %s, and not %s", strings.Join(FieldNames(), ", "), strings.Join(unknown, ", "))
	}
	return chosen, nil
}

// SettingName returns the settings' name of a Plex field.
func SettingName(plex string) string {
	for _, f := range FieldTable() {
		if f.Plex == plex {
			return f.Name
		}
	}
	return plex
}

// IsTags reports whether a Plex field is a list of tags.
func IsTags(plex string) bool {
	switch plexapi.TagKind(plex) {
	case plexapi.Actor, plexapi.Genre, plexapi.Director, plexapi.Collection:
		return true
	}
	return false
}

// Lacks reports whether items of a type do not have a field. What an episode lacks belongs to its show.
func Lacks(t plexapi.ItemType, plex string) bool {
	return t == plexapi.Episode && slices.Contains([]string{string(plexapi.Studio), string(plexapi.Genre), string(plexapi.Actor)}, plex)
}
