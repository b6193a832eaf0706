package desk

import (
	"context"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// How many rows a page of a list has.
const (
	PageUsual  = 50
	PageAtMost = 200
)

// Titles returns the titles of scenes by id, or the names of their files, in one query. Scenes that Stash does not return
// are missing.
func (d *Desk) Titles(ctx context.Context, ids []int) map[int]string {
	titles := make(map[int]string)
	if len(ids) == 0 {
		return titles
	}
	ctx, cancel := context.WithTimeout(ctx, AskLimit)
	defer cancel()
	result, err := d.Stash.Scenes(ctx, ids)
	if err != nil {
		d.Log.Debug().Err(err).Msg("cannot read the titles of the scenes")
	}
	for i := range result.Found {
		if scene := &result.Found[i]; scene.Name() != "" {
			titles[scene.ID] = text.Private(text.OneLine(scene.Name(), text.ValueLimit))
		}
	}
	return titles
}
