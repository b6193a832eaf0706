package lookup

import (
	"context"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
)

// Scenes reads up to n scenes with ids spread over the range of all ids.
func Scenes(ctx context.Context, stash *stashapi.Client, n int) ([]*stashapi.Scene, error) {
	ids, err := spreadIDs(ctx, stash, n)
	if err != nil {
		return nil, err
	}
	result, err := stash.Scenes(ctx, ids)
	scenes := make([]*stashapi.Scene, len(result.Found))
	for i := range result.Found {
		scenes[i] = &result.Found[i]
	}
	return scenes, err
}

// spreadIDs returns the ids of n scenes, or of all if there are fewer, in ascending order: for each of n evenly spaced
// numbers the next scene. If gaps in the ids make these too few, it adds the first scenes.
func spreadIDs(ctx context.Context, stash *stashapi.Client, n int) ([]int, error) {
	head, err := stash.AllScenes(ctx, 0, n)
	if err != nil {
		return nil, err
	}
	first := make([]int, len(head.Scenes))
	for i, s := range head.Scenes {
		first[i] = s.ID
	}
	if len(first) < n || head.Count <= n {
		return first, nil
	}
	last, err := stash.LastScene(ctx)
	if err != nil {
		return nil, err
	}
	var ids []int
	for i, after := 0, 0; i < n; i++ {
		after = max(after, first[0]-1+(last-first[0])/max(n-1, 1)*i)
		next, err := stash.AllScenes(ctx, after, 1)
		if err != nil {
			return nil, err
		}
		if len(next.Scenes) == 0 {
			break
		}
		after = next.Scenes[0].ID
		ids = append(ids, after)
	}
	for _, id := range first {
		if len(ids) < n && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}
