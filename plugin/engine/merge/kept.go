package merge

import (
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// KeptFields returns the fields that hold neither the pushed nor the original value.
func KeptFields(item store.Item, it plexapi.Item) []string {
	var names []string
	for _, plex := range slices.Sorted(maps.Keys(item.Sent)) {
		held := Current(&it, plex)
		f := fieldMerge{plan: &Plan{}, in: &MergeInput{Base: item, Current: it}, plex: plex, held: held}
		if !IsTags(plex) && !f.isOurs(item.Sent[plex]) && !Same(plex, held, item.Original[plex].Value) {
			names = append(names, SettingName(plex))
		}
	}
	return names
}
