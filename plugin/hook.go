package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/inboxes"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	askTimeout   = 3 * time.Second // for Stash to queue a run: as long as the run mark blocks other requests
	inlineBudget = 2 * time.Second // the longest that saving a scene waits for Plex
	taskName     = "Process queue" // the task of the yml that runs the queue
	taskLabel    = engine.RunDescription
)

// hook records a hook in the queue and makes sure that a run follows. Once the hook is recorded, a failure of Stash or
// Plex is not an error: the job is not lost.
func (r *Runner) hook(conn common.StashServerConnection, payload any, log *stashlog.Writer) error {
	z := log.Logger(false)
	h, handled, problem := hooks.Parse(payload)
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
		return r.leave(recording, conn, dir, h, err, z)
	}
	warnOfRisk(recording, db, z)
	s := &session{Runner: r, conn: conn, log: log, z: z, dir: db.Dir(), db: db, askedBy: byHook}
	if s.paused() != "" { // read after the hook is recorded: who resumes sees the job
		if mark.Ask {
			s.settle(recording, mark, false, false)
		}
		return nil
	}
	if mark.Ask {
		mark.Busy = s.ask(recording, mark)
	}
	if mark.Busy && h.Fanout == nil && h.Own.Priority == store.ByPerson && !h.Gone {
		s.inline(h.Own.SceneID)
	}
	return nil
}

// record writes a hook to the queue. The database stays open: the process ends soon, and closing the database would
// checkpoint its write-ahead log first.
func record(ctx context.Context, dir string, h store.HookRecord) (*store.Store, store.Mark, error) {
	db, err := store.Open(ctx, dir)
	if err != nil {
		return nil, store.Mark{}, err
	}
	mark, err := db.RecordHook(ctx, time.Now(), h)
	return db, mark, err
}

// leave writes a hook to the inbox because the queue cannot be written. It then asks Stash for a run, which may be able to
// repair the queue.
func (r *Runner) leave(ctx context.Context, conn common.StashServerConnection, dir string, h store.HookRecord, cause error, z zerolog.Logger) error {
	cause = mendable(cause)
	inbox, err := store.Leave(dir, time.Now(), h)
	err = mendable(err)
	if err == nil && !h.Gone && pause.Read(dir, time.Now()) == nil {
		askFromInbox(ctx, conn, inbox, z)
	}
	_, newer := errors.AsType[*store.NewerError](cause)
	switch {
	case err == nil && newer && !inboxes.MustReport(inbox):
		z.Info().Msgf("%v was left in the inbox until the newer version of the plugin is installed again", h)
		return nil
	case err == nil && filepath.Dir(inbox) != filepath.Clean(dir):
		return fmt.Errorf("%v was left in the inbox %s, because the data folder cannot be used: %w; the next run of %q queues it", h, inbox, cause, taskName)
	case err == nil:
		return fmt.Errorf("%v was left in the inbox, because the queue cannot be written: %w; the next run of %q queues it", h, cause, taskName)
	case remedy(err) == remedy(cause):
		return fmt.Errorf("%v could not be queued: %w; then save it again in Stash", h, cause)
	}
	return fmt.Errorf("%v could not be queued: %w; nor left in the inbox: %w; then save it again in Stash", h, cause, err)
}

// askFromInbox asks Stash for a run unless another hook has just asked.
func askFromInbox(ctx context.Context, conn common.StashServerConnection, inbox string, z zerolog.Logger) {
	if !inboxes.Ask(inbox, time.Now()) {
		return
	}
	stash, err := stashapi.New(conn, stashapi.Options{})
	if err == nil {
		_, _, err = askForRun(ctx, stash, byHook)
	}
	if err != nil {
		inboxes.ClearAsked(inbox)
		z.Warn().Err(err).Msgf("Stash did not accept a run of %q; the change is in the inbox, and the next run queues it", taskName)
	}
}

// remedy returns what a person can do about an error.
func remedy(err error) string {
	if f, ok := errors.AsType[*sqlitefile.Error](err); ok {
		return f.Remedy
	}
	return err.Error()
}

// ask requests a run from Stash, and reports whether Stash is running another job.
func (s *session) ask(ctx context.Context, mark store.Mark) (busy bool) {
	_, busy, err := s.askWith(ctx, mark, byHook)
	if err != nil {
		s.z.Warn().Err(err).Msgf("Stash did not accept a run of %q; the change is queued, and the next run pushes it", taskName)
	}
	return busy
}

// askWith does what askForRun does, for a process that has set the run mark.
func (s *session) askWith(ctx context.Context, mark store.Mark, by string) (asked, busy bool, err error) {
	if err = s.open(ctx); err == nil {
		asked, busy, err = askForRun(ctx, s.stash, by)
	}
	s.settle(ctx, mark, err == nil, busy)
	return asked, busy, err
}

// settle stores what became of the request for a run.
func (s *session) settle(ctx context.Context, mark store.Mark, ok, busy bool) {
	if err := s.db.Asked(ctx, time.Now(), mark, ok, busy); err != nil {
		s.z.Warn().Err(err).Msg("cannot update the run mark")
	}
}

// Who asks for a run, besides a person: values of args.asked_by.
const (
	byHook = "hook"
	byPage = "page"
)

// askForRun makes sure that a run of this plugin waits in Stash's queue, and reports whether it had to ask Stash for one,
// and whether Stash is running a job that pushes nothing. A running run does not count: it may already have looked for
// jobs for the last time.
func askForRun(ctx context.Context, stash *stashapi.Client, by string) (asked, busy bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	jobs, err := stash.JobQueue(ctx)
	if err != nil {
		return false, false, err
	}
	waits := false
	for _, j := range jobs {
		own := engine.OwnRun(j.Description)
		waits = waits || own && j.Status == "READY"
		busy = busy || !own && (j.Status == "RUNNING" || j.Status == "STOPPING")
	}
	if waits {
		return false, busy, nil
	}
	_, err = stash.RunPluginTask(ctx, ID, taskName, taskLabel, map[string]any{"mode": "process", "asked_by": by})
	return err == nil, busy, err
}

// continueArg is the argument of a task that continues one that made room for other Stash jobs. It holds the position,
// or the id of the stored report that holds it.
const continueArg = "continue"

// askToContinue puts a task with arguments behind the jobs that wait in Stash's queue, to continue the current one from a
// position.
func (s *session) askToContinue(ctx context.Context, task, description string, args map[string]any, position any) error {
	text, err := json.Marshal(position)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	args[continueArg] = string(text)
	_, err = s.stash.RunPluginTask(ctx, ID, task, description, args)
	return err
}

// continued reads the position from which a task continues; ok is false if it begins. It refuses a position beside the id
// of a scene: only a task for all scenes has one.
func continued[T any](args common.ArgsMap, scene int) (position T, ok bool, err error) {
	given := args[continueArg]
	if given == nil || given == "" {
		return position, false, nil
	}
	text, _ := given.(string)
	if err := json.Unmarshal([]byte(text), &position); err != nil {
		return position, false, fmt.Errorf("args.%s is not a position: %w", continueArg, err)
	}
	if scene != 0 {
		return position, false, fmt.Errorf("args.%s is for all scenes; remove it or args.scene_id", continueArg)
	}
	return position, true, nil
}

// inline pushes a person's edit at once while Stash is busy with another job, for two seconds at most and with the
// index as it stands.
func (s *session) inline(scene int) {
	ctx, cancel := context.WithTimeout(s.ctx, inlineBudget)
	defer cancel()
	err := s.pushInline(ctx, scene)
	defer s.followUp(ctx, 0)
	if err != nil && !errors.Is(err, sqlitefile.ErrHeld) {
		s.z.Debug().Err(err).Int("scene", scene).Msg("not pushed immediately; the scene is queued")
	}
}
