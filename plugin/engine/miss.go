package engine

import (
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// candidatesNamed is how many candidates a message names.
const candidatesNamed = 3

// notMatched is how a job ends whose scene is not matched.
func (d *drain) notMatched(w *work) error {
	path := text.Private(w.scene.Files[0].Path)
	switch w.match.Found {
	case match.Ambiguous:
		return retry.Ambiguous(fmt.Sprintf("%d Plex items fit %s equally well: set pathMap so that the path decides, then retry the dead letter; they are %s",
			len(w.match.Candidates), path, nameCandidates(w.match.Candidates)), w.match.Candidates)
	case match.Unknown:
		return retry.Unready("a Plex library has not been read whole yet, or is missing: " + path + " may be in it")
	}
	if d.Config.SkipMissing {
		return retry.Skipped("Plex holds no item for " + path + ", and skipMissing is on")
	}
	return retry.NotFound("Plex holds no item for " + path + " yet: has Plex scanned its folder, and does pathMap fit?")
}

// nameCandidates names the first candidates by library and path.
func nameCandidates(list []match.Candidate) string {
	var where []string
	for _, c := range list[:min(len(list), candidatesNamed)] {
		where = append(where, fmt.Sprintf("%s in %q", c.Path, c.Library))
	}
	if len(list) > candidatesNamed {
		where = append(where, "…")
	}
	return strings.Join(where, ", ")
}
