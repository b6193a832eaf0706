package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// texts reads a column from the queue.
func (w *world) texts(query string) []string {
	w.Helper()
	var all string
	w.get(`SELECT json_group_array(v) FROM (SELECT v FROM (`+query+`))`, &all)
	var list []string
	w.must(json.Unmarshal([]byte(all), &list))
	return list
}

// dump returns what the queue holds.
func (w *world) dump() string {
	w.Helper()
	var all strings.Builder
	for _, table := range w.texts(`SELECT name AS v FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`) {
		columns := w.texts(`SELECT group_concat(name, ', ') AS v FROM pragma_table_info('` + table + `')`)
		for _, row := range w.texts(`SELECT json_array(` + columns[0] + `) AS v FROM ` + table) {
			fmt.Fprintln(&all, table, row)
		}
	}
	return all.String()
}

// field returns what an operation says about a field of the first item.
func field(out map[string]any, name string) map[string]any {
	items := out["items"].([]any)
	if len(items) == 0 {
		return nil
	}
	for _, f := range items[0].(map[string]any)["fields"].([]any) {
		if one := f.(map[string]any); one["field"] == name {
			return one
		}
	}
	return nil
}

func TestSceneShowsEachSideOfAField(t *testing.T) {
	w := newWorld(t, 3)
	w.settings(map[string]any{"keepPlexEdits": true})
	w.bulk("New", 1, 2)
	w.process()
	w.idle()
	w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Title = "mine" })
	w.stash.Change(1, func(s *stashtest.Scene) { s.Title, s.Details = "Newer", "Text" })
	w.stash.Change(3, func(s *stashtest.Scene) { s.Title = "Other" })
	scene := func(id int) map[string]any { return w.op(map[string]any{"mode": "scene", "scene_id": id}) }
	before := w.dump()
	w.plex.Forget()
	out := scene(1)
	title, details := field(out, "title"), field(out, "details")
	if title["stash"] != "Newer" || title["plex"] != "mine" || title["sent"] != "New" || title["original"] != "clip1" || title["kept"] != true || title["would"] != "keep" || title["locked_by_us"] != true {
		t.Errorf("title: %v", title)
	}
	if details["stash"] != "Text" || details["plex"] != "" || details["would"] != "write" || details["sent"] != nil {
		t.Errorf("details: %v", details)
	}
	if out["title"] != "Newer" || out["state"] != "synced" || len(out["attempts"].([]any)) == 0 {
		t.Errorf("scene: %v", out)
	}
	w.plex.Remove(w.keys[2])
	if gone := scene(2); gone["items"].([]any)[0].(map[string]any)["absent"] != true || gone["why_not"] == nil {
		t.Errorf("a scene whose item is gone: %v", gone)
	}
	if unknown := scene(3); unknown["state"] != "unknown" || unknown["items"].([]any)[0].(map[string]any)["pushed_at"] != nil || field(unknown, "title")["plex"] != "clip3" {
		t.Errorf("a scene that was never pushed: %v", unknown)
	}
	if missing := scene(99); missing["state"] != "unknown" || missing["title"] != "" {
		t.Errorf("a scene that Stash does not have: %v", missing)
	}
	for _, r := range w.plex.Requests() {
		if r.Method != "GET" {
			t.Errorf("it writes: %+v", r)
		}
	}
	if after := w.dump(); after != before {
		t.Errorf("the queue was\n%s\nand is\n%s", before, after)
	}
	w.plex.Stop()
	off := scene(1)
	if title := field(off, "title"); title["plex"] != nil || title["sent"] != "New" || title["locked"] != nil || title["stash"] != "Newer" {
		t.Errorf("Plex is off; title: %v", title)
	}
	if plex := off["plex"].(map[string]any); plex["reachable"] != false || plex["why"] == "" || plex["reason"].(map[string]any)["code"] != "plex_unreachable" {
		t.Errorf("Plex is off: %v", plex)
	}
	w.stash.Inject(stashtest.Fault{Operation: "SceneByID", Status: 500})
	silent := scene(1)
	if title := field(silent, "title"); title["stash"] != nil || title["sent"] != "New" || silent["stash"].(map[string]any)["reachable"] != false || silent["stash"].(map[string]any)["reason"].(map[string]any)["code"] != "stash_unavailable" {
		t.Errorf("Stash fails: %v", silent)
	}
}
