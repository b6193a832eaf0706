package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/lookup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// samples is how many scenes "Check connection" matches.
const samples = 20

// pathsAreLearned reports how Plex's paths differ from Stash's, as learned from earlier matches.
func (c *checker) pathsAreLearned(ctx context.Context) error {
	pairs, err := c.engine.LearnedPaths(ctx)
	list := make([]string, len(pairs))
	for i, p := range pairs {
		list[i] = text.Private(p.From) + " => " + text.Private(p.To)
	}
	detail := strings.Join(list, ", ")
	if detail == "" {
		detail = "none yet, and none needed if Plex and Stash use the same paths"
	}
	return c.add("Learned paths", detail, "", err)
}

// matching is the name of the check of scenesMatch.
const matching = "Matching"

// scenesMatch matches a few scenes: with the index or, while that is not complete, with Plex's answers.
func (c *checker) scenesMatch(ctx context.Context) error {
	scenes, err := lookup.Scenes(ctx, c.stash, samples)
	if err != nil {
		return c.add(matching, "", "", err)
	}
	if err := c.engine.CheckPaths(ctx, c.identity.MachineIdentifier, c.chosen); err != nil {
		return c.add(matching, "", "", err)
	}
	sample, err := c.engine.Sample(ctx, c.identity.MachineIdentifier, c.chosen, scenes)
	if err != nil {
		return c.add(matching, "", "", err)
	}
	c.looked = len(sample.Matches)
	detail := c.sampled(scenes[:c.looked], &sample)
	for _, scene := range scenes[c.looked:] {
		report := sampleOf(scene)
		report.Unchecked = true
		c.report.Samples = append(c.report.Samples, report)
	}
	detail = text.Join(slices.Concat([]string{detail, sample.Why}, sample.Notes)...)
	hint := ""
	if c.matched == 0 && c.looked > 0 {
		hint = "none matches: do Plex and Stash have the same files? If their paths differ, set " + settings.Label("pathMap")
	}
	return c.add(matching, detail, hint, nil)
}

// sampleOf returns the report of a scene before it is matched.
func sampleOf(scene *stashapi.Scene) desk.Sample {
	s := desk.Sample{SceneID: scene.ID}
	if len(scene.Files) > 0 {
		s.Path = text.Private(scene.Files[0].Path)
	}
	return s
}

// sampled adds the samples to the report and returns how many match, and by which rules.
func (c *checker) sampled(scenes []*stashapi.Scene, found *engine.Sample) (detail string) {
	rules := make(map[string]int)
	for i, m := range found.Matches {
		s := sampleOf(scenes[i])
		s.Why = found.Whys[i]
		if m.Found == match.Matched {
			c.matched++
			s.Rule, s.RatingKey = m.Hits[0].Rule, m.Hits[0].RatingKey
			rules[s.Rule]++
		}
		c.report.Samples = append(c.report.Samples, s)
	}
	detail = fmt.Sprintf("%d of %s in Plex", c.matched, text.Count(len(scenes), "sample scene is", "sample scenes are"))
	var by []string
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		by = append(by, fmt.Sprintf("%d by %s", rules[rule], rule))
	}
	if len(by) > 0 {
		detail += " (" + strings.Join(by, ", ") + ")"
	}
	return detail
}
