package plextest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// open returns a server with a library, for use without a network.
func open(t *testing.T) (*plextest.Server, string) {
	t.Helper()
	s := plextest.New("token")
	return s, s.AddSection("Videos", "movie")
}

// send sends a valid request, which change may make invalid.
func send(t *testing.T, s *plextest.Server, method, target string, change ...func(*http.Request)) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://plex"+s.BasePath+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Plex-Token": {"token"}, "X-Plex-Client-Identifier": {"id"}, "Accept": {"application/json"}}
	for _, f := range change {
		f(r)
	}
	return s.Transport().RoundTrip(r)
}

// ask returns the status and the body of an answer.
func ask(t *testing.T, s *plextest.Server, method, target string, change ...func(*http.Request)) (int, string) {
	t.Helper()
	res, err := send(t, s, method, target, change...)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// want sends a request and compares the status.
func want(t *testing.T, s *plextest.Server, status int, method, target string) {
	t.Helper()
	if got, body := ask(t, s, method, target); got != status {
		t.Errorf("%s %s: %d %s, want %d", method, target, got, body, status)
	}
}

// container returns the content of MediaContainer in the answer to a GET.
func container(t *testing.T, s *plextest.Server, target string, change ...func(*http.Request)) map[string]any {
	t.Helper()
	status, body := ask(t, s, "GET", target, change...)
	var m struct{ MediaContainer map[string]any }
	if err := json.Unmarshal([]byte(body), &m); err != nil || status != http.StatusOK || m.MediaContainer == nil {
		t.Fatalf("GET %s: %d %s", target, status, body)
	}
	return m.MediaContainer
}

// keys returns the rating keys of a listing, in order.
func keys(t *testing.T, s *plextest.Server, target string, change ...func(*http.Request)) []string {
	t.Helper()
	var list []string
	for _, row := range container(t, s, target, change...)["Metadata"].([]any) {
		list = append(list, row.(map[string]any)["ratingKey"].(string))
	}
	return list
}

func set(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// edit returns the target of an edit of a library's item.
func edit(section, key string, args ...string) string {
	v := url.Values{"type": {"1"}, "id": {key}}
	for i := 0; i < len(args); i += 2 {
		v.Set(args[i], args[i+1])
	}
	return "/library/sections/" + section + "/all?" + v.Encode()
}

func TestInvalidRequestsAreRefused(t *testing.T) {
	s, section := open(t)
	s.BasePath = "/plex"
	key := s.AddItem(section, "/a.mp4", 1)
	none := func(r *http.Request) { r.Header.Del("X-Plex-Token") }
	for _, c := range []struct {
		name, method, target string
		change               func(*http.Request)
		status               int
		body                 string
	}{
		{"no token", "GET", "/library/sections", none, 401, "<html><head><title>Unauthorized</title></head><body><h1>401 Unauthorized</h1></body></html>"},
		{"another token", "GET", "/library/sections", set("X-Plex-Token", "x"), 401, "401 Unauthorized"},
		{"no identifier of the client", "GET", "/library/sections", set("X-Plex-Client-Identifier", ""), 401, "401"},
		{"no token where none is needed", "GET", "/identity", none, 200, "machineIdentifier"},
		{"the token in the address", "GET", "/library/sections?X-Plex-Token=token", none, 401, "401"},
		{"the token in both", "GET", "/library/sections?X-Plex-Token=token", nil, 400, "400 Bad Request"},
		{"not for JSON", "GET", "/library/sections", set("Accept", "text/html"), 400, "400"},
		{"outside of the base path", "GET", "/library/sections", func(r *http.Request) { r.URL.Path = "/library/sections" }, 404, "404 Not Found"},
		{"two slashes", "GET", "//library/metadata/" + key, nil, 404, "404"},
		{"an unknown route", "GET", "/library/secrets", nil, 404, "<html>"},
		{"an unknown item", "GET", "/library/metadata/7", nil, 404, "404"},
		{"a listing without a type", "GET", "/library/sections/" + section + "/all", nil, 400, "400"},
		{"a listing of an unknown library", "GET", "/library/sections/77/all?type=1", nil, 200, "{}"},
		{"an unknown order", "GET", "/library/sections/" + section + "/all?type=1&sort=size", nil, 400, "400"},
		{"an edit of an unknown library", "PUT", edit("77", key, "title.value", "x"), nil, 404, "404"},
		{"an edit without a type", "PUT", "/library/sections/" + section + "/all?id=" + key + "&title.value=x", nil, 400, "400"},
		{"an edit of an unknown field", "PUT", edit(section, key, "colour.value", "x"), nil, 400, "400"},
		{"a list as a value", "PUT", edit(section, key, "genre.value", "x"), nil, 400, "400"},
		{"a lock that is none", "PUT", edit(section, key, "title.locked", "maybe"), nil, 400, "400"},
		{"a date that is none", "PUT", edit(section, key, "originallyAvailableAt.value", "2024-05"), nil, 500, "500 Internal Server Error"},
		{"a name that is not encoded separately", "PUT", edit(section, key, "genre[].tag.tag-", "50%"), nil, 400, "400"},
		{"a rating out of bounds", "PUT", "/:/rate?identifier=com.plexapp.plugins.library&key=" + key + "&rating=11", nil, 400, "400"},
		{"a rating below none", "PUT", "/:/rate?identifier=com.plexapp.plugins.library&key=" + key + "&rating=-2", nil, 400, "400"},
		{"a rating without a provider", "PUT", "/:/rate?key=" + key + "&rating=1", nil, 400, "400"},
		{"a rating of nothing", "PUT", "/:/rate?identifier=com.plexapp.plugins.library&key=7&rating=1", nil, 404, "404"},
	} {
		if c.change == nil {
			c.change = func(*http.Request) {}
		}
		if status, body := ask(t, s, c.method, c.target, c.change); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s: %d %s, want %d %s", c.name, status, body, c.status, c.body)
		}
	}
	if it := s.Item(key); it.Title != "a" || len(it.Tags) != 0 || it.Rating != nil {
		t.Errorf("a refused edit was made: %+v", it)
	}
	for _, r := range s.Requests() {
		if r.Header.Get("X-Plex-Token") != "" || r.Status == 0 || r.Header == nil {
			t.Errorf("log: %+v", r)
		}
	}
}

func TestTagsAddToOrReplaceTheOldOnes(t *testing.T) {
	for _, c := range []struct {
		name    string
		options plextest.Options
		args    []string
		want    []string
	}{
		{"joined", plextest.Options{}, []string{"genre[0].tag.tag", "C", "genre[1].tag.tag", "a"}, []string{"A", "B", "C", "a"}},
		{"joined by folded name", plextest.Options{FoldTags: true}, []string{"genre[0].tag.tag", "C", "genre[1].tag.tag", "a"}, []string{"A", "B", "C"}},
		{"replaced", plextest.Options{Replace: true}, []string{"genre[0].tag.tag", "C"}, []string{"C"}},
		{"ordered by number, not by text", plextest.Options{Replace: true}, []string{"genre[10].tag.tag", "Z", "genre[9].tag.tag", "Y"}, []string{"Y", "Z"}},
		{"removed", plextest.Options{}, []string{"genre[].tag.tag-", "A,X"}, []string{"B"}},
		{"a name with a comma removed", plextest.Options{}, []string{"genre[].tag.tag-", "A%2CB"}, []string{"A", "B"}},
		{"all removed", plextest.Options{}, []string{"genre[].tag.tag-", "A,B"}, nil},
		{"one removed, one added", plextest.Options{}, []string{"genre[].tag.tag-", "A", "genre[0].tag.tag", "C"}, []string{"B", "C"}},
		{"the addition wins", plextest.Options{}, []string{"genre[].tag.tag-", "A", "genre[0].tag.tag", "A"}, []string{"A", "B"}},
		{"a lock alone", plextest.Options{}, []string{"genre.locked", "1"}, []string{"A", "B"}},
		{"an edit that is not made", plextest.Options{Stuck: map[string]bool{"genre": true}}, []string{"genre[0].tag.tag", "C"}, []string{"A", "B"}},
	} {
		s, section := open(t)
		s.Configure(func(o *plextest.Options) { *o = c.options })
		key := s.AddItem(section, "/a.mp4", 1)
		s.Edit(key, func(it *plextest.Item) { it.Tags["genre"] = []string{"A", "B"} })
		want(t, s, 200, "PUT", edit(section, key, c.args...))
		if got := s.Item(key).Tags["genre"]; !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEditWithoutAnIDChangesTheLibraryAndIsCareless(t *testing.T) {
	s, section := open(t)
	other := s.AddSection("Series", "show")
	a, b, c := s.AddItem(section, "/a.mp4", 1), s.AddItem(section, "/b.mp4", 1), s.AddItem(other, "/c.mp4", 1)
	want(t, s, 200, "PUT", edit(section, a+","+b, "studio.value", "two"))
	if s.Careless() != 0 || s.Item(a).Studio != "two" || s.Item(b).Studio != "two" {
		t.Errorf("an edit of two: %d careless, %+v", s.Careless(), s.Item(b))
	}
	want(t, s, 200, "PUT", edit(section, "", "title.value", "oops"))
	if s.Careless() != 1 || s.Item(a).Title != "oops" || s.Item(b).Title != "oops" || s.Item(c).Title != "c" {
		t.Errorf("an edit of all: %d careless, titles %q, %q, %q", s.Careless(), s.Item(a).Title, s.Item(b).Title, s.Item(c).Title)
	}
}

func TestEditMovesTheServersTimeAndUsesItsOwnForm(t *testing.T) {
	s, section := open(t)
	now := time.Unix(1000, 0)
	s.SetClock(func() time.Time { return now })
	key := s.AddItem(section, "/a.mp4", 1)
	now = time.Unix(2000, 0)
	s.Configure(func(o *plextest.Options) {
		o.Keep = func(field, value string) string { return field + ":" + value }
		o.Stuck = map[string]bool{"summary": true}
		o.Refuse = map[string]int{"studio": 500}
	})
	want(t, s, 200, "PUT", edit(section, key, "title.value", " x ", "summary.value", "y", "title.locked", "1"))
	want(t, s, 500, "PUT", edit(section, key, "studio.value", "z", "title.value", "never"))
	want(t, s, 200, "PUT", edit(section, "77", "title.value", "nobody"))
	if it := s.Item(key); it.Title != "title:x" || it.Summary != "" || !it.Locked["title"] || it.Updated != 2000 || it.AddedAt != 1000 {
		t.Errorf("item = %+v", it)
	}
	s.Configure(func(o *plextest.Options) { o.UnknownIs404 = true })
	want(t, s, 404, "PUT", edit(section, "77", "title.value", "nobody"))
}

func TestAbsentValuesHaveNoKeyAndListingsTruncateTags(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	whole := "/library/metadata/" + key
	row := container(t, s, whole)["Metadata"].([]any)[0].(map[string]any)
	for _, name := range []string{"summary", "studio", "originallyAvailableAt", "userRating", "Genre", "Role", "Field", "deletedAt"} {
		if v, has := row[name]; has {
			t.Errorf("%s = %v in an item without", name, v)
		}
	}
	if _, has := row["Rating"]; !has || row["rating"] == nil {
		t.Error("an item has both rating and Rating")
	}
	s.Edit(key, func(it *plextest.Item) {
		it.Tags["actor"], it.Locked["actor"] = []string{"A", "B", "C"}, true
	})
	row = container(t, s, whole)["Metadata"].([]any)[0].(map[string]any)
	if len(row["Role"].([]any)) != 3 || len(row["Field"].([]any)) != 1 {
		t.Errorf("item = %v", row)
	}
	row = container(t, s, "/library/sections/"+section+"/all?type=1")["Metadata"].([]any)[0].(map[string]any)
	if _, has := row["Field"]; has || len(row["Role"].([]any)) != 2 {
		t.Errorf("row = %v", row)
	}
	s.Edit(key, func(it *plextest.Item) { it.Locked["actor"] = false })
	if _, has := container(t, s, whole)["Metadata"].([]any)[0].(map[string]any)["Field"]; has {
		t.Error("a removed lock is still listed")
	}
}

func TestListingsArePagedAndSortedByTheServer(t *testing.T) {
	s, section := open(t)
	now := time.Unix(1000, 0)
	s.SetClock(func() time.Time { now = now.Add(time.Second); return now })
	a, b, c := s.AddItem(section, "/a.mp4", 1), s.AddItem(section, "/b.mp4", 1), s.AddItem(section, "/c.mp4", 1)
	want(t, s, 200, "PUT", edit(section, a, "title.value", "x"))
	all := "/library/sections/" + section + "/all?type=1"
	for sort, order := range map[string][]string{"": {a, b, c}, "&sort=id": {a, b, c}, "&sort=addedAt:desc": {c, b, a}, "&sort=updatedAt:desc": {a, c, b}} {
		if got := keys(t, s, all+sort); !slices.Equal(got, order) {
			t.Errorf("%q: %v, want %v", sort, got, order)
		}
	}
	from, size := set("X-Plex-Container-Start", "1"), set("X-Plex-Container-Size", "5")
	if got := keys(t, s, all, from, size); !slices.Equal(got, []string{b, c}) {
		t.Errorf("from 1: %v", got)
	}
	s.Configure(func(o *plextest.Options) { o.PageSize = 1 })
	m := container(t, s, all, from, size)
	if m["totalSize"] != 3.0 || m["offset"] != 1.0 || m["size"] != 1.0 || len(m["Metadata"].([]any)) != 1 {
		t.Errorf("a small page: %v", m)
	}
	if got := keys(t, s, all, set("X-Plex-Container-Size", "0")); len(got) != 0 {
		t.Errorf("size 0: %v", got)
	}
}

func TestFingerprintOfALibraryChangesUnlessFrozen(t *testing.T) {
	s, section := open(t)
	fingerprint := func() any {
		return container(t, s, "/library/sections")["Directory"].([]any)[0].(map[string]any)["contentChangedAt"]
	}
	before := fingerprint()
	key := s.AddItem(section, "/a.mp4", 1)
	for name, change := range map[string]func(){
		"a new version": func() { s.AddFile(key, "/b.mp4", 2) },
		"an edit":       func() { want(t, s, 200, "PUT", edit(section, key, "title.value", "x")) },
		"a move":        func() { key = s.Move(key, "/c.mp4") },
	} {
		if before == fingerprint() {
			t.Error("the fingerprint has not changed")
		}
		before = fingerprint()
		if change(); before == fingerprint() {
			t.Errorf("%s: the fingerprint has not changed", name)
		}
	}
	s.Configure(func(o *plextest.Options) { o.Frozen = true })
	before = fingerprint()
	if s.Remove(key); before != fingerprint() {
		t.Error("a frozen fingerprint has changed")
	}
	s.RemoveSection(section)
	if list := container(t, s, "/library/sections")["Directory"].([]any); len(list) != 0 {
		t.Errorf("libraries: %v", list)
	}
}

func TestFilesAreAddedAsVersionsAndMovedWithANewKey(t *testing.T) {
	s, section := open(t)
	key := s.AddItem(section, "/a.mp4", 1)
	s.AddFile(key, "/b.mp4", 2)
	s.Edit(key, func(it *plextest.Item) {
		it.Files = append(it.Files, plextest.File{Path: "/b2.mp4", Version: 1}, plextest.File{Path: "/o.mp4", Version: 7, Optimised: true})
	})
	media := container(t, s, "/library/metadata/"+key)["Metadata"].([]any)[0].(map[string]any)["Media"].([]any)
	if len(media) != 3 {
		t.Fatalf("versions: %v", media)
	}
	for i, want := range []struct {
		parts int
		proxy any
	}{{1, nil}, {2, nil}, {1, 42.0}} {
		one := media[i].(map[string]any)
		if len(one["Part"].([]any)) != want.parts || one["proxyType"] != want.proxy {
			t.Errorf("version %d: %v", i, one)
		}
	}
	moved := s.Move(key, "/new/c.mp4")
	want(t, s, 404, "GET", "/library/metadata/"+key)
	if it := s.Item(moved); moved == key || it.Title != "c" || it.Files[0] != (plextest.File{Path: "/new/c.mp4", Size: 1}) {
		t.Errorf("moved to %s: %+v", moved, it)
	}
}

func TestSimultaneousWritesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, section := open(t)
		key := s.AddItem(section, "/a.mp4", 1)
		s.Inject(plextest.Fault{Delay: time.Second})
		begin := time.Now()
		for range 2 {
			want(t, s, 200, "PUT", edit(section, key, "title.value", "x"))
		}
		if s.MostWrites() != 1 || time.Since(begin) != 2*time.Second {
			t.Errorf("one after the other: %d at once, in %v", s.MostWrites(), time.Since(begin))
		}
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() { want(t, s, 200, "PUT", edit(section, key, "title.value", fmt.Sprint(i))) })
			all.Go(func() { want(t, s, 200, "GET", "/identity") })
		}
		all.Wait()
		if s.MostWrites() != 3 {
			t.Errorf("%d writes at once, want 3", s.MostWrites())
		}
	})
}

// A server that is stopped before it accepts connections has already listened.
func TestPortIsFreeAsSoonAsTheServerHasStopped(t *testing.T) {
	for range 200 {
		s := plextest.New("token")
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		s.Stop()
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
		s.Stop()
	}
}

func TestRestartUsesTheSamePort(t *testing.T) {
	s := plextest.New("token")
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	address := s.URL()
	get := func() error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/identity", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	s.Stop()
	if err := get(); !isDial(err) {
		t.Errorf("a stopped server: %v", err)
	}
	if err := s.Restart(); err != nil || s.URL() != address {
		t.Fatalf("%v, %s, want %s", err, s.URL(), address)
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	if _, ok := errors.AsType[*net.OpError](plextest.New("x").StartAt(-1)); !ok {
		t.Error("a port that is none was taken")
	}
}

func TestEpisodesRefuseFieldsOfTheirShow(t *testing.T) {
	s := plextest.New("token")
	shows := s.AddSection("Shows", "show")
	key := s.AddItem(shows, "/data/x.mp4", 1)
	if got := keys(t, s, "/library/sections/"+shows+"/all?type=4"); !slices.Equal(got, []string{key}) {
		t.Errorf("episodes are %v", got)
	}
	if got := keys(t, s, "/library/sections/"+shows+"/all?type=1"); len(got) != 0 {
		t.Errorf("movies are %v", got)
	}
	edit := "/library/sections/" + shows + "/all?type=4&id=" + key + "&"
	for _, field := range []string{"studio.value=S", "studio.locked=1", "genre%5B0%5D.tag.tag=G", "actor%5B0%5D.tag.tag=A", "actor%5B%5D.tag.tag-=A"} {
		want(t, s, 400, "PUT", edit+field+"&title.value=T")
		want(t, s, 400, "PUT", "/library/metadata/"+key+"?"+field)
	}
	want(t, s, 200, "PUT", edit+"title.value=T&director%5B0%5D.tag.tag=D&collection%5B0%5D.tag.tag=C&thumb.locked=1")
	if it := s.Item(key); it.Title != "T" || it.Studio != "" || len(it.Tags) != 2 {
		t.Errorf("episode = %+v", it)
	}
}

// isDial reports whether a connection failed. The error differs between systems.
func isDial(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}
