package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/lookup"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// A Sample reports how a few scenes match.
type Sample struct {
	Matches []match.Match // one per scene that was looked up: the first scenes if time ran out
	Why     string        // why the first scene that does not match does not; "" if all match
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
	if i := slices.IndexFunc(s.Matches, func(m match.Match) bool { return m.Found != match.Matched }); i >= 0 {
		why, err := r.whyNot(ctx, scenes[i], s.Matches[i], holds)
		if err != nil {
			return Sample{}, err
		}
		name := ""
		if title := scenes[i].Title; title != "" {
			name = ` ("` + text.Private(text.OneLine(title, text.ValueLimit)) + `")`
		}
		s.Why = fmt.Sprintf("scene %d%s is not: %s", scenes[i].ID, name, why)
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

// whyNot says why a scene does not match, and which file in the libraries is nearest.
func (r *run) whyNot(ctx context.Context, scene *stashapi.Scene, found match.Match, holds lookup.Reach) (string, error) {
	if found.Found == match.Ambiguous {
		return fmt.Sprintf("%d items fit equally well: %s", len(found.Candidates), push.NameCandidates(found.Candidates)), nil
	}
	if len(scene.Files) == 0 {
		return "it has no file", nil
	}
	f := scene.Files[0]
	normal := pathform.Normal(f.Path)
	name := text.Private(normal[strings.LastIndexByte(normal, '/')+1:])
	files, err := r.pushes.Index.ByName(ctx, r.server.ID, f.Path)
	if err != nil {
		return "", err
	}
	if files = match.InSections(files, r.server.Sections); len(files) == 0 {
		switch holds {
		case lookup.SameSize:
			return fmt.Sprintf("Plex has no file named %s with its size (%d bytes)", name, f.Size), nil
		case lookup.Some:
			return fmt.Sprintf("no file named %s is among the items that were compared", name), nil
		}
		return "Plex has no file named " + name, nil
	}
	nearest := slices.MaxFunc(files, func(a, b plexindex.File) int { return cmp.Compare(nearness(f, a), nearness(f, b)) })
	if nearest.Size == f.Size {
		return fmt.Sprintf("Plex has %s at %s, but that file belongs to another scene", name, text.Private(nearest.Path)), nil
	}
	return fmt.Sprintf("Plex has %s at %s with a different size (%d bytes, in Stash %d)", name, text.Private(nearest.Path), nearest.Size, f.Size), nil
}

// nearness rates how similar two files are: first by size, then by folders.
func nearness(f stashapi.File, p plexindex.File) int {
	n := pathform.TrailingFolders(f.Path, p.Path, true)
	if p.Size == f.Size {
		n += 1000
	}
	return n
}
