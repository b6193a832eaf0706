package stashtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// family is a Stash with tags 1 > 2 > 3, 1 > 4 and 5, studios 1 > 2 > 3, and a scene for each.
func family(t *testing.T) *stash {
	t.Helper()
	s := newStash(t)
	for i, name := range []string{"Top", "middle", "Low", "Side", "other tag"} {
		id := i + 1
		s.Name("tag", id, name)
		s.Name("performer", id, name)
		s.Name("group", id, name)
		s.Name("studio", id, name)
		s.Add(stashtest.Scene{ID: id, Tags: []int{id}, Performers: []int{id}, Groups: []int{id}, Studio: id, Updated: time.Unix(1000, 0)})
	}
	s.SetParents(2, 1)
	s.SetParents(3, 2)
	s.SetParents(4, 5, 1)
	s.SetParentsOf("studio", 2, 1)
	s.SetParentsOf("studio", 3, 2)
	return s
}

// ids sends a query and returns the ids in the answer.
func (s *stash) ids(query string) string {
	s.Helper()
	_, body := s.post(query, nil)
	type rows []struct{ ID string }
	var answer struct {
		Data struct {
			FindScenes struct{ Scenes rows }
			FindTags   struct{ Tags rows }
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || strings.Contains(body, "errors") {
		s.Fatalf("%s: %s", query, body)
	}
	var ids []string
	for _, row := range append(answer.Data.FindScenes.Scenes, answer.Data.FindTags.Tags...) {
		ids = append(ids, row.ID)
	}
	return strings.Join(ids, " ")
}

func TestScenesAreFoundByNamedObjects(t *testing.T) {
	s := family(t)
	for filter, want := range map[string]string{
		`tags:{value:[1],modifier:INCLUDES}`:                                            "1",
		`tags:{value:["1","5"],modifier:INCLUDES,depth:0}`:                              "1 5",
		`tags:{value:[1],modifier:INCLUDES,depth:1}`:                                    "1 2 4",
		`tags:{value:[1],modifier:INCLUDES,depth:-1}`:                                   "1 2 3 4",
		`tags:{value:[3],modifier:INCLUDES,depth:-1}`:                                   "3",
		`tags:{value:[99],modifier:INCLUDES,depth:-1}`:                                  "",
		`studios:{value:[1],modifier:INCLUDES}`:                                         "1",
		`studios:{value:[1],modifier:INCLUDES,depth:-1}`:                                "1 2 3",
		`groups:{value:[2],modifier:INCLUDES,depth:-1}`:                                 "2",
		`performers:{value:[2,4],modifier:INCLUDES}`:                                    "2 4",
		`performers:{value:[],modifier:INCLUDES}`:                                       "1 2 3 4 5", // a trap: no ids are no restriction
		`tags:{modifier:INCLUDES}`:                                                      "1 2 3 4 5",
		`id:{value:1,modifier:GREATER_THAN},tags:{value:[1],modifier:INCLUDES,depth:1}`: "2 4",
		`tags:{value:[3],modifier:INCLUDES},OR:{studios:{value:[5],modifier:INCLUDES}}`: "3 5",
	} {
		if got := s.ids(`{findScenes(scene_filter:{` + filter + `}){scenes{id}}}`); got != want {
			t.Errorf("{%s} = %q, want %q", filter, got, want)
		}
	}
	for _, filter := range []string{
		`tags:{value:[1],modifier:EXCLUDES}`, `tags:{value:[1],modifier:INCLUDES_ALL}`, `performers:{value:[1],modifier:INCLUDES,excludes:[2]}`, `performers:{value:["x"],modifier:INCLUDES}`,
	} {
		if _, body := s.post(`{findScenes(scene_filter:{`+filter+`}){count}}`, nil); !strings.Contains(body, `"data":null`) {
			t.Errorf("%s: %s", filter, body)
		}
	}
	if res, _ := s.post(`{findScenes(scene_filter:{performers:{value:[1],modifier:INCLUDES,depth:-1}}){count}}`, nil); res.StatusCode != 422 {
		t.Errorf("performers with a depth: %d", res.StatusCode)
	}
}

func TestTagsAreFoundByNameAndByParents(t *testing.T) {
	s := family(t)
	for args, want := range map[string]string{
		``:                                 "3 2 5 4 1", // by name, without case
		`filter:{sort:"id",direction:ASC}`: "1 2 3 4 5",
		`filter:{per_page:2}`:              "3 2",
		`tag_filter:{name:{value:"TOP",modifier:EQUALS}}`:                   "1",
		`tag_filter:{name:{value:"t%",modifier:EQUALS}}`:                    "1",
		`tag_filter:{name:{value:"^(Top|Low)$",modifier:MATCHES_REGEX}}`:    "3 1",
		`tag_filter:{name:{value:"^top$",modifier:MATCHES_REGEX}}`:          "",
		`tag_filter:{name:{value:"(?i)T",modifier:MATCHES_REGEX}}`:          "5 1",
		`tag_filter:{parents:{value:[1],modifier:INCLUDES}}`:                "2 4",
		`tag_filter:{parents:{value:[1],modifier:INCLUDES,depth:1}}`:        "3 2 4",
		`tag_filter:{parents:{value:[1],modifier:INCLUDES,depth:-1}}`:       "3 2 4",
		`tag_filter:{parents:{value:[2,5],modifier:INCLUDES,depth:-1}}`:     "3 4",
		`tag_filter:{parents:{value:[3],modifier:INCLUDES,depth:-1}}`:       "",
		`tag_filter:{NOT:{parents:{value:[1],modifier:INCLUDES,depth:-1}}}`: "5 1",
	} {
		if args != "" {
			args = "(" + args + ")"
		}
		if got := s.ids(`{findTags` + args + `{tags{id}}}`); got != want {
			t.Errorf("findTags%s = %q, want %q", args, got, want)
		}
	}
	s.want(`{findTags(filter:{per_page:1}){count tags{id name}}}`, nil, `{"data":{"findTags":{"count":5,"tags":[{"id":"3","name":"Low"}]}}}`)
	for _, args := range []string{
		`ids:[1]`, `filter:{page:2}`, `filter:{sort:"random"}`, `tag_filter:{name:{value:"(",modifier:MATCHES_REGEX}}`, `tag_filter:{name:{value:"x",modifier:INCLUDES}}`, `tag_filter:{favorite:true}`,
	} {
		if _, body := s.post(`{findTags(`+args+`){count}}`, nil); !strings.Contains(body, `"data":null`) {
			t.Errorf("findTags(%s): %s", args, body)
		}
	}
}

func TestMergedTagReplacesTheOthers(t *testing.T) {
	s := family(t)
	s.Change(1, func(scene *stashtest.Scene) { scene.Tags = []int{2, 4, 5} })
	before := s.Updated(1)
	s.SetClock(func() time.Time { return time.Now().Add(time.Hour) })
	s.MergeTags(5, 2, 4)
	s.want(`{findScene(id:1){tags{id}}}`, nil, `{"data":{"findScene":{"tags":[{"id":"5"}]}}}`)
	if got := s.ids(`{findScenes(scene_filter:{tags:{value:[1],modifier:INCLUDES,depth:-1}}){scenes{id}}}`); got != "1 2 3 4 5" {
		t.Errorf("below tag 1: %s", got) // 5 is below 1 now, and 3 below 5
	}
	if got := s.ids(`{findTags{tags{id}}}`); got != "3 5 1" || s.Updated(1) != before {
		t.Errorf("tags %s, scene 1 of %s, before %s", got, s.Updated(1), before)
	}
	if got := s.ids(`{findTags(tag_filter:{parents:{value:[5],modifier:INCLUDES,depth:-1}}){tags{id}}}`); got != "3" {
		t.Errorf("below tag 5: %s", got)
	}
}

func TestMergedTagIsBelowNoneOfTheOthers(t *testing.T) {
	s := family(t)
	s.MergeTags(5, 3, 2)
	for above, want := range map[int]string{1: "5 4", 2: "", 3: ""} {
		if got := s.ids(fmt.Sprintf(`{findTags(tag_filter:{parents:{value:[%d],modifier:INCLUDES,depth:-1}}){tags{id}}}`, above)); got != want {
			t.Errorf("below tag %d: %s, want %s", above, got, want)
		}
	}
}

func TestRemovedObjectsLeaveTheirScenes(t *testing.T) {
	s := family(t)
	before := s.Updated(2)
	s.SetClock(func() time.Time { return time.Now().Add(time.Hour) })
	for _, kind := range []string{"performer", "studio", "tag", "group"} {
		s.DropNamed(kind, 2, 3)
	}
	s.want(`{findScene(id:2){performers{id} studio{id} tags{id} groups{group{id}}}}`, nil, `{"data":{"findScene":{"groups":[],"performers":[],"studio":null,"tags":[]}}}`)
	s.want(`{findScene(id:4){performers{id} studio{id} tags{id} groups{group{id}}}}`, nil,
		`{"data":{"findScene":{"groups":[{"group":{"id":"4"}}],"performers":[{"id":"4"}],"studio":{"id":"4"},"tags":[{"id":"4"}]}}}`)
	if s.Updated(2) != before {
		t.Error("updated_at has moved")
	}
	if id := s.Name("tag", 0, "New"); id != 6 {
		t.Errorf("a new tag has id %d, want 6", id)
	}
	if got := s.ids(`{findScenes(scene_filter:{studios:{value:[2],modifier:INCLUDES}}){scenes{id}}}`); got != "" {
		t.Errorf("scenes of a studio that is gone: %s", got)
	}
}

func TestMovedFilesFireNoHook(t *testing.T) {
	s := newStash(t)
	at := time.Unix(1000, 0)
	s.SetClock(func() time.Time { return at })
	files := []stashtest.File{{Path: "/a", Size: 1}, {Path: "/b", Size: 2}}
	s.Add(stashtest.Scene{ID: 1, Files: files}, stashtest.Scene{ID: 2, Files: files[:1]}, stashtest.Scene{ID: 3, Files: []stashtest.File{{Path: "/c"}}})
	before := s.Updated(1)
	at = at.Add(time.Hour)
	paths := func(id int) string {
		_, body := s.post(fmt.Sprintf(`{findScene(id:%d){files{path size}}}`, id), nil)
		return body
	}
	s.MoveFile(1, "/new/a")
	if got := paths(1); got != `{"data":{"findScene":{"files":[{"path":"/new/a","size":1},{"path":"/b","size":2}]}}}` || strings.Contains(paths(2), "new") {
		t.Errorf("moved: %s and %s", got, paths(2))
	}
	s.AssignFile(2, 1)
	if one, two := paths(1), paths(2); strings.Contains(one, "/b") || two != `{"data":{"findScene":{"files":[{"path":"/a","size":1},{"path":"/b","size":2}]}}}` {
		t.Errorf("assigned: %s and %s", one, two)
	}
	if s.Updated(1) != before || s.Updated(2) != before {
		t.Error("updated_at has moved")
	}
	s.MergeScenes(1, 2, 3)
	if got := paths(1); strings.Count(got, `"path"`) != 4 || !strings.HasPrefix(got, `{"data":{"findScene":{"files":[{"path":"/new/a"`) || s.Updated(1) == before {
		t.Errorf("merged: %s of %s", got, s.Updated(1))
	}
	s.want(`{findScenes{scenes{id}}}`, nil, `{"data":{"findScenes":{"scenes":[{"id":"1"}]}}}`)
	defer func() {
		if recover() == nil {
			t.Error("a scene has lost its only file")
		}
	}()
	s.Add(stashtest.Scene{ID: 4, Files: files[:1]})
	s.AssignFile(1, 4)
}

func TestHooksOfNamedObjects(t *testing.T) {
	w := newWorld(t, plain)
	for _, kind := range []string{"performer", "studio", "tag", "group"} {
		w.Server.Name(kind, 7, "Old")
		w.Server.Name(kind, 8, "Other")
	}
	w.Server.Change(1, func(s *stashtest.Scene) { s.Tags, s.Studio, s.Performers, s.Groups = []int{8}, 7, []int{7}, []int{7} })
	before := w.Server.Updated(1)
	ctx := t.Context()
	w.UpdateNamed(ctx, "performer", 7, "New")
	w.UpdateNamed(ctx, "studio", 7, "New")
	w.UpdateNamed(ctx, "tag", 7, "New")
	w.UpdateNamed(ctx, "group", 7, "New")
	w.DestroyNamed(ctx, "performer", 7)
	w.DestroyNamed(ctx, "studio", 7, 8)
	w.DestroyNamed(ctx, "group", 7)
	w.MergeTags(ctx, 7, 8)
	s := &stash{t, w.Server}
	s.want(`{findScene(id:1){tags{id}}}`, nil, `{"data":{"findScene":{"tags":[{"id":"7"}]}}}`)
	w.DestroyNamed(ctx, "tag", 7)
	var got []string
	hooks := w.hooks()
	for _, hook := range hooks {
		got = append(got, fmt.Sprint(hook["type"], " ", hook["id"], " ", hook["inputFields"]))
	}
	const fields = " 7 [name id]"
	want := []string{
		"Performer.Update.Post" + fields, "Studio.Update.Post" + fields, "Tag.Update.Post" + fields, "Group.Update.Post" + fields, "Movie.Update.Post" + fields,
		"Performer.Destroy.Post 7 <nil>", "Studio.Destroy.Post 7 <nil>", "Studio.Destroy.Post 8 <nil>", "Group.Destroy.Post 7 <nil>", "Movie.Destroy.Post 7 <nil>",
		"Tag.Merge.Post 7 <nil>", "Tag.Destroy.Post 7 <nil>",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("hooks = %q\nwant  = %q", got, want)
	}
	input := func(i int) string {
		text, err := json.Marshal(hooks[i]["input"])
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for i, want := range map[int]string{2: `{"id":"7","name":"New"}`, 5: `{"id":"7"}`, 6: `["7","8"]`, 7: `["7","8"]`, 10: `{"destination":"7","source":["8"]}`} {
		if input(i) != want {
			t.Errorf("input of %s: %s", want, input(i))
		}
	}
	for _, i := range []int{0, 1} {
		if in := hooks[i]["input"].(map[string]any); in["id"] != "7" || in["name"] != "New" || len(in) < 10 {
			t.Errorf("input: %s", input(i))
		}
	}
	if w.Server.Updated(1) != before {
		t.Error("updated_at of a scene has moved")
	}
	s.want(`{findScene(id:1){tags{id} studio{id} performers{id} groups{group{id}}}}`, nil, `{"data":{"findScene":{"groups":[],"performers":[],"studio":null,"tags":[]}}}`)
}

func TestDisconnectDropsTheHooksOfOtherNamedObjects(t *testing.T) {
	w := newWorld(t, plain)
	defer w.hold()()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.DestroyNamed(ctx, "tag", 1, 2, 3)
	}()
	w.until("in the first hook", func() bool { return len(w.notes()) == 1 })
	cancel()
	<-done
	w.until("stopped", func() bool { return len(w.notes()) == 2 && len(w.Processes()) == 0 })
	if notes := w.notes(); notes[1] != "stopped" {
		t.Errorf("notes = %q", notes)
	}
}
