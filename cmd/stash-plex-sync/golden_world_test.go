package main

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
	"github.com/stash-plex-sync/stash-plex-sync/plugin/stashapi/stashtest"
)

// The scenes of the golden world, named for what becomes of them in the first run.
const (
	rich      = 1 + iota // every field is pushed, a poster and locks among them
	plain                // a title alone
	absent               // not in Plex: waits
	ambiguous            // two Plex items fit: dead letter with candidates
	excluded             // below a tag of excludeTags: skipped
	deleted              // gone from Stash while it is queued
	failing              // Plex answers 500: retried
	refused              // Plex answers 400: dead letter
	double               // in two libraries
	crashing             // the program died on it again and again
	named                // matched by name and size, as are the next two, which teach a path
	named2
	named3
	learned  // matched by what they taught
	foldered // matched by its folders
	mapped   // matched by pathMap
)

// firstMachine is the Plex server's identity until the test changes it.
const firstMachine = "11111111111111111111111111111111111111aa"

func newGolden(t *testing.T) *golden {
	w := newWorld(t, crashing)
	g := &golden{world: w, names: make(map[string]bool)}
	w.plex.SetMachine(firstMachine)
	w.stash.SetClock(func() time.Time { return time.Now().Add(-time.Hour) }) // edits of the last two seconds are treated differently
	for _, f := range []struct {
		stash, plex string
		bigger      int64 // by how many bytes, in Plex
	}{
		{"/stash/v/a/x.mp4", "/plex/v/a/x.mp4", 0}, // named and so on, in the order of the constants
		{"/stash/v/b/x.mp4", "/plex/v/b/x.mp4", 0},
		{"/stash/v/c/x.mp4", "/plex/v/c/x.mp4", 0},
		{"/stash/v/d/x.mp4", "/plex/v/d/x.mp4", 0},
		{"/here/one/two/y.mp4", "/there/one/two/y.mp4", 1},
		{"/mapped/z.mp4", "/to/z.mp4", 1},
	} {
		id := w.addScene()
		w.plex.Remove(w.keys[id])
		size := int64(1000 + id)
		w.stash.Change(id, func(s *stashtest.Scene) { s.Files = []stashtest.File{{Path: f.stash, Size: size, Duration: 1}} })
		w.keys[id] = w.plex.AddItem(w.section, f.plex, size+f.bigger)
	}
	w.plex.Remove(w.keys[absent])
	w.plex.Remove(w.keys[ambiguous])
	w.plex.AddItem(w.section, "/mnt/left/clip4.mp4", 1000+ambiguous)
	w.plex.AddItem(w.section, "/mnt/right/clip4.mp4", 1000+ambiguous)
	w.plex.AddItem(w.plex.AddSection("More videos", "movie"), "/data/videos/2/clip9.mp4", 1000+double)
	w.furnish(rich)
	w.occupied()
	g.stash.Name("tag", privateTag, "Private")
	g.stash.Name("tag", belowPrivate, "Very private")
	g.stash.SetParents(belowPrivate, privateTag)
	g.settings(nil)
	return g
}

// The tags that keep a scene from Plex.
const (
	privateTag   = 101
	belowPrivate = 102
)

// settings are those of the world, without the lines for every job.
func (g *golden) settings(more map[string]any) {
	set := map[string]any{"debugLog": false, "excludeTags": "Private", "pathMap": "/mapped => /to"}
	maps.Copy(set, more)
	g.world.settings(set)
}

// later moves what waits to a time that does not come while the test runs.
func (g *golden) later() {
	g.Helper()
	g.sql(`UPDATE job SET due_at = ?1 + 540000 WHERE due_at > ?1 OR attempts + misses > 0`, time.Now().UnixMilli())
}

// toItem tells the writes to a scene's item from others.
func (g *golden) toItem(id int) func(plextest.Request) bool {
	return func(r plextest.Request) bool { return strings.Contains(r.Query+"&", "id="+g.keys[id]+"&") }
}

func (g *golden) beforeTheFirstRun() {
	g.want("status-empty", "status")
	g.want("check-unread", "check")
	g.want("explain-unknown", "explain", "scene_id", plain)
	g.want("explain-missing", "explain", "scene_id", 4711)
	g.want("error-scene-id", "explain", "scene_id", "x")
	g.want("error-mode", "nonsense")
	g.want("error-hours", "sync-recent", "hours", "x")
	g.want("process-nothing", "process")
	g.dress(rich)
	g.want("preview-scene", "preview", "scene_id", rich)
}

func (g *golden) firstRun() {
	g.bulk("New", plain, absent, ambiguous, deleted, failing, refused, double, crashing, named, named2, named3, foldered, mapped)
	g.stash.Change(learned, titled("New")) // without a hook
	g.host.BulkUpdate(g.context(), []int{excluded}, func(s *stashtest.Scene) { s.Title, s.Tags = "New", []int{belowPrivate} })
	g.want("explain-queued", "explain", "scene_id", plain)
	g.want("preview", "preview")
	g.want("preview-task", "preview", "task", "yes")

	g.op(map[string]any{"mode": "sync-scene", "scene_id": rich})
	g.compare("stash-log", g.logged("synced scene="))

	g.stash.Drop(deleted)
	g.sql(`UPDATE job SET unfinished = 4 WHERE scene_id = ?`, crashing)
	g.plex.Inject(plextest.Fault{Method: http.MethodPut, Match: g.toItem(failing), Status: http.StatusInternalServerError, Header: http.Header{"Retry-After": {"500"}}})
	g.plex.Inject(plextest.Fault{Method: http.MethodPut, Match: g.toItem(refused), Status: http.StatusBadRequest})
	g.want("process", "process")
	g.plex.Heal()
	g.later()
}

// states asks for each state that a scene can be in.
func (g *golden) states() {
	g.want("explain-synced", "explain", "scene_id", rich)
	g.want("explain-synced-twice", "explain", "scene_id", double)
	g.want("explain-waiting", "explain", "scene_id", absent)
	g.want("explain-retrying", "explain", "scene_id", failing)
	g.want("explain-ambiguous", "explain", "scene_id", ambiguous)
	g.want("explain-rejected", "explain", "scene_id", refused)
	g.want("explain-crashed", "explain", "scene_id", crashing)
	g.want("explain-skipped", "explain", "scene_id", excluded)
	g.want("explain-gone", "explain", "scene_id", deleted)
	g.want("status", "status")
	g.want("status-task", "status", "task", "yes")
	g.want("clear-dead-scene", "clear-dead", "scene_id", crashing)
	g.want("check", "check")
	g.stash.Change(rich, func(s *stashtest.Scene) { s.Tags, s.Studio, s.Rating100 = nil, 0, nil })
	g.want("preview-taking-back", "preview")
	g.want("preview-not-found", "preview", "scene_id", absent)
}

func (g *golden) laterRuns() {
	g.want("sync-scene", "sync-scene", "scene_id", learned)
	g.want("sync-scene-unchanged", "sync-scene", "scene_id", plain)
	g.want("sync-scene-waiting", "sync-scene", "scene_id", absent)
	g.want("sync-scene-skipped", "sync-scene", "scene_id", excluded)
	g.want("sync-recent", "sync-recent", "hours", 2)
	g.later()
	g.want("sync-all", "sync-all")
	g.later()
	g.want("retry-dead", "retry-dead", "class", "rejected")
	g.want("retry-dead-none", "retry-dead")
	g.want("process-retried", "process")
	g.later()
}

// restores covers an item that was edited in Plex since the push, one that is gone, and one that Plex refuses to change.
func (g *golden) restores() {
	g.plex.Edit(g.keys[rich], func(it *plextest.Item) { it.Title, it.Summary = "Edited in Plex", "Edited in Plex" })
	g.want("restore-scene", "restore", "scene_id", rich)
	g.want("explain-restored", "explain", "scene_id", rich)
	g.want("restore-scene-again", "restore", "scene_id", rich)
	g.plex.Remove(g.keys[mapped])
	g.plex.Inject(plextest.Fault{Method: http.MethodPut, Match: g.toItem(plain), Status: http.StatusBadRequest})
	g.want("restore", "restore")
	g.plex.Heal()
	g.want("status-restored", "status")
}

// brokenSettings covers what the user must correct.
func (g *golden) brokenSettings() {
	g.bulk("Newer", plain, double, failing)
	g.settings(map[string]any{"plexToken": "wrong-" + token})
	g.each("unauthorised")
	g.settings(map[string]any{"plexUrl": "", "timeoutSeconds": -1, "plexUrll": "x"})
	g.each("misconfigured")
	g.settings(map[string]any{"plexLibraries": "Nowhere"})
	g.want("process-no-library", "process")
	g.want("check-no-library", "check")
	g.settings(map[string]any{"plexLibraries": "Videos, Nowhere"})
	g.want("sync-scene-unready", "sync-scene", "scene_id", absent)
	g.later()
	g.want("explain-unready", "explain", "scene_id", absent)
	g.want("check-library-missing", "check")
	g.settings(nil)
}

// each calls every operation that needs Plex and Stash, in a world in which they fail.
func (g *golden) each(why string) {
	g.Helper()
	g.want("check-"+why, "check")
	g.want("process-"+why, "process")
	g.want("preview-"+why, "preview")
	g.want("restore-"+why, "restore")
	g.want("rebuild-index-"+why, "rebuild-index")
}

func (g *golden) silentStash() {
	g.stash.Inject(stashtest.Fault{Status: http.StatusInternalServerError})
	g.want("process-stash-unavailable", "process")
	g.want("check-stash-unavailable", "check")
	g.stash.Heal()
	g.stash.Inject(stashtest.Fault{Operation: "ScenesByID", Status: http.StatusInternalServerError})
	g.want("process-scenes-unavailable", "process")
	g.want("preview-scenes-unavailable", "preview")
	g.stash.Heal()
}

// silentPlex stops Plex until the breaker opens, and starts it again.
func (g *golden) silentPlex() {
	g.plex.Stop()
	g.each("server-down") // the breaker counts the run; it counts neither a preview nor a restore
	g.want("sync-scene-server-down", "sync-scene", "scene_id", plain)
	for range 2 {
		g.process()
	}
	g.want("process-breaker-opens", "process")
	g.want("process-paused", "process", "asked_by", "hook")
	g.want("explain-queued-paused", "explain", "scene_id", plain)
	g.want("explain-waiting-paused", "explain", "scene_id", absent)
	g.want("status-paused", "status")
	g.must(g.plex.Restart())
	g.want("process-breaker-closes", "process")
	g.later()
	g.want("status-after-outage", "status")
}

func (g *golden) anotherServer() {
	g.stash.Drop(double)
	g.want("explain-missing-synced", "explain", "scene_id", double)
	g.plex.SetMachine("22222222222222222222222222222222222222bb")
	g.bulk("Newest", plain)
	g.want("process-another-server", "process")
	g.want("check-another-server", "check")
	g.want("explain-another-server", "explain", "scene_id", failing)
	g.want("process-new-server", "process")
	g.later()
}

func (g *golden) upkeep() {
	g.plex.Inject(plextest.Fault{Prefix: "/library/sections/1/all", Status: http.StatusInternalServerError})
	g.want("rebuild-index-listing-fails", "rebuild-index")
	g.bulk("New", absent)
	g.want("process-listing-fails", "process")
	g.plex.Heal()
	g.want("rebuild-index", "rebuild-index")
	g.want("clear-dead", "clear-dead")
	g.want("clear-queue", "clear-queue")
	g.want("explain-cleared", "explain", "scene_id", absent)
	g.want("status-cleared", "status")
}

// besideARun calls the operations that need the lock while a run holds it. The calls run concurrently because each waits
// two seconds for the lock.
func (g *golden) besideARun() {
	g.bulk("Last", plain)
	answer := g.holdWrite(0)
	ended := make(chan map[string]any, 1)
	g.plex.Forget()
	go func() { ended <- g.process() }()
	g.until(func() bool { return g.plex.Count(http.MethodPut, "") == 1 })
	modes := []string{"process", "restore", "rebuild-index"}
	calls, errs := make([]call, len(modes)), make([]error, len(modes))
	ctx := g.context()
	var all sync.WaitGroup
	for i, mode := range modes {
		all.Go(func() { calls[i], errs[i] = g.call(ctx, arguments(mode, nil)) })
	}
	all.Wait()
	for i, mode := range modes {
		g.must(errs[i])
		g.compare(mode+"-held", calls[i])
	}
	answer()
	if out := <-ended; out["synced"] != 1.0 {
		g.Errorf("the run = %v", out)
	}
}
