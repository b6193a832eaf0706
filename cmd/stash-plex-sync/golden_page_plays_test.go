package main

import (
	"time"

	"github.com/stash-plex-sync/stash-plex-sync/plexapi/plextest"
)

// pagesPlays calls the operations about what is watched in Plex.
func (g *golden) pagesPlays() {
	g.Helper()
	g.want("page-plays-off", "plays")
	g.want("pull-off", "pull")
	kid := g.plex.AddAccount("Kid", "")
	g.settings(map[string]any{"85plays": "on"})
	g.want("pull-first", "pull")
	g.settings(map[string]any{"85plays": "owner, Anna"})
	g.want("pull-unknown-account", "pull", "now", true)
	g.want("page-plays-unknown-account", "plays")
	g.want("page-accounts", "accounts")
	g.settings(map[string]any{"85plays": "owner, Kid"})
	g.want("pull-nothing", "pull", "now", true)
	stranger := g.plex.AddItem(g.section, "/data/stranger.mp4", 77)
	for i, key := range []string{g.keys[plain], g.keys[rich], stranger} {
		g.plex.Play(key, plextest.Owner, time.Now().Add(time.Duration(i+2)*time.Second))
	}
	g.plex.Play(g.keys[plain], kid, time.Now().Add(10*time.Second))
	g.plex.Play(g.keys[plain], 4711, time.Now().Add(20*time.Second))
	g.plex.StopAt(g.keys[named], plextest.Owner, 90*time.Second)
	g.want("pull-soon", "pull")
	g.want("pull", "pull", "now", true)
	g.want("page-plays", "plays", "limit", 2)
	g.want("page-plays-new", "plays", "state", "new")
	g.want("page-plays-past", "plays", "state", "past")
	g.want("page-plays-bad", "plays", "cursor", "x")
	g.want("page-scene-plays", "scene", "scene_id", plain)
	g.want("import-plays", "import-plays")
	g.want("import-plays-task", "import-plays", "dry_run", true, "task", "yes")
	g.want("undo-plays-bad", "undo-plays", "since", "yesterday")
	g.want("undo-plays", "undo-plays")
	g.settings(nil)
	g.plex.Remove(stranger)
}
