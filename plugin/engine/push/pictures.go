package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// cover is a scene's cover, read from Stash at most once per job.
type cover struct {
	data        []byte
	contentType string
	hash        string // names the upload in Plex
	err         error
	read        bool
}

// picture is one kind of picture of a target.
type picture struct {
	*Target
	kind    plexapi.ImageKind
	hash    string // of the cover that was sent
	format  string // of the cover that was sent
	locked  bool   // by an edit, which may change the picture's address
	notKept bool   // Plex accepted the cover but does not have it
}

// lock returns Plex's name of the picture and of its lock.
func (p *picture) lock() string { return p.kind.Lock() }

// imageKinds returns the kinds of pictures that are pushed.
func imageKinds(chosen merge.Fields) []plexapi.ImageKind {
	kinds := []plexapi.ImageKind{plexapi.Poster, plexapi.Background}
	return slices.DeleteFunc(kinds, func(kind plexapi.ImageKind) bool { return !chosen.Has(merge.SettingName(kind.Lock())) })
}

// cover reads the scene's cover.
func (pl *Pipeline) cover(ctx context.Context, p *Push) *cover {
	c := &p.cover
	if c.read {
		return c
	}
	c.read = true
	c.data, c.contentType, c.err = pl.Stash.Image(ctx, p.Scene.Cover)
	if c.err == nil {
		c.hash = plexapi.ImageHash(c.data)
	}
	return c
}

// notSent reports whether Stash has a cover that cannot be sent.
func notSent(err error) bool {
	return errors.Is(err, stashapi.ErrUnusable) || errors.Is(err, stashapi.ErrImageTooLarge)
}

// hasCover reports whether a scene without other data has a cover.
func (pl *Pipeline) hasCover(ctx context.Context, p *Push) (bool, error) {
	if len(imageKinds(pl.Config.Fields)) == 0 {
		return false, nil
	}
	c := pl.cover(ctx, p)
	defer func() { p.cover = cover{} }() // it may be large, and a batch has fifty
	switch {
	case errors.Is(c.err, stashapi.ErrNoPicture), notSent(c.err):
		return false, nil
	default:
		return true, c.err
	}
}

// sendPictures makes the cover of each scene a picture of its items. Everything else is in Plex by then, so after a
// failure only the picture is retried.
func (pl *Pipeline) sendPictures(ctx context.Context, pushes []*Push) ([]*Push, error) {
	for _, p := range pushes {
		p.Stage = Verified
	}
	var sent []*picture
	if err := pl.inTurn(pushes, func(p *Push, _ int) error {
		if pl.advanced = len(sent) > 0; pl.yields(ctx, p) {
			return nil
		}
		return pl.Gate.Do(ctx, gate.Of(p), func(ctx context.Context) error {
			some, err := pl.sendPicturesOf(ctx, p)
			sent = append(sent, some...)
			if err != nil || len(some) == 0 {
				return err
			}
			return pl.Gate.Wrote(ctx, nil)
		})
	}); err != nil {
		return nil, err
	}
	return going(pushes), pl.confirmPictures(ctx, sent)
}

// planPictures computes what sendPictures would send. If the run must yield, it releases the remaining pushes.
func (pl *Pipeline) planPictures(ctx context.Context, pushes []*Push) ([]*Push, error) {
	for i, p := range pushes {
		if pl.advanced = i > 0; pl.yields(ctx, pushes[i:]...) {
			break
		}
		if err := pl.Gate.Do(ctx, gate.Of(p), func(ctx context.Context) error {
			_, err := pl.sendPicturesOf(ctx, p)
			return err
		}); err != nil {
			return nil, err
		}
	}
	return going(pushes), nil
}

// sendPicturesOf updates the pictures of a scene's items and returns those that were sent.
func (pl *Pipeline) sendPicturesOf(ctx context.Context, p *Push) (sent []*picture, err error) {
	defer func() { p.cover = cover{} }() // it may be large, and a batch has fifty
	for _, t := range p.Targets {
		for _, kind := range imageKinds(pl.Config.Fields) {
			one := &picture{Target: t, kind: kind}
			done, err := pl.updatePicture(ctx, one)
			if err = pl.leaveOutPicture(one, err); err != nil {
				return sent, err
			}
			if done {
				sent = append(sent, one)
			}
		}
	}
	return sent, nil
}

// updatePicture updates one picture of an item and reports whether it was sent. It reads the cover only if the scene
// has changed since the last read, and sends it only if its bytes have changed since the last upload: Plex keeps every
// upload forever.
func (pl *Pipeline) updatePicture(ctx context.Context, p *picture) (sent bool, err error) {
	lock, scene := p.lock(), p.push.Scene
	known := p.Base.Images[lock]
	if scene.Cover == "" || known.Version != "" && known.Version == scene.UpdatedAt {
		return false, nil
	}
	c := pl.cover(ctx, p.push)
	if refused := merge.First(p.Base.Rejected[lock]); c.err == nil && refused != "" && refused != c.hash { // if it returns later, it may be retried
		p.Base.Rejected = merge.Cloned(p.Base.Rejected)
		delete(p.Base.Rejected, lock)
	}
	news := c.err == nil && (c.hash != known.SHA1 || known.Sending != "") && c.hash != merge.First(p.Base.Rejected[lock])
	kept := false
	if news {
		if kept, err = pl.keepsPicture(ctx, p, known); err != nil {
			return false, err
		}
	}
	switch {
	case errors.Is(c.err, stashapi.ErrNoPicture): // Stash has not made one yet, or cannot
	case notSent(c.err):
		logOf(pl.Log.Info(), p.push).Str("field", merge.SettingName(lock)).Err(c.err).Msg("the cover is not sent")
	case c.err != nil:
		return false, c.err
	case !news:
	case kept:
		p.Plan.Kept = append(p.Plan.Kept, lock)
		logOf(pl.Log.Debug(), p.push).Str("field", merge.SettingName(lock)).Msg("kept the picture that a person chose in Plex")
	default:
		p.hash, p.format = c.hash, c.contentType
		return pl.sendPicture(ctx, p, c)
	}
	known.Version = stableVersion(scene.UpdatedAt)
	p.remember(known)
	return false, nil
}

// stableVersion returns a scene's version if any further change would change it, else "": Stash's times have a
// resolution of one second.
func stableVersion(updatedAt string) string {
	at, err := time.Parse(time.RFC3339, updatedAt)
	if err != nil || time.Since(at) < stashapi.ClockSlack {
		return ""
	}
	return updatedAt
}

func (p *picture) remember(image store.Image) {
	if image != p.Base.Images[p.lock()] {
		p.Base.Images = merge.With(p.Base.Images, p.lock(), image)
	}
}

// keepsPicture reports whether a person chose the picture in Plex and the user wants to keep such pictures: it was
// locked before our first upload, or differs from what Plex showed after our last upload.
func (pl *Pipeline) keepsPicture(ctx context.Context, p *picture, known store.Image) (bool, error) {
	lock := p.lock()
	if !pl.Config.KeepPlexEdits {
		return false, nil
	}
	before, ok := p.Base.Original[lock]
	switch {
	case !ok || known.SHA1 == "" && known.Sending == "":
		return p.Current.Locked[lock], nil
	case before.Locked:
		return true, nil
	case known.Sending == "" && known.Selected != "" && known.Selected == p.shown(&p.Current):
		return false, nil
	}
	list, err := pl.Plex.Pictures(ctx, p.kind, p.key()) // the address may be unknown, or have changed for another reason
	for _, one := range list {
		if one.Selected {
			return !one.IsUpload(known.SHA1) && !one.IsUpload(known.Sending) && one.Key != merge.First(before.Value), err
		}
	}
	return false, err
}

// shown returns the address of the picture that an item shows. It changes with the picture.
func (p *picture) shown(it *plexapi.Item) string { return merge.First(merge.Current(it, p.lock())) }

// sendPicture uploads a cover, unless Plex has it, and locks it. Before our first upload it stores what was selected.
func (pl *Pipeline) sendPicture(ctx context.Context, p *picture, c *cover) (sent bool, err error) {
	lock, key := p.lock(), p.key()
	ours, selected := "", ""
	_, known := p.Base.Original[lock]
	if !known || pl.ReadOnly {
		if ours, selected, err = pl.offered(ctx, p); err != nil {
			return false, err
		}
	}
	planned := p.Plan.Changes
	if ours == "" || ours != selected {
		p.Plan.Changes = append(p.Plan.Changes, merge.Change{Field: merge.SettingName(lock), Action: "set", From: selected, To: "upload://" + c.hash})
	}
	if pl.ReadOnly {
		return false, nil
	}
	before := p.Base.Original[lock]
	if !known {
		before = store.Held{Value: merge.Scalar(selected), Locked: p.Current.Locked[lock]}
	}
	if err := pl.storeAhead(ctx, p, before); err != nil {
		return false, err
	}
	switch {
	case ours == "":
		err = pl.timed(ctx, func() error { return pl.Plex.Upload(ctx, p.kind, key, c.data, c.contentType) })
	case ours != selected:
		err = pl.timed(ctx, func() error { return pl.Plex.Select(ctx, p.kind, key, ours) })
	}
	if err == nil && !p.Current.Locked[lock] {
		p.locked = true
		err = pl.lockPicture(ctx, p)
	}
	if err != nil {
		p.Plan.Changes = planned
	}
	return err == nil, err
}

// lockPicture keeps Plex from choosing another picture by itself.
func (pl *Pipeline) lockPicture(ctx context.Context, p *picture) error {
	return pl.timed(ctx, func() error {
		return pl.Plex.Edit(ctx, p.Hit.Section, p.Current.ItemType(), p.key(), plexapi.Edit{Lock: []string{p.lock()}})
	})
}

// offered reads the pictures that Plex offers and returns our upload of the cover, if any, and the selected one.
func (pl *Pipeline) offered(ctx context.Context, p *picture) (ours, selected string, err error) {
	list, err := pl.Plex.Pictures(ctx, p.kind, p.key())
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

// storeAhead stores the original picture and the hash of the upload before the upload is sent.
func (pl *Pipeline) storeAhead(ctx context.Context, p *picture, before store.Held) error {
	p.Base = merge.CopyItem(p.Base)
	p.Base.Original[p.lock()] = before
	image := p.Base.Images[p.lock()]
	image.Sending = p.hash
	p.remember(image)
	if err := pl.Store.PutItems(ctx, []store.Item{p.Base}); err != nil {
		return err
	}
	p.stored = merge.CopyItem(p.Base)
	return nil
}

// leaveOutPicture records a picture that Plex refuses. 500 and 413 count as a refusal only the second time, and so does
// an AVIF, JPEG XL or BMP that Plex accepts but does not keep. It returns any other failure.
func (pl *Pipeline) leaveOutPicture(p *picture, err error) error {
	twice := retry.Answered500(err) || retry.TooLarge(err) || p.notKept && p.mayBeUnknown()
	if p.hash == "" || !twice && !retry.Refused(err) {
		return err
	}
	known := p.Base.Images[p.lock()]
	if twice && known.Failed != p.hash && p.Attempts() < pl.Config.MaxRetries {
		known.Failed = p.hash
		p.remember(known)
		return retry.Again(reason.PictureRefused(merge.SettingName(p.lock())), fmt.Sprintf("%v: retrying the cover once", err), err)
	}
	p.Base.Rejected = merge.With(p.Base.Rejected, p.lock(), store.Value{p.hash})
	logOf(pl.Log.Warn(), p.push).Str("item", p.key()).Str("field", merge.SettingName(p.lock())).Str("format", p.format).Err(err).
		Msg(plexapi.SenderOf(err) + " refuses this cover; it is left out until it changes in Stash")
	return nil
}

// notChanged is the reason of a picture that Plex accepted but does not show.
func notChanged(p *picture) reason.Reason { return reason.NotChanged(merge.SettingName(p.lock())) }

// mayBeUnknown reports whether some versions of Plex may not support the format of the cover.
func (p *picture) mayBeUnknown() bool {
	return slices.Contains([]string{"image/avif", "image/jxl", "image/bmp"}, p.format)
}
