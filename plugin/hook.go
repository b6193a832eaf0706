package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	askTimeout   = 3 * time.Second // for Stash to take a run into its queue: as long as the mark says that we ask
	inlineBudget = 2 * time.Second // the longest that a save ever waits for Plex
	taskName     = "Process queue" // the task of the yml that runs
	taskLabel    = engine.RunDescription
)

// hook records what a hook tells and sees to it that a run follows. Neither Stash nor Plex failing loses
// the job: once it is recorded, nothing that follows is an error.
func (r *Runner) hook(conn common.StashServerConnection, payload any, log *stashlog.Writer) error {
	z := log.Logger(false)
	h, handled, problem := parseHook(payload)
	if problem != "" {
		z.Warn().Msg(problem)
	}
	if !handled || h.Empty() {
		return nil
	}
	dir, err := DataDir(conn)
	if err != nil {
		return err
	}
	recording := context.WithoutCancel(r.ctx) // Stop does not end this
	db, mark, err := record(recording, dir, h)
	if err != nil {
		return leave(dir, h, err)
	}
	hook := hookRun{Runner: r, conn: conn, db: db, log: log}
	if mark.Ask {
		mark.Busy = hook.ask(recording, mark)
	}
	if mark.Busy && h.Fanout == nil && h.Own.Priority == store.ByPerson && !h.Gone {
		hook.inline(h.Own.SceneID)
	}
	return nil
}

// record writes what the hook tells into the queue. The database stays open: the process ends in a moment,
// and closing it would write the log back first.
func record(ctx context.Context, dir string, h store.HookRecord) (*store.Store, store.Mark, error) {
	db, err := store.Open(ctx, dir)
	if err != nil {
		return nil, store.Mark{}, err
	}
	mark, err := db.RecordHook(ctx, time.Now(), h)
	return db, mark, err
}

// leave puts what the hook tells into the inbox because the queue cannot be written.
func leave(dir string, h store.HookRecord, cause error) error {
	cause = mendable(cause)
	err := mendable(store.LeaveInInbox(dir, time.Now(), h))
	switch {
	case err == nil:
		return fmt.Errorf("%v was left in the inbox, because the queue cannot be written: %w; the next run of %q takes it in", h, cause, taskName)
	case remedy(err) == remedy(cause):
		return fmt.Errorf("%v could not be queued: %w; then save it again", h, cause)
	}
	return fmt.Errorf("%v could not be queued: %w; and not be left in the inbox either: %w; then save it again", h, cause, err)
}

// remedy is what a person is told to do about an error.
func remedy(err error) string {
	if f, ok := errors.AsType[*sqlitefile.Error](err); ok {
		return f.Remedy
	}
	return err.Error()
}

// hookRun is what a hook does after its job is recorded.
type hookRun struct {
	*Runner
	conn common.StashServerConnection
	db   *store.Store
	log  *stashlog.Writer
}

// ask asks Stash for a run, and reports whether Stash works on a job that is not ours.
func (h hookRun) ask(ctx context.Context, mark store.Mark) (busy bool) {
	z := h.log.Logger(false)
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	busy, err := askForRun(ctx, h.conn)
	if err != nil {
		z.Warn().Err(err).Msgf("Stash did not take a run of %q; what was changed is queued and goes with the next", taskName)
	}
	if err := h.db.Asked(context.WithoutCancel(ctx), time.Now(), mark, err == nil, busy); err != nil {
		z.Warn().Err(err).Msg("the run mark could not be updated")
	}
	return busy
}

// askForRun sees to it that a run of ours waits in Stash's queue. A running one does not count: it may be
// past its last look.
func askForRun(ctx context.Context, conn common.StashServerConnection) (busy bool, err error) {
	stash, err := stashapi.New(conn, stashapi.Options{Timeout: askTimeout})
	if err != nil {
		return false, err
	}
	jobs, err := stash.JobQueue(ctx)
	if err != nil {
		return false, err
	}
	waits := false
	for _, j := range jobs {
		own := engine.OwnRun(j.Description)
		waits = waits || own && j.Status == "READY"
		busy = busy || !own && (j.Status == "RUNNING" || j.Status == "STOPPING")
	}
	if waits {
		return busy, nil
	}
	_, err = stash.RunPluginTask(ctx, ID, taskName, taskLabel, map[string]any{"mode": "process", "asked_by": "hook"})
	return busy, err
}

// inline pushes a person's edit at once while Stash is busy with something else, for two seconds at most
// and with what is known already.
func (h hookRun) inline(scene int) {
	z := h.log.Logger(false)
	ctx, cancel := context.WithTimeout(h.ctx, inlineBudget)
	defer cancel()
	s := &session{Runner: h.Runner, conn: h.conn, log: h.log, dir: h.db.Dir(), db: h.db}
	err := s.pushInline(ctx, scene)
	defer s.followUp(ctx, 0)
	switch {
	case errors.Is(err, sqlitefile.ErrHeld):
		z.Debug().Msg("another run is at work")
	case err != nil:
		z.Debug().Err(err).Int("scene", scene).Msg("not pushed at once; the scene is queued")
	}
}
