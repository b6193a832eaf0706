package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// begin fills the world: scenes with and without items, items with values, tags and locks of their own, and
// one that is no scene's although its file has the same name. The first run notes what there is.
func (w *world) begin() {
	w.sections = []string{w.plex.AddSection("Films", "movie"), w.plex.AddSection("More", "movie")}
	for kind, n := range map[string]int{"tag": 4, "performer": 3, "studio": 2, "group": 2} {
		w.names[kind] = make(map[int]string)
		for id := 1; id <= n; id++ {
			w.names[kind][id] = fmt.Sprintf("%s %d", kind, id)
			w.stash.Name(kind, id, w.names[kind][id])
		}
	}
	pass(time.Hour)
	for n := range 4 {
		s := w.addScene()
		if n > 1 {
			w.change(s, func(s *stashtest.Scene) { s.Title, s.Tags = fmt.Sprint("Old ", s.ID), []int{1, 2} })
		}
		if n < 3 {
			w.addItem(s.is.Files[0], n)
		}
	}
	other := w.scenes[1].is.Files[0]
	w.addItem(stashtest.File{Path: "/data/elsewhere/" + filepath.Base(other.Path), Size: other.Size + 1}, 1).alone = true
	pass(time.Hour)
	w.processQueue(&plannedRun{})
}

func (w *world) addScene() *sceneTruth {
	id := w.next()
	file := stashtest.File{Path: fmt.Sprintf("/data/films/%d/clip%d.mp4", id%3, id), Size: int64(1000 + id)}
	s := &sceneTruth{
		is:   stashtest.Scene{ID: id, Organized: true, Files: []stashtest.File{file}, Updated: time.Now()},
		ever: make(map[string]map[string]bool),
	}
	w.scenes[id] = s
	w.stash.Add(s.is)
	return s
}

// addItem lets Plex find a file. What it shows of it depends on n.
func (w *world) addItem(f stashtest.File, n int) *itemTruth {
	key := w.plex.AddItem(w.sections[n%len(w.sections)], f.Path, f.Size)
	if n%3 > 0 {
		w.plex.Edit(key, func(it *plextest.Item) {
			rating := 6.5
			it.Summary, it.Studio, it.Date, it.Rating = w.value("Agent"), w.value("Agent"), "1950-05-05", &rating
			it.Tags = map[string][]string{"genre": {w.value("Agent"), cmp.Or(w.names["tag"][1], "Both")}, "actor": {w.value("Agent")}, "director": {w.value("Agent")}}
			if n%3 > 1 {
				it.Locked = map[string]bool{"summary": true, "genre": true, "thumb": true}
			}
		})
	}
	return w.born(key, f)
}

// queued reports whether the scene has a job or dead letter, or waits for a file: each finds its items again.
func (w *world) queued(s *sceneTruth) (yes bool) {
	w.must(w.sql.QueryRow(`SELECT EXISTS (SELECT 1 FROM job WHERE scene_id = ?1)
		OR EXISTS (SELECT 1 FROM dead_letter WHERE scene_id = ?1) OR EXISTS (SELECT 1 FROM awaited_file WHERE scene_id = ?1)`, s.is.ID).Scan(&yes))
	return yes
}

// tells reports whether hooks have recorded something that is not in the queue yet.
func (w *world) tells() bool {
	left, err := os.ReadDir(filepath.Join(w.dir, "inbox"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.must(err)
	}
	changes, err := w.db.HasFanout(context.Background())
	w.must(err)
	return len(left) > 0 || changes
}

// comesBack reports whether a scene gets its values back if Plex shows a file of it as a new item: it is queued, or a
// link that was not restored names the file.
func (w *world) comesBack(s *sceneTruth, path string) (yes bool) {
	w.must(w.sql.QueryRow(`SELECT EXISTS (SELECT 1 FROM link WHERE scene_id = ? AND path = ? AND restored = 0)`, s.is.ID, path).Scan(&yes))
	return yes || w.queued(s)
}

// stepItem lets an item appear, vanish, come again as another, go to the trash or come back from it.
func (w *world) stepItem(st step) {
	if s := w.scene(st.a); s != nil && len(w.itemsOf(s)) == 0 {
		if !w.comesBack(s, s.is.Files[0].Path) {
			s.asked = nil
		}
		w.addItem(s.is.Files[0], st.b)
		return
	}
	i := w.item(st.a)
	if i == nil {
		return
	}
	s := w.owner(i)
	if st.c%3 == 0 {
		w.plex.Edit(i.key, func(it *plextest.Item) { it.Deleted = !it.Deleted })
		return
	}
	if s != nil && !w.comesBack(s, i.file.Path) { // no job asks for the values of the new item
		s.asked = nil
	}
	if st.c%3 == 1 {
		w.replace(i, st.b)
		return
	}
	delete(w.items, i.key)
	w.plex.Remove(i.key)
}

// replace replaces an item with a new one, whose values depend on n.
func (w *world) replace(i *itemTruth, n int) {
	delete(w.items, i.key)
	w.plex.Remove(i.key)
	w.addItem(i.file, n).alone = i.alone
}

// stepRemake gives the items of a library new keys, as its deletion and creation do.
func (w *world) stepRemake(st step) {
	for _, key := range slices.Sorted(maps.Keys(w.items)) {
		i := w.items[key]
		if w.plex.Item(key).Section != w.sections[st.a%len(w.sections)] {
			continue
		}
		if s := w.owner(i); s != nil && !w.comesBack(s, i.file.Path) {
			s.asked = nil
		}
		w.replace(i, st.b)
	}
}

// stepMove moves a file in both servers or only in one.
func (w *world) stepMove(st step) {
	i := w.item(st.a)
	if i == nil || w.owner(i) == nil {
		return
	}
	s := w.owner(i)
	to := fmt.Sprintf("/data/films/%d/%s", 3+w.next()%6, filepath.Base(i.file.Path))
	if st.b%3 < 2 && i.shows(s.is.Files[0]) { // Stash's stand-in moves the primary file
		s.touched = true // sooner or later it is found, and counts as a change
		w.stash.MoveFile(s.is.ID, to)
		s.is.Files = slices.Clone(s.is.Files)
		s.is.Files[0].Path = to
	}
	if st.b%3 != 1 {
		i.file.Path = to
		w.plex.Edit(i.key, func(it *plextest.Item) { it.Files[0].Path = to })
	}
}

func (w *world) stepCreate(st step) {
	if len(w.scenes) >= 7 {
		return
	}
	pass(time.Second)
	s := w.addScene()
	w.change(s, w.fieldEdit(st.b, st.c))
	if st.a%2 == 0 {
		w.addItem(s.is.Files[0], st.a/2)
	}
	w.tell(delivery(st.d)%deliveries, s, "Scene.Create")
}

func (w *world) stepDestroy(st step) {
	s := w.scene(st.a)
	if s == nil {
		return
	}
	delete(w.scenes, s.is.ID)
	w.stash.Drop(s.is.ID)
	w.record(delivery(st.d)%deliveries, store.HookRecord{Own: store.Request{SceneID: s.is.ID}, Gone: true})
}

// stepMerge merges two scenes into one, without a hook.
func (w *world) stepMerge(st step) {
	dest, source := w.scene(st.a), w.scene(st.b)
	if dest == nil || dest == source {
		return
	}
	pass(time.Second)
	w.stash.MergeScenes(dest.is.ID, source.is.ID)
	dest.is.Files = slices.Concat(dest.is.Files, source.is.Files)
	delete(w.scenes, source.is.ID)
	for kind, names := range source.ever {
		for n := range names {
			put(dest.ever, kind, n)
		}
	}
	for _, i := range w.itemsOf(dest) { // what was pushed of the source counts as a push
		if source.touched && slices.ContainsFunc(source.is.Files, i.shows) {
			dest.touched = true
		}
	}
	w.ask(dest, lost)
}

// stepSettings changes what the user chose.
func (w *world) stepSettings(st step) {
	switch st.a % 4 {
	case 0:
		w.config.KeepPlexEdits = !w.config.KeepPlexEdits
		w.keeps, w.always = true, false
	case 1:
		w.config.Filter.OnlyOrganized = !w.config.Filter.OnlyOrganized
	default:
		f, err := merge.ParseFields([]string{"", "-title", "-tags,-performers", "title,poster", "-poster,-rating", "tags,date,details,studio"}[st.b%6])
		w.must(err)
		w.config.Fields = f
	}
	for _, s := range w.scenes {
		if w.leftOut(s) {
			s.asked = nil
		}
		maps.DeleteFunc(s.asked, func(name string, _ bool) bool { return !w.config.Fields.Has(name) })
	}
}
