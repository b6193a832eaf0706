package plugin

import (
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

func TestReportListsAtMostFiftySections(t *testing.T) {
	index, err := plexindex.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for i := range 60 {
		at := plexindex.ListingState{Section: strconv.Itoa(i), Title: "Movies", Position: -1}
		if err := index.Apply(t.Context(), "S", plexindex.Page{After: at}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := sections(t.Context(), index, "S"); err != nil || len(list) != listed {
		t.Errorf("%d sections, %v; want %d", len(list), err, listed)
	}
}

func TestStatusLineSaysWhatToDoNext(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 30, 0, time.Local)
	closed, open := BreakerReport{State: string(store.BreakerClosed)}, BreakerReport{State: string(store.BreakerOpen), LastError: "Is Plex running?", ProbeAt: &at}
	queue := func(due, waiting int) QueueReport {
		r := QueueReport{Remaining: Remaining{Due: due, Waiting: waiting}}
		if waiting > 0 {
			r.NextDueAt = &at
		}
		return r
	}
	for _, c := range []struct {
		r    StatusReport
		want string
	}{
		{StatusReport{Breaker: closed}, "0 due, 0 waiting, 0 dead letters, 0 linked Plex items; Plex is not paused. Nothing is pending"},
		{
			StatusReport{Breaker: closed, Queue: queue(0, 1), Links: 1},
			"0 due, 1 waiting, 0 dead letters, 1 linked Plex item; Plex is not paused; the first edit, task or scheduled run from 12:00:30 retries what waits",
		},
		{
			StatusReport{Breaker: closed, Queue: queue(2, 2), DeadLetters: DeadReport{Count: 1}, Links: 2},
			`2 due, 2 waiting, 1 dead letter, 2 linked Plex items; Plex is not paused; run "Process queue" to push what is due; when the cause of the dead letters is gone, run "Retry dead letters"`,
		},
		{
			StatusReport{Breaker: open, Queue: queue(1, 0)},
			`1 due, 0 waiting, 0 dead letters, 0 linked Plex items; Plex is paused: Is Plex running? The first run from 12:00:30 tries it again, and "Process queue" tries it now`,
		},
	} {
		if got := c.r.Line(); got != c.want {
			t.Errorf("line %s\nwant %s", got, c.want)
		}
	}
}
