package plugin

import (
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// settingNames are the names of settings on Stash's settings page, by key.
var settingNames = map[string]string{
	"plexUrl":        "Plex address",
	"plexToken":      "Plex token",
	"plexLibraries":  "Plex libraries",
	"pathMap":        "Path map",
	"fields":         "Fields",
	"contentRating":  "Content rating",
	"keepPlexEdits":  "Keep Plex edits",
	"onlyOrganized":  "Only organised scenes",
	"excludeTags":    "Exclude tags",
	"skipMissing":    "Skip missing scenes",
	"scanPlex":       "Scan Plex",
	"maxRetries":     "Retries",
	"timeoutSeconds": "Timeout in seconds",
	"insecureTLS":    "Accept any certificate",
	"debugLog":       "Debug log",
	"redactLogs":     "Redact logs",
}

// label returns a setting's name on the settings page and its key.
func label(key string) string { return fmt.Sprintf("%q (%s)", settingNames[key], key) }

// unknownSettings names the keys of no setting.
func unknownSettings(keys []string) string {
	quoted := make([]string, len(keys))
	for i, key := range keys {
		quoted[i] = fmt.Sprintf("%q", text.OneLine(key, text.ValueLimit))
	}
	list := strings.Join(quoted, ", ")
	if len(keys) == 1 {
		return "unknown setting " + list + " in Stash's configuration: correct or remove it"
	}
	return "unknown settings " + list + " in Stash's configuration: correct or remove them"
}
