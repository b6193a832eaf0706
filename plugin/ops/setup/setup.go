// Package setup holds the operations of the page about the settings, the sign-in, the Plex server, and a report for others.
// OPERATIONS.md describes each of them.
package setup

import "github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"

// Operations returns the operations about the setup by their names.
func Operations() map[string]desk.Operation {
	return map[string]desk.Operation{
		"accept-server": {Do: acceptServer, Args: []string{"server"}},
		"copy-report":   {Do: copyReport, Args: []string{"check"}},
		"libraries":     {Do: showLibraries},
		"settings":      {Do: settingsOf},

		"account":        {Do: accountNow},
		"pin-start":      {Do: pinStart, Args: []string{"short"}},
		"pin-poll":       {Do: pinPoll, Args: []string{"handle"}},
		"sign-out":       {Do: signOut},
		"servers":        {Do: servers, Args: []string{"address"}},
		"choose-server":  {Do: chooseServer, Args: []string{"machine_id", "address", "handle"}},
		"adopt-settings": {Do: adoptSettings},
	}
}
