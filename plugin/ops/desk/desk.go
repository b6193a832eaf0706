// Package desk holds what all operations of the page share: what they work with, their arguments, and the reasons and
// short texts of their answers.
package desk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/account"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/report"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/settings"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
)

// AskLimit is how long an operation waits for an answer of Stash that it can do without.
const AskLimit = 3 * time.Second

// A Desk holds what the operations of one call work with.
type Desk struct {
	Version     string
	Now         func() time.Time
	Log         zerolog.Logger
	Store       *store.Store
	Stash       *stashapi.Client
	Settings    settings.Settings // as far as they can be read
	SettingsErr error             // a *settings.Error, or a *stashapi.Error
	Unsigned    error             // what is wrong with the settings if nobody has signed in
	Where       account.Connection
	// Account signs people in.
	Account *account.Desk
	// Index opens the index of Plex's files.
	Index func(ctx context.Context) (*plexindex.Index, error)
	// Plex returns a client for the server of the settings. The error is one of the settings.
	Plex func(ctx context.Context) (*plexapi.Client, error)
	// Inspect computes what a push of a scene would write. It asks Plex and Stash, and writes nothing.
	Inspect func(ctx context.Context, scene int) (*push.Push, error)
	// Explain says why a scene is, or is not, in Plex.
	Explain func(ctx context.Context, scene int) (Explanation, error)
	// Status returns the last line of the task "Queue status".
	Status func(ctx context.Context) (string, error)
	// Check returns the checks of the saved settings and the scenes that were matched, those before an error included. It
	// writes nothing.
	Check func(ctx context.Context) ([]Check, []Sample, error)
	// Reports opens the stored reports of long tasks.
	Reports func(ctx context.Context) (*report.DB, error)
	// Ask makes sure that a run follows, and reports whether it had to ask Stash for one. While pushing is paused it does
	// nothing.
	Ask func(ctx context.Context) (bool, error)
	// Wake does what Ask does for a process that has set the run mark, and settles the mark.
	Wake func(ctx context.Context, mark store.Mark) (bool, error)
}

// Silent reports whether the settings are unknown because Stash did not answer.
func (d *Desk) Silent() bool {
	_, silent := errors.AsType[*stashapi.Error](d.SettingsErr)
	return silent
}

// An Operation answers one call. Its answer is encoded as JSON.
type Operation struct {
	Do   func(ctx context.Context, d *Desk, args Args) (any, error)
	Args []string // the names of its arguments
}

// Call checks the names of the arguments and performs an operation.
func (o Operation) Call(ctx context.Context, d *Desk, args Args) (any, error) {
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if name != "mode" && !slices.Contains(o.Args, name) {
			valid := strings.Join(slices.Sorted(slices.Values(o.Args)), ", ")
			return nil, fmt.Errorf("unknown argument %q; valid arguments: %s", Clip(name), valid)
		}
	}
	return o.Do(ctx, d, args)
}

// When returns t as JSON shows it: in UTC and full seconds, null if it is zero.
func When(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
