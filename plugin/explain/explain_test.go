package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// explanation is a report of a scene with its facts, and the expected answer.
type explanation struct {
	name  string
	r     Report
	facts Facts
	state string
	texts []string
}

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.Local) }

func after(d time.Duration) *time.Time {
	at := noon().Add(d)
	return &at
}

func (c explanation) check(t *testing.T) {
	t.Helper()
	c.r.SceneID, c.facts.Now = 1, noon()
	c.r.Conclude(c.facts)
	if c.r.State != c.state {
		t.Errorf("%s: %s, want %s: %s", c.name, c.r.State, c.state, c.r.Text)
	}
	for _, text := range c.texts {
		if !strings.Contains(c.r.Text, text) {
			t.Errorf("%s: %q, want %q in it", c.name, c.r.Text, text)
		}
	}
}

// pushed returns a scene with a number of items, some of them restored, and its attempts, newest first.
func pushed(items, restored int, attempts ...Attempt) Report {
	r := Report{Attempts: attempts}
	for i := range items {
		r.Links = append(r.Links, Link{RatingKey: "9", Path: "/v/x.mp4", Rule: "path", PushedAt: after(-time.Minute), Restored: i < restored})
	}
	return r
}

func did(outcome, text string) Attempt {
	return Attempt{At: after(-time.Minute), Outcome: outcome, Class: outcome, Error: text}
}

func TestExplainSceneWithoutJob(t *testing.T) {
	missing, elsewhere := Facts{Missing: true}, pushed(0, 0, did("synced", ""))
	elsewhere.Elsewhere = true
	removed := pushed(1, 0, did("restored", ""))
	removed.Links[0].PushedAt = nil
	for _, c := range []explanation{
		{"restored before it was linked, and removed from the queue", removed, Facts{}, "synced", []string{"item 9 belongs to it", "not pushed since it was restored"}},
		{"never pushed", pushed(0, 0), Facts{}, "unknown", []string{"never pushed", "edit", `"Sync all scenes"`}},
		{"pushed to another server", elsewhere, Facts{}, "unknown", []string{"not on this Plex server", "a different one", `"Sync all scenes"`}},
		{"not in Stash", pushed(0, 0), missing, "unknown", []string{"Stash has no scene 1"}},
		{"pushed, and gone from Stash", pushed(1, 0, did("gone", "x")), missing, "unknown", []string{"Stash no longer has scene 1", "item 9"}},
		{"pushed", pushed(1, 0, did("synced", ""), did("skipped", "x")), Facts{}, "synced", []string{"item 9", "/v/x.mp4", "by path", "2026-03-04 11:59:00"}},
		{"pushed to several items", pushed(3, 0), Facts{}, "synced", []string{"and as 2 more"}},
		{"left out", pushed(0, 0, did("skipped", "onlyOrganized is on")), Facts{}, "skipped", []string{"onlyOrganized is on", "edited"}},
		{"left out after it was pushed", pushed(1, 0, did("skipped", "excludeTags"), did("synced", "")), Facts{}, "skipped", []string{"excludeTags"}},
		{"without a file", pushed(0, 0, did("gone", "the scene has no file")), Facts{}, "skipped", []string{"has no file"}},
		{"restored", pushed(1, 1, did("restored", "")), Facts{}, "skipped", []string{"restored", "before the first push", "edited", `"Sync all scenes"`}},
		{"restored, and looked at since", pushed(2, 2, did("miss", "x")), Facts{}, "skipped", []string{"restored"}},
		{"restored before it was linked", pushed(0, 0, did("restored", "")), Facts{}, "skipped", []string{"restored"}},
		{"restored in part", pushed(2, 1, did("restored", "")), Facts{}, "synced", []string{"item 9"}},
		{"taken out of the queue", pushed(0, 0, did("miss", "no item")), Facts{}, "unknown", []string{"no longer queued", "no item"}},
	} {
		c.check(t)
	}
}

func TestExplainQueuedSceneAndDeadLetter(t *testing.T) {
	postponed := pushed(1, 0)
	postponed.Job = &Job{Reason: "edit", DueAt: after(30 * time.Second)}
	job := func(due time.Duration, class, text string) Report {
		r := pushed(1, 0)
		r.Job = &Job{Reason: "edit", DueAt: after(due), Class: class, Error: text, Attempts: 2, Misses: 3, Unfinished: 1}
		return r
	}
	letter := func(class, text string) Report {
		r := pushed(1, 0)
		r.DeadLetter = &status.DeadLetter{Class: class, Error: text}
		return r
	}
	const past, soon, absurd = -time.Minute, 30 * time.Second, 48 * time.Hour
	paused := Facts{Breaker: store.Breaker{State: store.BreakerOpen, ProbeAt: *after(soon), LastError: "connection refused"}}
	for _, c := range []explanation{
		{"queued", job(past, "", ""), Facts{}, "queued", []string{"edit", `the next run of "Process queue"`}},
		{"queued while Plex is paused", job(past, "", ""), paused, "queued", []string{"paused", "after 12:00:30", "connection refused", `run "Process queue" to try it now`}},
		{"queued, and gone from Stash", job(past, "", ""), Facts{Missing: true}, "queued", []string{"Stash no longer has scene 1"}},
		{"of a clock that was moved back", job(absurd, "temporary", "500"), Facts{}, "queued", []string{"the next run"}},
		{"at work", job(soon, "", ""), Facts{}, "waiting", []string{"a run is pushing it", "scheduled runs retry it after 12:00:30"}},
		{"postponed", postponed, Facts{}, "waiting", []string{"a person has postponed it", "scheduled runs retry it after 12:00:30"}},
		{"failed", job(soon, "temporary", "Plex answered 500"), Facts{}, "waiting", []string{"answered 500", "failed 2 times", "scheduled runs retry it after 12:00:30"}},
		{"not found", job(soon, "not_found", "no item"), paused, "waiting", []string{"no item", "looked for 3 times", "scheduled runs retry it after 12:00:30", "paused"}},
		{"given up", letter("rejected", "400"), Facts{}, "dead", []string{"rejected", "400", "edited", `"Retry dead letters"`}},
		{"given up, not found", letter("not_found", "no item"), Facts{}, "dead", []string{"no item", "found its file"}},
	} {
		c.check(t)
	}
}
