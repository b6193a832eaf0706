package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// An Agent says what finds texts and pictures for the items of a library.
type Agent struct {
	Name    string // for people, such as "personal media"
	Online  bool   // it sends titles or names of files to a service in the internet
	Meaning string // of this choice for the user, in one sentence; "" if there is none
}

// AgentOf returns the agent of a library.
func AgentOf(s plexapi.Section) Agent {
	id := strings.ToLower(s.Agent)
	switch {
	case id == "":
		return Agent{Name: "unknown"}
	case strings.HasSuffix(id, ".none"):
		return Agent{Name: "personal media"}
	case strings.Contains(id, "nfo"):
		return Agent{Name: "NFO files", Meaning: "Plex does not sync the watch state and ratings of such a library with your Plex account; fields that are pushed stay, because they are locked"}
	case strings.HasPrefix(id, "tv.plex.agents."), strings.HasPrefix(id, "com.plexapp.agents."):
		return Agent{Name: "online", Online: true, Meaning: "it sends titles or file names of the videos to Plex's cloud to find a match; to avoid that, choose the agent \"Personal Media\" (scanner \"Plex Video Files Scanner\") in the settings of the library"}
	}
	return Agent{Name: "another provider", Online: true, Meaning: "it may send titles or file names of the videos to a service of its author"}
}

// DescribeAgents names the agent of each library, and returns what they mean for the user; "" if they mean nothing.
func DescribeAgents(sections []plexapi.Section) (agents, meaning string) {
	var names, meanings []string
	for _, s := range sections {
		a := AgentOf(s)
		name := a.Name
		if a.Meaning != "" {
			name += " (" + s.Agent + ")"
		}
		names = append(names, fmt.Sprintf("%q: %s", s.Title, name))
		if about := a.Name + ": " + a.Meaning; a.Meaning != "" && !slices.Contains(meanings, about) {
			meanings = append(meanings, about)
		}
	}
	return strings.Join(names, ", "), text.Join(meanings...)
}
