package push

import (
	"context"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/scans"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// scanMissing asks Plex to scan the folders of missing files. The jobs wait in any case; files that Plex finds wake
// them.
func (pl *Pipeline) scanMissing(ctx context.Context, pushes []*Push) error {
	if !pl.Config.ScanPlex || pl.Config.SkipMissing || pl.ReadOnly || pl.Gate.OnTrial() || pl.KnownOnly {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lost := slices.DeleteFunc(slices.Clone(pushes), func(p *Push) bool {
		return p.Match.Found != match.Missing || p.Match.Choice != nil || !retry.Judge(p.Failure()).Class.AwaitsFile() // otherwise the index may be out of date
	})
	if len(lost) == 0 {
		return nil
	}
	m, err := pl.Matcher(ctx)
	if err != nil {
		return err
	}
	for _, p := range lost {
		for _, f := range p.Scene.Files {
			targets := scans.For(m.Places(f.Path), pl.Server.Sections, f.Path)
			for _, t := range targets {
				pl.once.scans.Send(ctx, pl.Gate, t)
			}
			if len(targets) == 0 {
				logOf(pl.Log.Debug(), p).Str("path", text.Private(f.Path)).Msg("not scanned: no library contains its folder")
			}
		}
	}
	return nil
}
