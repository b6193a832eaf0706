package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const (
	pageSize      = 1000             // scenes a page of a slim listing
	catchUpEvery  = 10 * time.Minute // at most
	completeEvery = 24 * time.Hour
	zoneSlack     = 2 * time.Hour   // for a change to or from summer time
	anyZone       = 12 * time.Hour  // no zone is further west of UTC
	clockSlack    = 2 * time.Second // Stash's times have a resolution of 1 s
	goneAtLeast   = 20              // so many missing scenes are believed in any case
	gonePart      = 20              // and up to one in so many
)

// catchUp finds what changed in Stash without a hook: autotag, merges, moved files, a disabled plugin.
// Hooks are only hints. It runs at most every ten minutes, reads everything once a day, and the first time
// only notes what there is: a scene is pushed for the first time by an edit or by Sync all. A listing that
// Stash refuses, while it answers otherwise, holds up nothing that is queued.
func (d *drain) catchUp(ctx context.Context) error {
	err := d.listChanged(ctx)
	e, ok := errors.AsType[*stashapi.Error](err)
	switch {
	case !ok:
		return err
	case ctx.Err() != nil, e.Unavailable():
		return d.stashStop(ctx, err)
	}
	d.Log.Warn().Err(err).Msg("Stash refuses to list its scenes: what changes without a hook is not found until it does")
	return nil
}

func (d *drain) listChanged(ctx context.Context) error {
	now := time.Now()
	_, complete, err := d.Store.Meta(ctx, store.KeyLastListing)
	if err != nil {
		return err
	}
	_, last, err := d.Store.Meta(ctx, store.KeyLastCatchUp)
	if err != nil {
		return err
	}
	if complete.IsZero() || !within(now, complete, completeEvery) {
		return d.completeListing(ctx, complete.IsZero())
	}
	if within(now, last, catchUpEvery) {
		return nil
	}
	return d.changedListing(ctx)
}

// within reports whether at lies no longer than span before now; a time in the future does not.
func within(now, at time.Time, span time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < span
}

// changedListing reads the scenes changed since the watermark. Stash compares times as text, each in the zone
// of its writing, so the bound is the watermark in the westernmost zone seen, with slack, and without one the
// earliest that any zone could mean. What a Stash writes that has moved further west is found by the next
// complete listing.
func (d *drain) changedListing(ctx context.Context) error {
	shown, err := d.watermark(ctx)
	if err != nil {
		return err
	}
	if shown.newest.IsZero() {
		return d.completeListing(ctx, false)
	}
	bound, after := TextBound(shown.newest, shown.west), 0
	for {
		page, err := d.Stash.UpdatedSince(ctx, bound, after, pageSize)
		if err != nil {
			return err
		}
		shown.add(page)
		last := len(page.Scenes) < pageSize
		var facts map[string]string
		if last {
			facts = shown.facts(page.Date)
			facts[store.KeyLastCatchUp] = "changed"
		}
		if err := d.compare(ctx, page, false, facts); err != nil || last {
			return err
		}
		after = page.Scenes[len(page.Scenes)-1].ID
	}
}

// TextBound is the lower bound of a listing by Stash's updated_at, as text without a zone. zone is the
// westernmost in which Stash may have written, nil if none is known.
func TextBound(mark time.Time, zone *time.Location) string {
	if zone == nil {
		return mark.UTC().Add(-anyZone).Format("2006-01-02T15:04:05")
	}
	return mark.In(zone).Add(-zoneSlack).Format("2006-01-02T15:04:05")
}

// extent is what listings have shown of Stash's times.
type extent struct {
	newest time.Time
	west   *time.Location // the westernmost zone; nil: none was shown
}

// watermark is the extent that was stored.
func (d *drain) watermark(ctx context.Context) (extent, error) {
	text, _, err := d.Store.Meta(ctx, store.KeyWatermark)
	if err != nil || text == "" {
		return extent{}, err
	}
	mark, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return extent{}, nil // a damaged watermark is as good as none: everything is read
	}
	text, _, err = d.Store.Meta(ctx, store.KeyZone)
	if err != nil || text == "" {
		return extent{newest: mark}, err
	}
	seconds, err := strconv.Atoi(text)
	if err != nil {
		return extent{newest: mark}, nil // likewise
	}
	return extent{mark, time.FixedZone("", seconds)}, nil
}

// add takes in a page.
func (x *extent) add(page stashapi.Listing) {
	for _, s := range page.Scenes {
		at, err := time.Parse(time.RFC3339, s.UpdatedAt)
		if err != nil {
			continue
		}
		if at.After(x.newest) {
			x.newest = at
		}
		if _, zone := at.Zone(); x.west == nil || zone < offset(x.west) {
			x.west = time.FixedZone("", zone)
		}
	}
}

// offset is that of a fixed zone, in seconds east of UTC.
func offset(zone *time.Location) int {
	_, seconds := time.Time{}.In(zone).Zone()
	return seconds
}

// facts are what to keep once a listing was read to its end. The watermark never comes closer to Stash's
// present than its resolution, and never moves without Stash saying what its present is.
func (x *extent) facts(present time.Time) map[string]string {
	facts := make(map[string]string)
	if latest := present.Add(-clockSlack); !present.IsZero() && !x.newest.IsZero() {
		if x.newest.After(latest) {
			x.newest = latest
		}
		facts[store.KeyWatermark] = x.newest.UTC().Format(time.RFC3339)
	}
	if x.west != nil {
		facts[store.KeyZone] = strconv.Itoa(offset(x.west))
	}
	return facts
}

func (d *drain) compare(ctx context.Context, page stashapi.Listing, adopt bool, facts map[string]string) error {
	n, err := d.Store.CatchUp(ctx, time.Now(), store.Page{Scenes: versionsOf(page.Scenes), Adopt: adopt, Facts: facts})
	d.sum.CaughtUp += n
	return err
}

func versionsOf(stubs []stashapi.SceneStub) []store.SceneVersion {
	versions := make([]store.SceneVersion, len(stubs))
	for i, s := range stubs {
		versions[i] = store.SceneVersion{SceneID: s.ID, UpdatedAt: s.UpdatedAt, Paths: store.HashPaths(s.Paths)}
	}
	return versions
}

// completeListing reads all scenes. A listing that is cut off goes on where it ended. The first ever only
// notes; after damage to the queue what is not known any more counts as changed.
func (d *drain) completeListing(ctx context.Context, first bool) error {
	refill, _, err := d.Store.Meta(ctx, store.KeyRefill)
	if err != nil {
		return err
	}
	position, _, err := d.Store.Meta(ctx, store.KeyListing)
	if err != nil {
		return err
	}
	after, shown := resume(position)
	adopt := first && refill == ""
	gone := missing{whole: after == 0}
	for {
		page, err := d.Stash.AllScenes(ctx, after, pageSize)
		if err != nil {
			return err
		}
		shown.add(page)
		upTo := 1<<31 - 1
		last := len(page.Scenes) < pageSize
		var facts map[string]string
		if last {
			facts = shown.facts(page.Date)
			facts[store.KeyLastListing], facts[store.KeyLastCatchUp] = "complete", "complete"
			facts[store.KeyListing], facts[store.KeyRefill] = "", ""
		} else {
			upTo = page.Scenes[len(page.Scenes)-1].ID
			facts = map[string]string{store.KeyListing: shown.position(upTo)}
		}
		if err := gone.add(ctx, d.Store, page.Scenes, after, upTo); err != nil {
			return err
		}
		if err := d.compare(ctx, page, adopt, facts); err != nil {
			return err
		}
		if last {
			return d.endGone(ctx, &gone)
		}
		after = upTo
	}
}

// position is where a listing that is cut off goes on: the last scene read, and the extent.
func (x *extent) position(after int) string {
	west := ""
	if x.west != nil {
		west = strconv.Itoa(offset(x.west))
	}
	return fmt.Sprintf("%d %d %s", after, x.newest.Unix(), west)
}

// resume reads a position. From one that is none a listing begins at the beginning.
func resume(position string) (after int, shown extent) {
	var unix int64
	var west int
	n, _ := fmt.Sscanf(position, "%d %d %d", &after, &unix, &west) // as far as it goes
	if n < 2 {
		return 0, extent{}
	}
	if at := time.Unix(unix, 0); unix > 0 {
		shown.newest = at
	}
	if n == 3 {
		shown.west = time.FixedZone("", west)
	}
	return after, shown
}

// missing collects linked scenes that a complete listing does not hold any more.
type missing struct {
	whole bool // the listing began at the beginning in this run
	ids   []int
	count int
}

// keptAtMost bounds the memory: nobody believes more missing scenes than this.
const keptAtMost = 50_000

func (m *missing) add(ctx context.Context, s *store.Store, page []stashapi.SceneStub, after, upTo int) error {
	linked, err := s.LinkedBetween(ctx, after, upTo)
	if err != nil {
		return err
	}
	listed := make(map[int]bool, len(page))
	for _, scene := range page {
		listed[scene.ID] = true
	}
	for _, id := range linked {
		if listed[id] {
			continue
		}
		m.count++
		if len(m.ids) < keptAtMost {
			m.ids = append(m.ids, id)
		}
	}
	return nil
}

// endGone ends the links of scenes that are gone, unless so many are that an unmounted drive or a fresh
// Stash is likelier. A listing that went on in the middle knows only a part of what is missing, and decides
// nothing. Items keep their memory in any case.
func (d *drain) endGone(ctx context.Context, gone *missing) error {
	if gone.count == 0 || !gone.whole {
		return nil
	}
	linked, err := d.Store.CountLinked(ctx)
	if err != nil {
		return err
	}
	if gone.count >= goneAtLeast && gone.count*gonePart >= linked {
		d.Log.Warn().Int("missing", gone.count).Int("linked", linked).
			Msg("many scenes that are in Plex are missing in Stash: nothing is forgotten; is a drive not mounted, or was Stash's database replaced?")
		return nil
	}
	d.Log.Info().Int("scenes", gone.count).Msg("forgot links of scenes that are gone from Stash")
	return d.Store.Forget(ctx, gone.ids)
}

// stashStop ends the drain because Stash does not answer.
func (d *drain) stashStop(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &stopError{retry.ClassCancelled, stoppedText}
	}
	return &stopError{retry.ClassStashUnavailable, fmt.Sprintf("Stash does not answer (%v); every job stays queued", err)}
}

// EnqueueAll asks for a push of every scene, and returns how many that are. Scenes that are as Plex shows
// them will cost no write.
func (e *Engine) EnqueueAll(ctx context.Context) (int, error) {
	return e.enqueueListing(ctx, "Sync all", time.Time{}, func(after int) (stashapi.Listing, error) {
		return e.Stash.AllScenes(ctx, after, pageSize)
	})
}

// EnqueueSince asks for a push of every scene changed since then.
func (e *Engine) EnqueueSince(ctx context.Context, since time.Time) (int, error) {
	bound := TextBound(since, nil)
	return e.enqueueListing(ctx, "Sync recent", since, func(after int) (stashapi.Listing, error) {
		return e.Stash.UpdatedSince(ctx, bound, after, pageSize)
	})
}

func (e *Engine) enqueueListing(ctx context.Context, reason string, since time.Time, page func(after int) (stashapi.Listing, error)) (int, error) {
	total, after := 0, 0
	for {
		p, err := page(after)
		if err != nil {
			return total, fmt.Errorf("list scenes: %w", err)
		}
		last := len(p.Scenes) < pageSize
		if !last {
			after = p.Scenes[len(p.Scenes)-1].ID
		}
		var wanted []stashapi.SceneStub
		for _, s := range p.Scenes {
			if at, err := time.Parse(time.RFC3339, s.UpdatedAt); since.IsZero() || err != nil || !at.Before(since) {
				wanted = append(wanted, s)
			}
		}
		if err := e.Store.EnqueueSceneVersions(ctx, time.Now(), versionsOf(wanted), reason); err != nil {
			return total, err
		}
		if total += len(wanted); last {
			return total, nil
		}
	}
}
