package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// samples is how many scenes "Check connection" matches.
const samples = 20

// pathsAreLearned says how Plex's paths differ from Stash's, as far as matches have taught it.
func (c *checker) pathsAreLearned(ctx context.Context) error {
	pairs, err := c.engine.LearnedPaths(ctx)
	list := make([]string, len(pairs))
	for i, p := range pairs {
		list[i] = text.Private(p.From) + " => " + text.Private(p.To)
	}
	detail := strings.Join(list, ", ")
	if detail == "" {
		detail = "none"
	}
	return c.add("Learned paths", detail, "", err)
}

// scenesMatch matches a few scenes against the index as it is.
func (c *checker) scenesMatch(ctx context.Context) error {
	const name = "Matching"
	scenes, err := c.sampleScenes(ctx)
	if err != nil {
		return c.add(name, "", "", err)
	}
	readings, err := c.index.Readings(ctx, c.identity.MachineIdentifier)
	if err != nil {
		return c.add(name, "", "", err)
	}
	readings = slices.DeleteFunc(readings, func(r store.Reading) bool { // the settings may have changed since
		return !slices.ContainsFunc(c.chosen, func(s plexapi.Section) bool { return s.ID == r.Section })
	})
	if len(readings) == 0 {
		return c.add(name, "Plex's files have not been read yet", fmt.Sprintf("run %q, then check again", taskName), nil)
	}
	matches, err := c.engine.Sample(ctx, c.identity.MachineIdentifier, c.chosen, scenes)
	if err != nil {
		return c.add(name, "", "", err)
	}
	detail, matched := c.sampled(scenes, matches)
	if i := slices.IndexFunc(matches, func(m match.Match) bool { return m.Found != match.Matched }); i >= 0 {
		why, err := c.engine.WhyNot(ctx, c.identity.MachineIdentifier, c.chosen, scenes[i], matches[i])
		if err != nil {
			return c.add(name, "", "", err)
		}
		detail += fmt.Sprintf("; scene %d is not: %s", scenes[i].ID, why)
	}
	if len(readings) < len(c.chosen) || slices.ContainsFunc(readings, func(r store.Reading) bool { return r.CompleteAt.IsZero() }) {
		detail += "; not every library has been read whole yet"
	}
	hint := ""
	if matched == 0 && len(scenes) > 0 {
		hint = "none matches: do Plex and Stash hold the same files? if their paths differ, set pathMap"
	}
	return c.add(name, detail, hint, nil)
}

// sampleScenes reads the first scenes of Stash.
func (c *checker) sampleScenes(ctx context.Context) ([]*stashapi.Scene, error) {
	page, err := c.stash.AllScenes(ctx, 0, samples)
	if err != nil {
		return nil, err
	}
	ids := make([]int, len(page.Scenes))
	for i, s := range page.Scenes {
		ids[i] = s.ID
	}
	result, err := c.stash.Scenes(ctx, ids)
	scenes := make([]*stashapi.Scene, len(result.Found))
	for i := range result.Found {
		scenes[i] = &result.Found[i]
	}
	return scenes, err
}

// sampled puts the samples into the report, and says how many match and by which rules.
func (c *checker) sampled(scenes []*stashapi.Scene, matches []match.Match) (detail string, matched int) {
	rules := make(map[string]int)
	for i, m := range matches {
		s := SampleReport{SceneID: scenes[i].ID}
		if len(scenes[i].Files) > 0 {
			s.Path = text.Private(scenes[i].Files[0].Path)
		}
		if m.Found == match.Matched {
			matched++
			s.Rule, s.RatingKey = m.Hits[0].Rule, m.Hits[0].RatingKey
			rules[s.Rule]++
		}
		c.report.Samples = append(c.report.Samples, s)
	}
	detail = fmt.Sprintf("%d of %d sample scenes are in Plex", matched, len(scenes))
	var by []string
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		by = append(by, fmt.Sprintf("%d by %s", rules[rule], rule))
	}
	if len(by) > 0 {
		detail += " (" + strings.Join(by, ", ") + ")"
	}
	return detail, matched
}
