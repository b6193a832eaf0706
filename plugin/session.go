package plugin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/doing"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/progress"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/reach"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashlog"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/lists"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const lockPatience = 2 * time.Second // a run that was stopped may need one to end

// session holds the parts that one task needs. They are opened on first use.
type session struct {
	*Runner
	conn   common.StashServerConnection
	log    *stashlog.Writer
	z      zerolog.Logger
	dir    string
	db     *store.Store
	index  *plexindex.Index
	stash  *stashapi.Client
	asked  *plexapi.Client // the last one that was created
	set    settings.Settings
	wrong  error              // with the settings alone
	unread error              // why the sign-in cannot be read, if it is needed
	where  account.Connection // to Plex, as far as the settings and the sign-in say
	client string             // by which Plex knows this program, for calls that write nothing; "": as stored

	askedBy string           // args.asked_by; "" if a person calls
	shows   *progress.Writer // shows others the run; nil while this process holds no run lock
	stored  *report.DB
}

// open opens the queue and a client for Stash.
func (s *session) open(ctx context.Context) error {
	var err error
	s.z = s.log.Logger(s.set.DebugLog)
	if err := s.findDir(); err != nil {
		return err
	}
	if s.db == nil {
		if s.db, err = store.Open(ctx, s.dir); err != nil {
			return err
		}
	}
	if s.client == "" {
		warnOfRisk(ctx, s.db, s.z)
	}
	if s.stash == nil {
		s.stash, err = stashapi.New(s.conn, stashapi.Options{})
	}
	return err
}

// findDir finds the data folder.
func (s *session) findDir() (err error) {
	if s.dir == "" {
		s.dir, err = DataDir(s.conn)
	}
	return err
}

// openToLog opens the queue and reads the settings, which decide whether the log may show private texts. If they
// cannot be read, private texts are redacted.
func (s *session) openToLog(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := s.readSettings(ctx); err != nil {
		s.z.Debug().Err(err).Msg("cannot read the settings, so titles and paths are redacted")
	}
	return nil
}

// close closes what was opened.
func (s *session) close() error {
	var err error
	if s.index != nil {
		err = s.index.Close()
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	if s.stored != nil {
		err = errors.Join(err, s.stored.Close())
	}
	return err
}

// readSettings reads the settings from Stash. The error is a *stashapi.Error if Stash fails, and a *settings.Error if
// settings are invalid.
func (s *session) readSettings(ctx context.Context) error {
	a, unread := account.Load(s.dir)
	s.unread = nil
	s.addSecrets(a.Secrets()...)
	raw, err := s.stash.Settings(ctx, ID)
	if err != nil {
		return err
	}
	s.set, s.wrong = settings.Parse(raw)
	s.addSecrets(s.set.PlexToken)
	s.where, err = account.Connect(s.set, s.wrong, a)
	s.log.Reveal(!s.set.RedactLogs)
	s.z = s.log.Logger(s.set.DebugLog)
	if len(s.set.Unknown) > 0 {
		s.z.Warn().Msg(settings.UnknownKeys(s.set.Unknown))
	}
	if err != nil && unread != nil { // perhaps the sign-in would have been enough
		s.unread, err = unread, fmt.Errorf("%w; %w", unread, err)
	}
	return err
}

// addSecrets hides texts in everything that this process writes or answers.
func (s *session) addSecrets(secrets ...string) {
	for _, secret := range secrets {
		s.log.AddSecret(secret)
		s.stash.AddSecret(secret)
	}
}

// guest is the client identifier where none may be stored, or the stored one may not be shown.
const guest = "stash-plex-sync-guest"

// plex creates the client for the Plex server of the settings or of the sign-in.
func (s *session) plex(ctx context.Context) (*plexapi.Client, error) {
	id := cmp.Or(s.where.Client, s.client)
	if id == "" {
		var err error
		if id, err = s.db.ClientID(ctx, time.Now()); err != nil {
			return nil, err
		}
	}
	plex, err := plexapi.New(plexapi.Config{
		URL: s.where.URL, Token: s.where.Token, MachineID: s.where.MachineID, TokenHint: s.where.TokenHint, ClientIdentifier: id, ProductVersion: s.Version,
		InsecureTLS: s.set.InsecureTLS, Timeout: s.set.Timeout,
	})
	if s.client == "" {
		s.asked = plex
	}
	return plex, err
}

// notePlex stores whether Plex answered, and what it says about itself.
func (s *session) notePlex(ctx context.Context, again bool) error {
	if s.asked == nil {
		return nil
	}
	return reach.Note(ctx, s.db, s.asked, again)
}

// openIndex opens the index of Plex's files on first use.
func (s *session) openIndex(ctx context.Context) (*plexindex.Index, error) {
	if s.index == nil {
		var err error
		if s.index, err = plexindex.Open(ctx, s.dir); err != nil {
			return nil, err
		}
	}
	return s.index, nil
}

// engine creates the engine. The settings have been read.
func (s *session) engine(ctx context.Context) (*engine.Engine, error) {
	plex, err := s.plex(ctx)
	if err != nil {
		return nil, err
	}
	index, err := s.openIndex(ctx)
	if err != nil {
		return nil, err
	}
	return &engine.Engine{
		Store: s.db, Index: index, Stash: s.stash, Plex: plex, Log: s.z,
		Config: engine.Config{Libraries: s.set.Libraries, Plays: s.set.Plays, Config: push.Config{
			PathMap: s.set.PathMap, Fields: s.set.Fields,
			KeepPlexEdits: s.set.KeepPlexEdits, MaxRetries: s.set.MaxRetries,
			SkipMissing: s.set.SkipMissing, ScanPlex: s.set.ScanPlex,
			Filter: push.Filter{OnlyOrganized: s.set.OnlyOrganized, ExcludeTags: s.set.ExcludeTags},
		}},
		Random: rand.Float64, Progress: s.log.Progress,
		Doing: doing.Reporter{Show: func(step doing.Step) { s.shows.Report(step) }},
		Ask: func(ctx context.Context) error {
			_, _, err := askForRun(ctx, s.stash, byHook)
			return err
		},
		Began: s.began,
	}, nil
}

// locked calls f with the run lock held and the queue open. It repairs a damaged queue first. The error is
// sqlitefile.ErrHeld if another run holds the lock.
func (s *session) locked(ctx context.Context, who string, patience time.Duration, f func(ctx context.Context) error) (err error) {
	if err := s.findDir(); err != nil {
		return err
	}
	lock, err := sqlitefile.Acquire(ctx, s.dir, patience)
	if errors.Is(err, sqlitefile.ErrHeld) && patience > 0 {
		lock, err = s.lastTry(ctx)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if s.db == nil {
		if err := s.repair(ctx); err != nil {
			return err
		}
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	now := time.Now()
	if err := s.db.SetHolder(ctx, now, fmt.Sprintf("%s (process %d)", who, os.Getpid())); err != nil {
		return err
	}
	if patience > 0 { // a hook must not wait for it
		if err := lists.Prepare(ctx, s.db); err != nil && ctx.Err() == nil { // a run that was stopped says so itself
			s.z.Warn().Err(err).Msg("the page lists the queue slowly until a run has created this index")
		}
	}
	s.shows = progress.Begin(ctx, s.dir, progress.Run{What: who, AskedBy: s.askedBy, Since: now})
	defer func() {
		s.shows.End()
		s.shows = nil
	}()
	return errors.Join(f(ctx), s.notePlex(ctx, false))
}

// lastTry clears the mark that a run was requested, then tries the lock once more. A run that still holds it looks for
// due jobs after releasing it and, with the mark gone, requests another run: so no job is left behind.
func (s *session) lastTry(ctx context.Context) (*sqlitefile.Lock, error) {
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(sqlitefile.ErrHeld, err)
	}
	if err := s.db.ClearMark(ctx); err != nil {
		return nil, err
	}
	return sqlitefile.Acquire(ctx, s.dir, 0)
}

// followUp requests another run if work is left: due jobs, or changes to be expanded. Jobs that this run released
// itself, claimed at or after floor, do not count. The caller has released the lock.
func (s *session) followUp(ctx context.Context, floor int64) {
	if s.db == nil || s.paused() != "" {
		return
	}
	ctx = context.WithoutCancel(ctx)
	due, err := s.db.HasDue(ctx, time.Now(), store.ClaimOptions{Floor: floor})
	if err == nil && !due {
		due, err = s.db.HasFanout(ctx)
	}
	if err != nil || !due {
		return
	}
	if mark, err := s.db.Ask(ctx, time.Now()); err == nil && mark.Ask {
		s.ask(ctx, mark)
	}
}

// repair recovers a damaged queue. The caller holds the lock, and the queue is not open.
func (s *session) repair(ctx context.Context) error {
	if !store.Suspect(s.dir) {
		probe, err := store.Open(ctx, s.dir)
		if err == nil {
			s.db = probe
			return nil
		}
		if !errors.Is(err, store.ErrCorrupt) {
			return err
		}
	}
	r, err := store.Recover(ctx, s.dir, time.Now())
	if err == nil && r != nil {
		z := s.log.Logger(false)
		z.Error().Str("damage", r.Damage).Str("kept_as", r.Aside).Str("saved", rows(r.Rescued)).Str("from_copy", rows(r.Copied)).
			Msg("the queue was damaged: it was moved aside, and what could be read was recovered; the rest is queued within a day, when a run compares all scenes")
	}
	return err
}

func rows(counts map[string]int) string {
	var parts []string
	for _, table := range []string{"job", "dead_letter", "item", "link", "scene_version"} {
		if n := counts[table]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, table))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// pushInline pushes one scene at once, with the index as it stands and without waiting for the lock.
func (s *session) pushInline(ctx context.Context, scene int) error {
	return s.locked(ctx, "an edit", 0, func(ctx context.Context) error {
		if err := s.readSettings(ctx); err != nil {
			return err
		}
		e, err := s.engine(ctx)
		if err != nil {
			return err
		}
		e.Progress, e.Ask, e.Paused = nil, nil, s.paused
		sum, err := e.Run(ctx, engine.Options{Only: scene})
		if err == nil && sum.Stopped != "" {
			err = errors.New(sum.Stopped)
		}
		return err
	})
}
