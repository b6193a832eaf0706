package plugin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// page performs an operation of the page.
func (s *session) page(ctx context.Context, op desk.Operation, args common.ArgsMap) (any, error) {
	s.client = guest
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if id, _, err := s.db.Meta(ctx, store.KeyClient); err != nil {
		return nil, err
	} else if id != "" {
		s.client = id
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	err := s.readSettings(asking)
	if _, silent := errors.AsType[*stashapi.Error](err); !silent { // what Stash says of a scene may repeat its key
		s.keepLogin(asking)
	}
	cancel()
	given := make(desk.Args, len(args))
	for name, value := range args {
		given[name] = value
	}
	answer, err := op.Call(ctx, s.desk(err), given)
	if _, silent := errors.AsType[*stashapi.Error](err); silent {
		err = fmt.Errorf("%w; check that Stash answers, then try again", err)
	}
	return answer, err
}

// desk returns what an operation works with. unset is why the settings cannot be read, or are not complete.
func (s *session) desk(unset error) *desk.Desk {
	return &desk.Desk{
		Version: s.Version, Now: time.Now, Log: s.z, Store: s.db, Stash: s.stash, Settings: s.set, SettingsErr: unset, Where: s.where, Unsigned: s.wrong,
		Account: s.signIn(),
		Index:   s.openIndex,
		Reports: s.reports, Plex: s.plex, Wake: func(ctx context.Context, mark store.Mark) (bool, error) {
			asked, _, err := s.askWith(ctx, mark, byPage)
			return asked, err
		},
		Ask: func(ctx context.Context) (bool, error) {
			if s.paused() != "" {
				return false, nil
			}
			asked, _, err := askForRun(ctx, s.stash, byPage)
			return asked, err
		},
		Inspect: func(ctx context.Context, scene int) (*push.Push, error) {
			e, err := s.engine(ctx)
			if err != nil {
				return nil, err
			}
			return e.Inspect(ctx, scene)
		},
		Status: func(ctx context.Context) (string, error) {
			r, err := s.readStatus(ctx)
			return r.Line(), err
		},
		Check: func(ctx context.Context) ([]desk.Check, []desk.Sample, error) {
			c := checker{session: s}
			err := c.run(ctx)
			return c.report.Checks, c.report.Samples, err
		},
		Explain: func(ctx context.Context, scene int) (desk.Explanation, error) {
			r, err := s.explanation(ctx, scene)
			return desk.Explanation{State: r.State, Text: r.Text, Job: r.Job, DeadLetter: r.DeadLetter}, err
		},
	}
}

// signIn returns what signs people in.
func (s *session) signIn() *account.Desk {
	d := account.NewDesk(s.dir, s.Version, func(ctx context.Context) (string, error) { return s.db.ClientID(ctx, time.Now()) })
	d.InsecureTLS, d.Secret = s.set.InsecureTLS, s.log.AddSecret
	return d
}
