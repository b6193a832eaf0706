// Package match finds the Plex items of a scene: those that a person has chosen, or else those that fit its files: by
// path, by name and size, or by name and folders. It never guesses.
package match

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// A Matcher finds the Plex items of scenes by their files. It never guesses: without exactly one item a file is missing
// or ambiguous.
type Matcher struct {
	Index    *plexindex.Index
	Server   string
	Sections []plexapi.Section // the chosen ones: the index may hold others
	Unread   bool              // some library may contain more than the index
	PathMap  []PathPair
	Prefixes []PathPair // learned
	// Others returns, for each of these paths, the scene in Stash with exactly this path.
	Others func(ctx context.Context, paths []string) (map[string]int, error)
	// Choices returns the files that were chosen for these scenes, by scene.
	Choices func(ctx context.Context, scenes []int) (map[int]chosen.Choice, error)
	// ByFiles returns the scenes for which these files of Plex were chosen, by path in normal form.
	ByFiles func(ctx context.Context, paths []string) (map[string]int, error)
	// Owners returns the scenes that own items, by rating key.
	Owners func(ctx context.Context, keys []string) (map[string]int, error)
	// Owned returns which items still belong to their owners, or were chosen for them; doubts holds the errors of items
	// where this is unknown.
	Owned func(ctx context.Context, owners, choosers map[string]int) (owned map[string]bool, doubts map[string]error, err error)
	// Read reads items from Plex, to rule out candidates that are gone. nil: the index is believed.
	Read func(ctx context.Context, keys []string) ([]plexapi.Item, error)
	// Failed is called if the candidates of one scene cannot be read. An error from it ends the matching.
	Failed func(ctx context.Context, scene int, err error) error
}

// search is the state of matching one scene.
type search struct {
	scene      *stashapi.Scene
	match      Match
	candidates []candidate
	decided    map[string]bool // files that are matched or ambiguous
}

// candidate holds what may be a file of the scene unless another scene has it: found by name and size, by folders, or
// by path without case. The candidates for one file are in order of precedence.
type candidate struct {
	rule  string
	file  stashapi.File
	files []plexindex.File
	doubt error // why it is unknown whether a further file belongs to them
}

// byName reports whether a rule matches by file name instead of path.
func byName(rule string) bool { return rule == ByNameSize || rule == ByFolders }

// Match matches the scenes of a batch. It asks Stash about other scenes at most once, and only if a match by name or
// without case depends on it; about the owners of items only if such a match finds an owned item.
func (m *Matcher) Match(ctx context.Context, scenes []*stashapi.Scene) ([]Match, error) {
	searches, err := m.search(ctx, scenes)
	if err != nil {
		return nil, err
	}
	if err := m.dropOwned(ctx, searches); err != nil {
		return nil, err
	}
	matches := make([]Match, len(scenes))
	for i := range searches {
		if err := m.resolve(ctx, &searches[i]); err != nil {
			if err := m.Failed(ctx, scenes[i].ID, err); err != nil {
				return nil, err
			}
		}
		matches[i] = m.verdict(&searches[i])
	}
	return matches, nil
}

// Fits returns for each scene all items that may hold one of its files by any rule.
func (m *Matcher) Fits(ctx context.Context, scenes []*stashapi.Scene) (map[int][]Hit, error) {
	searches, err := m.search(ctx, scenes)
	if err != nil {
		return nil, err
	}
	fits := make(map[int][]Hit, len(searches))
	for _, s := range searches {
		hits := s.match.Hits
		for _, t := range s.candidates {
			for _, f := range t.files {
				hits = append(hits, hitOf(f, t.file, t.rule))
			}
		}
		fits[s.scene.ID] = hits
	}
	return fits, nil
}

// search looks up the files of scenes, except those whose path is exactly that of another scene. Of a scene with a
// chosen file it looks up that file alone.
func (m *Matcher) search(ctx context.Context, scenes []*stashapi.Scene) ([]search, error) {
	ids := make([]int, len(scenes))
	for i, scene := range scenes {
		ids[i] = scene.ID
	}
	choices, err := m.Choices(ctx, ids)
	if err != nil {
		return nil, err
	}
	searches := make([]search, len(scenes))
	for i, scene := range scenes {
		s := &searches[i]
		s.scene, s.decided = scene, make(map[string]bool)
		if c, ok := choices[scene.ID]; ok {
			if err := m.byChoice(ctx, s, c); err != nil {
				return nil, err
			}
			continue
		}
		for _, f := range scene.Files {
			if err := m.byPath(ctx, s, f); err != nil {
				return nil, err
			}
		}
	}
	return searches, m.dropOthers(ctx, searches)
}

// byPath applies rule 1. Without an exact match it collects candidates.
func (m *Matcher) byPath(ctx context.Context, s *search, f stashapi.File) error {
	for _, where := range m.Places(f.Path) {
		files, exact, err := m.lookUp(ctx, where.Path)
		if err != nil {
			return err
		}
		if where.rule == ByLearned {
			files = slices.DeleteFunc(files, func(p plexindex.File) bool { return p.Size != f.Size || f.Size <= 0 })
		}
		if len(files) == 0 {
			continue
		}
		if exact {
			s.add(f, where.rule, newestEach(files))
			return nil
		}
		s.candidates = append(s.candidates, candidate{rule: where.rule, file: f, files: newestEach(files)})
	}
	return m.byName(ctx, s, f)
}

// byName collects the candidates of rules 2 and 3.
func (m *Matcher) byName(ctx context.Context, s *search, f stashapi.File) error {
	if f.Size > 0 {
		files, err := m.Index.ByNameAndSize(ctx, m.Server, f.Path, f.Size)
		if err != nil {
			return err
		}
		s.candidates = append(s.candidates, candidate{rule: ByNameSize, file: f, files: InSections(files, m.Sections)})
	}
	duration := int64(math.Round(f.Duration * 1000))
	files, err := m.Index.ByFolders(ctx, m.Server, f.Path, duration)
	if err != nil {
		return err
	}
	files = InSections(files, m.Sections)
	exact := slices.DeleteFunc(slices.Clone(files), func(p plexindex.File) bool { return !plexindex.SameFolders(f.Path, duration, p) })
	if len(exact) > 0 {
		files = exact
	}
	s.candidates = append(s.candidates, candidate{rule: ByFolders, file: f, files: files})
	return nil
}

func hitOf(p plexindex.File, f stashapi.File, rule string) Hit {
	return Hit{RatingKey: p.RatingKey, Section: p.Section, Path: p.Path, Size: p.Size, File: f.Path, Rule: rule}
}

// add adds items to the scene's hits.
func (s *search) add(f stashapi.File, rule string, files []plexindex.File) {
	s.decided[f.Path] = true
	for _, p := range files {
		if !slices.ContainsFunc(s.match.Hits, func(have Hit) bool { return have.RatingKey == p.RatingKey }) {
			s.match.Hits = append(s.match.Hits, hitOf(p, f, rule))
		}
	}
}

// newestEach returns, from files with one path, the newest of each library: an older one in the same library has been
// replaced, and one in another library shows the same file.
func newestEach(files []plexindex.File) []plexindex.File {
	var list []plexindex.File
	for _, f := range files {
		if !slices.ContainsFunc(list, func(have plexindex.File) bool { return have.Section == f.Section }) {
			list = append(list, f)
		}
	}
	return list
}

type Place struct{ Path, rule string }

// Places returns the paths that the file may have in Plex. A learned prefix never overrides a pathMap that applies.
func (m *Matcher) Places(path string) []Place {
	if mapped, ok := mapPath(m.PathMap, path); ok {
		return []Place{{mapped, ByPathMap}}
	}
	list := []Place{{path, ByPath}}
	for _, p := range m.Prefixes {
		if mapped, ok := p.replace(path); ok {
			list = append(list, Place{mapped, ByLearned})
		}
	}
	return list
}

// lookUp finds files by path, the newest first. It ignores case only if no path is equal.
func (m *Matcher) lookUp(ctx context.Context, path string) (files []plexindex.File, exact bool, err error) {
	files, err = m.Index.ByPath(ctx, m.Server, path, false)
	if files = InSections(files, m.Sections); err != nil || len(files) > 0 {
		return files, true, err
	}
	files, err = m.Index.ByPath(ctx, m.Server, path, true)
	if files = InSections(files, m.Sections); err != nil || len(distinct(files)) > 1 && !onePath(files) {
		return nil, false, err // items that differ only by case: none matches
	}
	return files, false, nil
}

func onePath(files []plexindex.File) bool {
	return !slices.ContainsFunc(files, func(f plexindex.File) bool { return pathform.Normal(f.Path) != pathform.Normal(files[0].Path) })
}

// dropOthers removes from the candidates the files whose path is exactly that of another scene.
func (m *Matcher) dropOthers(ctx context.Context, searches []search) error {
	var paths []string
	for _, s := range searches {
		for _, t := range s.candidates {
			for _, f := range t.files {
				paths = append(paths, m.StashPaths(f.Path)...)
			}
		}
	}
	if len(paths) == 0 {
		return nil
	}
	others, err := m.Others(ctx, paths)
	if err != nil {
		return err
	}
	for i := range searches {
		s := &searches[i]
		for j := range s.candidates {
			t := &s.candidates[j]
			t.files = slices.DeleteFunc(t.files, func(f plexindex.File) bool { return m.another(others, f.Path, s.scene.ID) })
		}
	}
	return nil
}

// StashPaths returns the paths that a file of Plex may have in Stash, in all spellings.
func (m *Matcher) StashPaths(plex string) []string {
	list := spellings(plex)
	for _, pairs := range [][]PathPair{m.PathMap, m.Prefixes} {
		for _, p := range pairs {
			if mapped, ok := p.back().replace(plex); ok {
				list = append(list, spellings(mapped)...)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (m *Matcher) another(others map[string]int, plex string, scene int) bool {
	return slices.ContainsFunc(m.StashPaths(plex), func(path string) bool {
		id := others[path]
		return id != 0 && id != scene
	})
}

// resolve decides by the candidates. It reads several from Plex first, since the index may be out of date.
func (m *Matcher) resolve(ctx context.Context, s *search) error {
	for _, t := range s.candidates {
		if s.decided[t.file.Path] {
			continue
		}
		if t.doubt != nil {
			s.match.Doubt = t.doubt
		}
		if keys := distinct(t.files); len(keys) > 1 && m.Read != nil {
			var err error
			if t.files, err = m.living(ctx, t.files, keys); err != nil {
				return err
			}
		}
		switch {
		case len(t.files) == 0:
		case len(distinct(t.files)) == 1, onePath(t.files):
			s.add(t.file, t.rule, newestEach(t.files))
		default:
			s.decided[t.file.Path] = true
			for _, f := range t.files {
				if len(s.match.Candidates) < candidatesAtMost {
					s.match.Candidates = append(s.match.Candidates, Candidate{f.RatingKey, f.Section, m.title(f.Section), text.Private(f.Path), f.Size})
				}
			}
		}
	}
	return nil
}

// title returns the title of a library, by its id.
func (m *Matcher) title(section string) string {
	for _, s := range m.Sections {
		if s.ID == section {
			return s.Title
		}
	}
	return ""
}

// living returns the files that their items still hold.
func (m *Matcher) living(ctx context.Context, files []plexindex.File, keys []string) ([]plexindex.File, error) {
	held := make(map[string]*plexapi.Item, len(keys))
	for some := range slices.Chunk(keys, plexapi.MaxKeys) {
		items, err := m.Read(ctx, some)
		if err != nil {
			return nil, fmt.Errorf("several items fit: %w", err)
		}
		for i := range items {
			held[items[i].RatingKey] = &items[i]
		}
	}
	return slices.DeleteFunc(slices.Clone(files), func(f plexindex.File) bool {
		it := held[f.RatingKey]
		return it == nil || it.Deleted || !Holds(it, f.Path)
	}), nil
}

func (m *Matcher) verdict(s *search) Match {
	s.match.Unread = m.Unread
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

// distinct returns the rating keys of the files, each once.
func distinct(files []plexindex.File) []string {
	keys := make([]string, len(files))
	for i, f := range files {
		keys[i] = f.RatingKey
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
