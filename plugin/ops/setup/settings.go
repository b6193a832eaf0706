package setup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

const (
	librariesLimit  = 5 * time.Second // for all answers of Plex about its libraries
	tagsShown       = 200             // excluded tags
	librariesListed = 100
)

// SettingsReport holds the settings as they are saved, and what they choose.
type SettingsReport struct {
	Settings     []Setting     `json:"settings"`
	Unknown      []string      `json:"unknown"`       // keys of no setting
	ExcludedTags *ExcludedTags `json:"excluded_tags"` // null: Stash did not answer
	Libraries    []PlexLibrary `json:"libraries"`     // null: Plex did not answer
	Plex         desk.Answer   `json:"plex"`
}

// Setting is one setting.
type Setting struct {
	Key      string    `json:"key"`  // as Stash stores it
	Name     string    `json:"name"` // without the number
	Label    string    `json:"label"`
	Kind     string    `json:"kind"`
	Value    any       `json:"value"`
	Default  any       `json:"default"`
	Problems []Problem `json:"problems"`
}

// Problem is why a setting cannot be used.
type Problem struct {
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

// ExcludedTags is what the setting excludeTags means now.
type ExcludedTags struct {
	Count    int           `json:"count"`
	Tags     []ExcludedTag `json:"tags"`    // the first of them
	Unknown  []string      `json:"unknown"` // names that Stash does not have: nothing is pushed
	Problem  string        `json:"problem"`
	Warnings []string      `json:"warnings"`
}

// ExcludedTag is one tag whose scenes are not pushed.
type ExcludedTag struct {
	ID      int    `json:"id"`
	Setting string `json:"setting"` // the name in the setting
	Below   bool   `json:"below"`   // it is a descendant of the tag with that name
}

// PlexLibrary is one library of Plex.
type PlexLibrary struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Type    string `json:"type"`
	Agent   string `json:"agent"`
	Online  bool   `json:"online"` // the agent sends titles or file names to a service in the internet
	Meaning string `json:"meaning"`
	Size    *int   `json:"size"` // movies or episodes; null: unknown
	Chosen  bool   `json:"chosen"`
	Why     string `json:"why"` // why it is not chosen
}

func settingsOf(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	problems := settings.ProblemsOf(d.SettingsErr)
	if d.SettingsErr != nil && len(problems) == 0 {
		return nil, d.SettingsErr // Stash did not answer
	}
	r := SettingsReport{Settings: []Setting{}, Unknown: append([]string{}, d.Settings.Unknown...)}
	for _, e := range settings.Table(d.Settings, problems) {
		s := Setting{Key: e.Key, Name: e.Name, Label: e.Label, Kind: e.Kind, Value: e.Value, Default: e.Default, Problems: []Problem{}}
		for _, p := range e.Problems {
			s.Problems = append(s.Problems, Problem{p.String(), p.Remedy})
		}
		r.Settings = append(r.Settings, s)
	}
	var err error
	if r.ExcludedTags, err = excludedTags(ctx, d); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, librariesLimit)
	defer cancel()
	r.Libraries, err = libraries(limited, d)
	if r.Plex.Reachable = err == nil; err != nil {
		r.Plex = desk.Failed(err)
	}
	return r, ctx.Err()
}

// excludedTags resolves the setting excludeTags; nil if Stash does not answer.
func excludedTags(ctx context.Context, d *desk.Desk) (*ExcludedTags, error) {
	limited, cancel := context.WithTimeout(ctx, desk.AskLimit)
	defer cancel()
	found, err := hidden.Resolve(limited, d.Store, d.Stash, d.Settings.ExcludeTags)
	if err != nil {
		d.Log.Debug().Err(err).Msg("cannot resolve the excluded tags")
		return nil, ctx.Err()
	}
	e := ExcludedTags{Count: len(found.ByID), Tags: []ExcludedTag{}, Unknown: append([]string{}, found.Unknown...), Problem: found.Problem(), Warnings: append([]string{}, found.Warnings()...)}
	for _, id := range slices.Sorted(maps.Keys(found.ByID)) {
		if tag := found.ByID[id]; len(e.Tags) < tagsShown {
			e.Tags = append(e.Tags, ExcludedTag{id, tag.Setting, !tag.Named})
		}
	}
	return &e, nil
}

// libraries asks Plex for its libraries, and for the size of those with videos as long as there is time.
func libraries(ctx context.Context, d *desk.Desk) ([]PlexLibrary, error) {
	if d.Where.URL == "" || d.Where.Token == "" {
		return nil, d.SettingsErr
	}
	plex, err := d.Plex(ctx)
	if err != nil {
		return nil, err
	}
	_, sections, err := plex.Probe(ctx)
	if err != nil {
		return nil, err
	}
	chosen, _ := match.ChooseSections(sections, d.Settings.Libraries)
	ids := match.IDs(chosen)
	list := []PlexLibrary{}
	for _, s := range sections[:min(len(sections), librariesListed)] {
		a := match.AgentOf(s)
		l := PlexLibrary{ID: s.ID, Title: text.OneLine(s.Title, text.Limit), Type: text.OneLine(s.Type, text.ValueLimit), Agent: text.OneLine(cmp.Or(s.Agent, a.Name), text.ValueLimit), Online: a.Online, Meaning: a.Meaning}
		if l.Chosen = slices.Contains(ids, s.ID); !l.Chosen {
			l.Why = whyNotChosen(d, s)
		}
		if kind := s.ItemType(); kind != 0 {
			if page, err := plex.List(ctx, plexapi.ListQuery{SectionID: s.ID, Type: kind}); err != nil { // the size says nothing that a push needs
				d.Log.Debug().Err(err).Str("library", s.ID).Msg("cannot read the size of a library")
			} else if page.TotalSize >= 0 {
				l.Size = &page.TotalSize
			}
		}
		list = append(list, l)
	}
	return list, nil
}

// whyNotChosen says why a library is not chosen by the settings.
func whyNotChosen(d *desk.Desk, s plexapi.Section) string {
	switch {
	case s.Unreadable != "":
		return "it cannot be read: " + s.Unreadable
	case s.ItemType() == 0:
		return fmt.Sprintf("it contains no videos (its type is %s)", text.OneLine(s.Type, text.ValueLimit))
	case len(d.Settings.Libraries) == 0:
		return settings.Label("plexLibraries") + " is empty, which means all movie libraries"
	}
	return settings.Label("plexLibraries") + " does not name it"
}
