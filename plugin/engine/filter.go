package engine

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
)

// Filter says which scenes are not pushed. A scene that stops qualifying is left in Plex as it is.
type Filter struct {
	OnlyOrganized bool
	ExcludeTags   []string // names in any case; tags below them count as well
}

// readFilter reads once in a drain which tags are excluded: there may be many below a few names.
func (d *drain) readFilter(ctx context.Context) error {
	if d.excluded != nil || len(d.Config.Filter.ExcludeTags) == 0 {
		return nil
	}
	tags, unknown, err := d.Stash.TagsBelow(ctx, d.Config.Filter.ExcludeTags)
	if err != nil {
		return err
	}
	if len(unknown) > 0 {
		d.Log.Warn().Strs("tags", unknown).Str("setting", "excludeTags").Msg("Stash has no such tag: is it misspelt?")
	}
	d.excluded = tags
	return nil
}

// leftOut says why a scene is not pushed; nil if it is.
func (d *drain) leftOut(s *stashapi.Scene) error {
	if d.Config.Filter.OnlyOrganized && !s.Organized {
		return skippedError("the scene is not marked as organised, and onlyOrganized is on")
	}
	for _, t := range s.Tags {
		name, excluded := d.excluded[t.ID]
		switch {
		case !excluded:
		case tagKey(name) == tagKey(t.Name):
			return skippedError(fmt.Sprintf("excludeTags names its tag %q", name))
		default:
			return skippedError(fmt.Sprintf("its tag %q lies below %q, which excludeTags names", t.Name, name))
		}
	}
	return nil
}
