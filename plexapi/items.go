package plexapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// MaxKeys bounds how many items one request reads.
const MaxKeys = 50

// optimised is the proxyType of a version that Plex created. Its file is not one of the user's files.
const optimised = 42

// readRow reads an item of a listing. With an error the row lacks a value of an unexpected kind.
func readRow(v value) (Row, error) {
	var r Row
	var odd error
	err := v.fields(func(name []byte, v value) error {
		odd = cmp.Or(odd, r.take(name, v))
		return nil
	})
	r.normalize()
	return r, cmp.Or(err, odd)
}

// take reads one field of a row. With an error the field is absent, or some of its files are.
func (r *Row) take(name []byte, v value) (err error) {
	switch string(name) {
	case "ratingKey":
		err = v.string(&r.RatingKey)
	case "addedAt":
		r.AddedAt = v.hint()
	case "updatedAt":
		r.UpdatedAt = v.hint()
	case "deletedAt":
		r.Deleted = v.isTime()
	case "Media":
		r.Parts, err = readMedia(v)
		r.dropNameless()
		r.nameless = r.nameless && err == nil
	}
	return err
}

// normalize marks the files of an item in the trash as deleted.
func (r *Row) normalize() {
	for i := range r.Parts {
		r.Parts[i].Deleted = r.Parts[i].Deleted || r.Deleted
	}
}

// readMedia reads the files of all versions except optimised ones. With an error it lacks those that cannot be read.
func readMedia(v value) (parts []Part, odd error) {
	err := v.elements(func(v value) error {
		var files []Part
		proxy, deleted := int64(0), false
		odd = cmp.Or(odd, v.fields(func(name []byte, v value) (err error) {
			switch string(name) {
			case "proxyType":
				proxy = v.hint()
			case "deletedAt":
				deleted = v.isTime()
			case "Part":
				files, err = readParts(v)
				odd = cmp.Or(odd, err)
			}
			return nil
		}))
		if proxy == optimised {
			return nil
		}
		for _, p := range files {
			p.Deleted = p.Deleted || deleted
			parts = append(parts, p)
		}
		return nil
	})
	return parts, cmp.Or(err, odd)
}

func readParts(v value) (parts []Part, odd error) {
	err := v.elements(func(v value) error {
		var p Part
		odd = cmp.Or(odd, v.fields(func(name []byte, v value) error {
			switch string(name) {
			case "id":
				v.string(&p.ID) // not needed
			case "file":
				odd = cmp.Or(odd, v.string(&p.File))
			case "size":
				p.Size = v.hint()
			case "duration":
				p.DurationMS = v.hint()
			case "deletedAt":
				p.Deleted = v.isTime()
			}
			return nil
		}))
		parts = append(parts, p)
		return nil
	})
	return parts, cmp.Or(err, odd)
}

// readItem reads an item of a request for single items. It records values of an unexpected kind for Unreadable, and
// returns an error only if the item has no readable key.
func readItem(v value) (Item, error) {
	it := Item{Tags: make(map[TagKind][]string), Locked: make(map[string]bool)}
	var r Row
	var keyless error
	err := v.fields(func(name []byte, v value) error {
		switch member, err := it.take(&r, name, v); {
		case err == nil:
		case member == "ratingKey":
			keyless = err
		case !slices.Contains(it.odd, member):
			it.odd = append(it.odd, member)
		}
		return nil
	})
	r.normalize()
	it.RatingKey, it.UpdatedAt, it.Deleted, it.Parts, it.nameless = r.RatingKey, r.UpdatedAt, r.Deleted, r.Parts, r.nameless
	return it, cmp.Or(err, keyless)
}

// take reads one field of an item. With an error it returns the name by which the field is edited.
func (it *Item) take(r *Row, name []byte, v value) (member string, err error) {
	member = string(name)
	if field := it.field(member); field != nil {
		return member, v.string(field)
	}
	switch member {
	case "userRating":
		var rating flexRating
		err = rating.UnmarshalJSON(v)
		it.UserRating = rating.value
		return member, err
	case "Field":
		return member, it.takeLocks(v)
	}
	if kind, ok := tagMembers[member]; ok {
		return string(kind), it.takeTags(kind, v)
	}
	return member, r.take(name, v)
}

// tagMembers are the names of the tag lists in answers.
var tagMembers = map[string]TagKind{"Role": Actor, "Genre": Genre, "Director": Director, "Collection": Collection}

func (it *Item) takeTags(kind TagKind, v value) error {
	delete(it.Tags, kind)
	return v.elements(func(v value) error {
		return v.fields(func(name []byte, v value) error {
			var tag string
			if string(name) != "tag" {
				return nil
			}
			if err := v.string(&tag); err != nil || tag == "" {
				return err
			}
			it.Tags[kind] = append(it.Tags[kind], tag)
			return nil
		})
	})
}

func (it *Item) takeLocks(v value) error {
	clear(it.Locked)
	return v.elements(func(v value) error {
		var field string
		locked := false
		err := v.fields(func(name []byte, v value) error {
			switch string(name) {
			case "name":
				return v.string(&field)
			case "locked":
				locked = v.bool()
			}
			return nil
		})
		if locked {
			it.Locked[field] = true
		}
		return err
	})
}

// Items reads up to MaxKeys complete items, in one request if Plex has them all. Items that are gone are absent from the
// result. Items requests each missing one separately, because it is undocumented how Plex answers a list with an unknown
// key.
func (c *Client) Items(ctx context.Context, keys []string) ([]Item, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, &Error{Class: Rejected, Op: "read items", Err: fmt.Errorf("one request reads 1 to %d items, not %d", MaxKeys, len(keys))}
	}
	for _, k := range keys {
		if !ValidKey(k) {
			return nil, &Error{Class: Rejected, Op: "read items", Err: errors.New("a rating key has 1 to 19 digits")}
		}
	}
	items, err := c.items(ctx, keys)
	if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Class != NotFound) {
		return nil, err
	}
	if len(keys) == 1 {
		return items, pathsOfItems(items)
	}
	held := make(map[string]bool, len(items))
	for _, it := range items {
		held[it.RatingKey] = true
	}
	for _, k := range keys {
		if held[k] {
			continue
		}
		one, err := c.items(ctx, []string{k})
		if e, ok := errors.AsType[*Error](err); ok && e.Class == NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		items = append(items, one...)
	}
	return items, pathsOfItems(items)
}

func (c *Client) items(ctx context.Context, keys []string) ([]Item, error) {
	op := "read item " + keys[0]
	if len(keys) > 1 {
		op = fmt.Sprintf("read %d items", len(keys))
	}
	var items []Item
	r := request{op: op, method: http.MethodGet, path: "/library/metadata/" + strings.Join(keys, ",")}
	err := c.do(ctx, r, func(body io.Reader) (err error) {
		items, err = decodeItems(body, keys)
		return err
	})
	return items, err
}

// decodeItems reads the requested items of an answer, each once. An item without a readable key is missing if others were
// requested too, since it is then requested alone.
func decodeItems(body io.Reader, keys []string) ([]Item, error) {
	var items []Item
	wanted := make(map[string]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	var section flexString // of items without their own
	size, received := 0, 0
	err := fields(body, func(name string, dec *json.Decoder) error {
		switch name {
		case "librarySectionID":
			return decodeOptional(dec, &section)
		case "size":
			return decodeInt(dec, &size)
		case "Metadata":
			return rows(dec, func(v value) error {
				received++
				it, err := readItem(v)
				if wanted[it.RatingKey] {
					items = append(items, it)
					wanted[it.RatingKey] = false
				}
				if len(keys) > 1 {
					return nil
				}
				return err
			})
		}
		var skip ignored
		return dec.Decode(&skip)
	})
	for i := range items {
		if items[i].SectionID == "" {
			items[i].SectionID = string(section)
		}
	}
	if err == nil {
		err = checkSize(size, received)
	}
	return items, shape(err)
}
