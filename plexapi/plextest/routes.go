package plextest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const version = "1.43.2.10000-abcdef123"

// route answers a request and returns the status.
func (s *Server) route(w http.ResponseWriter, r *http.Request, path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if path == "/identity" && r.Method == http.MethodGet {
		return s.answer(w, map[string]any{"size": 0, "claimed": s.flag(true), "machineIdentifier": s.machine, "version": version})
	}
	s.viewer = s.accountOf(r.Header.Get("X-Plex-Token"))
	if s.viewer == 0 || r.Header.Get("X-Plex-Client-Identifier") == "" {
		return page(w, http.StatusUnauthorized)
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	picture := len(parts) == 5 && parts[1] == "metadata"
	if r.URL.Query().Has("X-Plex-Token") || !picture && r.Header.Get("Accept") != "application/json" {
		return page(w, http.StatusBadRequest)
	}
	if status := s.plays(w, r, path); status != 0 {
		return status
	}
	if s.viewer != Owner && r.Method != http.MethodGet {
		return page(w, http.StatusForbidden)
	}
	switch {
	case path == "/" && r.Method == http.MethodGet:
		return s.answer(w, map[string]any{"size": 0, "friendlyName": "Living room", "machineIdentifier": s.machine, "version": version})
	case picture && r.Method == http.MethodGet:
		return s.picture(w, parts[2], parts[3], parts[4])
	case path == "/library/sections" && r.Method == http.MethodGet:
		return s.answer(w, s.listSections())
	case len(parts) == 4 && parts[1] == "sections" && parts[3] == "all" && r.Method == http.MethodGet:
		return s.list(w, r, parts[2])
	case len(parts) == 4 && parts[1] == "sections" && parts[3] == "all" && r.Method == http.MethodPut:
		if s.options.EditIs404 {
			return page(w, http.StatusNotFound)
		}
		return s.editSection(w, r, parts[2])
	case len(parts) == 3 && parts[1] == "metadata" && r.Method == http.MethodGet:
		return s.metadata(w, strings.Split(parts[2], ","))
	case len(parts) == 3 && parts[1] == "metadata" && r.Method == http.MethodPut:
		_, it := s.find(parts[2])
		if it == nil {
			return page(w, http.StatusNotFound)
		}
		return s.edit(w, r, []*Item{it})
	case len(parts) == 4 && parts[1] == "metadata":
		return s.images(w, r, parts[2], parts[3])
	case len(parts) == 4 && parts[1] == "sections" && parts[3] == "refresh":
		return s.refresh(w, r, parts[2])
	case path == "/:/rate" && r.Method == http.MethodPut:
		return s.rate(w, r.URL.Query())
	}
	return page(w, http.StatusNotFound)
}

func (s *Server) answer(w http.ResponseWriter, container map[string]any) int {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"MediaContainer": container}) // the client may be gone
	return http.StatusOK
}

// number and flag write values in the type that the options ask for.
func (s *Server) number(n int64) any {
	if s.options.Strings {
		return strconv.FormatInt(n, 10)
	}
	return n
}

func (s *Server) flag(v bool) any {
	if s.options.Strings {
		return map[bool]string{true: "1", false: "0"}[v]
	}
	return v
}

// ofType returns the items of a type: a movie library has only type 1, a library of shows only type 4.
func (sec *section) ofType(number string) []*Item {
	if number == "1" && sec.kind == "movie" || number == "4" && sec.kind == "show" {
		return sec.items
	}
	return nil
}

func (s *Server) listSections() map[string]any {
	list := []any{}
	for _, sec := range s.sections {
		if s.options.Frozen {
			sec = &section{id: sec.id, kind: sec.kind, title: sec.title, locations: sec.locations}
		}
		folders := []any{}
		for i, l := range sec.locations {
			folders = append(folders, map[string]any{"id": i + 1, "path": l})
		}
		list = append(list, map[string]any{
			"key": sec.id, "type": sec.kind, "title": sec.title, "agent": cmp.Or(s.options.Agent, "tv.plex.agents.none"), "uuid": "uuid-" + sec.id,
			"refreshing": s.flag(s.options.Scanning), "updatedAt": s.number(sec.updated), "scannedAt": s.number(sec.scanned),
			"contentChangedAt": s.number(sec.changed), "hidden": 0, "Location": folders,
		})
	}
	return map[string]any{"size": s.number(int64(len(list))), "title1": "Plex Library", "Directory": list}
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, id string) int {
	sec := s.section(id)
	q := r.URL.Query()
	if sec == nil { // a stale section: no MediaContainer at all
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte("{}")) // the client may be gone
		return http.StatusOK
	}
	if q.Get("type") == "" {
		return page(w, http.StatusBadRequest)
	}
	items, accepted := s.filter(sec, q)
	if !accepted {
		return page(w, http.StatusBadRequest)
	}
	switch q.Get("sort") {
	case "addedAt:desc":
		sort.SliceStable(items, func(i, j int) bool { return items[i].AddedAt > items[j].AddedAt })
	case "updatedAt:desc":
		sort.SliceStable(items, func(i, j int) bool { return items[i].Updated > items[j].Updated })
	case "lastViewedAt:asc":
		sort.SliceStable(items, func(i, j int) bool { return items[i].Views[s.viewer].Last < items[j].Views[s.viewer].Last })
	case "id", "":
	default:
		return page(w, http.StatusBadRequest)
	}
	bulk := sec.bulk
	if q.Has("lastViewedAt>>") { // the items of the bulk are not among them
		bulk = 0
	}
	from, to := s.window(r, len(items)+bulk)
	if bulk > 0 {
		return s.listBulk(w, sec, items, q.Get("sort") != "id" && q.Get("sort") != "", from, to)
	}
	rows := []any{}
	for _, it := range items[from:to] {
		rows = append(rows, s.row(sec, it, true))
	}
	return s.answer(w, map[string]any{
		"size": s.number(int64(len(rows))), "totalSize": s.number(int64(len(items))), "offset": s.number(int64(from)),
		"librarySectionID": 1, "Metadata": rows,
	})
}

// window returns which of n rows a request asks for.
func (s *Server) window(r *http.Request, n int) (from, to int) {
	start, _ := strconv.Atoi(r.Header.Get("X-Plex-Container-Start")) // 0 if absent
	size, err := strconv.Atoi(r.Header.Get("X-Plex-Container-Size"))
	if err != nil {
		size = n
	}
	if s.options.PageSize > 0 {
		size = min(size, s.options.PageSize)
	}
	from = min(max(start, 0), n)
	return from, min(from+size, n)
}

// row returns an item as a listing or a request for single items shows it. Absent values have no key. Listings truncate
// tag lists after two.
func (s *Server) row(sec *section, it *Item, listing bool) map[string]any {
	m := map[string]any{
		"ratingKey": it.Key, "key": "/library/metadata/" + it.Key, "type": sec.itemKind(), "title": it.Title, "guid": "local://" + it.Key,
		"addedAt": s.number(it.AddedAt), "updatedAt": s.number(it.Updated), "rating": 6.1,
		"Rating": []any{map[string]any{"image": "x", "value": 9.0, "type": "audience"}}, "Guid": []any{}, "Image": []any{},
		"thumb": it.address("thumb"), "art": it.address("art"),
	}
	for name, value := range map[string]string{"summary": it.Summary, "studio": it.Studio, "originallyAvailableAt": it.Date, "contentRating": it.ContentRating} {
		if value != "" {
			m[name] = value
		}
	}
	if it.Studio != "" { // some versions also send the studios as a list
		m["Studio"] = []any{map[string]any{"tag": it.Studio}}
	}
	if it.Rating != nil {
		m["userRating"] = *it.Rating
	}
	s.viewed(it, m)
	if it.Deleted {
		m["deletedAt"] = s.number(it.Updated)
	}
	m["Media"] = s.media(it)
	names := map[string]string{"actor": "Role", "genre": "Genre", "director": "Director", "collection": "Collection"}
	for _, kind := range tagKinds() {
		tags := []any{}
		for _, t := range it.Tags[kind] {
			if !listing || len(tags) < 2 {
				tags = append(tags, map[string]any{"tag": t, "filter": kind + "=1"})
			}
		}
		if len(tags) > 0 {
			m[names[kind]] = tags
		}
	}
	if listing {
		return m
	}
	m["librarySectionID"] = s.number(int64(mustInt(it.Section)))
	locks := []any{}
	for name, locked := range it.Locked {
		if locked {
			locks = append(locks, map[string]any{"locked": s.flag(true), "name": name})
		}
	}
	if len(locks) > 0 {
		m["Field"] = locks
	}
	return m
}

// media returns the versions of an item with their files.
func (s *Server) media(it *Item) []any {
	versions, optimised := map[int][]any{}, map[int]bool{}
	for i, f := range it.Files {
		part := map[string]any{"id": s.number(int64(i + 1)), "file": f.Path, "size": s.number(f.Size), "duration": s.number(cmp.Or(f.Duration, time.Second).Milliseconds())}
		if s.options.NoPaths {
			delete(part, "file")
		}
		if f.Deleted {
			part["deletedAt"] = s.number(it.Updated)
		}
		versions[f.Version] = append(versions[f.Version], part)
		optimised[f.Version] = f.Optimised
	}
	media := []any{}
	for _, v := range slices.Sorted(maps.Keys(versions)) {
		one := map[string]any{"id": v, "Part": versions[v]}
		if optimised[v] {
			one["proxyType"] = 42
		}
		media = append(media, one)
	}
	return media
}

func mustInt(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic("plextest: " + err.Error())
	}
	return n
}

func (s *Server) metadata(w http.ResponseWriter, keys []string) int {
	rows := []any{}
	for _, k := range keys {
		if sec, it := s.find(k); it != nil {
			rows = append(rows, s.row(sec, it, false))
		} else if len(keys) == 1 || s.options.ListIs404 {
			return page(w, http.StatusNotFound)
		}
	}
	if len(rows) == 0 {
		return page(w, http.StatusNotFound)
	}
	return s.answer(w, map[string]any{"size": s.number(int64(len(rows))), "Metadata": rows})
}

// editSection edits the items that the id selects. Without an id that is all of them.
func (s *Server) editSection(w http.ResponseWriter, r *http.Request, id string) int {
	sec := s.section(id)
	q := r.URL.Query()
	if sec == nil {
		return page(w, http.StatusNotFound)
	}
	if q.Get("type") == "" {
		return page(w, http.StatusBadRequest)
	}
	items := sec.ofType(q.Get("type"))
	if q.Get("id") == "" {
		s.careless++
	} else {
		all := items
		items = nil
		for k := range strings.SplitSeq(q.Get("id"), ",") {
			if i := slices.IndexFunc(all, func(it *Item) bool { return it.Key == k }); i >= 0 {
				items = append(items, all[i])
			} else if s.options.UnknownIs404 {
				return page(w, http.StatusNotFound)
			}
		}
	}
	return s.edit(w, r, items)
}

func (s *Server) rate(w http.ResponseWriter, q url.Values) int {
	value, err := strconv.ParseFloat(s.keep("userRating", q.Get("rating")), 64)
	if err != nil || q.Get("identifier") != "com.plexapp.plugins.library" || value > 10 || value < 0 && value != -1 {
		return page(w, http.StatusBadRequest)
	}
	sec, it := s.find(q.Get("key"))
	if it == nil {
		return page(w, http.StatusNotFound)
	}
	if status := s.options.Refuse["userRating"]; status != 0 {
		return page(w, status)
	}
	if s.options.Stuck["userRating"] {
		return empty(w)
	}
	if it.Rating = &value; value == -1 {
		it.Rating = nil
	}
	it.Updated = s.clock().Unix()
	sec.changed++
	return empty(w)
}

func empty(w http.ResponseWriter) int {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

func validDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return text == "" || err == nil
}
