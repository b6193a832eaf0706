// Package scans asks Plex to scan the folders of files that it does not have yet.
package scans

import (
	"context"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// AtMost is the maximum number of folders that a run asks Plex to scan.
const AtMost = 20

// A Target is a folder that Plex may scan, in its own path form.
type Target struct {
	Section plexapi.Section
	Folder  string
}

// Requests are the scans that a run has requested; the zero value holds none.
type Requests struct {
	sent map[string]bool // by library and folder
	lost int             // failures in a row, as if Plex were down
}

// Send requests one scan, unless it was requested before, the run must yield, or Plex is scanning the library. If Plex
// does not answer, or refuses five folders in a row, Send requests no more scans. It logs a failure, and the breaker
// does not count it.
func (r *Requests) Send(ctx context.Context, g *gate.Gate, t Target) {
	key := t.Section.ID + " " + t.Folder
	if r.lost >= retry.TripAfter || r.sent[key] || len(r.sent) >= AtMost || g.MakeRoom(ctx) != nil {
		return
	}
	log := g.Log.With().Str("library", t.Section.Title).Str("folder", text.Private(t.Folder)).Logger()
	if t.Section.Refreshing {
		log.Debug().Msg("not scanned: Plex is already scanning this library")
		return
	}
	if r.sent == nil {
		r.sent = make(map[string]bool)
	}
	r.sent[key] = true
	if err := g.Plex.Scan(ctx, t.Section.ID, t.Folder); err != nil {
		switch {
		case retry.NoAnswer(err):
			r.lost = retry.TripAfter
		case gate.Judge(ctx, err).Breaker != retry.Answered:
			r.lost++
		}
		log.Warn().Err(err).Msg("could not request a scan from Plex")
		return
	}
	r.lost = 0
	log.Info().Msg("asked Plex to scan a folder for missing files")
}

// For returns the libraries and folders to scan for a file of Stash, from its possible paths in Plex: learned
// prefixes take precedence over the unchanged path. It returns every library with the nearest folder, because each of
// them will contain the file.
func For(places []match.Place, sections []plexapi.Section, path string) []Target {
	for _, where := range slices.Concat(places[1:], places[:1]) {
		var found []Target
		best := 0
		for _, s := range sections {
			for _, location := range s.Locations {
				rest, below := match.Under(where.Path, location)
				length := len(pathform.Normal(location))
				if !below || length < best {
					continue
				}
				if length > best {
					best, found = length, nil
				}
				if !slices.ContainsFunc(found, func(other Target) bool { return other.Section.ID == s.ID }) {
					found = append(found, Target{s, folderBelow(location, rest, path)})
				}
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// folderBelow returns the folder of the file rest below a location, with the location's kind of slash.
func folderBelow(location, rest, path string) string {
	names := strings.Split(rest, "/")
	names = names[:len(names)-1]
	if len(names) == 0 {
		return location
	}
	// Stash's spelling: a disk may keep accents in another form than the one in which paths are compared.
	spelt := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	spelt = spelt[:max(len(spelt)-1, 0)]
	for i, j := len(names)-1, len(spelt)-1; i >= 0 && j >= 0 && pathform.Normal(spelt[j]) == names[i]; i, j = i-1, j-1 {
		names[i] = spelt[j]
	}
	slash := "/"
	if strings.Contains(location, `\`) {
		slash = `\`
	}
	return strings.TrimRight(location, `/\`) + slash + strings.Join(names, slash)
}
