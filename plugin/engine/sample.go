package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Sample matches scenes against the index of these libraries as it is, writing nothing.
func (e *Engine) Sample(ctx context.Context, server string, sections []plexapi.Section, scenes []*stashapi.Scene) ([]match.Match, error) {
	r := e.newRun(Options{}, true)
	r.server.ID, r.server.Sections = server, sections
	m, err := r.pushes.Matcher(ctx)
	if err != nil {
		return nil, err
	}
	return m.Match(ctx, scenes)
}

// LearnedPaths returns what was learned of how Plex's paths differ from Stash's.
func (e *Engine) LearnedPaths(ctx context.Context) ([]match.PathPair, error) {
	evidence, err := e.newRun(Options{}, true).pushes.Evidence(ctx)
	if err != nil {
		return nil, err
	}
	return evidence.Learned(), nil
}

// WhyNot says what these libraries hold that comes near to a scene that does not match.
func (e *Engine) WhyNot(ctx context.Context, server string, sections []plexapi.Section, scene *stashapi.Scene, found match.Match) (string, error) {
	if found.Found == match.Ambiguous {
		return fmt.Sprintf("%d items fit equally well: %s", len(found.Candidates), push.NameCandidates(found.Candidates)), nil
	}
	if len(scene.Files) == 0 {
		return "it has no file", nil
	}
	f := scene.Files[0]
	normal := store.NormalPath(f.Path)
	name := text.Private(normal[strings.LastIndexByte(normal, '/')+1:])
	files, err := e.Index.ByName(ctx, server, f.Path)
	if err != nil {
		return "", err
	}
	if files = match.InSections(files, sections); len(files) == 0 {
		return "Plex holds no file called " + name, nil
	}
	nearest := slices.MaxFunc(files, func(a, b store.PlexFile) int { return cmp.Compare(nearness(f, a), nearness(f, b)) })
	if nearest.Size == f.Size {
		return fmt.Sprintf("Plex holds %s at %s, but that is another scene's", name, text.Private(nearest.Path)), nil
	}
	return fmt.Sprintf("Plex holds %s at %s with another size (%d bytes, in Stash %d)", name, text.Private(nearest.Path), nearest.Size, f.Size), nil
}

// nearness is how much a file of Plex is like one of Stash: above all by its size, then by its folders.
func nearness(f stashapi.File, p store.PlexFile) int {
	n := store.TrailingFolders(f.Path, p.Path, true)
	if p.Size == f.Size {
		n += 1000
	}
	return n
}
