package push

import (
	"context"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// readFilter reads the excluded tags and their children, once per run.
func (pl *Pipeline) readFilter(ctx context.Context) error {
	if pl.once.excluded != nil {
		return nil
	}
	e := hidden.Tags{ByID: map[int]hidden.Tag{}}
	if setting := pl.Config.Filter.ExcludeTags; len(setting) > 0 {
		var err error
		if e, err = hidden.Resolve(ctx, pl.Store, pl.Stash, setting); err != nil {
			return err
		}
	}
	if err := pl.remember(ctx, e.Memory); err != nil {
		return err
	}
	if problem := e.Problem(); problem != "" {
		return &gate.Stop{Class: retry.ClassMisconfigured, Text: problem + "; until then everything stays queued", Reason: reason.UnknownTags(strings.Join(e.Unknown, ", "))}
	}
	for _, w := range e.Warnings() {
		pl.Log.Warn().Msg(w)
	}
	pl.once.excluded = e.ByID
	return nil
}

// remember stores the tags that were found for the setting, if they have changed.
func (pl *Pipeline) remember(ctx context.Context, memory string) error {
	if pl.ReadOnly {
		return nil
	}
	known, _, err := pl.Store.Meta(ctx, store.KeyExcludedTags)
	if err != nil || known == memory {
		return err
	}
	return pl.Store.SetMeta(ctx, time.Now(), store.KeyExcludedTags, memory)
}
