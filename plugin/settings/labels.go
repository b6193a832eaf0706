package settings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// Page lists the settings in the order of Stash's settings page, with their keys and the names that the page shows.
var Page = []struct{ Key, Name string }{
	{"plexUrl", "Plex address"},
	{"plexToken", "Plex token"},
	{"plexLibraries", "Plex libraries"},
	{"pathMap", "Path map"},
	{"fields", "Fields"},
	{"contentRating", "Content rating"},
	{"keepPlexEdits", "Keep Plex edits"},
	{"onlyOrganized", "Only organised scenes"},
	{"excludeTags", "Exclude tags"},
	{"skipMissing", "Skip missing scenes"},
	{"scanPlex", "Scan Plex"},
	{"maxRetries", "Retries"},
	{"timeoutSeconds", "Timeout in seconds"},
	{"insecureTLS", "Accept any certificate"},
	{"debugLog", "Debug log"},
	{"redactLogs", "Redact logs"},
	{"plays", "Import plays"},
}

// Label returns a setting's name on the settings page and its key.
func Label(key string) string {
	name := ""
	for _, s := range Page {
		if s.Key == key {
			name = s.Name
		}
	}
	return fmt.Sprintf("%q (%s)", name, key)
}

// Unnumbered returns a key without the digits in front, which only put Stash's settings page in order: Stash sorts it
// by key, so the key of plexUrl in stash-plex-sync.yml is 05plexUrl.
func Unnumbered(key string) string { return cmp.Or(strings.TrimLeft(key, "0123456789"), key) }

// unnumbered returns settings by their keys without digits. If both 05plexUrl and plexUrl are set, 05plexUrl is used:
// the page shows only that one.
func unnumbered(stored map[string]any) map[string]any {
	set := make(map[string]any, len(stored))
	for _, key := range slices.Sorted(maps.Keys(stored)) { // digits sort before letters
		if name := Unnumbered(key); set[name] == nil {
			set[name] = stored[key]
		}
	}
	return set
}

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
