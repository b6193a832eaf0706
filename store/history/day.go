package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

const (
	daysKept = 400
	day      = 24 * time.Hour

	// daysAgree is how many days with ended jobs must be later than those that are deleted: a clock that jumps ahead for
	// less than this deletes nothing.
	daysAgree = 8
)

// A Day sums up one day, from midnight to midnight UTC.
type Day struct {
	Begin  time.Time
	Pushed int           // pushes of which Plex accepted a change
	Failed int           // attempts that failed and are retried
	Dead   int           // jobs that became dead letters
	Down   time.Duration // how long the breaker was not closed
}

// numberOf returns the number of a day as table day stores it.
func numberOf(at time.Time) int64 { return at.Unix() / int64(day/time.Second) }

const (
	addDay = `INSERT INTO day (day_utc, pushed, failed, dead, down_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT (day_utc) DO UPDATE
		SET pushed = pushed + excluded.pushed, failed = failed + excluded.failed, dead = dead + excluded.dead, down_ms = down_ms + excluded.down_ms`
	trimDays = `DELETE FROM day WHERE day_utc < (
		SELECT day_utc FROM day WHERE day_utc <= ? AND pushed + failed + dead > 0 ORDER BY day_utc DESC LIMIT 1 OFFSET ?) - ?`
)

// AddDay adds the numbers of d to the day of now, and deletes days that are more than 400 days older than other days:
// it compares them with days that were stored before, since the clock may have jumped ahead. It writes nothing if all
// numbers are 0.
func AddDay(ctx context.Context, tx *sqlitefile.Tx, now time.Time, d Day) error {
	if d.Pushed == 0 && d.Failed == 0 && d.Dead == 0 && d.Down == 0 {
		return nil
	}
	if _, err := tx.ExecContext(ctx, addDay, numberOf(now), d.Pushed, d.Failed, d.Dead, d.Down.Milliseconds()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, trimDays, numberOf(now), daysAgree-1, daysKept)
	return err
}

// eachDay calls f for each day of a time, with the part of the time that lies in it. It leaves out what is more than 400
// days before the end.
func eachDay(from, to time.Time, f func(begin time.Time, part time.Duration) error) error {
	if limit := to.Add(-daysKept * day); from.Before(limit) {
		from = limit
	}
	for from.Before(to) {
		begin := from.UTC().Truncate(day)
		end := begin.Add(day)
		if end.After(to) {
			end = to
		}
		if err := f(begin, end.Sub(from)); err != nil {
			return err
		}
		from = end
	}
	return nil
}

const (
	beginOutage   = `INSERT INTO outage (started_at, cause) VALUES (?, ?)`
	currentOutage = `SELECT started_at FROM outage WHERE ended_at IS NULL AND (SELECT state FROM breaker WHERE id = 1) <> 'closed' ORDER BY id DESC LIMIT 1`
	lastOutage    = `SELECT started_at FROM outage WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1`
	endOutage     = `UPDATE outage SET ended_at = ? WHERE ended_at IS NULL`
	trimOutages   = `DELETE FROM outage WHERE id <= (SELECT MAX(id) FROM outage) - 1000`
)

// BeginOutage begins an outage.
func BeginOutage(ctx context.Context, tx *sqlitefile.Tx, now time.Time, cause string) error {
	if _, err := tx.ExecContext(ctx, beginOutage, now.UnixMilli(), cause); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, trimOutages)
	return err
}

// EndOutage ends the outage and adds its time to its days.
func EndOutage(ctx context.Context, tx *sqlitefile.Tx, now time.Time) error {
	began, err := startOf(ctx, tx, lastOutage)
	if err != nil || began.IsZero() {
		return err
	}
	if err := eachDay(began, now, func(begin time.Time, part time.Duration) error {
		return AddDay(ctx, tx, begin, Day{Down: part})
	}); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, endOutage, now.UnixMilli())
	return err
}

// startOf returns the time that a query selects; the zero time if it selects none.
func startOf(ctx context.Context, q Querier, query string) (time.Time, error) {
	var began int64
	err := q.QueryRowContext(ctx, query).Scan(&began)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return time.UnixMilli(began), err
}

// Days returns the last n days up to that of now, the oldest first. Days on which nothing happened are among them, and
// an outage that is not over yet counts up to now.
func Days(ctx context.Context, q Querier, now time.Time, n int) ([]Day, error) {
	last := numberOf(now)
	days := make([]Day, n)
	for i := range days {
		days[i].Begin = time.Unix(0, 0).UTC().AddDate(0, 0, int(last)-n+1+i)
	}
	within := func(number int64) *Day {
		if i := number - last + int64(n) - 1; i >= 0 && i < int64(n) {
			return &days[i]
		}
		return new(Day)
	}
	_, err := sqlitefile.Collect(ctx, q, func(row sqlitefile.Row) (_ struct{}, err error) {
		var number, down int64
		var d Day
		err = row.Scan(&number, &d.Pushed, &d.Failed, &d.Dead, &down)
		to := within(number)
		to.Pushed, to.Failed, to.Dead, to.Down = d.Pushed, d.Failed, d.Dead, time.Duration(down)*time.Millisecond
		return struct{}{}, err
	}, `SELECT day_utc, pushed, failed, dead, down_ms FROM day WHERE day_utc > ? AND day_utc <= ?`, last-int64(n), last)
	if err != nil {
		return nil, fmt.Errorf("cannot read the days: %w", err)
	}
	began, err := startOf(ctx, q, currentOutage)
	if err != nil {
		return nil, fmt.Errorf("cannot read the outage: %w", err)
	}
	if !began.IsZero() {
		err = eachDay(began, now, func(begin time.Time, part time.Duration) error {
			within(numberOf(begin)).Down += part
			return nil
		})
	}
	for i := range days {
		days[i].Down = min(days[i].Down, day) // a clock that was set back counts some hours twice
	}
	return days, err
}
