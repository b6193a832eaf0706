package plays

import (
	"context"
	"maps"
	"slices"
)

// A Position is how far an import has come that made room for other Stash jobs.
type Position struct {
	Row  int  `json:"row"`  // of Plex's history, where reading continues
	Read bool `json:"read"` // the history is noted
}

// An Imported is what an import found and wrote.
type Imported struct {
	Summary
	At Position
}

// Import notes the complete history, so that its size is known, and writes it unless dry is true: all plays of the chosen
// accounts, also those that were undone. It continues from a position, and returns how far it has come.
func (p *Puller) Import(ctx context.Context, dry bool, from Position) (r Imported, err error) {
	from.Row = max(from.Row, 0)
	r.At = from
	since, why, err := p.ready(ctx, !from.Read && from.Row == 0)
	if err != nil || why != "" {
		r.Idle = why
		return r, err
	}
	if !from.Read {
		r.At.Row, _, err = p.readFrom(ctx, 0, from.Row, since, &r.Summary)
		r.At.Read = err == nil
	}
	if err != nil || dry {
		return r, err
	}
	accounts := slices.Sorted(maps.Keys(since))
	for {
		n, err := p.book().Import(ctx, accounts, 10*batch)
		if err != nil {
			return r, err
		}
		if err := p.write(ctx, &r.Summary); err != nil || n == 0 {
			return r, err
		}
	}
}
