package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// candidate stands for what an ambiguous match found.
type candidate struct{ RatingKey string }

// The table of what an error means, row by row.
func TestJudge(t *testing.T) {
	plex := func(c plexapi.Class) error {
		return fmt.Errorf("doing: %w", &plexapi.Error{Class: c, Err: errors.New("x"), RetryAfter: 7 * time.Second})
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	live, why := context.Background(), reason.NoData()
	for _, c := range []struct {
		name    string
		ctx     context.Context
		err     error
		class   retry.Class
		charge  store.Outcome
		stop    bool
		breaker retry.Effect
	}{
		{"server down", live, plex(plexapi.Down), retry.ClassServerDown, store.Release, false, retry.Failure},
		{"temporary", live, plex(plexapi.Temporary), retry.ClassTemporary, store.Retry, false, retry.Failure},
		{"a field that did not move", live, retry.Unmoved(why, "x"), retry.ClassTemporary, store.Retry, false, retry.Failure},
		{"gone from Plex", live, plex(plexapi.NotFound), retry.ClassNotFound, store.Miss, false, retry.Answered},
		{"not scanned yet", live, retry.NotFound(why, "x"), retry.ClassNotFound, store.Miss, false, retry.Answered},
		{"rejected", live, plex(plexapi.Rejected), retry.ClassRejected, store.ToDeadLetter, false, retry.Answered},
		{"ambiguous", live, retry.Ambiguous(why, "x", []candidate{{}}), retry.ClassRejected, store.ToDeadLetter, false, retry.Answered},
		{"token refused", live, plex(plexapi.Unauthorized), retry.ClassUnauthorized, store.Release, true, retry.Untouched},
		{"Stash unavailable", live, &stashapi.Error{Op: "x", Status: 502}, retry.ClassStashUnavailable, store.Release, true, retry.Untouched},
		{"one scene that Stash cannot give", live, retry.OfScene(errors.New("x")), retry.ClassTemporary, store.Retry, false, retry.Untouched},
		{"a query that Stash refuses", live, &stashapi.Error{Op: "x", Status: 200, Refused: []string{"no"}}, retry.ClassTemporary, store.Retry, false, retry.Untouched},
		{"gone from Stash", live, retry.Gone(why, "x", ""), retry.ClassGone, store.Drop, false, retry.Untouched},
		{"skipped", live, retry.Skipped(why, "x", ""), retry.ClassSkipped, store.Drop, false, retry.Untouched},
		{"first reading not complete", live, retry.Unready(why, "x"), retry.ClassUnready, store.Snooze, false, retry.Untouched},
		{"the run was stopped", cancelled, plex(plexapi.Temporary), retry.ClassCancelled, store.Release, true, retry.Untouched},
		{"a request was cut by the stop", live, fmt.Errorf("x: %w", context.Canceled), retry.ClassCancelled, store.Release, true, retry.Untouched},
		{"shared failure", live, retry.Released(retry.ClassTemporary, plex(plexapi.Temporary)), retry.ClassTemporary, store.Release, false, retry.Untouched},
		{"panic", live, retry.Panicked("x"), retry.ClassPanicked, store.Retry, false, retry.Untouched},
	} {
		v := Judge(c.ctx, c.err)
		if v.Class != c.class || v.Charge != c.charge || v.Stop != c.stop || v.Breaker != c.breaker {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	if v := Judge(live, plex(plexapi.Temporary)); v.RetryAfter != 7*time.Second {
		t.Errorf("Retry-After is lost: %+v", v)
	}
	if v := Judge(live, retry.Ambiguous(why, "x", []candidate{{RatingKey: "1"}})); v.Candidates == nil {
		t.Error("the candidates are lost")
	}
}

// one is an item on its own.
type one struct {
	err      error
	attempts int
}

func (o *one) Fail(err error) { o.err = err }
func (o *one) Failure() error { return o.err }
func (o *one) Attempts() int  { return o.attempts }
func (o *one) SceneID() int   { return 1 }

func TestPanicInOneItemFailsOnlyThatItem(t *testing.T) {
	var g Gate
	item := &one{}
	if err := g.Do(t.Context(), Of(item), func(context.Context) error { panic("oops") }); err != nil {
		t.Fatal(err)
	}
	if v := Judge(t.Context(), item.err); v.Class != retry.ClassPanicked || v.Charge != store.Retry || v.Breaker != retry.Untouched || !strings.Contains(item.err.Error(), "oops") {
		t.Errorf("verdict = %+v, %v", v, item.err)
	}
}

func TestUnreadableQueueChargesNoAttempt(t *testing.T) {
	var g Gate
	item := &one{}
	disk := errors.New("disk I/O error")
	if err := g.Do(t.Context(), Of(item), func(context.Context) error { return fmt.Errorf("read links: %w", disk) }); !errors.Is(err, disk) || item.err != nil {
		t.Errorf("Do = %v, the item's error is %v", err, item.err)
	}
}
