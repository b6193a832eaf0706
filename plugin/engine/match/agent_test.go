package match

import (
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
)

func TestAgentSaysWhetherTitlesLeaveTheHouse(t *testing.T) {
	for id, want := range map[string]struct {
		name    string
		online  bool
		meaning bool
	}{
		"":                              {"unknown", false, false},
		"tv.plex.agents.none":           {"personal media", false, false},
		"com.plexapp.agents.none":       {"personal media", false, false},
		"tv.plex.agents.movie":          {"online", true, true},
		"tv.plex.agents.series":         {"online", true, true},
		"com.plexapp.agents.imdb":       {"online", true, true},
		"tv.plex.agents.nfo.movie":      {"NFO files", false, true},
		"com.plexapp.agents.xbmcnfo":    {"NFO files", false, true},
		"tv.example.agents.custom.mine": {"another provider", true, true},
	} {
		a := AgentOf(plexapi.Section{Agent: id})
		if a.Name != want.name || a.Online != want.online || (a.Meaning != "") != want.meaning {
			t.Errorf("%q: %+v, want %+v", id, a, want)
		}
	}
}

func TestDescribeAgentsNamesEachMeaningOnce(t *testing.T) {
	agents, meaning := DescribeAgents([]plexapi.Section{{Title: "A", Agent: "tv.plex.agents.movie"}, {Title: "B", Agent: "tv.plex.agents.series"}, {Title: "C", Agent: "tv.plex.agents.none"}})
	if want := `"A": online (tv.plex.agents.movie), "B": online (tv.plex.agents.series), "C": personal media`; agents != want {
		t.Errorf("agents: %s", agents)
	}
	if want := "online: " + AgentOf(plexapi.Section{Agent: "tv.plex.agents.movie"}).Meaning; meaning != want {
		t.Errorf("meaning: %s", meaning)
	}
	if _, none := DescribeAgents([]plexapi.Section{{Agent: "x.none"}}); none != "" {
		t.Errorf("personal media mean %s", none)
	}
}
