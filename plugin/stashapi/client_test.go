package stashapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

func start(t *testing.T) (*stashtest.Server, *stashapi.Client) {
	t.Helper()
	s, err := stashtest.New()
	if err != nil {
		t.Fatal(err)
	}
	c, err := stashapi.New(stashtest.Connection(), stashapi.Options{Timeout: 10 * time.Second, Transport: s.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// hosts records the hosts of requests.
type hosts struct{ seen []string }

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.seen = append(h.seen, r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
	return nil, errors.New("nobody there")
}

func TestBindAddressesBecomeAddressesToDial(t *testing.T) {
	for host, want := range map[string]string{
		"127.0.0.1": "http://127.0.0.1:9999/graphql", "0.0.0.0": "http://127.0.0.1:9999/graphql", "": "http://127.0.0.1:9999/graphql",
		"[::]": "http://[::1]:9999/graphql", "::": "http://[::1]:9999/graphql", "[::1]": "http://[::1]:9999/graphql", "nas": "http://nas:9999/graphql",
	} {
		h := &hosts{}
		c, err := stashapi.New(common.StashServerConnection{Scheme: "http", Host: host, Port: 9999}, stashapi.Options{Transport: h})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Version(t.Context()); err == nil || len(h.seen) != 1 || h.seen[0] != want {
			t.Errorf("%q: asked %v, want %s", host, h.seen, want)
		}
	}
}

func TestUnknownSceneDoesNotFailItsBatch(t *testing.T) {
	s, c := start(t)
	for id := 1; id <= 20; id++ {
		s.Add(stashtest.Scene{ID: id, Title: "T"})
	}
	s.Drop(3)
	s.Drop(17)
	s.Break(9)
	var ids []int
	for id := 1; id <= 20; id++ {
		ids = append(ids, id)
	}
	got, err := c.Scenes(t.Context(), ids)
	if err != nil || len(got.Found) != 17 || !slices.Equal(got.Missing, []int{3, 17}) || got.Failed[9] == nil || len(got.Failed) != 1 {
		t.Errorf("found %d, missing %v, failed %v, %v", len(got.Found), got.Missing, got.Failed, err)
	}
	if e, ok := errors.AsType[*stashapi.Error](got.Failed[9]); !ok || e.Unavailable() {
		t.Errorf("a scene that cannot be read counts as Stash being unavailable: %v", got.Failed[9])
	}
}

func TestNoScenesIsNotAllScenes(t *testing.T) {
	s, c := start(t)
	s.Add(stashtest.Scene{ID: 1})
	if got, err := c.Scenes(t.Context(), nil); err != nil || len(got.Found) != 0 || len(s.Queries()) != 0 {
		t.Errorf("Scenes of none = %+v, %v after %d queries", got, err, len(s.Queries()))
	}
}

func TestSceneIsReadCompletely(t *testing.T) {
	s, c := start(t)
	rating := 60
	s.Add(stashtest.Scene{
		ID: 1, Title: "T", Details: "D", Date: "2024-05", Director: "X", Rating100: &rating, Studio: s.Name("studio", 0, "St"),
		Performers: []int{s.Name("performer", 0, "P")}, Tags: []int{s.Name("tag", 0, "Tag")}, Groups: []int{s.Name("group", 0, "G")},
		Files: []stashtest.File{{Path: "/a.mp4", Size: 5_000_000_000, Duration: 1.5}},
	}, stashtest.Scene{ID: 2})
	got, err := c.Scenes(t.Context(), []int{1, 2})
	if err != nil || len(got.Found) != 2 {
		t.Fatalf("Scenes = %+v, %v", got, err)
	}
	full, bare := got.Found[0], got.Found[1]
	if full.Title != "T" || full.Details != "D" || full.Date != "2024-05" || full.Director != "X" || *full.Rating100 != 60 || full.Studio.Name != "St" ||
		full.Performers[0].Name != "P" || full.Tags[0].Name != "Tag" || full.Groups[0].Name != "G" || full.Files[0].Size != 5_000_000_000 || full.UpdatedAt == "" {
		t.Errorf("scene = %+v", full)
	}
	if bare.Title != "" || bare.Date != "" || bare.Rating100 != nil || bare.Studio != nil || bare.Files != nil {
		t.Errorf("bare scene = %+v", bare)
	}
}

func TestManyScenesAreReadInFifties(t *testing.T) {
	s, c := start(t)
	var ids []int
	for id := 120; id > 0; id-- {
		s.Add(stashtest.Scene{ID: id})
		ids = append(ids, id)
	}
	got, err := c.Scenes(t.Context(), ids)
	if err != nil || len(got.Found) != 120 || got.Found[0].ID != 120 || got.Found[119].ID != 1 {
		t.Errorf("Scenes = %d scenes, %v", len(got.Found), err)
	}
	if q := s.Queries(); len(q) != 3 || len(q[0].Variables["ids"].([]any)) != 50 || len(q[2].Variables["ids"].([]any)) != 20 {
		t.Errorf("%d queries, want 3", len(q))
	}
}

func TestUnavailableStashDiffersFromARefusedQuery(t *testing.T) {
	s, c := start(t)
	synctest.Test(t, func(t *testing.T) {
		for name, f := range map[string]stashtest.Fault{
			"500": {Status: 500, Times: 1}, "401": {Status: 401, Times: 1}, "no answer in time": {Hang: true, Times: 1},
			"too late": {Delay: 11 * time.Second, Times: 1}, "reset": {Reset: true, Times: 1}, "half an answer": {Truncate: true, Times: 1},
		} {
			s.Inject(f)
			_, err := c.Version(t.Context())
			if e, ok := errors.AsType[*stashapi.Error](err); !ok || !e.Unavailable() || e.Status != f.Status && f.Status != 0 {
				t.Errorf("%s: %v", name, err)
			}
			if version, err := c.Version(t.Context()); err != nil || version != "v0.30.1" {
				t.Errorf("after %s: %s, %v", name, version, err)
			}
		}
		s.Inject(stashtest.Fault{Message: "no\nway " + strings.Repeat("ä", 500), Times: 1})
		_, err := c.Version(t.Context())
		if e, ok := errors.AsType[*stashapi.Error](err); !ok || e.Unavailable() || strings.Contains(err.Error(), "\n") || len([]rune(err.Error())) > 300 {
			t.Errorf("a refused query: %v", err)
		}
	})
}

func TestEndOfTheCallersContextIsNoFailureOfStash(t *testing.T) {
	_, c := start(t)
	why := errors.New("the run was stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := c.Version(ctx)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("a cancelled query: %v", err)
	}
	if _, ok := errors.AsType[*stashapi.Error](err); ok {
		t.Errorf("a cancelled query is an error of Stash: %v", err)
	}
	plain, cancelPlain := context.WithCancel(t.Context())
	cancelPlain()
	if _, err := c.Version(plain); err == nil || err.Error() != "cannot ask Stash for its version: context canceled" {
		t.Errorf("a cancelled query: %v", err)
	}
}

func TestListingsAreKeysets(t *testing.T) {
	s, c := start(t)
	zone := time.FixedZone("", -5*3600)
	s.SetZone(zone)
	at := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	if last, err := c.LastScene(t.Context()); err != nil || last != 0 {
		t.Errorf("LastScene = %d, %v, want none", last, err)
	}
	for i := range 30 {
		s.Add(stashtest.Scene{ID: i + 1, Updated: at.Add(time.Duration(i) * time.Hour), Files: []stashtest.File{{Path: "/a"}}})
	}
	l, err := c.AllScenes(t.Context(), 10, 15)
	if err != nil || len(l.Scenes) != 15 || l.Scenes[0].ID != 11 || l.Count != 20 || l.Date.IsZero() || l.Scenes[0].Paths[0] != "/a" {
		t.Errorf("AllScenes = %+v, %v", l, err)
	}
	if last, err := c.LastScene(t.Context()); err != nil || last != 30 {
		t.Errorf("LastScene = %d, %v, want 30", last, err)
	}
	// Text is compared: the bound is meant in the server's own zone.
	l, err = c.UpdatedSince(t.Context(), at.In(zone).Add(20*time.Hour).Format("2006-01-02T15:04:05"), 0, 100)
	if err != nil || len(l.Scenes) != 10 || !strings.HasSuffix(l.Scenes[0].UpdatedAt, "-05:00") {
		t.Errorf("UpdatedSince = %d scenes, %v; want 10", len(l.Scenes), err)
	}
}

func TestSearchReturnsTheLastUpdatedFirst(t *testing.T) {
	s, c := start(t)
	at := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	for id := 1; id <= 5; id++ {
		s.Add(stashtest.Scene{ID: id, Title: fmt.Sprintf("Clip %d", id%2), Updated: at.Add(-time.Duration(id) * time.Hour)})
	}
	for _, want := range []struct {
		text  string
		limit int
		ids   []int
		more  bool
	}{{"clip", 10, []int{1, 2, 3, 4, 5}, false}, {"clip 1", 2, []int{1, 3}, true}, {"nothing", 10, []int{}, false}} {
		ids, more, err := c.Search(t.Context(), want.text, want.limit)
		if err != nil || ids == nil || !slices.Equal(ids, want.ids) || more != want.more {
			t.Errorf("%q: %v, %v, %v", want.text, ids, more, err)
		}
	}
}

func TestOnlyExactPathsAreFound(t *testing.T) {
	s, c := start(t)
	var paths []string
	for i := range 100 {
		path := "/v/" + strings.Repeat("x", i)
		paths = append(paths, path)
		if i%2 == 0 {
			s.Add(stashtest.Scene{ID: i + 1, Files: []stashtest.File{{Path: path}}})
		}
	}
	s.Add(stashtest.Scene{ID: 500, Files: []stashtest.File{{Path: "/V/X"}}})
	got, err := c.ScenesByPath(t.Context(), append(paths, "/v/x", "/v/x"))
	if err != nil || len(got) != 50 || got["/v/xx"] != 3 || got["/v/x"] != 0 {
		t.Errorf("ScenesByPath = %d, %v", len(got), err)
	}
}

func TestPathsThatLookLikePatternsFindOnlyThemselves(t *testing.T) {
	s, c := start(t)
	for id := 1; id <= 1500; id++ {
		s.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: "/v/other"}, {Path: fmt.Sprintf("/v/%04d", id)}}})
	}
	s.Add(stashtest.Scene{ID: 1501, Files: []stashtest.File{{Path: "/v/____"}}})
	got, err := c.ScenesByPath(t.Context(), []string{"/v/____", "/v/%"})
	if err != nil || len(got) != 1 || got["/v/____"] != 1501 {
		t.Errorf("ScenesByPath = %v, %v", got, err)
	}
}

func TestQueueAndTasks(t *testing.T) {
	s, c := start(t)
	if jobs, err := c.JobQueue(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("an empty queue: %v, %v", jobs, err)
	}
	id, err := c.RunPluginTask(t.Context(), "p", "Task", "what it is", map[string]any{"mode": "x"})
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	jobs, err := c.JobQueue(t.Context())
	if err != nil || len(jobs) != 1 || jobs[0].ID != id || jobs[0].Status != "READY" || jobs[0].Description != "Running plugin task: what it is" {
		t.Errorf("queue = %+v, %v", jobs, err)
	}
	s.SetSettings("p", map[string]any{"a": 1.5, "b": true})
	if set, err := c.Settings(t.Context(), "p"); err != nil || set["a"] != 1.5 || set["b"] != true {
		t.Errorf("settings = %v, %v", set, err)
	}
	if set, err := c.Settings(t.Context(), "other"); err != nil || len(set) != 0 {
		t.Errorf("settings of a plugin without any = %v, %v", set, err)
	}
}
