package store

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A hook reads its clock and then waits for the transactions of earlier hooks.
func TestHookThatWaitedForTheDatabaseDoesNotAsk(t *testing.T) {
	s := openStore(t)
	mark, err := s.RecordHook(t.Context(), t0.Add(50*time.Millisecond), own(1))
	if err != nil || !mark.Ask {
		t.Fatalf("the first hook does not ask: %v", err)
	}
	for _, waited := range []time.Duration{0, 10 * time.Second} {
		if record(t, s, t0.Add(-waited), own(2)) {
			t.Errorf("a second hook asks, because it looked at its clock %v before the first", waited)
		}
	}
	if err := s.Asked(t.Context(), t0.Add(80*time.Millisecond), mark, true, false); err != nil {
		t.Fatal(err)
	}
	if record(t, s, t0, own(3)) {
		t.Error("a third hook asks, although a run was asked for")
	}
}

func TestOneOfSimultaneousHooksAsks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var asked atomic.Int32
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range 20 {
		s := openIn(t, dir) // like a separate process
		wg.Go(func() {
			<-begin
			mark, err := s.RecordHook(t.Context(), t0.Add(time.Duration(-i)*time.Millisecond), own(i+1))
			if err != nil {
				t.Error(err)
			}
			if mark.Ask {
				asked.Add(1)
			}
		})
	}
	close(begin)
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("%d hooks ask, want 1", n)
	}
}
