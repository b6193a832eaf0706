// Package peer looks for Stash2Plex, another plugin that writes to Plex.
package peer

import (
	"context"
	"fmt"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
)

// Name is the id of the other plugin in Stash, which is also its name.
const Name = "Stash2Plex"

// The keys of its settings.
const (
	address = "plex_url"
	token   = "plex_token"
	library = "plex_library"
)

const overwrite = "both would write to Plex and overwrite each other's changes"

// Values says which of its settings have the values that ours lack, and what to do; "" if there are none. They are not
// copied: Stash replaces all settings of a plugin at once, so an open settings page would undo that.
func Values(ctx context.Context, stash *stashapi.Client) (detail, hint string) {
	set, err := stash.Settings(ctx, Name)
	if err != nil || settings.TextOf(set[address]) == "" && settings.TextOf(set[token]) == "" {
		return "", "" // a failure of Stash is reported by whoever asks for our own settings
	}
	detail = fmt.Sprintf("its settings have the values: use its %s (%q) for %s, its %s for %s", address, settings.WithoutSecrets(settings.TextOf(set[address])), settings.Label("plexUrl"), token, settings.Label("plexToken"))
	if name := settings.TextOf(set[library]); name != "" {
		detail += fmt.Sprintf(", its %s (%q) for %s", library, name, settings.Label("plexLibraries"))
	}
	return detail, "copy them on the settings page, then disable " + Name + ": " + overwrite
}

// Enabled says that the other plugin is enabled, and what to do; "" if it is not.
func Enabled(ctx context.Context, stash *stashapi.Client) (detail, hint string) {
	if on, err := stash.PluginEnabled(ctx, Name); err != nil || !on {
		return "", "" // as above
	}
	return "it is enabled, too", "disable it in Settings > Plugins: " + overwrite
}
