package store

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func record(t *testing.T, s *Store, now time.Time, h HookRecord) bool {
	t.Helper()
	mark, err := s.RecordHook(t.Context(), now, h)
	if err != nil {
		t.Fatal(err)
	}
	return mark.Ask
}

// asked records the first hook and the result of its request.
func asked(t *testing.T, s *Store, ok, busy bool) {
	t.Helper()
	mark, err := s.RecordHook(t.Context(), t0, own(1))
	if err != nil || !mark.Ask {
		t.Fatalf("RecordHook = %+v, %v; want the first hook to ask", mark, err)
	}
	if err := s.Asked(t.Context(), t0, mark, ok, busy); err != nil {
		t.Fatal(err)
	}
}

func own(id int) HookRecord { return HookRecord{Own: Request{SceneID: id, Reason: "edited"}} }

func TestExactlyOneHookAsks(t *testing.T) {
	s := openStore(t)
	asked := 0
	for i := range 200 {
		if record(t, s, t0.Add(time.Duration(i)*10*time.Millisecond), own(i+1)) {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d hooks asked, want 1", asked)
	}
}

func TestMarkExpires(t *testing.T) {
	for _, c := range []struct {
		name  string
		asked bool // the request succeeded
		age   time.Duration
		want  bool // the next hook asks
	}{
		{"asking", false, 2999 * time.Millisecond, false},
		{"the asking hook died", false, 3 * time.Second, true},
		{"asked", true, 29 * time.Second, false},
		{"the run never came", true, 30 * time.Second, true},
		{"a mark from the future", true, -time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t)
			if c.asked {
				asked(t, s, true, false)
			} else {
				record(t, s, t0, own(1))
			}
			if got := record(t, s, t0.Add(c.age), own(2)); got != c.want {
				t.Errorf("the next hook asks: %v, want %v", got, c.want)
			}
		})
	}
}

func TestMarkReportsThatStashIsBusy(t *testing.T) {
	s := openStore(t)
	asked(t, s, true, true)
	mark, err := s.RecordHook(t.Context(), t0.Add(9*time.Second), own(2))
	if err != nil || mark != (Mark{Busy: true}) {
		t.Errorf("RecordHook = %+v, %v; want busy and nothing to ask", mark, err)
	}
}

func TestNextHookAsksAfterAFailedRequest(t *testing.T) {
	s := openStore(t)
	asked(t, s, false, false)
	if !record(t, s, t0.Add(time.Millisecond), own(2)) {
		t.Error("the next hook does not ask")
	}
}

func TestLateAnswerKeepsTheMarkOfAnotherHook(t *testing.T) {
	s := openStore(t)
	first, err := s.RecordHook(t.Context(), t0, own(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ClearMark(t.Context()); err != nil { // a run begins
		t.Fatal(err)
	}
	if !record(t, s, t0.Add(time.Second), own(2)) {
		t.Fatal("the second hook does not ask")
	}
	for _, ok := range []bool{true, false} {
		if err := s.Asked(t.Context(), t0.Add(time.Second), first, ok, false); err != nil {
			t.Fatal(err)
		}
		if record(t, s, t0.Add(2*time.Second), own(3)) {
			t.Errorf("a request that ended with %v removed the mark of another hook", ok)
		}
	}
	if !record(t, s, t0.Add(10*time.Second), own(4)) { // the second hook died before it asked
		t.Error("no hook asks because of the mark of a dead hook")
	}
}

// Either the last look of a run sees the job of a hook, or the hook finds no mark and asks.
func TestNoJobIsMissedAtTheEndOfARun(t *testing.T) {
	s := openStore(t)
	asked(t, s, true, false)
	if due, err := s.LastLook(t.Context(), t0, 0); err != nil || !due {
		t.Fatalf("LastLook = %v, %v; want the job seen", due, err)
	}
	if record(t, s, t0.Add(time.Second), own(2)) {
		t.Error("a hook asked although the run had not ended")
	}
	for _, j := range claim(t, s, t0.Add(time.Second), ClaimOptions{}) {
		endOne(t, s, t0.Add(time.Second), Completion{Job: j, Outcome: Done})
	}
	if due, err := s.LastLook(t.Context(), t0.Add(2*time.Second), 0); err != nil || due {
		t.Fatalf("LastLook = %v, %v; want nothing due", due, err)
	}
	if !record(t, s, t0.Add(9*time.Second), own(3)) {
		t.Error("a hook after the last look does not ask")
	}
}

func TestEventIsRecordedOnceInAnyOrder(t *testing.T) {
	const n = 300
	everyone := func(self int) HookRecord {
		h := HookRecord{Own: Request{SceneID: self, Reason: "bulk", Priority: InBulk}, Event: "hash", First: self == 1}
		for id := 1; id <= n; id++ {
			if id != self {
				h.Others = append(h.Others, Request{SceneID: id, Reason: "bulk", Priority: InBulk})
			}
		}
		return h
	}
	s := openStore(t)
	record(t, s, t0, everyone(1)) // the client disconnects: no other hook comes
	c, err := s.Counts(t.Context(), t0)
	if err != nil || c.Due.N != n {
		t.Fatalf("due = %+v, %v; want all %d scenes", c.Due, err, n)
	}
	if _, err := s.ClearQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, s, t0.Add(time.Second), everyone(2))
	if c, err = s.Counts(t.Context(), t0.Add(time.Second)); err != nil || c.Due.N != 0 {
		t.Errorf("the second hook of the event recorded %d scenes, %v; want none, since the first recorded all", c.Due.N, err)
	}
	record(t, s, t0.Add(2*time.Minute), everyone(2)) // of the same edit, made again, whose first hook was lost
	if c, err = s.Counts(t.Context(), t0.Add(2*time.Minute)); err != nil || c.Due.N != 1 {
		t.Errorf("a hook without a first one recorded %d scenes, %v; want its own alone", c.Due.N, err)
	}
	if _, err := s.ClearQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	record(t, s, t0.Add(3*time.Second), everyone(1)) // the same bulk edit again
	if c, err = s.Counts(t.Context(), t0.Add(3*time.Second)); err != nil || c.Due.N != n {
		t.Errorf("the first hook of a repeated event recorded %d scenes, %v; want %d", c.Due.N, err, n)
	}
}

func TestCatchUpEnqueuesOnlyChangedScenes(t *testing.T) {
	s := openStore(t)
	paths := HashPaths([]string{"/b", "/a"})
	if paths != HashPaths([]string{"/a", "/b"}) {
		t.Fatal("the hash depends on the order of the files")
	}
	v := func(id int, at string) SceneVersion { return SceneVersion{SceneID: id, UpdatedAt: at, Paths: paths} }
	look := func(adopt bool, seen ...SceneVersion) int {
		n, err := s.CatchUp(t.Context(), t0, Page{Scenes: seen, Adopt: adopt, Facts: map[string]string{KeyWatermark: "mark"}})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := look(true, v(1, "a"), v(2, "a")); n != 0 {
		t.Errorf("the first listing enqueued %d", n)
	}
	if n := look(false, v(1, "a"), v(2, "b"), v(3, "a")); n != 2 {
		t.Errorf("a changed and a new scene: enqueued %d, want 2", n)
	}
	if n := look(false, v(1, "a"), v(2, "b"), v(3, "a")); n != 0 {
		t.Errorf("nothing changed: enqueued %d", n)
	}
	moved := v(1, "a")
	moved.Paths = HashPaths([]string{"/c"})
	if n := look(false, moved); n != 1 {
		t.Errorf("a moved file: enqueued %d, want 1", n)
	}
	record(t, s, t0, own(1))
	if n := look(false, v(1, "later")); n != 0 {
		t.Errorf("a scene that its hook has enqueued: enqueued %d again", n)
	}
	if n := look(false, v(1, "later still")); n != 1 {
		t.Errorf("a change after that: enqueued %d, want 1", n)
	}
	if mark, _, err := s.Meta(t.Context(), KeyWatermark); err != nil || mark != "mark" {
		t.Errorf("facts of the page: %q, %v", mark, err)
	}
}

func TestManyWritersAtOnceLoseNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	errs := make(chan error, 20)
	for i := range 20 { // each with its own connections, like 20 processes that all find no database
		wg.Go(func() {
			s, err := Open(context.Background(), dir)
			if err != nil {
				errs <- err
				return
			}
			defer s.Close()
			for k := range 10 {
				if _, err := s.RecordHook(context.Background(), t0, own(1+i*10+k)); err != nil {
					errs <- fmt.Errorf("writer %d: %w", i, err)
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	s := openIn(t, dir)
	if c, err := s.Counts(t.Context(), t0); err != nil || c.Due.N != 200 {
		t.Errorf("due = %+v, %v; want 200", c.Due, err)
	}
}
