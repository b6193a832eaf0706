// Package push completes claimed jobs: it reads the scenes, finds their Plex items, plans the writes, writes, reads the
// result back, sends the pictures, and stores the completion of each claim.
package push

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/hidden"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/scans"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/tally"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// Config holds the user's settings for pushes.
type Config struct {
	PathMap       []match.PathPair // Stash prefix to Plex prefix
	Fields        merge.Fields
	KeepPlexEdits bool
	Filter        Filter
	SkipMissing   bool // a scene that is missing in Plex is dropped, not awaited
	ScanPlex      bool // Plex is asked to scan the folders of missing files
	MaxRetries    int  // temporary failures that are retried
}

// A Pipeline holds what the pushes of one run share. It is used by one goroutine.
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
	// Refresh updates the index of Plex's files.
	Refresh func(ctx context.Context) error
	// ReadOnly leaves Plex and all our files unchanged.
	ReadOnly bool
	// KnownOnly uses the index as it is: no library is listed.
	KnownOnly bool
	// Quiet logs scenes that are not in Plex at debug level only.
	Quiet bool

	Tally    tally.Tally
	once     once
	began    time.Time // when the jobs of this batch were claimed
	advanced bool      // this stage has written something, so it may yield
	inDoubt  []*Push   // released, but charged if Plex turns out to accept changes of other items
}

// A Server holds what a run knows about its Plex server.
type Server struct {
	ID       string // machine identifier
	Sections []plexapi.Section
	Absent   []string // chosen libraries that are missing
	Unchosen []string // ids of the libraries that are not chosen
	Fresh    bool     // the index has been updated since the libraries were read
}

// Unread reports whether a library may contain more than the index.
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

// once holds what a run reads, logs or requests only once.
type once struct {
	excluded map[int]hidden.Tag
	lacking  bool // logged that episodes lack some fields
	scans    scans.Requests
	dropped  map[droppedFile]bool // removed from the index by this run: not new if they return
	skipped  map[string]*skips    // by reason
	noticed  int                  // lines about scenes that wait
}

// droppedFile is a file in the index whose item no longer holds it.
type droppedFile struct{ ratingKey, path string }

// Dropped reports whether this run removed a file from the index.
func (pl *Pipeline) Dropped(ratingKey, path string) bool {
	return pl.once.dropped[droppedFile{ratingKey, path}]
}

// Run pushes claimed jobs and completes every claim: with its own error, or with the error that ended the batch. It
// returns an error only if the run must end.
func (pl *Pipeline) Run(ctx context.Context, jobs []store.Job) error {
	pl.began = time.Now()
	pushes := make([]*Push, len(jobs))
	for i, j := range jobs {
		pushes[i] = &Push{Job: j}
	}
	fatal := through(ctx, pushes, pl.load, pl.find, pl.plan, pl.write, pl.verify, pl.sendPictures)
	if fatal != nil {
		for _, p := range going(pushes) {
			p.Fail(released(ctx, fatal))
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

// released ends a push without charge because of what ends its batch.
func released(ctx context.Context, why error) error {
	return retry.Released(gate.ClassOf(ctx, why), why)
}

// DryRun computes what pushes of scenes would write. If the pipeline is ReadOnly, Plex and the queue do not change.
func (pl *Pipeline) DryRun(ctx context.Context, scenes []int) ([]*Push, error) {
	pushes := make([]*Push, len(scenes))
	for i, id := range scenes {
		pushes[i] = &Push{Job: store.Job{SceneID: id}}
	}
	return pushes, through(ctx, pushes, pl.load, pl.find, pl.plan, pl.planPictures)
}

// A stage advances pushes by one step and returns those that continue. An error ends the batch.
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
