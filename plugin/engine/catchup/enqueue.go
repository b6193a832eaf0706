package catchup

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// EnqueueAll queues a push of every scene and returns their number. Unchanged scenes cost no write. If it has to yield,
// it stores its position for EnqueueRest and returns the error of Yield.
func (l *Listing) EnqueueAll(ctx context.Context) (int, error) {
	return l.EnqueueSince(ctx, time.Time{})
}

// EnqueueSince queues a push of every scene changed since then, and of those that an unfinished sync asks for. It yields
// as EnqueueAll does.
func (l *Listing) EnqueueSince(ctx context.Context, since time.Time) (int, error) {
	rest, _, err := l.Store.Meta(ctx, store.KeyUnqueued)
	if err != nil {
		return 0, err
	}
	if _, earlier := resume(rest); rest != "" && earlier.Before(since) {
		since = earlier
	}
	return l.enqueue(ctx, 0, since, rest != "")
}

// EnqueueRest queues the scenes that EnqueueAll or EnqueueSince left when it yielded.
func (l *Listing) EnqueueRest(ctx context.Context) (int, error) {
	rest, _, err := l.Store.Meta(ctx, store.KeyUnqueued)
	if err != nil || rest == "" {
		return 0, err
	}
	after, since := resume(rest)
	return l.enqueue(ctx, after, since, true)
}

// enqueue queues the scenes with an id above after that changed since then. stored says that a position is stored.
func (l *Listing) enqueue(ctx context.Context, after int, since time.Time, stored bool) (int, error) {
	for total := 0; ; {
		page, err := l.pageSince(ctx, after, since)
		if err != nil {
			return total, fmt.Errorf("cannot list scenes: %w", err)
		}
		l.listed(page)
		last := len(page.Scenes) < PageSize
		if !last {
			after = page.Scenes[len(page.Scenes)-1].ID
		}
		wanted, reason := page.Scenes, "Sync all"
		if !since.IsZero() {
			wanted, reason = changedSince(page.Scenes, since), "Sync recent"
		}
		if err := l.Store.EnqueueSceneVersions(ctx, time.Now(), versionsOf(wanted), reason); err != nil {
			return total, err
		}
		total += len(wanted)
		switch {
		case last && stored:
			return total, l.Store.SetMeta(ctx, time.Now(), store.KeyUnqueued, "")
		case last:
			return total, nil
		}
		if why := l.yield(ctx); why != nil {
			if err := l.Store.SetMeta(ctx, time.Now(), store.KeyUnqueued, position(after, since)); err != nil {
				return total, err
			}
			return total, why
		}
	}
}

// pageSince lists scenes with an id above after, of which those that changed since then are wanted.
func (l *Listing) pageSince(ctx context.Context, after int, since time.Time) (stashapi.Listing, error) {
	if since.IsZero() {
		return l.Stash.AllScenes(ctx, after, PageSize)
	}
	return l.Stash.UpdatedSince(ctx, TextBound(since, nil), after, PageSize)
}

// changedSince returns the scenes changed since then, and those whose time cannot be read.
func changedSince(scenes []stashapi.SceneStub, since time.Time) []stashapi.SceneStub {
	var changed []stashapi.SceneStub
	for _, s := range scenes {
		if at, err := time.Parse(time.RFC3339, s.UpdatedAt); err != nil || !at.Before(since) {
			changed = append(changed, s)
		}
	}
	return changed
}
