package match

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// dropOwned removes from the candidates of rules 2 and 3 the items that another scene owns, or that were chosen for it.
func (m *Matcher) dropOwned(ctx context.Context, searches []search) error {
	claims, choosers, err := m.claims(ctx, searches)
	if err != nil || len(claims) == 0 {
		return err
	}
	owned, doubts, err := m.Owned(ctx, claims, choosers)
	if err != nil {
		return err
	}
	for i := range searches {
		s := &searches[i]
		for j := range s.candidates {
			t := &s.candidates[j]
			if !byName(t.rule) {
				continue
			}
			t.files = slices.DeleteFunc(t.files, func(f plexindex.File) bool {
				drop := owned[f.RatingKey] && claims[f.RatingKey] != s.scene.ID
				if drop && doubts[f.RatingKey] != nil {
					t.doubt = doubts[f.RatingKey]
				}
				if drop && choosers[f.RatingKey] != 0 {
					s.match.Taken = append(s.match.Taken, Taken{hitOf(f, t.file, t.rule), choosers[f.RatingKey]})
				}
				return drop
			})
		}
	}
	return nil
}

// claims returns the owners of the items that rules 2 and 3 found for other scenes, by rating key: for a chosen item,
// the scene for which it was chosen, which choosers holds too.
func (m *Matcher) claims(ctx context.Context, searches []search) (claims, choosers map[string]int, err error) {
	finders := make(map[string][]int)
	for _, s := range searches {
		for _, t := range s.candidates {
			for _, f := range t.files {
				if byName(t.rule) {
					finders[f.RatingKey] = append(finders[f.RatingKey], s.scene.ID)
				}
			}
		}
	}
	if len(finders) == 0 {
		return nil, nil, nil
	}
	keys := slices.Sorted(maps.Keys(finders))
	owners, err := m.Owners(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	if choosers, err = m.ChoosersOf(ctx, keys); err != nil {
		return nil, nil, err
	}
	claims = make(map[string]int)
	for key, scenes := range finders {
		if owner := cmp.Or(choosers[key], owners[key]); owner != 0 && slices.ContainsFunc(scenes, func(id int) bool { return id != owner }) {
			claims[key] = owner
		}
	}
	return claims, choosers, nil
}

// Holds reports whether the item has the file, outside the trash.
func Holds(it *plexapi.Item, path string) bool {
	for _, p := range it.Parts {
		if !p.Deleted && pathform.Normal(p.File) == pathform.Normal(path) {
			return true
		}
	}
	return false
}

// Shown returns the files that a push takes at a path of Plex: the newest of each library.
func (m *Matcher) Shown(ctx context.Context, path string) ([]plexindex.File, error) {
	files, _, err := m.lookUp(ctx, path)
	return newestEach(files), err
}
