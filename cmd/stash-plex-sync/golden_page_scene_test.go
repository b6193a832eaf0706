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
	g.want("page-check", "check", "settings", map[string]any{"05plexUrl": g.plex.URL()})
}
