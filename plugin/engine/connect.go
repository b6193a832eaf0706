package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// connect asks the breaker, probes the server, checks its identity and chooses its libraries. With a half-open breaker
// it also runs the trial. It does nothing if the run is already connected.
func (r *run) connect(ctx context.Context) error {
	if r.ready {
		return nil
	}
	identity, sections, trial, err := r.gate.Connect(ctx, r.opts.ByPerson)
	if err != nil {
		return err
	}
	if err := r.adopt(ctx, identity, sections); err != nil {
		return err
	}
	r.ready = true
	if trial {
		return r.trial(ctx)
	}
	return nil
}

// reach probes Plex and chooses its libraries. It ignores the breaker, since a person asked for it.
func (r *run) reach(ctx context.Context) error {
	identity, sections, err := r.gate.Probe(ctx)
	if err != nil {
		return err
	}
	return r.adopt(ctx, identity, sections)
}

// trial tries one job after another after the probe has answered. One success closes the breaker. Jobs that send Plex
// nothing, such as those of excluded scenes, decide nothing.
func (r *run) trial(ctx context.Context) error {
	r.gate.BeginTrial()
	for r.gate.OnTrial() {
		if ctx.Err() != nil {
			return gate.Cancelled()
		}
		claimed, crashed, err := r.Store.Claim(ctx, time.Now(), store.ClaimOptions{
			Floor: r.floor, Trial: true, Only: r.opts.Only, Wait: retry.WaitAfterFailure(r.Config.MaxRetries, r.Random),
		})
		if err != nil {
			return err
		}
		r.pushes.Crashed(ctx, crashed)
		if len(claimed) == 0 { // nothing to try: the probe alone decides
			return r.gate.Close(ctx)
		}
		if err := r.pushes.Run(ctx, claimed); err != nil {
			return err
		}
		if r.gate.Tripped() {
			return r.gate.Paused()
		}
		if err := r.gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
	return nil
}

// adopt checks that this is the server that the stored data belongs to, and chooses its libraries.
func (r *run) adopt(ctx context.Context, identity plexapi.Identity, sections []plexapi.Section) error {
	if err := r.identify(ctx, identity.MachineIdentifier); err != nil {
		return err
	}
	s := r.server
	s.ID = identity.MachineIdentifier
	s.Sections, s.Absent = match.ChooseSections(sections, r.Config.Libraries)
	if len(s.Sections) == 0 {
		why := match.WhyNoLibrary(sections, r.Config.Libraries) + "; everything stays queued"
		return &gate.Stop{Class: retry.ClassMisconfigured, Text: why, Reason: reason.NoLibrary()}
	}
	ids := match.IDs(s.Sections)
	s.Unchosen = slices.DeleteFunc(match.IDs(sections), func(id string) bool { return slices.Contains(ids, id) })
	if !r.pushes.ReadOnly {
		if err := r.Index.Keep(ctx, s.ID, ids); err != nil {
			return err
		}
	}
	if len(s.Absent) > 0 {
		r.Log.Error().Msg(match.WhyAbsent(sections, s.Absent) + "; until then, scenes that are in no other library wait")
	}
	return nil
}

// identify compares the server with the one that the stored data belongs to. The first server is stored; a different
// one empties the index and ends the run.
func (r *run) identify(ctx context.Context, server string) error {
	known, _, err := r.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return err
	}
	switch {
	case known == server:
		return nil
	case known == "" && r.pushes.ReadOnly:
		return nil
	case known == "":
		return r.Store.SetMeta(ctx, time.Now(), store.KeyServer, server)
	case !r.pushes.ReadOnly:
		if err := r.Index.Reset(ctx); err != nil {
			return err
		}
	}
	return &gate.Stop{Class: retry.ClassMisconfigured, Text: fmt.Sprintf(
		"the Plex server at this address has changed (%s, was %s): if that is intended, run \"Check connection\"; until then everything stays queued",
		server, known,
	), Reason: reason.ServerChanged(server, known)}
}

// AcceptServer makes the next server that answers the current one. The bases of the former server's items are kept.
func (e *Engine) AcceptServer(ctx context.Context) error {
	return e.Store.SetMeta(ctx, time.Now(), store.KeyServer, "")
}
