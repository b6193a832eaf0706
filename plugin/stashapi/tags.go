package stashapi

import (
	"context"
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// TagsBelow returns the tags with one of these names, regardless of case, and their descendants, by id, each with the
// name that it was found by; and the names that no tag has.
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

// exactly returns a pattern for one name, regardless of case and of how its accents are composed. Stash's own equality
// ignores the case of ASCII letters only, and takes % and _ as wildcards.
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
