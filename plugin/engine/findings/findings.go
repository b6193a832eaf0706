// Package findings holds what a preview, a restore and its dry run say about scenes and items, and what a stored report
// keeps of it.
package findings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// ShownAtMost is how many scenes or items a preview or a restore shows one by one.
const ShownAtMost = 50

// Scene is what would be written for one scene.
type Scene struct {
	SceneID int    `json:"scene_id"`
	Title   string `json:"title"` // private
	Items   []Item `json:"items"`
}

// Item is what would be written to one item.
type Item struct {
	RatingKey string         `json:"rating_key"`
	Changes   []merge.Change `json:"changes"`
	Lock      []string       `json:"lock,omitempty"`   // fields that would be locked, by their names in the settings
	Unlock    []string       `json:"unlock,omitempty"` // and unlocked
}

// ItemOf returns what a plan writes to an item.
func ItemOf(key string, plan *merge.Plan) Item {
	item := Item{RatingKey: key, Changes: plan.Changes, Lock: settingNames(plan.Edit.Lock), Unlock: settingNames(plan.Edit.Unlock)}
	if item.Changes == nil {
		item.Changes = []merge.Change{}
	}
	return item
}

// settingNames returns the settings' names of Plex's fields, each once.
func settingNames(plex []string) []string {
	var names []string
	for _, f := range plex {
		if name := merge.SettingName(f); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Problem is why a scene would not be pushed.
type Problem struct {
	SceneID int           `json:"scene_id"`
	Title   string        `json:"title"` // private
	Class   retry.Class   `json:"class"`
	Reason  string        `json:"reason"`
	Because reason.Reason `json:"because"` // the code of Reason
	Kind    Kind          `json:"-"`
}

// A Kind is how a scene that would not be pushed is counted.
type Kind int

// The kinds.
const (
	NotFound  Kind = 1 + iota
	Ambiguous      // several items fit
	Unread         // an unread library may have the item
	Skipped
	Bare // skipped, since it has no data
	Failed
)

// WouldChange is the kind of a report's row about a scene that would change.
const WouldChange = "would_change"

// String returns the kind of a report's row.
func (k Kind) String() string {
	return map[Kind]string{NotFound: "not_found", Ambiguous: "ambiguous", Unread: "unread", Skipped: "skipped", Bare: "bare", Failed: "failed"}[k]
}

// OfPreview returns the rows of a report about scenes that would change, and about those that would not be pushed.
func OfPreview(scenes []Scene, others []Problem) (list []report.Finding) {
	for _, s := range scenes {
		for _, item := range s.Items {
			MarkPrivate(item.Changes)
		}
		list = append(list, report.Finding{SceneID: s.SceneID, Kind: WouldChange, Title: s.Title, Details: map[string]any{"items": s.Items}})
	}
	for _, p := range others {
		list = append(list, report.Finding{SceneID: p.SceneID, Kind: p.Kind.String(), Title: p.Title, Details: map[string]any{"class": p.Class, "reason": p.Reason, "because": p.Because}})
	}
	return list
}

// MarkPrivate marks the values of changes as private.
func MarkPrivate(list []merge.Change) {
	for i, c := range list {
		list[i].From, list[i].To = text.Private(c.From), text.Private(c.To)
	}
}

// Line names the changes of one item in one line. Their values are private. A picture has no value that says anything.
func Line(list []merge.Change) string {
	parts := make([]string, len(list))
	for i, c := range list {
		switch {
		case strings.Contains(text.Plain(c.To), "upload://"):
			parts[i] = c.Field
		case c.Action == "add":
			parts[i] = c.Field + " +" + quoted(c.To)
		case c.Action == "remove":
			parts[i] = c.Field + " -" + quoted(c.From)
		default:
			parts[i] = c.Field + " " + quoted(c.From) + " → " + quoted(c.To)
		}
	}
	return strings.Join(parts, "; ")
}

// quoted returns a private text in quotes, cut to one line; an empty one in words.
func quoted(private string) string {
	if private = text.OneLine(text.Plain(private), text.ValueLimit); private == "" {
		return "empty"
	}
	return `"` + text.Private(private) + `"`
}

// A Restore is what a restore would do to one item.
type Restore struct {
	SceneID int // that owns the item; 0 if none does
	Outcome string
	Item    Item
	Kept    []string      // settings' names of fields that would not be restored
	Reason  string        // of a failure
	Because reason.Reason // the code of Reason
}

// The outcomes of a Restore, which are kinds of a report's rows.
const (
	Restored    = "restored"
	Unchanged   = "unchanged"
	Gone        = "gone"
	NotRestored = "failed"
)

// keptField is a field that a restore leaves as it is, and why.
type keptField struct {
	Field string `json:"field"`
	Why   string `json:"why"`
}

// OfRestore returns the rows of a report about items that a restore would change, cannot change, or of which it would keep
// a field.
func OfRestore(rows []Restore) (list []report.Finding) {
	for _, row := range rows {
		if row.Outcome == Unchanged && len(row.Kept) == 0 {
			continue
		}
		MarkPrivate(row.Item.Changes)
		kept := []keptField{}
		for _, field := range row.Kept {
			why := "edited in Plex since the push"
			if field == "poster" || field == "background" {
				why = "another picture was chosen in Plex, or Plex no longer has the picture that it showed before"
			}
			kept = append(kept, keptField{field, why})
		}
		details := map[string]any{"rating_key": row.Item.RatingKey, "changes": row.Item.Changes, "unlock": append([]string{}, row.Item.Unlock...), "kept": kept}
		if row.Reason != "" {
			details["reason"], details["because"] = row.Reason, row.Because
		}
		list = append(list, report.Finding{SceneID: row.SceneID, Kind: row.Outcome, Details: details})
	}
	return list
}

// RestoreCounts count the items of a dry run.
type RestoreCounts struct {
	Restored  int `json:"restored"`
	Unchanged int `json:"unchanged"`
	Gone      int `json:"gone"`
	Failed    int `json:"failed"`
	Dropped   int `json:"dropped"` // waiting edits
}

// Plus returns the sum of two parts.
func (c RestoreCounts) Plus(d RestoreCounts) RestoreCounts {
	return RestoreCounts{c.Restored + d.Restored, c.Unchanged + d.Unchanged, c.Gone + d.Gone, c.Failed + d.Failed, c.Dropped + d.Dropped}
}

// Line returns the last line of a dry run that ended early if stopped is not "".
func (c RestoreCounts) Line(stopped string) string {
	line := fmt.Sprintf("%s would be restored, %d need no change, %d are no longer in Plex, %d cannot be restored; %s would be removed from the queue",
		text.Count(c.Restored, "item", "items"), c.Unchanged, c.Gone, c.Failed, text.Count(c.Dropped, "waiting edit", "waiting edits"))
	if stopped != "" {
		return text.Join(stopped, "the dry run is incomplete: "+line, "nothing was written")
	}
	return "Dry run, nothing was written: " + line
}
