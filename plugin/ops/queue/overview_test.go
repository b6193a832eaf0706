package queue

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/status"
	"github.com/stash-plex-sync/stash-plex-sync/store/coverage"
)

func TestSentenceSaysFirstWhatKeepsEverythingFromWorking(t *testing.T) {
	set := settings.Settings{PlexURL: "http://plex:32400", PlexToken: "token"}
	usual := &desk.Desk{Settings: set}
	_, unset := settings.Parse(nil)
	parsed, wrong := settings.Parse(map[string]any{"plexUrl": "http://plex:32400", "plexToken": "token-123", "maxRetries": "many"})
	silent := &desk.Desk{Settings: set, SettingsErr: &stashapi.Error{}}
	most := coverage.Counts{UpToDate: 12_034, Dead: 16}
	for _, c := range []struct {
		name   string
		desk   *desk.Desk
		counts coverage.Counts
		scenes *int
		state  string
		last   string // why the last run stopped
		want   string
	}{
		{"nothing is set up", &desk.Desk{SettingsErr: unset}, coverage.Counts{}, new(3), "closed", "", `Nothing is set up yet: sign in to Plex on the plugin's page, or fill in "Plex address" (plexUrl) and "Plex token" (plexToken) on Stash's settings page, then run "Check connection"`},
		{"a wrong setting", &desk.Desk{Settings: parsed, SettingsErr: wrong}, most, new(3), "open", "", "A setting must be corrected: " + settings.ProblemsOf(wrong)[0].String()},
		{"Stash is away", silent, most, nil, "closed", "", "Stash does not answer. As far as the queue knows, 12,034 scenes are in Plex and up to date"},
		{"Stash goes away", usual, coverage.Counts{UpToDate: 1}, nil, "closed", "", "Stash does not answer. As far as the queue knows, 1 scene is in Plex and up to date"},
		{"Plex is paused", usual, coverage.Counts{UpToDate: 1, Pending: 1_000}, new(1_001), "open", "x", "Plex does not answer as it should, so pushing is paused: 1,000 scenes wait; the cause: refused"},
		{"Plex is tried", usual, coverage.Counts{UpToDate: 1, Pending: 1}, new(2), "half_open", "", "Plex does not answer as it should, so pushing is paused: 1 scene waits; the cause: refused"},
		{"the last run stopped", usual, most, new(12_050), "closed", "the token is refused", "The last run stopped: the token is refused"},
		{"no scene", usual, coverage.Counts{}, new(0), "closed", "", "Stash has no scenes yet"},
		{"never pushed", usual, coverage.Counts{}, new(3), "closed", "", `No scene has been pushed to Plex yet: run "Check connection", then "Preview changes", then "Sync all scenes"`},
		{"some need a look", usual, most, new(12_050), "closed", "", "12,034 of 12,050 scenes are in Plex and up to date; 16 need a look"},
		{"all", usual, coverage.Counts{UpToDate: 1_234_567}, new(1_234_567), "closed", "", "All 1,234,567 scenes are in Plex and up to date"},
		{"the only one", usual, coverage.Counts{UpToDate: 1}, new(1), "closed", "", "The scene is in Plex and up to date"},
		{"the only one needs a look", usual, coverage.Counts{Dead: 1}, new(1), "closed", "", "The scene is not in Plex and up to date; 1 needs a look"},
		{
			"one of each", usual,
			coverage.Counts{UpToDate: 1, Pending: 1, NotFound: 1, Dead: 1, Restored: 1, LeftOut: map[string]int{"no_data": 1}},
			new(7), "closed", "",
			"1 of 7 scenes is in Plex and up to date; 1 is to be pushed; 1 is not found in Plex; 1 needs a look; 1 is left out on purpose; 1 is restored; 1 was never pushed",
		},
		{
			"two of each", usual,
			coverage.Counts{UpToDate: 2, Pending: 2, NotFound: 2, Dead: 2, Restored: 2, LeftOut: map[string]int{"a": 1, "b": 1}},
			new(14), "closed", "",
			"2 of 14 scenes are in Plex and up to date; 2 are to be pushed; 2 are not found in Plex; 2 need a look; 2 are left out on purpose; 2 are restored; 2 were never pushed",
		},
		{"Stash has deleted some", usual, coverage.Counts{UpToDate: 3, Dead: 2}, new(4), "closed", "", "3 of 4 scenes are in Plex and up to date; 2 need a look"},
		{"Stash has deleted more", usual, coverage.Counts{UpToDate: 5}, new(4), "closed", "", "All 4 scenes are in Plex and up to date"},
	} {
		r := Overview{Coverage: cover(c.counts, c.scenes), Breaker: status.Breaker{State: c.state, LastError: "refused"}, Stopped: desk.ReasonOf("", "", c.last)}
		if got := r.sentence(c.desk); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestStatesAddUpToTheScenesOfStash(t *testing.T) {
	c := coverage.Counts{InPlex: 9, UpToDate: 5, Pending: 4, NotFound: 3, Dead: 2, Restored: 1, LeftOut: map[string]int{"a": 6, "b": 7}}
	for n := range 60 {
		r := cover(c, &n)
		if sum := r.UpToDate + r.Pending + r.NotFound + r.Dead + r.Restored + r.LeftOut.Total + *r.NeverPushed; sum != *r.Scenes+r.Deleted || r.Deleted > 0 && *r.NeverPushed > 0 {
			t.Errorf("of %d scenes: %+v", n, r)
		}
	}
	if r := cover(c, nil); r.NeverPushed != nil || r.Scenes != nil || r.Deleted != 0 || r.LeftOut.Total != 13 {
		t.Errorf("without Stash: %+v", r)
	}
}

func TestThousandsHaveCommas(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1_000: "1,000", 12_034: "12,034", 1_000_001: "1,000,001"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
