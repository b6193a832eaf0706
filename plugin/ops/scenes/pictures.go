package scenes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/ops/desk"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/thumb"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// PicturesReport holds the pictures of one scene.
type PicturesReport struct {
	SceneID    int      `json:"scene_id"`
	RatingKey  string   `json:"rating_key"` // of the item whose pictures these are; "" if there is none
	Cover      Picture  `json:"cover"`      // in Stash
	Poster     Picture  `json:"poster"`     // in Plex now
	Background *Picture `json:"background"` // the same; null if backgrounds are not pushed
}

// Picture is a small picture.
type Picture struct {
	URL *string `json:"url"` // a data URL; null if there is no picture to show
	Why string  `json:"why"` // why there is none
}

func pictures(ctx context.Context, d *desk.Desk, args desk.Args) (any, error) {
	id, err := neededScene(args)
	if err != nil {
		return nil, err
	}
	key, err := args.Text("rating_key")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, desk.InspectLimit)
	defer cancel()
	r := PicturesReport{SceneID: id, Cover: cover(ctx, d, id)}
	item, err := itemOf(ctx, d, id, key)
	if errors.Is(err, errForeign) {
		return nil, fmt.Errorf("args.rating_key is %s; it must be an item that shows the scene", desk.Shown(key))
	}
	r.RatingKey, r.Poster = item.RatingKey, shownIn(ctx, d, item.Thumb, err)
	if d.Settings.Fields.Pushed(plexapi.Background.Lock()) {
		background := shownIn(ctx, d, item.Art, err)
		r.Background = &background
	}
	return r, nil
}

// cover returns the cover of a scene in Stash.
func cover(ctx context.Context, d *desk.Desk, id int) Picture {
	result, err := d.Stash.Scenes(ctx, []int{id})
	switch {
	case err != nil:
		return none(err)
	case len(result.Found) == 0:
		return Picture{Why: fmt.Sprintf("Stash has no scene %d, or cannot read it", id)}
	}
	data, _, err := d.Stash.Image(ctx, result.Found[0].Cover)
	return small(ctx, data, err)
}

// errForeign reports an item that does not show the scene.
var errForeign = errors.New("the item does not show the scene")

// itemOf returns the item of Plex that shows a scene: the one with this key or, if that is "", the one of the last push.
// A key of which no push is known must belong to an item that a push would write to, so that nothing else in Plex can be
// looked at.
func itemOf(ctx context.Context, d *desk.Desk, scene int, key string) (plexapi.Item, error) {
	if d.SettingsErr != nil {
		return plexapi.Item{}, d.SettingsErr
	}
	server, _, err := d.Store.Meta(ctx, store.KeyServer)
	if err != nil {
		return plexapi.Item{}, err
	}
	links, err := d.Store.Links(ctx, scene)
	if err != nil {
		return plexapi.Item{}, err
	}
	links = slices.DeleteFunc(links, func(l store.Link) bool { return l.Server != server || key != "" && l.RatingKey != key })
	if len(links) > 0 {
		return read(ctx, d, links[0].RatingKey)
	}
	p, err := d.Inspect(ctx, scene)
	if err != nil {
		return plexapi.Item{}, err
	}
	for _, t := range p.Targets {
		if key == "" || t.Hit.RatingKey == key {
			return t.Current, nil
		}
	}
	if key != "" {
		return plexapi.Item{}, errForeign
	}
	return plexapi.Item{}, errors.New("no item in Plex shows the scene")
}

// read reads one item of Plex.
func read(ctx context.Context, d *desk.Desk, key string) (plexapi.Item, error) {
	plex, err := d.Plex(ctx)
	if err != nil {
		return plexapi.Item{}, err
	}
	items, err := plex.Items(ctx, []string{key})
	if err == nil && len(items) == 0 {
		err = fmt.Errorf("item %s is no longer in Plex", key)
	}
	if err != nil {
		return plexapi.Item{}, err
	}
	return items[0], nil
}

// shownIn returns the picture at an address of an item that was read, unless that failed.
func shownIn(ctx context.Context, d *desk.Desk, address string, failure error) Picture {
	switch {
	case failure != nil:
		return none(failure)
	case address == "":
		return Picture{Why: "Plex shows none"}
	}
	plex, err := d.Plex(ctx)
	if err != nil {
		return none(err)
	}
	data, err := plex.Image(ctx, address)
	return small(ctx, data, err)
}

// small returns a small picture of one that was read, unless that failed.
func small(ctx context.Context, data []byte, failure error) Picture {
	if failure != nil {
		return none(failure)
	}
	url, err := thumb.DataURL(ctx, data)
	if err != nil {
		return none(err)
	}
	return Picture{URL: &url}
}

// none returns the Picture of a failure.
func none(err error) Picture { return Picture{Why: text.OneLine(desk.Failed(err).Why, text.Limit)} }
