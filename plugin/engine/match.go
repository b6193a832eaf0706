package engine

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// The rules by which a file was matched.
const (
	ByPath     = "path"      // equal path
	ByPathMap  = "pathMap"   // equal path after the user's pathMap
	ByLearned  = "learned"   // equal path after a learned prefix, and equal size
	ByNameSize = "name+size" // the only file with this name and this size
)

// Found says how matching a scene ended.
type Found int

// The ends of matching.
const (
	Matched   Found = iota
	Missing         // no library holds a file of the scene
	Ambiguous       // several items fit equally well
	Unknown         // a library has not been read whole, or is missing: it may be there
)

// A Match is what was found for a scene.
type Match struct {
	Found      Found
	Hits       []Hit
	Candidates []Candidate // of an ambiguous one, at most 50
}

// A Hit is an item that holds a file of the scene.
type Hit struct {
	RatingKey string
	Section   string
	Path      string // Plex's
	File      string // Stash's
	Rule      string
}

// A Candidate is one of several items that fit.
type Candidate struct {
	RatingKey string `json:"rating_key"`
	Section   string `json:"section"`
	Path      string `json:"path"`
	Size      int64  `json:"size"`
}

const candidatesAtMost = 50

// A Matcher finds the Plex items of scenes by their files. It never guesses: what is not one item is not
// found or ambiguous.
type Matcher struct {
	Index    *store.Index
	Server   string
	Unread   bool // some library may hold more than the index knows
	PathMap  []PathPair
	Prefixes []PathPair // learned
	// Others tells which scene has exactly one of these paths in Stash.
	Others func(ctx context.Context, paths []string) (map[string]int, error)
	// Owners tells which scene owns an item.
	Owners func(ctx context.Context, keys []string) (map[string]int, error)
	// Read reads items from Plex: candidates that are gone do not count.
	Read func(ctx context.Context, keys []string) ([]plexapi.Item, error)
}

// search is one scene's way through the rules.
type search struct {
	scene *stashapi.Scene
	match Match
	tries []try
}

// try is one file that rule 1 did not find, with what rule 2 offers for it.
type try struct {
	file  stashapi.File
	files []store.PlexFile
}

// Match matches the scenes of a batch. Stash is asked about other scenes at most once, and only if a match
// by name and size depends on it.
func (m *Matcher) Match(ctx context.Context, scenes []*stashapi.Scene) ([]Match, error) {
	searches := make([]search, len(scenes))
	for i, scene := range scenes {
		s := &searches[i]
		s.scene = scene
		for _, f := range scene.Files {
			if err := m.byPath(ctx, s, f); err != nil {
				return nil, err
			}
		}
	}
	if err := m.exclude(ctx, searches); err != nil {
		return nil, err
	}
	matches := make([]Match, len(scenes))
	for i := range searches {
		if err := m.resolve(ctx, &searches[i]); err != nil {
			return nil, err
		}
		matches[i] = m.verdict(&searches[i])
	}
	return matches, nil
}

// byPath is rule 1, and gathers what rule 2 may use if it finds nothing.
func (m *Matcher) byPath(ctx context.Context, s *search, f stashapi.File) error {
	for _, where := range m.places(f.Path) {
		files, err := m.lookUp(ctx, where.path)
		if err != nil {
			return err
		}
		for _, p := range files {
			if where.rule == ByLearned && (p.Size != f.Size || f.Size <= 0) {
				continue
			}
			s.add(Hit{RatingKey: p.RatingKey, Section: p.Section, Path: p.Path, File: f.Path, Rule: where.rule})
			return nil
		}
	}
	if f.Size <= 0 {
		return nil
	}
	files, err := m.Index.ByNameAndSize(ctx, m.Server, f.Path, f.Size)
	if err != nil {
		return err
	}
	s.tries = append(s.tries, try{file: f, files: files})
	return nil
}

func (s *search) add(h Hit) {
	for _, have := range s.match.Hits {
		if have.RatingKey == h.RatingKey {
			return
		}
	}
	s.match.Hits = append(s.match.Hits, h)
}

type place struct{ path, rule string }

// places are where the file may be in Plex. A pathMap that applies is the user's word; what was learned
// never overrides it.
func (m *Matcher) places(path string) []place {
	if mapped, ok := mapPath(m.PathMap, path); ok {
		return []place{{mapped, ByPathMap}}
	}
	list := []place{{path, ByPath}}
	for _, p := range m.Prefixes {
		if mapped, ok := p.replace(path); ok {
			list = append(list, place{mapped, ByLearned})
		}
	}
	return list
}

// lookUp finds files by path, without case only if nothing is equal with it. The newest comes first.
func (m *Matcher) lookUp(ctx context.Context, path string) ([]store.PlexFile, error) {
	files, err := m.Index.ByPath(ctx, m.Server, path, false)
	if err != nil || len(files) > 0 {
		return files, err
	}
	files, err = m.Index.ByPath(ctx, m.Server, path, true)
	if err != nil || len(distinct(files)) < 2 {
		return files, err
	}
	for _, f := range files[1:] {
		if store.NormalPath(f.Path) != store.NormalPath(files[0].Path) {
			return nil, nil // two files that differ by case only: neither is it
		}
	}
	return files, nil
}

// exclude takes from rule 2 what belongs to another scene: an item that one owns, or whose file is exactly
// one's path.
func (m *Matcher) exclude(ctx context.Context, searches []search) error {
	var keys, paths []string
	for _, s := range searches {
		for _, t := range s.tries {
			for _, f := range t.files {
				keys = append(keys, f.RatingKey)
				paths = append(paths, m.stashPaths(f.Path)...)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	owners, err := m.Owners(ctx, keys)
	if err != nil {
		return err
	}
	others, err := m.Others(ctx, paths)
	if err != nil {
		return err
	}
	for i := range searches {
		s := &searches[i]
		for j := range s.tries {
			t := &s.tries[j]
			var left []store.PlexFile
			for _, f := range t.files {
				if owner := owners[f.RatingKey]; owner != 0 && owner != s.scene.ID {
					continue
				}
				if !m.another(others, f.Path, s.scene.ID) {
					left = append(left, f)
				}
			}
			t.files = left
		}
	}
	return nil
}

// stashPaths are the paths that a file of Plex may have in Stash.
func (m *Matcher) stashPaths(plex string) []string {
	list := []string{plex}
	for _, pairs := range [][]PathPair{m.PathMap, m.Prefixes} {
		for _, p := range pairs {
			if mapped, ok := p.back().replace(plex); ok {
				list = append(list, mapped)
			}
		}
	}
	return list
}

func (m *Matcher) another(others map[string]int, plex string, scene int) bool {
	for _, p := range m.stashPaths(plex) {
		if id := others[p]; id != 0 && id != scene {
			return true
		}
	}
	return false
}

// resolve is rule 2. Candidates are read before they count: the index may lag behind.
func (m *Matcher) resolve(ctx context.Context, s *search) error {
	for _, t := range s.tries {
		keys := distinct(t.files)
		if len(keys) > 1 {
			var err error
			if t.files, err = m.living(ctx, t.files, keys); err != nil {
				return err
			}
			keys = distinct(t.files)
		}
		switch {
		case len(keys) == 1:
			f := t.files[0]
			s.add(Hit{RatingKey: f.RatingKey, Section: f.Section, Path: f.Path, File: t.file.Path, Rule: ByNameSize})
		case len(keys) > 1:
			for _, f := range t.files {
				if len(s.match.Candidates) < candidatesAtMost {
					s.match.Candidates = append(s.match.Candidates, Candidate{RatingKey: f.RatingKey, Section: f.Section, Path: f.Path, Size: f.Size})
				}
			}
		}
	}
	return nil
}

// living returns the files whose items still hold them.
func (m *Matcher) living(ctx context.Context, files []store.PlexFile, keys []string) ([]store.PlexFile, error) {
	if len(keys) > plexapi.MaxKeys {
		keys = keys[:plexapi.MaxKeys]
	}
	items, err := m.Read(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read the candidates: %w", err)
	}
	held := make(map[string]*plexapi.Item, len(items))
	for i := range items {
		held[items[i].RatingKey] = &items[i]
	}
	var left []store.PlexFile
	for _, f := range files {
		if it := held[f.RatingKey]; it != nil && !it.Deleted && holds(it, f.Path) {
			left = append(left, f)
		}
	}
	return left, nil
}

func (m *Matcher) verdict(s *search) Match {
	switch {
	case len(s.match.Hits) > 0:
		s.match.Found, s.match.Candidates = Matched, nil
	case len(s.match.Candidates) > 0:
		s.match.Found = Ambiguous
	case m.Unread:
		s.match.Found = Unknown
	default:
		s.match.Found = Missing
	}
	return s.match
}

func distinct(files []store.PlexFile) []string {
	var keys []string
	seen := make(map[string]bool)
	for _, f := range files {
		if !seen[f.RatingKey] {
			seen[f.RatingKey] = true
			keys = append(keys, f.RatingKey)
		}
	}
	return keys
}
