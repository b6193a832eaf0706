package stashapi_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestPlaysAreAddedReadAndDeleted(t *testing.T) {
	s, c := start(t)
	ids := s.Add(stashtest.Scene{}, stashtest.Scene{Resume: 12.5})
	s.Play(ids[0], noon.Add(-time.Hour))
	before := s.Updated(ids[0])
	at := noon.In(time.FixedZone("", 3600)).Add(300 * time.Millisecond)
	if failed, err := c.AddPlays(t.Context(), map[int][]time.Time{ids[0]: {at, at}, ids[1]: {noon}}); err != nil || len(failed) > 0 {
		t.Fatalf("AddPlays = %v, %v", failed, err)
	}
	got, err := c.Activities(t.Context(), []int{2, 1, 2, 99})
	if err != nil || len(got.Found) != 2 || !slices.Equal(got.Missing, []int{99}) || len(got.Failed) > 0 {
		t.Fatalf("Activities = %+v, %v", got, err)
	}
	first, second := got.Found[1], got.Found[2]
	if !slices.Equal(first.Plays, []time.Time{noon, noon, noon.Add(-time.Hour)}) || first.LastPlayed() != noon || first.Resume != 0 {
		t.Errorf("first scene: %+v", first)
	}
	if !slices.Equal(second.Plays, []time.Time{noon}) || second.Resume != 12.5 {
		t.Errorf("second scene: %+v", second)
	}
	if s.Updated(ids[0]) != before {
		t.Error("a play changes updated_at")
	}
	// One for each time; a time that is not there, and a scene that is gone, are no failures.
	if failed, err := c.DeletePlays(t.Context(), map[int][]time.Time{1: {noon}, 2: {noon.Add(time.Second)}, 99: {noon}}); err != nil || len(failed) > 0 {
		t.Fatalf("DeletePlays = %v, %v", failed, err)
	}
	got, err = c.Activities(t.Context(), []int{1, 2})
	if err != nil || !slices.Equal(got.Found[1].Plays, []time.Time{noon, noon.Add(-time.Hour)}) || len(got.Found[2].Plays) != 1 {
		t.Errorf("after deleting: %+v, %v", got, err)
	}
}

func TestRefusedSceneDoesNotConcernTheOthers(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{}, stashtest.Scene{}, stashtest.Scene{})
	s.Break(2)
	failed, err := c.AddPlays(t.Context(), map[int][]time.Time{1: {noon}, 2: {noon}, 3: {noon}, 99: {noon}})
	if err != nil || !slices.Equal(slices.Sorted(maps.Keys(failed)), []int{2, 99}) {
		t.Fatalf("AddPlays = %v, %v", failed, err)
	}
	if e, ok := errors.AsType[*stashapi.Error](failed[99]); !ok || e.Unavailable() || !strings.Contains(e.Error(), "add plays to scene 99: Stash says") {
		t.Errorf("the refusal is %v", failed[99])
	}
	got, err := c.Activities(t.Context(), []int{1, 2, 3, 99})
	if err != nil || len(got.Found[1].Plays) != 1 || len(got.Found[3].Plays) != 1 || got.Failed[2] == nil || len(got.Failed) != 1 || !slices.Equal(got.Missing, []int{99}) {
		t.Errorf("Activities = %+v, %v", got, err)
	}
}

func TestPlaysWithoutTimesAreNotSent(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{Plays: []time.Time{noon}})
	many := make(map[int][]time.Time)
	for id := range stashapi.MaxPlays + 1 {
		many[id] = []time.Time{noon}
	}
	for _, f := range []func(context.Context, map[int][]time.Time) (map[int]error, error){c.AddPlays, c.DeletePlays} {
		if _, err := f(t.Context(), map[int][]time.Time{1: nil}); err == nil {
			t.Error("a scene without times is accepted")
		}
		if _, err := f(t.Context(), many); err == nil {
			t.Error("too many scenes are accepted")
		}
		if failed, err := f(t.Context(), nil); err != nil || len(failed) > 0 {
			t.Errorf("no scenes: %v, %v", failed, err)
		}
	}
	if n := len(s.Queries()); n != 0 {
		t.Errorf("%d queries", n)
	}
}

func TestManyActivitiesTakeOneQueryForFifty(t *testing.T) {
	s, c := start(t)
	var ids []int
	for range 120 {
		ids = append(ids, s.Add(stashtest.Scene{Plays: []time.Time{noon}})...)
	}
	got, err := c.Activities(t.Context(), ids)
	if err != nil || len(got.Found) != 120 || len(s.Queries()) != 3 {
		t.Errorf("%d found in %d queries, %v", len(got.Found), len(s.Queries()), err)
	}
	plays := make(map[int][]time.Time)
	for _, id := range ids[:stashapi.MaxPlays] {
		plays[id] = []time.Time{noon.Add(time.Minute)}
	}
	s.Forget()
	if failed, err := c.AddPlays(t.Context(), plays); err != nil || len(failed) > 0 || len(s.Queries()) != 1 {
		t.Errorf("%d queries, %v, %v", len(s.Queries()), failed, err)
	}
}

func TestUnavailableStashIsNoRefusal(t *testing.T) {
	for _, f := range []stashtest.Fault{{Status: 500}, {Reset: true}, {Truncate: true}, {Message: "no"}, {Status: http.StatusUnprocessableEntity}} {
		s, c := start(t)
		s.Add(stashtest.Scene{})
		s.Inject(f)
		if failed, err := c.AddPlays(t.Context(), map[int][]time.Time{1: {noon}}); err == nil || len(failed) > 0 {
			t.Errorf("%+v: AddPlays = %v, %v", f, failed, err)
		}
		if got, err := c.Activities(t.Context(), []int{1}); err == nil || len(got.Missing)+len(got.Failed) > 0 {
			t.Errorf("%+v: Activities = %+v, %v", f, got, err)
		}
		if err := c.SaveResume(t.Context(), 1, 5); err == nil {
			t.Errorf("%+v: SaveResume succeeded", f)
		}
		if _, err := c.TrackActivity(t.Context()); err == nil {
			t.Errorf("%+v: TrackActivity succeeded", f)
		}
	}
}

func TestAnswersOfOthersSayNothingOfScenes(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                              "not from Stash",
		`{"data":{"s0":null}}`:            "not from Stash",
		`{"data":{"__typename":"Query"}}`: "no answer",
		`{"data":{"__typename":"Query","s0":{"id":"7"}}}`:                    "another scene",
		`{"data":{"__typename":"Query","s0":{"id":"1","play_history":[7]}}}`: "unexpected form",
		`{"data":null,"errors":[{"message":"no","path":["s9"]}]}`:            "Stash says: ",
		`{"data":null,"errors":[null]}`:                                      "Stash says: ",
	} {
		c := answering(t, body)
		if got, err := c.Activities(t.Context(), []int{1}); err == nil || len(got.Missing) > 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{
		`{}`, `{"data":null}`, `{"data":{"s0":{"count":1}}}`, `{"data":{"__typename":"Mutation"}}`, `{"data":{"__typename":"Mutation","s0":null}}`,
		`{"data":null,"errors":[{"message":"no"}]}`, `{"data":null,"errors":[{"message":"no","path":["s0"]},{"message":"no","path":[0]}]}`,
	} {
		if failed, err := answering(t, body).AddPlays(t.Context(), map[int][]time.Time{1: {noon}}); err == nil || len(failed) > 0 {
			t.Errorf("%s: AddPlays = %v, %v", body, failed, err)
		}
	}
}

// answering returns a client of a Stash that gives every request this answer.
func answering(t *testing.T, body string) *stashapi.Client {
	t.Helper()
	answer := &anyStash{T: t, status: http.StatusOK, body: []byte(body)}
	c, err := stashapi.New(common.StashServerConnection{Scheme: "http", Host: "127.0.0.1", Port: 9999}, stashapi.Options{Transport: answer})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestResumePointIsSet(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{PlayDuration: 60})
	for _, seconds := range []float64{90.25, 0} {
		if err := c.SaveResume(t.Context(), 1, seconds); err != nil {
			t.Fatal(err)
		}
		if scene, _ := s.Scene(1); scene.Resume != seconds || scene.PlayDuration != 60 {
			t.Errorf("after %v: %+v", seconds, scene)
		}
	}
	err := c.SaveResume(t.Context(), 99, 5)
	if e, ok := errors.AsType[*stashapi.Error](err); !ok || e.Unavailable() {
		t.Errorf("a scene that is gone: %v", err)
	}
}

func TestPlaysAreNotedUntilSwitchedOff(t *testing.T) {
	s, c := start(t)
	for _, one := range []struct {
		ui   map[string]any
		want bool
	}{{map[string]any{}, true}, {map[string]any{"trackActivity": true}, true}, {map[string]any{"trackActivity": false}, false}, {map[string]any{"trackActivity": nil}, true}} {
		s.SetUI(one.ui)
		if got, err := c.TrackActivity(t.Context()); err != nil || got != one.want {
			t.Errorf("%v: %v, %v", one.ui, got, err)
		}
	}
}
