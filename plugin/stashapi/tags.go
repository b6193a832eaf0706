package stashapi

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// TagsNamed returns the tags that have one of these names, regardless of case and spacing.
func (c *Client) TagsNamed(ctx context.Context, names []string) ([]Named, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return c.tags(ctx, map[string]any{"name": map[string]any{"value": anyOf(names), "modifier": "MATCHES_REGEX"}})
}

// AllTags returns every tag.
func (c *Client) AllTags(ctx context.Context) ([]Named, error) { return c.tags(ctx, map[string]any{}) }

// TagsBelow returns the descendants of these tags.
func (c *Client) TagsBelow(ctx context.Context, ids []int) ([]Named, error) {
	if len(ids) == 0 { // Stash would return all tags
		return nil, nil
	}
	above := make([]string, len(ids))
	for i, id := range ids {
		above[i] = strconv.Itoa(id)
	}
	return c.tags(ctx, map[string]any{"parents": map[string]any{"value": above, "modifier": "INCLUDES", "depth": -1}})
}

// space matches a character that separates words.
const space = `[\s\v\x{85}\p{Z}]`

// anyOf returns a pattern for any of the names, regardless of case and of how accents are composed. Stash's own equality
// ignores the case of ASCII letters only, and takes % and _ as wildcards.
func anyOf(names []string) string {
	var forms []string
	for _, name := range names {
		joined, apart := spaced(norm.NFC.String(name)), spaced(norm.NFD.String(name))
		forms = append(forms, joined)
		if apart != joined {
			forms = append(forms, apart)
		}
	}
	return "(?i)^" + space + "*(?:" + strings.Join(forms, "|") + ")" + space + "*$"
}

// spaced returns a pattern for a name with any space between its words and around its commas.
func spaced(name string) string {
	parts := strings.Split(name, ",")
	for i, part := range parts {
		words := strings.Fields(part)
		for j, w := range words {
			words[j] = regexp.QuoteMeta(w)
		}
		parts[i] = strings.Join(words, space+"+")
	}
	return strings.Join(parts, space+"*,"+space+"*")
}

func (c *Client) tags(ctx context.Context, filter map[string]any) ([]Named, error) {
	const op = "read tags"
	res, err := Tags(ctx, c.gql, &filter)
	if err != nil {
		return nil, c.wrap(ctx, op, err)
	}
	if res.FindTags == nil {
		return nil, unexpected(op, "the answer has no tags")
	}
	var tags []Named
	for _, t := range res.FindTags.Tags {
		if t != nil && atoi(t.Id) > 0 && strings.TrimSpace(t.Name) != "" {
			tags = append(tags, Named{atoi(t.Id), t.Name})
		}
	}
	return tags, nil
}
