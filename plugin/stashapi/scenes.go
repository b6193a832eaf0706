package stashapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// A ScenesResult is the result for each requested scene.
type ScenesResult struct {
	Found   []Scene
	Missing []int         // Stash has no such scene
	Failed  map[int]error // Stash cannot read this scene
}

// scenesAQuery is the number of scenes in one query: 100 complete scenes take Stash about half a second.
const scenesAQuery = 50

// Scenes reads complete scenes, 50 in one query. Stash fails a query in which one id is unknown: Scenes then repeats it in
// halves, down to the scenes that cause the failure. Found is in the order of ids. Scenes returns an error only if Stash
// itself is unavailable.
func (c *Client) Scenes(ctx context.Context, ids []int) (ScenesResult, error) {
	result := ScenesResult{Failed: make(map[int]error)}
	for chunk := range slices.Chunk(ids, scenesAQuery) {
		if err := c.scenes(ctx, chunk, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// scenes reads at least one scene: an empty list means all scenes to Stash.
func (c *Client) scenes(ctx context.Context, ids []int, result *ScenesResult) error {
	if len(ids) == 1 {
		return c.scene(ctx, ids[0], result)
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(id)
	}
	const op = "read scenes"
	res, err := ScenesByID(ctx, c.gql, texts)
	if err = c.wrap(ctx, op, err); err != nil {
		if e, ok := errors.AsType[*Error](err); !ok || e.Unavailable() {
			return err
		}
		half := len(ids) / 2
		if err := c.scenes(ctx, ids[:half], result); err != nil {
			return err
		}
		return c.scenes(ctx, ids[half:], result)
	}
	if res.FindScenes == nil {
		return unexpected(op, "the answer has no scenes")
	}
	byID := make(map[int]*SceneDetail, len(ids))
	for _, s := range res.FindScenes.Scenes {
		if s != nil {
			byID[atoi(s.Id)] = s
		}
	}
	for _, id := range ids {
		if s := byID[id]; s != nil {
			result.Found = append(result.Found, convert(s))
		} else if err := c.scene(ctx, id, result); err != nil {
			return err
		}
	}
	return nil
}

// scene reads one scene.
func (c *Client) scene(ctx context.Context, id int, result *ScenesResult) error {
	res, err := SceneByID(ctx, c.gql, strconv.Itoa(id))
	if err = c.wrap(ctx, "read scene "+strconv.Itoa(id), err); err != nil {
		if e, ok := errors.AsType[*Error](err); ok && !e.Unavailable() {
			result.Failed[id] = err
			return nil
		}
		return err
	}
	switch {
	case res.Typename == nil: // not an answer of Stash: taken for one, it would mean that every scene is missing
		return unexpected("read scene "+strconv.Itoa(id), "the answer is not from Stash")
	case res.FindScene == nil:
		result.Missing = append(result.Missing, id)
	case atoi(res.FindScene.Id) != id:
		return unexpected("read scene "+strconv.Itoa(id), "the answer is another scene")
	default:
		result.Found = append(result.Found, convert(res.FindScene))
	}
	return nil
}

// FilesOfScenes lists scenes whose id is greater than after, in the order of their ids, with only their titles, tags and
// files, and whether they are organised. count is how many such scenes Stash has.
func (c *Client) FilesOfScenes(ctx context.Context, after, perPage int) (scenes []Scene, count int, err error) {
	const op = "list the files of scenes"
	filter := map[string]any{"id": map[string]any{"value": after, "modifier": "GREATER_THAN"}}
	res, err := FileScenes(ctx, c.gql, &filter, perPage)
	if err != nil {
		return nil, 0, c.wrap(ctx, op, err)
	}
	if res.FindScenes == nil || len(res.FindScenes.Scenes) > perPage {
		return nil, 0, unexpected(op, "the answer is not the requested page")
	}
	for _, s := range res.FindScenes.Scenes {
		if s == nil || atoi(s.Id) <= after { // a listing that does not ascend might never end
			return nil, 0, unexpected(op, "the scenes are not in order")
		}
		after = atoi(s.Id)
		scene := Scene{ID: after, Title: deref(s.Title), Organized: s.Organized}
		for _, t := range s.Tags {
			if t != nil {
				scene.Tags = append(scene.Tags, Named{atoi(t.Id), t.Name})
			}
		}
		for _, f := range s.Files {
			if f != nil {
				scene.Files = append(scene.Files, File{Path: f.Path, Size: f.Size, Duration: f.Duration})
			}
		}
		scenes = append(scenes, scene)
	}
	return scenes, res.FindScenes.Count, nil
}

func convert(s *SceneDetail) Scene {
	scene := Scene{
		ID: atoi(s.Id), Title: deref(s.Title), Details: deref(s.Details), Date: deref(s.Date), Director: deref(s.Director),
		Rating100: s.Rating100, Organized: s.Organized, UpdatedAt: s.Updated_at,
	}
	if s.Paths != nil {
		scene.Cover = coverPath(deref(s.Paths.Screenshot))
	}
	if s.Studio != nil {
		scene.Studio = &Named{ID: atoi(s.Studio.Id), Name: s.Studio.Name}
	}
	for _, p := range s.Performers {
		if p != nil {
			scene.Performers = append(scene.Performers, Named{atoi(p.Id), shownName(p.Name, deref(p.Disambiguation))})
		}
	}
	for _, t := range s.Tags {
		if t != nil {
			scene.Tags = append(scene.Tags, Named{atoi(t.Id), t.Name})
		}
	}
	for _, g := range s.Groups {
		if g != nil && g.Group != nil {
			scene.Groups = append(scene.Groups, Named{atoi(g.Group.Id), g.Group.Name})
		}
	}
	for _, f := range s.Files {
		if f != nil {
			scene.Files = append(scene.Files, File{Path: f.Path, Size: f.Size, Duration: f.Duration})
		}
	}
	return scene
}

// shownName returns the name of a performer as Stash shows it, which distinguishes performers with the same name.
func shownName(name, disambiguation string) string {
	if disambiguation = strings.TrimSpace(disambiguation); disambiguation == "" {
		return name
	}
	return name + " (" + disambiguation + ")"
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// atoi returns an id as a number; 0 if it is not one.
func atoi(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0
	}
	return n
}
