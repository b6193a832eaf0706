package gaps

import (
	"context"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
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
	Why   string `json:"why,omitempty"`  // of a doubt
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
	c.page.Notes = make(map[int64]int64)
	for i, s := range list {
		c.counts.Scenes++
		if err := c.scene(ctx, s, &matches[i]); err != nil {
			return err
		}
	}
	return nil
}

// scene classifies a scene, and notes the files of Plex that are, or may be, its own. A scene that a setting leaves out
// has them, too.
func (c *Comparison) scene(ctx context.Context, s *stashapi.Scene, m *match.Match) error {
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
	if m.Doubt != nil {
		d.Why = text.OneLine(m.Doubt.Error(), text.Limit)
	}
	return d
}

func (c *Comparison) candidates(s *stashapi.Scene, m *match.Match) FileDetails {
	d := ofScene(s)
	for _, candidate := range m.Candidates {
		d.add(c.item(candidate.RatingKey, candidate.Section, text.Plain(candidate.Path), ""))
	}
	return d
}
