package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// ChooseSections returns the movie and TV libraries that names lists by title or id, or all movie libraries if names is
// empty. absent holds the names without a usable library.
func ChooseSections(sections []plexapi.Section, names []string) (chosen []plexapi.Section, absent []string) {
	for _, s := range sections {
		named := slices.ContainsFunc(names, func(n string) bool { return sectionIs(s, n) })
		if s.ItemType() != 0 && named || s.ItemType() == plexapi.Movie && len(names) == 0 {
			chosen = append(chosen, s)
		}
	}
	absent = slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		return slices.ContainsFunc(chosen, func(s plexapi.Section) bool { return sectionIs(s, n) })
	})
	return chosen, absent
}

// sectionIs reports whether a name from the settings means the section.
func sectionIs(s plexapi.Section, name string) bool {
	return s.ID == name || strings.EqualFold(s.Title, strings.TrimSpace(name))
}

func IDs(sections []plexapi.Section) []string {
	ids := make([]string, len(sections))
	for i, s := range sections {
		ids[i] = s.ID
	}
	return ids
}

// InSections returns the files in these libraries. Until the next run the index also holds files of libraries that are
// no longer chosen.
func InSections(files []plexindex.File, sections []plexapi.Section) []plexindex.File {
	return slices.DeleteFunc(files, func(f plexindex.File) bool {
		return !slices.ContainsFunc(sections, func(s plexapi.Section) bool { return s.ID == f.Section })
	})
}

// WhyAbsent says why each of these names from the settings cannot be used.
func WhyAbsent(sections []plexapi.Section, absent []string) string {
	list := make([]string, len(absent))
	for i, n := range absent {
		list[i] = fmt.Sprintf("Plex has no library %q", n)
		if at := slices.IndexFunc(sections, func(s plexapi.Section) bool { return sectionIs(s, n) }); at >= 0 {
			list[i] = fmt.Sprintf("library %q contains no videos (its type is %s)", sections[at].Title, sections[at].Type)
		}
	}
	return strings.Join(list, ", ")
}

// WhyNoLibrary says why no library could be chosen.
func WhyNoLibrary(sections []plexapi.Section, names []string) string {
	var have []string
	for _, s := range sections {
		if s.ItemType() != 0 {
			have = append(have, fmt.Sprintf("%q", s.Title))
		}
	}
	switch {
	case len(have) == 0:
		return "Plex has no movie library: add one with the folders that Stash manages"
	case len(names) == 0:
		return "Plex has no movie library: add one with the folders that Stash manages, or name a TV library in \"Plex libraries\" (plexLibraries): " + strings.Join(have, ", ")
	}
	return fmt.Sprintf("%s; the video libraries are %s: correct \"Plex libraries\" (plexLibraries)", WhyAbsent(sections, names), strings.Join(have, ", "))
}
