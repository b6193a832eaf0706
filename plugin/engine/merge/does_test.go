package merge

import (
	"slices"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestPlanSaysWhatItDoesWithEachField(t *testing.T) {
	names := Fields{Names: map[string]bool{"title": true, "details": true, "date": true, "studio": true, "tags": true, "performers": true, "rating": true, "director": true}}
	base := store.Item{
		Original:  map[string]store.Held{"title": {Value: v("old")}, "genre": {Value: v("x")}, "summary": {Value: v("S")}, "actor": {}},
		Sent:      map[string]store.Value{"title": v("T"), "summary": v("D"), "genre": v("g"), "actor": v("A")},
		Confirmed: map[string]store.Value{"title": v("T"), "summary": v("D"), "genre": v("x", "g"), "actor": v("A")},
		Owned:     map[string][]string{"genre": {"g"}, "actor": {"A"}},
		Rejected:  map[string]store.Value{"studio": v("Refused")},
	}
	rating := 7.0
	p := Merge(MergeInput{
		KeepPlexEdits: true, Base: base,
		Desired: Desired{fields: names, Values: map[string]store.Value{
			"title": v("T2"), "summary": v("D"), "originallyAvailableAt": v("2024-01-02"), "studio": v("Refused"), "genre": nil, "actor": v("A"), "userRating": v("7"), "director": nil,
		}},
		Current: plexapi.Item{
			Title: "T", Summary: "edited by a person", Date: "2024-01-02", Studio: "S", UserRating: &rating,
			Tags:   map[plexapi.TagKind][]string{plexapi.Genre: {"x", "g"}, plexapi.Actor: {"A"}},
			Locked: map[string]bool{"title": true, "summary": true, "genre": true, "actor": true},
		},
	})
	for plex, want := range map[string]string{
		"title": Writes, "summary": Keeps, "originallyAvailableAt": Locks, "studio": Leaves, "genre": Restores, "actor": Nothing, "userRating": Nothing,
		"director": Nothing, "thumb": Nothing,
	} {
		if got := p.Does(plex); got != want {
			t.Errorf("%s: %s, want %s", plex, got, want)
		}
	}
	if !slices.Equal(p.Kept, []string{"summary"}) {
		t.Errorf("kept: %v", p.Kept)
	}
	p.Changes = append(p.Changes, Change{Field: "poster", Action: "set"})
	p.Kept = append(p.Kept, "art")
	p.Edit.Unlock = append(p.Edit.Unlock, "contentRating")
	if got := []string{p.Does("thumb"), p.Does("art"), p.Does("contentRating")}; !slices.Equal(got, []string{Writes, Keeps, Unlocks}) {
		t.Errorf("pictures and a lock: %v", got)
	}
}

func TestRowsNameEachPlexFieldOnce(t *testing.T) {
	var movie, episode []string
	for _, r := range Rows(plexapi.Movie) {
		movie = append(movie, r.Name)
	}
	for _, r := range Rows(plexapi.Episode) {
		episode = append(episode, r.Name)
	}
	want := []string{"title", "details", "date", "studio", "performers", "tags", "director", "groups", "rating", "poster", "background", "contentRating"}
	if !slices.Equal(movie, want) {
		t.Errorf("movies: %v", movie)
	}
	if want = []string{"title", "details", "date", "director", "groups", "rating", "poster", "background", "contentRating"}; !slices.Equal(episode, want) {
		t.Errorf("episodes: %v", episode)
	}
}

func TestPushedCountsEachRowOfAPlexField(t *testing.T) {
	f := Fields{Names: map[string]bool{"collection": true, "tags": true}, ContentRating: "XXX"}
	for plex, want := range map[string]bool{"collection": true, "genre": true, "contentRating": true, "title": false, "thumb": false} {
		if got := f.Pushed(plex); got != want {
			t.Errorf("%s: %v", plex, got)
		}
	}
	if (Fields{}).Pushed("contentRating") {
		t.Error("no content rating is pushed")
	}
}
