package lookup

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// WhyNot says why a scene does not match, and which file in the libraries of the server is nearest.
func WhyNot(ctx context.Context, index *plexindex.Index, server *push.Server, scene *stashapi.Scene, found match.Match, holds Reach) (string, error) {
	if found.Found == match.Ambiguous {
		return fmt.Sprintf("%d items fit equally well: %s", len(found.Candidates), push.NameCandidates(found.Candidates)), nil
	}
	if len(scene.Files) == 0 {
		return "it has no file", nil
	}
	if found.Choice != nil {
		return "Plex has no file " + text.Private(found.Choice.Path) + ", which you chose for it", nil
	}
	f := scene.Files[0]
	normal := pathform.Normal(f.Path)
	name := text.Private(normal[strings.LastIndexByte(normal, '/')+1:])
	files, err := index.ByName(ctx, server.ID, f.Path)
	if err != nil {
		return "", err
	}
	if files = match.InSections(files, server.Sections); len(files) == 0 {
		switch holds {
		case SameSize:
			return fmt.Sprintf("Plex has no file named %s with its size (%d bytes)", name, f.Size), nil
		case Some:
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
