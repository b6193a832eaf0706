package status

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
	if list, err := Sections(t.Context(), index, "S"); err != nil || len(list) != Listed {
		t.Errorf("%d sections, %v; want %d", len(list), err, Listed)
	}
}

func TestStatusLineSaysWhatToDoNext(t *testing.T) {
	at := time.Date(2026, 3, 4, 12, 0, 30, 0, time.Local)
	closed, open := Breaker{State: string(store.BreakerClosed)}, Breaker{State: string(store.BreakerOpen), LastError: "Is Plex running?", ProbeAt: &at}
	used := Plex{Server: "S"}
	queue := func(due, waiting int) Queue {
		r := Queue{Remaining: Remaining{Due: due, Waiting: waiting}}
		if waiting > 0 {
			r.NextDueAt = &at
		}
		return r
	}
	for _, c := range []struct {
		r    Report
		want string
	}{
		{Report{Breaker: closed}, `0 items in Plex, nothing is pending. Plex has not been used yet: run "Check connection"`},
		{Report{Breaker: closed, Plex: used, Links: 46}, "46 items in Plex, nothing is pending. Plex answered last time"},
		{
			Report{Breaker: closed, Plex: used, Queue: queue(0, 1), Links: 1},
			"1 item in Plex, 1 scene waits for a later edit or task. Plex answered last time",
		},
		{
			Report{Breaker: Breaker{State: closed.State, Failures: 2, LastError: "502"}, Plex: used, Queue: queue(2, 2), DeadLetters: Dead{Count: 1}, Links: 2},
			`2 items in Plex, 2 scenes to push (run "Process queue"), 2 scenes wait for a later edit or task, 1 dead letter (when the cause is gone, run "Retry dead letters"). The last request to Plex failed: 502`,
		},
		{
			Report{Breaker: Breaker{State: closed.State, Failures: 1, LastError: "refused"}, Plex: Plex{Server: "S", Others: []string{"http://a:1", "http://b:1", "http://c:1", "http://d:1"}}},
			`0 items in Plex, nothing is pending. The last request to Plex failed: refused; if the address of Plex has changed, choose the server again, or set "Plex address" (plexUrl) to another one of its addresses: http://a:1, http://b:1, http://c:1`,
		},
		{
			Report{Breaker: open, Queue: queue(1, 0)},
			`0 items in Plex, 1 scene to push. Plex is paused: run "Process queue" to try it now; edits and scheduled runs try it after 12:00:30; the cause: Is Plex running?`,
		},
	} {
		if got := c.r.Line(); got != c.want {
			t.Errorf("line %s\nwant %s", got, c.want)
		}
	}
}
