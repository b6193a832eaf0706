package push

import (
	"context"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// plan compares the desired values with the current ones. It stores the bases before anything is sent, so that after a
// crash every written value is known as ours.
func (pl *Pipeline) plan(ctx context.Context, pushes []*Push) ([]*Push, error) {
	var keys []string
	for _, p := range pushes {
		for _, t := range p.Targets {
			keys = append(keys, t.key())
		}
	}
	known, err := pl.Store.Items(ctx, pl.Server.ID, keys)
	if err != nil {
		return nil, err
	}
	if err := pl.findRivals(ctx, pushes, known); err != nil {
		return nil, err
	}
	var ahead []store.Item
	taken := make(map[string]int) // items that a scene of this batch writes
	for _, p := range going(pushes) {
		if err := pl.Gate.Do(ctx, gate.Of(p), func(context.Context) error { return pl.planTargets(p, known, taken) }); err != nil {
			return nil, err
		}
		if p.Failure() != nil {
			continue
		}
		p.Stage = Planned
		pl.logProblems(p)
		for _, t := range p.Targets {
			t.Stage = Planned
			taken[t.key()] = p.Job.SceneID
			if !t.Plan.Empty() {
				ahead = append(ahead, t.Plan.Base)
				t.stored = t.Plan.Base
			}
		}
	}
	if len(ahead) > 0 && !pl.ReadOnly {
		err = pl.Store.PutItems(ctx, ahead)
	}
	return going(pushes), err
}

// planTargets plans the writes for each item of a scene. It skips items of other scenes. An item that belonged to
// another scene keeps its base.
func (pl *Pipeline) planTargets(p *Push, known map[string]store.Item, taken map[string]int) error {
	var mine []*Target
	var rival error // why an item was skipped for another scene
	for _, t := range p.Targets {
		if other := taken[t.key()]; other != 0 {
			t.rivalScene, t.rival = other, notOwned(other, t.key(), fmt.Sprintf("Plex item %s belongs to scene %d", t.key(), other))
		}
		if t.rival != nil {
			rival, p.contested = t.rival, append(p.contested, t)
			continue
		}
		stored := known[t.key()]
		if err := unreadable(&t.Current, comparedFields(p.Desired.Values, &stored, t.Current.ItemType())...); err != nil {
			return err
		}
		stored.Server, stored.RatingKey, stored.Section = pl.Server.ID, t.key(), t.Hit.Section
		t.stored = merge.CopyItem(stored)
		base := takeOwnership(stored, p.Job.SceneID, &t.Current)
		t.Plan = merge.Merge(merge.MergeInput{Desired: p.Desired, Base: base, Current: t.Current, KeepPlexEdits: pl.Config.KeepPlexEdits})
		t.Base = t.Plan.Base
		for _, problem := range t.Plan.Problems {
			logOf(pl.Log.Debug(), p).Str("item", t.key()).Str("field", problem.Field).Msg(problem.Reason)
		}
		mine = append(mine, t)
	}
	p.Targets = mine
	if len(mine) == 0 {
		return rival
	}
	return nil
}

// logProblems logs the fields that are changed or left out: at Info if the scene is pushed, else at Debug.
func (pl *Pipeline) logProblems(p *Push) {
	level := zerolog.DebugLevel
	if slices.ContainsFunc(p.Targets, func(t *Target) bool { return !t.Plan.Empty() }) {
		level = zerolog.InfoLevel
	}
	for _, problem := range p.Desired.Problems {
		logOf(pl.Log.WithLevel(level), p).Str("field", problem.Field).Msg(problem.Reason)
	}
}
