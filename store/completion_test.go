package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/history"
)

func TestOutcomesChargeCounters(t *testing.T) {
	for _, c := range []struct {
		end      Completion
		attempts int
		misses   int
		due      time.Duration // after the completion; -1: the job is gone
	}{
		{Completion{Outcome: Retry, Wait: 7 * time.Second, Class: "temporary", Error: "e"}, 1, 0, 7 * time.Second},
		{Completion{Outcome: Miss, Wait: 30 * time.Second, Class: "not_found", Error: "e"}, 0, 1, 30 * time.Second},
		{Completion{Outcome: Snooze, Wait: 30 * time.Second, Class: "unready", Error: "e"}, 0, 0, 30 * time.Second},
		{Completion{Outcome: Retry, Wait: 24 * time.Hour, Class: "temporary", Error: "e"}, 1, 0, LongestWait},
		{Completion{Outcome: Done}, 0, 0, -1},
		{Completion{Outcome: Drop, Class: "gone", Error: "e"}, 0, 0, -1},
		{Completion{Outcome: ToDeadLetter, Class: "rejected", Error: "e"}, 0, 0, -1},
	} {
		t.Run(string(c.end.Outcome), func(t *testing.T) {
			s := openStore(t)
			enqueueScenes(t, s, t0, InBulk, 1)
			c.end.Job = claim(t, s, t0, ClaimOptions{})[0]
			now := t0.Add(time.Second)
			if !endOne(t, s, now, c.end) {
				t.Fatal("the completion had no effect")
			}
			got, err := s.Job(t.Context(), 1)
			if c.due < 0 {
				if !errors.Is(err, ErrNone) {
					t.Fatalf("the job is still there: %+v, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Attempts != c.attempts || got.Misses != c.misses || !got.DueAt.Equal(now.Add(c.due)) || got.Claim != 0 {
				t.Errorf("job = %+v, want attempts %d, misses %d, due in %v", got, c.attempts, c.misses, c.due)
			}
			if got.Error != "e" || got.ErrorClass != c.end.Class {
				t.Errorf("job keeps error %q of class %q", got.Error, got.ErrorClass)
			}
		})
	}
}

func TestDeadLetterKeepsTheCompleteJob(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, ByPerson, 1)
	j := claim(t, s, t0, ClaimOptions{})[0]
	endOne(t, s, t0, Completion{Job: j, Outcome: Retry, Wait: time.Second, Class: "temporary", Error: "first"})
	now := t0.Add(time.Minute)
	j = claim(t, s, now, ClaimOptions{})[0]
	endOne(t, s, now, Completion{
		Job: j, Outcome: ToDeadLetter, Charge: Retry, Class: "temporary", Error: "last",
		Candidates: []map[string]string{{"path": "/a"}},
	})
	letters, err := s.DeadLetters(t.Context(), Narrow{}, 10)
	if err != nil || len(letters) != 1 {
		t.Fatalf("dead letters = %v, %v", letters, err)
	}
	d := letters[0]
	if d.Job.Attempts != 2 || d.Job.Error != "last" || !d.Job.FirstFailedAt.Equal(t0) || !d.DiedAt.Equal(now) ||
		d.Job.Priority != ByPerson || d.Job.Reason != "test" || string(d.Candidates) != `[{"path":"/a"}]` {
		t.Errorf("dead letter = %+v", d)
	}
	n, err := s.Revive(t.Context(), now, Narrow{SceneID: 1})
	if err != nil || n != 1 {
		t.Fatalf("Revive = %d, %v", n, err)
	}
	if got := jobOf(t, s, 1); got.Attempts != 0 || got.Misses != 0 || !got.DueAt.Equal(now) || got.Priority != ByPerson {
		t.Errorf("revived job = %+v", got)
	}
}

func TestReviveSelectsDeadLetters(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2, 3)
	for _, j := range claim(t, s, t0, ClaimOptions{}) {
		class := "rejected"
		if j.SceneID == 2 {
			class = "not_found"
		}
		endOne(t, s, t0, Completion{Job: j, Outcome: ToDeadLetter, Class: class, Error: "e"})
	}
	for _, c := range []struct {
		n    Narrow
		want int
	}{{Narrow{Class: "not_found"}, 1}, {Narrow{SceneID: 1, Class: "not_found"}, 0}, {Narrow{SceneID: 1}, 1}, {Narrow{}, 1}} {
		if got, err := s.Revive(t.Context(), t0, c.n); err != nil || got != c.want {
			t.Errorf("Revive(%+v) = %d, %v; want %d", c.n, got, err, c.want)
		}
	}
}

func TestRequestRevivesADeadLetter(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: ToDeadLetter, Class: "rejected", Error: "e"})
	enqueueScenes(t, s, t0, InBulk, 1)
	if letters, err := s.DeadLetters(t.Context(), Narrow{}, 10); err != nil || len(letters) != 0 {
		t.Errorf("dead letters = %v, %v; want none", letters, err)
	}
	jobOf(t, s, 1)
}

func TestDeadLettersExpireSlowlyEvenIfTheClockJumps(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1)
	endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: ToDeadLetter, Class: "rejected", Error: "e"})
	day := 24 * time.Hour
	for _, c := range []struct {
		at   time.Duration
		want int
	}{
		{day, 0},
		{365 * day, 0},          // the clock jumped ahead: not that old at the previous call
		{2 * day, 0},            // and back
		{31 * day, 0},           // old enough now, but not at the previous call
		{31*day + time.Hour, 0}, // less than a day later
		{32*day + time.Hour, 1},
	} {
		if got, err := s.ExpireDead(t.Context(), t0.Add(c.at)); err != nil || got != c.want {
			t.Errorf("ExpireDead after %v = %d, %v; want %d", c.at, got, err, c.want)
		}
	}
	if c, err := s.Counts(t.Context(), t0); err != nil || c.ExpiredDead != 1 {
		t.Errorf("counts = %+v, %v; want one expired", c, err)
	}
}

func TestNewFileWakesASceneThatWasPushedWithoutIt(t *testing.T) {
	s := openStore(t)
	file := []FoundFile{{Path: "/v/second.mp4", Size: 7}}
	push := func(awaited ...AwaitedFile) {
		enqueueScenes(t, s, t0, InBulk, 1)
		endOne(t, s, t0, Completion{Job: claim(t, s, t0, ClaimOptions{})[0], Outcome: Done, AwaitedFiles: awaited})
	}
	push(AwaitedFile{Path: "/data/second.mp4", Size: 7})
	for i, want := range []int{1, 0} { // reported twice
		if n, err := s.Wake(t.Context(), t0, file); err != nil || n != want {
			t.Errorf("time %d: Wake = %d, %v; want %d", i+1, n, err, want)
		}
	}
	if j, err := s.Job(t.Context(), 1); err != nil || j.Priority != InBulk || j.DueAt.After(t0) {
		t.Errorf("job = %+v, %v", j, err)
	}
	push() // it has arrived
	if n, err := s.Wake(t.Context(), t0, file); err != nil || n != 0 {
		t.Errorf("Wake = %d, %v after a push with the file", n, err)
	}
}

func TestItemsKeepOriginalValues(t *testing.T) {
	s := openStore(t)
	first := Item{
		Server: "S", RatingKey: "1", Section: "2", Owner: 5,
		Original: map[string]Held{"title": {Value: Value{"old"}, Locked: true}},
		Sent:     map[string]Value{"title": {"new"}},
	}
	if err := s.PutItems(t.Context(), []Item{first}); err != nil {
		t.Fatal(err)
	}
	second := first
	second.Original = map[string]Held{"title": {Value: Value{"ours"}}, "studio": {Locked: true}}
	second.Confirmed = map[string]Value{"title": {"new"}}
	if err := s.PutItems(t.Context(), []Item{second}); err != nil {
		t.Fatal(err)
	}
	items, err := s.Items(t.Context(), "S", []string{"1", "2"})
	if err != nil || len(items) != 1 {
		t.Fatalf("Items = %v, %v", items, err)
	}
	want := second
	want.Original = map[string]Held{"title": {Value: Value{"old"}, Locked: true}, "studio": {Locked: true}}
	if !reflect.DeepEqual(items["1"], want) {
		t.Errorf("item = %+v, want %+v", items["1"], want)
	}
}

func TestAbsentItemsExpireSlowlyEvenIfTheClockJumps(t *testing.T) {
	s := openStore(t)
	items := []Item{{Server: "S", RatingKey: "1"}, {Server: "S", RatingKey: "2"}, {Server: "S", RatingKey: "3", Section: "9"}, {Server: "other", RatingKey: "1"}}
	if err := s.PutItems(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec(`UPDATE item SET absent_since = 1 WHERE server = 'other' OR section = '9'`); err != nil {
		t.Fatal(err)
	}
	day := 24 * time.Hour
	for _, c := range []struct {
		at   time.Duration
		want int // of the items 1 and 2
	}{
		{0, 2},
		{1000 * day, 2}, // the clock jumped ahead: not absent for so long at the previous call
		{day, 2},        // and back
		{89 * day, 2},
		{91 * day, 2}, // long enough now, but not at the previous call
		{92 * day, 1},
	} {
		err := s.LookForAbsent(t.Context(), t0.Add(c.at), "S", []string{"9"}, func([]string) (map[string]bool, error) { return map[string]bool{"2": true}, nil })
		if err != nil {
			t.Fatal(err)
		}
		if items, err := s.Items(t.Context(), "S", []string{"1", "2"}); err != nil || len(items) != c.want {
			t.Errorf("%d items known after %v, %v; want %d", len(items), c.at, err, c.want)
		}
	}
	if items, err := s.Items(t.Context(), "S", []string{"3"}); err != nil || len(items) != 1 {
		t.Errorf("items of a library that is not chosen = %v, %v; want them kept", items, err)
	}
	if items, err := s.Items(t.Context(), "other", []string{"1"}); err != nil || len(items) != 1 {
		t.Errorf("items of another server = %v, %v; want them kept", items, err)
	}
}

func TestItemsKeepTheirImages(t *testing.T) {
	s := openStore(t)
	want := map[string]Image{"thumb": {SHA1: "b", Version: "v2", Selected: "/thumb/2"}, "art": {SHA1: "a"}}
	if err := s.PutItems(t.Context(), []Item{{Server: "S", RatingKey: "1", Images: want}}); err != nil {
		t.Fatal(err)
	}
	if items, err := s.Items(t.Context(), "S", []string{"1"}); err != nil || !reflect.DeepEqual(items["1"].Images, want) {
		t.Errorf("images = %+v, %v; want %+v", items["1"].Images, err, want)
	}
}

func TestFreshItemReplacesTheBaseOfAnotherItem(t *testing.T) {
	s := openStore(t)
	for _, it := range []Item{
		{Owner: 5, Paths: []string{"/a"}, Original: map[string]Held{"title": {Value: Value{"A"}}, "studio": {Locked: true}}},
		{Owner: 6, Paths: []string{"/b"}, Original: map[string]Held{"title": {Value: Value{"B"}}}, Fresh: true},
	} {
		it.Server, it.RatingKey, it.Section = "S", "1", "2"
		if err := s.PutItems(t.Context(), []Item{it}); err != nil {
			t.Fatal(err)
		}
		it.Fresh = false
		if got, err := s.Items(t.Context(), "S", []string{"1"}); err != nil || !reflect.DeepEqual(got["1"], it) {
			t.Errorf("item = %+v, %v; want %+v", got["1"], err, it)
		}
	}
}

func TestOwnersOfItemsAreFoundByIndex(t *testing.T) {
	s := openStore(t)
	if err := s.PutItems(t.Context(), []Item{{Server: "S", RatingKey: "1", Owner: 5}, {Server: "S", RatingKey: "2"}}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]bool{0: false, 4: false, 5: true} {
		if got, err := s.OwnsItem(t.Context(), id); err != nil || got != want {
			t.Errorf("OwnsItem(%d) = %v, %v", id, got, err)
		}
	}
	var id, parent, unused int
	var plan string
	err := s.read.QueryRow(`EXPLAIN QUERY PLAN SELECT 1 FROM item WHERE owner = ? AND owner <> 0`, 5).Scan(&id, &parent, &unused, &plan)
	if err != nil || !strings.Contains(plan, "item_owner") {
		t.Errorf("plan = %q, %v", plan, err)
	}
}

func TestDestroyDeletesEverythingExceptItems(t *testing.T) {
	s := openStore(t)
	enqueueScenes(t, s, t0, InBulk, 1, 2)
	jobs := claim(t, s, t0, ClaimOptions{})
	link := Link{Server: "S", SceneID: 1, RatingKey: "9", Section: "1", Path: "/p", Rule: "path", PushedAt: t0, UpdatedAt: "u"}
	endOne(t, s, t0, Completion{
		Job: jobs[0], Outcome: Done, Items: []Item{{Server: "S", RatingKey: "9", Owner: 1}},
		Links: []Link{link}, Refs: []Ref{{"tag", 3}}, SceneVersion: &SceneVersion{SceneID: 1, UpdatedAt: "u"},
	})
	if links, err := s.Links(t.Context(), 1); err != nil || len(links) != 1 || links[0] != link {
		t.Fatalf("links = %+v, %v; want %+v", links, err, link)
	}
	mark, err := s.RecordHook(t.Context(), t0, HookRecord{Own: Request{SceneID: 1}, Others: []Request{{SceneID: 2}}, Event: "e", Gone: true})
	if err != nil || mark.Ask {
		t.Fatalf("RecordHook = %+v, %v; want no run asked for", mark, err)
	}
	for _, table := range []string{"job", "link", "link_ref", "scene_version"} {
		var n int
		if err := s.read.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s holds %d rows, %v", table, n, err)
		}
	}
	if items, err := s.Items(t.Context(), "S", []string{"9"}); err != nil || len(items) != 1 {
		t.Errorf("items = %v, %v; want the item kept", items, err)
	}
}

func TestSceneDestroyedDuringItsPushStaysGone(t *testing.T) {
	s := openStore(t)
	record(t, s, t0, own(1))
	j := claim(t, s, t0, ClaimOptions{})[0]
	if _, err := s.RecordHook(t.Context(), t0, HookRecord{Own: Request{SceneID: 1}, Gone: true}); err != nil {
		t.Fatal(err)
	}
	endOne(t, s, t0, Completion{
		Job: j, Outcome: Done, Items: []Item{{Server: "S", RatingKey: "9", Owner: 1}}, Refs: []Ref{{"tag", 3}},
		Links:        []Link{{Server: "S", SceneID: 1, RatingKey: "9", Section: "1", Path: "/p", Rule: "path", PushedAt: t0}},
		SceneVersion: &SceneVersion{SceneID: 1, UpdatedAt: "u"},
	})
	for _, table := range []string{"job", "link", "link_ref", "scene_version", "attempt_log"} {
		var n int
		if err := s.read.QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s holds %d rows of the destroyed scene, %v", table, n, err)
		}
	}
	if items, err := s.Items(t.Context(), "S", []string{"9"}); err != nil || len(items) != 1 {
		t.Errorf("items = %v, %v; want the base of what was written", items, err)
	}
}

func TestEditDuringAPushKeepsWhatWasPushed(t *testing.T) {
	s := openStore(t)
	record(t, s, t0, own(1))
	j := claim(t, s, t0, ClaimOptions{})[0]
	record(t, s, t0, own(1))
	endOne(t, s, t0, Completion{
		Job: j, Outcome: Done, SceneVersion: &SceneVersion{SceneID: 1, UpdatedAt: "u"},
		Links: []Link{{Server: "S", SceneID: 1, RatingKey: "9", Section: "1", Path: "/p", Rule: "path", PushedAt: t0}},
	})
	if links, err := s.Links(t.Context(), 1); err != nil || len(links) != 1 {
		t.Errorf("links = %v, %v; want the one that was pushed", links, err)
	}
	jobOf(t, s, 1)
}

func TestAttemptLogIsBounded(t *testing.T) {
	s := openStore(t)
	for i := range 3 * history.PerScene {
		now := t0.Add(time.Duration(i) * time.Minute)
		enqueueScenes(t, s, now, InBulk, 1)
		endOne(t, s, now, Completion{Job: claim(t, s, now, ClaimOptions{})[0], Outcome: Done, Note: "synced"})
	}
	list, err := s.Attempts(t.Context(), 1)
	if err != nil || len(list) != history.PerScene || list[0].Outcome != "synced" || !list[0].At.After(list[1].At) {
		t.Errorf("attempts = %d, %v; want %d, newest first", len(list), err, history.PerScene)
	}
}
