package push

import (
	"context"
	"slices"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/gate"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/match"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/reason"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
	"github.com/stash-plex-sync/stash-plex-sync/store/pathform"
)

// find finds the Plex items of the scenes and reads them. It updates the index and matches again the scenes without an
// item. An item that no longer holds the file is dropped from the index, and its scene is matched again.
func (pl *Pipeline) find(ctx context.Context, pushes []*Push) ([]*Push, error) {
	if err := pl.matchAll(ctx, pushes); err != nil {
		return nil, err
	}
	lost := slices.DeleteFunc(going(pushes), func(p *Push) bool { return p.Match.Found == match.Matched })
	if len(lost) > 0 && !pl.Server.Fresh {
		if err := pl.matchAgain(ctx, pushes, lost); err != nil {
			return nil, err
		}
	}
	if err := pl.skipBare(ctx, going(pushes)); err != nil {
		return nil, err
	}
	if err := pl.readTargets(ctx, pushes); err != nil {
		return nil, err
	}
	for _, p := range going(pushes) {
		switch {
		case len(p.Targets) > 0:
			p.Stage = Matched
		case pl.KnownOnly: // left to a run that may list Plex's libraries
			p.Fail(retry.Released(retry.ClassUnready, pl.notMatched(p)))
		default:
			p.Fail(pl.notMatched(p))
		}
	}
	return going(pushes), pl.scanMissing(ctx, pushes)
}

// matchAgain updates the index and matches lost scenes again. It includes all pushes of the batch that lack an item for
// a file, because new files in the index wake only jobs that are stored as waiting.
func (pl *Pipeline) matchAgain(ctx context.Context, pushes, lost []*Push) error {
	if err := pl.Gate.Do(ctx, gate.Together(lost), pl.Refresh); err != nil || lost[0].Failure() != nil {
		return err
	}
	for _, p := range going(pushes) {
		if p.Match.Found == match.Matched && !slices.Contains(lost, p) && len(unmatched(p)) > 0 {
			lost = append(lost, p)
		}
	}
	return pl.matchAll(ctx, lost)
}

// readTargets reads the items that were found and keeps those that still hold the file. It drops the others from the
// index and matches their scenes again. The second time it drops nothing: an item that Plex still lists would come
// back as new and wake its jobs repeatedly.
func (pl *Pipeline) readTargets(ctx context.Context, pushes []*Push) error {
	for _, last := range []bool{false, true} {
		stale, err := pl.readHits(ctx, going(pushes), last)
		if err != nil {
			return err
		}
		if len(stale) == 0 {
			return nil
		}
		if err := pl.matchAgain(ctx, pushes, stale); err != nil {
			return err
		}
	}
	return nil
}

// readHits reads the items of the pushes that have no targets yet, and returns those whose items have changed.
func (pl *Pipeline) readHits(ctx context.Context, pushes []*Push, last bool) (stale []*Push, err error) {
	pushes = slices.DeleteFunc(pushes, func(p *Push) bool { return len(p.Targets) > 0 || len(p.Match.Hits) == 0 })
	if len(pushes) == 0 {
		return nil, nil
	}
	r := newReading()
	for _, p := range pushes {
		for _, h := range p.Match.Hits {
			r.add(h.RatingKey, p)
		}
	}
	if err := pl.read(ctx, r); err != nil {
		return nil, err
	}
	for _, p := range going(pushes) {
		gone, err := pl.addTargets(ctx, p, r.held, last)
		switch {
		case err != nil:
			return nil, err
		case gone == "":
			continue
		}
		p.Targets = nil
		if last {
			p.Fail(retry.NotFound(reason.ItemChanged(gone), "the Plex item for "+text.Private(p.Scene.Files[0].Path)+" changed while it was read; Plex may be scanning, and a later run looks for it again"))
			continue
		}
		stale = append(stale, p)
	}
	if len(stale) > 0 && !pl.KnownOnly {
		pl.Server.Fresh = false // the index was out of date
	}
	return stale, pl.learn(ctx, going(pushes))
}

// addTargets makes the hits of a push its targets, and returns the key of one that no longer holds its file; "" if none.
func (pl *Pipeline) addTargets(ctx context.Context, p *Push, held map[string]plexapi.Item, last bool) (gone string, err error) {
	for _, h := range p.Match.Hits {
		it, ok := held[h.RatingKey]
		if ok && !it.Deleted && match.Holds(&it, h.Path) && plexapi.ValidKey(sectionOf(&it, h.Section)) {
			h.Section = sectionOf(&it, h.Section)
			p.Targets = append(p.Targets, &Target{push: p, Hit: h, Current: it})
			pl.logLacking(p, &it)
			continue
		}
		gone = h.RatingKey
		if pl.ReadOnly || last {
			continue
		}
		pl.once.dropped = merge.With(pl.once.dropped, droppedFile{h.RatingKey, h.Path}, true)
		if err := pl.Index.Drop(ctx, pl.Server.ID, h.RatingKey); err != nil {
			return "", err
		}
	}
	return gone, nil
}

// sectionOf returns the library of an item; known is the one in the index.
func sectionOf(it *plexapi.Item, known string) string {
	if it.SectionID != "" {
		return it.SectionID
	}
	return known
}

// unmatched returns the files of a matched scene that no item holds yet.
func unmatched(p *Push) []store.AwaitedFile {
	var list []store.AwaitedFile
	for _, f := range p.Match.Wanted(p.Scene.Files) {
		held := slices.ContainsFunc(p.Match.Hits, func(h match.Hit) bool { return h.File == f.Path }) ||
			slices.ContainsFunc(p.Targets, func(t *Target) bool {
				return slices.ContainsFunc(t.Current.Parts, func(p plexapi.Part) bool { return !p.Deleted && isFile(f, p) })
			})
		if !held {
			list = append(list, store.AwaitedFile{Path: f.Path, Size: f.Size})
		}
	}
	return list
}

// contested returns the files of a scene in items of other scenes. Such an item may be split, and its scene may go.
func contested(p *Push) (list []store.AwaitedFile) {
	taken := slices.Clone(p.Match.Taken)
	for _, t := range p.contested {
		taken = append(taken, match.Taken{Hit: t.Hit, Scene: t.rivalScene})
	}
	for _, t := range taken {
		for _, f := range p.Match.Wanted(p.Scene.Files) {
			if f.Path == t.File {
				list = append(list, store.AwaitedFile{Path: f.Path, Size: f.Size, Rival: t.Scene})
			}
		}
	}
	return list
}

// isFile reports whether a part is a wanted file: by its path, or by name and size.
func isFile(f stashapi.File, p plexapi.Part) bool {
	return pathform.Fold(f.Path) == pathform.Fold(p.File) || f.Size == p.Size && pathform.FoldBase(f.Path) == pathform.FoldBase(p.File)
}

// logLacking logs, once per run, the values of a scene for which an episode has no field.
func (pl *Pipeline) logLacking(p *Push, it *plexapi.Item) {
	var names []string
	for _, f := range merge.FieldTable() {
		if merge.Lacks(it.ItemType(), f.Plex) && len(p.Desired.Values[f.Plex]) > 0 {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 || pl.once.lacking {
		return
	}
	pl.once.lacking = true
	logOf(pl.Log.Debug(), p).Strs("fields", names).Msg("not pushed: episodes do not have these fields, their show does")
}
