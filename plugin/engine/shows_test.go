package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// addEpisode adds a scene with all that Stash may know to Stash, and its file to a library of shows.
func (l *lab) addEpisode(id int, section string) {
	seventy := 70
	l.stash.Add(stashtest.Scene{
		ID: id, Details: "Details", Date: "2024-05-06", Director: "Dee", Rating100: &seventy, Files: []stashtest.File{{Path: path(id), Size: size(id)}},
		Studio: l.stash.Name("studio", 1, "Studio"), Tags: []int{l.stash.Name("tag", 1, "Drama")},
		Performers: []int{l.stash.Name("performer", 1, "Ann")}, Groups: []int{l.stash.Name("group", 1, "Group")},
	})
	l.keys[id] = l.plex.AddItem(section, path(id), size(id))
}

func TestEpisodesOfANamedLibraryArePushed(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		shows := l.plex.AddSection("Shows", "show")
		l.addEpisode(2, shows)
		l.addEpisode(3, shows)
		l.Config.Libraries = []string{"Videos", "Shows"}
		l.edit("New", 1, 2, 3)
		l.plex.Forget()
		l.want(l.run(), Summary{Synced: 3})
		for _, r := range l.plex.Requests() {
			typed := strings.Contains(r.Query, "type=4")
			if strings.HasSuffix(r.Path, "/all") && typed != strings.Contains(r.Path, "/sections/"+shows+"/") {
				l.Errorf("%s %s?%s has the wrong type", r.Method, r.Path, r.Query)
			}
			if r.Status >= 400 {
				l.Errorf("%s %s?%s: %d", r.Method, r.Path, r.Query, r.Status)
			}
		}
		it := l.plex.Item(l.keys[2])
		if it.Title != "New" || it.Summary != "Details" || it.Date != "2024-05-06" || *it.Rating != 7 ||
			!slices.Equal(it.Tags["director"], []string{"Dee"}) || !slices.Equal(it.Tags["collection"], []string{"Group"}) {
			l.Errorf("episode = %+v", it)
		}
		if it.Studio != "" || len(it.Tags) != 2 || it.Locked["studio"] || it.Locked["genre"] || it.Locked["actor"] {
			l.Errorf("the episode has fields of a show: %+v", it)
		}
		if n := strings.Count(l.log.String(), "episodes do not have these fields"); n != 1 {
			l.Errorf("said %d times that episodes lack fields", n)
		}
		l.edit("New", 2, 3)
		l.want(l.run(), Summary{Unchanged: 2})
	})
}

func TestFieldsThatEpisodesLackAreLeftAlone(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		shows := l.plex.AddSection("Shows", "show")
		l.addEpisode(2, shows)
		l.Config.Libraries = []string{"Shows"}
		l.plex.Edit(l.keys[2], func(it *plextest.Item) { // shown with it, of the show
			it.Studio, it.Tags["genre"], it.Tags["actor"] = "Network", []string{"Crime"}, []string{"Bob"}
		})
		l.edit("New", 2)
		l.want(l.run(), Summary{Synced: 1})
		l.stash.Change(2, func(s *stashtest.Scene) { s.Studio, s.Tags, s.Performers, s.Details = 0, nil, nil, "" })
		l.edit("Newer", 2)
		l.want(l.run(), Summary{Synced: 1})
		r, err := l.Restore(l.Context(), 0)
		if err != nil || r.Restored != 1 || r.Failed != 0 {
			l.Errorf("restored %+v, %v", r, err)
		}
		it := l.plex.Item(l.keys[2])
		if it.Title != "clip2" || it.Summary != "" || it.Date != "" || it.Rating != nil || len(it.Tags["collection"]) > 0 || it.Locked["title"] {
			l.Errorf("restored to %+v", it)
		}
		if it.Studio != "Network" || !slices.Equal(it.Tags["genre"], []string{"Crime"}) || !slices.Equal(it.Tags["actor"], []string{"Bob"}) {
			l.Errorf("the show's fields are %q, %v", it.Studio, it.Tags)
		}
		for _, r := range l.plex.Requests() {
			if r.Status >= 400 {
				l.Errorf("%s %s?%s: %d", r.Method, r.Path, r.Query, r.Status)
			}
		}
	})
}

func TestEpisodesAreNotMatchedUnlessTheirLibraryIsNamed(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		l.addEpisode(2, l.plex.AddSection("Shows", "show"))
		l.edit("New", 2)
		l.want(l.run(), Summary{Waiting: 1})
	})
}

func TestLibrariesAreChosenByTypeAndName(t *testing.T) {
	sections := []plexapi.Section{
		{ID: "1", Title: "Films", Type: "movie"}, {ID: "2", Title: "Shows", Type: "show"}, {ID: "3", Title: "Music", Type: "artist"}, {ID: "4", Title: "More", Type: "movie"},
	}
	for _, c := range []struct {
		have   []plexapi.Section
		names  []string
		chosen string
		why    []string // words in what is said of what is missing, or of none
	}{
		{sections, nil, "1 4", nil},
		{sections, []string{"shows"}, "2", nil},
		{sections, []string{"2", " More "}, "2 4", nil},
		{sections, []string{"Shows", "music"}, "2", []string{`library "Music" contains no videos`, "artist"}},
		{sections, []string{"Shows", "Attic"}, "2", []string{`no library "Attic"`}},
		{sections, []string{"3"}, "", []string{`"Music" contains no videos`, `"Films" (1), "Shows" (2), "More" (4)`}},
		{sections[1:3], nil, "", []string{"no movie library", "name a TV library", `"Shows"`}},
		{sections[2:3], nil, "", []string{"no movie library", "add one"}},
		{sections[2:3], []string{"Music"}, "", []string{"no movie library", "add one"}},
	} {
		chosen, absent := match.ChooseSections(c.have, c.names)
		var ids []string
		for _, s := range chosen {
			ids = append(ids, s.ID)
		}
		if got := strings.Join(ids, " "); got != c.chosen {
			t.Errorf("of %v %v is chosen %q, want %q", c.have, c.names, got, c.chosen)
		}
		why := match.WhyAbsent(c.have, absent)
		if len(chosen) == 0 {
			why = match.WhyNoLibrary(c.have, c.names)
		}
		for _, word := range c.why {
			if !strings.Contains(why, word) {
				t.Errorf("of %v %v is said %q, want %q in it", c.have, c.names, why, word)
			}
		}
		if (why == "") != (c.why == nil) {
			t.Errorf("of %v %v is said %q", c.have, c.names, why)
		}
	}
}

// Plex makes two episodes of one file, if its name says so.
func TestSceneStaysWithOneOfTwoItemsThatHaveItsFile(t *testing.T) {
	inLab(t, 1, func(l *lab) {
		first := l.keys[1]
		l.keys[1] = l.plex.AddItem(l.section, path(1), size(1))
		for _, title := range []string{"One", "Two", "Three", "Four"} {
			l.edit(title, 1)
			l.want(l.run(), Summary{Synced: 1})
			l.wantTitle(1, title)
			pass(20 * time.Minute)
		}
		if got := l.plex.Item(first).Title; got != "clip1" {
			l.Errorf("the other item shows %q", got)
		}
	})
}
