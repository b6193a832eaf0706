package push

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// reading collects the items that several needers share, each read once.
type reading struct {
	keys   []string // in the order in which they are read, so that a run that yields has read the first
	wanted map[string]*wantedItem
	held   map[string]plexapi.Item // those that Plex has
}

// wantedItem is a Plex item to read. If it cannot be read, its needers fail.
type wantedItem struct {
	key     string
	needers []gate.Item
	failure error
}

func newReading() *reading {
	return &reading{wanted: make(map[string]*wantedItem), held: make(map[string]plexapi.Item)}
}

// add adds an item that a push, a target or a restore needs.
func (r *reading) add(key string, needer gate.Item) {
	if r.wanted[key] == nil {
		r.keys = append(r.keys, key)
		r.wanted[key] = &wantedItem{key: key}
	}
	r.wanted[key].needers = append(r.wanted[key].needers, needer)
}

func (w *wantedItem) Fail(err error) {
	w.failure = err
	for _, n := range w.needers {
		n.Fail(err)
	}
}

func (w *wantedItem) Failure() error { return w.failure }

func (w *wantedItem) Attempts() int { return w.needers[0].Attempts() }

func (w *wantedItem) SceneID() int { return w.needers[0].SceneID() }

// read reads items in as few requests as possible. An error ends the batch.
func (pl *Pipeline) read(ctx context.Context, r *reading) error {
	for chunk := range slices.Chunk(r.keys, plexapi.MaxKeys) {
		items := make([]*wantedItem, len(chunk))
		for i, key := range chunk {
			items[i] = r.wanted[key]
		}
		if err := gate.InHalves(ctx, pl.Gate, items, func(ctx context.Context, some []*wantedItem) error {
			return pl.readSome(ctx, r, some)
		}); err != nil {
			return err
		}
	}
	return nil
}

// items reads items of Plex. An answer without file paths is a *gate.Stop.
func (pl *Pipeline) items(ctx context.Context, keys []string) ([]plexapi.Item, error) {
	items, err := pl.Plex.Items(ctx, keys)
	return items, WithoutPaths(err)
}

func (pl *Pipeline) readSome(ctx context.Context, r *reading, some []*wantedItem) error {
	keys := make([]string, len(some))
	for i, w := range some {
		keys[i] = w.key
	}
	items, err := pl.items(ctx, keys)
	if err != nil {
		return err
	}
	for _, it := range items {
		if err := unreadable(&it); err != nil {
			r.wanted[it.RatingKey].Fail(err)
			continue
		}
		r.held[it.RatingKey] = it
	}
	return pl.Gate.Answered(ctx)
}

// unreadable returns an error if an item lacks a value that is needed for any use of it, or for one of these fields,
// because its form in Plex is unexpected. Without the value it could be overwritten, or restored wrongly.
func unreadable(it *plexapi.Item, fields ...string) error {
	name := it.Unreadable(fields...)
	if name == "" {
		return nil
	}
	return retry.Again(reason.ItemUnreadable(it.RatingKey, name), fmt.Sprintf("Plex item %s: its %q has an unexpected form, so nothing is written; a newer stash-plex-sync may read it", it.RatingKey, name), nil)
}

// comparedFields returns the fields of an item that a merge compares: those with a desired value, and those that are ours.
func comparedFields(desired map[string]store.Value, base *store.Item, t plexapi.ItemType) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(desired)), func(f string) bool {
		_, sent := base.Sent[f]
		_, confirmed := base.Confirmed[f]
		return merge.Lacks(t, f) || len(desired[f])+len(base.Owned[f]) == 0 && !sent && !confirmed
	})
}
