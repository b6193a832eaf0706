package engine

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/engine/merge"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// step is one thing that happens. Any numbers make sense.
type step struct {
	do         string
	a, b, c, d int
}

func (s step) String() string { return fmt.Sprintf("{%q, %d, %d, %d, %d}", s.do, s.a, s.b, s.c, s.d) }

// steps are what can happen, the simplest first.
func (w *world) steps() map[string]func(step) {
	return map[string]func(step){
		"edit": w.stepEdit, "run": w.stepRun, "clock": w.stepClock, "hook": w.stepHook, "bulk": w.stepBulk,
		"plex edit": w.stepPlexEdit, "plex fault": w.stepPlexFault, "stash fault": w.stepStashFault, "heal": w.stepHeal,
		"sync all": w.stepSyncAll, "sync recent": w.stepSyncRecent, "rename": w.stepRename, "item": w.stepItem, "remake": w.stepRemake, "move": w.stepMove,
		"create": w.stepCreate, "destroy": w.stepDestroy, "merge": w.stepMerge, "settings": w.stepSettings,
		"restore": w.stepRestore, "dead": w.stepDead, "rebuild": w.stepRebuild,
	}
}

// scene chooses one; nil if there is none.
func (w *world) scene(n int) *sceneTruth {
	ids := slices.Sorted(maps.Keys(w.scenes))
	if len(ids) == 0 {
		return nil
	}
	return w.scenes[ids[n%len(ids)]]
}

func (w *world) item(n int) *itemTruth {
	keys := slices.Sorted(maps.Keys(w.items))
	if len(keys) == 0 {
		return nil
	}
	return w.items[keys[n%len(keys)]]
}

// delivery is what becomes of the hook of an edit.
type delivery int

const (
	byHook delivery = iota
	inBulk
	lost    // only the catch-up sees the edit
	inInbox // the hook could only leave a file
	deliveries
)

// tell runs the hook of an edit, as how says.
func (w *world) tell(how delivery, s *sceneTruth, what string) {
	rec := store.HookRecord{Own: store.Request{SceneID: s.is.ID, Reason: what, Priority: store.ByPerson}}
	if how == inBulk {
		rec.Own.Priority = store.InBulk
	}
	w.record(how, rec)
	w.ask(s, how)
}

func (w *world) record(how delivery, rec store.HookRecord) {
	switch how {
	case byHook, inBulk:
		_, err := w.db.RecordHook(context.Background(), time.Now(), rec)
		w.must(err)
	case inInbox:
		w.must(store.LeaveInInbox(w.dir, time.Now(), rec))
	}
}

// change edits a scene in Stash.
func (w *world) change(s *sceneTruth, f func(*stashtest.Scene)) {
	w.stash.Change(s.is.ID, f)
	f(&s.is)
	w.wants(s)
}

func (w *world) stepEdit(st step) {
	s := w.scene(st.a)
	if s == nil {
		return
	}
	pass(time.Second) // Stash's times have a resolution of one
	w.change(s, w.fieldEdit(st.b, st.c))
	w.tell(delivery(st.d)%deliveries, s, "edit")
}

// edit is a person's edit in the middle of a run, of a scene that it works on if there is one.
func (w *world) edit(r *plannedRun, how delivery) {
	s, jobs := w.scene(r.scene), w.jobs()
	var works []*sceneTruth
	for _, id := range slices.Sorted(maps.Keys(jobs)) {
		if j := jobs[id]; j.Claim >= r.floor && j.Unfinished > 0 && w.scenes[id] != nil {
			works = append(works, w.scenes[id])
		}
	}
	if len(works) > 0 {
		s = works[r.scene%len(works)]
	}
	if s != nil {
		w.change(s, w.fieldEdit(w.next(), 1+w.next()%7))
		w.tell(how, s, "edit meanwhile")
		w.meanwhile[s.is.ID] = true
	}
}

// fieldEdit is an edit of one field; a value of 0 clears it.
func (w *world) fieldEdit(field, value int) func(*stashtest.Scene) {
	text := ""
	if value > 0 {
		text = w.value("Stash")
	}
	ids := func(kind string) []int {
		var list []int
		for n, id := range slices.Sorted(maps.Keys(w.names[kind])) {
			if value>>n&1 == 1 {
				list = append(list, id)
			}
		}
		return list
	}
	return map[int]func(*stashtest.Scene){
		0: func(s *stashtest.Scene) { s.Title = text },
		1: func(s *stashtest.Scene) { s.Tags = ids("tag") },
		2: func(s *stashtest.Scene) { s.Details = text },
		3: func(s *stashtest.Scene) { s.Performers = ids("performer") },
		4: func(s *stashtest.Scene) { s.Studio = append(ids("studio"), 0)[0] },
		5: func(s *stashtest.Scene) { s.Groups = ids("group") },
		6: func(s *stashtest.Scene) { s.Director = text },
		7: func(s *stashtest.Scene) {
			s.Date = ""
			if value > 0 {
				s.Date = fmt.Sprintf("20%02d-%02d-%02d", value, 1+value%12, 1+value%28)[:[]int{10, 7, 4}[value%3]]
			}
		},
		8: func(s *stashtest.Scene) {
			s.Rating100 = nil
			if value > 0 {
				r := value % 11 * 10
				s.Rating100 = &r
			}
		},
		9: func(s *stashtest.Scene) {
			s.Cover = nil
			if value > 0 {
				s.Cover = jpeg(text)
			}
			if s == &w.scenes[s.ID].is {
				w.scenes[s.ID].cover = w.next()
			}
		},
		10: func(s *stashtest.Scene) { s.Organized = !s.Organized },
	}[field%11]
}

// stepHook is a hook of a scene that has not changed.
func (w *world) stepHook(st step) {
	if s := w.scene(st.a); s != nil {
		w.tell([]delivery{byHook, inInbox}[st.d%2], s, "again")
	}
}

// stepBulk changes several scenes in one event. Any of its hooks may be lost.
func (w *world) stepBulk(st step) {
	pass(time.Second)
	var changed []*sceneTruth
	for n, id := range slices.Sorted(maps.Keys(w.scenes)) {
		if (st.a+1)>>n&1 == 1 {
			s := w.scenes[id]
			w.change(s, w.fieldEdit(st.b, st.c))
			changed = append(changed, s)
		}
	}
	how := lost
	some := []delivery{inBulk, inInbox}[st.d>>5&1]
	for n, s := range changed {
		if st.d>>n&1 == 0 {
			continue
		}
		how = some
		rec := store.HookRecord{Own: store.Request{SceneID: s.is.ID, Reason: "bulk", Priority: store.InBulk}, First: n == 0}
		for _, other := range changed {
			if other != s {
				rec.Others = append(rec.Others, store.Request{SceneID: other.is.ID, Reason: "bulk", Priority: store.InBulk})
			}
		}
		if len(rec.Others) > 0 {
			rec.Event = fmt.Sprintf("%032x", w.last)
		}
		w.record(some, rec)
	}
	for _, s := range changed {
		w.ask(s, how)
	}
}

// stepPlexEdit is an edit by a person in Plex.
func (w *world) stepPlexEdit(st step) {
	i := w.item(st.a)
	if i == nil {
		return
	}
	fields := []string{"title", "summary", "studio", "originallyAvailableAt", "userRating", "genre", "actor", "director", "collection", "thumb"}
	plex := fields[st.b%len(fields)]
	if st.d%5 == 4 && !w.keeps && plex != "userRating" {
		w.plex.Edit(i.key, func(it *plextest.Item) { it.Locked[plex] = !it.Locked[plex] })
		i.unlocked[plex] = true
	} else {
		w.plexEdit(i, plex, st.c)
	}
	s := w.owner(i)
	if i.alone || s != nil && !s.touched {
		w.seen(i)
		return
	}
	if i.person[plex] == nil {
		i.person[plex] = make(map[string]bool)
	}
	held := w.plex.Item(i.key)
	value := strings.Join(shown(&held, plex), "")
	i.person[plex][value], i.latest[plex] = true, value
	if plex == "thumb" {
		i.chose = w.next()
	}
	if s != nil {
		delete(s.asked, merge.SettingName(plex))
	}
}

func (w *world) plexEdit(i *itemTruth, plex string, value int) {
	text := ""
	if value > 0 || plex == "title" {
		text = w.value("Plex")
	}
	if merge.IsTags(plex) {
		w.plexTags(i, plex, value)
		return
	}
	if plex == "thumb" {
		w.plex.Choose(i.key, "posters", "metadata://"+text)
		return
	}
	w.plex.Edit(i.key, func(it *plextest.Item) {
		it.Locked[plex] = plex != merge.RatingField
		switch plex {
		case "title":
			it.Title = text
		case "summary":
			it.Summary = text
		case "studio":
			it.Studio = text
		case "originallyAvailableAt":
			it.Date = ""
			if value > 0 {
				it.Date = fmt.Sprintf("19%02d-01-01", w.next()%100)
			}
		case merge.RatingField:
			delete(it.Locked, plex)
			it.Rating = nil
			if value > 0 {
				r := float64(value%10) + 0.5
				it.Rating = &r
			}
		}
	})
}

// plexTags adds a tag or takes one away.
func (w *world) plexTags(i *itemTruth, kind string, value int) {
	held := w.plex.Item(i.key).Tags[kind]
	if value%3 == 0 && len(held) > 0 {
		gone := held[value/3%len(held)]
		w.plex.Edit(i.key, func(it *plextest.Item) {
			it.Tags[kind] = slices.DeleteFunc(it.Tags[kind], func(n string) bool { return n == gone })
			it.Locked[kind] = true
		})
		delete(i.theirs[kind], gone)
		return
	}
	name := w.value("Plex")
	stash := map[string]string{"genre": "tag", "actor": "performer", "collection": "group"}[kind]
	if names := slices.Sorted(maps.Values(w.names[stash])); value%3 == 1 && len(names) > 0 { // one that Stash has too
		name = names[value/3%len(names)]
	}
	if slices.Contains(held, name) {
		return
	}
	w.plex.Edit(i.key, func(it *plextest.Item) {
		it.Tags[kind] = append(it.Tags[kind], name)
		it.Locked[kind] = true
	})
	if s := w.owner(i); s != nil && s.ever[kind][name] || i.perhaps[kind][name] {
		put(i.perhaps, kind, name)
		return
	}
	put(i.theirs, kind, name)
}

func (w *world) stepClock(st step) {
	pass([]time.Duration{
		time.Second, 3 * time.Second, 11 * time.Second, 40 * time.Second, 90 * time.Second, 5 * time.Minute,
		11 * time.Minute, time.Hour, 13 * time.Hour, 25 * time.Hour, 48 * time.Hour,
	}[st.a%11])
}

func (w *world) stepPlexFault(st step) {
	w.faulty = true
	times := st.b % 7 // 0 is forever
	faults := []plextest.Fault{
		{Status: http.StatusServiceUnavailable, Body: `<Response title="Maintenance"/>`},
		{Method: "GET", Prefix: "/library", Status: http.StatusInternalServerError},
		{Prefix: "/library", Hang: true},
		{Method: "PUT", Reset: true},
		{Method: "PUT", Reset: true, After: true},
		{Method: "PUT", Hang: true, After: true},
		{Method: "GET", Prefix: "/library", Truncate: true},
		{Prefix: "/library", Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"37"}}},
		{Status: http.StatusBadGateway},
		{Method: "PUT", Status: http.StatusServiceUnavailable},
		{Method: "POST", Reset: true, After: true},
		{Prefix: "/identity", Hang: true},
		{Method: "PUT", Delay: time.Second},
		{Method: "GET", Prefix: "/library/metadata", Reset: true},
		{Method: "GET", Prefix: "/library/metadata", Status: http.StatusNotFound},
		{Method: "PUT", Status: http.StatusNotFound},
		{Prefix: "/library/sections", Status: http.StatusNotFound},
		{Prefix: "/library", Status: http.StatusUnauthorized},
		{Method: "PUT", Prefix: "/library/sections", Status: http.StatusInternalServerError},
	}
	n := st.a % (len(faults) + 1)
	switch {
	case n == 0 && times == 0:
		stuck := []string{"title", "genre", "userRating", "thumb", "studio"}[st.c%5]
		w.plex.Configure(func(o *plextest.Options) { o.Stuck = map[string]bool{stuck: true} })
		return
	case n == 0:
		w.plex.Refuse(true)
		return
	}
	f := faults[n-1]
	f.Times = times
	w.plex.Inject(f)
	if n == len(faults) { // a field that fails alone is left out until the scene is synced again
		w.unsure = true
		for _, s := range w.scenes {
			s.asked = nil
		}
	}
}

func (w *world) stepStashFault(st step) {
	w.faulty = true
	faults := []stashtest.Fault{
		{Status: http.StatusInternalServerError},
		{Operation: "ScenesByID", Message: "database is locked"},
		{Operation: "SceneByID", Message: "database is locked"},
		{Hang: true},
		{Reset: true},
		{Truncate: true},
		{Operation: "screenshot", Status: http.StatusInternalServerError},
		{Operation: "SlimScenes", Message: "database is locked"},
	}
	n := st.a % (len(faults) + 1)
	if n == 0 {
		w.stash.Refuse(true)
		return
	}
	f := faults[n-1]
	f.Times = st.b % 5
	w.stash.Inject(f)
}

func (w *world) stepHeal(step) {
	w.plex.Refuse(false)
	w.plex.Heal()
	w.plex.Configure(func(o *plextest.Options) { o.Stuck = nil })
	w.stash.Refuse(false)
	w.stash.Heal()
	w.unsure = false
}

// stepRename renames something that scenes mention.
func (w *world) stepRename(st step) {
	kind := []string{"tag", "performer", "studio", "group"}[st.a%4]
	ids := slices.Sorted(maps.Keys(w.names[kind]))
	if len(ids) == 0 {
		return
	}
	id := ids[st.b%len(ids)]
	if kind == "tag" && st.c == 0 {
		delete(w.names[kind], id)
		w.stash.DropNamed(kind, id)
	} else {
		w.names[kind][id] = w.value(kind)
		w.stash.Name(kind, id, w.names[kind][id])
	}
	for _, s := range w.scenes {
		w.wants(s)
	}
	w.record([]delivery{byHook, inInbox}[st.d%2], store.HookRecord{Fanout: &store.FanoutRecord{Kind: kind, Own: id}})
}
