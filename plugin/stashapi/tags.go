package stashapi

import (
	"context"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// TagsBelow returns the tags with one of these names, in upper or lower case, and all tags below them, by id,
// each with the name for which it is there; and the names that no tag has.
func (c *Client) TagsBelow(ctx context.Context, names []string) (tags map[int]string, unknown []string, err error) {
	tags = make(map[int]string)
	for _, name := range names {
		ids, err := c.tags(ctx, map[string]any{"name": map[string]any{"value": exactly(name), "modifier": "MATCHES_REGEX"}})
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

// exactly is a pattern for one name, in upper or lower case and with its accents joined or apart. Stash's own
// equality knows no case of letters beyond ASCII, and takes % and _ for wildcards.
func exactly(name string) string {
	joined, apart := regexp.QuoteMeta(norm.NFC.String(name)), regexp.QuoteMeta(norm.NFD.String(name))
	if joined == apart {
		return "(?i)^" + joined + "$"
	}
	return "(?i)^(" + joined + "|" + apart + ")$"
}

func (c *Client) tags(ctx context.Context, filter map[string]any) ([]string, error) {
	const op = "read tags"
	res, err := Tags(ctx, c.gql, &filter)
	if err != nil {
		return nil, c.wrap(ctx, op, err)
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
