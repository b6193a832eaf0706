package engine

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/lookup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// A Sample reports how a few scenes match.
type Sample struct {
	Matches []match.Match // one per scene that was looked up: the first scenes if time ran out
	Why     string        // why the first scene that does not match does not; "" if all match
	Whys    []string      // why each of the scenes does not match; "" for those that do
	Notes   []string      // what limits the result, a sentence each
}

// Sample matches scenes with the files of these libraries: with the index if every library has been read, otherwise by
// asking Plex. It writes nothing.
func (e *Engine) Sample(ctx context.Context, server string, sections []plexapi.Section, scenes []*stashapi.Scene) (Sample, error) {
	r := e.newRun(Options{}, true)
	r.server.ID, r.server.Sections = server, sections
	unread, err := r.server.Unread(ctx, e.Index)
	if err != nil {
		return Sample{}, err
	}
	if !unread {
		return r.sample(ctx, scenes, lookup.All)
	}
	index, err := plexindex.OpenInMemory(ctx)
	if err != nil {
		return Sample{}, err
	}
	defer index.Close() // it is in memory
	l := lookup.Lookup{Plex: e.list, Index: index, Server: server}
	asked, err := l.Ask(ctx, sections, scenes)
	if err != nil {
		return Sample{}, err
	}
	r.pushes.Index = index
	s, err := r.sample(ctx, scenes[:asked], l.Reach)
	s.Notes = l.Notes
	return s, err
}

// sample matches scenes with an index of the given reach.
func (r *run) sample(ctx context.Context, scenes []*stashapi.Scene, holds lookup.Reach) (Sample, error) {
	m, err := r.pushes.Matcher(ctx)
	if err != nil {
		return Sample{}, err
	}
	m.Unread = holds == lookup.Some
	var s Sample
	if s.Matches, err = m.Match(ctx, scenes); err != nil {
		return Sample{}, err
	}
	s.Whys = make([]string, len(s.Matches))
	for i, found := range s.Matches {
		if found.Found == match.Matched {
			continue
		}
		if s.Whys[i], err = lookup.WhyNot(ctx, r.pushes.Index, r.server, scenes[i], found, holds); err != nil {
			return Sample{}, err
		}
		if s.Why != "" {
			continue
		}
		name := ""
		if title := scenes[i].Title; title != "" {
			name = ` ("` + text.Private(text.OneLine(title, text.ValueLimit)) + `")`
		}
		s.Why = fmt.Sprintf("scene %d%s is not: %s", scenes[i].ID, name, s.Whys[i])
	}
	return s, nil
}

// LearnedPaths returns the learned path prefixes.
func (e *Engine) LearnedPaths(ctx context.Context) ([]match.PathPair, error) {
	evidence, err := e.newRun(Options{}, true).pushes.Evidence(ctx)
	if err != nil {
		return nil, err
	}
	return evidence.Learned(), nil
}
