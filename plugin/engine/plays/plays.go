// Package plays brings what people watch in Plex back to Stash: each row of Plex's history becomes one play, and the
// owner's resume points follow. Only rows of the history count, never viewCount, which is a flag that anything may set.
// A row is noted before it is written, and recognised afterwards, so it arrives once even if the process is killed at any
// point. A read that fails or is incomplete changes nothing.
package plays

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	book "github.com/stash-plex-sync/stash-plex-sync/store/plays"
)

const (
	between  = 2 * time.Minute     // at least, from one pull to the next
	overlap  = time.Hour           // each pull reads this again: whether Plex includes the bound is unproven
	farBack  = 30 * 24 * time.Hour // read once a day, for plays that a device has reported late
	farEvery = 24 * time.Hour
	pageSize = 500
	batch    = 200 // plays that are written at a time
)

// Keys of meta. The id of the server follows those that end in a colon.
const (
	keyCursor   = "plays_cursor:"   // the newest viewedAt that was read, unix s
	keyFar      = "plays_far:"      // at: when the last 30 days were last read
	keyResume   = "plays_resume:"   // with a section's id: the newest lastViewedAt that was read, unix s
	keyAccounts = "plays_accounts:" // JSON of the accounts that the setting names
)

// Keys of meta that the page reads, too.
const (
	KeyPulled = "plays_pulled" // at: when the last pull began
	KeyWhy    = "plays_why"    // why nothing is imported, as it was last said
)

// A Puller reads plays from one Plex server and writes them to Stash. The caller holds the run lock.
type Puller struct {
	Store    *store.Store
	Plex     *plexapi.Client
	Stash    *stashapi.Client
	Gate     *gate.Gate // every request to Plex goes through it
	Log      zerolog.Logger
	Random   func() float64    // uniform in [0, 1)
	Server   string            // machine identifier
	Sections []plexapi.Section // the chosen libraries
	Whose    Whose
}

func (p *Puller) book() book.Book { return book.Book{Queue: p.Store, Server: p.Server} }

// Due reports whether a pull would do something: plays are imported, and the last pull is two minutes old. It ends the
// import for all accounts if plays are off.
func Due(ctx context.Context, db *store.Store, whose Whose) (bool, error) {
	if len(whose) == 0 {
		return false, book.End(ctx, db)
	}
	now := time.Now()
	_, at, err := db.Meta(ctx, KeyPulled)
	return err == nil && (at.After(now) || now.Sub(at) >= between), err
}

// Pull imports what was watched since the last pull. The first pull for an account only notes the present. It returns a
// *gate.Stop if the run ends, and an error that Abandoned knows if only the pull does; what is noted is written by the next
// one.
func (p *Puller) Pull(ctx context.Context) (sum Summary, err error) {
	now := time.Now()
	if err := p.Store.SetMeta(ctx, now, KeyPulled, ""); err != nil {
		return sum, err
	}
	since, why, err := p.ready(ctx, false)
	if err != nil || why != "" {
		return Summary{Idle: why}, err
	}
	if err := p.read(ctx, now, since, &sum); err != nil {
		return sum, err
	}
	if err := p.write(ctx, &sum); err != nil {
		return sum, err
	}
	if _, owner := since[plexapi.OwnerAccount]; owner {
		err = p.resume(ctx, &sum)
	}
	return sum, err
}

// ready returns since when the plays of each chosen account are imported, or why nothing is. It begins accounts that are
// chosen for the first time. With ask it asks Plex for the accounts even if it did so lately.
func (p *Puller) ready(ctx context.Context, ask bool) (since map[int]time.Time, why string, err error) {
	track, err := p.Stash.TrackActivity(ctx)
	if err != nil {
		return nil, "", p.stash(ctx, err)
	}
	accounts, why, err := p.accounts(ctx, ask)
	if err != nil {
		return nil, "", err
	}
	if !track {
		why = "Stash's own setting to track activity is off, so no plays are imported: switch it on in Settings > Interface, or clear \"Import plays\" (plays)"
	}
	if err := p.say(ctx, why); err != nil || why != "" {
		return nil, why, err
	}
	known, err := p.book().Accounts(ctx)
	if err != nil {
		return nil, "", err
	}
	if slices.Equal(slices.Sorted(maps.Keys(known)), accounts) {
		return known, "", nil
	}
	if err := p.begin(ctx, accounts, known); err != nil {
		return nil, "", err
	}
	known, err = p.book().Accounts(ctx)
	return known, "", err
}

// say logs why nothing is imported, once.
func (p *Puller) say(ctx context.Context, why string) error {
	said, _, err := p.Store.Meta(ctx, KeyWhy)
	if err != nil || said == why {
		return err
	}
	if why != "" {
		p.Log.Warn().Msg(why)
	}
	return p.Store.SetMeta(ctx, time.Now(), KeyWhy, why)
}

// begin notes the present for accounts that are chosen for the first time, by Plex's clock.
func (p *Puller) begin(ctx context.Context, accounts []int, known map[int]time.Time) error {
	page, err := p.history(ctx, plexapi.HistoryQuery{Since: time.Now().Unix(), Size: 1})
	if err != nil {
		return err
	}
	if _, was := known[plexapi.OwnerAccount]; !was {
		for _, section := range p.Sections { // the present resume points are not written
			if err := p.Store.SetMeta(ctx, time.Now(), p.resumeKey(section), ""); err != nil {
				return err
			}
		}
	}
	return p.book().Begin(ctx, accounts, serverNow(page.Date).Truncate(time.Second))
}

// history reads a page of the history through the gate.
func (p *Puller) history(ctx context.Context, q plexapi.HistoryQuery) (page plexapi.PageOf[plexapi.Play], err error) {
	err = p.ask(ctx, func(ctx context.Context) error {
		page, err = p.Plex.History(ctx, q)
		return err
	})
	return page, err
}

// An abandoned pull met a failure of Plex that does not end a run.
type abandoned struct{ error }

func (a abandoned) Error() string { return fmt.Sprintf("cannot import plays: %v", a.error) }

func (a abandoned) Unwrap() error { return a.error }

// Abandoned reports whether a pull ended because of a failure that does not end the run.
func Abandoned(err error) bool {
	_, is := errors.AsType[abandoned](err)
	return is
}

// ask sends a request to Plex through the gate, which tells the breaker.
func (p *Puller) ask(ctx context.Context, request func(context.Context) error) error {
	var failed error
	err := p.Gate.Do(ctx, gate.Items{}, func(ctx context.Context) error {
		failed = request(ctx)
		return failed
	})
	if err == nil && failed != nil {
		err = abandoned{failed}
	}
	return err
}

// stash returns what a failure of Stash means: the run ends if Stash does not answer, otherwise only the pull. Nothing is
// charged.
func (p *Puller) stash(ctx context.Context, err error) error {
	_, down := p.Stash.Version(ctx)
	if down == nil && ctx.Err() == nil {
		return abandoned{err}
	}
	if stop := p.Gate.After(ctx, cmp.Or(down, err)); stop != nil {
		return stop
	}
	return abandoned{err} // the breaker, which has opened meanwhile, ends the run
}

// read notes the plays that are new since the last time, and once a day those of the last 30 days.
func (p *Puller) read(ctx context.Context, now time.Time, since map[int]time.Time, sum *Summary) error {
	cursor, err := p.number(ctx, keyCursor+p.Server)
	if err != nil {
		return err
	}
	if cursor == 0 { // the first time: nothing older is imported
		cursor = earliest(since).Unix()
	}
	from := cursor - int64(overlap.Seconds())
	_, farAt, err := p.Store.Meta(ctx, keyFar+p.Server)
	if err != nil {
		return err
	}
	far := farAt.After(now) || now.Sub(farAt) >= farEvery
	if far {
		from = min(from, now.Add(-farBack).Unix())
	}
	_, newest, err := p.readFrom(ctx, from, 0, since, sum)
	if err != nil {
		return err
	}
	if far {
		if err := p.Store.SetMeta(ctx, now, keyFar+p.Server, ""); err != nil {
			return err
		}
	}
	if newest <= cursor {
		return nil
	}
	return p.Store.SetMeta(ctx, now, keyCursor+p.Server, strconv.FormatInt(newest, 10))
}

// readFrom notes all plays at or after a time, from a row on. It returns the row after the last one that was noted, also
// with an error, and when the newest was viewed.
func (p *Puller) readFrom(ctx context.Context, from int64, start int, since map[int]time.Time, sum *Summary) (next int, newest int64, err error) {
	for {
		page, err := p.history(ctx, plexapi.HistoryQuery{Since: max(from, 1), Start: start, Size: pageSize})
		if err != nil {
			return start, 0, err
		}
		if page.Unreadable > 0 {
			p.Log.Debug().Int("rows", page.Unreadable).Msg("rows of Plex's history cannot be read, so these plays are not imported")
		}
		var list []book.Play
		for _, row := range page.Rows {
			newest = max(newest, min(row.ViewedAt, serverNow(page.Date).Unix())) // a device with a wrong clock must not hide later plays
			if p.chosen(row.SectionID) {
				list = append(list, noted(row))
			}
		}
		added, err := p.book().Note(ctx, time.Now(), list, since)
		if err != nil {
			return start, 0, err
		}
		sum.Noted += added
		start += page.Received
		if page.Last() {
			return start, newest, nil
		}
		if err := p.Gate.MakeRoom(ctx); err != nil {
			return start, 0, err
		}
	}
}

// noted converts a row of the history to the play that is stored.
func noted(row plexapi.Play) book.Play {
	one := book.Play{
		HistoryKey: row.HistoryKey, ViewedAt: time.Unix(row.ViewedAt, 0), Account: int(row.AccountID), RatingKey: row.RatingKey, Section: row.SectionID, Title: row.Title,
	}
	if one.RatingKey == "" {
		one.State, one.Reason = book.Skipped, reason.PlayItemGone().JSON()
	}
	return one
}

// chosen reports whether a library is one of those that are pushed to. A row without a library may be.
func (p *Puller) chosen(section string) bool {
	return section == "" || slices.ContainsFunc(p.Sections, func(s plexapi.Section) bool { return s.ID == section })
}

// number reads a number from meta; 0 if there is none.
func (p *Puller) number(ctx context.Context, key string) (int64, error) {
	value, _, err := p.Store.Meta(ctx, key)
	if err != nil || value == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, nil // written by hand: it is read again from the beginning
	}
	return n, nil
}

func earliest(since map[int]time.Time) time.Time {
	return slices.MinFunc(slices.Collect(maps.Values(since)), time.Time.Compare)
}
