package plays

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

const (
	resumeOverlap = time.Minute
	resumeSame    = 1.0 // seconds: Stash and Plex round differently
)

// resume brings the owner's resume points to Stash: those of the items that were viewed since the last time.
func (p *Puller) resume(ctx context.Context, sum *Summary) error {
	for _, section := range p.Sections {
		if err := p.resumeSection(ctx, section, sum); err != nil {
			return err
		}
	}
	return nil
}

func (p *Puller) resumeKey(section plexapi.Section) string {
	return keyResume + p.Server + ":" + section.ID
}

func (p *Puller) resumeSection(ctx context.Context, section plexapi.Section, sum *Summary) error {
	key := p.resumeKey(section)
	cursor, err := p.number(ctx, key)
	if err != nil {
		return err
	}
	from, newest, held := cursor-int64(resumeOverlap.Seconds()), cursor, int64(math.MaxInt64)
	if cursor == 0 { // the first time: only the present is noted
		from = time.Now().Add(-resumeOverlap).Unix()
	}
	for start := 0; ; {
		page, err := p.watched(ctx, plexapi.WatchedQuery{SectionID: section.ID, Type: section.ItemType(), Since: from, Start: start, Size: pageSize})
		if err != nil {
			return err
		}
		if cursor == 0 && newest == 0 {
			newest = serverNow(page.Date).Unix()
		}
		points := make([]book.Point, len(page.Rows))
		for i, row := range page.Rows {
			newest = max(newest, row.LastViewedAt)
			points[i] = book.Point{RatingKey: row.RatingKey, Offset: time.Duration(row.ViewOffset) * time.Millisecond, LastViewedAt: time.Unix(row.LastViewedAt, 0).UTC()}
		}
		first, err := p.points(ctx, points, cursor == 0, sum)
		if err != nil {
			return err
		}
		held = min(held, first)
		start += page.Received
		if page.Last() {
			break
		}
		if err := p.Gate.MakeRoom(ctx); err != nil {
			return err
		}
	}
	if newest = min(newest, held); newest == cursor {
		return nil
	}
	return p.Store.SetMeta(ctx, time.Now(), key, strconv.FormatInt(newest, 10))
}

// points writes the resume points that have changed, unless only the present is noted. It returns when the first item
// that plays at this moment was viewed: it is read again.
func (p *Puller) points(ctx context.Context, points []book.Point, noteOnly bool, sum *Summary) (held int64, err error) {
	held = math.MaxInt64
	known, err := p.book().Points(ctx, keysOf(points))
	if err != nil {
		return held, err
	}
	points = slices.DeleteFunc(points, func(one book.Point) bool {
		before, ok := known[one.RatingKey]
		return ok && before.Offset == one.Offset && before.LastViewedAt.Equal(one.LastViewedAt)
	})
	if len(points) == 0 {
		return held, nil
	}
	if !noteOnly {
		playing, err := p.playing(ctx)
		if err != nil {
			return held, err
		}
		points = slices.DeleteFunc(points, func(one book.Point) bool {
			plays := slices.Contains(playing, one.RatingKey)
			if plays {
				held = min(held, one.LastViewedAt.Unix())
			}
			return plays
		})
		if err := p.resumeScenes(ctx, points, sum); err != nil {
			return held, err
		}
	}
	return held, p.book().PutPoints(ctx, points)
}

// resumeScenes writes resume points to the scenes that the items show.
func (p *Puller) resumeScenes(ctx context.Context, points []book.Point, sum *Summary) error {
	scenes, err := p.book().Scenes(ctx, keysOf(points))
	if err != nil {
		return err
	}
	var ids []int
	for _, id := range scenes {
		ids = append(ids, id)
	}
	held, err := p.Stash.Activities(ctx, ids)
	if err != nil {
		return p.stash(ctx, err)
	}
	ours, err := p.book().LastWrites(ctx, ids)
	if err != nil {
		return err
	}
	for _, one := range points {
		a, found := held.Found[scenes[one.RatingKey]]
		if !found {
			continue
		}
		last, err := p.settle(ctx, ours[a.ID], a)
		if err != nil {
			return err
		}
		if !wanted(one, a, last) {
			continue
		}
		done, err := p.save(ctx, book.Write{SceneID: a.ID, RatingKey: one.RatingKey, Old: a.Resume, New: one.Offset.Seconds(), At: time.Now()})
		if err != nil {
			return err
		}
		if done {
			sum.Resumed++
		}
	}
	return nil
}

// wanted reports whether Stash gets a resume point: if it is newer than the last play in Stash. Back to the beginning goes
// only a point that we wrote.
func wanted(one book.Point, a stashapi.Activity, last book.Write) bool {
	switch {
	case equal(a.Resume, one.Offset.Seconds()), a.LastPlayed().After(one.LastViewedAt):
		return false
	case one.Offset == 0:
		return last.Done && equal(a.Resume, last.New)
	}
	return true
}

// settle finds out whether Stash made a write whose answer was lost.
func (p *Puller) settle(ctx context.Context, last book.Write, a stashapi.Activity) (book.Write, error) {
	switch {
	case last.ID == 0 || last.Done:
		return last, nil
	case equal(a.Resume, last.New):
		last.Done = true
		return last, p.book().Confirm(ctx, last.ID)
	}
	return book.Write{}, p.book().Drop(ctx, last.ID)
}

// save writes a resume point, and reports whether Stash took it. It is noted before it is sent.
func (p *Puller) save(ctx context.Context, w book.Write) (bool, error) {
	id, err := p.book().PutWrite(ctx, w)
	if err != nil {
		return false, err
	}
	if err := p.Stash.SaveResume(ctx, w.SceneID, w.New); err != nil {
		if _, down := p.Stash.Version(ctx); down != nil {
			return false, p.stash(ctx, down)
		}
		p.Log.Warn().Err(err).Int("scene", w.SceneID).Msg("Stash does not take the resume point of this scene; it is tried again when it changes")
		return false, nil // settle finds out whether it was made
	}
	return true, p.book().Confirm(ctx, id)
}

func (p *Puller) watched(ctx context.Context, q plexapi.WatchedQuery) (page plexapi.PageOf[plexapi.Watched], err error) {
	err = p.ask(ctx, func(ctx context.Context) error {
		page, err = p.Plex.Watched(ctx, q)
		return err
	})
	return page, err
}

func (p *Puller) playing(ctx context.Context) (keys []string, err error) {
	err = p.ask(ctx, func(ctx context.Context) error {
		keys, err = p.Plex.Sessions(ctx)
		return err
	})
	return keys, err
}

func serverNow(date time.Time) time.Time {
	if date.IsZero() {
		return time.Now()
	}
	return date
}

func equal(a, b float64) bool { return math.Abs(a-b) < resumeSame }

func keysOf(points []book.Point) []string {
	keys := make([]string, len(points))
	for i, one := range points {
		keys[i] = one.RatingKey
	}
	return keys
}
