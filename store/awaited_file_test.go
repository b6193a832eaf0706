package store

import (
	"testing"
	"time"
)

// missed completes a claim of scene 1 as not found.
func missed(t *testing.T, s *Store, now time.Time, outcome Outcome) {
	t.Helper()
	endOne(t, s, now, Completion{
		Job: claim(t, s, now, ClaimOptions{})[0], Outcome: outcome, Charge: Miss, Wait: time.Second, Class: "not_found", Error: "e",
		AwaitedFiles: []AwaitedFile{{Path: "/a/b.mp4", Size: 1}},
	})
}

// wakeAll reports that the file has appeared.
func wakeAll(t *testing.T, s *Store, now time.Time) int {
	t.Helper()
	n, err := s.Wake(t.Context(), now, []FoundFile{{Path: "/x/b.mp4", Size: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNewFileWakesWaitingScenes(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2, 3, 4)
	for _, j := range claim(t, s, t0, ClaimOptions{}) {
		e := Completion{
			Job: j, Outcome: Miss, Wait: 10 * time.Minute, Class: "not_found", Error: "e",
			AwaitedFiles: []AwaitedFile{{Path: "/stash/Movies/Clip.mp4", Size: 100}},
		}
		switch j.SceneID {
		case 2: // dead letter because its file is missing
			e.Outcome, e.Charge = ToDeadLetter, Miss
		case 3: // another file of the same name
			e.AwaitedFiles[0] = AwaitedFile{Path: "/stash/Other/clip.mp4", Size: 999}
		case 4: // never missed
			e = Completion{Job: j, Outcome: Retry, Wait: 10 * time.Minute, Class: "temporary", Error: "e"}
		}
		endOne(t, s, t0, e)
	}
	now := t0.Add(time.Minute)
	n, err := s.Wake(t.Context(), now, []FoundFile{{Path: `D:\media\movies\clip.MP4`, Size: 100}})
	if err != nil || n != 2 {
		t.Fatalf("Wake = %d, %v; want 2", n, err)
	}
	for id, due := range map[int]bool{1: true, 2: true, 3: false, 4: false} {
		got := jobOf(t, s, id)
		if got.DueAt.Equal(now) != due {
			t.Errorf("scene %d is due at %v, want due now: %v", id, got.DueAt, due)
		}
		if due && got.Misses != 0 {
			t.Errorf("scene %d has %d misses", id, got.Misses)
		}
	}
}

func TestNewFileDoesNotWakeAfterATemporaryFailure(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	missed(t, s, t0, Miss)
	now := t0.Add(time.Minute)
	j := claim(t, s, now, ClaimOptions{})[0]
	endOne(t, s, now, Completion{Job: j, Outcome: Retry, Wait: 5 * time.Minute, Class: "temporary", Error: "429"})
	if n := wakeAll(t, s, now); n != 0 || !jobOf(t, s, 1).DueAt.Equal(now.Add(5*time.Minute)) {
		t.Errorf("woke %d; the job is due at %v, want the wait that Plex asked for", n, jobOf(t, s, 1).DueAt)
	}
}

func TestNewFileDoesNotReviveACrashedJob(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	missed(t, s, t0, Miss)
	now := t0
	for range crashLimit + 1 {
		now = now.Add(time.Minute)
		claim(t, s, now, ClaimOptions{}) // and the process dies
	}
	if n := wakeAll(t, s, now); n != 0 {
		t.Errorf("woke %d, want the crashed job to stay", n)
	}
	list, err := s.Attempts(t.Context(), 1)
	if err != nil || len(list) != 2 || list[0].Class != ClassCrashed || !list[0].At.Equal(now) {
		t.Errorf("attempts = %+v, %v; want the dead letter first", list, err)
	}
}

func TestSceneIsDueOnceTheOwnerOfItsItemIsGone(t *testing.T) {
	for name, gone := range map[string]func(s *Store, scenes ...int) (asks bool, err error){
		"by a hook": func(s *Store, scenes ...int) (bool, error) {
			h := HookRecord{Own: Request{SceneID: scenes[0]}, Gone: true, First: true}
			for _, id := range scenes[1:] {
				h.Others = append(h.Others, Request{SceneID: id})
			}
			mark, err := s.RecordHook(t.Context(), t0, h)
			return mark.Ask, err
		},
		"by a listing": func(s *Store, scenes ...int) (bool, error) { return true, s.Forget(t.Context(), t0, scenes) },
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			enqueueScenes(t, s, t0, InBulk, 2, 3, 4)
			for _, j := range claim(t, s, t0, ClaimOptions{}) {
				rival := map[int]int{2: 1, 3: 5, 4: 1}[j.SceneID]
				endOne(t, s, t0, Completion{Job: j, Outcome: Drop, Class: "skipped", Error: "e", AwaitedFiles: []AwaitedFile{{Path: "/a/b.mp4", Size: 1, Rival: rival}}})
			}
			if asks, err := gone(s, 9); err != nil || asks && name == "by a hook" {
				t.Errorf("the end of a scene that no scene awaits asks for a run: %v, %v", asks, err)
			}
			if asks, err := gone(s, 1, 4); err != nil || !asks {
				t.Errorf("the end of an owner asks for a run: %v, %v", asks, err)
			}
			due := claim(t, s, t0, ClaimOptions{})
			if len(due) != 1 || due[0].SceneID != 2 || due[0].Reason != "the scene that owned its item is gone" {
				t.Errorf("due = %+v, want scene 2 alone", due)
			}
		})
	}
}

func TestExpiredDeadLetterAwaitsNoFile(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	missed(t, s, t0, ToDeadLetter)
	for _, day := range []int{1, 31, 33} {
		if _, err := s.ExpireDead(t.Context(), t0.Add(time.Duration(day)*25*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if yes, err := s.HasAwaitedFiles(t.Context()); err != nil || yes {
		t.Errorf("HasAwaitedFiles = %v, %v; want no awaited file", yes, err)
	}
}
