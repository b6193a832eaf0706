package match

import (
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// libraries returns movie libraries with these titles and the ids 1, 2 and so on. A title that starts with ♪ is that of a
// music library.
func libraries(titles ...string) []plexapi.Section {
	list := make([]plexapi.Section, len(titles))
	for i, title := range titles {
		list[i] = plexapi.Section{ID: string(rune('1' + i)), Title: title, Type: "movie"}
		if music, ok := strings.CutPrefix(title, "♪"); ok {
			list[i].Title, list[i].Type = music, "artist"
		}
	}
	return list
}

func TestChooseSectionsFindsUnusualTitles(t *testing.T) {
	for _, c := range []struct {
		setting string
		have    []plexapi.Section
		want    string // ids
	}{
		{"Clips, Shorts & More", libraries("Other", "Clips, Shorts & More"), "2"},
		{`"Clips, Shorts & More"`, libraries("Other", "Clips, Shorts & More"), "2"},
		{"clips,shorts  & more, Other", libraries("Other", "Clips, Shorts & More", "More"), "1 2"},
		{"A, B", libraries("A", "B", "A, B"), "3"}, // the whole text first
		{"A, B, C", libraries("A", "A, B", "C"), "2 3"},
		{`"A", "B"`, libraries("A", "B", "A, B"), "1 2"},
		{"Movies", libraries(" Movies"), "1"},
		{" Movies", libraries("Movies "), "1"},
		{"Movies", libraries(" Movies", "Movies"), "1 2"},
		{`"Movies"`, libraries(" Movies", "Movies"), "2"},
		{`" Movies"`, libraries(" Movies", "Movies"), "1"},
		{"My Movies", libraries("My\u00a0Movies"), "1"},
		{"My Movies", libraries("My  Movies"), "1"},
		{"Ältere Filme", libraries("A\u0308ltere Filme"), "1"},
		{"MOVIES, ÄLTERE", libraries("movies", "ältere"), "1 2"},
		{`"Quoted"`, libraries(`"Quoted"`), "1"},
		{"1", libraries("Private", "1"), "2"}, // the title takes precedence over the id
		{"1, 2", libraries("Private", "1"), "2"},
		{"2", libraries("Private", "Films"), "2"},
		{"2", libraries("♪2", "Films"), "2"},
		{"Films", libraries("♪Films", "Films"), "2"},
	} {
		chosen, absent := ChooseSections(c.have, text.SplitNames(c.setting))
		if got := strings.Join(IDs(chosen), " "); got != c.want || len(absent) > 0 && c.setting != "1, 2" {
			t.Errorf("%q chooses %q of %v, absent %q; want %q", c.setting, got, c.have, absent, c.want)
		}
	}
}

func TestUnreadableLibraryIsReportedIfItMayBeChosen(t *testing.T) {
	odd := plexapi.Section{ID: "7", Type: "movie", Title: "Odd", Unreadable: "its key has an unexpected form"}
	nameless := plexapi.Section{ID: "8", Unreadable: "its title has an unexpected form"}
	music := plexapi.Section{ID: "9", Type: "artist", Unreadable: "its title has an unexpected form"}
	good := libraries("Good")
	for _, c := range []struct {
		have   []plexapi.Section
		names  []string
		chosen string
		want   string
	}{
		{append(good, odd, music), nil, "1", `library "Odd" cannot be read: its key has an unexpected form`},
		{append(good, nameless), nil, "1", `library "8" cannot be read: its title has an unexpected form`},
		{append(good, odd), []string{"Good"}, "1", ""},
		{append(good, odd), []string{"odd", "Good"}, "1", `library "odd" cannot be read: its key has an unexpected form`},
		{[]plexapi.Section{odd, music}, nil, "", `library "Odd" cannot be read: its key has an unexpected form`},
		{[]plexapi.Section{odd, music}, []string{"Odd"}, "", `library "Odd" cannot be read: its key has an unexpected form`},
		{append(good, odd), []string{"Nix"}, "", `Plex has no library "Nix"; correct "Plex libraries" (plexLibraries): names or ids of "Good" (1)`},
	} {
		chosen, absent := ChooseSections(c.have, c.names)
		why := WhyAbsent(c.have, absent)
		if len(chosen) == 0 {
			why = WhyNoLibrary(c.have, c.names)
		}
		if got := strings.Join(IDs(chosen), " "); got != c.chosen || why != c.want {
			t.Errorf("%q of %v: chosen %q, %s; want %q, %s", c.names, c.have, got, why, c.chosen, c.want)
		}
	}
}

func TestMissingLibraryIsReportedWithTheExistingOnes(t *testing.T) {
	have := libraries("My Videos", "♪Music", "Films")
	for _, setting := range []string{"My Videos, Moveis", "Moveis", `"Moveis"`, "Films, Moveis, Music"} {
		names := text.SplitNames(setting)
		chosen, absent := ChooseSections(have, names)
		why := WhyAbsent(have, absent)
		if len(chosen) == 0 {
			why = WhyNoLibrary(have, names)
		}
		for _, word := range []string{`Plex has no library "Moveis"`, `names or ids of "My Videos" (1), "Films" (3)`, "plexLibraries"} {
			if !strings.Contains(why, word) {
				t.Errorf("%s: message = %q, want %q in it", setting, why, word)
			}
		}
		if slices.Contains(names, "Music") && !strings.Contains(why, `library "Music" contains no videos`) {
			t.Errorf("%s: message = %q", setting, why)
		}
	}
}
