package push

import (
	"fmt"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// candidatesNamed is the number of candidates that a message names.
const candidatesNamed = 3

// notMatched returns the error of a push without a matching item.
func (pl *Pipeline) notMatched(p *Push) error {
	file := p.Scene.Files[0].Path
	path := text.Private(file)
	if p.Match.Found == match.Missing {
		if c := p.Match.Choice; c != nil {
			return retry.NotFound(reason.ChosenGone(c.Path), "the item that you chose is gone ("+text.Private(c.Path)+"); choose another one, or forget the choice")
		}
		if taken := p.Match.Taken; len(taken) > 0 {
			return chosenElsewhere(taken[0])
		}
	}
	switch p.Match.Found {
	case match.Ambiguous:
		return retry.Ambiguous(reason.Ambiguous(file, len(p.Match.Candidates)), fmt.Sprintf("%d Plex items fit %s equally well: choose one of them on the plugin's page; or delete the extra ones in Plex or set \"Path map\" (pathMap), then run \"Retry dead letters\"; they are %s",
			len(p.Match.Candidates), path, NameCandidates(p.Match.Candidates)), p.Match.Candidates)
	case match.Unknown:
		return retry.Unready(reason.LibraryNotRead(file), "no item for "+path+" found so far, but a Plex library is missing or has not been completely read yet"+
			": check \"Plex libraries\" (plexLibraries); the next runs read the rest")
	}
	if pl.Config.SkipMissing {
		const setting = ", and \"Skip missing scenes\" (skipMissing) is on: when Plex has scanned the folder, run \"Sync all scenes\""
		return retry.Skipped(reason.MissingSkipped(file), "Plex has no item for "+path+setting, "Plex has no items for their files"+setting)
	}
	return retry.NotFound(reason.NotInPlex(file), "Plex has no item for "+path+" yet: scan its folder in Plex; if Plex shows the video already, check \"Path map\" (pathMap)")
}

// NameCandidates names the first candidates by library and path.
func NameCandidates(list []match.Candidate) string {
	var where []string
	for _, c := range list[:min(len(list), candidatesNamed)] {
		where = append(where, fmt.Sprintf("%s in %q", c.Path, c.Library))
	}
	if len(list) > candidatesNamed {
		where = append(where, "…")
	}
	return strings.Join(where, ", ")
}

// notOwned returns the error of a push whose item belongs to another scene.
func notOwned(scene int, ratingKey, why string) error {
	return retry.Skipped(reason.OtherScene(scene, ratingKey), why+": to push this one, give it a Plex item of its own (Split Apart in Plex)",
		"their Plex items belong to other scenes: to push these, give them Plex items of their own (Split Apart in Plex)")
}

// chosenElsewhere returns the error of a push whose item a person has chosen for another scene.
func chosenElsewhere(t match.Taken) error {
	one, many := t.Why()
	return retry.Skipped(reason.ChosenElsewhere(t.Scene, t.RatingKey), one, many)
}
