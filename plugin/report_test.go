package plugin

import (
	"strconv"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestExplanationSaysWhatHappenedLast(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	link := LinkReport{RatingKey: "9", Path: "/v/x.mp4", Rule: "path", PushedAt: &at}
	skipped := AttemptReport{At: &at, Outcome: "skipped", Class: "skipped", Error: "Plex item 9 shows scene 2 already"}
	for _, c := range []struct {
		name     string
		links    []LinkReport
		attempts []AttemptReport
		state    string
	}{
		{"never pushed", nil, nil, "unknown"},
		{"pushed", []LinkReport{link}, []AttemptReport{{At: &at, Outcome: "synced"}, skipped}, "synced"},
		{"skipped", nil, []AttemptReport{skipped}, "skipped"},
		{"skipped after it was pushed", []LinkReport{link}, []AttemptReport{skipped, {At: &at, Outcome: "synced"}}, "skipped"},
	} {
		r := ExplainReport{SceneID: 1, Links: c.links, Attempts: c.attempts}
		r.conclude(at)
		if r.State != c.state || c.state == "skipped" && r.Text != "left out: "+skipped.Error {
			t.Errorf("%s: %s: %s", c.name, r.State, r.Text)
		}
	}
}

func TestReportListsAtMostFiftySections(t *testing.T) {
	index, err := store.OpenIndex(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for i := range 60 {
		at := store.Reading{Section: strconv.Itoa(i), Title: "Movies", Position: -1}
		if err := index.Apply(t.Context(), "S", store.ReadPage{After: at}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := sections(t.Context(), index, "S"); err != nil || len(list) != listed {
		t.Errorf("%d sections, %v; want %d", len(list), err, listed)
	}
}
