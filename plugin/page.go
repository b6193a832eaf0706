package plugin

import (
	"context"
	"time"

	"github.com/stashapp/stash/pkg/plugin/common"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// page performs an operation of the page.
func (s *session) page(ctx context.Context, op ops.Operation, args common.ArgsMap) (any, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	err := s.readSettings(asking)
	cancel()
	given := make(ops.Args, len(args))
	for name, value := range args {
		given[name] = value
	}
	return op.Call(ctx, &ops.Desk{
		Version: s.Version, Now: time.Now, Log: s.z, Store: s.db, Stash: s.stash, Settings: s.set, SettingsErr: err,
		Index: func(ctx context.Context) (*plexindex.Index, error) {
			if s.index == nil {
				var err error
				if s.index, err = plexindex.Open(ctx, s.dir); err != nil {
					return nil, err
				}
			}
			return s.index, nil
		},
		Reports: s.reports,
		Ask:     func(ctx context.Context) (bool, error) { return askForRun(ctx, s.stash) },
	}, given)
}
