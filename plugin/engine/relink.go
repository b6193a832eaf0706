package engine

import (
	"context"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
	"github.com/stash-plex-sync/stash-plex-sync/store/relink"
)

const (
	compareEvery = 10 * time.Minute // how often a run with nothing due compares Plex's libraries with the index
	compareLimit = 5 * time.Second  // for the answer
	relinkAtOnce = 1000             // scenes per transaction, during which hooks wait
)

// plexChanged reports whether Plex's libraries have changed since the index was updated. It asks Plex at most every 10
// minutes, only if a scene was pushed, and with one request. Whether Plex answers does not matter to the run.
func (r *run) plexChanged(ctx context.Context) (bool, error) {
	now := time.Now()
	_, last, err := r.Store.Meta(ctx, store.KeyLastCompare)
	if age := now.Sub(last); err != nil || age >= 0 && age < compareEvery {
		return false, err
	}
	linked, err := relink.HasLinks(ctx, r.Store)
	if err != nil || !linked {
		return false, err
	}
	if err := r.Store.SetMeta(ctx, now, store.KeyLastCompare, ""); err != nil {
		return false, err
	}
	if r.ready { // the libraries were read by this run
		return true, nil
	}
	server, _, err := r.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return false, err
	}
	asking, cancel := context.WithTimeout(ctx, compareLimit)
	defer cancel()
	sections, err := r.Plex.Sections(asking)
	if ctx.Err() != nil {
		return false, gate.Cancelled()
	}
	if err != nil {
		r.Log.Debug().Err(err).Msg("could not look whether Plex's libraries have changed; a run in 10 minutes looks again")
		return false, nil
	}
	chosen, _ := match.ChooseSections(sections, r.Config.Libraries)
	upToDate, err := r.Index.UpToDate(ctx, server, chosen)
	return !upToDate, err
}

// newFilesMatter reports whether a scene awaits a file or was pushed, so that a new file may concern it.
func (r *run) newFilesMatter(ctx context.Context) (bool, error) {
	awaited, err := r.Store.HasAwaitedFiles(ctx)
	if err != nil || awaited {
		return awaited, err
	}
	return relink.HasLinks(ctx, r.Store)
}

// fillLinkFiles notes the files of links that were written without noting them.
func (r *run) fillLinkFiles(ctx context.Context) error {
	for {
		more, err := relink.Fill(ctx, r.Store, time.Now(), relinkAtOnce)
		if err != nil || !more {
			return err
		}
		if err := sleep(ctx, breather); err != nil {
			return err
		}
	}
}

// relink enqueues the pushed scenes that Plex shows as new items, after all libraries were read. What is left when it
// stops is looked at by the next run.
func (r *run) relink(ctx context.Context) error {
	enqueued := 0
	defer func() {
		if enqueued > 0 {
			r.Log.Info().Msg("Plex has new items for the files of " + text.Count(enqueued, "scene: it is pushed again", "scenes: they are pushed again"))
		}
	}()
	m, err := r.pushes.Matcher(ctx)
	for err == nil {
		now := time.Now()
		scenes, err := relink.Due(ctx, r.Store, now, r.server.ID, relinkAtOnce)
		if err != nil || len(scenes) == 0 {
			return err
		}
		for i := range scenes {
			if err := r.lookAtScene(ctx, m, now, &scenes[i]); err != nil {
				return err
			}
		}
		n, err := relink.Complete(ctx, r.Store, now, scenes)
		if enqueued += n; err != nil || len(scenes) < relinkAtOnce {
			return err
		}
		if err := sleep(ctx, breather); err != nil {
			return err
		}
		if err := r.gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
	return err
}

// lookAtScene decides whether a scene must be pushed again: a library shows its file as an item that the scene has no
// link to, or the file has another size and the library is not being scanned.
func (r *run) lookAtScene(ctx context.Context, m *match.Matcher, now time.Time, s *relink.Scene) error {
	if age := now.Sub(s.PushedAt); age >= 0 && age < relink.Pause {
		s.Next = s.PushedAt.Add(relink.Pause)
		return nil
	}
	for _, path := range s.Paths {
		files, err := m.Shown(ctx, path)
		if err != nil {
			return err
		}
		for _, f := range files {
			switch {
			case !slices.Contains(s.Keys, f.RatingKey):
				s.Lost = true
			case s.Size == 0 || f.Size == 0 || f.Size == s.Size:
			case r.isScanned(f):
				s.Next = now.Add(relink.Pause)
			default:
				s.Lost = true
			}
		}
	}
	return nil
}

// isScanned reports whether Plex is scanning the library of a file.
func (r *run) isScanned(f plexindex.File) bool {
	for _, s := range r.server.Sections {
		if s.ID == f.Section {
			return s.Refreshing
		}
	}
	return false
}
