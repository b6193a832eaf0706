package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// A kind determines how the values of a field are compared and written.
type kind int

const (
	textKind    kind = iota
	dateKind         // a text; the time of day is ignored
	ratingKind       // a number with its own request and without a lock
	tagsKind         // a list to which others add
	pictureKind      // written by the engine: a picture is too large for an edit
)

// field is one row of the table of pushed fields.
type field struct {
	Name   string // in the settings
	Plex   string // Plex's name of the field and its lock
	kind   kind
	Off    bool // not pushed unless named
	own    bool // has its own setting instead of a name in "fields"
	ofShow bool // belongs to the show: episodes do not have it

	// from returns what Plex should show of a scene; nil for a picture. With a problem and no value, the field is
	// left out.
	from func(d *Desired, s *stashapi.Scene) store.Value
	// of returns an item's value of the field; for a picture, the address of the selected one.
	of func(it *plexapi.Item) store.Value
}

const RatingField = "userRating"

// table holds the fields in display order. Rows that write the same Plex field have the same kind, and their values are
// joined. A lookup by Plex field returns the first row.
var table = []field{
	{
		Name: "title", Plex: string(plexapi.Title),
		from: func(d *Desired, s *stashapi.Scene) store.Value { return Scalar(joinLines(d.clean("title", s.Title))) },
		of:   func(it *plexapi.Item) store.Value { return Scalar(it.Title) },
	},
	{
		Name: "details", Plex: string(plexapi.Summary),
		from: func(d *Desired, s *stashapi.Scene) store.Value { return Scalar(d.clean("details", s.Details)) },
		of:   func(it *plexapi.Item) store.Value { return Scalar(it.Summary) },
	},
	{
		Name: "date", Plex: string(plexapi.Date), kind: dateKind,
		from: func(d *Desired, s *stashapi.Scene) store.Value { return d.date(s.Date) },
		of:   func(it *plexapi.Item) store.Value { return Scalar(it.Date) },
	},
	{
		Name: "studio", Plex: string(plexapi.Studio), ofShow: true,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return studio(s) },
		of:   func(it *plexapi.Item) store.Value { return Scalar(it.Studio) },
	},
	{
		Name: "performers", Plex: string(plexapi.Actor), kind: tagsKind, ofShow: true,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return names(s.Performers) },
		of:   func(it *plexapi.Item) store.Value { return it.Tags[plexapi.Actor] },
	},
	{
		Name: "tags", Plex: string(plexapi.Genre), kind: tagsKind, ofShow: true,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return names(s.Tags) },
		of:   func(it *plexapi.Item) store.Value { return it.Tags[plexapi.Genre] },
	},
	{
		Name: "director", Plex: string(plexapi.Director), kind: tagsKind,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return Scalar(cleanName(s.Director)) },
		of:   func(it *plexapi.Item) store.Value { return it.Tags[plexapi.Director] },
	},
	{
		Name: "groups", Plex: string(plexapi.Collection), kind: tagsKind,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return names(s.Groups) },
		of:   func(it *plexapi.Item) store.Value { return it.Tags[plexapi.Collection] },
	},
	{
		Name: "rating", Plex: RatingField, kind: ratingKind,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return rating(s.Rating100) },
		of: func(it *plexapi.Item) store.Value {
			if it.UserRating == nil {
				return nil
			}
			return number(*it.UserRating)
		},
	},
	{
		Name: "poster", Plex: "thumb", kind: pictureKind,
		of: func(it *plexapi.Item) store.Value { return Scalar(it.Thumb) },
	},
	{
		Name: "background", Plex: "art", kind: pictureKind, Off: true,
		of: func(it *plexapi.Item) store.Value { return Scalar(it.Art) },
	},
	{
		Name: "collection", Plex: string(plexapi.Collection), kind: tagsKind, Off: true,
		from: func(_ *Desired, s *stashapi.Scene) store.Value { return studio(s) },
		of:   func(it *plexapi.Item) store.Value { return it.Tags[plexapi.Collection] },
	},
	{
		Name: "contentRating", Plex: string(plexapi.ContentRating), Off: true, own: true,
		from: func(d *Desired, _ *stashapi.Scene) store.Value {
			return Scalar(cleanName(d.clean("contentRating", d.fields.ContentRating)))
		},
		of: func(it *plexapi.Item) store.Value { return Scalar(it.ContentRating) },
	},
}

func number(n float64) store.Value {
	return store.Value{strconv.FormatFloat(n, 'f', -1, 64)}
}

// FieldTable returns the fields that can be pushed, in display order. Do not modify the result.
func FieldTable() []field { return table }

// noField stands for a Plex field that is not in the table, for example one stored by a newer version.
var noField = field{of: func(*plexapi.Item) store.Value { return nil }}

// fieldOf returns the first row of a Plex field.
func fieldOf(plex string) *field {
	for i := range table {
		if table[i].Plex == plex {
			return &table[i]
		}
	}
	return &noField
}

// SettingName returns the settings' name of a Plex field.
func SettingName(plex string) string {
	if f := fieldOf(plex); f != &noField {
		return f.Name
	}
	return plex
}

func kindOf(plex string) kind { return fieldOf(plex).kind }

// IsTags reports whether a Plex field is a list of tags.
func IsTags(plex string) bool { return kindOf(plex) == tagsKind }

// Lacks reports whether items of a type do not have a field. The show has the fields that an episode lacks.
func Lacks(t plexapi.ItemType, plex string) bool { return t == plexapi.Episode && fieldOf(plex).ofShow }

// Current returns an item's value of a field.
func Current(it *plexapi.Item, plex string) store.Value { return fieldOf(plex).of(it) }

// Fields are the fields that are pushed.
type Fields struct {
	Names         map[string]bool // by their names in the setting "fields"
	ContentRating string          // of every scene; "": it is not pushed, and restored where it was pushed
}

// Empty reports whether nothing is pushed.
func (f Fields) Empty() bool { return len(f.Names) == 0 && f.ContentRating == "" }

// Has reports whether the field with this name in the settings is pushed.
func (f Fields) Has(name string) bool { return f.Names[name] }

// FieldNames returns the valid names of the setting "fields".
func FieldNames() []string {
	var names []string
	for _, f := range FieldTable() {
		if !f.own {
			names = append(names, f.Name)
		}
	}
	return names
}

// ParseFields parses the setting "fields": empty means all fields except those that are off by default; plain names
// mean exactly those; +name adds to the list and -name removes from it. If there are unknown names, ParseFields returns
// the valid fields and an error that lists the unknown ones.
func ParseFields(spec string) (Fields, error) {
	chosen := Fields{Names: make(map[string]bool)}
	var plus, minus, plain, unknown []string
	some := strings.TrimSpace(spec) == ""
	for part := range strings.SplitSeq(spec, ",") {
		name := strings.ToLower(strings.TrimSpace(part))
		some = some || name != ""
		list := &plain
		switch {
		case strings.HasPrefix(name, "+"):
			name, list = strings.TrimSpace(name[1:]), &plus
		case strings.HasPrefix(name, "-"):
			name, list = strings.TrimSpace(name[1:]), &minus
		}
		switch {
		case name == "" && strings.TrimSpace(part) == "":
		case !slices.Contains(FieldNames(), name):
			unknown = append(unknown, cmp.Or(name, strings.TrimSpace(part)))
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
			chosen.Names[f.Name] = true
		}
	}
	if len(unknown) > 0 {
		return chosen, fmt.Errorf("valid fields: %s; unknown: %s", strings.Join(FieldNames(), ", "), strings.Join(unknown, ", "))
	}
	if !some {
		return chosen, fmt.Errorf("this contains no field; leave it empty, or choose from %s", strings.Join(FieldNames(), ", "))
	}
	return chosen, nil
}
