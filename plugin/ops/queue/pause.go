package queue

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
)

const (
	pauseAtMost = 43_200 // minutes: 30 days
	nameAtMost  = 60     // characters of who pauses
)

// PauseReport is whether pushing is paused.
type PauseReport struct {
	Paused *pause.State `json:"paused"`
	Asked  bool         `json:"asked"` // Stash was asked for a run
	Text   string       `json:"text"`
}

// pauseAll pauses all pushing, or changes the pause.
func pauseAll(_ context.Context, d *desk.Desk, args desk.Args) (any, error) {
	minutes, err := args.Number("minutes", 0, pauseAtMost, 0)
	if err != nil {
		return nil, err
	}
	by, err := args.Text("by")
	if err != nil {
		return nil, err
	}
	by = cmp.Or(strings.Join(strings.Fields(text.Plain(by)), " "), "you")
	if utf8.RuneCountInString(by) > nameAtMost {
		return nil, fmt.Errorf("args.by is too long; it must be a text of at most %d characters", nameAtMost)
	}
	now := d.Now()
	state := pause.New(now, by, time.Duration(minutes)*time.Minute)
	if was := pause.Read(d.Store.Dir(), now); was != nil && was.At != nil && was.By == by {
		state.At = was.At
	}
	if err := pause.Write(d.Store.Dir(), state); err != nil {
		return nil, err
	}
	d.Log.Info().Msg("pushing is " + state.String())
	return PauseReport{Paused: &state, Text: "pushing is " + state.String()}, nil
}

// resume ends the pause, and asks for a run if there is work.
func resume(ctx context.Context, d *desk.Desk, _ desk.Args) (any, error) {
	was := pause.Read(d.Store.Dir(), d.Now())
	if err := pause.Remove(d.Store.Dir()); err != nil {
		return nil, err
	}
	r := PauseReport{Text: "pushing is not paused"}
	if was != nil {
		d.Log.Info().Msg("pushing is resumed")
	}
	due, err := isDue(ctx, d)
	if err != nil || !due {
		return r, err
	}
	r.Asked, err = d.Ask(ctx)
	if err != nil {
		d.Log.Warn().Err(err).Msg("Stash did not accept a run; the next edit or task pushes what is queued")
	}
	return r, nil
}
