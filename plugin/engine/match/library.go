package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// ChooseSections returns the movie and TV libraries that names lists by title or id, or all movie libraries if names is
// empty. absent holds the names without a usable library; if names is empty, those of the unreadable libraries. A title
// may contain the commas at which the setting was split: the longest title that a library has takes precedence.
func ChooseSections(sections []plexapi.Section, names []string) (chosen []plexapi.Section, absent []string) {
	means, absent := named(sections, names)
	for _, s := range sections {
		if s.ItemType() != 0 && slices.Contains(means, s.ID) || s.ItemType() == plexapi.Movie && len(names) == 0 {
			chosen = append(chosen, s)
		}
	}
	if len(names) == 0 {
		for _, s := range sections {
			if s.Unreadable != "" && s.MayHaveVideos() {
				absent = append(absent, cmp.Or(s.Title, s.ID))
			}
		}
	}
	return chosen, absent
}

// named returns the ids of the movie and TV libraries that names lists, and the names without one.
func named(sections []plexapi.Section, names []string) (ids, absent []string) {
	done := make([]bool, len(names))
	for _, span := range text.Spans(names) {
		if slices.Contains(done[span.From:span.To], true) {
			continue
		}
		var found []string
		for _, s := range sectionsOf(sections, span.Name, names[span.From:span.To]) {
			if s.ItemType() != 0 {
				found = append(found, s.ID)
			}
		}
		if ids = append(ids, found...); len(found) > 0 {
			for i := span.From; i < span.To; i++ {
				done[i] = true
			}
		}
	}
	for i, n := range names {
		if !done[i] {
			absent = append(absent, n)
		}
	}
	return ids, absent
}

// sectionsOf returns the libraries with a name. A title takes precedence over an id, and a video library over others. A
// name in quotes selects the library with exactly that title, if there is one.
func sectionsOf(sections []plexapi.Section, name string, parts []string) []plexapi.Section {
	key := text.NameKey(name)
	exact := func(s plexapi.Section) bool { return len(parts) == 1 && name != parts[0] && s.Title == name }
	for _, is := range []func(s plexapi.Section) bool{
		exact,
		func(s plexapi.Section) bool { return s.ItemType() != 0 && text.NameKey(s.Title) == key },
		func(s plexapi.Section) bool { return s.ID == name },
		func(s plexapi.Section) bool { return text.NameKey(s.Title) == key },
	} {
		var list []plexapi.Section
		for _, s := range sections {
			if is(s) {
				list = append(list, s)
			}
		}
		if len(list) > 0 {
			return list
		}
	}
	return nil
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

// WhyAbsent says why each of these names from the settings cannot be used, and lists the libraries that can.
func WhyAbsent(sections []plexapi.Section, absent []string) string {
	if len(absent) == 0 {
		return ""
	}
	list := make([]string, len(absent))
	misnamed := false
	for i, n := range absent {
		name, _ := text.Unquote(n)
		switch s := sectionsOf(sections, name, absent[i:i+1]); {
		case len(s) == 0:
			list[i], misnamed = fmt.Sprintf("Plex has no library %q", name), true
		case s[0].Unreadable != "":
			list[i] = fmt.Sprintf("library %q cannot be read: %s", name, s[0].Unreadable)
		default:
			list[i], misnamed = fmt.Sprintf("library %q contains no videos (its type is %s)", s[0].Title, s[0].Type), true
		}
	}
	why := strings.Join(list, ", ")
	if have := videoSections(sections); have != "" && misnamed {
		why += "; correct \"Plex libraries\" (plexLibraries): names or ids of " + have
	}
	return why
}

// videoSections lists the movie and TV libraries with their ids.
func videoSections(sections []plexapi.Section) string {
	var names []string
	for _, s := range sections {
		if s.ItemType() != 0 {
			names = append(names, fmt.Sprintf("%q (%s)", s.Title, s.ID))
		}
	}
	return strings.Join(names, ", ")
}

// WhyNoLibrary says why no library could be chosen.
func WhyNoLibrary(sections []plexapi.Section, names []string) string {
	have := videoSections(sections)
	_, absent := ChooseSections(sections, names)
	switch {
	case slices.ContainsFunc(sections, func(s plexapi.Section) bool { return s.Unreadable != "" && s.MayHaveVideos() }) && len(absent) > 0:
		return WhyAbsent(sections, absent)
	case have == "":
		return "Plex has no movie library: add one with the folders that Stash manages"
	case len(names) == 0:
		return "Plex has no movie library: add one with the folders that Stash manages, or name a TV library in \"Plex libraries\" (plexLibraries): " + have
	}
	return WhyAbsent(sections, names)
}
