package push

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

// MaxScans is the maximum number of folders that a run asks Plex to scan.
const MaxScans = 20

// scanMissing asks Plex to scan the folders of missing files. The jobs wait in any case; files that Plex finds wake
// them.
func (pl *Pipeline) scanMissing(ctx context.Context, pushes []*Push) error {
	if !pl.Config.ScanPlex || pl.Config.SkipMissing || pl.ReadOnly || pl.Gate.OnTrial() || pl.KnownOnly {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lost := slices.DeleteFunc(slices.Clone(pushes), func(p *Push) bool {
		return p.Match.Found != match.Missing || !retry.Judge(p.Failure()).Class.AwaitsFile() // otherwise the index may be out of date
	})
	if len(lost) == 0 {
		return nil
	}
	m, err := pl.Matcher(ctx)
	if err != nil {
		return err
	}
	for _, p := range lost {
		for _, f := range p.Scene.Files {
			targets := scansFor(m.Places(f.Path), pl.Server.Sections, f.Path)
			for _, s := range targets {
				pl.scan(ctx, s)
			}
			if len(targets) == 0 {
				logOf(pl.Log.Debug(), p).Str("path", text.Private(f.Path)).Msg("not scanned: no library contains its folder")
			}
		}
	}
	return nil
}

// scanTarget is a folder that Plex may scan, in its own path form.
type scanTarget struct {
	section plexapi.Section
	folder  string
}

// scan requests one scan, unless it was requested before or Plex is scanning the library. If Plex does not answer, or
// refuses five folders in a row, the run requests no more scans.
func (pl *Pipeline) scan(ctx context.Context, s scanTarget) {
	key := s.section.ID + " " + s.folder
	if pl.once.scansLost >= retry.TripAfter || pl.once.scanned[key] || len(pl.once.scanned) >= MaxScans || pl.Gate.MakeRoom(ctx) != nil {
		return
	}
	log := pl.Log.With().Str("library", s.section.Title).Str("folder", text.Private(s.folder)).Logger()
	if s.section.Refreshing {
		log.Debug().Msg("not scanned: Plex is already scanning this library")
		return
	}
	if pl.once.scanned == nil {
		pl.once.scanned = make(map[string]bool)
	}
	pl.once.scanned[key] = true
	if err := pl.Plex.Scan(ctx, s.section.ID, s.folder); err != nil {
		switch {
		case retry.NoAnswer(err):
			pl.once.scansLost = retry.TripAfter
		case gate.Judge(ctx, err).Breaker != retry.Answered:
			pl.once.scansLost++
		}
		log.Warn().Err(err).Msg("could not request a scan from Plex")
		return
	}
	pl.once.scansLost = 0
	log.Info().Msg("asked Plex to scan a folder for missing files")
}

// scansFor returns the libraries and folders to scan for a file of Stash, from its possible paths in Plex: learned
// prefixes take precedence over the unchanged path. It returns every library with the nearest folder, because each of
// them will contain the file.
func scansFor(places []match.Place, sections []plexapi.Section, path string) []scanTarget {
	for _, where := range slices.Concat(places[1:], places[:1]) {
		var found []scanTarget
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
				if !slices.ContainsFunc(found, func(other scanTarget) bool { return other.section.ID == s.ID }) {
					found = append(found, scanTarget{s, folderBelow(location, rest, path)})
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
