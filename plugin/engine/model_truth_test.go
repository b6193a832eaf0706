package engine

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi"
	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// variant is in what kind of world a sequence takes place.
type variant struct {
	Plex int  // bits: what is not known of Plex
	Keep bool // keepPlexEdits
	Few  bool // maxRetries is 2
}

func (v variant) configure(plex *plextest.Server) {
	plex.Configure(func(o *plextest.Options) {
		bit := func(n int) bool { return v.Plex>>n&1 == 1 }
		o.Replace, o.FoldTags, o.UnknownIs404, o.Strings = bit(0), bit(1), bit(2), bit(3)
		o.ListIs404, o.NoSelect, o.LocksOnUpload = bit(4), bit(5), bit(6)
		if bit(7) {
			o.PageSize = 2
		}
	})
}

func (v variant) fields() merge.Fields {
	f, err := merge.ParseFields("")
	if err != nil {
		panic(err)
	}
	return f
}

func (v variant) retries() int {
	if v.Few {
		return 2
	}
	return 5
}

// truth is what must be true, as far as the model knows. If two events happened in unknown order, it requires neither
// result.
type truth struct {
	scenes map[int]*sceneTruth
	items  map[string]*itemTruth
	names  map[string]map[int]string // kind, id: name
	last   int                       // of all that gets a number

	keeps  bool // keepPlexEdits was on at some time
	always bool // and at every time
	unsure bool // Plex refuses fields: which will be left out is not known
	faulty bool // something has failed
	kills  int

	meanwhile map[int]bool // scenes that were edited in the middle of a run: the old claim is in the log, too
	refused   int          // connections in a row, by runs
	prober    *plannedRun  // who probed last
	probed    time.Time    // and when
}

// sceneTruth is a scene of Stash.
type sceneTruth struct {
	is      stashtest.Scene
	asked   map[string]bool            // fields, by the settings' names, that Plex must show as Stash has them
	touched bool                       // a push was ever asked for
	heard   bool                       // the last time by a hook
	at      int                        // when that was
	quiet   bool                       // it was restored or taken out of the queue: only what a person asks for counts
	cover   int                        // when the cover was changed
	ever    map[string]map[string]bool // Plex's kind of tag: names that Stash ever wanted
}

// itemTruth is an item of Plex.
type itemTruth struct {
	key      string
	file     stashtest.File             // as Plex has it
	first    plextest.Item              // as it was before the first push
	person   map[string]map[string]bool // Plex's field: values that a person has set since
	latest   map[string]string          // the last of them, unless it was a clearing
	theirs   map[string]map[string]bool // kind of tag: names that never were ours
	perhaps  map[string]map[string]bool // names that may be either's
	born     int                        // when it appeared
	alone    bool                       // it never was a scene's
	chose    int                        // when a person chose the poster
	unlocked map[string]bool            // fields with a lock that a person has changed
}

func newTruth(v variant) truth {
	return truth{
		scenes: make(map[int]*sceneTruth), items: make(map[string]*itemTruth), names: make(map[string]map[int]string),
		keeps: v.Keep, always: v.Keep, meanwhile: make(map[int]bool),
	}
}

func (t *truth) next() int {
	t.last++
	return t.last
}

func (t *truth) value(of string) string { return fmt.Sprintf("%s %d", of, t.next()) }

// put adds a name to a set of a map of sets.
func put(sets map[string]map[string]bool, kind, name string) {
	if sets[kind] == nil {
		sets[kind] = make(map[string]bool)
	}
	sets[kind][name] = true
}

// plexFields are Plex's names of the fields, by the settings' names.
func plexFields() map[string]string {
	names := make(map[string]string)
	for _, f := range merge.FieldTable() {
		if !f.Off {
			names[f.Name] = f.Plex
		}
	}
	return names
}

// wanted returns what Plex should show of a scene's field, computed independently of the program.
func (w *world) wanted(s *sceneTruth, name string) []string {
	one := func(text string) []string {
		if text == "" {
			return nil
		}
		return []string{text}
	}
	all := func(kind string, ids []int) []string {
		var list []string
		for _, id := range ids {
			if n, ok := w.names[kind][id]; ok {
				list = append(list, n)
			}
		}
		return list
	}
	switch name {
	case "title":
		return one(s.is.Title)
	case "details":
		return one(s.is.Details)
	case "date":
		return one(s.is.Date)
	case "studio":
		return all("studio", []int{s.is.Studio})
	case "performers":
		return all("performer", s.is.Performers)
	case "tags":
		return all("tag", s.is.Tags)
	case "director":
		return one(s.is.Director)
	case "groups":
		return all("group", s.is.Groups)
	case "rating":
		if s.is.Rating100 != nil {
			return one(fmt.Sprint(float64(*s.is.Rating100) / 10))
		}
	case "poster":
		if s.is.Cover != nil {
			return one(plexapi.ImageHash(s.is.Cover))
		}
	}
	return nil
}

// shown is what an item shows in one of Plex's fields.
func shown(it *plextest.Item, plex string) []string {
	one := func(text string) []string {
		if text == "" {
			return nil
		}
		return []string{text}
	}
	switch plex {
	case "title":
		return one(it.Title)
	case "summary":
		return one(it.Summary)
	case "studio":
		return one(it.Studio)
	case "originallyAvailableAt":
		return one(it.Date)
	case "userRating":
		if it.Rating != nil {
			return one(fmt.Sprint(*it.Rating))
		}
		return nil
	case "thumb":
		return one(it.Poster().Key)
	}
	return it.Tags[plex]
}

// owner returns the scene with the item's file, even after moves on both sides; nil if there is none.
func (t *truth) owner(i *itemTruth) *sceneTruth {
	for _, s := range t.scenes {
		if slices.ContainsFunc(s.is.Files, i.shows) {
			return s
		}
	}
	return nil
}

// shows reports whether a file of Stash is the item's: no other has its name and size.
func (i *itemTruth) shows(f stashtest.File) bool {
	return filepath.Base(f.Path) == filepath.Base(i.file.Path) && f.Size == i.file.Size
}

// itemsOf are the items that hold a scene's files.
func (t *truth) itemsOf(s *sceneTruth) []*itemTruth {
	var list []*itemTruth
	for _, key := range slices.Sorted(maps.Keys(t.items)) {
		if i := t.items[key]; t.owner(i) == s {
			list = append(list, i)
		}
	}
	return list
}

// ask notes that a push of the scene was asked for, and how.
func (w *world) ask(s *sceneTruth, how delivery) {
	s.touched = true
	if s.quiet && how == lost {
		return
	}
	s.heard, s.at = how != lost, w.next()
	s.quiet, s.asked = false, make(map[string]bool)
	if w.unsure || w.leftOut(s) {
		return
	}
	for name := range w.config.Fields.Names {
		s.asked[name] = true
	}
}

// excuse notes that nothing is asked for any more until a person does.
func (s *sceneTruth) excuse() { s.quiet, s.asked = true, nil }

func (w *world) leftOut(s *sceneTruth) bool { return w.config.Filter.OnlyOrganized && !s.is.Organized }

// wants notes the names that Stash wants of a scene.
func (w *world) wants(s *sceneTruth) {
	for _, name := range []string{"performers", "tags", "director", "groups"} {
		for _, n := range w.wanted(s, name) {
			put(s.ever, plexFields()[name], n)
		}
	}
}

// born notes a new item of Plex.
func (w *world) born(key string, f stashtest.File) *itemTruth {
	i := &itemTruth{
		born: w.next(), key: key, file: f, person: make(map[string]map[string]bool), latest: make(map[string]string),
		theirs: make(map[string]map[string]bool), perhaps: make(map[string]map[string]bool), unlocked: make(map[string]bool),
	}
	w.items[key] = i
	w.seen(i)
	return i
}

// seen takes what an item shows now for what it showed before the first push.
func (w *world) seen(i *itemTruth) {
	i.first = w.plex.Item(i.key)
	clear(i.theirs)
	for kind, names := range i.first.Tags {
		for _, n := range names {
			put(i.theirs, kind, n)
		}
	}
}

// settled looks whether everything is as it must be. At the end every scene was asked for.
func (w *world) settled(when string) {
	for _, id := range slices.Sorted(maps.Keys(w.scenes)) {
		s := w.scenes[id]
		for _, i := range w.itemsOf(s) {
			held := w.plex.Item(i.key)
			if held.Deleted {
				continue
			}
			if !s.touched {
				w.unchanged(when, i, &held)
				continue
			}
			for _, name := range slices.Sorted(maps.Keys(s.asked)) {
				w.checkField(fmt.Sprintf("%s: %s of scene %d, item %s", when, name, id, i.key), s, i, &held, name)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.items)) {
		i := w.items[key]
		held := w.plex.Item(key)
		w.safe(when, i, &held)
		if i.alone {
			w.unchanged(when, i, &held)
		}
	}
}

// arrived checks that every recorded change is in Plex or still queued.
func (w *world) arrived() {
	if w.tells() {
		return // what is not in the queue yet
	}
	for _, id := range slices.Sorted(maps.Keys(w.scenes)) {
		s := w.scenes[id]
		if !s.heard || len(s.asked) == 0 || w.queued(s) {
			continue
		}
		for _, i := range w.itemsOf(s) {
			if held := w.plex.Item(i.key); i.born < s.at && !held.Deleted {
				for _, name := range slices.Sorted(maps.Keys(s.asked)) {
					w.checkField(fmt.Sprintf("queued no more: %s of scene %d, item %s", name, id, i.key), s, i, &held, name)
				}
			}
		}
	}
}

// safe checks that no push removed values of others.
func (w *world) safe(when string, i *itemTruth, held *plextest.Item) {
	for kind, names := range i.theirs {
		for n := range names {
			if !slices.Contains(held.Tags[kind], n) {
				w.fail("%s: item %s lost the %s %q, which never was ours", when, i.key, kind, n)
			}
		}
	}
	if !w.always {
		return
	}
	for _, plex := range []string{"title", "summary", "studio", "originallyAvailableAt"} {
		mine, set := i.latest[plex], i.person[plex] != nil
		if !set && i.first.Locked[plex] && !i.unlocked[plex] {
			mine = strings.Join(shown(&i.first, plex), "")
		}
		if now := strings.Join(shown(held, plex), ""); mine != "" && now != mine {
			w.fail("%s: item %s shows the %s %q, want a person's %q kept", when, i.key, plex, now, mine)
		}
	}
}

// unchanged looks that nothing was ever written to an item.
func (w *world) unchanged(when string, i *itemTruth, held *plextest.Item) {
	for name, plex := range plexFields() {
		if !merge.Same(plex, shown(held, plex), shown(&i.first, plex)) || held.Locked[plex] != i.first.Locked[plex] {
			w.fail("%s: %s of item %s is %q (locked: %v), was %q, although no push was ever asked for",
				when, name, i.key, shown(held, plex), held.Locked[plex], shown(&i.first, plex))
		}
	}
}

// checkField looks whether an item shows what it must in a field that was pushed.
func (w *world) checkField(where string, s *sceneTruth, i *itemTruth, held *plextest.Item, name string) {
	plex := plexFields()[name]
	if w.keeps && (i.person[plex] != nil || i.first.Locked[plex] || i.unlocked[plex]) {
		return
	}
	want, now := w.wanted(s, name), shown(held, plex)
	switch {
	case merge.IsTags(plex):
		w.checkTags(where, i, held, plex, want)
	case name == "poster":
		if len(want) > 0 && s.cover > i.chose && now[0] != "upload://posters/"+want[0] {
			w.fail("%s: is %v, want the cover %v", where, now, want)
		}
	case len(want) == 0:
		w.checkGivenBack(where, i, held, plex)
	case now == nil || now[0] != want[0] && !(name == "date" && strings.HasPrefix(now[0], want[0]+"-")):
		w.fail("%s: is %q, want %q", where, now, want)
	case plex != merge.RatingField && !held.Locked[plex] && !i.unlocked[plex]:
		w.fail("%s: is not locked", where)
	}
}

// checkGivenBack checks that a field without a value in Stash shows the original value.
func (w *world) checkGivenBack(where string, i *itemTruth, held *plextest.Item, plex string) {
	now, was := shown(held, plex), shown(&i.first, plex)
	if merge.Same(plex, now, was) {
		if i.person[plex] == nil && !i.unlocked[plex] && held.Locked[plex] != i.first.Locked[plex] {
			w.fail("%s: is locked: %v, was %v", where, held.Locked[plex], i.first.Locked[plex])
		}
		return
	}
	if !i.person[plex][strings.Join(now, "")] {
		w.fail("%s: is %q, and Stash has none; was %q, and persons have set %v since", where, now, was, slices.Sorted(maps.Keys(i.person[plex])))
	}
}

// checkTags looks whether a list holds what Stash wants and what others added, and nothing of ours besides.
func (w *world) checkTags(where string, i *itemTruth, held *plextest.Item, kind string, want []string) {
	now := held.Tags[kind]
	for _, n := range want {
		if !slices.Contains(now, n) {
			w.fail("%s: are %q, want %q among them", where, now, n)
		}
	}
	for _, n := range now {
		if !slices.Contains(want, n) && !i.theirs[kind][n] && !i.perhaps[kind][n] {
			w.fail("%s: are %q, and %q is to be gone", where, now, n)
		}
	}
	if len(want) == 0 && i.person[kind] == nil && !i.unlocked[kind] && held.Locked[kind] != i.first.Locked[kind] {
		w.fail("%s: are locked: %v, were %v", where, held.Locked[kind], i.first.Locked[kind])
	}
}

// restored looks whether all items are as they were before the first push, but for what persons changed.
func (w *world) restored(when string) {
	for _, key := range slices.Sorted(maps.Keys(w.items)) {
		i := w.items[key]
		held := w.plex.Item(key)
		w.safe(when, i, &held)
		for name, plex := range plexFields() {
			where := fmt.Sprintf("%s: %s of item %s", when, name, key)
			switch {
			case plex == "thumb":
				if i.chose == 0 && held.Poster().Key != i.first.Poster().Key {
					w.fail("%s: is %s, was %s", where, held.Poster().Key, i.first.Poster().Key)
				}
			case merge.IsTags(plex):
				w.checkTags(where, i, &held, plex, nil)
			default:
				w.checkGivenBack(where, i, &held, plex)
			}
		}
	}
}
