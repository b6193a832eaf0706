package relink_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
)

var (
	t0  = time.UnixMilli(1_700_000_000_000)
	now = t0.Add(time.Hour)
)

// queue is a queue with scenes that were pushed at t0, scene n to item 10n with the file /data/n.mp4 of n bytes.
type queue struct {
	*testing.T
	*store.Store
}

func newQueue(t *testing.T, scenes ...int) queue {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	q := queue{t, s}
	for _, id := range scenes {
		q.push(id)
	}
	return q
}

func (q queue) must(err error) {
	q.Helper()
	if err != nil {
		q.Fatal(err)
	}
}

func path(id int) string { return "/data/" + string(rune('0'+id)) + ".mp4" }
func key(id int) string  { return string(rune('0'+id)) + "0" }

func (q queue) enqueue(at time.Time, id, priority int) {
	q.Helper()
	q.must(q.Enqueue(q.Context(), at, []store.Request{{SceneID: id, Reason: "edited", Priority: priority}}))
}

func (q queue) claim(at time.Time, id int) store.Job {
	q.Helper()
	jobs, _, err := q.Claim(q.Context(), at, store.ClaimOptions{Only: id, Wait: func(store.Job) time.Duration { return time.Minute }})
	q.must(err)
	if len(jobs) != 1 {
		q.Fatalf("claimed %+v", jobs)
	}
	return jobs[0]
}

func (q queue) complete(at time.Time, e store.Completion) {
	q.Helper()
	_, err := q.Complete(q.Context(), at, []store.Completion{e})
	q.must(err)
}

func (q queue) push(id int) {
	q.Helper()
	q.enqueue(t0, id, store.InBulk)
	q.complete(t0, store.Completion{
		Job: q.claim(t0, id), Outcome: store.Done, SceneVersion: &store.SceneVersion{SceneID: id},
		Links: []store.Link{{Server: "S", SceneID: id, RatingKey: key(id), Section: "1", Path: path(id), Size: int64(id), Rule: "path", PushedAt: t0}},
	})
}

// note notes a file and returns the scenes that are due for a look.
func (q queue) note(f relink.File) []relink.Scene {
	q.Helper()
	q.must(relink.Note(q.Context(), q, now, "S", []relink.File{f}))
	return q.due(now)
}

func (q queue) due(at time.Time) []relink.Scene {
	q.Helper()
	scenes, err := relink.Due(q.Context(), q, at, "S", 10)
	q.must(err)
	return scenes
}

// look completes the look at scenes, all of which are lost.
func (q queue) look(scenes []relink.Scene) int {
	q.Helper()
	for i := range scenes {
		scenes[i].Lost = true
	}
	n, err := relink.Complete(q.Context(), q, now, scenes)
	q.must(err)
	return n
}

func TestFileConcernsScenesWithoutALinkToItsItem(t *testing.T) {
	for name, c := range map[string]struct {
		file relink.File
		want int
	}{
		"a new item":             {relink.File{RatingKey: "99", Path: path(1), Size: 1}, 1},
		"in other case":          {relink.File{RatingKey: "99", Path: "/DATA/1.MP4", Size: 1}, 1},
		"with backslashes":       {relink.File{RatingKey: "99", Path: `\data\1.mp4`, Size: 1}, 1},
		"the key of another":     {relink.File{RatingKey: key(2), Path: path(1), Size: 1}, 1},
		"another size":           {relink.File{RatingKey: key(1), Path: path(1), Size: 7}, 1},
		"the same":               {relink.File{RatingKey: key(1), Path: path(1), Size: 1}, 0},
		"of unknown size":        {relink.File{RatingKey: key(1), Path: path(1)}, 0},
		"in another place":       {relink.File{RatingKey: "99", Path: "/other/1.mp4", Size: 1}, 0},
		"elsewhere, in its item": {relink.File{RatingKey: key(1), Path: "/other/1.mp4", Size: 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, 1, 2)
			scenes := q.note(c.file)
			if len(scenes) != c.want {
				t.Fatalf("due for a look: %+v, want %d", scenes, c.want)
			}
			if c.want == 0 {
				return
			}
			if s := scenes[0]; s.ID != 1 || s.Size != 1 || len(s.Keys) != 1 || s.Keys[0] != key(1) || len(s.Paths) != 1 || s.Paths[0] != path(1) || !s.PushedAt.Equal(t0) {
				t.Errorf("due for a look: %+v", s)
			}
			if n := q.look(scenes); n != 1 {
				t.Errorf("%d jobs were added", n)
			}
			if j, err := q.Job(t.Context(), 1); err != nil || j.Priority != store.InBulk || !j.DueAt.Equal(now) {
				t.Errorf("job = %+v, %v", j, err)
			}
			if left := q.due(now.Add(time.Hour)); len(left) > 0 {
				t.Errorf("still due for a look: %+v", left)
			}
		})
	}
}

// The links of another server say nothing about this one's items.
func TestLinkOfAnotherServerNamesNothing(t *testing.T) {
	q := newQueue(t, 1)
	q.must(relink.Note(t.Context(), q, now, "T", []relink.File{{RatingKey: "99", Path: path(1), Size: 1}}))
	scenes, err := relink.Due(t.Context(), q, now, "T", 10)
	q.must(err)
	if len(scenes) != 1 || len(scenes[0].Paths) > 0 {
		t.Errorf("%+v", scenes)
	}
}

func TestLookDoesNotTouchQueuedScenes(t *testing.T) {
	later := now.Add(relink.Pause)
	for name, c := range map[string]struct {
		setup func(q queue)
		again bool // the scene is looked at again later
	}{
		"an edit waits": {func(q queue) { q.enqueue(now, 1, store.ByPerson) }, false},
		"a retry waits": {func(q queue) {
			q.enqueue(now, 1, store.InBulk)
			q.complete(now, store.Completion{Job: q.claim(now, 1), Outcome: store.Retry, Class: "temporary", Error: "e", Wait: time.Minute})
		}, false},
		"it is being pushed": {func(q queue) {
			q.enqueue(now, 1, store.ByPerson)
			q.claim(now, 1)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			q := newQueue(t, 1)
			c.setup(q)
			before, err := q.Job(t.Context(), 1)
			q.must(err)
			if n := q.look(q.note(relink.File{RatingKey: "99", Path: path(1), Size: 1})); n != 0 {
				t.Errorf("%d jobs were added", n)
			}
			if after, err := q.Job(t.Context(), 1); err != nil || after != before {
				t.Errorf("job = %+v, %v; was %+v", after, err, before)
			}
			if early := q.due(later.Add(-time.Second)); len(early) > 0 {
				t.Errorf("looked at too early: %+v", early)
			}
			if again := len(q.due(later)) > 0; again != c.again {
				t.Errorf("looked at again: %v, want %v", again, c.again)
			}
		})
	}
}

func TestLookLeavesDeadLettersAndRestoredScenes(t *testing.T) {
	q := newQueue(t, 1, 2)
	q.enqueue(now, 1, store.InBulk)
	q.complete(now, store.Completion{Job: q.claim(now, 1), Outcome: store.ToDeadLetter, Class: "rejected", Error: "e"})
	_, err := q.CompleteRestore(t.Context(), now, store.Restored{Server: "S", Began: now, Scenes: []int{2}})
	q.must(err)
	q.note(relink.File{RatingKey: "98", Path: path(1), Size: 1})
	if n := q.look(q.note(relink.File{RatingKey: "99", Path: path(2), Size: 2})); n != 0 {
		t.Errorf("%d jobs were added", n)
	}
	if letters, err := q.DeadLetters(t.Context(), store.Narrow{}, 10); err != nil || len(letters) != 1 {
		t.Errorf("dead letters = %+v, %v", letters, err)
	}
	if left := q.due(now.Add(time.Hour)); len(left) > 0 {
		t.Errorf("still due for a look: %+v", left)
	}
}

func TestSceneThatIsGoneIsNotLookedAt(t *testing.T) {
	q := newQueue(t, 1)
	q.note(relink.File{RatingKey: "99", Path: path(1), Size: 1})
	q.must(q.Forget(t.Context(), now, []int{1}))
	if left := q.due(now); len(left) > 0 {
		t.Errorf("due for a look: %+v", left)
	}
}

// A clock that was wrong cannot put a look off: a time further ahead than any wait counts as past.
func TestClockThatWasWrongPutsNoLookOff(t *testing.T) {
	q := newQueue(t, 1)
	q.note(relink.File{RatingKey: "99", Path: path(1), Size: 1})
	if scenes := q.due(now.Add(-365 * 24 * time.Hour)); len(scenes) != 1 {
		t.Errorf("due for a look a year earlier: %+v, want the scene", scenes)
	}
}

// Links that an earlier build has written are filled in step by step.
func TestFillAddsTheFilesOfAllLinks(t *testing.T) {
	q := newQueue(t, 1, 2, 3, 4, 5)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(q.Dir(), "queue.db"))
	q.must(err)
	defer db.Close()
	_, err = db.Exec(`DELETE FROM link_file WHERE scene_id <> 5`)
	q.must(err)
	if scenes := q.note(relink.File{RatingKey: "99", Path: path(2), Size: 1}); len(scenes) > 0 {
		t.Fatalf("due for a look: %+v", scenes)
	}
	steps := 0
	for more := true; more; steps++ {
		if more, err = relink.Fill(t.Context(), q, now, 2); err != nil || steps > 10 {
			t.Fatal(steps, err)
		}
	}
	if steps < 3 {
		t.Errorf("filled in %d steps", steps)
	}
	for id := 1; id <= 5; id++ {
		scenes := q.note(relink.File{RatingKey: "99", Path: path(id), Size: 1})
		if len(scenes) != id || !slices.ContainsFunc(scenes, func(s relink.Scene) bool { return s.ID == id && (s.Size != 0) == (id == 5) }) {
			t.Errorf("due for a look: %+v, want scenes 1 to %d, and the size only of scene 5", scenes, id)
		}
	}
}

// A scene with more links than one step takes does not stop the filling.
func TestFillPassesASceneWithManyLinks(t *testing.T) {
	q := newQueue(t, 1, 2, 3)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(q.Dir(), "queue.db"))
	q.must(err)
	defer db.Close()
	_, err = db.Exec(`DELETE FROM link_file`)
	q.must(err)
	for _, key := range []string{"91", "92", "93"} {
		_, err = db.Exec(`INSERT INTO link (server, scene_id, rating_key, section, path, rule, pushed_at, updated_at, restored)
			SELECT server, scene_id, ?, section, path, rule, pushed_at, updated_at, restored FROM link WHERE scene_id = 2 LIMIT 1`, key)
		q.must(err)
	}
	steps := 0
	for more := true; more; steps++ {
		if more, err = relink.Fill(t.Context(), q, now, 2); err != nil || steps > 10 {
			t.Fatal(steps, err)
		}
	}
	if scenes := q.note(relink.File{RatingKey: "99", Path: path(3), Size: 1}); len(scenes) != 1 || scenes[0].ID != 3 {
		t.Errorf("due for a look: %+v, want scene 3", scenes)
	}
}

func TestFileThatASceneNoLongerShowsDoesNotConcernIt(t *testing.T) {
	q := newQueue(t, 1)
	q.enqueue(t0, 1, store.InBulk)
	q.complete(t0, store.Completion{
		Job: q.claim(t0, 1), Outcome: store.Done,
		Links: []store.Link{{Server: "S", SceneID: 1, RatingKey: key(1), Section: "1", Path: "/moved.mp4", Size: 1, PushedAt: t0}},
	})
	if scenes := q.note(relink.File{RatingKey: "99", Path: path(1), Size: 1}); len(scenes) > 0 {
		t.Errorf("due for a look: %+v", scenes)
	}
	if scenes := q.note(relink.File{RatingKey: "99", Path: "/moved.mp4", Size: 1}); len(scenes) != 1 {
		t.Errorf("due for a look: %+v, want the scene", scenes)
	}
}

func TestLookConcernsOnlyTheFileThatIsNew(t *testing.T) {
	q := newQueue(t, 1)
	q.enqueue(t0, 1, store.InBulk)
	link := store.Link{Server: "S", SceneID: 1, RatingKey: key(1), Section: "1", Path: path(1), Size: 1, PushedAt: t0}
	second := store.Link{Server: "S", SceneID: 1, RatingKey: key(2), Section: "1", Path: path(2), Size: 2, PushedAt: t0}
	q.complete(t0, store.Completion{Job: q.claim(t0, 1), Outcome: store.Done, Links: []store.Link{link, second}})
	scenes := q.note(relink.File{RatingKey: "99", Path: path(2), Size: 2})
	if len(scenes) != 1 || scenes[0].Size != 2 || !slices.Equal(scenes[0].Paths, []string{path(2)}) || !slices.Equal(scenes[0].Keys, []string{key(1), key(2)}) {
		t.Errorf("due for a look: %+v, want the second file, and the keys of both", scenes)
	}
}
