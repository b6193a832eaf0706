package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// states counts the scenes of Stash by what explain says of each.
func (w *world) states(scenes []int) map[string]int {
	w.Helper()
	n := make(map[string]int)
	for _, id := range scenes {
		state := w.explain(id)["state"].(string)
		if state == "queued" {
			state = "waiting"
		}
		n[state]++
	}
	return n
}

// Whatever a person, Stash and Plex do in which order: each scene counts once, and the overview counts it as what explain
// says of it. The overview counts rows, and explain reads the history of a scene.
func TestOverviewAndExplainAgree(t *testing.T) {
	for _, seed := range []uint64{15, 16} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 7))
			w := newWorld(t, 6)
			w.occupied()
			left := w.plex.AddItem(w.section, "/left/clip1.mp4", 1001) // beside the item of scene 1: ambiguous without a choice
			w.plex.Edit(w.keys[1], func(it *plextest.Item) { it.Files[0].Path = "/right/clip1.mp4" })
			hidden := w.stash.Name("tag", 0, "Hidden")
			w.settings(map[string]any{"excludeTags": "Hidden"})
			scenes := []int{1, 2, 3, 4, 5, 6}
			w.process()
			try := func(mode string, args map[string]any) {
				args["mode"] = mode
				_, _ = w.host.Operation(w.context(), args) // may be refused: there may be nothing to forget
			}
			for step := range 45 {
				one := scenes[random.IntN(len(scenes))]
				ids := []any{float64(one), float64(scenes[random.IntN(len(scenes))])}
				what := []string{
					"edit", "edit", "edit", "process", "process", "process", "hide", "retry", "retry list", "postpone", "remove", "clear-queue",
					"clear-dead", "link", "forget", "restore", "refuse", "lose", "find", "destroy", "pause", "resume", "sync-scenes", "pass",
				}[random.IntN(24)]
				switch what {
				case "edit":
					w.edit(one, fmt.Sprint("Title ", step))
				case "process":
					w.process()
				case "hide":
					w.host.BulkUpdate(w.context(), []int{one}, func(s *stashtest.Scene) {
						if s.Tags = []int{hidden}; random.IntN(2) == 0 {
							s.Tags = nil
						}
					})
				case "retry list":
					try("retry", map[string]any{"list": []any{"jobs", "dead-letters"}[random.IntN(2)]})
				case "postpone":
					try(what, map[string]any{"scene_ids": ids, "minutes": 5.0})
				case "retry", "remove", "sync-scenes":
					try(what, map[string]any{"scene_ids": ids})
				case "clear-queue", "clear-dead", "pause", "resume":
					try(what, map[string]any{})
				case "link":
					try(what, map[string]any{"scene_id": float64(one), "rating_key": []string{left, w.keys[1], w.keys[one]}[random.IntN(3)]})
				case "forget", "restore":
					try(what, map[string]any{"scene_id": float64(one)})
				case "refuse":
					w.plex.Inject(plextest.Fault{Method: "PUT", Status: []int{400, 500}[random.IntN(2)], Times: 2})
				case "lose":
					w.plex.Remove(w.keys[one])
				case "find":
					w.keys[one] = w.plex.AddItem(w.section, fmt.Sprintf("/data/videos/%d/clip%d.mp4", one%7, one), int64(1000+one))
				case "destroy":
					if len(scenes) > 4 {
						w.host.Destroy(w.context(), one)
						scenes = slices.DeleteFunc(scenes, func(id int) bool { return id == one })
					}
				case "pass":
					w.pass(10 * time.Minute)
				}
				c := w.op(map[string]any{"mode": "overview"})["coverage"].(map[string]any)
				n := func(name string) int { return int(c[name].(float64)) }
				out := int(c["left_out"].(map[string]any)["total"].(float64))
				sum := n("up_to_date") + n("pending") + n("not_found") + n("dead") + n("restored") + out + n("never_pushed")
				said := w.states(scenes)
				lost := n("scenes") - n("never_pushed") - n("pending") - n("dead") - n("restored") - out - n("up_to_date") // not found
				if sum != len(scenes) || n("deleted") != 0 || lost != n("not_found") {
					t.Fatalf("step %d, %s %v: the states do not add up to %d scenes: %v", step, what, ids, len(scenes), c)
				}
				// A scene that is not found waits, or was pushed to an item that Plex has lost.
				if said["dead"] != n("dead") || said["skipped"] != out+n("restored") || said["unknown"] != n("never_pushed") || said["waiting"] < n("pending") || said["synced"] < n("up_to_date") {
					var texts []string
					for _, id := range scenes {
						texts = append(texts, fmt.Sprint(id, " ", w.explain(id)["text"]))
					}
					t.Fatalf("step %d, %s %v: explain says %v, the overview %v\n%s", step, what, ids, said, c, strings.Join(texts, "\n"))
				}
			}
		})
	}
}
