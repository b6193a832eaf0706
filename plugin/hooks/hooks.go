// Package hooks parses what Stash sends with a hook.
package hooks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/stash-plex-sync/stash-plex-sync/plugin/text"
	"github.com/stash-plex-sync/stash-plex-sync/store"
)

// Key is the argument that distinguishes a hook from a task or an operation.
const Key = "hookContext"

// idsAtMost limits the scenes of one event; real events are far smaller.
const idsAtMost = 1_000_000

// ownFields differ between the hooks of one event, so the event's hash ignores them.
const ownFields = " checksum oshash path "

// Parse parses a hook's context. Its input may be null (scans), an object with id or ids, a list of objects
// (scenesUpdate) or a list of ids (plural destroys), with any number of fields of any size. Parse returns what it
// can read; problem says in one line what it cannot. handled is false for hooks of other types.
func Parse(context any) (h store.HookRecord, handled bool, problem string) {
	c, ok := context.(map[string]any)
	if !ok {
		return h, true, fmt.Sprintf("cannot read a hook of Stash: its context is %s, not an object", kindOf(context))
	}
	event, _ := c["type"].(string)
	if !slices.Contains(Types(), event) {
		return h, false, fmt.Sprintf("this plugin does not handle hook %q", text.OneLine(event, text.ValueLimit))
	}
	of, _, _ := strings.Cut(event, ".")
	ids, bad := idsOf(c["input"], event == TagMerge)
	own := ID(c["id"])
	if own == 0 && len(ids) > 0 { // the ids of the input say which scenes the event is about
		own, problem = ids[0], event+" has no id of its own; the first id of its input is used"
	}
	if own == 0 {
		return h, true, fmt.Sprintf("%s has no id of a %s: nothing is queued", event, strings.ToLower(of))
	}
	if bad > 0 {
		problem = fmt.Sprintf("%s of %s cannot be read", text.Count(bad, "id", "ids"), event)
	}
	first := len(ids) > 0 && ids[0] == own
	others := slices.DeleteFunc(ids, func(id int) bool { return id == own })
	hash := ""
	if len(others) > 0 {
		hash = eventHash(event, c["input"])
	}
	if of != "Scene" {
		h.Fanout = &store.FanoutRecord{Kind: strings.ToLower(of), Own: own, Others: others, First: first, Event: hash}
		return h, true, problem
	}
	return scenesHook(c, event, store.HookRecord{First: first, Event: hash}, own, others), true, problem
}

// TagMerge is the only handled hook that Stash fires once for all objects of its event.
const TagMerge = "Tag.Merge.Post"

// Types returns the handled hooks. Stash fires Movie.Update beside Group.Update for the same group.
func Types() []string {
	list := []string{"Scene.Create.Post", "Scene.Update.Post", "Scene.Destroy.Post", TagMerge}
	for _, kind := range []string{"Performer", "Studio", "Tag", "Group"} {
		list = append(list, kind+".Update.Post", kind+".Destroy.Post")
	}
	return list
}

// scenesHook returns the record of a hook of scenes.
func scenesHook(c map[string]any, event string, h store.HookRecord, own int, others []int) store.HookRecord {
	h.Gone = event == "Scene.Destroy.Post"
	h.Own = store.Request{SceneID: own, Reason: strings.TrimSuffix(event, ".Post"), Priority: store.InBulk}
	if event == "Scene.Update.Post" && personsEdit(c) {
		h.Own.Priority = store.ByPerson
	}
	for _, id := range others {
		h.Others = append(h.Others, store.Request{SceneID: id, Reason: h.Own.Reason, Priority: store.InBulk})
	}
	return h
}

// personsEdit reports whether the event is an edit of one scene: one object, with id among the fields that
// were sent. Identify sends no "id", bulk changes send "ids" or a list.
func personsEdit(c map[string]any) bool {
	if _, one := c["input"].(map[string]any); !one {
		return false
	}
	fields, _ := c["inputFields"].([]any)
	return slices.Contains(fields, any("id"))
}

// idsOf returns the distinct ids of a hook's input in their order, and how many it could not read. For a merge it
// returns the sources: their scenes changed, not those of the destination.
func idsOf(input any, merge bool) (ids []int, bad int) {
	seen := make(map[int]bool)
	add := func(v any) {
		id := ID(v)
		switch {
		case id == 0:
			bad++
		case !seen[id] && len(ids) < idsAtMost:
			seen[id] = true
			ids = append(ids, id)
		}
	}
	switch in := input.(type) {
	case map[string]any:
		name := "ids"
		if merge {
			name = "source"
		}
		if list, ok := in[name].([]any); ok {
			for _, v := range list {
				add(v)
			}
		} else if v, ok := in["id"]; ok && v != nil && v != "" { // metadataClean sends ""
			add(v)
		}
	case []any:
		for _, v := range in {
			if object, ok := v.(map[string]any); ok {
				v = object["id"]
			}
			add(v)
		}
	}
	return ids, bad
}

// ID returns an id given as a JSON number or as text; 0 if it is neither, or out of range.
func ID(v any) int {
	switch v := v.(type) {
	case float64:
		if v >= 1 && v <= math.MaxInt32 && v == math.Trunc(v) {
			return int(v)
		}
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 32); err == nil && n > 0 {
			return int(n)
		}
	}
	return 0
}

// eventHash identifies an event that fires several hooks. It ignores ownFields.
func eventHash(event string, input any) string {
	if object, ok := input.(map[string]any); ok {
		shared := maps.Clone(object)
		maps.DeleteFunc(shared, func(field string, _ any) bool { return strings.Contains(ownFields, " "+field+" ") })
		input = shared
	}
	sum := sha256.New()
	sum.Write([]byte(event + "\n"))                            // a hash never fails
	if err := json.NewEncoder(sum).Encode(input); err != nil { // maps are encoded in the order of their keys
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "a list"
	case string:
		return "a text"
	case float64:
		return "a number"
	case bool:
		return "a boolean"
	}
	return fmt.Sprintf("%T", v)
}
