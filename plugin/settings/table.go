package settings

import (
	"fmt"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
)

// An Entry is one setting as data.
type Entry struct {
	Key     string // as Stash stores it: with the number in front
	Name    string // without that number
	Label   string // on the settings page
	Kind    string // text, secret, list, pairs, fields, number or boolean
	Value   any    // as it was read; never a secret
	Default any    // the value if it is not set

	Problems []Problem
}

// A Pair is one pair of the path map.
type Pair struct {
	From string `json:"from"` // in Stash
	To   string `json:"to"`   // in Plex
}

// A Secret says whether a secret is set, and in Length whether it has the usual length of a Plex token ("usual"), or is
// "short" or "long".
type Secret struct {
	Set    bool   `json:"set"`
	Length string `json:"length"`
}

// Table returns the settings that were read, with the problems of the invalid ones, in the order of the settings page.
func Table(s Settings, problems []Problem) []Entry {
	unset, _ := Parse(nil) // the error says that the required ones are not set
	entries := make([]Entry, len(Page))
	for i, row := range Page {
		e := Entry{Key: fmt.Sprintf("%02d%s", 5*(i+1), row.Key), Name: row.Key, Label: row.Name}
		e.Kind, e.Value = s.value(row.Key)
		_, e.Default = unset.value(row.Key)
		for _, p := range problems {
			if p.Setting == row.Key {
				e.Problems = append(e.Problems, p)
			}
		}
		entries[i] = e
	}
	return entries
}

// value returns the kind and the value of a setting.
func (s *Settings) value(key string) (kind string, value any) {
	switch key {
	case "plexUrl":
		return "text", s.PlexURL
	case "plexToken":
		return "secret", Secret{s.PlexToken != "", lengthOf(s.PlexToken)}
	case "plexLibraries":
		return "list", append([]string{}, s.Libraries...)
	case "pathMap":
		return "pairs", pairsOf(s.PathMap)
	case "fields":
		return "fields", slices.DeleteFunc(merge.FieldNames(), func(name string) bool { return !s.Fields.Has(name) })
	case "contentRating":
		return "text", s.Fields.ContentRating
	case "plays":
		return "list", append([]string{}, s.Plays...)
	case "excludeTags":
		return "list", append([]string{}, s.ExcludeTags...)
	case "maxRetries":
		return "number", s.MaxRetries
	case "timeoutSeconds":
		return "number", int(s.Timeout.Seconds())
	}
	return "boolean", map[string]bool{
		"keepPlexEdits": s.KeepPlexEdits, "onlyOrganized": s.OnlyOrganized, "skipMissing": s.SkipMissing, "scanPlex": s.ScanPlex,
		"insecureTLS": s.InsecureTLS, "debugLog": s.DebugLog, "redactLogs": s.RedactLogs,
	}[key]
}

func pairsOf(list []match.PathPair) []Pair {
	pairs := make([]Pair, len(list))
	for i, p := range list {
		pairs[i] = Pair{p.From, p.To}
	}
	return pairs
}

// lengthOf classifies a token by its length, which does not help to guess it.
func lengthOf(token string) string {
	switch n := len(token); {
	case n == 0:
		return ""
	case n < 18:
		return "short"
	case n <= 32:
		return "usual"
	}
	return "long"
}
