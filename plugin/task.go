package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/hooks"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/parent"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// recentHours is how far "Sync recent scenes" goes back unless args.hours says otherwise.
const recentHours = 24

// hoursAtMost is longer than Stash has existed, and fits a time.Duration.
const hoursAtMost = 1_000_000

// modes returns the functions of args.mode. Each is an operation, and those that the yml lists are tasks too.
func (s *session) modes() map[string]func(ctx context.Context, args common.ArgsMap) (any, error) {
	modes := map[string]func(context.Context, common.ArgsMap) (any, error){
		"process":       s.process,
		"sync-all":      s.syncAll,
		"sync-recent":   s.syncRecent,
		"sync-scene":    s.syncScene,
		"preview":       s.preview,
		"restore":       s.restore,
		"gaps":          s.gaps,
		"pull":          s.pull,
		"import-plays":  s.importPlays,
		"undo-plays":    s.undoPlays,
		"status":        s.status,
		"explain":       s.explain,
		"check":         s.check,
		"retry-dead":    s.retryDead,
		"clear-dead":    s.clearDead,
		"clear-queue":   s.clearQueue,
		"rebuild-index": s.rebuildIndex,
	}
	for name, op := range ops.All() {
		modes[name] = func(ctx context.Context, args common.ArgsMap) (any, error) { return s.page(ctx, op, args) }
	}
	return modes
}

// task performs a task or an operation and returns its result.
func (r *Runner) task(input common.PluginInput, log *stashlog.Writer) (any, error) {
	s := &session{Runner: r, conn: input.ServerConnection, log: log, z: log.Logger(false)}
	s.askedBy = text.OneLine(input.Args.String("asked_by"), text.ValueLimit)
	modes := s.modes()
	mode := input.Args.String("mode")
	run, ok := modes[mode]
	if !ok {
		return nil, fmt.Errorf("unknown args.mode %q; valid modes: %s", text.OneLine(mode, text.ValueLimit), strings.Join(slices.Sorted(maps.Keys(modes)), ", "))
	}
	ctx, end := context.WithCancel(r.ctx)
	defer end()
	go parent.Watch(ctx, end)
	result, err := run(ctx, input.Args)
	return result, errors.Join(err, s.close())
}

// process runs the queue.
func (s *session) process(ctx context.Context, args common.ArgsMap) (any, error) {
	report, err := s.run(ctx, taskName, engine.Options{ByPerson: s.askedBy == "", Linger: isTask(args)}, nil)
	if newer, ok := errors.AsType[*store.NewerError](err); ok && s.askedBy != "" { // the hook has said so
		s.z.Info().Msg(newer.Error())
		return nil, nil
	}
	return report, err
}

// syncAll enqueues every scene, then runs the queue.
func (s *session) syncAll(ctx context.Context, args common.ArgsMap) (any, error) {
	return s.run(ctx, "Sync all scenes", engine.Options{ByPerson: true, Linger: isTask(args)}, func(ctx context.Context, e *engine.Engine, alone bool) error {
		if alone {
			if err := e.AcceptServer(ctx); err != nil {
				return err
			}
		}
		n, err := e.EnqueueAll(ctx)
		if err == nil {
			s.z.Info().Msg("queued " + text.Count(n, "scene", "scenes") + "; those that match Plex already are only compared")
		}
		return err
	})
}

// syncRecent enqueues the scenes updated in the last hours, then runs the queue.
func (s *session) syncRecent(ctx context.Context, args common.ArgsMap) (any, error) {
	hours := recentHours
	if v := args["hours"]; v != nil && v != "" {
		if hours = hooks.ID(v); hours == 0 {
			return nil, fmt.Errorf("args.hours is %v; it must be an integer of at least 1", v)
		}
		hours = min(hours, hoursAtMost)
	}
	return s.run(ctx, "Sync recent scenes", engine.Options{ByPerson: true, Linger: isTask(args)}, func(ctx context.Context, e *engine.Engine, _ bool) error {
		n, err := e.EnqueueSince(ctx, time.Now().Add(-time.Duration(hours)*time.Hour))
		if err == nil {
			s.z.Info().Msg(fmt.Sprintf("queued %s updated within %s", text.Count(n, "scene", "scenes"), text.Count(hours, "hour", "hours")))
		}
		return err
	})
}

// syncScene pushes one scene now, or leaves it to the run in progress.
func (s *session) syncScene(ctx context.Context, args common.ArgsMap) (any, error) {
	scene, err := sceneArg(args)
	if err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if s.paused() == "" {
		if err := s.db.Enqueue(ctx, time.Now(), []store.Request{{SceneID: scene, Reason: "sync-scene", Priority: store.ByPerson}}); err != nil {
			return nil, err
		}
	}
	return s.run(ctx, "sync-scene", engine.Options{ByPerson: true, Only: scene, Listing: true}, nil)
}

func sceneArg(args common.ArgsMap) (int, error) {
	if scene := hooks.ID(args["scene_id"]); scene != 0 {
		return scene, nil
	}
	return 0, fmt.Errorf("args.scene_id is %v; it must be the id of a scene", args["scene_id"])
}

// optionalScene reads args.scene_id; 0 if it is not given.
func optionalScene(args common.ArgsMap) (int, error) {
	if v := args["scene_id"]; v == nil || v == "" {
		return 0, nil
	}
	return sceneArg(args)
}

// run takes the lock, calls prepare and runs the queue. It reports what stops it in the result and in the log,
// because Stash does not show a task's error anywhere else. If another run holds the lock, it takes what prepare
// enqueues.
func (s *session) run(ctx context.Context, who string, opts engine.Options, prepare func(ctx context.Context, e *engine.Engine, alone bool) error) (any, error) {
	var sum engine.Summary
	began := time.Now()
	if ended, report, err := s.runPaused(ctx, who, began); ended {
		return report, err
	}
	opts.Lists = prepare != nil
	unlisted := opts.Lists
	opts.Settled = func(ctx context.Context, sum engine.Summary) {
		if unlisted {
			unlisted = s.listUnpushed(ctx) != nil
		}
		if counts, err := s.db.Counts(ctx, time.Now()); err == nil { // else the last line reports it
			s.z.Info().Msg(closingLine(sum, counts, true))
		}
	}
	run := func(ctx context.Context, alone bool) error {
		e, err := s.ready(ctx)
		if err == nil {
			e.Paused = s.paused
		}
		if err != nil && alone { // the next hook asks for a run again
			return errors.Join(err, s.clearMark(ctx))
		}
		if err == nil && prepare != nil {
			err = prepare(ctx, e, alone)
		}
		if err != nil || !alone {
			return err
		}
		if sum, err = e.Run(ctx, opts); err != nil {
			return s.noteSuspect(err)
		}
		return s.tidy(ctx)
	}
	err := s.locked(ctx, who, lockPatience, func(ctx context.Context) error { return run(ctx, true) })
	if errors.Is(err, sqlitefile.ErrHeld) && prepare != nil {
		err = cmp.Or(run(ctx, false), err)
	}
	_, fromStash := errors.AsType[*stashapi.Error](err)
	queued := opts.Only != 0 && (fromStash || errors.Is(err, sqlitefile.ErrHeld))
	if why, class, known := s.whyNot(ctx, err); known {
		sum.Stopped, sum.Class, sum.Reason, err = why, class, whyByCode(ctx, err).JSON(), nil
	}
	if err != nil {
		return nil, err
	}
	if opts.Only != 0 || sum.Stopped == "" {
		s.followUp(ctx, sum.Floor)
	}
	if unlisted && sum.Stopped == "" {
		if err := s.listUnpushed(ctx); err != nil {
			return nil, err
		}
	}
	report, err := s.finish(context.WithoutCancel(ctx), sum, began)
	report.Queued = queued
	return report, err
}

// clearMark takes back the mark that a run was asked for, if the queue is open.
func (s *session) clearMark(ctx context.Context) error {
	if s.db == nil {
		return nil
	}
	return s.db.ClearMark(context.WithoutCancel(ctx))
}

// noteSuspect makes the next run check the queue for damage, unless err already names the fault of its file.
func (s *session) noteSuspect(err error) error {
	if _, known := errors.AsType[*sqlitefile.Error](err); known {
		return err
	}
	return errors.Join(fmt.Errorf("%w; the next run checks the queue for damage", err), s.db.NoteSuspect(err))
}

// ready reads the settings and creates the engine, with a login that lasts for a long run.
func (s *session) ready(ctx context.Context) (*engine.Engine, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if err := s.readSettings(ctx); err != nil {
		return nil, err
	}
	e, err := s.engine(ctx)
	if err != nil {
		return nil, err
	}
	s.keepLogin(ctx)
	return e, nil
}

// keepLogin reads Stash's API key, so that a long run keeps its login, and nothing shows the key if Stash repeats it.
func (s *session) keepLogin(ctx context.Context) {
	if err := s.stash.KeepLogin(ctx); err != nil {
		s.z.Debug().Err(err).Msg("cannot read Stash's API key: a run of more than an hour may lose its login")
	}
	for _, secret := range s.stash.Secrets() {
		s.log.AddSecret(secret)
	}
}

// tidy copies and checkpoints the queue's file after a run.
func (s *session) tidy(ctx context.Context) error {
	if ctx.Err() != nil {
		return nil
	}
	if made, err := s.db.CopyDaily(ctx, time.Now()); err != nil {
		s.z.Warn().Err(err).Msg("cannot make the daily copy of the queue")
	} else if made {
		s.z.Debug().Msg("made the daily copy of the queue")
	}
	return s.db.Checkpoint(ctx)
}

// whyNot returns the message of an error that stops a run; known is false if err is not such an error.
func (s *session) whyNot(ctx context.Context, err error) (why string, class retry.Class, known bool) {
	const kept = "everything stays queued"
	_, invalid := errors.AsType[*settings.Error](err)
	_, stash := errors.AsType[*stashapi.Error](err)
	room, yields := engine.Yielded(err)
	switch {
	case err == nil:
		return "", "", false
	case yields:
		return room, "", true
	case errors.Is(err, sqlitefile.ErrHeld):
		return s.whoWorks(ctx) + "; that run or the next one pushes what is queued", "", true
	case ctx.Err() != nil:
		return "run cancelled; nothing queued was lost", retry.ClassCancelled, true
	case invalid:
		return text.Join(err.Error(), kept), retry.ClassMisconfigured, true
	case stash:
		return text.Join(err.Error(), kept), retry.ClassStashUnavailable, true
	}
	return "", "", false
}

// whyByCode returns the reason of an error that stops a run.
func whyByCode(ctx context.Context, err error) reason.Reason {
	invalid, ok := errors.AsType[*settings.Error](err)
	switch {
	case errors.Is(err, sqlitefile.ErrHeld):
		return reason.RunAtWork()
	case ctx.Err() != nil:
		return reason.Cancelled()
	case ok:
		return reason.SettingInvalid(strings.Join(invalid.Names(), ", "))
	}
	return retry.ReasonOf(err)
}

// whoWorks names the run that holds the lock.
func (s *session) whoWorks(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // it is named even after a stop
	defer cancel()
	if s.open(ctx) == nil {
		if holder, at, err := s.db.Holder(ctx); err == nil && holder != "" {
			return holder + " has been running since " + at.Format(time.TimeOnly)
		}
	}
	return "another run is running"
}
