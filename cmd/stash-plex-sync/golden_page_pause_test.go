package main

import "net/http"

// pauses covers a pause of all pushing, what wakes a run, and a run in progress.
func (g *golden) pauses() {
	g.want("page-pause", "pause", "minutes", 60, "by", "Ann")
	g.want("page-pause-bad", "pause", "minutes", 50_000)
	g.bulk("Paused", plain)
	g.want("page-wake", "wake")
	g.want("process-paused-by-person", "process")
	g.want("sync-scene-paused-by-person", "sync-scene", "scene_id", plain)
	g.want("retry-dead-paused-by-person", "retry-dead")
	g.want("page-sync-scenes-paused", "sync-scenes", "scene_ids", []int{plain})
	g.want("explain-paused-by-person", "explain", "scene_id", plain)
	g.want("status-paused-by-person", "status")
	g.want("page-resume", "resume")
	g.want("page-resume-again", "resume")
	g.want("page-sync-scenes", "sync-scenes", "scene_ids", []int{rich, plain})
	g.want("page-run-none", "run")
	answer := g.holdWrite(0)
	ended := make(chan map[string]any, 1)
	g.plex.Forget()
	go func() { ended <- g.process() }()
	g.until(func() bool { return g.plex.Count(http.MethodPut, "") == 1 })
	g.until(func() bool { run := g.inProgress(); return run != nil && run["scene_id"] != 0.0 })
	g.want("page-run", "run")
	answer()
	<-ended
}
