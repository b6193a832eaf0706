// Package catchup compares Stash's scenes with the stored scene versions and queues those that differ. Hooks are only
// hints, since autotag, merges and a disabled plugin fire none.
package catchup

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// PageSize is the number of scenes on a page of a listing.
const PageSize = 1000

// The minimum time between listings.
const (
	Every         = 10 * time.Minute // of changed scenes
	CompleteEvery = 24 * time.Hour   // of all scenes
)

const (
	zoneSlack   = 2 * time.Hour  // for the switch to or from summer time
	anyZone     = 12 * time.Hour // no zone is further west of UTC
	goneAtLeast = 20             // fewer missing scenes are always taken for deleted
	gonePart    = 20             // as are fewer than one in this many
)

// A Listing compares Stash's scenes with the stored scene versions.
type Listing struct {
	Store *store.Store
	Stash *stashapi.Client
	Log   zerolog.Logger
	// Yield is called between two pages. Its error ends the listing, and the next one continues it. nil: it never ends.
	Yield func(ctx context.Context) error
	// Listed is called after each page with the number of scenes that were listed, and that are to be listed in all. nil:
	// nobody looks.
	Listed func(done, total int)

	enqueued int
	done     int
}

// Run finds what changed in Stash without a hook and returns how many scenes it queued. It lists the changed scenes
// at most every ten minutes and all scenes once a day. The first run only stores the versions: a scene is first pushed
// by an edit or by Sync all.
func (l *Listing) Run(ctx context.Context) (enqueued int, err error) {
	now := time.Now()
	_, complete, err := l.Store.Meta(ctx, store.KeyLastListing)
	if err != nil {
		return 0, err
	}
	_, last, err := l.Store.Meta(ctx, store.KeyLastCatchUp)
	if err != nil {
		return 0, err
	}
	switch {
	case complete.IsZero() || !within(now, complete, CompleteEvery):
		err = l.listAll(ctx, complete.IsZero())
	case !within(now, last, Every):
		err = l.listChanged(ctx)
	}
	return l.enqueued, err
}

// within reports whether at is less than span before now. A time in the future is not.
func within(now, at time.Time, span time.Duration) bool {
	age := now.Sub(at)
	return age >= 0 && age < span
}

// listChanged reads the scenes changed since the watermark. Stash stores and compares times as text in its
// own zone, so the bound has the offset of the newest time seen. If that time came from a zone further east, the
// bound may hide a change; the next complete listing finds it.
func (l *Listing) listChanged(ctx context.Context) error {
	text, _, err := l.Store.Meta(ctx, store.KeyWatermark)
	if err != nil {
		return err
	}
	newest, err := parseTime(text)
	if err != nil || newest.IsZero() {
		return l.listAll(ctx, false)
	}
	bound := TextBound(newest, newest.Location())
	after, newest, err := l.resumeChanged(ctx, newest)
	if err != nil {
		return err
	}
	for {
		page, err := l.Stash.UpdatedSince(ctx, bound, after, PageSize)
		if err != nil {
			return err
		}
		newest = newestOf(page, newest)
		last := len(page.Scenes) < PageSize
		var facts map[string]string
		if last {
			facts = watermark(newest, page.Date)
			facts[store.KeyLastCatchUp], facts[store.KeyChanges] = "changed", ""
		} else {
			after = page.Scenes[len(page.Scenes)-1].ID
			facts = map[string]string{store.KeyChanges: position(after, newest)}
		}
		if err := l.compare(ctx, page, false, facts); err != nil || last {
			return err
		}
		if err := l.yield(ctx); err != nil {
			return err
		}
	}
}

// resumeChanged returns where an interrupted listing of changed scenes resumes, and the newest time seen. An old listing
// starts over: scenes may have changed behind its position.
func (l *Listing) resumeChanged(ctx context.Context, watermark time.Time) (after int, newest time.Time, err error) {
	unfinished, at, err := l.Store.Meta(ctx, store.KeyChanges)
	if err != nil || !within(time.Now(), at, zoneSlack/2) {
		return 0, watermark, err
	}
	after, newest = resume(unfinished)
	return after, later(newest, watermark), nil
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func (l *Listing) yield(ctx context.Context) error {
	if l.Yield == nil {
		return nil
	}
	return l.Yield(ctx)
}

// TextBound returns the lower bound of a listing by Stash's updated_at, as text without a zone. zone is the zone
// in which Stash writes, nil if unknown.
func TextBound(mark time.Time, zone *time.Location) string {
	if zone == nil {
		return mark.UTC().Add(-anyZone).Format("2006-01-02T15:04:05")
	}
	return mark.In(zone).Add(-zoneSlack).Format("2006-01-02T15:04:05")
}

// parseTime parses a time as Stash writes it. The result keeps the offset of the text, even where the
// local zone has that offset only in a part of the year.
func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	_, offset := at.Zone()
	return at.In(time.FixedZone("", offset)), err
}

// newestOf returns the newest time of a page, or the given one if that is newer.
func newestOf(page stashapi.Listing, newest time.Time) time.Time {
	for _, s := range page.Scenes {
		if at, err := parseTime(s.UpdatedAt); err == nil && at.After(newest) {
			newest = at
		}
	}
	return newest
}

// watermark returns the facts to store after a finished listing. The watermark stays at least the resolution of
// Stash's clock behind its present time, and does not move if that time is unknown.
func watermark(newest, present time.Time) map[string]string {
	facts := make(map[string]string)
	if present.IsZero() || newest.IsZero() {
		return facts
	}
	if latest := present.Add(-stashapi.ClockSlack); newest.After(latest) {
		newest = latest.In(newest.Location())
	}
	facts[store.KeyWatermark] = newest.Format(time.RFC3339)
	return facts
}

// listed reports a page. Its count leaves out the pages before.
func (l *Listing) listed(page stashapi.Listing) {
	total := l.done + page.Count
	if l.done += len(page.Scenes); l.Listed != nil {
		l.Listed(l.done, total)
	}
}

func (l *Listing) compare(ctx context.Context, page stashapi.Listing, adopt bool, facts map[string]string) error {
	l.listed(page)
	n, err := l.Store.CatchUp(ctx, time.Now(), store.Page{Scenes: versionsOf(page.Scenes), Adopt: adopt, Facts: facts})
	l.enqueued += n
	return err
}

func versionsOf(stubs []stashapi.SceneStub) []store.SceneVersion {
	versions := make([]store.SceneVersion, len(stubs))
	for i, s := range stubs {
		versions[i] = store.SceneVersion{SceneID: s.ID, UpdatedAt: s.UpdatedAt, Paths: store.HashPaths(s.Paths)}
	}
	return versions
}

// listAll reads all scenes. It resumes an interrupted listing. The first listing ever only stores the versions, but
// after damage to the queue unknown scenes count as changed.
func (l *Listing) listAll(ctx context.Context, first bool) error {
	refill, _, err := l.Store.Meta(ctx, store.KeyRefill)
	if err != nil {
		return err
	}
	unfinished, _, err := l.Store.Meta(ctx, store.KeyListing)
	if err != nil {
		return err
	}
	after, newest := resume(unfinished)
	adopt := first && refill == ""
	gone := missing{fromStart: after == 0}
	for {
		page, err := l.Stash.AllScenes(ctx, after, PageSize)
		if err != nil {
			return err
		}
		newest = newestOf(page, newest)
		upTo := 1<<31 - 1
		last := len(page.Scenes) < PageSize
		var facts map[string]string
		if last {
			facts = watermark(newest, page.Date)
			facts[store.KeyLastListing], facts[store.KeyLastCatchUp] = "complete", "complete"
			facts[store.KeyListing], facts[store.KeyRefill] = "", ""
		} else {
			upTo = page.Scenes[len(page.Scenes)-1].ID
			facts = map[string]string{store.KeyListing: position(upTo, newest)}
		}
		if err := gone.add(ctx, l.Store, page.Scenes, after, upTo); err != nil {
			return err
		}
		if err := l.compare(ctx, page, adopt, facts); err != nil {
			return err
		}
		if last {
			return l.endGone(ctx, &gone)
		}
		if err := l.yield(ctx); err != nil {
			return err
		}
		after = upTo
	}
}

// position returns where an interrupted listing resumes: after the last scene read, with the newest time seen.
func position(after int, newest time.Time) string {
	return strconv.Itoa(after) + " " + newest.Format(time.RFC3339)
}

// resume parses a position. With any other text the listing starts over.
func resume(position string) (after int, newest time.Time) {
	id, text, _ := strings.Cut(position, " ")
	after, err := strconv.Atoi(id)
	newest, timeErr := parseTime(text)
	if err != nil || timeErr != nil {
		return 0, time.Time{}
	}
	return after, newest
}

// missing collects linked scenes that a complete listing does not contain.
type missing struct {
	fromStart bool // this run has read the listing from its first page
	ids       []int
	count     int
}

// keptAtMost bounds the memory used for missing scenes.
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

// endGone removes the links of missing scenes, unless so many are missing that an unmounted drive or a new Stash is
// more likely. A resumed listing knows only some of the missing scenes, so it removes nothing. Items keep their bases.
func (l *Listing) endGone(ctx context.Context, gone *missing) error {
	if gone.count == 0 || !gone.fromStart {
		return nil
	}
	linked, err := l.Store.CountLinked(ctx)
	if err != nil {
		return err
	}
	if gone.count >= goneAtLeast && gone.count*gonePart >= linked {
		l.Log.Warn().Int("missing", gone.count).Int("linked", linked).
			Msg("many linked scenes are missing from Stash; keeping their links in case a drive is unmounted or Stash's database was replaced")
		return nil
	}
	l.Log.Info().Int("scenes", gone.count).Msg("removed the links of scenes that are no longer in Stash")
	return l.Store.Forget(ctx, time.Now(), gone.ids)
}
