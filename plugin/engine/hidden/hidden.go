// Package hidden decides which scenes the settings leave out: it resolves the tags whose scenes are not pushed.
package hidden

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Tags is the result of resolving the setting excludeTags with the tags of Stash.
type Tags struct {
	ByID    map[int]Tag
	Unknown []string // names that no tag has ever had: nothing may be pushed
	Gone    []string // names of deleted tags, which no longer exclude anything
	Renamed []string // messages about tags that have a new name

	Memory string // JSON to store under store.KeyExcludedTags
}

// Tag says why a tag is excluded.
type Tag struct {
	Setting string // the name in the setting
	Named   bool   // the setting names the tag itself, not an ancestor
}

// remembered is a tag that was found for a name in the setting, with the name that it had then.
type remembered struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

// Resolve finds the tags that a setting names. Names may contain commas, so every way to read the setting counts:
// excluding too many tags only delays a scene, while excluding too few pushes a scene that the user wants to hide. Tags
// that were found are remembered by their ids, so that they stay excluded after a rename. Resolve only reads.
func Resolve(ctx context.Context, db *store.Store, stash *stashapi.Client, setting []string) (Tags, error) {
	known, _, err := db.Meta(ctx, store.KeyExcludedTags)
	if err != nil {
		return Tags{}, err
	}
	r := excluding{spans: text.Spans(setting), now: make(map[string][]remembered), before: make(map[string][]remembered)}
	if known != "" && json.Unmarshal([]byte(known), &r.before) != nil {
		r.before = nil // now every name must be found again, or pushes stop
	}
	if err := r.find(ctx, stash); err != nil {
		return Tags{}, err
	}
	e := Tags{ByID: make(map[int]Tag)}
	r.judge(&e, setting)
	if err := r.below(ctx, stash, &e); err != nil {
		return Tags{}, err
	}
	if len(r.now) > 0 {
		memory, err := json.Marshal(r.now) // sorted by key
		if err != nil {
			return Tags{}, err
		}
		e.Memory = string(memory)
	}
	return e, nil
}

// excluding resolves the names in the setting.
type excluding struct {
	spans  []text.Span
	before map[string][]remembered // by text.NameKey of the name in the setting
	now    map[string][]remembered // an empty list if the tags of a name are deleted
}

// find finds the tags of all names, and those that were found before.
func (r *excluding) find(ctx context.Context, stash *stashapi.Client) error {
	var ask []string
	for _, s := range r.spans {
		ask = append(ask, s.Name)
		for _, t := range r.before[text.NameKey(s.Name)] {
			ask = append(ask, t.Name)
		}
	}
	slices.Sort(ask)
	tags, err := stash.TagsNamed(ctx, slices.Compact(ask))
	if err != nil {
		return err
	}
	missing := func(t remembered) bool {
		return !slices.ContainsFunc(tags, func(have stashapi.Named) bool { return have.ID == t.ID })
	}
	for _, s := range r.spans {
		if slices.ContainsFunc(r.before[text.NameKey(s.Name)], missing) {
			if tags, err = stash.AllTags(ctx); err != nil {
				return err
			}
			break
		}
	}
	for _, s := range r.spans {
		key := text.NameKey(s.Name)
		before, known := r.before[key]
		list := []remembered{}
		for _, t := range tags {
			if text.NameKey(t.Name) == key || slices.ContainsFunc(before, func(b remembered) bool { return b.ID == t.ID }) {
				list = append(list, remembered{t.ID, t.Name})
			}
		}
		if known || len(list) > 0 {
			r.now[key] = list
		}
	}
	return nil
}

// judge finds out which names are resolved and which tags the setting excludes by name.
func (r *excluding) judge(e *Tags, setting []string) {
	resolved := make([]bool, len(setting))
	for _, s := range r.spans {
		key := text.NameKey(s.Name)
		tags, known := r.now[key]
		if !known {
			continue
		}
		for i := s.From; i < s.To; i++ {
			resolved[i] = true
		}
		if len(tags) == 0 && !slices.Contains(e.Gone, s.Name) {
			e.Gone = append(e.Gone, s.Name)
		}
		for _, t := range tags {
			if _, seen := e.ByID[t.ID]; seen {
				continue
			}
			e.ByID[t.ID] = Tag{s.Name, true}
			if text.NameKey(t.Name) != key && !slices.Contains(r.before[key], t) {
				e.Renamed = append(e.Renamed, fmt.Sprintf("the tag %q was renamed to %q and stays excluded: correct \"Exclude tags\" (excludeTags)", s.Name, t.Name))
			}
		}
	}
	for i, ok := range resolved {
		if !ok {
			e.Unknown = append(e.Unknown, setting[i])
		}
	}
}

// below adds the descendants of the tags that the setting names.
func (r *excluding) below(ctx context.Context, stash *stashapi.Client, e *Tags) error {
	for _, s := range r.spans {
		var ids []int
		for id, t := range e.ByID {
			if t.Named && t.Setting == s.Name {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		tags, err := stash.TagsBelow(ctx, ids)
		if err != nil {
			return err
		}
		for _, t := range tags {
			if _, seen := e.ByID[t.ID]; !seen {
				e.ByID[t.ID] = Tag{s.Name, false}
			}
		}
	}
	return nil
}

// Problem returns why nothing may be pushed, or "".
func (e Tags) Problem() string {
	if len(e.Unknown) == 0 {
		return ""
	}
	return fmt.Sprintf("\"Exclude tags\" (excludeTags) contains tags that Stash does not have: %s; correct the names, or create the tags (put a name with a comma in quotes)", quotedList(e.Unknown))
}

// Warnings returns messages for the user that do not stop pushes.
func (e Tags) Warnings() []string {
	list := slices.Clone(e.Renamed)
	if len(e.Gone) > 0 {
		list = append(list, fmt.Sprintf("\"Exclude tags\" (excludeTags) contains tags that were deleted in Stash and no longer exclude anything: %s; remove the names from the setting", quotedList(e.Gone)))
	}
	return list
}

func quotedList(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		inner, _ := text.Unquote(n)
		list[i] = fmt.Sprintf("%q", inner)
	}
	return strings.Join(list, ", ")
}

// Why returns why the settings leave out a scene: for programs, and as a sentence about it and one about several such scenes; "" if they
// do not.
func Why(s *stashapi.Scene, onlyOrganized bool, excluded map[int]Tag) (r reason.Reason, one, several string) {
	if onlyOrganized && !s.Organized {
		const setting = "not organised, and \"Only organised scenes\" (onlyOrganized) is on: mark %s as organised, or turn the setting off and run \"Sync all scenes\""
		return reason.NotOrganized(), "the scene is " + fmt.Sprintf(setting, "it"), "they are " + fmt.Sprintf(setting, "them")
	}
	for _, t := range s.Tags {
		tag, ok := excluded[t.ID]
		var why string
		switch {
		case !ok:
			continue
		case tag.Named && text.NameKey(tag.Setting) == text.NameKey(t.Name):
			why = fmt.Sprintf("tag %q is excluded by", tag.Setting)
		case tag.Named:
			why = fmt.Sprintf("tag %q, formerly %q, is excluded by", t.Name, tag.Setting)
		default:
			why = fmt.Sprintf("tag %q is a child of %q, excluded by", t.Name, tag.Setting)
		}
		why += " \"Exclude tags\" (excludeTags): if that is not intended, remove the tag, or correct the setting and run \"Sync all scenes\""
		return reason.ExcludedTag(t.Name, tag.Setting), "its " + why, "their " + why
	}
	return r, "", ""
}
