package store

import (
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// choose stores a choice of a file on server S, in an item that also has other files.
func choose(t *testing.T, s *Store, scene int, path, key string, others ...string) (c chosen.Change, err error) {
	t.Helper()
	err = s.EnqueueWith(t.Context(), t0, func(tx *sqlitefile.Tx) ([]Request, error) {
		c, err = chosen.Choose(t.Context(), tx, chosen.Choice{Server: "S", SceneID: scene, Path: path, Size: 5, RatingKey: key, At: t0}, others)
		return []Request{{SceneID: scene, Reason: "chosen"}}, err
	})
	return c, err
}

func choicesOf(t *testing.T, s *Store, scenes ...int) map[int]chosen.Choice {
	t.Helper()
	choices, err := chosen.Choices{Queue: s, Server: "S"}.OfScenes(t.Context(), scenes)
	if err != nil {
		t.Fatal(err)
	}
	return choices
}

func TestChoices(t *testing.T) {
	s := openStore(t)
	if c, err := choose(t, s, 1, `D:\v\a.mp4`, "10"); err != nil || c.Before != nil {
		t.Fatalf("%+v, %v", c, err)
	}
	want := chosen.Choice{Server: "S", SceneID: 1, Path: "D:/v/a.mp4", Size: 5, RatingKey: "10", At: t0}
	if got := choicesOf(t, s, 1, 2); len(got) != 1 || got[1].Path != want.Path || got[1].RatingKey != "10" || !got[1].At.Equal(t0) || got[1].Size != 5 {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, path := range []string{"D:/v/a.mp4", "/another/of/the/item"} {
		_, err := choose(t, s, 2, path, "10", `D:\v\a.mp4`)
		if taken, ok := errors.AsType[*chosen.TakenError](err); !ok || taken.Scene != 1 {
			t.Errorf("%s for scene 2: %v", path, err)
		}
	}
	if _, err := s.Job(t.Context(), 2); !errors.Is(err, ErrNone) {
		t.Errorf("a refused choice has queued its scene: %v", err)
	}
	if c, err := choose(t, s, 1, "/v/b.mp4", "11"); err != nil || c.Before == nil || c.Before.Path != want.Path {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := choose(t, s, 2, "D:/v/a.mp4", "10"); err != nil || c.Before != nil {
		t.Errorf("a file that is free again: %+v, %v", c, err)
	}
	got, err := chosen.Choices{Queue: s, Server: "S"}.ByFiles(t.Context(), []string{`D:\v\a.mp4`, "/v//b.mp4", "/v/c.mp4"})
	if want := map[string]int{"D:/v/a.mp4": 2, "/v/b.mp4": 1}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if got, err := (chosen.Choices{Queue: s, Server: "another"}).ByFiles(t.Context(), []string{"/v/b.mp4"}); err != nil || len(got) != 0 {
		t.Errorf("on another server: %v, %v", got, err)
	}
}

func TestPushNotesTheItemOfAChosenFile(t *testing.T) {
	s := openStore(t)
	push := func(links ...Link) {
		t.Helper()
		enqueueScenes(t, s, t0, InBulk, 1)
		for i := range links {
			links[i].Server, links[i].SceneID = "S", 1
		}
		endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Done, Links: links})
	}
	if _, err := choose(t, s, 1, "/v/a.mp4", "10"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		links []Link
		want  string
	}{
		{"by a rule", []Link{{RatingKey: "20", Path: "/v/a.mp4", Rule: "path"}}, "10"},
		{"of two libraries, one as before", []Link{{RatingKey: "20", Path: "/v/a.mp4", Rule: chosen.Rule}, {RatingKey: "10", Path: "/v/a.mp4", Rule: chosen.Rule}}, "10"},
		{"with another key", []Link{{RatingKey: "20", Path: "/v/a.mp4", Rule: chosen.Rule}}, "20"},
		{"of an earlier choice", []Link{{RatingKey: "30", Path: "/v/b.mp4", Rule: chosen.Rule}}, "20"},
	} {
		push(c.links...)
		if got := choicesOf(t, s, 1)[1].RatingKey; got != c.want {
			t.Errorf("%s: item %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEndOfASceneEndsItsChoice(t *testing.T) {
	s := openStore(t)
	for scene, path := range map[int]string{1: "/a", 2: "/b"} {
		if _, err := choose(t, s, scene, path, "10"); err != nil {
			t.Fatal(err)
		}
	}
	enqueueScenes(t, s, t0, InBulk, 3)
	endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{Only: 3})[0], Outcome: Drop, AwaitedFiles: []AwaitedFile{{Path: "/a", Rival: 1}}})
	if linked, err := s.LinkedBetween(t.Context(), 0, 10); err != nil || !slices.Equal(linked, []int{1, 2}) {
		t.Errorf("a listing of Stash looks for scenes %v, %v; want 1 and 2", linked, err)
	}
	record(t, s, t0, HookRecord{Own: Request{SceneID: 1}, Gone: true})
	if got := choicesOf(t, s, 1, 2); len(got) != 1 || got[2].Path != "/b" {
		t.Errorf("left: %+v", got)
	}
	if j := jobOf(t, s, 3); j.DueAt.After(t0) {
		t.Errorf("the scene that waits for the end of the choice is due at %v", j.DueAt)
	}
}

func TestChoicesSurviveDamage(t *testing.T) {
	for table, want := range map[string]string{"attempt_log": "/new", "manual_link": "/old"} { // read, or taken from the copy
		t.Run(table, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s := openIn(t, dir)
			if _, err := choose(t, s, 1, "/old", "10"); err != nil {
				t.Fatal(err)
			}
			if made, err := s.CopyDaily(t.Context(), t0.Add(time.Hour)); err != nil || !made {
				t.Fatal(made, err)
			}
			if _, err := choose(t, s, 1, "/new", "11"); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damageTable(t, dir, table)
			suspect(t, dir)
			s, _ = recovered(t, dir)
			if got := choicesOf(t, s, 1)[1].Path; got != want {
				t.Errorf("the chosen file is %q, want %q", got, want)
			}
		})
	}
}
