package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// cover is a scene's cover as Stash holds it, read at most once for a job.
type cover struct {
	data        []byte
	contentType string
	hash        string // by which Plex names its upload
	err         error
	read        bool
}

// picture is one picture of an item that is on its way.
type picture struct {
	work *work
	t    *target
	kind plexapi.ImageKind
	hash string

	locked bool // by an edit, after which the picture's address may have moved for that reason alone
}

// imageKinds are the kinds of pictures that are pushed.
func imageKinds(chosen merge.Fields) []plexapi.ImageKind {
	var kinds []plexapi.ImageKind
	for _, kind := range []plexapi.ImageKind{plexapi.Poster, plexapi.Background} {
		if chosen[merge.SettingName(kind.Lock())] {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// cover reads the scene's cover.
func (d *drain) cover(ctx context.Context, w *work) *cover {
	c := &w.cover
	if c.read {
		return c
	}
	c.read = true
	c.data, c.contentType, c.err = d.Stash.Image(ctx, w.scene.Cover)
	if e, ok := errors.AsType[*stashapi.Error](c.err); ok && ctx.Err() == nil {
		if _, down := d.Stash.Version(ctx); down == nil { // it is this picture, not Stash
			c.err = retry.OfScene(e)
		}
	}
	if c.err == nil {
		c.hash = plexapi.ImageHash(c.data)
	}
	return c
}

// hasCover reports whether Stash holds a picture for a scene of which it knows nothing else.
func (d *drain) hasCover(ctx context.Context, w *work) (bool, error) {
	if len(imageKinds(d.Config.Fields)) == 0 {
		return false, nil
	}
	c := d.cover(ctx, w)
	defer func() { w.cover = cover{} }() // it may be large, and a batch has fifty
	switch {
	case errors.Is(c.err, stashapi.ErrNoPicture), errors.Is(c.err, stashapi.ErrImageTooLarge):
		return false, nil
	default:
		return true, c.err
	}
}

// pushImages makes the cover of each scene a picture of its items. All else is in Plex by then: a picture
// that fails takes nothing back, and its job is retried for it alone.
func (d *drain) pushImages(ctx context.Context, works []*work) error {
	for _, w := range works {
		w.pushed = true
	}
	kinds := imageKinds(d.Config.Fields)
	var sent []picture
	for i, w := range works {
		if len(sent) > 0 && d.leaveRoom(ctx, works[i:]) {
			break
		}
		var err error
		before := len(sent)
		if bug := d.guard(w, func() error {
			var some []picture
			some, err = d.imagesOf(ctx, w, kinds)
			sent = append(sent, some...)
			return nil
		}); bug != nil {
			return bug
		}
		w.cover = cover{} // it may be large
		switch {
		case err != nil:
			err = d.failed(ctx, w, err)
		case len(sent) > before:
			err = d.note(ctx, retry.Answered, "")
		}
		if err != nil {
			return err
		}
	}
	return d.readImages(ctx, sent)
}

// imagesOf brings the pictures of a scene's items up to date, and returns those that were sent.
func (d *drain) imagesOf(ctx context.Context, w *work, kinds []plexapi.ImageKind) (sent []picture, err error) {
	for _, t := range w.targets {
		for _, kind := range kinds {
			p := picture{work: w, t: t, kind: kind}
			done, err := d.image(ctx, &p)
			if err = d.leaveOutImage(&p, err); err != nil {
				return sent, err
			}
			if done {
				sent = append(sent, p)
			}
		}
	}
	return sent, nil
}

// image brings one picture of an item up to date, and reports whether it was sent. A cover is read only if the
// scene has changed since it was read last, and sent only if its bytes are not those that were sent last:
// Plex keeps every upload for ever.
func (d *drain) image(ctx context.Context, p *picture) (sent bool, err error) {
	lock, scene := p.kind.Lock(), p.work.scene
	known := p.t.memory.Images[lock]
	if scene.Cover == "" || known.Version != "" && known.Version == scene.UpdatedAt {
		return false, nil
	}
	c := d.cover(ctx, p.work)
	if refused := merge.First(p.t.memory.Rejected[lock]); c.err == nil && refused != "" && refused != c.hash { // should it come back, it may be tried again
		p.t.memory.Rejected = merge.Cloned(p.t.memory.Rejected)
		delete(p.t.memory.Rejected, lock)
	}
	news := c.err == nil && (c.hash != known.SHA1 || known.Sending != "") && c.hash != merge.First(p.t.memory.Rejected[lock])
	kept := false
	if news {
		if kept, err = d.keepsImage(ctx, p, known); err != nil {
			return false, err
		}
	}
	switch {
	case errors.Is(c.err, stashapi.ErrNoPicture): // Stash has not made one yet, or cannot
	case errors.Is(c.err, stashapi.ErrImageTooLarge):
		d.Log.Info().Int("scene", scene.ID).Str("field", merge.SettingName(lock)).Err(c.err).Msg("the cover is not sent")
	case c.err != nil:
		return false, c.err
	case !news:
	case kept:
		d.Log.Debug().Int("scene", scene.ID).Str("field", merge.SettingName(lock)).Msg("the picture in Plex is a person's and is kept")
	default:
		p.hash = c.hash
		return d.sendImage(ctx, p, c)
	}
	known.Version = settled(scene.UpdatedAt)
	p.remember(known)
	return false, nil
}

// settled is a scene's version if it cannot change any more without showing it: Stash's times have a
// resolution of one second.
func settled(updatedAt string) string {
	at, err := time.Parse(time.RFC3339, updatedAt)
	if err != nil || time.Since(at) < clockSlack {
		return ""
	}
	return updatedAt
}

func (p *picture) remember(image store.Image) {
	if image != p.t.memory.Images[p.kind.Lock()] {
		p.t.memory.Images = merge.With(p.t.memory.Images, p.kind.Lock(), image)
	}
}

// keepsImage reports whether the picture in Plex is a person's and the user wants such ones kept: it was locked
// before our first upload, or it is not the one that Plex showed after our last.
func (d *drain) keepsImage(ctx context.Context, p *picture, known store.Image) (bool, error) {
	lock := p.kind.Lock()
	if !d.Config.KeepPlexEdits {
		return false, nil
	}
	before, ok := p.t.memory.Before[lock]
	switch {
	case !ok || known.SHA1 == "" && known.Sending == "":
		return p.t.held.Locked[lock], nil
	case before.Locked:
		return true, nil
	case known.Sending == "" && known.Selected != "" && known.Selected == shownImage(&p.t.held, p.kind):
		return false, nil
	}
	list, err := d.Plex.Pictures(ctx, p.kind, p.t.hit.RatingKey) // the address may be unknown, or have moved for another reason
	for _, one := range list {
		if one.Selected {
			return !one.IsUpload(known.SHA1) && !one.IsUpload(known.Sending) && one.Key != merge.First(before.Value), err
		}
	}
	return false, err
}

// shownImage is the address of the picture that an item shows. It changes with the picture.
func shownImage(it *plexapi.Item, kind plexapi.ImageKind) string {
	if kind == plexapi.Poster {
		return it.Thumb
	}
	return it.Art
}

// sendImage uploads a cover, unless Plex has it, and locks it. What was selected before our first upload is
// stored ahead of it.
func (d *drain) sendImage(ctx context.Context, p *picture, c *cover) (sent bool, err error) {
	lock, key := p.kind.Lock(), p.t.hit.RatingKey
	ours, selected := "", ""
	_, known := p.t.memory.Before[lock]
	if !known || d.dry {
		if ours, selected, err = d.pictures(ctx, p); err != nil {
			return false, err
		}
	}
	if ours == "" || ours != selected {
		p.t.plan.Changes = append(p.t.plan.Changes, merge.Change{Field: merge.SettingName(lock), Action: "set", From: selected, To: "upload://" + c.hash})
	}
	if d.dry {
		return false, nil
	}
	before := p.t.memory.Before[lock]
	if !known {
		before = store.Held{Value: merge.Scalar(selected), Locked: p.t.held.Locked[lock]}
	}
	if err := d.storeAhead(ctx, p, before); err != nil {
		return false, err
	}
	switch {
	case ours == "":
		err = d.timed(ctx, func() error { return d.Plex.Upload(ctx, p.kind, key, c.data, c.contentType) })
	case ours != selected:
		err = d.timed(ctx, func() error { return d.Plex.Select(ctx, p.kind, key, ours) })
	}
	if err == nil && !p.t.held.Locked[lock] {
		p.locked = true
		err = d.lockImage(ctx, p)
	}
	return err == nil, err
}

// lockImage keeps Plex from choosing another picture by itself.
func (d *drain) lockImage(ctx context.Context, p *picture) error {
	return d.timed(ctx, func() error {
		return d.Plex.Edit(ctx, p.t.hit.Section, p.t.held.ItemType(), p.t.hit.RatingKey, plexapi.Edit{Lock: []string{p.kind.Lock()}})
	})
}

// pictures asks Plex for the pictures on offer: the upload of the cover, if it is among them, and the one that
// is selected.
func (d *drain) pictures(ctx context.Context, p *picture) (ours, selected string, err error) {
	list, err := d.Plex.Pictures(ctx, p.kind, p.t.hit.RatingKey)
	for _, one := range list {
		if one.IsUpload(p.hash) {
			ours = one.Key
		}
		if one.Selected {
			selected = one.Key
		}
	}
	return ours, selected, err
}

// storeAhead stores what a picture was before our first upload, and which upload is about to come.
func (d *drain) storeAhead(ctx context.Context, p *picture, before store.Held) error {
	t, lock := p.t, p.kind.Lock()
	t.memory = merge.CopyItem(t.memory)
	t.memory.Before[lock] = before
	image := t.memory.Images[lock]
	image.Sending = p.hash
	p.remember(image)
	if err := d.Store.PutItems(ctx, []store.Item{t.memory}); err != nil {
		return err
	}
	t.stored = merge.CopyItem(t.memory)
	return nil
}

// leaveOutImage notes a picture that Plex refuses: 500 and 413 are so only if they come twice. Any other
// failure is the job's.
func (d *drain) leaveOutImage(p *picture, err error) error {
	e, ok := errors.AsType[*plexapi.Error](err)
	if !ok || p.hash == "" {
		return err
	}
	twice := e.Status == http.StatusInternalServerError || e.Status == http.StatusRequestEntityTooLarge
	known := p.t.memory.Images[p.kind.Lock()]
	switch {
	case twice && known.Failed != p.hash && p.work.job.Attempts < d.Config.MaxRetries:
		known.Failed = p.hash
		p.remember(known)
		return retry.Again(fmt.Sprintf("%v: the cover is tried once more", e), e)
	case !twice && e.Class != plexapi.Rejected:
		return err
	}
	p.t.memory.Rejected = merge.With(p.t.memory.Rejected, p.kind.Lock(), store.Value{p.hash})
	d.Log.Warn().Int("scene", p.work.scene.ID).Str("item", p.t.hit.RatingKey).Str("field", merge.SettingName(p.kind.Lock())).Err(e).
		Msg("Plex refuses this cover; it is left out until it changes in Stash")
	return nil
}

// previewImages looks what pushImages would send.
func (d *drain) previewImages(ctx context.Context, works []*work) error {
	kinds := imageKinds(d.Config.Fields)
	for _, w := range works {
		_, err := d.imagesOf(ctx, w, kinds)
		w.cover = cover{}
		if v := retry.Judge(ctx, err); err != nil && (v.Stop || v.Class == retry.ClassServerDown) {
			return err
		}
		w.err = err
	}
	return nil
}
