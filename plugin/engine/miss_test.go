package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestDeadLetterSaysWhichItemsFit(t *testing.T) {
	inLab(t, 0, func(l *lab) {
		films := l.plex.AddSection("Films", "movie")
		l.stash.Add(stashtest.Scene{ID: 1, Files: []stashtest.File{{Path: "/data/x.mp4", Size: 77}}})
		want := []match.Candidate{
			{RatingKey: l.plex.AddItem(l.section, "/a/x.mp4", 77), Section: l.section, Library: "Videos", Path: "/a/x.mp4", Size: 77},
			{RatingKey: l.plex.AddItem(films, "/b/x.mp4", 77), Section: films, Library: "Films", Path: "/b/x.mp4", Size: 77},
		}
		l.edit("New", 1)
		l.want(l.run(), Summary{Dead: 1})
		letters, err := l.Store.DeadLetters(l.Context(), store.Narrow{}, 20)
		l.must(err)
		var got []match.Candidate
		l.must(json.Unmarshal([]byte(text.Plain(string(letters[0].Candidates))), &got))
		slices.SortFunc(got, func(a, b match.Candidate) int { return strings.Compare(a.Path, b.Path) })
		if !slices.Equal(got, want) {
			l.Errorf("candidates = %+v, want %+v", got, want)
		}
		for _, word := range []string{"/data/x.mp4", `/a/x.mp4 in "Videos"`, `/b/x.mp4 in "Films"`, "pathMap"} {
			if !strings.Contains(text.Plain(letters[0].Job.Error), word) {
				l.Errorf("the message does not say %s: %s", word, letters[0].Job.Error)
			}
		}
	})
}

func TestMessageNamesThreeCandidates(t *testing.T) {
	var list []match.Candidate
	for i := range 4 {
		list = append(list, match.Candidate{Path: fmt.Sprint("/", i), Library: "L"})
	}
	if got, want := push.NameCandidates(list[:3]), `/0 in "L", /1 in "L", /2 in "L"`; got != want {
		t.Errorf("named %s, want %s", got, want)
	}
	if got, want := push.NameCandidates(list), `/0 in "L", /1 in "L", /2 in "L", …`; got != want {
		t.Errorf("named %s, want %s", got, want)
	}
}
