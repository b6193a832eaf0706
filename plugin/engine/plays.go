package engine

import (
	"context"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/plays"
)

// puller returns what brings plays from Plex to Stash. Without a server it can only undo.
func (r *run) puller() *plays.Puller {
	return &plays.Puller{
		Store: r.Store, Plex: r.Plex, Stash: r.Stash, Gate: r.gate, Log: r.Log, Random: r.Random,
		Server: r.server.ID, Sections: r.server.Sections, Whose: r.Config.Plays,
	}
}

// pull imports what was watched in Plex, if plays are imported and the last pull is two minutes old. A failure that does not
// concern the run ends the pull only.
func (r *run) pull(ctx context.Context) error {
	due, err := plays.Due(ctx, r.Store, r.Config.Plays)
	if err != nil || !due {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	sum, err := r.puller().Pull(ctx)
	if line := sum.String(); line != "" {
		r.Log.Info().Msg(line)
	}
	if plays.Abandoned(err) {
		r.Log.Warn().Err(err).Msg("the next run tries again")
		return nil
	}
	return err
}

// Plays calls do with what brings plays from Plex to Stash. With ask it connects to Plex first, although the breaker may be
// open, since a person asked for it. The Stop says why it ended early; yielded, that this was to make room for other Stash
// jobs.
func (e *Engine) Plays(ctx context.Context, ask bool, do func(ctx context.Context, p *plays.Puller) error) (stop gate.Stop, yielded bool, err error) {
	r := e.newRun(Options{}, false)
	r.yield.ask, r.yield.leaves = e.callerAsks(), leavesReport
	err = r.gate.Load(ctx)
	if err == nil && ask {
		err = r.reach(ctx)
	}
	if err == nil {
		err = do(ctx, r.puller())
	}
	if plays.Abandoned(err) {
		return gate.Stop{Text: err.Error()}, false, nil
	}
	stop, err = r.gate.Why(ctx, err)
	return stop, r.yield.yielded(stop, err), err
}
