package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// pushed gives a scene links, the first n of them restored.
func pushed(t *testing.T, s *Store, scene, links, restored int) {
	t.Helper()
	enqueueScenes(t, s, t0, InBulk, scene)
	e := Completion{Job: claim(t, s, t0, ClaimOptions{Only: scene})[0], Outcome: Done, Refs: []Ref{{"performer", 7}}}
	for i := range links {
		e.Links = append(e.Links, Link{
			Server: "S", SceneID: scene, RatingKey: fmt.Sprintf("%d%d", scene, i), Section: "1", Path: "/p", Rule: "path",
			PushedAt: t0, Restored: i < restored,
		})
	}
	endOne(t, s, t0, e)
}

// restoredOf returns the scenes with links that are all restored.
func restoredOf(t *testing.T, s *Store, scenes []int) map[int]bool {
	t.Helper()
	restored := make(map[int]bool)
	for _, id := range scenes {
		links, err := s.Links(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if len(links) > 0 && !slices.ContainsFunc(links, func(l Link) bool { return !l.Restored }) {
			restored[id] = true
		}
	}
	return restored
}

func isRestored(t *testing.T, s *Store, scene int) bool {
	t.Helper()
	return restoredOf(t, s, []int{scene})[scene]
}

func TestCatchUpSkipsRestoredScenes(t *testing.T) {
	s := openStore(t)
	pushed(t, s, 1, 2, 2)
	pushed(t, s, 2, 2, 1)
	page := Page{Scenes: []SceneVersion{{SceneID: 1, UpdatedAt: "b", Paths: 1}, {SceneID: 2, UpdatedAt: "b", Paths: 1}}}
	if n, err := s.CatchUp(t.Context(), t0, page); err != nil || n != 1 {
		t.Errorf("CatchUp = %d, %v; want the scene alone that is not restored", n, err)
	}
	if _, err := s.Job(t.Context(), 1); !errors.Is(err, ErrNone) {
		t.Errorf("the restored scene has a job: %v", err)
	}
	enqueueScenes(t, s, t0, InBulk, 1) // a user requests it again
	if _, err := s.ClearQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := s.CatchUp(t.Context(), t0, page); err != nil || n != 0 {
		t.Errorf("CatchUp = %d, %v; want the version of the restored scene noted the first time", n, err)
	}
}

func TestUserRequestEndsTheRestoredState(t *testing.T) {
	for name, wish := range map[string]func(t *testing.T, s *Store) error{
		"Scene.Update": func(t *testing.T, s *Store) error {
			_, err := s.RecordHook(t.Context(), t0, own(1))
			return err
		},
		"bulk edit": func(t *testing.T, s *Store) error {
			_, err := s.RecordHook(t.Context(), t0, HookRecord{Own: Request{SceneID: 9}, Others: []Request{{SceneID: 1}}, Event: "e"})
			return err
		},
		"sync-scene": func(t *testing.T, s *Store) error {
			return s.Enqueue(t.Context(), t0, []Request{{SceneID: 1, Reason: "sync-scene"}})
		},
		"Sync all": func(t *testing.T, s *Store) error {
			return s.EnqueueSceneVersions(t.Context(), t0, []SceneVersion{{SceneID: 1}}, "Sync all")
		},
		"revived by hand": func(t *testing.T, s *Store) error {
			if _, err := s.write.Exec(`INSERT INTO dead_letter SELECT 1, 'r', 1, 0, 0, 0, 0, NULL, 'rejected', 'e', '[]', 0, ''`); err != nil {
				return err
			}
			_, err := s.Revive(t.Context(), t0, Narrow{Class: "rejected"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			pushed(t, s, 1, 2, 2)
			pushed(t, s, 2, 1, 1)
			if err := wish(t, s); err != nil {
				t.Fatal(err)
			}
			jobOf(t, s, 1)
			if isRestored(t, s, 1) || !isRestored(t, s, 2) {
				t.Errorf("restored: scene 1 %v, scene 2 %v; want only the other scene", isRestored(t, s, 1), isRestored(t, s, 2))
			}
		})
	}
}

func TestNewFileDoesNotWakeARestoredScene(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	endOne(t, s, t0, Completion{
		Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: ToDeadLetter, Charge: Miss, Class: "not_found", Error: "e",
		AwaitedFiles: []AwaitedFile{{Path: "/a/b.mp4", Size: 1}},
	})
	if _, err := s.write.Exec(`INSERT INTO link SELECT 'S', 1, '9', '1', '/p', 'path', 0, '', 1`); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Wake(t.Context(), t0, []FoundFile{{Path: "/x/b.mp4", Size: 1}}); err != nil || n != 0 {
		t.Errorf("Wake = %d, %v; want the dead letter of the restored scene left", n, err)
	}
}

func TestEditDuringARestoreStaysQueued(t *testing.T) {
	s := openStore(t)
	pushed(t, s, 1, 1, 0)
	pushed(t, s, 2, 1, 0)
	enqueueScenes(t, s, t0, InBulk, 1)
	began := t0.Add(time.Minute)
	enqueueScenes(t, s, began.Add(time.Second), InBulk, 2)
	r := Restored{Server: "S", Began: began, Whole: []string{"10", "20"}, Scenes: []int{1, 2}}
	if dropped, err := s.CompleteRestore(t.Context(), began.Add(2*time.Second), r); err != nil || dropped != 1 {
		t.Fatalf("%d jobs were deleted, want 1: %v", dropped, err)
	}
	if _, err := s.Job(t.Context(), 1); !errors.Is(err, ErrNone) {
		t.Errorf("what waited before the restore is still queued: %v", err)
	}
	if _, err := s.Job(t.Context(), 2); err != nil {
		t.Errorf("the edit during the restore is lost: %v", err)
	}
	if !isRestored(t, s, 1) {
		t.Error("the scene is not marked")
	}
}

func TestLinkOfARestoreHasNoPushTime(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1) // the scene is known but was never pushed
	if err := s.PutItems(t.Context(), []Item{{Server: "S", RatingKey: "10", Section: "1", Owner: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CompleteRestore(t.Context(), t0, Restored{Server: "S", Began: t0, Whole: []string{"10"}, Scenes: []int{1}}); err != nil {
		t.Fatal(err)
	}
	links, err := s.Links(t.Context(), 1)
	if err != nil || len(links) != 1 || !links[0].PushedAt.IsZero() {
		t.Errorf("links = %+v, %v", links, err)
	}
}
