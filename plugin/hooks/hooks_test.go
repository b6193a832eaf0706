package hooks

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/store"
)

func TestParseHookPayloads(t *testing.T) {
	bulk := func(ids ...int) (list []store.Request) {
		for _, id := range ids {
			list = append(list, store.Request{SceneID: id, Reason: "Scene.Update", Priority: store.InBulk})
		}
		return list
	}
	for _, c := range []struct {
		name, context string
		own, priority int
		others        []store.Request
		first, gone   bool
		problem       bool
	}{
		{"a person's edit", `{"id":1,"type":"Scene.Update.Post","input":{"id":"1","title":"x","rating100":null},"inputFields":["title","id"]}`, 1, store.ByPerson, nil, true, false, false},
		{"identify", `{"id":1,"type":"Scene.Update.Post","input":{"id":"1","title":"x"},"inputFields":["title"]}`, 1, store.InBulk, nil, true, false, false},
		{"a scan", `{"id":7,"type":"Scene.Create.Post","input":null}`, 7, store.InBulk, nil, false, false, false},
		{"bulk, first", `{"id":1,"type":"Scene.Update.Post","input":{"ids":["1","2","3"],"rating100":60},"inputFields":["ids"]}`, 1, store.InBulk, bulk(2, 3), true, false, false},
		{"bulk, second", `{"id":2,"type":"Scene.Update.Post","input":{"ids":["1","2","3"]},"inputFields":["ids"]}`, 2, store.InBulk, bulk(1, 3), false, false, false},
		{"scenesUpdate", `{"id":4,"type":"Scene.Update.Post","input":[{"id":"4","title":null},{"id":"5"}],"inputFields":["id"]}`, 4, store.InBulk, bulk(5), true, false, false},
		{"destroy", `{"id":9,"type":"Scene.Destroy.Post","input":{"id":"9","path":"/x"}}`, 9, store.InBulk, nil, true, true, false},
		{"clean", `{"id":9,"type":"Scene.Destroy.Post","input":{"id":"","path":"/x"}}`, 9, store.InBulk, nil, false, true, false},
		{"a list of ids", `{"id":3,"type":"Scene.Update.Post","input":["3","4"]}`, 3, store.InBulk, bulk(4), true, false, false},
		{"the same id twice", `{"id":3,"type":"Scene.Update.Post","input":{"ids":["3","4","4",3]}}`, 3, store.InBulk, bulk(4), true, false, false},
		{"ids of wrong types", `{"id":3,"type":"Scene.Update.Post","input":{"ids":["3",{},null,true,"-1","x",1.5,4]}}`, 3, store.InBulk, bulk(4), true, false, true},
		{"no id of its own", `{"type":"Scene.Update.Post","input":{"ids":["3","4"]}}`, 3, store.InBulk, bulk(4), true, false, true},
		{"an id as text", `{"id":"12","type":"Scene.Update.Post","input":17}`, 12, store.InBulk, nil, false, false, false},
		{"nothing", `null`, 0, 0, nil, false, false, true},
		{"a list", `[1]`, 0, 0, nil, false, false, true},
		{"no scene at all", `{"type":"Scene.Update.Post","id":0,"input":[[]]}`, 0, 0, nil, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var context any
			if err := json.Unmarshal([]byte(c.context), &context); err != nil {
				t.Fatal(err)
			}
			h, handled, problem := Parse(context)
			if !handled || (problem != "") != c.problem {
				t.Fatalf("handled %v, problem %q; want a problem: %v", handled, problem, c.problem)
			}
			if h.Own.SceneID != c.own || h.Own.Priority != c.priority || h.First != c.first || h.Gone != c.gone {
				t.Errorf("record = %+v", h)
			}
			if !reflect.DeepEqual(h.Others, c.others) {
				t.Errorf("others = %+v, want %+v", h.Others, c.others)
			}
			if (h.Event != "") != (len(c.others) > 0) {
				t.Errorf("event = %q for %d others", h.Event, len(c.others))
			}
		})
	}
}

func TestHooksOfNamedObjectsAreFanouts(t *testing.T) {
	for _, c := range []struct {
		name, context string
		want          store.FanoutRecord
		event         bool
	}{
		{"performer edited", `{"id":2,"type":"Performer.Update.Post","input":{"id":"2","name":"x"},"inputFields":["id","name"]}`, store.FanoutRecord{Kind: "performer", Own: 2, First: true}, false},
		{"disambiguation edited", `{"id":2,"type":"Performer.Update.Post","input":{"id":"2","disambiguation":"x"},"inputFields":["id","disambiguation"]}`, store.FanoutRecord{Kind: "performer", Own: 2, First: true}, false},
		{"performers edited", `{"id":2,"type":"Performer.Update.Post","input":{"ids":["1","2","3"]},"inputFields":["ids"]}`, store.FanoutRecord{Kind: "performer", Own: 2, Others: []int{1, 3}}, true},
		{"studio destroyed", `{"id":2,"type":"Studio.Destroy.Post","input":{"id":"2"}}`, store.FanoutRecord{Kind: "studio", Own: 2, First: true}, false},
		{"tags destroyed", `{"id":3,"type":"Tag.Destroy.Post","input":["3","4"]}`, store.FanoutRecord{Kind: "tag", Own: 3, Others: []int{4}, First: true}, true},
		{"tags merged", `{"id":1,"type":"Tag.Merge.Post","input":{"destination":"1","source":["2","3"]}}`, store.FanoutRecord{Kind: "tag", Own: 1, Others: []int{2, 3}}, true},
		{"group edited, no input", `{"id":5,"type":"Group.Update.Post","input":null}`, store.FanoutRecord{Kind: "group", Own: 5}, false},
	} {
		var context any
		if err := json.Unmarshal([]byte(c.context), &context); err != nil {
			t.Fatal(err)
		}
		h, handled, problem := Parse(context)
		if !handled || problem != "" || h.Fanout == nil || h.Empty() || h.Own != (store.Request{}) {
			t.Errorf("%s: %+v, handled %v, problem %q", c.name, h, handled, problem)
			continue
		}
		if got := *h.Fanout; (got.Event != "") != c.event {
			t.Errorf("%s: event %q", c.name, got.Event)
		}
		h.Fanout.Event = ""
		if len(h.Fanout.Others) == 0 {
			h.Fanout.Others = nil
		}
		if !reflect.DeepEqual(*h.Fanout, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, *h.Fanout, c.want)
		}
	}
	if h, _, problem := Parse(map[string]any{"type": "Tag.Update.Post", "input": nil}); !h.Empty() || problem == "" {
		t.Errorf("a hook without any id: %+v, problem %q", h, problem)
	}
}

func TestForeignHooksAreNotHandled(t *testing.T) {
	if _, handled, problem := Parse(map[string]any{"type": "Gallery.Update.Post", "id": 1.0}); handled || problem == "" {
		t.Errorf("handled %v, problem %q", handled, problem)
	}
}

func TestHooksOfOneEventHaveTheSameHash(t *testing.T) {
	hash := func(id float64, path string) string {
		h, _, _ := Parse(map[string]any{
			"type": "Scene.Destroy.Post", "id": id,
			"input": map[string]any{"ids": []any{"1", "2"}, "path": path, "checksum": path, "oshash": path},
		})
		return h.Event
	}
	if a, b := hash(1, "/a"), hash(2, "/b"); a != b || a == "" {
		t.Errorf("hashes %q and %q, want them equal", a, b)
	}
}

// The allocations for a hook depend on its ids only, not on the rest of its input.
func TestParsingAllocatesOnlyForIDs(t *testing.T) {
	input := map[string]any{"id": "1", "cover_image": strings.Repeat("A", 1<<20)}
	for i := range 100 {
		input[fmt.Sprintf("field_%d", i)] = []any{"1", "2", nil}
	}
	hook := map[string]any{"id": 1.0, "type": "Scene.Update.Post", "input": input, "inputFields": []any{"id", "title"}}
	if n := testing.AllocsPerRun(20, func() { Parse(hook) }); n > 20 {
		t.Errorf("%.0f allocations, want at most 20", n)
	}
}
