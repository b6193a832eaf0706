package match

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// byChoice finds the items that hold the file that was chosen for a scene: one in each library, as for an equal path. The
// item that was chosen takes precedence over newer ones with the same file, such as the other episodes of that file.
func (m *Matcher) byChoice(ctx context.Context, s *search, c chosen.Choice) error {
	s.match.Choice = &c
	files, err := m.Index.ByPath(ctx, m.Server, c.Path, false)
	if err != nil {
		return err
	}
	files = InSections(files, m.Sections)
	first := slices.DeleteFunc(slices.Clone(files), func(f plexindex.File) bool { return f.RatingKey != c.RatingKey })
	s.add(stashapi.File{Path: c.Path}, Manual, newestEach(append(first, files...)))
	return nil
}

// ChoosersOf returns the scenes for which items were chosen, by rating key, as the index knows their files.
func (m *Matcher) ChoosersOf(ctx context.Context, keys []string) (map[string]int, error) {
	list, err := m.Index.OfItems(ctx, m.Server, keys)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]string, len(keys))
	for _, f := range list {
		files[f.RatingKey] = append(files[f.RatingKey], f.Path)
	}
	return m.Choosers(ctx, files)
}

// Choosers returns the scenes for which items were chosen, by rating key: of an item with several chosen files, the scene
// of the first. files holds the paths of each item.
func (m *Matcher) Choosers(ctx context.Context, files map[string][]string) (map[string]int, error) {
	scenes, err := m.ByFiles(ctx, slices.Concat(slices.Collect(maps.Values(files))...))
	choosers := make(map[string]int)
	for key, paths := range files {
		for _, p := range paths {
			choosers[key] = cmp.Or(choosers[key], scenes[pathform.Normal(p)])
		}
	}
	return choosers, err
}

// Paths returns the paths of an item's files in normal form, without those in the trash.
func Paths(it *plexapi.Item) (list []string) {
	for _, p := range it.Parts {
		if !p.Deleted {
			list = append(list, pathform.Normal(p.File))
		}
	}
	return list
}
