package push

import (
	"slices"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Stage is the progress of a push or of one of its targets.
type Stage int

// The stages, in order.
const (
	Claimed  Stage = iota // nothing is done yet
	Loaded                // the scene was read
	Matched               // its items were found and read
	Planned               // what to write is known
	Written               // a target: Plex accepted a change of it
	Verified              // a push: everything except the pictures is in Plex
)

// A Push is one claimed job in a batch.
type Push struct {
	Job     store.Job
	Scene   *stashapi.Scene
	Desired merge.Desired
	Match   match.Match
	Targets []*Target
	Stage   Stage

	cover     cover
	bare      bool      // the scene has no data, and nothing of it is known to be pushed
	contested []*Target // its files in items that belong to other scenes
	err       error
}

// Fail ends the push with err unless it has ended already. Nothing else sets its error.
func (p *Push) Fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// Failure returns what ended the push: its own error, or else that of its first target that failed.
func (p *Push) Failure() error {
	if p.err != nil {
		return p.err
	}
	for _, t := range p.Targets {
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

// Attempts returns how often the job failed before this claim.
func (p *Push) Attempts() int { return p.Job.Attempts }

// SceneID returns the id of the scene.
func (p *Push) SceneID() int { return p.Job.SceneID }

// logOf adds the scene of a push to a log event: its id and, once the scene is loaded, its title or the name of its
// first file.
func logOf(event *zerolog.Event, p *Push) *zerolog.Event {
	event = event.Int("scene", p.Job.SceneID)
	if title := p.Title(); title != "" {
		return event.Str("title", title)
	}
	return event
}

// Title returns what the scene of a push is called, marked as private; "" if nothing is known, as before it is loaded.
func (p *Push) Title() string {
	if p.Scene == nil || p.Scene.Name() == "" {
		return ""
	}
	return text.Private(text.OneLine(p.Scene.Name(), text.ValueLimit))
}

// Bare reports whether the scene has no data that Plex could show.
func (p *Push) Bare() bool { return p.bare }

// changed reports whether Plex accepted a change of one of the items.
func (p *Push) changed() bool {
	return slices.ContainsFunc(p.Targets, (*Target).changed)
}

// A Target is one Plex item that shows the scene of a push.
type Target struct {
	Hit     match.Hit
	Current plexapi.Item // as in Plex before this batch
	Plan    merge.Plan
	Base    store.Item // to be stored with the completion
	Stage   Stage

	push       *Push
	stored     store.Item // as stored now
	rival      error      // why the item belongs to another scene; nil if it does not
	rivalScene int        // that scene
	refused    []refusal
	err        error
}

// refusal is a field that Plex refused when it was sent alone.
type refusal struct {
	field   string
	forGood bool     // as long as Stash wants the same value
	unsent  []string // names of a list that were not sent
}

// Fail ends the target, and so its push, with err unless it has ended already. Nothing else sets its error.
func (t *Target) Fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// Failure returns what ended the target.
func (t *Target) Failure() error { return t.err }

// Attempts returns how often the job of its push failed before this claim.
func (t *Target) Attempts() int { return t.push.Attempts() }

// SceneID returns the id of the scene that the item shows.
func (t *Target) SceneID() int { return t.push.Job.SceneID }

func (t *Target) changed() bool { return t.Stage >= Written }

// refuses reports whether Plex accepted nothing of a change.
func (t *Target) refuses(c merge.Change) bool {
	return slices.ContainsFunc(t.refused, func(r refusal) bool { return merge.SettingName(r.field) == c.Field && len(r.unsent) == 0 })
}

// key returns the item's rating key.
func (t *Target) key() string { return t.Hit.RatingKey }

// going returns the pushes that have not ended.
func going(pushes []*Push) []*Push {
	return slices.DeleteFunc(slices.Clone(pushes), func(p *Push) bool { return p.Failure() != nil })
}
