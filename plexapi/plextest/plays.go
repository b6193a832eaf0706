package plextest

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"time"
)

// Owner is the account of the server's own token.
const Owner = 1

// user is an account that uses the server.
type user struct {
	id          int
	name, token string
}

// View is what Plex notes of an item for one account.
type View struct {
	Count  int
	Offset int64 // where to resume, in milliseconds
	Last   int64 // epoch seconds
}

// play is a row of the history.
type play struct {
	id, account         int
	key, section, title string
	kind                string
	viewed              int64
}

// session is an item that plays.
type session struct {
	key     string
	account int
}

// AddAccount adds an account with the token that the server accepts of it, "" for none, and returns its number. The owner
// has the number 1.
func (s *Server) AddAccount(name, token string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := 1000 + len(s.accounts)
	s.accounts = append(s.accounts, user{id, name, token})
	return id
}

// accountOf returns the account of a token; 0 if the server does not accept it.
func (s *Server) accountOf(token string) int {
	if token == s.Token {
		return Owner
	}
	for _, a := range s.accounts {
		if token != "" && token == a.token {
			return a.id
		}
	}
	return 0
}

// Play lets an account play an item to its end, at a time: it adds a row to the history, counts the play and ends a resume
// point. With a time in the past the row comes late, as after playing offline. It returns the key of the row.
func (s *Server) Play(key string, account int, at time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sec, it := s.find(key)
	if it == nil {
		panic("plextest: no item " + key)
	}
	s.lastPlay++
	s.history = append(s.history, play{id: s.lastPlay, account: account, key: key, section: sec.id, title: it.Title, kind: sec.itemKind(), viewed: at.Unix()})
	it.view(account, func(v *View) { v.Count, v.Offset, v.Last = v.Count+1, 0, max(v.Last, at.Unix()) })
	return historyKey(s.lastPlay)
}

func historyKey(id int) string { return fmt.Sprint("/status/sessions/history/", id) }

// StopAt lets an account stop playing an item before its end, which leaves a resume point and no row in the history.
func (s *Server) StopAt(key string, account int, offset time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, it := s.find(key)
	if it == nil {
		panic("plextest: no item " + key)
	}
	it.view(account, func(v *View) { v.Offset, v.Last = offset.Milliseconds(), s.clock().Unix() })
}

// view changes what is noted of an item for an account.
func (it *Item) view(account int, f func(*View)) {
	v := it.Views[account]
	f(&v)
	views := maps.Clone(it.Views)
	if views == nil {
		views = make(map[int]View)
	}
	views[account] = v
	it.Views = views
}

// StartSession lets an account play an item until EndSession.
func (s *Server) StartSession(key string, account int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = append(s.sessions, session{key, account})
}

// EndSession ends the sessions of an item.
func (s *Server) EndSession(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = slices.DeleteFunc(s.sessions, func(one session) bool { return one.key == key })
}

// PurgeHistory removes all rows of the history. Their keys are not used again.
func (s *Server) PurgeHistory() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = nil
}

// RestoreDatabase restores a backup in which the history had this many rows: later rows are lost, and their keys are used
// again.
func (s *Server) RestoreDatabase(rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = slices.Clone(s.history[:min(rows, len(s.history))])
	s.lastPlay = 0
	if len(s.history) > 0 {
		s.lastPlay = s.history[len(s.history)-1].id
	}
}

// plays answers requests about accounts, plays and the state of items for one account; 0 if it is no such request. Only
// the owner may see the accounts and what plays at this moment.
func (s *Server) plays(w http.ResponseWriter, r *http.Request, path string) int {
	get, q := r.Method == http.MethodGet, r.URL.Query()
	switch {
	case path == "/status/sessions/history/all" && get:
		return s.listHistory(w, r)
	case (path == "/accounts" || path == "/status/sessions") && s.viewer != Owner:
		return page(w, http.StatusForbidden)
	case path == "/accounts" && get:
		return s.listAccounts(w)
	case path == "/status/sessions" && get:
		return s.listSessions(w)
	case (path == "/:/scrobble" || path == "/:/unscrobble") && (get || r.Method == http.MethodPut), path == "/:/progress" && get:
		return s.mark(w, path, q)
	}
	return 0
}

func (s *Server) listAccounts(w http.ResponseWriter) int {
	rows := []any{}
	for _, a := range append([]user{{0, "", ""}, {Owner, "owner", ""}}, s.accounts...) {
		rows = append(rows, map[string]any{"id": s.number(int64(a.id)), "key": fmt.Sprint("/accounts/", a.id), "name": a.name, "thumb": ""})
	}
	return s.answer(w, map[string]any{"size": s.number(int64(len(rows))), "identifier": "com.plexapp.system.accounts", "Account": rows})
}

func (s *Server) listSessions(w http.ResponseWriter) int {
	rows := []any{}
	for i, one := range s.sessions {
		if sec, it := s.find(one.key); it != nil {
			row := s.row(sec, it, true)
			row["sessionKey"] = strconv.Itoa(i + 1)
			row["User"], row["Player"] = map[string]any{"id": strconv.Itoa(one.account)}, map[string]any{"state": "playing"}
			rows = append(rows, row)
		}
	}
	answer := map[string]any{"size": s.number(int64(len(rows)))}
	if len(rows) > 0 {
		answer["Metadata"] = rows
	}
	return s.answer(w, answer)
}

// listHistory answers with rows of the history: the owner gets those of all accounts, others their own. The filter of a
// time is "viewedAt>" with the value after "=", unlike the ">>" of a library.
func (s *Server) listHistory(w http.ResponseWriter, r *http.Request) int {
	list := slices.Clone(s.history)
	if s.viewer != Owner {
		list = slices.DeleteFunc(list, func(p play) bool { return p.account != s.viewer })
	}
	for key, values := range r.URL.Query() {
		if key == "sort" {
			continue
		}
		n, err := strconv.ParseInt(values[0], 10, 64)
		if err != nil || len(values) > 1 {
			return page(w, http.StatusBadRequest)
		}
		keep := map[string]func(play) bool{
			"viewedAt>":        func(p play) bool { return p.viewed > n || p.viewed == n && !s.options.After },
			"accountID":        func(p play) bool { return int64(p.account) == n },
			"librarySectionID": func(p play) bool { return p.section == values[0] },
			"metadataItemID":   func(p play) bool { return p.key == values[0] },
		}[key]
		if keep == nil {
			return page(w, http.StatusBadRequest)
		}
		list = slices.DeleteFunc(list, func(p play) bool { return !keep(p) })
	}
	switch r.URL.Query().Get("sort") {
	case "":
	case "viewedAt:asc":
		sort.SliceStable(list, func(i, j int) bool { return list[i].viewed < list[j].viewed })
	case "viewedAt:desc":
		sort.SliceStable(list, func(i, j int) bool { return list[i].viewed > list[j].viewed })
	default:
		return page(w, http.StatusBadRequest)
	}
	from, to := s.window(r, len(list))
	rows := []any{}
	for _, p := range list[from:to] {
		rows = append(rows, s.historyRow(p))
	}
	return s.answer(w, map[string]any{"size": s.number(int64(len(rows))), "totalSize": s.number(int64(len(list))), "offset": s.number(int64(from)), "Metadata": rows})
}

// historyRow returns a row of the history. An item that is gone has no key.
func (s *Server) historyRow(p play) map[string]any {
	row := map[string]any{
		"historyKey": historyKey(p.id), "librarySectionID": p.section, "viewedAt": s.number(p.viewed), "accountID": s.number(int64(p.account)),
		"deviceID": s.number(7), "title": p.title, "type": p.kind,
	}
	if _, it := s.find(p.key); it != nil {
		row["ratingKey"], row["key"] = p.key, "/library/metadata/"+p.key
	}
	return row
}

// mark marks an item as watched or not, or sets its resume point. Each request counts, and none adds a row to the history.
func (s *Server) mark(w http.ResponseWriter, path string, q url.Values) int {
	offset, err := strconv.ParseInt(q.Get("time"), 10, 64)
	if q.Get("identifier") != "com.plexapp.plugins.library" || q.Get("key") == "" || path == "/:/progress" && (err != nil || offset < 0) {
		return page(w, http.StatusBadRequest)
	}
	_, it := s.find(q.Get("key"))
	if it == nil {
		return page(w, http.StatusNotFound)
	}
	it.view(s.viewer, func(v *View) {
		now := s.clock().Unix()
		switch {
		case path == "/:/scrobble":
			*v = View{Count: v.Count + 1, Last: now}
		case path == "/:/unscrobble":
			*v = View{}
		case offset > 0: // 0 changes nothing
			v.Offset, v.Last = offset, now
		}
	})
	return empty(w)
}

// viewed adds what is noted of an item for the account of the request to its row. Absent values have no key.
func (s *Server) viewed(it *Item, row map[string]any) {
	v := it.Views[s.viewer]
	for name, n := range map[string]int64{"viewCount": int64(v.Count), "viewOffset": v.Offset, "lastViewedAt": v.Last} {
		if n != 0 {
			row[name] = s.number(n)
		}
	}
}
