package stashapi

import (
	"context"
	"regexp"
	"strings"
)

// TagsBelow returns the tags with one of these names, in upper or lower case, and all tags below them, by id,
// each with the name for which it is there; and the names that no tag has.
func (c *Client) TagsBelow(ctx context.Context, names []string) (tags map[int]string, unknown []string, err error) {
	tags = make(map[int]string)
	for _, name := range names {
		// Stash's own equality knows no case of letters beyond ASCII, and takes % and _ for wildcards.
		ids, err := c.tags(ctx, map[string]any{"name": map[string]any{"value": "(?i)^" + regexp.QuoteMeta(name) + "$", "modifier": "MATCHES_REGEX"}})
		if err != nil {
			return nil, nil, err
		}
		if len(ids) == 0 {
			unknown = append(unknown, name)
			continue
		}
		below, err := c.tags(ctx, map[string]any{"parents": map[string]any{"value": ids, "modifier": "INCLUDES", "depth": -1}})
		if err != nil {
			return nil, nil, err
		}
		for _, id := range append(ids, below...) {
			tags[atoi(id)] = name
		}
	}
	return tags, unknown, nil
}

func (c *Client) tags(ctx context.Context, filter map[string]any) ([]string, error) {
	const op = "read tags"
	res, err := Tags(ctx, c.gql, &filter)
	if err != nil {
		return nil, wrap(ctx, op, err)
	}
	if res.FindTags == nil {
		return nil, unexpected(op, "the answer has no tags")
	}
	var ids []string
	for _, t := range res.FindTags.Tags {
		if t != nil && atoi(t.Id) > 0 && strings.TrimSpace(t.Name) != "" {
			ids = append(ids, t.Id)
		}
	}
	return ids, nil
}
