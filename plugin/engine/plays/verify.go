package plays

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

// verify checks in Plex that each item still has the file that links it to its scene, because a restored database of Plex
// uses the keys of items again. It returns the plays that pass, and stores what becomes of the others. A play that may have
// been written already passes.
func (p *Puller) verify(ctx context.Context, list []book.Play, sum *Summary) (sure []book.Play, err error) {
	keys := make(map[string]bool)
	for _, one := range list {
		if one.State == book.New {
			keys[one.RatingKey] = true
		}
	}
	wanted := slices.Sorted(maps.Keys(keys))
	items, failed, err := p.items(ctx, wanted)
	if err != nil {
		return nil, err
	}
	paths, err := p.book().Paths(ctx, wanted)
	if err != nil {
		return nil, err
	}
	var unsure []book.Play
	for _, one := range list {
		item, held := items[one.RatingKey]
		switch {
		case one.State != book.New, held && shows(item, paths[one.RatingKey][one.SceneID]):
			sure = append(sure, one)
			continue
		case failed[one.RatingKey]:
			one.DueAt = time.Now().Add(wait)
		case held: // it is looked up again when its item was pushed, or shows the file again
			one.SceneID, one.DueAt, one.Reason = 0, time.Now().Add(wait), reason.ItemChanged(one.RatingKey).JSON()
		default:
			gone(&one, reason.PlayItemGone(), sum)
		}
		unsure = append(unsure, one)
	}
	if len(unsure) == 0 {
		return sure, nil
	}
	return sure, p.book().Put(ctx, unsure)
}

// shows reports whether an item has a file.
func shows(item plexapi.Item, path string) bool {
	return slices.ContainsFunc(item.Parts, func(part plexapi.Part) bool { return pathform.Fold(part.File) == pathform.Fold(path) })
}

// items reads items of Plex. One that cannot be read does not keep the others from it.
func (p *Puller) items(ctx context.Context, keys []string) (held map[string]plexapi.Item, failed map[string]bool, err error) {
	held, failed = make(map[string]plexapi.Item), make(map[string]bool)
	for chunk := range slices.Chunk(keys, plexapi.MaxKeys) {
		err := p.itemsOf(ctx, chunk, held)
		if !Abandoned(err) {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		p.Log.Debug().Err(err).Msg("cannot read items of Plex together")
		for _, key := range chunk {
			err := p.itemsOf(ctx, []string{key}, held)
			if failed[key] = Abandoned(err); err != nil && !failed[key] {
				return nil, nil, err
			}
		}
	}
	return held, failed, nil
}

func (p *Puller) itemsOf(ctx context.Context, keys []string, held map[string]plexapi.Item) error {
	return p.ask(ctx, func(ctx context.Context) error {
		list, err := p.Plex.Items(ctx, keys)
		for _, item := range list {
			held[item.RatingKey] = item
		}
		return err
	})
}
