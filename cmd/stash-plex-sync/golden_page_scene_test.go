package main

// pagesScene calls the operations about one scene, and the one about the settings.
func (g *golden) pagesScene() {
	g.Helper()
	g.want("page-scene", "scene", "scene_id", plain)
	g.want("page-scene-rich", "scene", "scene_id", rich)
	g.want("page-scene-excluded", "scene", "scene_id", excluded)
	g.want("page-scene-no-id", "scene")
	g.want("page-pictures", "pictures", "scene_id", plain)
	g.want("page-pictures-bad", "pictures", "scene_id", plain, "rating_key", "1")
	g.want("page-settings", "settings")
	g.want("page-libraries", "libraries")
	g.want("page-copy-report", "copy-report")
	g.want("page-copy-report-check", "copy-report", "check", true)
	g.want("page-check", "check", "settings", map[string]any{"05plexUrl": g.plex.URL()})
}

// acceptsServer makes another server known, and this one again.
func (g *golden) acceptsServer() {
	g.Helper()
	g.sql(`UPDATE meta SET value = ? WHERE key = 'server'`, firstMachine)
	g.want("page-accept-server", "accept-server", "server", g.plex.Machine())
	g.want("page-accept-server-other", "accept-server", "server", firstMachine)
}
