package queue

import (
	"context"
	"errors"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// syncAtMost is how many scenes sync-scenes takes at once: all of them are queued in one transaction.
const syncAtMost = 1000

// SyncReport is how many scenes were queued.
type SyncReport struct {
	Queued     int          `json:"queued"`
	Asked      bool         `json:"asked"`             // Stash was asked for a run; otherwise one waits or is at work
	RunFollows bool         `json:"run_follows"`       // false: Stash did not accept a run, and the next edit or task pushes the scenes
	Stopped    string       `json:"stopped,omitempty"` // why nothing was done
	Reason     *desk.Reason `json:"reason,omitempty"`  // of Stopped
}

// syncScenes queues scenes for a person, and makes sure that a run follows.
func syncScenes(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	ids, err := args.Scenes("scene_ids", syncAtMost)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errors.New("args.scene_ids is missing; it must be a list of ids of scenes")
	}
	now := d.Now()
	if p := d.Paused(now); p != nil {
		return SyncReport{Stopped: p.Text, Reason: p}, nil
	}
	requests := make([]store.Request, len(ids))
	for i, id := range ids {
		requests[i] = store.Request{SceneID: id, Reason: "sync-scenes", Priority: store.ByPerson}
	}
	if err := d.Store.Enqueue(ctx, now, requests); err != nil {
		return nil, err
	}
	r := SyncReport{Queued: len(ids)}
	if r.Asked, err = d.Ask(ctx); err != nil {
		d.Log.Warn().Err(err).Msg("Stash did not accept a run; the next edit or task pushes the scenes")
	}
	r.RunFollows = err == nil
	return r, nil
}
