// Package push takes claimed jobs to their completions: it reads the scenes, finds their Plex items, plans what to
// write, writes it, verifies what Plex made of it, sends the pictures, and stores how each claim ended.
package push

import (
	"context"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// Config is what the user chose about pushes.
type Config struct {
	PathMap       []match.PathPair // Stash prefix to Plex prefix
	Fields        merge.Fields
	KeepPlexEdits bool
	Filter        Filter
	SkipMissing   bool // a scene that Plex does not hold is dropped, not awaited
	ScanPlex      bool // Plex is asked to scan the folders of missing files
	MaxRetries    int  // temporary failures that are retried
}

// A Pipeline is what the pushes of one run share. It is used by one goroutine.
type Pipeline struct {
	Store  *store.Store
	Index  *plexindex.Index
	Stash  *stashapi.Client
	Plex   *plexapi.Client
	Log    zerolog.Logger
	Random func() float64 // uniform in [0, 1)
	Config Config

	Gate   *gate.Gate
	Server *Server
	// Refresh brings the index of Plex's files up to date.
	Refresh func(ctx context.Context) error
	// Yield returns why the run has to make room for others now; nil if it need not.
	Yield func(ctx context.Context) error
	// ReadOnly keeps Plex and every file of ours as they are.
	ReadOnly bool
	// KnownOnly makes the most of what the index knows already: no library is listed.
	KnownOnly bool

	Tally Tally
	once  once
}

// A Server is what a run knows of the Plex server that it works with.
type Server struct {
	ID       string // machine identifier
	Sections []plexapi.Section
	Absent   []string // libraries that were asked for and are not there
	Unchosen []string // ids of the libraries that are there and not chosen
	Fresh    bool     // the index was brought up to date since the server was asked for its libraries
}

// Unread reports whether a library may hold more than the index knows.
func (s *Server) Unread(ctx context.Context, index *plexindex.Index) (bool, error) {
	if len(s.Absent) > 0 {
		return true, nil
	}
	for _, section := range s.Sections {
		r, err := index.State(ctx, s.ID, section.ID)
		if err != nil || r.CompleteAt.IsZero() {
			return true, err
		}
	}
	return false, nil
}

// once is what a run has read, logged or asked for already, and does only once.
type once struct {
	excluded   map[int]string // tags that are excluded, with the name for which they are
	lacking    bool           // it was logged that episodes do not have every field
	scanned    map[string]bool
	scanFailed bool                 // Plex did not answer a request for a scan
	dropped    map[droppedFile]bool // taken out of the index by this run: not new if they come back
}

// droppedFile is a file of an item that could not be read as the index had it.
type droppedFile struct{ ratingKey, path string }

// Dropped reports whether this run took a file out of the index.
func (pl *Pipeline) Dropped(ratingKey, path string) bool {
	return pl.once.dropped[droppedFile{ratingKey, path}]
}

// Run takes claimed jobs to their completions. Whatever happens on the way, each claim is completed: by its own
// error, or else by what ended the batch. It returns an error only if the run must end.
func (pl *Pipeline) Run(ctx context.Context, jobs []store.Job) error {
	pushes := make([]*Push, len(jobs))
	for i, j := range jobs {
		pushes[i] = &Push{Job: j}
	}
	fatal := through(ctx, pushes, pl.load, pl.find, pl.plan, pl.write, pl.verify, pl.sendPictures)
	if fatal != nil {
		for _, p := range going(pushes) {
			p.Fail(retry.Released(fatal))
		}
	}
	failures := make([]error, len(pushes))
	for i, p := range pushes {
		failures[i] = p.Failure()
	}
	pl.Gate.Hold(ctx, failures...)
	if err := pl.complete(ctx, pushes); err != nil {
		return err
	}
	if err := pl.Gate.EndTrial(ctx, failures[0]); err != nil {
		return err
	}
	return pl.Gate.After(ctx, fatal)
}

// DryRun works out what pushes of scenes would write. Plex and the queue stay as they are if the pipeline is
// ReadOnly.
func (pl *Pipeline) DryRun(ctx context.Context, scenes []int) ([]*Push, error) {
	pushes := make([]*Push, len(scenes))
	for i, id := range scenes {
		pushes[i] = &Push{Job: store.Job{SceneID: id}}
	}
	return pushes, through(ctx, pushes, pl.load, pl.find, pl.plan, pl.planPictures)
}

// A stage takes pushes one step further and returns those that go on. An error ends the batch.
type stage func(ctx context.Context, pushes []*Push) ([]*Push, error)

// through takes pushes through stages.
func through(ctx context.Context, pushes []*Push, stages ...stage) error {
	for _, stage := range stages {
		if len(pushes) == 0 {
			return nil
		}
		var err error
		if pushes, err = stage(ctx, pushes); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
