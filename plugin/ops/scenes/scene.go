package scenes

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/push"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/plays"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/pause"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// playsShown is how many plays of a scene are shown.
const playsShown = 20

// SceneReport is everything about one scene.
type SceneReport struct {
	SceneID int    `json:"scene_id"`
	Title   string `json:"title"`
	desk.Explanation
	Paused   *pause.State `json:"paused"`  // null if nobody has paused pushing
	Server   string       `json:"server"`  // machine id of the Plex server that scenes are pushed to; "" if none is known
	Missing  bool         `json:"missing"` // Stash answers that it has no such scene
	Chosen   string       `json:"chosen"`  // the file in Plex that a person chose for the scene; "" if nobody did
	Stash    desk.Answer  `json:"stash"`
	Plex     desk.Answer  `json:"plex"`
	WhyNot   *desk.Reason `json:"why_not"` // why a push would end without a write
	Items    []SceneItem  `json:"items"`
	Attempts []Attempt    `json:"attempts"`
	Plays    []plays.Play `json:"plays"` // the last ones in Plex
}

// Attempt is one attempt for the scene.
type Attempt struct {
	ID      int64        `json:"id"`
	At      *time.Time   `json:"at"`
	Outcome string       `json:"outcome"`
	Fields  []string     `json:"fields"`
	TookMS  int64        `json:"took_ms"`
	Reason  *desk.Reason `json:"reason"`
}

func scene(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, err := neededScene(args)
	if err != nil {
		return nil, err
	}
	v := view{Desk: d, report: SceneReport{SceneID: id, Paused: pause.Read(d.Store.Dir(), d.Now()), Items: []SceneItem{}, Attempts: []Attempt{}}, current: make(map[string]plexapi.Item)}
	for _, step := range []func(context.Context) error{v.explain, v.recall, v.askStash, v.askPlex} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	v.compose()
	return v.report, nil
}

// neededScene returns the scene of an operation that is about one.
func neededScene(args desk.Args) (int, error) {
	id, err := args.Scene("scene_id")
	if err == nil && id == 0 {
		err = errors.New("args.scene_id is missing; it must be the id of a scene")
	}
	return id, err
}

// view collects the report about one scene.
type view struct {
	*desk.Desk
	report SceneReport

	scene     *stashapi.Scene         // nil: Stash did not answer, or has none
	desired   merge.Desired           // of scene
	links     []store.Link            // on the current server
	stored    map[string]store.Item   // the bases of the items, by rating key
	absent    map[string]bool         // items that have left Plex
	libraries map[string]string       // titles by section
	push      *push.Push              // nil: Plex did not answer
	current   map[string]plexapi.Item // the items in Plex now, by rating key
}

func (v *view) explain(ctx context.Context) (err error) {
	v.report.Explanation, err = v.Explain(ctx, v.report.SceneID)
	return err
}

// recall reads what is stored about the scene.
func (v *view) recall(ctx context.Context) error {
	attempts, err := v.Store.Attempts(ctx, v.report.SceneID)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		v.report.Attempts = append(v.report.Attempts, Attempt{a.ID, desk.When(a.At), a.Outcome, append([]string{}, a.Fields...), a.Took.Milliseconds(), desk.ReasonOf(a.Class, a.Reason, a.Error)})
	}
	server, _, err := v.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return err
	}
	v.report.Server = server
	choices, err := chosen.Choices{Queue: v.Store, Server: server}.OfScenes(ctx, []int{v.report.SceneID})
	if err != nil {
		return err
	}
	v.report.Chosen = text.Private(choices[v.report.SceneID].Path)
	if v.links, err = v.Store.Links(ctx, v.report.SceneID); err != nil {
		return err
	}
	if v.report.Plays, err = plays.OfScene(ctx, v.Desk, v.report.SceneID, playsShown); err != nil {
		return err
	}
	v.links = slices.DeleteFunc(v.links, func(l store.Link) bool { return l.Server != server })
	index, err := v.Index(ctx)
	if err != nil {
		return err
	}
	states, err := index.States(ctx, server)
	if err != nil {
		return err
	}
	v.libraries = make(map[string]string, len(states))
	for _, s := range states {
		v.libraries[s.Section] = s.Title
	}
	keys := make([]string, len(v.links))
	for i, l := range v.links {
		keys[i] = l.RatingKey
	}
	return v.remember(ctx, server, keys)
}

// remember reads the bases of items.
func (v *view) remember(ctx context.Context, server string, keys []string) (err error) {
	if v.stored, err = v.Store.Items(ctx, server, keys); err != nil {
		return err
	}
	v.absent = make(map[string]bool)
	return v.Store.View(ctx, func(tx *sqlitefile.Tx) error {
		gone, err := sqlitefile.Collect(ctx, tx, sqlitefile.Single[string],
			`SELECT rating_key FROM item WHERE server = ? AND rating_key IN (SELECT value FROM json_each(?)) AND absent_since IS NOT NULL`, server, sqlitefile.JSONList(keys))
		for _, key := range gone {
			v.absent[key] = true
		}
		return err
	})
}

// askStash reads the scene.
func (v *view) askStash(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, desk.AskLimit)
	defer cancel()
	result, err := v.Desk.Stash.Scenes(limited, []int{v.report.SceneID})
	err = cmp.Or(err, result.Failed[v.report.SceneID])
	if err != nil {
		v.report.Stash = desk.Failed(err)
		return ctx.Err()
	}
	v.report.Stash.Reachable, v.report.Missing = true, len(result.Missing) > 0
	if len(result.Found) > 0 {
		v.scene = &result.Found[0]
		v.report.Title = text.Private(text.OneLine(v.scene.Name(), text.ValueLimit))
		v.desired = merge.Desire(v.scene, v.Settings.Fields)
	}
	return nil
}

// askPlex computes what a push would do, and reads the items that the scene was pushed to.
func (v *view) askPlex(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, desk.InspectLimit)
	defer cancel()
	if !v.report.Stash.Reachable && v.SettingsErr == nil {
		v.report.Plex = v.report.Stash
		v.report.Plex.Why = "not asked, because Stash did not answer"
		return ctx.Err()
	}
	err := v.inspect(limited)
	v.report.Plex.Reachable = err == nil
	if err != nil {
		v.report.Plex = desk.Failed(err)
	}
	return ctx.Err()
}

func (v *view) inspect(ctx context.Context) (err error) {
	if v.SettingsErr != nil {
		return v.SettingsErr
	}
	p, err := v.Inspect(ctx, v.report.SceneID)
	if err != nil {
		return err
	}
	if failure := p.Failure(); failure != nil {
		v.report.WhyNot = desk.ReasonOf(string(retry.Judge(failure).Class), retry.ReasonOf(failure).JSON(), failure.Error())
	}
	for _, t := range p.Targets {
		v.current[t.Hit.RatingKey] = t.Current
	}
	var unread []string
	for _, l := range v.links {
		if _, read := v.current[l.RatingKey]; !read {
			unread = append(unread, l.RatingKey)
		}
	}
	if len(unread) > 0 {
		plex, err := v.Desk.Plex(ctx)
		if err != nil {
			return err
		}
		items, err := plex.Items(ctx, unread)
		if err != nil {
			return err
		}
		for _, it := range items {
			v.current[it.RatingKey] = it
		}
	}
	v.push = p
	return nil
}
