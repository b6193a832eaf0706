package plexapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// MaxKeys is how many items one request reads.
const MaxKeys = 50

// optimised is Plex's proxyType of a version that it made itself; its file is no file of the user's.
const optimised = 42

// wireRow is what is read of an item in a listing.
type wireRow struct {
	RatingKey flexString `json:"ratingKey"`
	AddedAt   hint       `json:"addedAt"`
	UpdatedAt hint       `json:"updatedAt"`
	DeletedAt flexInt    `json:"deletedAt"`
	Media     list[struct {
		ProxyType flexInt `json:"proxyType"`
		DeletedAt flexInt `json:"deletedAt"`
		Part      list[struct {
			ID        flexString `json:"id"`
			File      flexString `json:"file"`
			Size      hint       `json:"size"`
			Duration  hint       `json:"duration"`
			DeletedAt flexInt    `json:"deletedAt"`
		}] `json:"Part"`
	}] `json:"Media"`
}

// wireItem is an item as Plex sends it by itself.
type wireItem struct {
	wireRow
	SectionID  flexString    `json:"librarySectionID"`
	Type       flexString    `json:"type"`
	Title      flexString    `json:"title"`
	Summary    flexString    `json:"summary"`
	Studio     flexString    `json:"studio"`
	Studios    ignored       `json:"Studio"` // else Go would take it for studio
	Date       flexString    `json:"originallyAvailableAt"`
	UserRating flexRating    `json:"userRating"`
	Thumb      flexString    `json:"thumb"`
	Art        flexString    `json:"art"`
	Role       list[wireTag] `json:"Role"`
	Genre      list[wireTag] `json:"Genre"`
	Director   list[wireTag] `json:"Director"`
	Collection list[wireTag] `json:"Collection"`
	Field      list[struct {
		Name   flexString `json:"name"`
		Locked flexBool   `json:"locked"`
	}] `json:"Field"`
}

type wireTag struct {
	Tag flexString `json:"tag"`
}

func (w *wireRow) parts() []Part {
	var parts []Part
	for _, m := range w.Media {
		if m.ProxyType == optimised {
			continue
		}
		for _, p := range m.Part {
			if p.File == "" {
				continue
			}
			parts = append(parts, Part{
				ID: string(p.ID), File: string(p.File), Size: int64(p.Size), DurationMS: int64(p.Duration),
				Deleted: w.DeletedAt != 0 || m.DeletedAt != 0 || p.DeletedAt != 0,
			})
		}
	}
	return parts
}

func (w *wireRow) row() Row {
	return Row{
		RatingKey: string(w.RatingKey), AddedAt: int64(w.AddedAt), UpdatedAt: int64(w.UpdatedAt),
		Deleted: w.DeletedAt != 0, Parts: w.parts(),
	}
}

func (w *wireItem) item() Item {
	it := Item{
		RatingKey: string(w.RatingKey), SectionID: string(w.SectionID), Type: string(w.Type), Title: string(w.Title),
		Summary: string(w.Summary), Studio: string(w.Studio), Date: string(w.Date), Thumb: string(w.Thumb), Art: string(w.Art), UserRating: w.UserRating.value,
		UpdatedAt: int64(w.UpdatedAt), Deleted: w.DeletedAt != 0, Parts: w.parts(),
		Tags: make(map[TagKind][]string), Locked: make(map[string]bool),
	}
	for kind, tags := range map[TagKind]list[wireTag]{Actor: w.Role, Genre: w.Genre, Director: w.Director, Collection: w.Collection} {
		for _, t := range tags {
			if t.Tag != "" {
				it.Tags[kind] = append(it.Tags[kind], string(t.Tag))
			}
		}
	}
	for _, f := range w.Field {
		if f.Locked {
			it.Locked[string(f.Name)] = true
		}
	}
	return it
}

// Items reads up to MaxKeys items whole, in one request if Plex holds them all. Items that are gone are
// absent from the result; that is told apart by asking for each by itself, because what Plex answers to a
// list with an unknown key is not documented.
func (c *Client) Items(ctx context.Context, keys []string) ([]Item, error) {
	if len(keys) == 0 || len(keys) > MaxKeys {
		return nil, &Error{Class: Rejected, Op: "read items", Err: fmt.Errorf("1 to %d items are read at a time, not %d", MaxKeys, len(keys))}
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
		return items, nil
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
	return items, nil
}

func (c *Client) items(ctx context.Context, keys []string) ([]Item, error) {
	op := "read item " + keys[0]
	if len(keys) > 1 {
		op = fmt.Sprintf("read %d items", len(keys))
	}
	var items []Item
	r := request{op: op, method: http.MethodGet, path: "/library/metadata/" + strings.Join(keys, ",")}
	err := c.do(ctx, r, func(body io.Reader) error {
		var m struct {
			Metadata list[wireItem] `json:"Metadata"`
			Section  flexString     `json:"librarySectionID"`
		}
		if err := container(body, &m); err != nil {
			return err
		}
		items = nil
		wanted := make(map[string]bool, len(keys))
		for _, k := range keys {
			wanted[k] = true
		}
		for i := range m.Metadata {
			it := m.Metadata[i].item()
			if it.SectionID == "" {
				it.SectionID = string(m.Section)
			}
			if wanted[it.RatingKey] {
				items = append(items, it)
				wanted[it.RatingKey] = false // once
			}
		}
		return nil
	})
	return items, err
}
