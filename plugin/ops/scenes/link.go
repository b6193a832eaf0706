package scenes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/chosen"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
	"github.com/stash-plex-sync/stash-plex-sync/store/plexindex"
	"github.com/stash-plex-sync/stash-plex-sync/store/sqlitefile"
)

// LinkReport is which item is chosen for a scene now, and what that displaces.
type LinkReport struct {
	SceneID int       `json:"scene_id"`
	Title   string    `json:"title"`
	Linked  *PlexFile `json:"linked"` // null if the scene is matched by the rules again
	Before  *PlexFile `json:"before"` // the choice that ended; null if there was none
	Owner   int       `json:"owner"`  // the scene that the item shows until the next run, if that is another one; else 0
	Left    []string  `json:"left"`   // rating keys of the items that showed the scene: they keep it until another scene gets them, or a restore

	RunFollows bool         `json:"run_follows"`       // a run waits in Stash's queue
	Stopped    string       `json:"stopped,omitempty"` // why nothing is pushed for now; the choice is stored
	Reason     *desk.Reason `json:"reason,omitempty"`  // of Stopped
}

// PlexFile is a file of a Plex item.
type PlexFile struct {
	RatingKey string `json:"rating_key"`
	Path      string `json:"path"`
	Library   string `json:"library"` // "" if Plex no longer has the file
	Size      int64  `json:"size"`
}

// pathAtMost is how long a path in an argument may be, in bytes.
const pathAtMost = 4096

// pathOf returns a path as it was given; "" if it is absent.
func pathOf(args desk.Args, name string) (string, error) {
	if !args.Given(name) {
		return "", nil
	}
	p, ok := args[name].(string)
	if !ok || len(p) > pathAtMost {
		return "", fmt.Errorf("args.%s is %s; it must be the path of a file in Plex", name, desk.Shown(args[name]))
	}
	return p, nil
}

// library is what the index holds of the current server.
type library struct {
	server   string
	index    *plexindex.Index
	sections []plexapi.Section // the chosen ones
	choices  chosen.Choices
}

// openLibrary opens the index of the current server.
func openLibrary(ctx context.Context, d *desk.Desk) (*library, error) {
	if d.SettingsErr != nil {
		return nil, d.SettingsErr
	}
	server, _, err := d.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return nil, err
	}
	if server == "" {
		return nil, errors.New("no Plex server is known yet: run \"Check connection\"")
	}
	index, err := d.Index(ctx)
	if err != nil {
		return nil, err
	}
	read, err := index.States(ctx, server)
	if err != nil {
		return nil, err
	}
	sections := make([]plexapi.Section, len(read))
	for i, s := range read { // the index holds no others
		sections[i] = plexapi.Section{ID: s.Section, Title: s.Title, Type: "movie"}
	}
	sections, _ = match.ChooseSections(sections, d.Settings.Libraries)
	return &library{server, index, sections, chosen.Choices{Queue: d.Store, Server: server}}, nil
}

// shown returns a file as an answer shows it.
func (l *library) shown(f plexindex.File) PlexFile {
	p := PlexFile{RatingKey: f.RatingKey, Path: text.Private(f.Path), Size: f.Size}
	for _, s := range l.sections {
		if s.ID == f.Section {
			p.Library = s.Title
		}
	}
	return p
}

// find returns the file that a person means, and the paths of all files of its item.
func (l *library) find(ctx context.Context, key, path string) (file plexindex.File, paths []string, err error) {
	const notRead = ", or the index does not know it yet: run \"Process queue\", then try again"
	if key == "" {
		files, err := l.index.ByPath(ctx, l.server, path, false)
		if files = match.InSections(files, l.sections); err != nil || len(files) == 0 {
			return file, nil, orElse(err, "no chosen library has the file "+text.Private(desk.Clip(path))+notRead)
		}
		key = files[0].RatingKey
	}
	files, err := l.index.OfItems(ctx, l.server, []string{key})
	if files = match.InSections(files, l.sections); err != nil || len(files) == 0 {
		return file, nil, orElse(err, fmt.Sprintf("no chosen library has an item %s%s", desk.Clip(key), notRead))
	}
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	if path == "" {
		return files[0], paths, nil
	}
	i := slices.IndexFunc(files, func(f plexindex.File) bool { return pathform.Normal(f.Path) == pathform.Normal(path) })
	if i < 0 {
		return file, nil, fmt.Errorf("item %s in Plex does not have the file %s; it has %s", key, text.Private(desk.Clip(path)), text.Private(desk.Clip(strings.Join(paths, ", "))))
	}
	return files[i], paths, nil
}

func orElse(err error, message string) error {
	if err == nil {
		err = errors.New(message)
	}
	return err
}

// sceneOf reads a scene from Stash.
func sceneOf(ctx context.Context, d *desk.Desk, id int) (*stashapi.Scene, error) {
	ctx, cancel := context.WithTimeout(ctx, desk.AskLimit)
	defer cancel()
	result, err := d.Stash.Scenes(ctx, []int{id})
	switch {
	case err != nil:
		return nil, err
	case result.Failed[id] != nil:
		return nil, result.Failed[id]
	case len(result.Found) == 0:
		return nil, fmt.Errorf("scene %d is not in Stash", id)
	}
	return &result.Found[0], nil
}

// linkArgs reads the arguments of link.
func linkArgs(args desk.Args) (scene int, key, path string, err error) {
	if scene, err = neededScene(args); err != nil {
		return 0, "", "", err
	}
	if key, err = args.Text("rating_key"); err != nil {
		return 0, "", "", err
	}
	if path, err = pathOf(args, "path"); err == nil && key == "" && path == "" {
		err = errors.New("args.rating_key and args.path are missing; one of them must name the item")
	}
	return scene, key, path, err
}

// link makes a Plex item that of a scene, whatever the rules say.
func link(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, key, path, err := linkArgs(args)
	if err != nil {
		return nil, err
	}
	l, err := openLibrary(ctx, d)
	if err != nil {
		return nil, err
	}
	scene, err := sceneOf(ctx, d, id)
	if err != nil {
		return nil, err
	}
	file, paths, err := l.find(ctx, key, path)
	if err != nil {
		return nil, err
	}
	linked := l.shown(file)
	r := LinkReport{SceneID: id, Title: text.Private(text.OneLine(scene.Name(), text.ValueLimit)), Linked: &linked}
	if r.Left, err = left(ctx, d, l.server, id, file); err != nil {
		return nil, err
	}
	owners, err := d.Store.Owners(ctx, l.server, []string{file.RatingKey})
	if err != nil {
		return nil, err
	}
	var others []int
	if owner := owners[file.RatingKey]; owner != id && owner != 0 {
		r.Owner, others = owner, []int{owner}
	}
	own := store.Request{SceneID: id, Reason: "a person chose its item", Priority: store.ByPerson}
	choice := chosen.Choice{Server: l.server, SceneID: id, Path: file.Path, Size: file.Size, RatingKey: file.RatingKey, At: d.Now()}
	before, err := choose(ctx, d, own, others, func(tx *sqlitefile.Tx) (chosen.Change, error) { return chosen.Choose(ctx, tx, choice, paths) })
	if taken, ok := errors.AsType[*chosen.TakenError](err); ok {
		return nil, takenBy(ctx, d, taken.Scene)
	}
	if err != nil {
		return nil, err
	}
	if r.Before, err = l.before(ctx, before); err != nil {
		return nil, err
	}
	r.follow(ctx, d)
	return r, nil
}

// left returns the items that show a scene and do not hold its new file.
func left(ctx context.Context, d *desk.Desk, server string, scene int, file plexindex.File) ([]string, error) {
	links, err := d.Store.Links(ctx, scene)
	keys := []string{}
	for _, k := range links {
		if k.Server == server && k.RatingKey != file.RatingKey && pathform.Normal(k.Path) != pathform.Normal(file.Path) {
			keys = append(keys, k.RatingKey)
		}
	}
	return keys, err
}

// takenBy returns the error for an item that was chosen for another scene.
func takenBy(ctx context.Context, d *desk.Desk, scene int) error {
	title := d.Titles(ctx, []int{scene})[scene]
	if title != "" {
		title = " (" + title + ")"
	}
	return fmt.Errorf("scene %d%s has chosen this item already; forget that first", scene, title)
}

// choose changes a choice and queues the scenes that it concerns: the scene itself, those that wait for an item of it,
// and others.
func choose(ctx context.Context, d *desk.Desk, own store.Request, others []int, change func(tx *sqlitefile.Tx) (chosen.Change, error)) (before *chosen.Choice, err error) {
	err = d.Store.EnqueueWith(ctx, d.Now(), func(tx *sqlitefile.Tx) ([]store.Request, error) {
		c, err := change(tx)
		before = c.Before
		requests := []store.Request{own}
		for _, id := range append(c.Waiting, others...) {
			requests = append(requests, store.Request{SceneID: id, Reason: fmt.Sprintf("the item of scene %d was changed", own.SceneID), Priority: store.InBulk, Quiet: true})
		}
		return requests, err
	})
	return before, err
}

// before returns the file of a choice that ended.
func (l *library) before(ctx context.Context, c *chosen.Choice) (*PlexFile, error) {
	if c == nil {
		return nil, nil
	}
	files, err := l.index.ByPath(ctx, l.server, c.Path, false)
	if files = match.InSections(files, l.sections); err != nil || len(files) == 0 {
		return &PlexFile{RatingKey: c.RatingKey, Path: text.Private(c.Path), Size: c.Size}, err
	}
	f := l.shown(files[0])
	return &f, nil
}

// follow makes sure that a run takes what was queued, unless pushing is paused. The change is stored in every case.
func (r *LinkReport) follow(ctx context.Context, d *desk.Desk) {
	if p := d.Paused(d.Now()); p != nil {
		r.Stopped, r.Reason = "the change is stored, and takes effect after you resume: pushing is "+p.Text, p
		return
	}
	if _, err := d.Ask(ctx); err != nil {
		d.Log.Warn().Err(err).Msg("Stash did not accept a run; the change is stored, and the next run takes it")
		return
	}
	r.RunFollows = true
}

// forget ends the choice for a scene, which is matched by the rules again.
func forget(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, err := neededScene(args)
	if err != nil {
		return nil, err
	}
	l, err := openLibrary(ctx, d)
	if err != nil {
		return nil, err
	}
	own := store.Request{SceneID: id, Reason: "a person forgot its chosen item", Priority: store.ByPerson, Quiet: true} // a restored scene stays so
	before, err := choose(ctx, d, own, nil, func(tx *sqlitefile.Tx) (chosen.Change, error) {
		c, err := chosen.Forget(ctx, tx, l.server, id)
		if err == nil && c.Before == nil {
			err = fmt.Errorf("no item was chosen for scene %d: there is nothing to forget", id)
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	r := LinkReport{SceneID: id, Title: d.Titles(ctx, []int{id})[id], Left: []string{}}
	if r.Before, err = l.before(ctx, before); err != nil {
		return nil, err
	}
	r.follow(ctx, d)
	return r, nil
}
