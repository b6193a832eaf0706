package engine

import (
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// keptOf are the fields that hold neither what was pushed nor what was there before.
func keptOf(item store.Item, it plexapi.Item) []string {
	var names []string
	for _, plex := range slices.Sorted(maps.Keys(item.Sent)) {
		held := current(&it, plex)
		f := fieldMerge{plan: &Plan{}, in: &MergeInput{Memory: item, Current: it}, plex: plex, held: held}
		if !isTags(plex) && !f.isOurs(item.Sent[plex]) && !same(plex, held, item.Before[plex].Value) {
			names = append(names, fieldName(plex))
		}
	}
	return names
}
