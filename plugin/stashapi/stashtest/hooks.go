package stashtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/stashapp/stash/pkg/models"
	"github.com/stashapp/stash/pkg/plugin/hook"
	"github.com/stashapp/stash/pkg/session"
)

// Update edits one scene as a person does on its page: f changes it, and its hook fires with the complete input, in which
// fields that were not sent are null. It returns when the hook has returned. The title is always sent, as by a page that
// is saved unchanged.
func (h *Host) Update(ctx context.Context, id int, f func(*Scene)) {
	input, fields := h.change(id, f)
	h.cache.ExecuteSceneUpdatePostHooks(session.SetCurrentUserID(ctx, h.user), input, fields)
}

// UpdateMany edits scenes in one request with one input for each: each hook gets the complete list and the fields of its
// own scene.
func (h *Host) UpdateMany(ctx context.Context, ids []int, f func(*Scene)) {
	inputs := make([]models.SceneUpdateInput, len(ids))
	fields := make([][]string, len(ids))
	for i, id := range ids {
		inputs[i], fields[i] = h.change(id, f)
	}
	h.fireEach(ctx, hook.SceneUpdatePost, ids, func(i int) (any, []string) { return inputs, fields[i] })
}

// BulkUpdate edits many scenes at once: the hooks fire one after the other, each with all ids, until the client
// disconnects.
func (h *Host) BulkUpdate(ctx context.Context, ids []int, f func(*Scene)) {
	for _, id := range ids {
		h.Server.Change(id, f)
	}
	input := map[string]any{"ids": texts(ids), "rating100": 60}
	h.fireEach(ctx, hook.SceneUpdatePost, ids, func(int) (any, []string) { return input, []string{"ids", "rating100"} })
}

// Destroy removes scenes and fires their hooks: as sceneDestroy for one scene, as scenesDestroy for several.
func (h *Host) Destroy(ctx context.Context, ids ...int) {
	inputs := make([]map[string]any, len(ids))
	for i, id := range ids {
		inputs[i] = map[string]any{"delete_file": nil, "delete_generated": nil, "checksum": "", "oshash": "f095a573bbaa04aa", "path": h.Server.path(id)}
		if len(ids) == 1 {
			inputs[i]["id"] = strconv.Itoa(id)
		} else {
			inputs[i]["ids"] = texts(ids)
		}
	}
	for _, id := range ids {
		h.Server.Drop(id)
	}
	h.fireEach(ctx, hook.SceneDestroyPost, ids, func(i int) (any, []string) { return inputs[i], nil })
}

// Clean removes a scene as Stash's clean task does: the input has no id.
func (h *Host) Clean(ctx context.Context, id int) {
	input := map[string]any{"delete_file": nil, "delete_generated": nil, "checksum": "", "oshash": "f095a573bbaa04aa", "path": h.Server.path(id), "id": ""}
	h.Server.Drop(id)
	h.Fire(ctx, hook.SceneDestroyPost, id, input, nil)
}

// Create adds a scene and fires its hook as a scan does, without an input.
func (h *Host) Create(ctx context.Context, scene Scene) int {
	id := h.Server.Add(scene)[0]
	h.Fire(ctx, hook.SceneCreatePost, id, nil, nil)
	return id
}

// Rescan fires the hook of a scan for a file that changed: an update without an input. The scene's updated_at does not
// change.
func (h *Host) Rescan(ctx context.Context, id int) {
	h.Fire(ctx, hook.SceneUpdatePost, id, nil, nil)
}

// Fire fires one hook.
func (h *Host) Fire(ctx context.Context, event hook.TriggerEnum, id int, input any, fields []string) {
	h.cache.ExecutePostHooks(session.SetCurrentUserID(ctx, h.user), id, event, input, fields)
}

// fireEach fires the hooks of one request one after the other. If the client disconnects, the running hook ends and the
// others never fire.
func (h *Host) fireEach(ctx context.Context, event hook.TriggerEnum, ids []int, input func(i int) (any, []string)) {
	for i, id := range ids {
		if ctx.Err() != nil {
			return
		}
		in, fields := input(i)
		h.Fire(ctx, event, id, in, fields)
	}
}

func texts(ids []int) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = strconv.Itoa(id)
	}
	return list
}

// path returns the path of the scene's primary file.
func (s *Server) path(id int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if scene := s.scenes[id]; scene != nil && len(scene.Files) > 0 {
		return scene.Files[0].Path
	}
	return ""
}

// change lets f edit a scene, and returns the equivalent input and the fields that were sent.
func (h *Host) change(id int, f func(*Scene)) (models.SceneUpdateInput, []string) {
	var before, after Scene
	h.Server.Change(id, func(s *Scene) {
		before = *s
		before.Performers, before.Tags, before.Groups = slices.Clone(s.Performers), slices.Clone(s.Tags), slices.Clone(s.Groups)
		f(s)
		after = *s
	})
	input := models.SceneUpdateInput{ID: strconv.Itoa(id), Title: &after.Title}
	fields := []string{"title", "id"}
	sent := func(changed bool, name string, set func()) {
		if changed {
			set()
			fields = append(fields, name)
		}
	}
	sent(before.Details != after.Details, "details", func() { input.Details = &after.Details })
	sent(before.Date != after.Date, "date", func() { input.Date = &after.Date })
	sent(before.Director != after.Director, "director", func() { input.Director = &after.Director })
	sent(!reflect.DeepEqual(before.Rating100, after.Rating100), "rating100", func() { input.Rating100 = after.Rating100 })
	sent(before.Organized != after.Organized, "organized", func() { input.Organized = &after.Organized })
	sent(!bytes.Equal(before.Cover, after.Cover), "cover_image", func() {
		image := ""
		if after.Cover != nil {
			image = "data:" + http.DetectContentType(after.Cover) + ";base64," + base64.StdEncoding.EncodeToString(after.Cover)
		}
		input.CoverImage = &image
	})
	sent(before.Studio != after.Studio, "studio_id", func() {
		if after.Studio != 0 {
			studio := strconv.Itoa(after.Studio)
			input.StudioID = &studio
		}
	})
	sent(!slices.Equal(before.Performers, after.Performers), "performer_ids", func() { input.PerformerIds = texts(after.Performers) })
	sent(!slices.Equal(before.Tags, after.Tags), "tag_ids", func() { input.TagIds = texts(after.Tags) })
	sent(!slices.Equal(before.Groups, after.Groups), "groups", func() {
		input.Groups = []models.SceneGroupInput{}
		for _, g := range texts(after.Groups) {
			input.Groups = append(input.Groups, models.SceneGroupInput{GroupID: g})
		}
	})
	return input, fields
}
