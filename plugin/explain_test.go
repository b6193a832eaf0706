package plugin

import (
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Each row is what is known of a scene, and the one answer to that.
func TestEverySceneHasOneAnswerInPlainWords(t *testing.T) {
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.Local)
	soon, past, absurd := now.Add(30*time.Second), now.Add(-time.Minute), now.Add(48*time.Hour)
	link := LinkReport{RatingKey: "9", Path: "/v/x.mp4", Rule: "path", PushedAt: &past}
	back := LinkReport{RatingKey: "9", Path: "/v/x.mp4", Rule: "path", PushedAt: &past, Restored: true}
	did := func(outcome, text string) AttemptReport {
		return AttemptReport{At: &past, Outcome: outcome, Class: outcome, Error: text}
	}
	queued := func(due *time.Time, class, text string) *JobReport {
		return &JobReport{Reason: "edit", DueAt: due, Class: class, Error: text, Attempts: 2, Misses: 3}
	}
	paused := store.Breaker{State: store.BreakerOpen, ProbeAt: soon, LastError: "connection refused"}
	for _, c := range []struct {
		name  string
		r     ExplainReport
		facts facts
		state string
		texts []string
	}{
		{"never pushed", ExplainReport{}, facts{}, "unknown", []string{"never pushed", "edit", `"Sync all scenes"`}},
		{"not in Stash", ExplainReport{}, facts{missing: true}, "unknown", []string{"Stash holds no scene 1"}},
		{
			"pushed, and gone from Stash since",
			ExplainReport{Links: []LinkReport{link}, Attempts: []AttemptReport{did("gone", "the scene is gone from Stash")}},
			facts{missing: true},
			"unknown",
			[]string{"Stash holds no scene 1 any more", "item 9"},
		},
		{
			"pushed",
			ExplainReport{Links: []LinkReport{link}, Attempts: []AttemptReport{did("synced", ""), did("skipped", "x")}},
			facts{},
			"synced",
			[]string{"item 9", "/v/x.mp4", "matched by path", "2026-03-04 11:59:00"},
		},
		{"pushed to several items", ExplainReport{Links: []LinkReport{link, link, link}}, facts{}, "synced", []string{"and as 2 more"}},
		{"queued", ExplainReport{Job: queued(&past, "", ""), Links: []LinkReport{link}}, facts{}, "queued", []string{"edit", "due", `"Process queue"`}},
		{"queued while Plex is paused", ExplainReport{Job: queued(&past, "", "")}, facts{breaker: paused}, "queued", []string{"paused until 12:00:30", "connection refused", "by hand"}},
		{"queued, and gone from Stash", ExplainReport{Job: queued(&past, "", "")}, facts{missing: true}, "queued", []string{"holds no scene 1 any more"}},
		{"of a clock that was moved back", ExplainReport{Job: queued(&absurd, "temporary", "500")}, facts{}, "queued", []string{"due"}},
		{"at work", ExplainReport{Job: queued(&soon, "", "")}, facts{}, "waiting", []string{"at work", "next try at 12:00:30"}},
		{"failed", ExplainReport{Job: queued(&soon, "temporary", "Plex answered 500")}, facts{}, "waiting", []string{"Plex answered 500", "failed 2 times", "next try at 12:00:30"}},
		{
			"not found",
			ExplainReport{Job: queued(&soon, "not_found", "Plex holds no item")},
			facts{breaker: paused},
			"waiting",
			[]string{"Plex holds no item", "looked for 3 times", "next try at 12:00:30", "paused"},
		},
		{
			"given up",
			ExplainReport{DeadLetter: &DeadLetter{Class: "rejected", Error: "400"}, Links: []LinkReport{link}},
			facts{},
			"dead",
			[]string{"rejected", "400", "edited", `"Retry dead letters"`},
		},
		{"given up, not found", ExplainReport{DeadLetter: &DeadLetter{Class: "not_found", Error: "no item"}}, facts{}, "dead", []string{"no item", "found its file"}},
		{"left out", ExplainReport{Attempts: []AttemptReport{did("skipped", "onlyOrganized is on")}}, facts{}, "skipped", []string{"onlyOrganized is on", "edited"}},
		{
			"left out after it was pushed",
			ExplainReport{Links: []LinkReport{link}, Attempts: []AttemptReport{did("skipped", "excludeTags"), did("synced", "")}},
			facts{},
			"skipped",
			[]string{"excludeTags"},
		},
		{"without a file", ExplainReport{Attempts: []AttemptReport{did("gone", "the scene has no file")}}, facts{}, "skipped", []string{"has no file"}},
		{
			"restored",
			ExplainReport{Links: []LinkReport{back}, Attempts: []AttemptReport{did("restored", ""), did("synced", "")}},
			facts{},
			"skipped",
			[]string{"restored", "before the first push", "edited", `"Sync all scenes"`},
		},
		{"restored, and looked at since", ExplainReport{Links: []LinkReport{back, back}, Attempts: []AttemptReport{did("miss", "x")}}, facts{}, "skipped", []string{"restored"}},
		{"restored before it was linked", ExplainReport{Attempts: []AttemptReport{did("restored", "")}}, facts{}, "skipped", []string{"restored"}},
		{"restored in part", ExplainReport{Links: []LinkReport{link, back}, Attempts: []AttemptReport{did("restored", "")}}, facts{}, "synced", []string{"item 9"}},
		{"restored and edited", ExplainReport{Links: []LinkReport{link}, Job: queued(&past, "", "")}, facts{}, "queued", []string{"due"}},
		{"taken out of the queue", ExplainReport{Attempts: []AttemptReport{did("miss", "Plex holds no item")}}, facts{}, "unknown", []string{"not queued any more", "Plex holds no item"}},
	} {
		c.r.SceneID, c.facts.now = 1, now
		c.r.conclude(c.facts)
		if c.r.State != c.state {
			t.Errorf("%s: %s, want %s: %s", c.name, c.r.State, c.state, c.r.Text)
		}
		for _, text := range c.texts {
			if !strings.Contains(c.r.Text, text) {
				t.Errorf("%s: %q, want %q in it", c.name, c.r.Text, text)
			}
		}
	}
}
