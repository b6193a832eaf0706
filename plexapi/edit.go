package plexapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// encode returns a query in the order of its keys, with spaces as %20. It is unknown whether Plex reads "+" as a space
// in an edit.
func encode(v url.Values) string {
	return strings.ReplaceAll(v.Encode(), "+", "%20")
}

// escape encodes one name.
func escape(name string) string {
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// values returns the query parameters of an edit. Names to remove are encoded one by one and joined by commas, because
// a comma in a name would end it (PMS 1.30.2).
func (e Edit) values() url.Values {
	v := make(url.Values)
	for f, text := range e.Set {
		v.Set(string(f)+".value", text)
	}
	for kind, tags := range e.Tags {
		for i, tag := range tags {
			v.Set(fmt.Sprintf("%s[%d].tag.tag", kind, i), tag)
		}
	}
	for kind, tags := range e.Remove {
		names := make([]string, len(tags))
		for i, tag := range tags {
			names[i] = escape(tag)
		}
		if len(names) > 0 {
			v.Set(string(kind)+"[].tag.tag-", strings.Join(names, ","))
		}
	}
	for _, f := range e.Lock {
		v.Set(f+".locked", "1")
	}
	for _, f := range e.Unlock {
		v.Set(f+".locked", "0")
	}
	return v
}

// Edit changes one item. It requires a section, a type and a rating key, because for Plex an edit without an id applies
// to every item of the section. It also refuses an empty title.
func (c *Client) Edit(ctx context.Context, sectionID string, t ItemType, key string, e Edit) error {
	r, err := editRequest(sectionID, t, key, e)
	if err != nil {
		return err
	}
	err = c.do(ctx, r, discard)
	if failed, ok := errors.AsType[*Error](err); !ok || failed.Class != NotFound {
		return err
	}
	// PMS 1.43.0 answers 404 here for some types although the item exists.
	held, readErr := c.Items(ctx, []string{key})
	if readErr != nil && !errors.Is(readErr, ErrNoPaths) { // the item exists, even if its files have no paths
		return readErr
	}
	if len(held) == 0 {
		return err
	}
	r.path = "/library/metadata/" + key
	r.query = encode(e.values())
	return c.do(ctx, r, discard)
}

func editRequest(sectionID string, t ItemType, key string, e Edit) (request, error) {
	r := request{op: "edit item " + key, method: http.MethodPut, path: "/library/sections/" + sectionID + "/all"}
	if !ValidKey(sectionID) || !ValidKey(key) || t == 0 || e.Empty() {
		return r, &Error{Class: Rejected, Op: r.op, Err: errors.New("an edit needs a section, a type, a rating key and something to change")}
	}
	if title, set := e.Set[Title]; set && strings.TrimSpace(title) == "" {
		return r, &Error{Class: Rejected, Op: r.op, Err: errors.New("a title cannot be empty")}
	}
	v := e.values()
	v.Set("type", strconv.Itoa(int(t)))
	v.Set("id", key)
	r.query = encode(v)
	return r, nil
}

// EditLength returns the length of path and query of an edit's request, in bytes.
func (c *Client) EditLength(sectionID string, t ItemType, key string, e Edit) int {
	r, err := editRequest(sectionID, t, key, e)
	if err != nil {
		return 0
	}
	return len(c.target(r).RequestURI())
}

// Fields returns the sorted names of the fields that the edit changes, as used for locks.
func (e Edit) Fields() []string {
	names := make(map[string]bool)
	for f := range e.Set {
		names[string(f)] = true
	}
	for _, tags := range []map[TagKind][]string{e.Tags, e.Remove} {
		for kind := range tags {
			names[string(kind)] = true
		}
	}
	for _, f := range slices.Concat(e.Lock, e.Unlock) {
		names[f] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Rate sets the token owner's rating of an item, 0–10, or removes it if rating is nil.
func (c *Client) Rate(ctx context.Context, key string, rating *float64) error {
	r := request{op: "rate item " + key, method: http.MethodPut, path: "/:/rate"}
	if !ValidKey(key) || rating != nil && !(*rating >= 0 && *rating <= 10) {
		return &Error{Class: Rejected, Op: r.op, Err: errors.New("a rating needs a rating key and a value from 0 to 10")}
	}
	value := "-1"
	if rating != nil {
		value = strconv.FormatFloat(*rating, 'f', -1, 64)
	}
	r.query = encode(url.Values{"key": {key}, "identifier": {"com.plexapp.plugins.library"}, "rating": {value}})
	return c.do(ctx, r, discard)
}
