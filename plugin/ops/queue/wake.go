package queue

import (
	"context"
	"fmt"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/progress"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// WakeReport is whether Stash was asked for a run, and why.
type WakeReport struct {
	Asked bool   `json:"asked"`
	Why   string `json:"why"`
	Text  string `json:"text"`
}

// Values of WakeReport.Why.
const (
	whyAsked   = "asked"
	whyPaused  = "paused"
	whyRunning = "running"
	whyBreaker = "breaker"
	whyNothing = "nothing_due"
	whyRecent  = "recent"
	whyQueued  = "queued"
)

// wake asks Stash for a run if there is work for one, as a hook does.
func wake(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	r, err := asleep(ctx, d)
	if err != nil || r != nil {
		return r, err
	}
	mark, err := d.Store.Ask(ctx, d.Now())
	if err != nil {
		return nil, err
	}
	if !mark.Ask {
		return WakeReport{Why: whyRecent, Text: "Stash was asked for a run moments ago"}, nil
	}
	asked, err := d.Wake(ctx, mark)
	if err != nil {
		return nil, fmt.Errorf("cannot ask Stash for a run: %w; what is queued stays queued", err)
	}
	if !asked {
		return WakeReport{Why: whyQueued, Text: "a run waits in Stash's queue"}, nil
	}
	return WakeReport{Asked: true, Why: whyAsked, Text: "Stash was asked for a run"}, nil
}

// asleep returns why no run is to be asked for; nil if one is.
func asleep(ctx context.Context, d *desk.Desk) (*WakeReport, error) {
	now := d.Now()
	if p := pause.Read(d.Store.Dir(), now); p != nil {
		return &WakeReport{Why: whyPaused, Text: "pushing is " + p.String()}, nil
	}
	if run, err := progress.Read(d.Store.Dir()); err == nil && run != nil { // otherwise a run too many does no harm
		return &WakeReport{Why: whyRunning, Text: run.What + " is running, and pushes what is due or asks for a run when it ends"}, nil
	}
	b, err := d.Store.Breaker(ctx)
	if err != nil {
		return nil, err
	}
	if _, allowed := retry.Permit(b, now, false); allowed == retry.Paused {
		text := "Plex is paused; it is tried again after " + b.ProbeAt.Local().Format(time.TimeOnly)
		if b.State == store.BreakerHalfOpen {
			text = "another run is trying whether Plex answers again"
		}
		return &WakeReport{Why: whyBreaker, Text: text}, nil
	}
	due, err := isDue(ctx, d)
	if err == nil && !due && b.State != store.BreakerClosed { // the probe is due, and what waits may be tried with it
		var next time.Time
		next, err = d.Store.NextDue(ctx, now)
		due = !next.IsZero()
	}
	if err != nil || due {
		return nil, err
	}
	return &WakeReport{Why: whyNothing, Text: "nothing is due"}, nil
}

// isDue reports whether there is work for a run: due jobs, or changes whose scenes are not queued yet.
func isDue(ctx context.Context, d *desk.Desk) (bool, error) {
	due, err := d.Store.HasDue(ctx, d.Now(), store.ClaimOptions{})
	if err != nil || due {
		return due, err
	}
	return d.Store.HasFanout(ctx)
}
