package merge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// walker takes one row of the table through its life on a stand-in for Plex.
type walker struct {
	row    *field
	plex   *plexapi.Client
	ctx    context.Context
	server *plextest.Server
	movies string // section
	shows  string // section
	in     string // section of hit
	hit    string // rating key
	memory store.Item
}

// full is a scene that has a value in every field; scenes with different names differ in all of them.
func full(name string, rating100 int) *stashapi.Scene {
	one := func(of string) stashapi.Named { return stashapi.Named{ID: 1, Name: name + "'s " + of} }
	studio := one("studio")
	return &stashapi.Scene{
		Title: name + "'s title", Details: name + "'s details", Date: fmt.Sprintf("20%02d-05-06", rating100), Director: name + "'s director",
		Rating100: &rating100, Studio: &studio, Performers: []stashapi.Named{one("performer")}, Tags: []stashapi.Named{one("tag")}, Groups: []stashapi.Named{one("group")},
	}
}

// walk writes a field, reads it back, clears it, and restores it with its lock, in movies and in episodes.
func walk(ctx context.Context, row *field) error {
	w := walker{row: row, ctx: ctx, server: plextest.New("token-123")}
	var err error
	if w.plex, err = plexapi.New(plexapi.Config{
		URL: "http://plex.invalid", Token: "token-123", ClientIdentifier: "id", ProductVersion: "1", Transport: w.server.Transport(),
	}); err != nil {
		return err
	}
	w.movies, w.shows = w.server.AddSection("Movies", "movie"), w.server.AddSection("Shows", "show")
	for _, w.in = range []string{w.movies, w.shows} {
		switch {
		case row.kind == pictureKind:
			err = w.picture()
		case w.in == w.shows && row.ofShow:
			err = w.refused()
		default:
			if err = w.value(nil); err == nil { // Plex held nothing, or the title that it made of the file's name
				err = w.value(full("Plex", 20))
			}
		}
		if err != nil {
			return fmt.Errorf("%s in section %s: %w", row.Name, w.in, err)
		}
	}
	return nil
}

// value takes a field through its life in a new item that holds what another scene has.
func (w *walker) value(before *stashapi.Scene) error {
	w.hit, w.memory = w.server.AddItem(w.in, "/data/x.mp4", 1), store.Item{}
	if before != nil {
		if _, err := w.push(before); err != nil {
			return err
		}
		if err := w.unlock(); err != nil {
			return err
		}
		w.memory = store.Item{}
	}
	first, err := w.held(false)
	if err != nil {
		return err
	}
	pushed, err := w.push(full("Stash", 80))
	if err != nil {
		return err
	}
	if len(pushed) == 0 {
		return fmt.Errorf("a scene with everything has nothing for it")
	}
	want := pushed
	if w.row.kind == tagsKind {
		want = append(slices.Clone(first), pushed...)
	}
	if err := w.holds(want, true); err != nil {
		return err
	}
	if _, err := w.push(&stashapi.Scene{}); err != nil {
		return err
	}
	if len(w.memory.Sent)+len(w.memory.Owned) > 0 {
		return fmt.Errorf("it is restored, and still ours: %+v", w.memory)
	}
	return w.holds(first, false)
}

// push merges a scene into the item, writes the difference, and returns what the scene has of the field.
func (w *walker) push(s *stashapi.Scene) (store.Value, error) {
	it, err := w.item()
	if err != nil {
		return nil, err
	}
	fields := Fields{Names: map[string]bool{w.row.Name: true}}
	if w.row.Name == "contentRating" {
		fields.ContentRating = s.Title // no other field is to be pushed with it
	}
	d := Desire(s, fields)
	p := Merge(MergeInput{Desired: d, Base: w.memory, Current: it})
	if p.Empty() {
		return nil, fmt.Errorf("the merge of %v writes nothing", d.Values)
	}
	for _, e := range []plexapi.Edit{p.First, p.Edit} {
		if e.Empty() {
			continue
		}
		if err := w.plex.Edit(w.ctx, w.in, it.ItemType(), w.hit, e); err != nil {
			return nil, err
		}
	}
	if p.Rate != nil {
		if err := w.plex.Rate(w.ctx, w.hit, p.Rate.To); err != nil {
			return nil, err
		}
	}
	if it, err = w.item(); err != nil {
		return nil, err
	}
	o := AfterReadBack(p, it)
	if len(o.Failed)+len(o.Forms) > 0 {
		return nil, fmt.Errorf("after the write %v did not move, and %v are in another form", o.Failed, o.Forms)
	}
	w.memory = o.Base
	return d.Values[w.row.Plex], nil
}

func (w *walker) item() (plexapi.Item, error) {
	items, err := w.plex.Items(w.ctx, []string{w.hit})
	if err != nil || len(items) != 1 {
		return plexapi.Item{}, errors.Join(err, fmt.Errorf("read %d items", len(items)))
	}
	return items[0], nil
}

// held returns what the row's reader finds in Plex; the lock is as given, unless the field has none.
func (w *walker) held(locked bool) (store.Value, error) {
	it, err := w.item()
	if err == nil && it.Locked[w.row.Plex] != locked && w.row.kind != ratingKind {
		err = fmt.Errorf("it is locked: %v, want %v", !locked, locked)
	}
	return w.row.of(&it), err
}

func (w *walker) holds(want store.Value, locked bool) error {
	held, err := w.held(locked)
	if err == nil && !slices.Equal(held, want) {
		err = fmt.Errorf("it is %q, want %q", held, want)
	}
	return err
}

func (w *walker) unlock() error {
	if w.row.kind == ratingKind {
		return nil
	}
	return w.lock(plexapi.Edit{Unlock: []string{w.row.Plex}})
}

func (w *walker) lock(e plexapi.Edit) error {
	it, err := w.item()
	if err != nil {
		return err
	}
	return w.plex.Edit(w.ctx, w.in, it.ItemType(), w.hit, e)
}

// refused looks that Plex does not take for an episode what belongs to its show, and that a merge leaves it alone.
func (w *walker) refused() error {
	w.hit = w.server.AddItem(w.in, "/data/x.mp4", 1)
	if _, err := w.push(full("Stash", 80)); err == nil {
		return fmt.Errorf("it is written to an episode")
	}
	if err := w.lock(plexapi.Edit{Lock: []string{w.row.Plex}}); err == nil {
		return fmt.Errorf("an episode takes it")
	}
	return nil
}

// picture uploads a picture, locks it, and selects the former one again.
func (w *walker) picture() error {
	kind := plexapi.Poster
	if kind.Lock() != w.row.Plex {
		kind = plexapi.Background
	}
	if kind.Lock() != w.row.Plex {
		return fmt.Errorf("no kind of picture is locked by %s", w.row.Plex)
	}
	w.hit = w.server.AddItem(w.in, "/data/x.mp4", 1)
	first, err := w.held(false)
	if err != nil {
		return err
	}
	offered, err := w.plex.Pictures(w.ctx, kind, w.hit)
	if err != nil || len(offered) != 1 {
		return errors.Join(err, fmt.Errorf("%d pictures", len(offered)))
	}
	if err := w.plex.Upload(w.ctx, kind, w.hit, []byte("\xff\xd8\xff\xe0picture"), "image/jpeg"); err != nil {
		return err
	}
	if err := w.lock(plexapi.Edit{Lock: []string{w.row.Plex}}); err != nil {
		return err
	}
	uploaded, err := w.held(true)
	if err != nil || len(first) == 0 || len(uploaded) == 0 || slices.Equal(first, uploaded) {
		return errors.Join(err, fmt.Errorf("it is %q, and was %q before the upload", uploaded, first))
	}
	if err := w.plex.Select(w.ctx, kind, w.hit, offered[0].Key); err != nil {
		return err
	}
	if err := w.unlock(); err != nil {
		return err
	}
	restored, err := w.held(false)
	if err == nil && slices.Equal(restored, uploaded) {
		err = fmt.Errorf("it is %q still", restored)
	}
	return err
}

func TestEveryFieldIsWrittenReadClearedLockedAndRestored(t *testing.T) {
	for i := range table {
		if err := walk(t.Context(), &table[i]); err != nil {
			t.Error(err)
		}
	}
}

// A field that lacks its reader would compile, and every scene would become a dead letter: written, and never seen
// to move.
func TestFieldWithoutAReaderIsNoticed(t *testing.T) {
	whole := table
	t.Cleanup(func() { table = whole })
	for i := range whole {
		for name, forget := range map[string]func(*field){
			"reader": func(f *field) { f.of = func(*plexapi.Item) store.Value { return nil } },
			"source": func(f *field) { f.from = func(*Desired, *stashapi.Scene) store.Value { return nil } },
		} {
			if name == "source" && whole[i].kind == pictureKind {
				continue // it has none
			}
			table = slices.Clone(whole)
			forget(&table[i])
			if err := walk(t.Context(), &table[i]); err == nil {
				t.Errorf("the check does not notice that %s has no %s", table[i].Name, name)
			}
		}
	}
}

func TestFieldThatPlexDoesNotKnowIsNoticed(t *testing.T) {
	whole := table
	t.Cleanup(func() { table = whole })
	for _, kind := range []kind{textKind, dateKind, ratingKind, tagsKind, pictureKind} {
		table = append(slices.Clone(whole), field{
			Name: "nonsense", Plex: "nonsense", kind: kind,
			from: func(_ *Desired, s *stashapi.Scene) store.Value { return Scalar(s.Title) },
			of:   func(it *plexapi.Item) store.Value { return Scalar(it.Title) },
		})
		if err := walk(t.Context(), &table[len(whole)]); err == nil {
			t.Errorf("the check does not notice a field of kind %d that Plex does not have", kind)
		}
	}
}
