package setup

import (
	"context"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
)

// matchLimit is how long the matching of a few scenes may take, with what it needs.
const matchLimit = 14 * time.Second

// LibrariesReport is what Plex holds, and how some scenes of Stash match it.
type LibrariesReport struct {
	Libraries []PlexLibrary `json:"libraries"` // null: Plex did not answer
	Plex      desk.Answer   `json:"plex"`
	Looked    int           `json:"looked"`  // scenes that were matched, spread over all of Stash
	Matched   int           `json:"matched"` // of them, those that are in Plex
	Samples   []desk.Sample `json:"samples"`
	Problem   *desk.Check   `json:"problem"` // the check that failed before scenes could be matched; null if none did
}

func showLibraries(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	r := LibrariesReport{Samples: []desk.Sample{}}
	limited, cancel := context.WithTimeout(ctx, librariesLimit)
	defer cancel()
	var err error
	r.Libraries, err = libraries(limited, d)
	if r.Plex.Reachable = err == nil; err != nil {
		r.Plex = desk.Failed(err)
		return r, ctx.Err()
	}
	limited, cancel = context.WithTimeout(ctx, matchLimit)
	defer cancel()
	checks, samples, err := d.Check(limited)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for i := range checks { // an error is the last of them
		if !checks[i].OK {
			r.Problem = &checks[i]
		}
	}
	for _, one := range samples {
		if !one.Unchecked {
			r.Looked++
		}
		if one.Rule != "" {
			r.Matched++
		}
		r.Samples = append(r.Samples, one)
	}
	return r, nil
}
