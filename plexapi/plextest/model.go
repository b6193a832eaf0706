package plextest

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// section is a library.
type section struct {
	id, title, kind  string
	updated, scanned int64
	changed          int64
	items            []*Item
	locations        []string
	hidden           []File // found by a scan of their folder

	bulk, bulkKey, bulkSince int // see AddBulk
}

// itemKind returns the type of a library's items.
func (sec *section) itemKind() string {
	if sec.kind == "show" {
		return "episode"
	}
	return "movie"
}

// Item is a Plex item as a user sees it.
type Item struct {
	Key           string
	Section       string
	Title         string
	Summary       string
	Studio        string
	Date          string
	ContentRating string
	Rating        *float64
	Tags          map[string][]string // actor, genre, director, collection
	Locked        map[string]bool
	AddedAt       int64
	Updated       int64
	Deleted       bool // in the trash
	Files         []File
	Views         map[int]View // by account

	Posters, Arts []Picture // one of each is selected
	thumb, art    int64     // how often the selection has changed
}

// File is one file of an item.
type File struct {
	Path      string
	Size      int64
	Duration  time.Duration // 0: one second
	Deleted   bool
	Optimised bool
	Version   int // files with the same number are parts of one version
}

// clone returns a deep copy.
func (it *Item) clone() Item {
	it.grab()
	c := *it
	c.Files = slices.Clone(it.Files)
	c.Posters, c.Arts = slices.Clone(it.Posters), slices.Clone(it.Arts)
	c.Locked, c.Views = maps.Clone(it.Locked), maps.Clone(it.Views)
	c.Tags = make(map[string][]string)
	for k, v := range it.Tags {
		c.Tags[k] = slices.Clone(v)
	}
	if it.Rating != nil {
		r := *it.Rating
		c.Rating = &r
	}
	return c
}

// AddSection adds a library of a kind ("movie", "show") with its folders, by default /data, and returns its id.
func (s *Server) AddSection(title, kind string, locations ...string) string {
	if len(locations) == 0 {
		locations = []string{"/data"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strconv.Itoa(len(s.sections) + 1)
	now := s.clock().Unix()
	s.sections = append(s.sections, &section{id: id, title: title, kind: kind, updated: now, scanned: now, locations: locations})
	return id
}

// RemoveSection removes a library and all its items.
func (s *Server) RemoveSection(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sections = slices.DeleteFunc(s.sections, func(sec *section) bool { return sec.id == id })
}

// AddItem adds an item for a file, as a scan does, and returns its rating key.
func (s *Server) AddItem(sectionID, file string, size int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.discover(s.section(sectionID), file, size)
}

// discover adds an item for a file. The caller holds the lock.
func (s *Server) discover(sec *section, file string, size int64) string {
	s.nextKey++
	now := s.clock().Unix()
	it := &Item{
		Key: strconv.Itoa(s.nextKey), Section: sec.id, Title: stem(file), AddedAt: now, Updated: now,
		Files: []File{{Path: file, Size: size}}, Tags: make(map[string][]string), Locked: make(map[string]bool),
	}
	sec.items = append(sec.items, it)
	sec.touch(now)
	return it.Key
}

func stem(file string) string {
	base := path.Base(strings.ReplaceAll(file, `\`, "/"))
	return strings.TrimSuffix(base, path.Ext(base))
}

func (sec *section) touch(now int64) {
	sec.updated, sec.scanned = now, now
	sec.changed++
}

// Item returns an item. It panics if there is none.
func (s *Server) Item(key string) Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, it := s.find(key)
	if it == nil {
		panic(fmt.Sprintf("plextest: no item %s", key))
	}
	return it.clone()
}

// Edit changes an item as a user or an agent does.
func (s *Server) Edit(key string, f func(*Item)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, it := s.find(key)
	if it == nil {
		panic(fmt.Sprintf("plextest: no item %s", key))
	}
	it.grab()
	f(it)
	it.Updated = s.clock().Unix()
	sec.touch(it.Updated)
}

// AddFile adds a version to an item, as a scan does.
func (s *Server) AddFile(key, file string, size int64) {
	s.Edit(key, func(it *Item) {
		it.Files = append(it.Files, File{Path: file, Size: size, Version: len(it.Files)})
	})
}

// Move replaces an item by a new one with another path, as Plex does when it does not recognise the file, and returns the
// new rating key. Edits are lost.
func (s *Server) Move(key, file string) string {
	it := s.Item(key)
	s.Remove(key)
	return s.AddItem(it.Section, file, it.Files[0].Size)
}

// Remove removes an item, as emptying the trash does. Its rows in the history stay, without its key.
func (s *Server) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, it := s.find(key)
	if it == nil {
		return
	}
	sec.items = slices.DeleteFunc(sec.items, func(x *Item) bool { return x == it })
	sec.touch(s.clock().Unix())
}

// Refresh resets every unlocked field to the value of an agent that knows only the file's name.
func (s *Server) Refresh(key string) {
	s.Edit(key, func(it *Item) {
		set := func(field string, to *string, value string) {
			if !it.Locked[field] {
				*to = value
			}
		}
		set("title", &it.Title, stem(it.Files[0].Path))
		set("summary", &it.Summary, "")
		set("studio", &it.Studio, "")
		set("originallyAvailableAt", &it.Date, "")
		set("contentRating", &it.ContentRating, "")
		for _, kind := range tagKinds() {
			if !it.Locked[kind] {
				delete(it.Tags, kind)
			}
		}
		for _, list := range []string{"posters", "arts"} {
			if pictures, lock := it.pictures(list); !it.Locked[lock] {
				it.choose(list, (*pictures)[0].Key)
			}
		}
	})
}

func tagKinds() []string { return []string{"actor", "genre", "director", "collection"} }

// section returns a library, or nil. The caller holds the lock.
func (s *Server) section(id string) *section {
	for _, sec := range s.sections {
		if sec.id == id {
			return sec
		}
	}
	return nil
}

// find returns an item and its library, or nil. The caller holds the lock.
func (s *Server) find(key string) (*section, *Item) {
	for _, sec := range s.sections { // items are in the order of their keys
		i, found := slices.BinarySearchFunc(sec.items, key, func(it *Item, key string) int {
			return cmp.Or(cmp.Compare(len(it.Key), len(key)), cmp.Compare(it.Key, key))
		})
		if found {
			return sec, sec.items[i]
		}
	}
	return nil, nil
}

// KeyOf returns the rating key of the item with the file, or "".
func (s *Server) KeyOf(file string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sec := range s.sections {
		for _, it := range sec.items {
			if slices.ContainsFunc(it.Files, func(f File) bool { return f.Path == file }) {
				return it.Key
			}
		}
	}
	return ""
}
