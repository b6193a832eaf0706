package push

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// verify reads the written items back in one request: Plex may accept a write but not make the change.
func (pl *Pipeline) verify(ctx context.Context, pushes []*Push) ([]*Push, error) {
	r := newReading()
	var changed []*Push
	for _, p := range pushes {
		for _, t := range p.Targets {
			if t.changed() {
				r.add(t.key(), t)
			}
		}
		if p.changed() {
			changed = append(changed, p)
		}
	}
	if len(changed) == 0 {
		return pushes, nil
	}
	if err := pl.read(ctx, r); err != nil {
		return nil, err
	}
	for _, p := range changed {
		if err := pl.Gate.Do(ctx, gate.Of(p), func(context.Context) error {
			pl.verifyTargets(p.Targets, r.held)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return going(pushes), gate.Verified(ctx, pl.Gate, changed)
}

// verifyTargets compares what was read back with what was sent, and fails a target that differs.
func (pl *Pipeline) verifyTargets(targets []*Target, held map[string]plexapi.Item) {
	var unmoved []string
	var last *Target
	for _, t := range targets {
		if !t.changed() {
			continue
		}
		if t.Failure() != nil {
			return
		}
		item, ok := held[t.key()]
		if !ok {
			t.Fail(retry.NotFound(reason.ItemChanged(t.key()), fmt.Sprintf("Plex item %s disappeared after it was written; a later run looks for it again", t.key())))
			return
		}
		if err := unreadable(&item, t.Plan.Fields()...); err != nil {
			t.Fail(err)
			return
		}
		if names := pl.verifyTarget(t, &item); len(names) > 0 {
			unmoved, last = append(unmoved, names...), t
		}
	}
	if len(unmoved) > 0 {
		fields := strings.Join(unmoved, ", ")
		last.Fail(retry.Unmoved(reason.NotChanged(fields), fmt.Sprintf("Plex returned success but %s did not change; it may be matching or scanning the item", fields)))
	}
}

// verifyTarget updates the base of one item from the read-back and returns the settings' names of fields that Plex did
// not change.
func (pl *Pipeline) verifyTarget(t *Target, item *plexapi.Item) (unmoved []string) {
	outcome := merge.AfterReadBack(t.Plan, *item)
	t.Base = outcome.Base
	t.Current.Thumb, t.Current.Art = item.Thumb, item.Art // any edit may change their addresses
	if outcome.DateStays {
		logOf(pl.Log.Warn(), t.push).Str("item", t.key()).Msg("Plex does not clear the date; correct it in Plex if it is wrong")
	}
	for _, r := range t.refused {
		t.Base = merge.LeftOut(t.Plan, merge.Unsent(t.Base, r.field, r.unsent), r.field, item, r.forGood)
	}
	for _, f := range outcome.Failed {
		if t.Attempts() >= pl.Config.MaxRetries && merge.AcceptForm(t.Plan, &t.Base, f, item) { // scanning ends before
			logOf(pl.Log.Warn(), t.push).Str("item", t.key()).
				Msg("Plex still shows the former value of " + merge.SettingName(f) + ": it seems to round or shorten both in the same way")
			continue
		}
		if !slices.ContainsFunc(t.refused, func(r refusal) bool { return r.field == f }) {
			unmoved = append(unmoved, merge.SettingName(f))
		}
	}
	return unmoved
}
