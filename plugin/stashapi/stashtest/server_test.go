package stashtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// stash is a server that is called without a network.
type stash struct {
	*testing.T
	*stashtest.Server
}

func newStash(t *testing.T) *stash {
	t.Helper()
	s, err := stashtest.New()
	if err != nil {
		t.Fatal(err)
	}
	return &stash{t, s}
}

// post sends a query and returns the answer and its body.
func (s *stash) post(query string, vars map[string]any, header ...string) (*http.Response, string) {
	s.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		s.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://stash.invalid/graphql", bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.Transport().RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	return res, strings.TrimSpace(string(text))
}

func (s *stash) want(query string, vars map[string]any, want string) {
	s.Helper()
	if _, got := s.post(query, vars); got != want {
		s.Errorf("%s %v\n  got  %s\n  want %s", query, vars, got, want)
	}
}

func TestQueryOutsideTheSchemaIsRefused(t *testing.T) {
	s := newStash(t)
	for _, c := range []struct {
		query string
		vars  map[string]any
	}{
		{`{findScene(id:1){nonsense}}`, nil},
		{`{findScene(id:1)}`, nil},
		{`{nonsense}`, nil},
		{`{findScenes(per_page:1){count}}`, nil},
		{`query($i:Int!){findScene(id:$i){id}}`, map[string]any{"i": 1}},
		{`query($i:ID!){findScene(id:$i){id}}`, nil},
		{`query($f:SceneFilterType){findScenes(scene_filter:$f){count}}`, map[string]any{"f": map[string]any{"path": "/x"}}},
		{`query($f:SceneFilterType){findScenes(scene_filter:$f){count}}`, map[string]any{"f": map[string]any{"path": map[string]any{"value": "x", "modifier": "IS"}}}},
		{`{`, nil},
	} {
		res, body := s.post(c.query, c.vars)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, `"errors"`) {
			t.Errorf("%s %v: %d %s", c.query, c.vars, res.StatusCode, body)
		}
	}
}

func TestUnsupportedFieldIsAnError(t *testing.T) {
	s := newStash(t)
	s.Add(stashtest.Scene{ID: 1})
	for _, query := range []string{
		`{findScene(id:1){o_counter}}`, `{stats{scene_count}}`, `{findScenes(filter:{sort:"date"}){count}}`, `{findScenes(filter:{page:2}){count}}`,
		`{findScenes(filter:{q:"a -b"}){count}}`, `{findScenes(filter:{q:"a OR b"}){count}}`, `{findTags(filter:{q:"a"}){count}}`,
		`{findScenes(scene_filter:{organized:true}){count}}`, `{findScenes(scene_filter:{path:{value:"x",modifier:INCLUDES}}){count}}`,
		`mutation{runPluginOperation(plugin_id:"x")}`,
	} {
		if res, body := s.post(query, nil); res.StatusCode != http.StatusOK || !strings.Contains(body, `"errors":[{"message":"stashtest`) || !strings.Contains(body, "null") {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
}

func TestUnsetTextsAreEmptyAndOtherFieldsNull(t *testing.T) {
	s := newStash(t)
	s.Add(stashtest.Scene{ID: 1})
	s.want(`{one:findScene(id:1){title details director date rating100 studio{id} tags{id} performers{name} groups{group{id}} files{path}} two:findScene(id:2){id}}`, nil,
		`{"data":{"one":{"date":null,"details":"","director":"","files":[],"groups":[],"performers":[],"rating100":null,"studio":null,"tags":[],"title":""},"two":null}}`)
}

func TestIdsKeepTheirOrderAndOneUnknownFailsAll(t *testing.T) {
	s := newStash(t)
	for id := 1; id <= 30; id++ {
		s.Add(stashtest.Scene{ID: id})
	}
	s.want(`{findScenes(ids:[3,1,2],filter:{per_page:1}){count scenes{id}}}`, nil, `{"data":{"findScenes":{"count":3,"scenes":[{"id":"3"},{"id":"1"},{"id":"2"}]}}}`)
	s.want(`{findScenes(ids:[3,99]){count}}`, nil, `{"data":null,"errors":[{"message":"scene with id 99 not found","path":["findScenes"]}]}`)
	s.want(`{findScenes(ids:[]){count}}`, nil, `{"data":{"findScenes":{"count":30}}}`)
	s.Break(7)
	if _, body := s.post(`{findScene(id:7){id}}`, nil); !strings.Contains(body, "errors") {
		t.Errorf("a scene that cannot be read: %s", body)
	}
	s.want(`{findScene(id:8){id}}`, nil, `{"data":{"findScene":{"id":"8"}}}`)
}

func TestPagesHave25ElementsByDefault(t *testing.T) {
	s := newStash(t)
	for id := 1; id <= 30; id++ {
		s.Add(stashtest.Scene{ID: id})
	}
	for filter, want := range map[string]int{"": 25, "(filter:{per_page:7})": 7, "(filter:{per_page:0})": 0, "(filter:{per_page:-1})": 30, "(filter:{per_page:100})": 30} {
		_, body := s.post("{findScenes"+filter+"{count scenes{id}}}", nil)
		if got := strings.Count(body, `"id"`); got != want || !strings.Contains(body, `"count":30`) {
			t.Errorf("findScenes%s: %d scenes, want %d", filter, got, want)
		}
	}
}

// As in Stash: every word, in any of the texts and in any case; words in quotes belong together.
func TestSearchFindsScenesWithAllWords(t *testing.T) {
	s := newStash(t)
	s.Add(stashtest.Scene{ID: 1, Title: "Red Car", Details: "in the rain"})
	s.Add(stashtest.Scene{ID: 2, Title: "red", Files: []stashtest.File{{Path: "/v/Car/1.mp4"}}})
	s.Add(stashtest.Scene{ID: 3, Title: "Car"})
	for text, want := range map[string]string{"RED car": "12", `\"red car\"`: "1", "rain": "1", "": "123", "v/car": "2", "none": ""} {
		_, body := s.post(`{findScenes(filter:{q:"`+text+`"}){scenes{id}}}`, nil)
		if got := strings.Join(regexp.MustCompile(`\d`).FindAllString(body, -1), ""); got != want {
			t.Errorf("%s: %s, want %s", text, body, want)
		}
	}
}

func TestTimesAreComparedAsTextOfTheServersZone(t *testing.T) {
	s := newStash(t)
	s.SetZone(time.FixedZone("", -5*3600))
	s.Add(stashtest.Scene{ID: 1, Updated: time.Date(2026, 11, 24, 4, 23, 12, 999, time.UTC)})
	const query = `query($v:String!){findScenes(scene_filter:{updated_at:{value:$v,modifier:GREATER_THAN}}){count scenes{updated_at}}}`
	for bound, want := range map[string]int{
		"2026-11-24T04:23:07Z": 0, "2026-11-23T23:23:07": 1, "2026-11-23T23:23:12-05:00": 0, "2026-11-23T23:23:12": 1, "2026-11-23 99": 1,
	} {
		_, body := s.post(query, map[string]any{"v": bound})
		if got := strings.Count(body, `"updated_at":"2026-11-23T23:23:12-05:00"`); got != want {
			t.Errorf("> %s: %s", bound, body)
		}
	}
}

func TestStoredTimesKeepTheirZone(t *testing.T) {
	s := newStash(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return at })
	s.SetZone(time.FixedZone("", 14*3600))
	s.Add(stashtest.Scene{ID: 1}, stashtest.Scene{ID: 2})
	s.SetZone(time.FixedZone("", -11*3600))
	s.Change(2, func(*stashtest.Scene) {})
	s.Import(stashtest.Scene{ID: 3, Updated: at.Add(-time.Hour).In(time.FixedZone("", 3600))})
	for id, want := range map[int]string{1: "2026-01-02T17:04:05+14:00", 2: "2026-01-01T16:04:05-11:00", 3: "2026-01-02T03:04:05+01:00"} {
		if got := s.Updated(id); got != want {
			t.Errorf("updated_at of scene %d = %s, want %s", id, got, want)
		}
	}
}

func TestRenamingDoesNotChangeUpdatedAt(t *testing.T) {
	s := newStash(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.SetClock(func() time.Time { return at })
	tag := s.Name("tag", 0, "Old")
	s.Add(stashtest.Scene{ID: 1, Tags: []int{tag}})
	before := s.Updated(1)
	at = at.Add(time.Second)
	s.Name("tag", tag, "New")
	if s.Updated(1) != before {
		t.Error("renaming moved updated_at")
	}
	s.want(`{findScene(id:1){tags{name}}}`, nil, `{"data":{"findScene":{"tags":[{"name":"New"}]}}}`)
	s.Change(1, func(*stashtest.Scene) {})
	if s.Updated(1) == before {
		t.Error("an edit of a scene did not move updated_at")
	}
	res, _ := s.post(`{version{version}}`, nil)
	if got := res.Header.Get("Date"); got != "Fri, 02 Jan 2026 03:04:06 GMT" {
		t.Errorf("Date = %s", got)
	}
}

func TestFilters(t *testing.T) {
	s := newStash(t)
	for id, path := range []string{"", "/v/a_b.mp4", "/v/axb.mp4", "/v/A_B.MP4", "/v/ä.mp4", "/v/Ä.mp4", "/v/100%.mp4"} {
		if id > 0 {
			s.Add(stashtest.Scene{ID: id, Files: []stashtest.File{{Path: "/other"}, {Path: path}}})
		}
	}
	path := func(p string) string { return `path:{value:"` + p + `",modifier:EQUALS}` }
	for filter, want := range map[string]string{
		``:                   "1 2 3 4 5 6",
		path("/v/a_b.mp4"):   "1 2 3", // LIKE: a wildcard, and no case in ASCII
		path("/V/AXB.mp4"):   "2",
		path("/v/ä.mp4"):     "4",
		path("/v/%.mp4"):     "1 2 3 4 5 6",
		path("/v/100%.mp4"):  "6",
		path("/v/a_b"):       "",
		path("%%_/axb.%mp4"): "2",

		path("/v/axb.mp4") + `,OR:{` + path("/v/Ä.mp4") + `,OR:{` + path("/v/ä.mp4") + `}}`:                                                          "2 4 5",
		`id:{value:4,modifier:GREATER_THAN}`:                                                                                                         "5 6",
		`id:{value:1,modifier:GREATER_THAN},AND:{` + path("/v/a_b.mp4") + `,OR:{` + path("/v/ä.mp4") + `}}`:                                          "2 3 4",
		`id:{value:1,modifier:GREATER_THAN},NOT:{` + path("/v/a_b.mp4") + `}`:                                                                        "4 5 6",
		`id:{value:4,modifier:GREATER_THAN},` + path("/v/100%.mp4"):                                                                                  "6",
		`OR:{` + path("/v/axb.mp4") + `}`:                                                                                                            "2",
		`id:{value:9,modifier:GREATER_THAN},OR:{id:{value:3,modifier:GREATER_THAN},updated_at:{value:"9",modifier:GREATER_THAN}}`:                    "",
		`id:{value:9,modifier:GREATER_THAN},updated_at:{value:"0",modifier:GREATER_THAN},OR:{id:{value:5,modifier:GREATER_THAN},path:null,AND:null}`: "6",
	} {
		_, body := s.post(`{findScenes(scene_filter:{`+filter+`}){scenes{id}}}`, nil)
		var answer struct {
			Data struct {
				FindScenes struct{ Scenes []struct{ ID string } }
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || strings.Contains(body, "errors") {
			t.Fatalf("%s: %s", filter, body)
		}
		var ids []string
		for _, scene := range answer.Data.FindScenes.Scenes {
			ids = append(ids, scene.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("{%s} = %s, want %s", filter, got, want)
		}
	}
}

func TestSettingsOfAPluginWithoutAnyAreAbsent(t *testing.T) {
	s := newStash(t)
	s.want(`{configuration{plugins}}`, nil, `{"data":{"configuration":{"plugins":{}}}}`)
	s.SetSettings("a", map[string]any{"n": 5, "half": 0.5, "b": true})
	s.SetSettings("b", map[string]any{"s": ""})
	s.want(`{configuration{plugins(include:["a"])}}`, nil, `{"data":{"configuration":{"plugins":{"a":{"b":true,"half":0.5,"n":5}}}}}`)
	s.want(`{configuration{plugins(include:["A"])}}`, nil, `{"data":{"configuration":{"plugins":{}}}}`)
	s.want(`{configuration{plugins}}`, nil, `{"data":{"configuration":{"plugins":{"a":{"b":true,"half":0.5,"n":5},"b":{"s":""}}}}}`)
}

func TestEmptyQueueIsNullAndTenJobsAreRemembered(t *testing.T) {
	s := newStash(t)
	s.want(`{jobQueue{id}}`, nil, `{"data":{"jobQueue":null}}`)
	for range 11 {
		s.Hold("Scanning...")()
	}
	release := s.Hold("Scanning...")
	s.Hold("Generating...")()
	s.want(`{jobQueue{status}}`, nil, `{"data":{"jobQueue":[{"status":"RUNNING"}]}}`)
	again := s.Hold("Generating...")
	s.want(`{jobQueue{status}}`, nil, `{"data":{"jobQueue":[{"status":"RUNNING"},{"status":"READY"}]}}`)
	release()
	again()
	s.want(`{old:findJob(input:{id:4}){id} one:findJob(input:{id:5}){id status error} none:findJob(input:{id:99}){id}}`, nil,
		`{"data":{"none":null,"old":null,"one":{"error":null,"id":"5","status":"FINISHED"}}}`)
	s.want(`mutation{a:runPluginTask(plugin_id:"p",task_name:"T") b:runPluginTask(plugin_id:"p",description:"D") c:runPluginTask(plugin_id:"p")}`, nil,
		`{"data":{"a":"15","b":"16","c":"17"}}`)
	s.want(`{jobQueue{id status description}}`, nil, `{"data":{"jobQueue":[{"description":"Running plugin task: T","id":"15","status":"READY"},`+
		`{"description":"Running plugin task: D","id":"16","status":"READY"},{"description":"Running plugin task: p","id":"17","status":"READY"}]}}`)
	if s.Asked() != 3 {
		t.Errorf("Asked = %d", s.Asked())
	}
}

func TestStoppedServerRefusesUntilItIsRestarted(t *testing.T) {
	s := newStash(t)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	get := func() error {
		res, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/graphql", s.Port()), "application/json", strings.NewReader(`{"query":"{version{version}}"}`))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
	if err := get(); err != nil {
		t.Error(err)
	}
	s.Stop()
	if err := get(); !isDial(err) {
		t.Errorf("stopped: %v", err)
	}
	if err := s.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := get(); err != nil {
		t.Errorf("restarted: %v", err)
	}
}

// A server that is stopped before it accepts connections has listened nevertheless.
func TestPortIsFreeAsSoonAsTheServerHasStopped(t *testing.T) {
	s := newStash(t)
	for range 200 {
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

// isDial reports whether a connection failed. Its error depends on the system.
func isDial(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}
