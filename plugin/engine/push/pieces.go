package push

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/retry"
)

// pieces is a list of tags that is too long for one request. Whether Plex adds a list to the old one or replaces it is
// known only after a request that lacks a tag of the old one. Until then each request contains the tags of others: if the
// process dies, only ours can be missing, and the next run sends them again.
type pieces struct {
	pl      *Pipeline
	t       *Target
	edit    plexapi.Edit // of one list, with its locks
	kind    plexapi.TagKind
	limit   int   // of the request line, in bytes
	refusal error // of the complete list

	foreign []string // tags in Plex that are not ours
	ours    []string // other tags in Plex that stay
	rest    []string // tags to be added that were not sent yet
	done    int      // requests that Plex accepted
}

// editInPieces sends a list of tags that was refused as too long. If Plex replaces lists, it sends as many as fit.
func (pl *Pipeline) editInPieces(ctx context.Context, t *Target, e plexapi.Edit, kind plexapi.TagKind, refusal error) (done int, bad []badField, err error) {
	held := merge.Without(t.Current.Tags[kind], t.Plan.First.Remove[kind])
	p := &pieces{pl: pl, t: t, edit: e, kind: kind, limit: merge.LineLimit, refusal: refusal}
	if n := pl.lineLength(t, e); n <= p.limit {
		p.limit = n / 2
	}
	p.foreign = merge.Without(held, t.Plan.Base.Owned[string(kind)])
	p.ours = merge.Without(held, p.foreign)
	if p.rest = merge.Without(e.Tags[kind], held); len(p.rest) == 0 {
		return 0, []badField{{fields: e.Fields(), err: refusal}}, nil
	}
	logOf(pl.Log.Info(), t.push).Str("fields", merge.SettingName(string(kind))).Int("names", len(e.Tags[kind])).
		Msg("the list is sent in pieces: " + plexapi.SenderOf(refusal) + " rejects such long URLs")
	if err = p.sendAll(ctx, held); err != nil && refuses(err, t) {
		return p.done, []badField{{fields: e.Fields(), err: err, unsent: p.rest}}, nil
	}
	return p.done, nil, err
}

// sendAll sends the list. held is what Plex holds of it.
func (p *pieces) sendAll(ctx context.Context, held []string) error {
	sent, err := p.send(ctx, slices.Concat(held, p.rest[:1]), p.rest[1:])
	if sent == nil && err == nil { // what Plex holds fills a request already
		sent, err = p.send(ctx, slices.Concat(p.foreign, p.rest[:1]), p.ours)
	}
	if sent == nil && err == nil {
		err = p.refusal
	}
	for before := held; err == nil; {
		if witnesses := merge.Without(before, sent); len(witnesses) > 0 {
			return p.sendRest(ctx, sent, witnesses)
		}
		if len(p.rest) == 0 {
			return nil
		}
		before = sent
		sent, err = p.send(ctx, slices.Concat(p.foreign, p.rest[:1]), p.rest[1:])
		if sent == nil && err == nil {
			err = p.refusal
		}
	}
	return err
}

// sendRest sends what is left if Plex still holds witnesses: tags that it held before a request without them.
func (p *pieces) sendRest(ctx context.Context, sent, witnesses []string) error {
	items, err := p.pl.items(ctx, []string{p.t.key()})
	if err != nil || len(items) == 0 { // an item that is gone is found at the read-back
		return err
	}
	if err := unreadable(&items[0], string(p.kind)); err != nil {
		return err
	}
	held, fresh := items[0].Tags[p.kind], merge.Without(sent, slices.Concat(p.foreign, p.ours))
	switch {
	case len(merge.Without(witnesses, held)) < len(witnesses): // it adds
	case len(merge.Without(fresh, held)) < len(fresh):
		return p.replace(ctx, sent)
	default: // nothing has come: the read-back says so
		return nil
	}
	for len(p.rest) > 0 {
		sent, err := p.send(ctx, p.rest[:1], p.rest[1:])
		if sent == nil && err == nil {
			err = p.refusal
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replace sends what fits of the complete list, in its order, to a Plex that replaces lists. The others are left out.
func (p *pieces) replace(ctx context.Context, last []string) error {
	list := p.edit.Tags[p.kind]
	if p.fitting(slices.Concat(p.foreign, p.ours)) < len(p.foreign)+len(p.ours) {
		list = slices.Concat(p.foreign, merge.Without(list, p.foreign))
	}
	fit := list[:p.fitting(list)]
	if !slices.Equal(fit, last) {
		if _, err := p.send(ctx, fit, nil); err != nil {
			return err
		}
	}
	p.t.refused = append(p.t.refused, refusal{field: string(p.kind), forGood: true, unsent: merge.Without(list, fit)})
	logOf(p.pl.Log.Warn(), p.t.push).Str("item", p.t.key()).Str("fields", merge.SettingName(string(p.kind))).
		Msg(fmt.Sprintf("the list is too long for one request, and Plex replaces lists: %d of %d names were sent; the others are left out until the list changes in Stash", len(fit), len(list)))
	return nil
}

// send sends the names in must and as many of may as fit, and returns them; nil if must alone does not fit. It lowers
// the limit as long as the request is too long.
func (p *pieces) send(ctx context.Context, must, may []string) ([]string, error) {
	for {
		all := slices.Concat(must, may)
		n := p.fitting(all)
		if n < len(must) {
			return nil, nil
		}
		e := p.with(all[:n])
		err := p.pl.timed(ctx, func() error { return p.pl.Plex.Edit(ctx, p.t.Hit.Section, p.t.Current.ItemType(), p.t.key(), e) })
		switch {
		case err == nil:
			p.done++
			p.rest = merge.Without(p.rest, all[:n])
			return all[:n], nil
		case !retry.TooLong(err):
			return nil, err
		}
		p.limit = min(p.limit, p.pl.lineLength(p.t, e)) / 2
	}
}

// fitting returns how many of the first names fit into one request.
func (p *pieces) fitting(names []string) int {
	return sort.Search(len(names), func(i int) bool { return p.pl.lineLength(p.t, p.with(names[:i+1])) > p.limit })
}

func (p *pieces) with(names []string) plexapi.Edit {
	e := p.edit
	e.Tags = map[plexapi.TagKind][]string{p.kind: names}
	return e
}
