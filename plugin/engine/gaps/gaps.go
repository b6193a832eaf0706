// Package gaps compares the scenes of Stash with the files of Plex, both ways: what is only in Stash, what is only in
// Plex, and which matches are doubtful. It asks Stash and reads the index, and makes no request to Plex.
package gaps

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

const (
	pageSize  = 1000 // scenes in a query to Stash, and files of the index in a page
	batchSize = 100  // scenes that are matched, stored and yielded after together
)

// The classes of scenes and files that a report lists, as kinds of its rows.
const (
	NotInPlex  = "not_in_plex"
	NotInStash = "not_in_stash" // a file of Plex
	Several    = "several"      // several items show one file
	Ambiguous  = "ambiguous"    // several files fit equally well
	Doubtful   = "doubtful"     // matched by name and size or by folders, or it is unknown who owns the item
	Unread     = "unread"       // the file may be in a library that was not read completely
)

// Counts count each scene once, and each file of an item once.
type Counts struct {
	Scenes    int `json:"scenes"`   // of Stash
	InPlex    int `json:"in_plex"`  // matched by path, by one item
	LeftOut   int `json:"left_out"` // by a setting, in Plex or not
	NoFile    int `json:"no_file"`  // without a file in Stash
	NotInPlex int `json:"not_in_plex"`
	Several   int `json:"several"`
	Ambiguous int `json:"ambiguous"`
	Doubtful  int `json:"doubtful"`
	Unread    int `json:"unread"`

	Files         int `json:"files"`          // of Plex
	FilesInStash  int `json:"files_in_stash"` // their paths are those of scenes
	FilesDoubtful int `json:"files_doubtful"` // they fit scenes that are ambiguous or doubtful
	NotInStash    int `json:"not_in_stash"`

	UnreadLibraries []string `json:"unread_libraries"` // titles, or names from the settings, of those never read completely
}

// Line returns the last line of a comparison that ended early if stopped is not "".
func (c Counts) Line(stopped string) string {
	line := fmt.Sprintf("%s: %d in Plex, %d not in Plex, %d with several items, %d ambiguous, %d doubtful, %d perhaps in a library that was not read, %d left out or without a file; %s of Plex: %d not in Stash",
		text.Count(c.Scenes, "scene", "scenes"), c.InPlex, c.NotInPlex, c.Several, c.Ambiguous, c.Doubtful, c.Unread, c.LeftOut+c.NoFile,
		text.Count(c.Files, "file", "files"), c.NotInStash)
	if stopped != "" {
		return text.Join(stopped, "the comparison is incomplete: "+line)
	}
	for _, name := range c.UnreadLibraries {
		line += fmt.Sprintf("; library %q was never read completely", name)
	}
	return "Compared Stash with Plex, nothing was written: " + line
}

// A Position is how far a comparison has come.
type Position struct {
	After int             `json:"after"` // the last scene compared
	Files bool            `json:"files"` // all scenes were compared
	Place plexindex.Place `json:"place"` // of the last file compared
}

// A Comparison compares all scenes with all files and stores what it finds. It is used once.
type Comparison struct {
	Store     *store.Store
	Index     *plexindex.Index
	Stash     *stashapi.Client
	Config    push.Config
	Libraries []string // names or ids; empty: all that the index holds
	Report    *report.Writer
	Now       func() time.Time
	Room      func(ctx context.Context) error // why it must end between two pages; nil if it continues
	Progress  func(float64)

	counts   Counts
	at       Position
	server   string
	sections []plexapi.Section
	hidden   map[int]hidden.Tag
	matcher  *match.Matcher
	page     report.Page // of the current batch
}

// Notes on the paths of files in Plex. The smaller one decides.
const (
	noteMatched = 1 + iota
	noteDoubtful
)

// Run compares, from where the report ended. stopped says why it cannot, "" if it has. An error of Room ends it, and it
// can be continued. It returns the counts in every case.
func (c *Comparison) Run(ctx context.Context) (counts Counts, stopped string, err error) {
	c.counts.UnreadLibraries = []string{}
	if _, err := c.Report.Resume(&c.at, &c.counts); err != nil {
		return c.counts, "", err
	}
	stopped, err = c.prepare(ctx)
	if err == nil { // also the libraries, before the first batch
		err = c.Report.Put(ctx, c.Now(), report.Page{Counts: c.counts, Position: c.at})
	}
	if err != nil || stopped != "" {
		return c.counts, stopped, err
	}
	if !c.at.Files {
		err = c.scenes(ctx)
	}
	if err == nil {
		err = c.files(ctx)
	}
	return c.counts, "", err
}

// prepare reads what does not change during a comparison.
func (c *Comparison) prepare(ctx context.Context) (stopped string, err error) {
	if err := c.Index.Shrink(ctx); err != nil {
		return "", err
	}
	if c.server, _, err = c.Store.Meta(ctx, store.KeyServer); err != nil {
		return "", err
	}
	states, err := c.Index.States(ctx, c.server)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(states, func(s plexindex.ListingState) bool { return !s.CompleteAt.IsZero() }) {
		return `no library of Plex has been read completely yet: run "Rebuild Plex index", then start this task again`, nil
	}
	c.choose(states)
	if len(c.sections) == 0 {
		return `none of the libraries in "Plex libraries" (plexLibraries) has been read yet: run "Process queue", then start this task again`, nil
	}
	tags, err := hidden.Resolve(ctx, c.Store, c.Stash, c.Config.Filter.ExcludeTags)
	if err != nil || tags.Problem() != "" {
		return tags.Problem(), err
	}
	c.hidden = tags.ByID
	pipeline := push.Pipeline{
		Store: c.Store, Index: c.Index, Stash: c.Stash, Config: c.Config, Server: &push.Server{ID: c.server, Sections: c.sections}, ReadOnly: true,
	}
	if c.matcher, err = pipeline.Matcher(ctx); err != nil {
		return "", err
	}
	c.matcher.Read = nil
	c.matcher.Unread = len(c.counts.UnreadLibraries) > 0
	return "", nil
}

// choose chooses the libraries of the index that the settings name, and notes those that were never read completely.
// The index holds only libraries with videos.
func (c *Comparison) choose(states []plexindex.ListingState) {
	all := make([]plexapi.Section, len(states))
	complete := make(map[string]bool)
	for i, s := range states {
		all[i] = plexapi.Section{ID: s.Section, Title: s.Title, Type: "movie"}
		complete[s.Section] = !s.CompleteAt.IsZero()
	}
	chosen, absent := match.ChooseSections(all, c.Libraries)
	c.sections, c.counts.UnreadLibraries = chosen, append([]string{}, absent...)
	for _, s := range chosen {
		if !complete[s.ID] {
			c.counts.UnreadLibraries = append(c.counts.UnreadLibraries, s.Title)
		}
	}
}

// scenes compares all scenes with the index.
func (c *Comparison) scenes(ctx context.Context) error {
	for {
		list, left, err := c.Stash.FilesOfScenes(ctx, c.at.After, pageSize)
		if err != nil {
			return err
		}
		total := c.counts.Scenes + left
		for batch := range slices.Chunk(list, batchSize) {
			if err := c.batch(ctx, batch); err != nil {
				return err
			}
			c.at.After = batch[len(batch)-1].ID
			if err := c.put(ctx, scenesPart*float64(c.counts.Scenes)/float64(total)); err != nil {
				return err
			}
		}
		if len(list) < pageSize {
			c.at.Files = true
			return c.put(ctx, scenesPart)
		}
	}
}

// scenesPart is the part of the work that the scenes make.
const scenesPart = 0.8

// put stores what was found since the last time, and makes room for other jobs.
func (c *Comparison) put(ctx context.Context, progress float64) error {
	page := c.page
	c.page = report.Page{}
	page.Counts, page.Position = c.counts, c.at
	if err := c.Report.Put(ctx, c.Now(), page); err != nil {
		return err
	}
	c.Progress(progress)
	return c.Room(ctx)
}

// files looks for the files of the index that belong to no scene.
func (c *Comparison) files(ctx context.Context) error {
	total := 0
	for _, s := range c.sections {
		n, err := c.Index.CountFiles(ctx, c.server, s.ID)
		if err != nil {
			return err
		}
		total += n.N
	}
	for {
		files, place, err := c.Index.Walk(ctx, c.server, c.at.Place, pageSize)
		if err != nil || len(files) == 0 {
			return err
		}
		last := len(files) < pageSize
		if err := c.compareFiles(ctx, match.InSections(files, c.sections)); err != nil {
			return err
		}
		c.at.Place = place
		part := min(1, float64(c.counts.Files)/float64(max(total, 1)))
		if err := c.put(ctx, scenesPart+(1-scenesPart)*part); err != nil || last {
			return err
		}
	}
}

// compareFiles classifies some files.
func (c *Comparison) compareFiles(ctx context.Context, files []plexindex.File) error {
	hashes := make([]int64, len(files))
	for i, f := range files {
		hashes[i] = hash(f.Path)
	}
	notes, err := c.Report.Notes(ctx, hashes)
	if err != nil {
		return err
	}
	for i, f := range files {
		c.counts.Files++
		switch notes[hashes[i]] {
		case noteMatched:
			c.counts.FilesInStash++
		case noteDoubtful:
			c.counts.FilesDoubtful++
		default:
			c.counts.NotInStash++
			d := FileDetails{Size: f.Size}
			d.add(c.item(f.RatingKey, f.Section, f.Path, ""))
			name := stashapi.Scene{Files: []stashapi.File{{Path: f.Path}}}
			c.found(NotInStash, &name, d)
		}
	}
	return nil
}

// hash returns the hash of a path in Plex, without the differences between spellings.
func hash(path string) int64 {
	h := fnv.New64a()
	h.Write([]byte(pathform.Normal(path))) // a hash never fails
	return int64(h.Sum64())
}
