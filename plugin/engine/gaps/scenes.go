package gaps

import (
	"context"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

// itemsAtMost is how many items the details of one row name.
const itemsAtMost = 10

// FileDetails are the details of a row.
type FileDetails struct {
	Path  string `json:"path,omitempty"` // in Stash; private
	Size  int64  `json:"size"`           // bytes
	Items []Item `json:"items"`          // of Plex, the first ones
	Count int    `json:"count"`          // of all these items
	Why   string `json:"why,omitempty"`  // of a doubt, or what a choice of a person has to do with it

	Because *reason.Reason `json:"because,omitempty"` // the code of Why
}

// An Item is an item of Plex that holds, or may hold, the file.
type Item struct {
	RatingKey string `json:"rating_key"`
	Library   string `json:"library"`
	Path      string `json:"path"`           // in Plex; private
	Rule      string `json:"rule,omitempty"` // by which it was matched
}

// batch compares some scenes with the index.
func (c *Comparison) batch(ctx context.Context, scenes []stashapi.Scene) error {
	list := make([]*stashapi.Scene, len(scenes))
	for i := range scenes {
		list[i] = &scenes[i]
	}
	matches, err := c.matcher.Match(ctx, list)
	if err != nil {
		return err
	}
	var keys []string
	for _, m := range matches {
		for _, h := range m.Hits {
			keys = append(keys, h.RatingKey)
		}
	}
	choosers, err := c.matcher.ChoosersOf(ctx, keys)
	if err != nil {
		return err
	}
	c.page.Notes = make(map[int64]int64)
	for i, s := range list {
		c.counts.Scenes++
		if err := c.scene(ctx, s, &matches[i], choosers); err != nil {
			return err
		}
	}
	return nil
}

// scene classifies a scene, and notes the files of Plex that are, or may be, its own. A scene that a setting leaves out
// has them, too, and so has one for which a person has chosen another file. choosers are the scenes for which items were
// chosen.
func (c *Comparison) scene(ctx context.Context, s *stashapi.Scene, m *match.Match, choosers map[string]int) error {
	if m.Choice != nil {
		for _, f := range s.Files {
			for _, place := range c.matcher.Places(f.Path) {
				c.note(place.Path, noteMatched)
			}
		}
	}
	weak := m.Doubt != nil
	for _, h := range m.Hits {
		byName := h.Rule == match.ByNameSize || h.Rule == match.ByFolders
		weak = weak || byName
		if byName {
			c.note(h.Path, noteDoubtful)
		} else {
			c.note(h.Path, noteMatched)
		}
	}
	for _, candidate := range m.Candidates {
		c.note(text.Plain(candidate.Path), noteDoubtful)
	}
	leaveToChoosers(m, s.ID, choosers)
	_, leftOut, _ := hidden.Why(s, c.Config.Filter.OnlyOrganized, c.hidden)
	switch {
	case len(s.Files) == 0:
		c.counts.NoFile++
	case leftOut != "":
		c.counts.LeftOut++
	case m.Found == match.Ambiguous:
		c.counts.Ambiguous++
		c.found(Ambiguous, s, c.candidates(s, m))
	case weak:
		c.counts.Doubtful++
		c.found(Doubtful, s, c.hits(s, m))
	case m.Found == match.Matched:
		return c.matched(ctx, s, m)
	case m.Found == match.Unknown:
		c.counts.Unread++
		c.found(Unread, s, c.hits(s, m))
	default:
		c.counts.NotInPlex++
		c.found(NotInPlex, s, c.hits(s, m))
	}
	return nil
}

// leaveToChoosers makes a scene missing of which all items were chosen for others: it is not pushed to them.
func leaveToChoosers(m *match.Match, scene int, choosers map[string]int) {
	var taken []match.Taken
	own := slices.DeleteFunc(slices.Clone(m.Hits), func(h match.Hit) bool {
		by := choosers[h.RatingKey]
		if by == 0 || by == scene {
			return false
		}
		taken = append(taken, match.Taken{Hit: h, Scene: by})
		return true
	})
	if len(taken) > 0 && len(own) == 0 && m.Found == match.Matched {
		m.Found, m.Taken = match.Missing, taken
	}
}

// matched classifies a scene whose files are certain: one item shows each, or several do.
func (c *Comparison) matched(ctx context.Context, s *stashapi.Scene, m *match.Match) error {
	for _, h := range m.Hits {
		files, err := c.Index.ByPath(ctx, c.server, h.Path, false)
		if err != nil {
			return err
		}
		d := FileDetails{Path: text.Private(h.File), Size: h.Size}
		keys := make(map[string]bool)
		for _, f := range match.InSections(files, c.sections) {
			if !keys[f.RatingKey] {
				keys[f.RatingKey] = true
				d.add(c.item(f.RatingKey, f.Section, f.Path, h.Rule))
			}
		}
		if d.Count > 1 {
			c.counts.Several++
			c.found(Several, s, d)
			return nil
		}
	}
	c.counts.InPlex++
	return nil
}

// note notes a file of Plex.
func (c *Comparison) note(path string, value int64) {
	key := hash(path)
	if known, ok := c.page.Notes[key]; !ok || value < known {
		c.page.Notes[key] = value
	}
}

// found adds a row to the page. The scene of a file of Plex has the id 0.
func (c *Comparison) found(kind string, s *stashapi.Scene, d FileDetails) {
	c.page.Findings = append(c.page.Findings, report.Finding{
		SceneID: s.ID, Kind: kind, Title: text.Private(text.OneLine(s.Name(), text.ValueLimit)), Details: d,
	})
}

func (c *Comparison) item(key, section, path, rule string) Item {
	i := slices.IndexFunc(c.matcher.Sections, func(s plexapi.Section) bool { return s.ID == section })
	library := section
	if i >= 0 {
		library = c.matcher.Sections[i].Title
	}
	return Item{RatingKey: key, Library: library, Path: text.Private(path), Rule: rule}
}

func (d *FileDetails) add(i Item) {
	if d.Count++; len(d.Items) < itemsAtMost {
		d.Items = append(d.Items, i)
	}
}

// ofScene returns the details of a scene without items.
func ofScene(s *stashapi.Scene) FileDetails {
	return FileDetails{Path: text.Private(s.Files[0].Path), Size: s.Files[0].Size, Items: []Item{}}
}

func (c *Comparison) hits(s *stashapi.Scene, m *match.Match) FileDetails {
	d := ofScene(s)
	for _, h := range m.Hits {
		d.add(c.item(h.RatingKey, h.Section, h.Path, h.Rule))
	}
	switch {
	case m.Doubt != nil:
		d.because(retry.ReasonOf(m.Doubt), m.Doubt.Error())
	case m.Found == match.Missing && m.Choice != nil:
		d.because(reason.ChosenGone(m.Choice.Path), "the item that a person chose for it is gone: choose another one, or forget the choice")
	case m.Found == match.Missing && len(m.Taken) > 0:
		one, _ := m.Taken[0].Why()
		d.because(reason.ChosenElsewhere(m.Taken[0].Scene, m.Taken[0].RatingKey), one)
	}
	return d
}

// because says why a scene is where it is.
func (d *FileDetails) because(r reason.Reason, why string) {
	d.Why, d.Because = text.OneLine(why, text.Limit), &r
}

func (c *Comparison) candidates(s *stashapi.Scene, m *match.Match) FileDetails {
	d := ofScene(s)
	for _, candidate := range m.Candidates {
		d.add(c.item(candidate.RatingKey, candidate.Section, text.Plain(candidate.Path), ""))
	}
	return d
}
