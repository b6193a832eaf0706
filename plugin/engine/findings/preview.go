package findings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// PreviewCounts count the scenes of a preview, and in ByField the items in which each field would change.
type PreviewCounts struct {
	WouldChange int            `json:"would_change"`
	Unchanged   int            `json:"unchanged"`
	NotFound    int            `json:"not_found"`
	Ambiguous   int            `json:"ambiguous"` // several items fit
	Unread      int            `json:"unread"`    // an unread library may have the item
	Skipped     int            `json:"skipped"`
	Bare        int            `json:"bare"` // of Skipped: scenes without data
	Failed      int            `json:"failed"`
	ByField     map[string]int `json:"by_field"`
}

// Total returns the number of scenes counted.
func (c *PreviewCounts) Total() int {
	return c.WouldChange + c.Unchanged + c.NotFound + c.Ambiguous + c.Unread + c.Skipped + c.Failed
}

// PreviewLine returns the last line of a preview that ended early if stopped is not "": the sums, and what to do next.
func PreviewLine(p PreviewCounts, others []Problem, stopped string) string {
	parts := []string{fmt.Sprintf("%d of %s would change", p.WouldChange, text.Count(p.Total(), "scene", "scenes"))}
	for _, c := range []struct {
		n                int
		singular, plural string
		kind             Kind
	}{
		{p.Unchanged, "matches already", "match already", 0},
		{p.Bare, "has no data in Stash", "have no data in Stash", Bare},
		{p.Skipped - p.Bare, "is skipped", "are skipped", Skipped},
		{p.NotFound, "is not in Plex", "are not in Plex", NotFound},
		{p.Ambiguous, "fits several items in Plex", "fit several items in Plex", Ambiguous},
		{p.Unread, "may be in a library that was not read", "may be in libraries that were not read", Unread},
		{p.Failed, "could not be compared", "could not be compared", Failed},
	} {
		if c.n > 0 {
			parts = append(parts, text.Count(c.n, c.singular, c.plural)+titlesOf(others, c.kind))
		}
	}
	line := strings.Join(parts, ", ")
	var fields []string
	for _, f := range slices.Sorted(maps.Keys(p.ByField)) {
		fields = append(fields, fmt.Sprintf("%s %d", f, p.ByField[f]))
	}
	if len(fields) > 0 {
		line += "; items by field: " + strings.Join(fields, ", ")
	}
	if stopped != "" {
		return text.Join(stopped, "the preview is incomplete: "+line, "nothing was written")
	}
	if p.WouldChange > 0 {
		return "Preview, nothing was written: " + line + ". Next: \"Sync all scenes\" pushes these changes"
	}
	return "Preview, nothing was written: " + line
}

// titlesOf returns the first titles of scenes of a kind, in parentheses; "" for scenes without data, of which there may
// be many, and if there are none.
func titlesOf(list []Problem, kind Kind) string {
	var titles []string
	for _, p := range list {
		if p.Kind == kind && kind != Bare && p.Title != "" && len(titles) < 3 {
			titles = append(titles, `"`+p.Title+`"`)
		}
	}
	if len(titles) == 0 {
		return ""
	}
	return " (" + strings.Join(titles, ", ") + ")"
}
