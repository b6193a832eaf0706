package plexapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// MaxKeys bounds how many items one request reads.
const MaxKeys = 50

// optimised is the proxyType of a version that Plex created. Its file is not one of the user's files.
const optimised = 42

// readRow reads an item of a listing.
func readRow(v value) (Row, error) {
	var r Row
	err := v.fields(r.take)
	r.normalize()
	return r, err
}

// take reads one field of a row.
func (r *Row) take(name []byte, v value) (err error) {
	switch string(name) {
	case "ratingKey":
		err = v.string(&r.RatingKey)
	case "addedAt":
		r.AddedAt = v.hint()
	case "updatedAt":
		r.UpdatedAt = v.hint()
	case "deletedAt":
		r.Deleted, err = v.isTime()
	case "Media":
		r.Parts, err = readMedia(v)
		r.dropNameless()
	}
	return err
}

// normalize marks the files of an item in the trash as deleted.
func (r *Row) normalize() {
	for i := range r.Parts {
		r.Parts[i].Deleted = r.Parts[i].Deleted || r.Deleted
	}
}

// readMedia reads the files of all versions except optimised ones.
func readMedia(v value) ([]Part, error) {
	var parts []Part
	err := v.elements(func(v value) error {
		var files []Part
		var proxy flexInt
		var deleted bool
		err := v.fields(func(name []byte, v value) (err error) {
			switch string(name) {
			case "proxyType":
				err = proxy.UnmarshalJSON(v)
			case "deletedAt":
				deleted, err = v.isTime()
			case "Part":
				files, err = readParts(v)
			}
			return err
		})
		if proxy == optimised {
			return err
		}
		for _, p := range files {
			p.Deleted = p.Deleted || deleted
			parts = append(parts, p)
		}
		return err
	})
	return parts, err
}

func readParts(v value) ([]Part, error) {
	var parts []Part
	err := v.elements(func(v value) error {
		var p Part
		err := v.fields(func(name []byte, v value) (err error) {
			switch string(name) {
			case "id":
				err = v.string(&p.ID)
			case "file":
				err = v.string(&p.File)
			case "size":
				p.Size = v.hint()
			case "duration":
				p.DurationMS = v.hint()
			case "deletedAt":
				p.Deleted, err = v.isTime()
			}
			return err
		})
		parts = append(parts, p)
		return err
	})
	return parts, err
}

// readItem reads an item of a request for single items.
func readItem(v value) (Item, error) {
	it := Item{Tags: make(map[TagKind][]string), Locked: make(map[string]bool)}
	var r Row
	err := v.fields(func(name []byte, v value) error {
		if field := it.field(string(name)); field != nil {
			return v.string(field)
		}
		switch string(name) {
		case "userRating":
			var rating flexRating
			err := rating.UnmarshalJSON(v)
			it.UserRating = rating.value
			return err
		case "Role":
			return it.takeTags(Actor, v)
		case "Genre":
			return it.takeTags(Genre, v)
		case "Director":
			return it.takeTags(Director, v)
		case "Collection":
			return it.takeTags(Collection, v)
		case "Field":
			return it.takeLocks(v)
		}
		return r.take(name, v)
	})
	r.normalize()
	it.RatingKey, it.UpdatedAt, it.Deleted, it.Parts, it.nameless = r.RatingKey, r.UpdatedAt, r.Deleted, r.Parts, r.nameless
	return it, err
}

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
		var locked flexBool
		err := v.fields(func(name []byte, v value) error {
			switch string(name) {
			case "name":
				return v.string(&field)
			case "locked":
				return locked.UnmarshalJSON(v)
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

// decodeItems reads the requested items of an answer, each once.
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
			return dec.Decode(&section)
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
