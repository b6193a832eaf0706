package stashtest

import (
	"context"
	"strconv"

	"github.com/stashapp/stash/pkg/models"
	"github.com/stashapp/stash/pkg/plugin/hook"
)

// UpdateNamed renames a performer, studio, tag or group as a person does on its page, and fires its hook. The updated_at
// of its scenes does not change.
func (h *Host) UpdateNamed(ctx context.Context, kind string, id int, name string) {
	h.Server.Name(kind, id, name)
	text := strconv.Itoa(id)
	var input any = map[string]any{"id": text, "name": name} // the input of tags and groups has the sent fields only
	switch kind {
	case "performer":
		input = models.PerformerUpdateInput{ID: text, Name: &name}
	case "studio":
		input = models.StudioUpdateInput{ID: text, Name: &name}
	}
	h.fireNamed(ctx, kind, "Update", id, input, []string{"name", "id"})
}

// DestroyNamed removes performers, studios, tags or groups, also from their scenes, and then fires their hooks. The hook
// of one has its own input; the hooks of several get a plain list of all ids.
func (h *Host) DestroyNamed(ctx context.Context, kind string, ids ...int) {
	h.Server.DropNamed(kind, ids...)
	var input any = texts(ids)
	if len(ids) == 1 {
		input = map[string]any{"id": strconv.Itoa(ids[0])}
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			return
		}
		h.fireNamed(ctx, kind, "Destroy", id, input, nil)
	}
}

// MergeTags merges tags into another and fires the only hook of a merge: no hook reports that the others are removed.
func (h *Host) MergeTags(ctx context.Context, dest int, sources ...int) {
	h.Server.MergeTags(dest, sources...)
	h.Fire(ctx, hook.TagMergePost, dest, map[string]any{"destination": strconv.Itoa(dest), "source": texts(sources)}, nil)
}

// fireNamed fires the hook of a named object; for a group also that of a movie.
func (h *Host) fireNamed(ctx context.Context, kind, what string, id int, input any, fields []string) {
	events := map[string][]string{"performer": {"Performer"}, "studio": {"Studio"}, "tag": {"Tag"}, "group": {"Group", "Movie"}}
	for _, event := range events[kind] {
		h.Fire(ctx, hook.TriggerEnum(event+"."+what+".Post"), id, input, fields)
	}
}
