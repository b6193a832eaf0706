package stashapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
)

// A ScenesResult is what became of each scene that was asked for.
type ScenesResult struct {
	Found   []Scene
	Missing []int         // Stash has no such scene
	Failed  map[int]error // Stash answers, but not for this scene
}

// scenesAQuery is how many scenes one query asks for: 100 whole scenes cost Stash about half a second.
const scenesAQuery = 50

// Scenes reads scenes whole, 50 in one query if all of them can be read. Stash fails a query of which one
// id is unknown, so then it is asked again in halves, down to the scenes that are the reason. Found is in
// the order of ids. An error is returned only if Stash itself is unavailable.
func (c *Client) Scenes(ctx context.Context, ids []int) (ScenesResult, error) {
	result := ScenesResult{Failed: make(map[int]error)}
	for chunk := range slices.Chunk(ids, scenesAQuery) {
		if err := c.scenes(ctx, chunk, &result); err != nil {
			return result, err
		}
	}
	return result, nil
}

// scenes reads at least one scene: to Stash an empty list would mean all of them.
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

// scene reads one scene by itself.
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
	case res.Typename == nil: // an answer of somebody else, to whom every scene is unknown
		return unexpected("read scene "+strconv.Itoa(id), "the answer is not Stash's")
	case res.FindScene == nil:
		result.Missing = append(result.Missing, id)
	case atoi(res.FindScene.Id) != id:
		return unexpected("read scene "+strconv.Itoa(id), "the answer is another scene")
	default:
		result.Found = append(result.Found, convert(res.FindScene))
	}
	return nil
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
			scene.Performers = append(scene.Performers, Named{atoi(p.Id), p.Name})
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

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// atoi reads an id; 0 if it is none.
func atoi(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0
	}
	return n
}
