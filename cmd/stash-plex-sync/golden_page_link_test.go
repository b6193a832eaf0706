package main

// pagesCandidates calls the reading operation of manual links.
func (g *golden) pagesCandidates() {
	g.Helper()
	g.want("page-candidates", "candidates", "scene_id", ambiguous)
	g.want("page-candidates-text", "candidates", "scene_id", plain, "text", "LEFT/")
	g.want("page-candidates-bad", "candidates", "scene_id", 4711)
}

// pagesLink calls the operations that choose an item for a scene and forget the choice.
func (g *golden) pagesLink() {
	g.Helper()
	g.want("page-link", "link", "scene_id", ambiguous, "path", "/mnt/left/clip4.mp4")
	g.want("page-link-taken", "link", "scene_id", plain, "path", "/mnt/left/clip4.mp4")
	g.want("page-link-bad", "link", "scene_id", plain)
	g.want("page-forget", "forget", "scene_id", ambiguous)
	g.want("page-forget-bad", "forget", "scene_id", ambiguous)
}
