package plugin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
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

// scenesMatch matches a few scenes, with the index or, before it has been read, with what Plex answers.
func (c *checker) scenesMatch(ctx context.Context) error {
	const name = "Matching"
	scenes, err := c.engine.SampleScenes(ctx, samples)
	if err != nil {
		return c.add(name, "", "", err)
	}
	sample, err := c.engine.Sample(ctx, c.identity.MachineIdentifier, c.chosen, scenes)
	if err != nil {
		return c.add(name, "", "", err)
	}
	looked := len(sample.Matches)
	detail, matched := c.sampled(scenes[:looked], sample.Matches)
	for _, scene := range scenes[looked:] {
		report := sampleOf(scene)
		report.Unchecked = true
		c.report.Samples = append(c.report.Samples, report)
	}
	for _, note := range append([]string{sample.Why}, sample.Notes...) {
		if note != "" {
			detail += "; " + note
		}
	}
	hint := ""
	if matched == 0 && looked > 0 {
		hint = "none matches: do Plex and Stash hold the same files? if their paths differ, set pathMap"
	}
	return c.add(name, detail, hint, nil)
}

// sampleOf is the report of a scene that has not been matched.
func sampleOf(scene *stashapi.Scene) SampleReport {
	s := SampleReport{SceneID: scene.ID}
	if len(scene.Files) > 0 {
		s.Path = text.Private(scene.Files[0].Path)
	}
	return s
}

// sampled puts the samples into the report, and says how many match and by which rules.
func (c *checker) sampled(scenes []*stashapi.Scene, matches []match.Match) (detail string, matched int) {
	rules := make(map[string]int)
	for i, m := range matches {
		s := sampleOf(scenes[i])
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
