package push

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/tally"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

const completePatience = 800 * time.Millisecond // time for a cancelled run to store its completions

// complete stores the completions of a batch in one transaction and logs them.
func (pl *Pipeline) complete(ctx context.Context, pushes []*Push) error {
	late := 0
	if pl.Gate.Writes() { // whether the first of these are charged was in doubt
		late = len(pl.inDoubt)
		pushes, pl.inDoubt = append(pl.inDoubt, pushes...), nil
	}
	now := time.Now()
	completions := make([]store.Completion, len(pushes))
	for i, p := range pushes {
		completions[i] = pl.completion(ctx, p, now)
		if i < late { // what was read is stored, and may have changed
			completions[i].SceneVersion, completions[i].Took = nil, 0
		}
		if pl.Gate.InDoubt(p.Failure()) {
			pl.inDoubt = append(pl.inDoubt, inDoubt(p))
		}
	}
	within := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(within, completePatience)
		defer cancel()
	}
	inForce, err := pl.Store.Complete(within, now, completions)
	if err != nil {
		return err
	}
	for i, p := range pushes {
		if i >= late || inForce[i] { // else an edit or another process has taken the job
			pl.log(p, &completions[i])
		}
	}
	return nil
}

// inDoubt returns what it takes to charge a push later. A run may have many of them.
func inDoubt(p *Push) *Push {
	one := &Push{Job: p.Job}
	one.Fail(p.Failure())
	if p.Scene != nil {
		one.Scene = &stashapi.Scene{Title: p.Scene.Name()}
	}
	return one
}

// completion returns the completion of a claim, computed from the push and its targets.
func (pl *Pipeline) completion(ctx context.Context, p *Push, now time.Time) store.Completion {
	failure := p.Failure()
	e := store.Completion{Job: p.Job, Outcome: store.Done, Note: store.Unchanged}
	switch {
	case failure != nil:
		v, why := pl.Gate.Verdict(ctx, failure)
		e = retry.Complete(p.Job, v, why, pl.Config.MaxRetries, pl.Random())
		if v.Class.AwaitsFile() && p.Scene != nil {
			for _, f := range p.Match.Wanted(p.Scene.Files) {
				e.AwaitedFiles = append(e.AwaitedFiles, store.AwaitedFile{Path: f.Path, Size: f.Size})
			}
		}
		if e.Outcome == store.Drop {
			e.Note = e.Class
		}
	case p.changed():
		e.Note = "synced"
	}
	e.Fields, e.Took = written(p), now.Sub(pl.began)
	if failure == nil && (!pl.Config.SkipMissing || p.Match.Unread) {
		e.AwaitedFiles = unmatched(p)
	}
	if e.Outcome == store.Done || e.Outcome == store.Drop {
		e.AwaitedFiles = append(e.AwaitedFiles, contested(p)...)
	}
	if p.Scene != nil {
		e.SceneVersion = &store.SceneVersion{SceneID: p.Scene.ID, UpdatedAt: toCompare(p.Scene.UpdatedAt, now, e.Outcome), Paths: hashOf(p)}
	}
	if p.Stage == Verified {
		e.Refs = refs(p)
	}
	for _, t := range p.Targets {
		if p.Stage == Verified {
			e.Links = append(e.Links, store.Link{
				Server: pl.Server.ID, SceneID: p.Scene.ID, RatingKey: t.key(), Section: t.Hit.Section, Path: t.Hit.Path, Size: t.Hit.Size,
				Rule: t.Hit.Rule, PushedAt: now, UpdatedAt: p.Scene.UpdatedAt,
			})
		}
		if t.Base.RatingKey != "" && !reflect.DeepEqual(t.Base, t.stored) {
			e.Items = append(e.Items, t.Base)
		}
	}
	return e
}

// toCompare returns the scene version that the catch-up compares. It returns "" if the scene was read right after
// its change: Stash's times have a resolution of one second, so a later change may have the same time. The next
// catch-up then queues the scene again. A job that waits or is a dead letter reads its scene again anyway.
func toCompare(updatedAt string, now time.Time, outcome store.Outcome) string {
	if outcome != store.Done && outcome != store.Drop {
		return updatedAt
	}
	at, err := time.Parse(time.RFC3339, updatedAt)
	if age := now.Sub(at); err == nil && age >= 0 && age < stashapi.ClockSlack {
		return ""
	}
	return updatedAt
}

func hashOf(p *Push) int64 {
	var paths []string
	for _, f := range p.Scene.Files {
		paths = append(paths, f.Path)
	}
	return store.HashPaths(paths)
}

// refs returns the performers, tags, groups and the studio of the scene.
func refs(p *Push) []store.Ref {
	var list []store.Ref
	if p.Scene.Studio != nil {
		list = append(list, store.Ref{Kind: "studio", ID: p.Scene.Studio.ID})
	}
	for _, p := range p.Scene.Performers {
		list = append(list, store.Ref{Kind: "performer", ID: p.ID})
	}
	for _, t := range p.Scene.Tags {
		list = append(list, store.Ref{Kind: "tag", ID: t.ID})
	}
	for _, g := range p.Scene.Groups {
		list = append(list, store.Ref{Kind: "group", ID: g.ID})
	}
	return list
}

// log counts and logs the completion of a claim.
func (pl *Pipeline) log(p *Push, e *store.Completion) {
	pl.Tally.Done++
	id := p.Job.SceneID
	switch e.Outcome {
	case store.Done:
		if e.Note == store.Unchanged {
			pl.Tally.Count(id, tally.Unchanged)
			logOf(pl.Log.Debug(), p).Msg("unchanged: Plex already shows it")
			return
		}
		pl.Tally.Count(id, tally.Synced)
		for _, t := range p.Targets {
			if t.changed() {
				logOf(pl.Log.Info(), p).Str("item", t.key()).Str("rule", t.Hit.Rule).Str("fields", strings.Join(ChangedFields(t.Plan.Changes), ", ")).Msg("synced")
			}
		}
	case store.Drop:
		pl.skip(p, e)
	case store.Retry:
		pl.Tally.Count(id, tally.Retrying)
		pl.notice(zerolog.WarnLevel, p, e, "attempt", p.Job.Attempts+1)
	case store.Miss, store.Snooze:
		pl.Tally.Count(id, tally.Waiting)
		pl.notice(zerolog.InfoLevel, p, e, "miss", p.Job.Misses+1)
	case store.Release:
		pl.Tally.Done--
		logOf(pl.Log.Debug(), p).Str("class", e.Class).Msg(e.Error)
	case store.ToDeadLetter:
		pl.Tally.Count(id, tally.Dead)
		logOf(pl.Log.WithLevel(pl.level(zerolog.ErrorLevel)), p).Msg(retry.DeadLetter(retry.Class(e.Class), e.Error))
	}
}

// written returns the settings' names of the fields of which Plex accepted a change, each once.
func written(p *Push) []string {
	var all []merge.Change
	for _, t := range p.Targets {
		if t.changed() {
			all = append(all, slices.DeleteFunc(slices.Clone(t.Plan.Changes), t.refuses)...)
		}
	}
	return ChangedFields(all)
}

// ChangedFields returns the settings' names of the changed fields, each once.
func ChangedFields(changes []merge.Change) []string {
	var list []string
	for _, c := range changes {
		if !slices.Contains(list, c.Field) {
			list = append(list, c.Field)
		}
	}
	return list
}

// Crashed counts and logs jobs that became dead letters because the process died repeatedly while it worked on them.
func (pl *Pipeline) Crashed(ctx context.Context, jobs []store.Job) {
	for _, j := range jobs {
		p := &Push{Job: j}
		if result, err := pl.Stash.Scenes(ctx, []int{j.SceneID}); err == nil && len(result.Found) > 0 { // else without a title
			p.Scene = &result.Found[0]
		}
		pl.Tally.Count(j.SceneID, tally.Dead)
		logOf(pl.Log.WithLevel(pl.level(zerolog.ErrorLevel)), p).Msg(retry.DeadLetter(store.ClassCrashed, store.CrashText))
	}
}
