package scenes

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// How many bytes of the values an answer holds: of one, and of all.
const (
	valueBytes = 2000
	allBytes   = 400_000
)

// SceneItem is one Plex item that shows the scene.
type SceneItem struct {
	RatingKey string       `json:"rating_key"`
	Section   string       `json:"section"`
	Library   string       `json:"library"`
	Path      string       `json:"path"`
	Rule      string       `json:"rule"`
	PushedAt  *time.Time   `json:"pushed_at"` // null: never
	Restored  bool         `json:"restored"`
	Absent    bool         `json:"absent"` // Plex no longer has it
	Fields    []SceneField `json:"fields"`
}

// SceneField is one field of an item. A value is a text, or a list of names; null is unknown. What is not stored is left
// out.
type SceneField struct {
	Field        string `json:"field"`
	Pushed       bool   `json:"pushed"` // chosen by the settings
	Stash        any    `json:"stash"`
	Plex         any    `json:"plex"`
	Sent         any    `json:"sent,omitempty"`
	Confirmed    any    `json:"confirmed,omitempty"`     // in Plex after that
	Normalized   any    `json:"normalized,omitempty"`    // Plex's form of what was sent, if that differs
	Refused      any    `json:"refused,omitempty"`       // the value that Plex refused
	Original     any    `json:"original,omitempty"`      // in Plex before our first write
	LockedBefore *bool  `json:"locked_before,omitempty"` // null: never written
	Locked       *bool  `json:"locked"`                  // now
	LockedByUs   bool   `json:"locked_by_us"`
	Kept         bool   `json:"kept,omitempty"`
	Would        string `json:"would"`          // what a push would do
	Note         string `json:"note,omitempty"` // why Stash's value is changed or left out
}

// compose builds the items of the report from what was read.
func (v *view) compose() {
	targets := make(map[string]*push.Target)
	for _, l := range v.links {
		v.report.Items = append(v.report.Items, SceneItem{
			RatingKey: l.RatingKey, Section: l.Section, Path: text.Private(l.Path), Rule: l.Rule, PushedAt: desk.When(l.PushedAt), Restored: l.Restored,
		})
	}
	if v.push != nil {
		for _, t := range v.push.Targets {
			targets[t.Hit.RatingKey] = t
			if !slices.ContainsFunc(v.links, func(l store.Link) bool { return l.RatingKey == t.Hit.RatingKey }) {
				v.report.Items = append(v.report.Items, SceneItem{RatingKey: t.Hit.RatingKey, Section: t.Hit.Section, Path: text.Private(t.Hit.Path), Rule: t.Hit.Rule})
			}
		}
	}
	for i := range v.report.Items {
		it := &v.report.Items[i]
		it.Library = text.Private(text.OneLine(cmp.Or(v.libraries[it.Section], it.Section), text.ValueLimit))
		current, there := v.current[it.RatingKey]
		it.Absent = v.absent[it.RatingKey] && !there || v.push != nil && !there
		f := fieldsOf{view: v, base: v.stored[it.RatingKey], target: targets[it.RatingKey], cut: min(valueBytes, allBytes/len(v.report.Items)/len(merge.Rows(plexapi.Movie))/6)}
		if there {
			f.current = &current
		}
		it.Fields = f.list()
	}
}

// fieldsOf collects the fields of one item.
type fieldsOf struct {
	*view
	base    store.Item
	current *plexapi.Item // nil: unknown
	target  *push.Target  // nil: nothing is known of a push
	cut     int           // bytes of a value
}

func (f *fieldsOf) list() []SceneField {
	kind := plexapi.Movie
	if f.current != nil {
		kind = f.current.ItemType()
	}
	list := []SceneField{}
	for _, row := range merge.Rows(kind) {
		list = append(list, f.one(row))
	}
	return list
}

func (f *fieldsOf) one(row merge.Row) SceneField {
	original, known := f.base.Original[row.Plex]
	form, normalized := f.base.Normalized[row.Plex]
	s := SceneField{
		Field: row.Name, Pushed: f.Settings.Fields.Pushed(row.Plex), Would: merge.Nothing,
		Sent: f.stored(row, f.base.Sent), Confirmed: f.stored(row, f.base.Confirmed), Refused: f.stored(row, f.base.Rejected),
	}
	if image := f.base.Images[row.Plex]; image.SHA1 != "" {
		s.Sent, s.Confirmed = f.value(row, merge.Scalar(image.SHA1)), f.value(row, merge.Scalar(image.Selected))
	}
	if normalized {
		s.Normalized = f.value(row, form.Held)
	}
	if known {
		s.Original = f.value(row, original.Value)
	}
	switch want, chosen := f.desired.Values[row.Plex]; {
	case row.Picture && s.Pushed && f.scene != nil:
		s.Stash = f.value(row, merge.Scalar(f.scene.Cover))
	case chosen:
		s.Stash = f.value(row, want)
	}
	for _, problem := range f.desired.Problems {
		if problem.Field == row.Name {
			s.Note = text.Join(s.Note, problem.Reason)
		}
	}
	if row.Lock && known {
		s.LockedBefore = &original.Locked
	}
	_, sent := f.base.Sent[row.Plex]
	s.LockedByUs = row.Lock && known && !original.Locked && (sent || f.base.Images[row.Plex].SHA1 != "" || len(f.base.Owned[row.Plex]) > 0)
	if f.current != nil {
		s.Plex = f.value(row, merge.Current(f.current, row.Plex))
		locked := f.current.Locked[row.Plex]
		if row.Lock {
			s.Locked = &locked
		}
		s.LockedByUs = s.LockedByUs && locked
	}
	if f.target != nil {
		s.Kept, s.Would = slices.Contains(f.target.Plan.Kept, row.Plex), f.target.Plan.Does(row.Plex)
	}
	return s
}

// stored returns the value of a field in a part of the base; nil if there is none.
func (f *fieldsOf) stored(row merge.Row, part map[string]store.Value) any {
	value, ok := part[row.Plex]
	if !ok {
		return nil
	}
	return f.value(row, value)
}

// value returns a value as JSON shows it, cut to what an answer has room for.
func (f *fieldsOf) value(row merge.Row, value store.Value) any {
	if !row.List {
		return f.short(merge.First(value))
	}
	names, room := []string{}, f.cut
	for i, name := range value {
		if room -= len(name); room < 0 && i > 0 {
			return append(names, "…")
		}
		names = append(names, f.short(name))
	}
	return names
}

// short returns a private text that is cut.
func (f *fieldsOf) short(s string) string {
	if s = strings.ToValidUTF8(s, "\uFFFD"); s == "" {
		return ""
	}
	return text.Private(text.ClipBytes(s, f.cut))
}
