package settings

import (
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// Names are the names of settings on Stash's settings page, by key.
var Names = map[string]string{
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

// Label returns a setting's name on the settings page and its key.
func Label(key string) string { return fmt.Sprintf("%q (%s)", Names[key], key) }

// UnknownKeys names the keys of no setting.
func UnknownKeys(keys []string) string {
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
