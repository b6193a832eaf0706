package engine

import (
	"context"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// interrupted is a Sync all of 2500 scenes that made room for another job, which has ended since.
func interrupted(t *testing.T, f func(l *lab)) {
	t.Helper()
	inLab(t, 0, func(l *lab) {
		l.elsewhere(2500)
		l.Ask = func(context.Context) error { return nil }
		l.Began = time.Now().Add(-time.Minute)
		own, other := l.stash.Hold("our own run"), l.stash.Hold("Scanning...")
		n, err := l.EnqueueAll(l.Context())
		if _, yielded := Yielded(err); !yielded || n != 1000 {
			t.Errorf("EnqueueAll = %d, %v", n, err)
		}
		own()
		other()
		f(l)
	})
}

func TestNextRunQueuesTheRestOfASync(t *testing.T) {
	interrupted(t, func(l *lab) {
		if sum := l.run(); sum.Gone != 2500 {
			t.Errorf("%+v, want all scenes", sum)
		}
		pass(time.Minute)
		if sum := l.run(); sum.Gone != 0 {
			t.Errorf("%+v, want no scene twice", sum)
		}
	})
}

func TestSecondSyncIncludesTheRestOfTheFirst(t *testing.T) {
	interrupted(t, func(l *lab) {
		n, err := l.EnqueueSince(l.Context(), time.Now())
		if err != nil || n != 2500 {
			t.Errorf("EnqueueSince = %d, %v; want every scene", n, err)
		}
		if text, _, err := l.Store.Meta(l.Context(), store.KeyUnqueued); err != nil || text != "" {
			t.Errorf("the rest is %q, %v", text, err)
		}
	})
}

func TestClearQueueAndRestoreEndAnInterruptedSync(t *testing.T) {
	for name, end := range map[string]func(l *lab) error{
		"clear queue": func(l *lab) error { return second(l.Store.ClearQueue(l.Context())) },
		"restore": func(l *lab) error {
			l.must(second(l.Store.ClearQueue(l.Context())))
			l.must(l.Store.SetMeta(l.Context(), time.Now(), store.KeyUnqueued, "1000 0001-01-01T00:00:00Z"))
			return second(l.Restore(l.Context(), 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			interrupted(t, func(l *lab) {
				l.must(end(l))
				if sum := l.run(); sum.Gone != 0 {
					t.Errorf("%+v, want nothing to be queued", sum)
				}
			})
		})
	}
}
